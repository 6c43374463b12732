"""A BERT of two layers with random weights, as a Hugging Face folder."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

WIDTH, INNER, LAYERS, HEADS, POSITIONS = 16, 32, 2, 4, 64
WORDS = """
i want to fly from berlin paris new york the a book flight hello hi good bye see you order my is number where what
weather 1 2 3 . , ? ! - un ##known ##s ##ing 我 要 去 北 京
"""


def write_tiny_bert(folder: Path, *, model_type: str = "bert") -> Path:
    """Write config, weights and tokenizer; returns the folder."""
    folder.mkdir(parents=True)
    vocabulary = {word: place for place, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS.split()])}
    config = {
        "model_type": model_type,
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "vocab_size": len(vocabulary),
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
    }
    (folder / "config.json").write_text(json.dumps(config))
    save_file(_weights(len(vocabulary)), folder / "model.safetensors")
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _weights(words: int) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(7)

    def matrix(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random) * 0.3

    weights = {
        "embeddings.word_embeddings.weight": matrix(words, WIDTH),
        "embeddings.position_embeddings.weight": matrix(POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": matrix(2, WIDTH),
        "embeddings.LayerNorm.weight": 1 + matrix(WIDTH),
        "embeddings.LayerNorm.bias": matrix(WIDTH),
    }
    sizes = {
        "attention.self.query": (WIDTH, WIDTH),
        "attention.self.key": (WIDTH, WIDTH),
        "attention.self.value": (WIDTH, WIDTH),
        "attention.output.dense": (WIDTH, WIDTH),
        "intermediate.dense": (INNER, WIDTH),
        "output.dense": (WIDTH, INNER),
    }
    for layer in range(LAYERS):
        stem = f"encoder.layer.{layer}."
        for name, size in sizes.items():
            weights[f"{stem}{name}.weight"] = matrix(*size)
            weights[f"{stem}{name}.bias"] = matrix(size[0])
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            weights[f"{stem}{name}.weight"] = 1 + matrix(WIDTH)
            weights[f"{stem}{name}.bias"] = matrix(WIDTH)
    return weights

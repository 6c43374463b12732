"""A GGUF file into the Hugging Face layout: ``config.json``, ``model.safetensors``, ``tokenizer.json``, chat template.

Done once, at training: what was quantised cannot be fine-tuned or saved again, and reading it takes longer than
serving should. Knows Llama-like models with a byte-level BPE vocabulary; others are named as a Hugging Face folder.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from gguf import GGUFReader, dequantize
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor

from retrieval.errors import BaseModelError

CHAT_TEMPLATE = "chat_template.jinja"

_KINDS = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}
_LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OTHER_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}

_LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_SPLITS = {"llama-bpe": _LLAMA3_SPLIT, "qwen2": _LLAMA3_SPLIT.replace("{1,3}", "")}
_CONTROL, _USER_DEFINED = 3, 4


def convert_gguf(file: Path, out: Path) -> None:
    """Write the model in ``file`` to the folder ``out``, weights as bfloat16. Raises ``BaseModelError``."""
    try:
        reader = GGUFReader(file)
        fields = {name: field.contents() for name, field in reader.fields.items()}
        kind = str(fields["general.architecture"])
        if kind not in _KINDS:
            raise BaseModelError(f"{file}: a GGUF model of type {kind}; name its Hugging Face folder instead")
        tensors = _tensors(reader, fields, kind)
        tokenizer = _tokenizer(file, fields)
        config = _config(fields, kind, tied="lm_head.weight" not in tensors)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise BaseModelError(f"{file}: cannot be read as a GGUF model ({error})") from error
    out.mkdir(parents=True, exist_ok=True)
    (out / "tokenizer.json").write_text(tokenizer.to_str(pretty=True), "utf-8")  # its own writing says no errno
    (out / "tokenizer_config.json").write_text(json.dumps(_special_tokens(fields)), "utf-8")
    (out / "config.json").write_text(json.dumps(config, indent=1), "utf-8")
    (out / CHAT_TEMPLATE).write_text(str(fields.get("tokenizer.chat_template", "")), "utf-8")
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})


def _tensors(reader: GGUFReader, fields: Mapping[str, Any], kind: str) -> dict[str, Tensor]:
    heads = int(fields[f"{kind}.attention.head_count"])
    key_heads = int(fields[f"{kind}.attention.head_count_kv"])
    tensors: dict[str, Tensor] = {}
    for tensor in reader.tensors:
        if tensor.name.startswith("rope_"):
            continue
        name, values = _name(tensor.name), torch.tensor(dequantize(tensor.data, tensor.tensor_type))
        if kind == "llama" and ".q_proj." in name:
            values = _unwoven(values, heads)
        elif kind == "llama" and ".k_proj." in name:
            values = _unwoven(values, key_heads)
        tensors[name] = values.to(torch.bfloat16).contiguous()
    return tensors


def _name(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{_LAYER_NAMES[parts[2]]}.{parts[3]}"
    return f"{_OTHER_NAMES[parts[0]]}.{parts[1]}"


def _unwoven(values: Tensor, heads: int) -> Tensor:
    """GGUF keeps the two halves of each rotary pair side by side; the other layout keeps them half a head apart."""
    rows = values.view(heads, values.shape[0] // heads // 2, 2, *values.shape[1:])
    return rows.transpose(1, 2).reshape(values.shape)


def _config(fields: Mapping[str, Any], kind: str, *, tied: bool) -> dict[str, object]:
    about = {name.removeprefix(f"{kind}."): value for name, value in fields.items() if name.startswith(f"{kind}.")}
    return {
        "architectures": [_KINDS[kind]],
        "model_type": kind,
        "hidden_act": "silu",
        "hidden_size": about["embedding_length"],
        "intermediate_size": about["feed_forward_length"],
        "max_position_embeddings": about["context_length"],
        "num_attention_heads": about["attention.head_count"],
        "num_hidden_layers": about["block_count"],
        "num_key_value_heads": about["attention.head_count_kv"],
        "rms_norm_eps": about["attention.layer_norm_rms_epsilon"],
        "rope_theta": about.get("rope.freq_base", 10000.0),
        "tie_word_embeddings": tied,
        "vocab_size": len(fields["tokenizer.ggml.tokens"]),
        "bos_token_id": fields.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": fields["tokenizer.ggml.eos_token_id"],
        "pad_token_id": fields.get("tokenizer.ggml.padding_token_id"),
        "torch_dtype": "bfloat16",
    }


def _tokenizer(file: Path, fields: Mapping[str, Any]) -> Tokenizer:
    if fields["tokenizer.ggml.model"] != "gpt2":
        raise BaseModelError(f"{file}: its vocabulary is not byte-level BPE; name its Hugging Face folder instead")
    tokens = fields["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ", 1)) for merge in fields["tokenizer.ggml.merges"]]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    way = str(fields.get("tokenizer.ggml.pre", "default"))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=way == "llama-bpe"))
    tokenizer.pre_tokenizer = _pre_tokenizer(file, way)
    tokenizer.decoder = decoders.ByteLevel()
    kinds = fields["tokenizer.ggml.token_type"]
    added = [AddedToken(t, special=True, normalized=False) for t, k in zip(tokens, kinds, strict=True) if k == _CONTROL]
    own = [AddedToken(t, normalized=False) for t, k in zip(tokens, kinds, strict=True) if k == _USER_DEFINED]
    tokenizer.add_special_tokens(added)
    tokenizer.add_tokens(own)
    return tokenizer


def _pre_tokenizer(file: Path, name: str) -> Any:
    if name in ("default", "gpt-2"):
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    if name in ("smollm", "starcoder"):
        parts = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        return pre_tokenizers.Sequence(parts)
    if name in _SPLITS:
        split = pre_tokenizers.Split(Regex(_SPLITS[name]), behavior="isolated")
        whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        return pre_tokenizers.Sequence([split, whole])
    raise BaseModelError(f"{file}: cuts its words the {name} way; name its Hugging Face folder instead")


def _special_tokens(fields: Mapping[str, Any]) -> dict[str, object]:
    tokens = fields["tokenizer.ggml.tokens"]
    named = {"bos_token": "bos_token_id", "eos_token": "eos_token_id", "pad_token": "padding_token_id"}
    numbers = {name: fields.get(f"tokenizer.ggml.{key}") for name, key in named.items()}
    chosen: dict[str, object] = {name: tokens[number] for name, number in numbers.items() if number is not None}
    return {**chosen, "tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}

"""The BERT encoder, forward pass only, read from safetensors: what BERT, MiniLM, BGE and E5 checkpoints hold.

Written out because importing it from a model library takes seconds at start-up and hundreds of megabytes. It trains
like any module: gradients flow, dropout is left out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from retrieval.blank import Blank
from retrieval.errors import BaseModelError

_ACTIVATIONS = {"gelu": "none", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BertShape:
    """The sizes that ``config.json`` states. ``offset``: the position of the first token (RoBERTa counts from 2)."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float
    gelu: str
    offset: int

    @classmethod
    def read(cls, folder: Path) -> "BertShape":
        """From a model folder. Raises ``BaseModelError`` for another architecture."""
        try:
            config = json.loads((folder / "config.json").read_text("utf-8"))
            kind = config["model_type"]
            if kind not in ("bert", "roberta", "xlm-roberta"):
                raise BaseModelError(
                    f"{folder}: a model of type {kind}; use bert, roberta or xlm-roberta, or a folder "
                    "that sentence-transformers saved (with modules.json)"
                )
            return cls(
                hidden=config["hidden_size"],
                layers=config["num_hidden_layers"],
                heads=config["num_attention_heads"],
                ffn=config["intermediate_size"],
                vocabulary=config["vocab_size"],
                positions=config["max_position_embeddings"],
                types=config["type_vocab_size"],
                epsilon=config["layer_norm_eps"],
                gelu=_ACTIVATIONS[config["hidden_act"]],
                offset=0 if kind == "bert" else config["pad_token_id"] + 1,
            )
        except (OSError, ValueError, KeyError) as error:
            raise BaseModelError(f"{folder}: config.json cannot be used ({error})") from error


class _Layer(nn.Module):
    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.heads, self.gelu = shape.heads, shape.gelu
        self.qkv = nn.Linear(shape.hidden, 3 * shape.hidden)
        self.out = nn.Linear(shape.hidden, shape.hidden)
        self.out_norm = nn.LayerNorm(shape.hidden, eps=shape.epsilon)
        self.up = nn.Linear(shape.hidden, shape.ffn)
        self.down = nn.Linear(shape.ffn, shape.hidden)
        self.down_norm = nn.LayerNorm(shape.hidden, eps=shape.epsilon)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        batch, length, hidden = states.shape
        parts = self.qkv(states).view(batch, length, 3, self.heads, hidden // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        attended = attended.transpose(1, 2).reshape(batch, length, hidden)
        states = self.out_norm(states + self.out(attended))
        result: Tensor = self.down_norm(states + self.down(functional.gelu(self.up(states), approximate=self.gelu)))
        return result


class Bert(nn.Module):
    """Token ids in, hidden states out."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.shape = shape
        self.words = nn.Embedding(shape.vocabulary, shape.hidden)
        self.places = nn.Embedding(shape.positions, shape.hidden)
        self.kind = nn.Parameter(torch.zeros(shape.hidden))
        self.norm = nn.LayerNorm(shape.hidden, eps=shape.epsilon)
        self.layers = nn.ModuleList(_Layer(shape) for _ in range(shape.layers))

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """``ids`` (batch, length) and a boolean ``mask``, True on real tokens, into states (batch, length, hidden).

        ``mask`` None says that nothing is padded, which is a little faster.
        """
        positions = torch.arange(ids.shape[1], device=ids.device) + self.shape.offset
        states: Tensor = self.norm(self.words(ids) + self.places(positions) + self.kind)
        attention = None if mask is None else mask[:, None, None, :]
        for layer in self.layers:
            states = layer(states, attention)
        return states

    @classmethod
    def load(cls, folder: Path) -> "Bert":
        """Read a checkpoint in the Hugging Face layout. Raises ``BaseModelError``."""
        shape = BertShape.read(folder)
        try:
            tensors = load_file(folder / "model.safetensors")
            with Blank(), torch.device("meta"):
                model = cls(shape)
            model.load_state_dict(_renamed(tensors, shape), assign=True)
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise BaseModelError(f"{folder}: model.safetensors does not fit config.json ({error})") from error
        return model.eval()


def checkpoint(model: Bert) -> dict[str, Tensor]:
    """The weights under the names of the Hugging Face layout, so that any library reads what was trained here."""
    state = model.state_dict()
    tensors = {
        "embeddings.word_embeddings.weight": state["words.weight"],
        "embeddings.position_embeddings.weight": state["places.weight"],
        "embeddings.token_type_embeddings.weight": state["kind"].repeat(model.shape.types, 1),
        "embeddings.LayerNorm.weight": state["norm.weight"],
        "embeddings.LayerNorm.bias": state["norm.bias"],
    }
    for number in range(model.shape.layers):
        for part in ("weight", "bias"):
            stem = f"encoder.layer.{number}."
            for name, rows in zip(
                ("query", "key", "value"), state[f"layers.{number}.qkv.{part}"].chunk(3), strict=True
            ):
                tensors[f"{stem}attention.self.{name}.{part}"] = rows
            for ours, theirs in _LAYER_NAMES.items():
                tensors[f"{stem}{theirs}.{part}"] = state[f"layers.{number}.{ours}.{part}"]
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}


_LAYER_NAMES = {
    "out": "attention.output.dense",
    "out_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "down_norm": "output.LayerNorm",
}


def _renamed(tensors: Mapping[str, Tensor], shape: BertShape) -> dict[str, Tensor]:
    """The weights under this module's names, in 32 bits. Word vectors stay as they are: few rows are read."""
    tensors = {name.split("bert.", 1)[-1]: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    words = tensors.pop("embeddings.word_embeddings.weight")
    tensors = {name: tensor.float() for name, tensor in tensors.items()}
    state = {
        "words.weight": words,
        "places.weight": tensors["embeddings.position_embeddings.weight"],
        "kind": tensors["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": tensors["embeddings.LayerNorm.weight"],
        "norm.bias": tensors["embeddings.LayerNorm.bias"],
    }
    for number in range(shape.layers):
        stem = f"encoder.layer.{number}."
        for part in ("weight", "bias"):
            rows = [tensors[f"{stem}attention.self.{name}.{part}"] for name in ("query", "key", "value")]
            state[f"layers.{number}.qkv.{part}"] = torch.cat(rows)
            for ours, theirs in _LAYER_NAMES.items():
                state[f"layers.{number}.{ours}.{part}"] = tensors[f"{stem}{theirs}.{part}"]
    return state

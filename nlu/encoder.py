"""The transformer encoder: packed tokens in, one vector per token out. BERT and RoBERTa families.

Written out instead of taken from transformers for two reasons: packing all texts of a batch into one row halves
the cost of short messages, and a server that only answers needs neither transformers' import time nor its memory.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from nlu.errors import BaseUnsupported
from nlu.tokens import Packed

Weights: TypeAlias = dict[str, torch.Tensor]

_FAMILIES = {"bert": 0, "roberta": 2, "xlm-roberta": 2, "camembert": 2}
"""Supported ``model_type`` and the number of its first position."""
_REMEDY = f"choose one of the families {', '.join(_FAMILIES)} with GELU, and its weights in *.safetensors"

_LAYER_NAMES = {
    "out": "attention.output.dense",
    "norm_attention": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "norm_output": "output.LayerNorm",
}


_COLUMNS = 8
"""Tables are as wide as a multiple of this, as a CPU builds its kernels per size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderShape:
    """The sizes of an encoder. ``grown``: rows of the vocabulary that the base model did not have."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    inner: int
    positions: int
    epsilon: float
    grown: int = 0

    def as_json(self) -> dict[str, int | float]:
        """The sizes as they stand in the model's manifest."""
        return asdict(self)


class Layer(nn.Module):
    """One transformer layer with the norm after each half (as in BERT). Rows: (n, width)."""

    def __init__(self, shape: EncoderShape, dropout: float) -> None:
        super().__init__()
        self.heads = shape.heads
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.norm_attention = nn.LayerNorm(shape.width, shape.epsilon)
        self.up = nn.Linear(shape.width, shape.inner)
        self.down = nn.Linear(shape.inner, shape.width)
        self.norm_output = nn.LayerNorm(shape.width, shape.epsilon)
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: torch.Tensor, table: "Table | None") -> torch.Tensor:
        """``table``: where the texts of the rows lie; None where all rows are one text."""
        count, width = rows.shape
        mixed = self.qkv(rows)
        if table is None:
            seen = _attention(mixed.view(1, count, 3, self.heads, width // self.heads), None)
        else:
            spread = mixed.new_zeros(table.texts * table.longest, 3 * width).index_copy(
                0, table.places, mixed[: table.count]
            )
            seen = _attention(spread.view(table.texts, table.longest, 3, self.heads, width // self.heads), table.hidden)
            seen = functional.pad(seen.index_select(0, table.places), (0, 0, 0, count - table.count))
        rows = self.norm_attention(rows + self.dropout(self.out(seen)))
        result: torch.Tensor = self.norm_output(rows + self.dropout(self.down(functional.gelu(self.up(rows)))))
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Packed texts laid out one a row, for attention, whose cost grows with the square of what is side by side.

    ``places`` (count,): where each token lies in the flat table of ``texts`` rows and ``longest`` columns.
    ``hidden`` (texts, 1, 1, longest): what is added to the scores of a column, minus infinity where no token lies.
    """

    texts: int
    longest: int
    count: int
    places: torch.Tensor
    hidden: torch.Tensor


def laid_out(batch: Packed) -> Table | None:
    """The table of a batch's readings; None for a single one without filler."""
    texts = len(batch.lengths)
    sizes = batch.lengths
    count = int(sizes.sum())
    if texts == 1 and count == len(batch.ids):
        return None
    longest = -(-int(sizes.max()) // _COLUMNS) * _COLUMNS
    filled = torch.arange(longest, device=sizes.device)[None, :] < sizes[:, None]
    return Table(
        texts=texts,
        longest=longest,
        count=count,
        places=(batch.reading * longest + batch.positions)[:count],
        hidden=torch.where(filled, 0.0, float("-inf"))[:, None, None, :],
    )


def _attention(mixed: torch.Tensor, hidden: torch.Tensor | None) -> torch.Tensor:
    """Attention of (texts, tokens, 3, heads, d) as (texts * tokens, heads * d).

    Written out where it is learned: for short rows on a CPU torch's fused kernel is slower backwards.
    """
    query, key, value = mixed.permute(2, 0, 3, 1, 4)
    hidden = None if hidden is None else hidden.to(query.dtype)
    if torch.is_grad_enabled():
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        seen = (scores if hidden is None else scores + hidden).softmax(dim=-1).to(value.dtype) @ value
    else:
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=hidden)
    result: torch.Tensor = seen.transpose(1, 2).flatten(2).flatten(0, 1)
    return result


class Encoder(nn.Module):
    """Embeddings and layers. Word and position vectors may be kept in a narrower type than the rest."""

    def __init__(self, shape: EncoderShape, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape = shape
        self.words = nn.Embedding(shape.vocabulary, shape.width)
        self.grown = nn.Embedding(shape.grown, shape.width) if shape.grown else None
        self.places = nn.Embedding(shape.positions, shape.width)
        self.norm = nn.LayerNorm(shape.width, shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: Packed) -> torch.Tensor:
        """A vector for each token of the batch: (n, width)."""
        table = laid_out(batch)
        rows: torch.Tensor = self._vectors(batch.ids) + self.places(batch.positions)
        rows = self.dropout(self.norm(rows.to(self.norm.weight.dtype)))
        for layer in self.layers:
            rows = layer(rows, table)
        return rows

    def _vectors(self, ids: torch.Tensor) -> torch.Tensor:
        if self.grown is None:
            base: torch.Tensor = self.words(ids)
            return base
        new = ids >= self.shape.vocabulary
        known = self.words(ids.clamp(max=self.shape.vocabulary - 1))
        learned = self.grown((ids - self.shape.vocabulary).clamp(min=0))
        return torch.where(new[:, None], learned.to(known.dtype), known)


def mean_vectors(rows: torch.Tensor, batch: Packed) -> torch.Tensor:
    """The mean of the token vectors of each text's first reading: (b, width)."""
    if len(batch.lengths) == 1 and len(rows) == batch.sizes[0]:
        return rows.mean(0, keepdim=True)
    sums = _sums(rows, batch.reading, len(batch.lengths))[: len(batch.sizes)]
    return sums / batch.sizes[:, None].to(rows.dtype)


def sums_by_text(rows: torch.Tensor, batch: Packed) -> torch.Tensor:
    """The sum of the rows (n, ...) of each text: (b, ...)."""
    return _sums(rows, batch.owner, len(batch.sizes))


def _sums(rows: torch.Tensor, owners: torch.Tensor, count: int) -> torch.Tensor:
    sums = torch.zeros(count + 1, rows.shape[1], dtype=rows.dtype, device=rows.device)
    return sums.index_add(0, owners, rows)[:-1]


def read_base(folder: Path) -> tuple[EncoderShape, Weights]:
    """The shape and weights of a Hugging Face folder. Raises BaseUnsupported."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    family = config.get("model_type")
    if family not in _FAMILIES or config.get("hidden_act", "gelu") != "gelu":
        raise BaseUnsupported(f"{folder.name}: an encoder of type {family!r} cannot be used", remedy=_REMEDY)
    try:
        return _read(folder, config, _FAMILIES[family])
    except KeyError as exc:
        raise BaseUnsupported(f"{folder.name}: has no {exc}", remedy=_REMEDY) from exc


def _read(folder: Path, config: dict[str, Any], first_position: int) -> tuple[EncoderShape, Weights]:
    weights: Weights = {}
    for file in sorted(folder.glob("*.safetensors")):
        weights.update(load_file(file))
    if not weights:
        raise BaseUnsupported(f"{folder.name}: holds no *.safetensors", remedy=_REMEDY)
    weights = {name.removeprefix("bert.").removeprefix("roberta."): tensor for name, tensor in weights.items()}
    shape = EncoderShape(
        vocabulary=weights["embeddings.word_embeddings.weight"].shape[0],
        width=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        inner=config["intermediate_size"],
        positions=weights["embeddings.position_embeddings.weight"].shape[0] - first_position,
        epsilon=config["layer_norm_eps"],
    )
    return shape, _renamed(weights, shape, first_position)


def _renamed(weights: Weights, shape: EncoderShape, first_position: int) -> Weights:
    """Hugging Face's weights under this module's names; the only token type is added to the positions."""
    kinds = weights.get("embeddings.token_type_embeddings.weight", torch.zeros(1, shape.width))
    ours = {
        "words.weight": weights["embeddings.word_embeddings.weight"].float(),
        "places.weight": (weights["embeddings.position_embeddings.weight"][first_position:] + kinds[0]).float(),
    }
    for kind in ("weight", "bias"):
        ours[f"norm.{kind}"] = weights[f"embeddings.LayerNorm.{kind}"].float()
        for layer in range(shape.layers):
            stem = f"encoder.layer.{layer}."
            parts = [weights[f"{stem}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            ours[f"layers.{layer}.qkv.{kind}"] = torch.cat(parts).float()
            for short, full in _LAYER_NAMES.items():
                ours[f"layers.{layer}.{short}.{kind}"] = weights[f"{stem}{full}.{kind}"].float()
    return ours

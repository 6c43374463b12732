"""Causal models of the Llama kind (Llama, SmolLM, Mistral, Qwen2, Qwen3), forward pass only, read from safetensors.

Written out because a model library takes seconds to import and hundreds of megabytes. One sequence at a time, with a
key-value cache of fixed size; 8-bit weights on a CPU, bfloat16 on a GPU.
"""

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

from retrieval.blank import Blank
from retrieval.errors import BaseModelError
from retrieval.int8 import Int8Embedding, Int8Linear, supported

KINDS = frozenset({"llama", "mistral", "qwen2", "qwen3"})

STAND_BACK_S = 0.1
"""How long a model waits for others, at most, while it reads or writes a token."""

_WEIGHTS = "model.safetensors"
_WEIGHTS_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaShape:
    """The sizes that ``config.json`` states."""

    hidden: int
    layers: int
    heads: int
    key_heads: int
    head_size: int
    positions: int
    epsilon: float
    rope_theta: float
    tied: bool

    @classmethod
    def read(cls, folder: Path) -> "LlamaShape | None":
        """From a model folder; None for a kind of model that is not written out here. Raises ``BaseModelError``."""
        try:
            config = json.loads((folder / "config.json").read_text("utf-8"))
            if not isinstance(config, dict):
                raise ValueError("not an object")
            rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
            scaled = rope.get("rope_type", rope.get("type", "default")) != "default"
            windowed = config.get("sliding_window") and config.get(
                "use_sliding_window", config["model_type"] == "mistral"
            )
            activation = config.get("hidden_act", "silu")
            if config["model_type"] not in KINDS or scaled or windowed or activation != "silu":
                return None
            heads = config["num_attention_heads"]
            return cls(
                hidden=config["hidden_size"],
                layers=config["num_hidden_layers"],
                heads=heads,
                key_heads=config.get("num_key_value_heads") or heads,
                head_size=config.get("head_dim") or config["hidden_size"] // heads,
                positions=config["max_position_embeddings"],
                epsilon=config["rms_norm_eps"],
                rope_theta=rope.get("rope_theta") or config.get("rope_theta", 10000.0),
                tied=config.get("tie_word_embeddings", False),
            )
        except (OSError, ValueError, KeyError) as error:
            raise BaseModelError(f"{folder}: config.json cannot be used ({error})") from error


class Cache:
    """Keys and values of the tokens so far, a layer each: ``length`` of at most ``size`` tokens.

    ``length`` may be set back.
    """

    def __init__(self, shape: LlamaShape, size: int, dtype: torch.dtype, device: torch.device) -> None:
        places = (shape.layers, 1, shape.key_heads, size, shape.head_size)
        self.keys = torch.zeros(places, dtype=dtype, device=device).unbind()
        self.values = torch.zeros(places, dtype=dtype, device=device).unbind()
        self.size, self.length = size, 0


class _Layer(nn.Module):
    def __init__(self, shape: LlamaShape, number: int, weights: "_Weights", linear: "_Linear") -> None:
        super().__init__()
        stem = f"model.layers.{number}."
        attention = [f"{stem}self_attn.{name}_proj" for name in ("q", "k", "v")]
        self.shape, self.number = shape, number
        take = weights.take
        self.before_attention = _Norm(take(f"{stem}input_layernorm.weight"), shape.epsilon)
        self.qkv = linear(torch.cat([take(f"{name}.weight") for name in attention]))
        biased = weights.has(f"{attention[0]}.bias")
        self.qkv_bias = torch.cat([take(f"{name}.bias") for name in attention]) if biased else None
        normed = weights.has(f"{stem}self_attn.q_norm.weight")  # of each head, in Qwen3
        self.query_norm = _Norm(take(f"{stem}self_attn.q_norm.weight"), shape.epsilon) if normed else None
        self.key_norm = _Norm(take(f"{stem}self_attn.k_norm.weight"), shape.epsilon) if normed else None
        self.out = linear(take(f"{stem}self_attn.o_proj.weight"))
        self.before_ffn = _Norm(take(f"{stem}post_attention_layernorm.weight"), shape.epsilon)
        self.gate_up = linear(torch.cat([take(f"{stem}mlp.{name}_proj.weight") for name in ("gate", "up")]))
        self.down = linear(take(f"{stem}mlp.down_proj.weight"))

    def forward(self, states: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor | None, cache: Cache) -> Tensor:
        states = states + self.out(self._attend(self.before_attention(states), turn, mask, cache))
        gate, up = self.gate_up(self.before_ffn(states)).chunk(2, dim=-1)
        result: Tensor = states + self.down(functional.silu(gate) * up)
        return result

    def _attend(self, states: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor | None, cache: Cache) -> Tensor:
        shape, count = self.shape, len(states)
        rows = self.qkv(states)
        if self.qkv_bias is not None:
            rows = rows + self.qkv_bias
        rows = rows.view(count, shape.heads + 2 * shape.key_heads, shape.head_size).transpose(0, 1)
        if self.query_norm is not None and self.key_norm is not None:
            query, key, value = rows.split([shape.heads, shape.key_heads, shape.key_heads])
            rows = torch.cat([self.query_norm(query), self.key_norm(key), value])
        value = rows[-shape.key_heads :]
        turned = _turned(rows[: -shape.key_heads], *turn)
        query, key = turned[: shape.heads], turned[shape.heads :]
        end = cache.length + count
        keys, values = cache.keys[self.number][:, :, :end], cache.values[self.number][:, :, :end]
        keys[0, :, cache.length :] = key
        values[0, :, cache.length :] = value
        # The query heads that share a key head are laid behind each other as if they were further tokens.
        query = query.reshape(1, shape.key_heads, -1, shape.head_size)
        attended = functional.scaled_dot_product_attention(query, keys, values, mask)
        return attended.view(shape.heads, count, shape.head_size).transpose(0, 1).reshape(count, -1)


class _Norm(nn.Module):
    def __init__(self, weight: Tensor, epsilon: float) -> None:
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(weight, requires_grad=False), epsilon

    def forward(self, states: Tensor) -> Tensor:
        return functional.rms_norm(states, self.weight.shape, self.weight, self.epsilon)


class Llama(nn.Module):
    """Token ids in, the scores of the next token out.

    While ``calm`` is not set, another thread has work that should not wait: this one lets it go first, layer by layer.
    """

    def __init__(
        self, shape: LlamaShape, weights: "_Weights", *, int8: bool, calm: threading.Event | None = None
    ) -> None:
        super().__init__()
        self._calm = calm
        linear: _Linear = Int8Linear if int8 else _plain
        words = weights.take("model.embed_tokens.weight")
        head = words if shape.tied else weights.take("lm_head.weight")
        self.shape = shape
        self.words: nn.Module = (
            Int8Embedding(words) if int8 else nn.Embedding.from_pretrained(words)  # type: ignore[no-untyped-call]
        )
        self.head = linear(head)
        self.layers = nn.ModuleList(_Layer(shape, number, weights, linear) for number in range(shape.layers))
        self.norm = _Norm(weights.take("model.norm.weight"), shape.epsilon)

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return self.norm.weight.device

    def cache(self, size: int) -> Cache:
        """An empty cache for ``size`` tokens."""
        return Cache(self.shape, min(size, self.shape.positions), self.norm.weight.dtype, self.device)

    def forward(self, ids: Tensor, cache: Cache) -> Tensor:
        """Read further tokens ``ids`` (n) into the cache; returns the scores (vocabulary) of the one after them."""
        states = self.words(ids)
        turn = self._turn(cache.length, len(ids))
        mask = self._mask(cache.length, len(ids))
        until = time.monotonic() + STAND_BACK_S
        for layer in self.layers:
            if self._calm is not None and not self._calm.is_set():
                self._calm.wait(max(0.0, until - time.monotonic()))
            states = layer(states, turn, mask, cache)
        cache.length += len(ids)
        scores: Tensor = self.head(self.norm(states[-1:]))[0]
        return scores

    def _turn(self, start: int, count: int) -> tuple[Tensor, Tensor]:
        """Cosine, and sine as ``_turned`` takes it, of the rotary position embedding: (count, head_size) each."""
        size = self.shape.head_size
        rates = self.shape.rope_theta ** (-torch.arange(0, size, 2, device=self.device).float() / size)
        angles = torch.outer(torch.arange(start, start + count, device=self.device).float(), rates).repeat(1, 2)
        sine = angles.sin()
        sine[:, : size // 2].neg_()
        return angles.cos().to(self.norm.weight.dtype), sine.to(self.norm.weight.dtype)

    def _mask(self, start: int, count: int) -> Tensor | None:
        if count == 1:
            return None
        mask = torch.ones(count, start + count, dtype=torch.bool, device=self.device).tril(start)
        return mask.repeat(self.shape.heads // self.shape.key_heads, 1)

    @classmethod
    def load(
        cls,
        folder: Path,
        shape: LlamaShape,
        *,
        device: str = "cpu",
        int8: bool = True,
        calm: threading.Event | None = None,
    ) -> "Llama":
        """Read a checkpoint in the Hugging Face layout; ``int8``: if the device can. Raises ``BaseModelError``."""
        on_cpu = torch.device(device).type == "cpu"
        int8 = int8 and on_cpu and supported()
        dtype = torch.float32 if on_cpu else torch.bfloat16
        try:
            with ExitStack() as files:
                model = cls(shape, _Weights(folder, dtype, files), int8=int8, calm=calm if on_cpu else None)
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise BaseModelError(f"{folder}: the weights do not fit config.json ({error})") from error
        return model.to(device).eval()


class _Weights:
    """The tensors of a checkpoint, in one file or several, read one by one so that they never all lie in memory."""

    def __init__(self, folder: Path, dtype: torch.dtype, files: ExitStack) -> None:
        names = [_WEIGHTS]
        if (folder / _WEIGHTS_INDEX).is_file():
            names = sorted(set(json.loads((folder / _WEIGHTS_INDEX).read_text("utf-8"))["weight_map"].values()))
        opened = [files.enter_context(safe_open(folder / name, framework="pt")) for name in names]
        self._holders = {name: file for file in opened for name in file.keys()}  # noqa: SIM118 - no mapping
        self._dtype = dtype

    def has(self, name: str) -> bool:
        return name in self._holders

    def take(self, name: str) -> Tensor:
        tensor: Tensor = self._holders[name].get_tensor(name).to(self._dtype)
        return tensor


_Linear = Callable[[Tensor], nn.Module]


def _plain(weight: Tensor) -> nn.Module:
    with Blank(), torch.device("meta"):
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    linear.weight = nn.Parameter(weight, requires_grad=False)
    return linear


def _turned(rows: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn each pair of places (i, i + half) of the rows by its angle; the first half of ``sine`` is negative."""
    return torch.addcmul(rows * cosine, rows.roll(rows.shape[-1] // 2, -1), sine)

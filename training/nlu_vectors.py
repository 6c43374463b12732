"""Vectors of the base encoder before any learning; each text is encoded once, however often it is asked for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from nlu import int8
from nlu.base import resolve_base
from nlu.encoder import Encoder, EncoderShape, Weights, mean_vectors, read_base
from nlu.errors import BaseUnsupported
from nlu.tokens import Tokens, pack
from training.nlu_vocabulary import grown_tokenizer

_AT_ONCE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A base encoder: its sizes and weights by name."""

    shape: EncoderShape
    weights: Weights


def grown_base(name: str, texts: Iterable[str]) -> tuple[Base, Tokenizer]:
    """The base model of this name and its tokenizer, with a vocabulary that is large enough for the texts.

    Raises BaseNotFound, BaseUnsupported.
    """
    folder = resolve_base(name)
    if not (folder / "tokenizer.json").is_file():
        raise BaseUnsupported(f"{name} has no tokenizer.json", remedy="choose a base with a fast tokenizer")
    shape, weights = read_base(folder)
    tokenizer, grown = grown_tokenizer(Tokenizer.from_file(str(folder / "tokenizer.json")), texts)
    return Base(shape=replace(shape, grown=grown), weights=weights), tokenizer


class FrozenVectors:
    """The base encoder, in 8 bits on a CPU, and what it said so far. ``keep_tokens``: vectors of tokens are kept."""

    def __init__(self, base: Base, device: torch.device, *, keep_tokens: bool) -> None:
        self._encoder = Encoder(base.shape, dropout=0.0)
        self._encoder.load_state_dict(base.weights, strict=not base.shape.grown)
        start_grown(self._encoder, base)
        if device.type == "cpu" and int8.supported():
            int8.with_int8_layers(self._encoder.layers)
        self._encoder.to(device).eval()
        self._device = device
        self._keep_tokens = keep_tokens
        self._known: dict[tuple[int, ...], torch.Tensor] = {}

    def tokens(self, texts: Sequence[Tokens], ticks: Callable[[float], None] | None = None) -> list[torch.Tensor]:
        """For each text the vectors of its tokens: (tokens, width), in 16 bits, on the CPU."""
        assert self._keep_tokens
        self._encode(texts, ticks)
        return [self._known[text.ids] for text in texts]

    def means(self, texts: Sequence[Tokens]) -> torch.Tensor:
        """The mean vector of each text, of length 1: (texts, width), on the CPU."""
        self._encode(texts, None)
        means = [self._known[text.ids] for text in texts]
        if self._keep_tokens:
            means = [vectors[: text.size].float().mean(0) for text, vectors in zip(texts, means, strict=True)]
        return functional.normalize(torch.stack(means).float(), dim=-1)

    @torch.inference_mode()
    def _encode(self, texts: Sequence[Tokens], ticks: Callable[[float], None] | None) -> None:
        new = list({text.ids: text for text in texts if text.ids not in self._known}.values())
        new.sort(key=lambda text: len(text.ids))
        for at in range(0, len(new), _AT_ONCE):
            part = new[at : at + _AT_ONCE]
            packed = pack(part).to(self._device)
            rows = self._encoder(packed)
            if self._keep_tokens:
                vectors = rows.half().cpu().split([len(text.ids) for text in part])
            else:
                vectors = mean_vectors(rows, packed).half().cpu().unbind()
            self._known.update((text.ids, vector) for text, vector in zip(part, vectors, strict=True))
            if ticks:
                ticks(min(1.0, (at + _AT_ONCE) / len(new)))


def start_grown(encoder: Encoder, base: Base) -> None:
    """Give each new row of the vocabulary a direction of its own, distributed as the base's rows are."""
    if encoder.grown is not None:
        random = torch.Generator().manual_seed(0)
        words = base.weights["words.weight"]
        rows = words.mean(0) + words.std(0) * torch.randn(base.shape.grown, base.shape.width, generator=random)
        encoder.grown.weight.data.copy_(rows)

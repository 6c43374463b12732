"""Texts as packed tokens: all tokens of a batch in one row, so that no padding is ever computed.

Knows the tokenizer; knows nothing of what is predicted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer

TEXT_LIMIT = 2000
"""Characters of a message that are read; what follows is ignored."""

END_MARKS = "?!？！。 "


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of one text. ``spans`` are character offsets, (0, 0) for special tokens.

    ``glued`` marks a token that continues the word before it, so that no entity may start at it.
    ``known`` says whether any token but the special ones is in the vocabulary.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    glued: tuple[bool, ...]
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A batch of n tokens and b texts. ids, positions, owner: (n,) int64; sizes: (b,) float32, tokens per text.

    ``owner`` is b for filler tokens at the end, which belong to no text.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    owner: torch.Tensor
    sizes: torch.Tensor

    def to(self, device: torch.device) -> "Packed":
        """The same batch on another device."""
        return Packed(
            ids=self.ids.to(device),
            positions=self.positions.to(device),
            owner=self.owner.to(device),
            sizes=self.sizes.to(device),
        )


class TextEncoder:
    """A fast tokenizer without padding, cut at ``max_tokens``."""

    def __init__(self, tokenizer: Tokenizer, *, max_tokens: int) -> None:
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens)
        self.tokenizer = tokenizer
        ids = (tokenizer.token_to_id(token) for token in ("[UNK]", "<unk>"))
        self.unknown = frozenset(id_ for id_ in ids if id_ is not None)

    @classmethod
    def load(cls, file: Path, *, max_tokens: int) -> "TextEncoder":
        """Read a ``tokenizer.json``."""
        return cls(Tokenizer.from_file(str(file)), max_tokens=max_tokens)

    def encode(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of each text, at most ``max_tokens`` of its first 2,000 characters.

        Marks at the very end are left out: FAQ entries end with a question mark and chat messages often do not, so a
        model would learn the mark instead of the words.
        """
        texts = [_without_end_marks(text[:TEXT_LIMIT]) for text in texts]
        encodings = self.tokenizer.encode_batch(texts)
        return [
            Tokens(
                ids=tuple(encoding.ids),
                spans=tuple(_trimmed(text, *span) for span in encoding.offsets),
                glued=tuple(token.startswith("##") for token in encoding.tokens),
                known=any(
                    not special and id_ not in self.unknown
                    for id_, special in zip(encoding.ids, encoding.special_tokens_mask, strict=True)
                ),
            )
            for text, encoding in zip(texts, encodings, strict=True)
        ]


def _without_end_marks(text: str) -> str:
    """The text without question and exclamation marks at its end, unless it is made of nothing else."""
    return text.rstrip(END_MARKS) or text


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the spaces that some tokenizers count to a token."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def pack(batch: Sequence[Tokens], *, multiple: int = 1) -> Packed:
    """Several texts in one row, filled up to a multiple of so many tokens."""
    sizes = [len(tokens.ids) for tokens in batch]
    filler = -sum(sizes) % multiple
    places = [place for size in (*sizes, filler) for place in range(size)]
    owners = torch.repeat_interleave(torch.tensor([*sizes, filler], dtype=torch.long))
    return Packed(
        ids=torch.tensor([*(id_ for tokens in batch for id_ in tokens.ids), *[0] * filler], dtype=torch.long),
        positions=torch.tensor(places, dtype=torch.long),
        owner=owners,
        sizes=torch.tensor(sizes, dtype=torch.float32),
    )

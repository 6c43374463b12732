"""Texts as packed tokens: all tokens of a batch in one row, so that no padding is ever computed.

Knows the tokenizer; knows nothing of what is predicted.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from tokenizers import Encoding, Tokenizer

TEXT_LIMIT = 2000
"""Characters of a message that are read; what follows is ignored."""

END_MARKS = "?!？！。 "

_HALF = re.compile("[\ud800-\udfff]")
"""Half of a character: what a terminal makes of a byte that is no UTF-8. No tokenizer takes it."""
_UNSPACED = re.compile(
    "[\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff]"
)
"""Letters of scripts that write words, or a word and its particles, without a space between: Thai to Hangul."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of one text. ``spans`` are character offsets, empty for tokens that stand for no character.

    ``glued`` marks a token that continues the word before it, so that no entity may start or end between them.
    ``known`` says whether any token but special ones and punctuation is in the vocabulary. Of a text with pieces of
    several Chinese characters the last ``spelled`` tokens are a second reading, which has a token for each; the first
    has no spans.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    glued: tuple[bool, ...]
    known: bool
    spelled: int = 0

    @property
    def size(self) -> int:
        """How many tokens the first reading has, whose mean stands for the text."""
        return len(self.ids) - self.spelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A batch of n tokens and b texts in r readings: the first of each text, then those that are spelled.

    ids, positions, owner (the text), reading: (n,) int64; sizes: (b,) float32, tokens of each first reading; lengths:
    (r,) int64, tokens of each reading. ``owner`` is b and ``reading`` is r for filler tokens at the end.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    owner: torch.Tensor
    reading: torch.Tensor
    sizes: torch.Tensor
    lengths: torch.Tensor

    def to(self, device: torch.device) -> "Packed":
        """The same batch on another device."""
        return Packed(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


class TextEncoder:
    """A fast tokenizer without padding, cut at ``max_tokens``.

    ``spells``: texts with pieces of several Chinese characters ("在上海", "都市") are read a second time, by character,
    for an entity may begin and end at any. The first reading is what the base knows: by characters alone, intents were
    told apart 5 points worse (``training/LOG.md``).
    """

    def __init__(self, tokenizer: Tokenizer, *, max_tokens: int, spells: bool = True) -> None:
        self.max_tokens = max_tokens
        self.spells = spells
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens)
        self.tokenizer = tokenizer
        ids = (tokenizer.token_to_id(token) for token in ("[UNK]", "<unk>"))
        self.unknown = frozenset(id_ for id_ in ids if id_ is not None)

    @classmethod
    def load(cls, file: Path, *, max_tokens: int, spells: bool = True) -> "TextEncoder":
        """Read a ``tokenizer.json``."""
        return cls(Tokenizer.from_file(str(file)), max_tokens=max_tokens, spells=spells)

    def encode(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of each text, at most ``max_tokens`` of its first 2,000 characters.

        Marks at the very end are left out: FAQ entries end with a question mark and chat messages often do not, so a
        model would learn the mark instead of the words.
        """
        texts = [_without_end_marks(_HALF.sub("\ufffd", text[:TEXT_LIMIT])) for text in texts]
        encodings = self.tokenizer.encode_batch(texts)
        return [self._tokens(text, encoding) for text, encoding in zip(texts, encodings, strict=True)]

    def _tokens(self, text: str, encoding: Encoding) -> Tokens:
        spans = tuple(_spans(text, encoding))
        tokens = Tokens(
            ids=tuple(encoding.ids),
            spans=spans,
            glued=tuple(_glued(text, spans)),
            known=any(
                end > start and id_ not in self.unknown and not _is_punctuation(text[start:end])
                for id_, (start, end) in zip(encoding.ids, spans, strict=True)
            ),
        )
        return self._spelled(text, tokens) if self.spells and any(_is_run(text, span) for span in spans) else tokens

    def _spelled(self, text: str, tokens: Tokens) -> Tokens:
        """The tokens with a second reading after them."""
        ids: list[int] = []
        spans: list[tuple[int, int]] = []
        for id_, (start, end) in zip(tokens.ids, tokens.spans, strict=True):
            if _is_run(text, (start, end)):
                alone = map(self.tokenizer.token_to_id, text[start:end])
                ids += [id_ if known is None else known for known in alone]
                spans += [(at, at + 1) for at in range(start, end)]
            else:
                ids.append(id_)
                spans.append((start, end))
        if len(ids) > self.max_tokens:  # the last token is a mark of the text's end
            ids[self.max_tokens - 1 :], spans[self.max_tokens - 1 :] = ids[-1:], spans[-1:]
        return replace(
            tokens,
            ids=(*tokens.ids, *ids),
            spans=(*((start, start) for start, _ in tokens.spans), *spans),
            glued=(*(False for _ in tokens.glued), *_glued(text, spans)),
            spelled=len(ids),
        )


def _without_end_marks(text: str) -> str:
    """The text without question and exclamation marks at its end, unless it is made of nothing else."""
    return text.rstrip(END_MARKS) or text


def _spans(text: str, encoding: Encoding) -> Iterator[tuple[int, int]]:
    """Spans without the spaces that some tokenizers count to a token, empty for a mark of a word's start alone."""
    for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
        part = text[start:end]
        first = start + len(part) - len(part.lstrip())
        yield (first, first) if token == "▁" else (first, max(first, start + len(part.rstrip())))


def _is_run(text: str, span: tuple[int, int]) -> bool:
    """Whether a token covers several characters of which one belongs to a script without spaces."""
    start, end = span
    return end - start > 1 and _UNSPACED.search(text, start, end) is not None


def _glued(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[bool]:
    """For each token, whether it continues a word: a letter or digit stands before it, and both need spaces between."""
    past = 0
    for start, end in spans:
        yield start < end and (
            start < past or (_is_spaced(text[start : start + 1]) and _is_spaced(text[max(0, start - 1) : start]))
        )
        past = max(past, end)


def _is_spaced(character: str) -> bool:
    return character.isalnum() and not _UNSPACED.match(character)


def pack(batch: Sequence[Tokens], *, multiple: int = 1) -> Packed:
    """Several texts in one row, filled up to a multiple of so many tokens."""
    filler = -sum(len(tokens.ids) for tokens in batch) % multiple
    lengths = [tokens.size for tokens in batch]
    runs = []  # of each run of tokens in the row: its length, its text, its reading
    for text, tokens in enumerate(batch):
        runs.append((tokens.size, text, text))
        if tokens.spelled:
            runs.append((tokens.spelled, text, len(lengths)))
            lengths.append(tokens.spelled)
    runs.append((filler, len(batch), len(lengths)))
    counts, owners, readings = torch.tensor(runs, dtype=torch.long).unbind(1)
    return Packed(
        ids=torch.tensor([*(id_ for tokens in batch for id_ in tokens.ids), *[0] * filler], dtype=torch.long),
        positions=torch.tensor([place for count, _, _ in runs for place in range(count)], dtype=torch.long),
        owner=torch.repeat_interleave(owners, counts),
        reading=torch.repeat_interleave(readings, counts),
        sizes=torch.tensor([tokens.size for tokens in batch], dtype=torch.float32),
        lengths=torch.tensor(lengths, dtype=torch.long),
    )


def _is_punctuation(text: str) -> bool:
    return all(unicodedata.category(character)[0] == "P" for character in text)

"""What unrelated texts score: the zero of an index, measured for each language of the query.

An encoder finds any two texts of one language more alike than any two of different ones. Knows texts that were read and
scores of passages, not how those come about.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.documents import guess_language
from retrieval.encoder import Encoder, Tokens, Vectors
from retrieval.index_kinds import Rows
from retrieval.passages import Passage

Score = Callable[["Asked", Rows], Vectors]
"""A text as it was read and rows of passages into a score for each."""

_HEADINGS = 64
_TEXTS, _PASSAGES = 32, 64
_FEWEST = 16
"""Pairs of unrelated texts that are needed to say what unrelated ones score."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A text as the encoder read it. ``owner``: the row of the passage that it was taken from, or -1."""

    language: str
    vector: Vectors
    tokens: Tokens
    owner: int = -1


@dataclass(frozen=True, slots=True)
class Zero:
    """What unrelated texts of one language score."""

    dense: float = 0.0
    late: float = 0.0


def read_unrelated(unrelated: Sequence[str], headings: Sequence[Sequence[str]], encoder: Encoder) -> list[Asked]:
    """Texts that have nothing to do with any passage; without them, headings, which have with all but their own."""
    owners = [-1] * len(unrelated)
    if not unrelated:
        owners = spread(range(len(headings)), _HEADINGS).tolist()
        unrelated = [headings[row][0] for row in owners]
    vectors, tokens = encoder.read_queries(unrelated)
    return [Asked(guess_language(text), *read) for text, *read in zip(unrelated, vectors, tokens, owners, strict=True)]


def measure_zeros(passages: Sequence[Passage], asked: Sequence[Asked], dense: Score, late: Score) -> dict[str, Zero]:
    """For each language asked in, the mean scores with passages of that language, or with all where it has none."""
    zeros: dict[str, Zero] = {}
    for language in dict.fromkeys(each.language for each in asked):
        own = [row for row, passage in enumerate(passages) if same_language(language, passage)]
        rows = spread(own or range(len(passages)), _PASSAGES)
        spoken = [each for each in asked if each.language == language]
        pairs = [(spoken[at], rows[rows != spoken[at].owner]) for at in spread(range(len(spoken)), _TEXTS)]
        pairs = [(each, others) for each, others in pairs if len(others)]
        if sum(len(others) for _, others in pairs) >= _FEWEST:
            means = [float(np.mean([score(each, others).mean() for each, others in pairs])) for score in (dense, late)]
            zeros[language] = Zero(*means)
    return zeros


def same_language(language: str, passage: Passage) -> bool:
    """Whether a text in ``language`` and a passage are both in Chinese, or neither is."""
    return (language == "zh") == passage.language.startswith("zh")


def spread(rows: Sequence[int], most: int) -> Rows:
    """At most so many of some rows, evenly spread."""
    return np.array(rows)[np.unique(np.linspace(0, len(rows) - 1, most).astype(np.int64))]


def above(scores: Vectors, zero: float) -> Vectors:
    """Scores on the scale from ``zero`` to 1."""
    return (scores - zero) / (1 - zero)

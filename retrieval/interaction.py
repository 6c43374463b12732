"""Late interaction: every token of a query looks for its best match among the tokens of a passage.

After ColBERT (Khattab and Zaharia, 2020), with the states of an encoder that was not trained for it: they are brought
onto their main axes, without what all texts share, and kept in 8 bits, so that a passage of 150 tokens takes 20 kB of a
memory-mapped file. Knows tokens and rows, not texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.encoder import Tokens, Vectors
from retrieval.index_kinds import Rows
from retrieval.words import STOP_WORDS

DIMENSIONS = 128
LARGEST = 100_000
"""How many passages may have their tokens kept: 2 GB of the disk."""

_STEPS = 127

Bytes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Frame:
    """What all texts share, and the axes along which they differ most: ``mean`` (width), ``axes`` (width, kept)."""

    mean: Vectors
    axes: Vectors

    @classmethod
    def fit(cls, states: Vectors) -> "Frame":
        """From the states (n, width) of any texts; the same texts give the same frame."""
        mean = states.mean(0)
        unit = _unit(states - mean)
        _, axes = np.linalg.eigh(unit.T @ unit)
        return cls(mean, np.ascontiguousarray(axes[:, ::-1][:, :DIMENSIONS], dtype=np.float32))

    def __call__(self, states: Vectors) -> Vectors:
        """States (n, width) as unit vectors (n, kept)."""
        return _unit(_unit(states - self.mean) @ self.axes)

    def same(self, other: "Frame") -> bool:
        """Whether vectors of both may stand in one index."""
        return np.array_equal(self.mean, other.mean) and np.array_equal(self.axes, other.axes)


@dataclass(frozen=True, slots=True)
class PassageTokens:
    """Tokens of passages: ``vectors`` (n, kept) in 127ths, and their ``ids`` (n)."""

    vectors: Bytes
    ids: Rows

    @classmethod
    def of(cls, tokens: Tokens, frame: Frame) -> "PassageTokens":
        """A passage as the encoder read it; one that has no token gets one that is like nothing."""
        if not len(tokens.ids):
            return cls(np.zeros((1, frame.axes.shape[1]), np.int8), np.full(1, -1, np.int64))
        return cls(np.rint(frame(tokens.states) * _STEPS).astype(np.int8), tokens.ids)


class TokenIndex:
    """The tokens of all passages, ``starts[i]`` to ``starts[i + 1]`` those of passage ``i``.

    ``counts`` (2, n): ids of tokens, ascending, and how many passages have them.
    """

    def __init__(self, frame: Frame, tokens: PassageTokens, starts: Rows, counts: Rows) -> None:
        self.frame, self.vectors, self.ids, self.starts = frame, tokens.vectors, tokens.ids, starts
        self._known, self._counts = counts

    @classmethod
    def build(cls, passages: Sequence[PassageTokens], frame: Frame) -> "TokenIndex":
        """From the tokens of every passage, in order."""
        starts = np.concatenate([[0], np.cumsum([len(passage.ids) for passage in passages])]).astype(np.int64)
        counts = np.stack(np.unique(np.concatenate([np.unique(p.ids) for p in passages]), return_counts=True))
        vectors = np.concatenate([passage.vectors for passage in passages])
        ids = np.concatenate([passage.ids for passage in passages])
        return cls(frame, PassageTokens(vectors, ids), starts, counts)

    def scores(self, query: Tokens, passages: Rows) -> Vectors:
        """How well the query's tokens are matched in each passage, in [-1, 1]: 1 by the same text.

        A token weighs by its share of the query, and again by how telling it is here (inverse document frequency; stop
        words tell nothing).
        """
        if not len(query.ids):
            return np.zeros(len(passages), np.float32)
        matched: Vectors = self._weights(query) @ self._best(self.frame(query.states), passages)
        return matched

    def passage(self, row: int) -> PassageTokens:
        """The tokens of one passage, copied out of the file."""
        place = slice(int(self.starts[row]), int(self.starts[row + 1]))
        return PassageTokens(np.array(self.vectors[place]), np.array(self.ids[place]))

    def _best(self, query: Vectors, passages: Rows) -> Vectors:
        """For each token of the query (n, kept) its best match in each passage: (n, passages)."""
        rows = np.concatenate([np.arange(self.starts[p], self.starts[p + 1]) for p in passages])
        lengths = self.starts[passages + 1] - self.starts[passages]
        matches = query @ self.vectors[rows].astype(np.float32).T
        best: Vectors = np.maximum.reduceat(matches, np.concatenate([[0], np.cumsum(lengths)[:-1]]), axis=1)
        return best / np.float32(_STEPS)

    def _weights(self, query: Tokens) -> Vectors:
        total = len(self.starts) - 1
        places = np.searchsorted(self._known, query.ids).clip(max=len(self._known) - 1)
        counts = np.where(self._known[places] == query.ids, self._counts[places], 0)
        telling = np.array([piece not in STOP_WORDS and any(map(str.isalnum, piece)) for piece in query.pieces])
        weights = telling * np.log1p((total - counts + 0.5) / (counts + 0.5))
        even = np.full(len(weights), 1 / len(weights))
        total_weight = weights.sum()
        return ((even + weights / total_weight) / 2 if total_weight else even).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        counts = np.stack([self._known, self._counts])
        arrays = (self.vectors, self.ids, self.starts, counts, self.frame.mean, self.frame.axes)
        for name, array in zip(_FILES, arrays, strict=True):
            np.save(folder / f"{name}.npy", np.asarray(array), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> "TokenIndex":
        """Read what ``save`` wrote, hashes checked before; tokens stay in the file.

        Raises ``OSError``, ``ValueError``.
        """
        vectors, ids, starts, counts, mean, axes = (
            np.load(folder / f"{name}.npy", mmap_mode="r" if name in _MAPPED else None, allow_pickle=False)
            for name in _FILES
        )
        if len(vectors) != len(ids) or int(starts[-1]) != len(ids):
            raise ValueError(f"{folder.name} does not hold the tokens it should")
        return cls(Frame(mean, axes), PassageTokens(vectors, ids), starts, counts)


_FILES = ("vectors", "ids", "starts", "counts", "mean", "axes")
_MAPPED = ("vectors", "ids")


def _unit(rows: Vectors) -> Vectors:
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-6)).astype(np.float32)
    return unit

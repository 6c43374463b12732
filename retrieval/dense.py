"""Vectors of one kind of view in a FAISS index: the nearest passages, and exact scores of chosen ones.

Vectors of one passage lie together, in passage order. How they are searched depends on how many there are
(``retrieval.index_kinds``). On a machine with a GPU and faiss-gpu the search runs there; filters and scores stay here.
"""

import logging
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from retrieval import index_gpu, index_kinds
from retrieval.encoder import Vectors
from retrieval.errors import IndexFileError
from retrieval.index_kinds import AnyVectors, Rows, Stored

logger = logging.getLogger(__name__)


class DenseIndex:
    """Unit vectors, ``starts[i]`` to ``starts[i + 1]`` those of passage ``i``.

    ``background`` is the mean similarity of a query and an unrelated text, which brings all encoders to one scale.
    ``recall`` is what a search finds of the ten nearest vectors, as a share: 1 where all are compared.
    """

    def __init__(self, index: Any, starts: Rows, background: float, recall: float, *, gpu: bool = False) -> None:
        self._index, self.starts, self.background, self.recall = index, starts, background, recall
        self._owners = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        self.vectors: Stored = index_kinds.stored(index)
        self._searcher: Any = index
        if gpu:
            try:
                self._searcher = index_gpu.GpuSearch(index, self.vectors)
            except RuntimeError as error:
                logger.warning("%d vectors stay on the CPU, as the GPU does not take them: %s", index.ntotal, error)

    @classmethod
    def build(cls, vectors: AnyVectors, starts: Rows, background: float, *, gpu: bool = False) -> "DenseIndex":
        """From unit vectors (n, dimensions)."""
        index, recall = index_kinds.build(vectors, gpu=gpu)
        return cls(index, starts, background, recall, gpu=gpu)

    @property
    def exact(self) -> bool:
        """Whether a search compares every vector."""
        return index_kinds.is_exact(self._index)

    def __len__(self) -> int:
        """How many vectors there are."""
        return int(self._index.ntotal)

    def nearest(self, queries: Vectors, k: int, allowed: Rows | None = None) -> list[set[int]]:
        """The passages that own the ``k`` nearest vectors of each query; ``allowed`` limits the passages."""
        if allowed is None:
            _, found = self._searcher.search(queries, min(k, len(self)))
        else:
            chosen = np.zeros(len(self.starts) - 1, bool)
            chosen[allowed] = True
            rows = np.flatnonzero(chosen[self._owners])
            found = index_kinds.search_among(self._index, self.vectors, queries, min(k, len(rows)), rows)
        return [{int(self._owners[row]) for row in line if row >= 0} for line in found]

    def scores(self, query: Vectors, passages: Rows) -> Vectors:
        """For each passage, the likeness of its best vector: 0 at the background, 1 for the same text."""
        rows = np.concatenate([np.arange(self.starts[p], self.starts[p + 1]) for p in passages])
        similarities = self.vectors[rows] @ query
        lengths = self.starts[passages + 1] - self.starts[passages]
        best = np.maximum.reduceat(similarities, np.concatenate([[0], np.cumsum(lengths)[:-1]]))
        return ((best - self.background) / (1 - self.background)).astype(np.float32)

    def save(self, file: Path) -> None:
        """Write the FAISS index. Raises ``IndexFileError`` if it cannot be written."""
        try:
            faiss.write_index(self._index, str(file))
        except RuntimeError as error:
            raise IndexFileError(f"{file}: cannot be written ({error})") from error

    @classmethod
    def load(cls, file: Path, starts: Rows, background: float, recall: float, *, gpu: bool = False) -> "DenseIndex":
        """Read what ``save`` wrote; the caller has checked its hash. Raises ``ValueError`` if the parts do not fit."""
        index = index_kinds.read(file)
        if index.ntotal != int(starts[-1]):
            raise ValueError(f"{file.name} does not hold the vectors it should")
        return cls(index, starts, background, recall, gpu=gpu)


def measure_background(queries: Vectors, vectors: Vectors, owners: Rows, query_owners: Rows) -> float:
    """Mean similarity of queries and the vectors of other owners; 0 where there are too few to tell."""
    similarities = queries @ vectors.T
    foreign = similarities[query_owners[:, None] != owners[None, :]]
    return min(0.95, max(0.0, float(foreign.mean()))) if foreign.size >= 16 else 0.0

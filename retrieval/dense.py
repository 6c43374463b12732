"""Vectors of one kind of view in a FAISS index: the nearest passages, and exact scores of chosen ones.

Flat inner product: exact. Vectors of one passage lie together, in passage order. On a machine with a GPU and faiss-gpu
the search runs there; a copy stays in main memory for exact scores and filters.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.encoder import Vectors
from retrieval.errors import IndexFileError

Rows = NDArray[np.int64]


class DenseIndex:
    """Unit vectors, ``starts[i]`` to ``starts[i + 1]`` those of passage ``i``.

    ``background`` is the mean similarity of a query and an unrelated text, which brings all encoders to one scale.
    """

    def __init__(self, index: Any, starts: Rows, background: float, *, gpu: bool = False) -> None:
        self._index, self.starts, self.background = index, starts, background
        self._owners = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        self.vectors: Vectors = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(-1, index.d)
        self._searcher = index
        if gpu:
            self._resources = faiss.StandardGpuResources()  # must outlive the searcher
            self._searcher = faiss.index_cpu_to_gpu(self._resources, 0, index)

    @classmethod
    def build(cls, vectors: Vectors, starts: Rows, background: float, *, gpu: bool = False) -> "DenseIndex":
        """From unit vectors (n, dimensions)."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        return cls(index, starts, background, gpu=gpu)

    def nearest(self, queries: Vectors, k: int, allowed: Rows | None = None) -> list[set[int]]:
        """The passages that own the ``k`` nearest vectors of each query; ``allowed`` limits the passages."""
        k = min(k, self._index.ntotal)
        if allowed is None:
            _, found = self._searcher.search(queries, k)
        else:
            rows = np.flatnonzero(np.isin(self._owners, allowed))
            limits: Any = faiss.SearchParameters  # its stub knows no arguments
            chosen = limits(sel=faiss.IDSelectorBatch(rows))
            _, found = self._index.search(queries, min(k, len(rows)), params=chosen)
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
    def load(cls, file: Path, starts: Rows, background: float, *, gpu: bool = False) -> "DenseIndex":
        """Read what ``save`` wrote; the caller has checked its hash. Raises ``ValueError`` if the parts do not fit."""
        try:
            index = faiss.read_index(str(file))
        except RuntimeError as error:
            raise ValueError(f"{file.name} is no FAISS index") from error
        if not isinstance(index, faiss.IndexFlat) or index.ntotal != int(starts[-1]):
            raise ValueError(f"{file.name} does not hold the vectors it should")
        return cls(index, starts, background, gpu=gpu)


def measure_background(queries: Vectors, vectors: Vectors, owners: Rows, query_owners: Rows) -> float:
    """Mean similarity of queries and the vectors of other owners; 0 where there are too few to tell."""
    similarities = queries @ vectors.T
    foreign = similarities[query_owners[:, None] != owners[None, :]]
    return min(0.95, max(0.0, float(foreign.mean()))) if foreign.size >= 16 else 0.0


def gpu_available() -> bool:
    """Whether FAISS was built for GPUs and sees one."""
    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0

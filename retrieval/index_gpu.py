"""The search of an index on a GPU: exact while that takes about a millisecond, beyond it by a graph or by the lists.

The graph is CAGRA (Ootomo et al. 2023), for which FAISS must be built with cuVS; it is grown from the vectors whenever
an index is loaded. Without it the lists of the index are copied as they are.
"""

from typing import Any

import faiss
import numpy as np

from retrieval.index_kinds import Rows, Stored, Vectors, is_exact

_faiss: Any = faiss  # its stubs lack arguments and attributes

EXACT_UP_TO = 2_000_000
"""A GPU compares so many vectors of half precision in about a millisecond."""

_IN_HAND = 128
"""How many vectors a search through the graph keeps in hand: more finds more, and takes longer."""

_BLOCK = 262_144


class GpuSearch:
    """What an index holds, searched on the first GPU. Raises ``RuntimeError`` where its memory is too small."""

    def __init__(self, index: Any, vectors: Stored) -> None:
        self._resources = faiss.StandardGpuResources()  # must outlive the twin
        self._parameters: Any = None
        if is_exact(index):
            self._twin = faiss.index_cpu_to_gpu(self._resources, 0, index)
        elif index.ntotal <= EXACT_UP_TO:
            self._twin = self._exact(index, vectors)
        elif hasattr(faiss, "GpuIndexCagra"):
            self._twin = self._graph(index, vectors)
            self._parameters = _faiss.SearchParametersCagra(itopk_size=_IN_HAND)
        else:
            self._twin = faiss.index_cpu_to_gpu(self._resources, 0, index)

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Rows]:
        """Similarities and rows, both (queries, k), of the ``k`` nearest vectors of each query."""
        found: tuple[Vectors, Rows] = self._twin.search(queries, k, params=self._parameters)
        return found

    def _exact(self, index: Any, vectors: Stored) -> Any:
        config = faiss.GpuIndexFlatConfig()
        config.useFloat16 = True
        twin = faiss.GpuIndexFlatIP(self._resources, index.d, config)
        for start in range(0, index.ntotal, _BLOCK):
            twin.add(vectors[np.arange(start, min(start + _BLOCK, index.ntotal))])
        return twin

    def _graph(self, index: Any, vectors: Stored) -> Any:
        config = _faiss.GpuIndexCagraConfig()
        config.use_cuvs = True
        twin = _faiss.GpuIndexCagra(self._resources, index.d, faiss.METRIC_INNER_PRODUCT, config)
        twin.train(vectors[np.arange(index.ntotal)])
        return twin

"""FAISS indexes by size: exact while there are few vectors, inverted lists beyond, and their twins on a GPU.

Inverted lists (Sivic & Zisserman 2003): every vector lies in the list of its nearest k-means centre, and a search looks
through the nearest lists only: as many as were found enough when the index was built. The lists hold half precision,
which is exact enough to score by, so they are the only copy. Files are mapped into memory: a process reads what it
looks at, and several processes share it.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

_faiss: Any = faiss  # its stubs lack arguments and attributes

Rows = NDArray[np.int64]
Vectors = NDArray[np.float32]
AnyVectors = NDArray[np.floating[Any]]
"""Of single or half precision, perhaps in a file that is mapped into memory: read in blocks."""

EXACT_UP_TO = 200_000
"""So many vectors are compared one by one."""

RECALL = 0.985
"""The share of the ten nearest vectors that a search through lists must find when it is built."""

_DEPTH, _SAMPLE, _QUERY_LIKENESS = 10, 256, 0.7
"""Recall is that of the ten nearest, for so many queries, each as like a vector as a question is to its answer."""

_ROUNDING = 1e-6
"""How far the order of adding up moves a similarity."""

_PER_CENTRE, _ROUNDS = 64, 10
_BLOCK = 65_536
_SCANNED = 4096
"""Where a filter leaves no more vectors than these, they are compared one by one."""


class Stored(Protocol):
    """The vectors of an index, wherever they lie."""

    def __getitem__(self, rows: Rows) -> Vectors:
        """Those of some rows (len(rows), dimensions), to be read only."""
        ...


class _Listed:
    """Vectors that lie in inverted lists."""

    def __init__(self, index: Any) -> None:
        self._index = index
        index.make_direct_map()

    def __getitem__(self, rows: Rows) -> Vectors:
        found: Vectors = self._index.reconstruct_batch(rows)
        return found


def build(vectors: AnyVectors, *, gpu: bool = False) -> tuple[Any, float]:
    """An index of unit vectors (n, dimensions), and its recall. A GPU can learn the centres of the lists."""
    if len(vectors) <= EXACT_UP_TO:
        index = _faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, np.float32))
        return index, 1.0
    index = _lists(vectors, gpu=gpu)
    return index, _look_far_enough(index, vectors)


def read(file: Path) -> Any:
    """An index that ``faiss.write_index`` wrote, mapped into memory. Raises ``ValueError`` if it is none of ours."""
    try:
        index = faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise ValueError(f"{file.name} is no FAISS index") from error
    if not isinstance(index, faiss.IndexFlat | faiss.IndexIVFScalarQuantizer):
        raise ValueError(f"{file.name} is a FAISS index of another kind")
    return index


def is_exact(index: Any) -> bool:
    """Whether every vector is compared."""
    return isinstance(index, faiss.IndexFlat)


def stored(index: Any) -> Stored:
    """The vectors of an index, which must outlive them."""
    if not is_exact(index):
        return _Listed(index)
    vectors: Vectors = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(-1, index.d)
    return vectors


def search_among(index: Any, vectors: Stored, queries: Vectors, k: int, rows: Rows) -> Rows:
    """The at most ``k`` nearest to each query among some rows, in their order; -1 where there are fewer."""
    if len(rows) <= _SCANNED:
        best = np.argsort(-(queries @ vectors[rows].T), axis=1, kind="stable")[:, :k]
        found: Rows = rows[best]
        return found
    bits = np.zeros(index.ntotal, bool)
    bits[rows] = True
    selector = _faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little"))
    limits = _faiss.SearchParameters(sel=selector)
    if not is_exact(index):
        lists = math.ceil(index.nprobe * index.ntotal / len(rows))
        limits = _faiss.SearchParametersIVF(sel=selector, nprobe=min(index.nlist, lists))
    among: Rows = index.search(queries, k, params=limits)[1]
    return among


def exact_nearest(vectors: AnyVectors, queries: Vectors, k: int, *, half: bool = False) -> tuple[Vectors, Rows]:
    """Similarities and rows, both (queries, k), of the nearest vectors, every one compared; ``half``: rounded so."""
    best = faiss.ResultHeap(len(queries), k, keep_max=True)
    for start, block in _blocks(vectors):
        compared = block.astype(np.float16).astype(np.float32) if half else block
        similarities, found = faiss.knn(queries, compared, k, metric=faiss.METRIC_INNER_PRODUCT)
        best.add_result(similarities, found + start)
    best.finalize()
    return best.D, best.I


def like_queries(vectors: AnyVectors, many: int, random: np.random.Generator) -> Vectors:
    """Queries that lie about some of the vectors as questions lie about their answers, in any direction."""
    rows = np.sort(random.choice(len(vectors), min(many, len(vectors)), replace=False))
    chosen = np.asarray(vectors[rows], np.float32)
    away = random.standard_normal(chosen.shape, np.float32)
    away *= math.tan(math.acos(_QUERY_LIKENESS)) / np.linalg.norm(away, axis=1, keepdims=True)
    moved = chosen + away
    queries: Vectors = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return queries


def gpu_available() -> bool:
    """Whether FAISS was built for GPUs and sees one."""
    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


def _lists(vectors: AnyVectors, *, gpu: bool) -> Any:
    count, dimensions = vectors.shape
    centres = 4 * math.isqrt(count)
    learner = faiss.Kmeans(
        dimensions,
        centres,
        niter=_ROUNDS,
        spherical=True,
        max_points_per_centroid=_PER_CENTRE,
        min_points_per_centroid=1,
        gpu=gpu,
    )
    rows = np.random.default_rng(0).choice(count, min(count, centres * _PER_CENTRE), replace=False)
    learner.train(np.asarray(vectors[np.sort(rows)], np.float32))
    nearest = _faiss.IndexFlatIP(dimensions)
    nearest.add(learner.centroids)
    half = faiss.ScalarQuantizer.QT_fp16
    index = _faiss.IndexIVFScalarQuantizer(nearest, dimensions, centres, half, faiss.METRIC_INNER_PRODUCT, False)
    nearest.this.disown()
    index.own_fields = True
    index.is_trained = True
    for _, block in _blocks(vectors):
        index.add(block)
    return index


def _look_far_enough(index: Any, vectors: AnyVectors) -> float:
    """Double the lists that a search looks through until its recall is ``RECALL``; returns what it is.

    What is as near as the tenth counts, since headings are often the same in many passages.
    """
    queries = like_queries(vectors, _SAMPLE, np.random.default_rng(1))
    tenth = exact_nearest(vectors, queries, _DEPTH, half=True)[0][:, -1:]
    index.nprobe = 4
    while True:
        recall = float((index.search(queries, _DEPTH)[0] >= tenth - _ROUNDING).mean())
        if recall >= RECALL or index.nprobe >= index.nlist:
            return recall
        index.nprobe = min(index.nlist, 2 * index.nprobe)


def _blocks(vectors: AnyVectors) -> Iterator[tuple[int, Vectors]]:
    for start in range(0, len(vectors), _BLOCK):
        yield start, np.ascontiguousarray(vectors[start : start + _BLOCK], np.float32)

"""Search among very many vectors: clustered ones are drawn, indexed, and searched, each in a process of its own.

The vectors (384 dimensions) lie about 1,000 centres, which lie about 50 topics; clusters differ in size (log-normal),
and two vectors of one are 0.67 alike. Queries are drawn from the same clusters and are not indexed. What is measured is
the search of a knowledge: candidates by ``DenseIndex.nearest``, scored exactly by ``DenseIndex.scores``.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
from numpy.lib.format import open_memmap

from bot.errors import BenchError
from retrieval.dense import DenseIndex
from retrieval.index import CANDIDATES
from retrieval.index_kinds import AnyVectors, Rows, Vectors, exact_nearest, gpu_available
from retrieval.sealed import seal, verify

DIMENSIONS = 384
CENTRES, TOPICS = 1000, 50
WIDTH = 0.7
"""Length of a vector's random part, its centre having length 1."""

QUERIES, DEPTH = 1000, 10
FORMAT = "kefu-bench-vectors"
_BLOCK = 50_000
_BATCH = 4096
_BATCHED_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSet:
    """So many vectors; it needs no data."""

    code: ClassVar[str] = "training.bench_vectors"

    count: int

    @property
    def files(self) -> tuple[str, ...]:
        """None."""
        return ()

    def __call__(self, data: Path) -> dict[str, float]:
        """What each step gave, times in quiet if the machine is quiet:

        - ``build_s``, ``build_mb``: indexing, and the most memory that its process held;
        - ``file_mb``, ``hash_s``, ``load_s``: the index on disk, checking its hashes, and loading it;
        - ``recall@10`` against exact search, ``recall_shown``: what building says that a search finds;
        - ``query_ms``, ``query_p95_ms``: one query, on one thread or on the GPU; ``filtered_ms``: a tenth allowed;
        - ``queries_per_s``: in batches of 4,096, candidates only;
        - ``resident_mb``: the most memory that the searching process held, mapped files included.

        Raises BenchError.
        """
        with TemporaryDirectory(prefix="kefu-bench-vectors-") as scratch:
            figures: dict[str, float] = {}
            for step in STEPS:
                figures |= _in_fresh_process(step, Path(scratch), self.count)
        return figures


def _draw(folder: Path, count: int) -> dict[str, float]:
    """Vectors and queries, in half and single precision, and the rows of each query's nearest."""
    random = np.random.default_rng(0)
    topics = _units(random.standard_normal((TOPICS, DIMENSIONS), np.float32))
    around = _units(random.standard_normal((CENTRES, DIMENSIONS), np.float32))
    centres = _units(topics[random.integers(TOPICS, size=CENTRES)] + around)
    sizes = random.lognormal(size=CENTRES)
    shares = sizes / sizes.sum()

    def some(many: int) -> Vectors:
        noise = _units(random.standard_normal((many, DIMENSIONS), np.float32))
        return _units(centres[random.choice(CENTRES, many, p=shares)] + WIDTH * noise)

    vectors = open_memmap(folder / "vectors.npy", "w+", np.float16, (count, DIMENSIONS))
    for start in range(0, count, _BLOCK):
        vectors[start : start + _BLOCK] = some(min(_BLOCK, count - start))
    queries = some(QUERIES)
    np.save(folder / "queries.npy", queries)
    np.save(folder / "nearest.npy", exact_nearest(vectors, queries, DEPTH)[1])
    return {}


def _build(folder: Path, count: int) -> dict[str, float]:
    vectors: AnyVectors = np.load(folder / "vectors.npy", mmap_mode="r")
    started = time.perf_counter()
    index = DenseIndex.build(vectors, np.arange(count + 1), 0.0, gpu=gpu_available())
    build_s = time.perf_counter() - started
    sealed = folder / "index"
    sealed.mkdir()
    index.save(sealed / "whole.faiss")
    seal(sealed, FORMAT, {"recall": index.recall})
    return {
        "vectors": count,
        "build_s": round(build_s, 1),
        "build_mb": _most_memory_mb(),
        "file_mb": round((sealed / "whole.faiss").stat().st_size / 1e6),
        "recall_shown": round(index.recall, 4),
    }


def _search(folder: Path, count: int) -> dict[str, float]:
    started = time.perf_counter()
    about = verify(folder / "index", FORMAT)
    hashed = time.perf_counter()
    starts: Rows = np.arange(count + 1)
    index = DenseIndex.load(folder / "index" / "whole.faiss", starts, 0.0, about["recall"], gpu=gpu_available())
    loaded = time.perf_counter()
    queries: Vectors = np.load(folder / "queries.npy")
    times, found = zip(*_timed(index, queries, None), strict=True)
    tenth = np.random.default_rng(1).choice(count, count // 10, replace=False)
    filtered = [taken for taken, _ in _timed(index, queries[:100], tenth)]
    return {
        "hash_s": round(hashed - started, 2),
        "load_s": round(loaded - hashed, 2),
        "recall@10": round(recall(found, np.load(folder / "nearest.npy")), 4),
        "query_ms": round(float(np.median(times)), 3),
        "query_p95_ms": round(float(np.percentile(times, 95)), 3),
        "filtered_ms": round(float(np.median(filtered)), 3),
        "queries_per_s": round(_queries_per_s(index, queries)),
        "resident_mb": _most_memory_mb(),
    }


def _timed(index: DenseIndex, queries: Vectors, allowed: Rows | None) -> Iterator[tuple[float, Rows]]:
    """Milliseconds of each query, and the best rows that it found."""
    index.nearest(queries[:1], CANDIDATES, allowed)  # the first pays for what is set up once
    for query in queries:
        started = time.perf_counter()
        near = np.array(sorted(index.nearest(query[None], CANDIDATES, allowed)[0]), np.int64)
        best = near[np.argsort(-index.scores(query, near), kind="stable")[:DEPTH]]
        yield 1000 * (time.perf_counter() - started), best


def recall(found: Sequence[Rows], nearest: Sequence[Rows]) -> float:
    """The share of the nearest rows that were found, over all queries."""
    pairs = zip(found, nearest, strict=True)
    return float(np.mean([len(np.intersect1d(rows, wanted)) / len(wanted) for rows, wanted in pairs]))


def _queries_per_s(index: DenseIndex, queries: Vectors) -> float:
    batch = np.tile(queries, (-(-_BATCH // len(queries)), 1))[:_BATCH]
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < _BATCHED_S:
        index.nearest(batch, DEPTH)
        done += len(batch)
    return done / (time.perf_counter() - started)


def _units(vectors: Vectors) -> Vectors:
    units: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units


def _most_memory_mb() -> float:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6)


STEPS = {"draw": _draw, "build": _build, "search": _search}


def _in_fresh_process(step: str, folder: Path, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "training.bench_vectors", step, str(folder), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise BenchError(f"{count} vectors: the step {step} failed: {done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))

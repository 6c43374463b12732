"""Exact search and search through lists: what they find, filtered or not, saved and loaded, and what is refused."""

from pathlib import Path

import faiss
import numpy as np
import pytest

from retrieval import index_kinds
from retrieval.dense import DenseIndex
from retrieval.index_gpu import GpuSearch
from retrieval.index_kinds import exact_nearest, gpu_available
from training.bench_vectors import recall

COUNT, DIMENSIONS = 6000, 32


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Sixty clusters, each a third of its vectors' length wide."""
    random = np.random.default_rng(5)
    centres = random.standard_normal((60, DIMENSIONS)).astype(np.float32)
    points = centres[random.integers(60, size=COUNT)] + random.standard_normal((COUNT, DIMENSIONS)) / 3
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def queries(vectors: np.ndarray) -> np.ndarray:
    return index_kinds.like_queries(vectors, 64, np.random.default_rng(6))


@pytest.fixture(params=["exact", "lists"])
def index(request: pytest.FixtureRequest, vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> DenseIndex:
    """Two vectors a passage."""
    if request.param == "lists":
        monkeypatch.setattr(index_kinds, "EXACT_UP_TO", COUNT - 1)
    built = DenseIndex.build(vectors, np.arange(0, COUNT + 1, 2), 0.1)
    assert built.exact == (request.param == "exact")
    return built


def share_found(index: DenseIndex, vectors: np.ndarray, queries: np.ndarray, allowed: np.ndarray | None) -> float:
    """Of the passages that own the ten nearest vectors, how many are found."""
    rows = np.arange(COUNT) if allowed is None else np.flatnonzero(np.isin(np.arange(COUNT) // 2, allowed))
    wanted = rows[exact_nearest(vectors[rows], queries, 10)[1]] // 2
    found = index.nearest(queries, 10, allowed)
    if allowed is not None:
        assert all(passages <= set(allowed.tolist()) for passages in found)
    return float(
        np.mean([len(set(row) & passages) / len(set(row)) for row, passages in zip(wanted, found, strict=True)])
    )


def test_nearest_are_found(index: DenseIndex, vectors: np.ndarray, queries: np.ndarray) -> None:
    assert index.recall == 1.0 if index.exact else index_kinds.RECALL <= index.recall <= 1.0
    assert share_found(index, vectors, queries, None) >= (1.0 if index.exact else 0.95)


@pytest.mark.parametrize(
    "every",
    [
        pytest.param(1, id="all"),
        pytest.param(2, id="half"),
        pytest.param(500, id="so few that they are compared"),
    ],
)
def test_filters(index: DenseIndex, vectors: np.ndarray, queries: np.ndarray, every: int, monkeypatch) -> None:
    monkeypatch.setattr(index_kinds, "_SCANNED", 100)
    assert share_found(index, vectors, queries, np.arange(0, COUNT // 2, every)) >= (1.0 if index.exact else 0.95)


def test_a_filter_that_leaves_fewer_than_asked_for(index: DenseIndex, queries: np.ndarray) -> None:
    assert index.nearest(queries[:1], 48, np.array([7, 11])) == [{7, 11}]


def test_scores_are_those_of_the_vectors(index: DenseIndex, vectors: np.ndarray, queries: np.ndarray) -> None:
    passages = np.array([3, 2999, 4])
    best = [max(vectors[2 * p] @ queries[0], vectors[2 * p + 1] @ queries[0]) for p in passages]
    assert index.scores(queries[0], passages) == pytest.approx((np.array(best) - 0.1) / 0.9, abs=1e-3)


def test_saved_and_loaded_it_finds_the_same(index: DenseIndex, queries: np.ndarray, tmp_path: Path) -> None:
    index.save(tmp_path / "whole.faiss")
    loaded = DenseIndex.load(tmp_path / "whole.faiss", index.starts, 0.1, index.recall)
    assert loaded.exact == index.exact
    assert loaded.nearest(queries, 10) == index.nearest(queries, 10)
    some = np.arange(0, 3000, 7)
    assert loaded.nearest(queries, 10, some) == index.nearest(queries, 10, some)
    assert (loaded.scores(queries[1], some) == index.scores(queries[1], some)).all()


def test_a_loaded_index_lies_in_its_file(index: DenseIndex, queries: np.ndarray, tmp_path: Path) -> None:
    """It keeps answering when the release that it came from was removed."""
    file = tmp_path / "whole.faiss"
    index.save(file)
    loaded = DenseIndex.load(file, index.starts, 0.1, index.recall)
    mapped = Path("/proc/self/maps").read_text("utf-8")
    assert str(file) in mapped
    file.unlink()
    assert loaded.nearest(queries, 10) == index.nearest(queries, 10)


def test_many_equal_vectors_do_not_widen_the_search(vectors: np.ndarray, monkeypatch) -> None:
    """As headings that stand over many passages: any of them is as good as another."""
    monkeypatch.setattr(index_kinds, "EXACT_UP_TO", COUNT - 1)
    single, _ = index_kinds.build(vectors)
    repeated, reached = index_kinds.build(np.repeat(vectors[: COUNT // 60], 60, axis=0))
    assert reached >= index_kinds.RECALL
    assert repeated.nprobe <= 2 * single.nprobe < repeated.nlist


def test_half_precision_is_taken_as_it_is(
    vectors: np.ndarray, queries: np.ndarray, tmp_path: Path, monkeypatch
) -> None:
    """As from a file of vectors that does not fit into memory."""
    monkeypatch.setattr(index_kinds, "EXACT_UP_TO", COUNT - 1)
    np.save(tmp_path / "vectors.npy", vectors.astype(np.float16))
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    built, _ = index_kinds.build(mapped)
    assert recall(built.search(queries, 10)[1], exact_nearest(mapped, queries, 10)[1]) >= 0.95
    assert (index_kinds.stored(built)[np.arange(COUNT)] == mapped).all()


def _torn(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-64])


def _no_index(file: Path) -> None:
    file.write_bytes(b"\x80\x04K\x01." * 9)


def _other_kind(file: Path) -> None:
    faiss.write_index(faiss.IndexHNSWFlat(DIMENSIONS, 8), str(file))


def _fewer_vectors(file: Path) -> None:
    fewer = faiss.IndexFlatIP(DIMENSIONS)
    fewer.add(np.ones((3, DIMENSIONS), np.float32))
    faiss.write_index(fewer, str(file))


@pytest.mark.parametrize("damage", [_torn, _no_index, _other_kind, _fewer_vectors])
def test_what_is_not_ours_is_refused(index: DenseIndex, tmp_path: Path, damage) -> None:
    file = tmp_path / "whole.faiss"
    index.save(file)
    damage(file)
    with pytest.raises(ValueError, match=r"whole\.faiss"):
        DenseIndex.load(file, index.starts, 0.1, index.recall)


def test_what_a_gpu_does_not_take_is_searched_without(
    vectors: np.ndarray, queries: np.ndarray, monkeypatch, caplog
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("StandardGpuResources: alloc fail")

    monkeypatch.setattr("retrieval.index_gpu.GpuSearch", refuse)
    built, reached = index_kinds.build(vectors)
    index = DenseIndex(built, np.arange(COUNT + 1), 0.1, reached, gpu=True)
    assert index.nearest(queries[:1], 1) == [{int(exact_nearest(vectors, queries[:1], 1)[1][0, 0])}]
    assert "6000 vectors stay on the CPU" in caplog.text


@pytest.mark.gpu
@pytest.mark.skipif(not gpu_available(), reason="no GPU, or FAISS without GPU support")
@pytest.mark.parametrize("exact_up_to", [COUNT, 100])
def test_a_gpu_finds_the_nearest(vectors: np.ndarray, queries: np.ndarray, exact_up_to: int, monkeypatch) -> None:
    """Exactly, and by what takes over where there are too many for that."""
    monkeypatch.setattr(index_kinds, "EXACT_UP_TO", 100)
    monkeypatch.setattr("retrieval.index_gpu.EXACT_UP_TO", exact_up_to)
    built, _ = index_kinds.build(vectors, gpu=True)
    found = GpuSearch(built, index_kinds.stored(built)).search(queries, 10)[1]
    assert recall(found, exact_nearest(vectors, queries, 10)[1]) >= 0.98

"""The map of queries: its file, and what an encoder does with it."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tiny_encoder import WIDTH, write_tiny_bert

from retrieval.encoder import TextEncoder, Vectors
from retrieval.errors import IndexFileError
from retrieval.query_map import FILE, QueryMap, load_query_map


def test_the_map_is_written_and_read(tmp_path: Path) -> None:
    assert load_query_map(tmp_path, 3) is None
    matrix = np.arange(9, dtype=np.float32).reshape(3, 3)
    QueryMap(matrix, 0.75).save(tmp_path)
    read = load_query_map(tmp_path, 3)
    assert read
    assert np.array_equal(read.matrix, matrix)
    assert read.length == 0.75


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"matrix": np.eye(4, dtype=np.float32), "length": np.ones(1, np.float32)}, "3 dimensions"),
        ({"matrix": np.eye(3, dtype=np.float64), "length": np.ones(1, np.float32)}, "3 dimensions"),
        ({"matrix": np.eye(3, dtype=np.float32), "length": np.ones(2, np.float32)}, "cannot be read"),
        ({"matrix": np.eye(3, dtype=np.float32)}, "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(tmp_path: Path, arrays: dict[str, Vectors] | None, said: str) -> None:
    if arrays is None:
        (tmp_path / FILE).write_bytes(b"torn")
    else:
        save_file(arrays, tmp_path / FILE)
    with pytest.raises(IndexFileError, match=f"{FILE}.*{said}.*train again"):
        load_query_map(tmp_path, 3)


@pytest.mark.parametrize("int8", [False, True])
def test_only_queries_are_turned(tmp_path: Path, *, int8: bool) -> None:
    encoder = TextEncoder.load(write_tiny_bert(tmp_path / "base"), int8=int8)
    plain, passages = encoder.encode_queries(["my order"]), encoder.encode_passages(["my order"])
    encoder.query_map = QueryMap(np.roll(np.eye(WIDTH, dtype=np.float32), 1, axis=0) * 3, 0.5)
    assert np.allclose(encoder.encode_queries(["my order"]), 0.5 * np.roll(plain, 1, axis=1), atol=1e-6)
    assert np.array_equal(encoder.encode_passages(["my order"]), passages)

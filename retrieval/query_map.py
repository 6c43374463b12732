"""A linear map that turns the vectors of queries towards the passages that answer them. Knows arrays, not questions.

``training.query_map`` learns it; the vectors of the passages stay as the encoder made them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from retrieval.errors import IndexFileError

Vectors = NDArray[np.float32]

FILE = "query_map.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class QueryMap:
    """``matrix`` (dimensions, dimensions) turns a query's vector; ``length`` is what it has then.

    Turned queries are nearer to their passages and farther from everything: the length makes up for that, so that
    likenesses are as large as before.
    """

    matrix: Vectors
    length: float = 1.0

    def turned(self, vectors: Vectors) -> Vectors:
        """Vectors (n, dimensions), turned."""
        mapped = vectors @ self.matrix.T
        turned: Vectors = mapped * (self.length / np.linalg.norm(mapped, axis=1, keepdims=True).clip(1e-9))
        return turned

    def save(self, folder: Path) -> None:
        """Write into a knowledge folder."""
        arrays = {"matrix": np.ascontiguousarray(self.matrix), "length": np.array([self.length], np.float32)}
        save_file(arrays, folder / FILE)


def load_query_map(folder: Path, dimensions: int) -> QueryMap | None:
    """The map of a knowledge folder, None where it has none. Raises ``IndexFileError`` for one that does not fit."""
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        arrays = load_file(file)
        matrix, length = arrays["matrix"], float(arrays["length"].item())
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise IndexFileError(f"{file}: cannot be read ({error}); train again") from error
    if matrix.shape != (dimensions, dimensions) or matrix.dtype != np.float32:
        raise IndexFileError(f"{file}: not a map of {dimensions} dimensions; train again")
    return QueryMap(matrix, length)

"""A linear map that turns the vectors of queries towards the passages that answer them. Knows arrays, not questions.

``training.query_map`` learns it; the vectors of the passages stay as the encoder made them.
"""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from retrieval.encoder import Vectors
from retrieval.errors import IndexFileError

FILE = "query_map.safetensors"
_NAME = "map"


def save_query_map(query_map: Vectors, folder: Path) -> None:
    """Write a map (dimensions, dimensions) into a knowledge folder."""
    save_file({_NAME: np.ascontiguousarray(query_map)}, folder / FILE)


def load_query_map(folder: Path, dimensions: int) -> Vectors | None:
    """The map of a knowledge folder, None where it has none. Raises ``IndexFileError`` for one that does not fit."""
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        query_map: Vectors = load_file(file)[_NAME]
    except (OSError, SafetensorError, KeyError) as error:
        raise IndexFileError(f"{file}: cannot be read ({error}); train again") from error
    if query_map.shape != (dimensions, dimensions) or query_map.dtype != np.float32:
        raise IndexFileError(f"{file}: not a map of {dimensions} dimensions; train again")
    return query_map

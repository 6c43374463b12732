"""Word search over texts: BM25 by the bm25s library. Knows word lists, not passages.

Kept as ``.npy`` arrays and JSON, read without pickle.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
from numpy.typing import NDArray

logging.getLogger("bm25s").setLevel(logging.WARNING)  # the library asks for DEBUG, whatever the program wants

K1, B = 1.2, 0.75
SATURATION = 10.0
"""The BM25 sum that scores one half: a telling word or two."""


class LexicalIndex:
    """BM25 over texts given as word lists; row numbers are the order in which they were given."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @classmethod
    def build(cls, texts: Sequence[Sequence[str]]) -> "LexicalIndex":
        """Index the texts."""
        model = bm25s.BM25(method="lucene", k1=K1, b=B)
        model.index([list(text) or [""] for text in texts], show_progress=False)
        return cls(model)

    @property
    def rows(self) -> int:
        """How many texts there are."""
        return int(self._model.scores["num_docs"])

    def scores(self, query: Sequence[str]) -> NDArray[np.float32]:
        """A score in [0, 1) for each row: the BM25 sum, saturating, so that a long query cannot outshout meaning."""
        known = [word for word in dict.fromkeys(query) if word in self._model.vocab_dict]
        if not known:
            return np.zeros(self.rows, np.float32)
        sums: NDArray[np.float32] = self._model.get_scores(known)
        return (sums / (sums + SATURATION)).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made."""
        self._model.save(str(folder), show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> "LexicalIndex":
        """Read what ``save`` wrote, hashes checked before. Raises ``OSError``, ``ValueError``, ``KeyError``."""
        return cls(bm25s.BM25.load(str(folder), show_progress=False))

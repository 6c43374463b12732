"""Word search over texts: BM25 by the bm25s library. Knows word lists, not passages.

Kept as ``.npy`` arrays and JSON, read without pickle.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
from numpy.typing import NDArray

logging.getLogger("bm25s").setLevel(logging.WARNING)  # the library asks for DEBUG, whatever the program wants

K1, B = 1.2, 0.75
SATURATION = 10.0
"""The BM25 sum that scores one half: a telling word or two."""

UNKNOWN_WEIGHT = 0.5
"""How much a query word that stands nowhere counts, as a share of the rarest known word's weight."""


class LexicalIndex:
    """BM25 over texts given as word lists; row numbers are the order in which they were given."""

    def __init__(self, model: Any, rows: int, weights: Mapping[str, float]) -> None:
        self._model, self.rows, self._weights = model, rows, weights
        self._heaviest = max(weights.values(), default=1.0)

    @classmethod
    def build(cls, texts: Sequence[Sequence[str]]) -> "LexicalIndex":
        """Index the texts."""
        model = bm25s.BM25(method="lucene", k1=K1, b=B)
        model.index([list(text) or [""] for text in texts], show_progress=False)
        counts: dict[str, int] = {}
        for text in texts:
            for word in set(text):
                counts[word] = counts.get(word, 0) + 1
        rows = len(texts)
        weights = {word: float(np.log1p((rows - n + 0.5) / (n + 0.5))) for word, n in counts.items()}
        return cls(model, rows, weights)

    def scores(self, query: Sequence[str]) -> NDArray[np.float32]:
        """A score in [0, 1) for each row: the BM25 sum, saturating, so that a long query cannot outshout meaning."""
        known = [word for word in dict.fromkeys(query) if word in self._weights]
        if not known:
            return np.zeros(self.rows, np.float32)
        sums: NDArray[np.float32] = self._model.get_scores(known)
        return (sums / (sums + SATURATION)).astype(np.float32)

    def weight(self, word: str) -> float:
        """How telling a word is here: its inverse document frequency, and a fixed weight where it stands nowhere."""
        return self._weights.get(word, UNKNOWN_WEIGHT * self._heaviest)

    def knows(self, word: str) -> bool:
        """Whether a word stands anywhere in the texts."""
        return word in self._weights

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        self._model.save(str(folder), show_progress=False)
        (folder / "weights.json").write_text(json.dumps({"rows": self.rows, "weights": self._weights}), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> "LexicalIndex":
        """Read what ``save`` wrote, hashes checked before. Raises ``OSError``, ``ValueError``, ``KeyError``."""
        about = json.loads((folder / "weights.json").read_text("utf-8"))
        return cls(bm25s.BM25.load(str(folder), show_progress=False), about["rows"], about["weights"])

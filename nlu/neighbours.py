"""The training examples nearest to a text, by the model's own vectors. Knows no file but its own.

Training encodes every example once and keeps the vectors beside the model, in 16 bits: 0.8 KB an example, 8 MB for ten
thousand. Encoding them again whenever somebody asks would take half a minute.
"""

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from nlu.data import Example
from nlu.errors import NluFolderError
from nlu.model import NluModel

FORMAT = 1
FILE = "neighbours.safetensors"
_AT_ONCE = 256
_SEEN, _COHESION = 2, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A training example with its full label, and the cosine of its vector and the text's, in [-1, 1]."""

    text: str
    intent: str
    cosine: float


class Neighbours:
    """Examples with their vectors (n, width), each of length 1."""

    def __init__(self, labelled: Sequence[tuple[str, str]], vectors: NDArray[np.float32]) -> None:
        self._labelled = tuple(labelled)
        self._vectors = _of_length_one(vectors).astype(np.float16)
        self.word_pairs = word_pairs(text for text, _ in labelled)

    @classmethod
    def of(cls, model: NluModel, examples: Sequence[Example]) -> "Neighbours":
        """Encode the examples, each text and label once."""
        labelled = list(dict.fromkeys((example.text, example.intent) for example in examples))
        rows = [
            reading.vector
            for at in range(0, len(labelled), _AT_ONCE)
            for reading in model.read_batch([text for text, _ in labelled[at : at + _AT_ONCE]])
        ]
        return cls(labelled, np.stack(rows) if rows else np.zeros((0, 1), np.float32))

    @classmethod
    def load(cls, folder: Path) -> "Neighbours":
        """Read what ``save`` wrote. Raises NluFolderError."""
        try:
            with safe_open(folder / FILE, framework="numpy") as file:
                examples = json.loads(file.metadata()["examples"])
                return cls([(text, intent) for text, intent in examples], file.get_tensor("vectors"))
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as exc:
            raise NluFolderError(
                f"{folder} holds no readable {FILE} ({exc})", remedy="train the assistant again"
            ) from exc

    def save(self, folder: Path) -> None:
        """Write the one file into the model's folder."""
        examples = json.dumps(self._labelled, ensure_ascii=False)
        save_file({"vectors": self._vectors}, folder / FILE, metadata={"examples": examples})

    def nearest(self, vector: NDArray[np.float32], count: int = 3) -> tuple[Neighbour, ...]:
        """The examples with the most similar vectors, best first. ``vector``: (width,)."""
        if not self._labelled:
            return ()
        cosines = self._vectors.astype(np.float32) @ _of_length_one(vector)
        best = np.argsort(-cosines, kind="stable")[:count]
        return tuple(
            Neighbour(text=self._labelled[i][0], intent=self._labelled[i][1], cosine=float(cosines[i])) for i in best
        )


def word_pairs(texts: Iterable[str]) -> frozenset[str]:
    """Pairs of Chinese, Japanese or Korean characters that belong together in these texts, as 退款 in a shop's.

    Those that stand together at least twice, and nearly as often as their characters stand anywhere: n(ab) over the
    root of n(a) n(b) is 0.3 or more. So words need no dictionary, and are those of this assistant.
    """
    characters: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for text in texts:
        characters.update(filter(is_wide, text))
        pairs.update(a + b for a, b in pairwise(text) if is_wide(a) and is_wide(b))
    return frozenset(
        pair
        for pair, count in pairs.items()
        if pair.isalpha()
        and count >= _SEEN
        and count >= _COHESION * math.sqrt(characters[pair[0]] * characters[pair[1]])
    )


def is_wide(character: str) -> bool:
    """Whether a character is of a script that is written without spaces, or as wide as those (emoji are)."""
    return unicodedata.east_asian_width(character) in "WF"


def _of_length_one(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = vectors.astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)  # type: ignore[no-any-return]  # numpy says Any

"""A trained knowledge, loaded: encoder, index and calibration behind one search. Immutable once loaded.

Its folder holds ``index/``, ``calibration.json``, ``words.json`` and a manifest; where customers' questions were
learned from, the map of queries too.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.calibration import FEATURES, Calibration, features
from retrieval.encoder import TextEncoder
from retrieval.errors import IndexFileError
from retrieval.homophones import Homophones
from retrieval.index import FORMAT as INDEX_FORMAT
from retrieval.index import Hit, KnowledgeIndex
from retrieval.index_kinds import gpu_available
from retrieval.passages import Passage, filterable, has_all
from retrieval.query_map import load_query_map
from retrieval.sealed import checked_json, verify
from retrieval.spelling import Speller, Vocabulary

FORMAT = f"kefu-knowledge-2/{INDEX_FORMAT}"
"""Changes with that of the index, so that an older release is trained again and not taken over."""
WORDS = "words.json"
SPELLED_AGAIN = 256
LONGEST_SPELLED = 1_000
"""Characters of a text whose spelling is mended; a longer one is no question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOutcome:
    """Hits, best first, and the calibrated chance in [0, 1] that the best one answers, beside its thresholds.

    ``chances``: of each hit, that it would answer if it came first.
    """

    hits: tuple[Hit, ...]
    probability: float
    answer_at: float
    draft_at: float
    chances: tuple[float, ...] = ()


class Knowledge:
    """What an assistant knows. Calls may come from several threads at once: none changes anything.

    ``spelled`` mends the spelling of a question, as every search does.
    """

    def __init__(self, index: KnowledgeIndex, calibration: Calibration, spelled: Callable[[str], str]) -> None:
        self.index, self.calibration, self.spelled = index, calibration, spelled
        self._passages = {passage.id: passage for passage in index.passages}
        self.filter_names = frozenset(name for passage in index.passages for name in filterable(passage))

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", *, base_folder: Callable[[str], Path]) -> "Knowledge":
        """Read a trained folder. ``base_folder`` finds the base encoder by its name, and raises what it will.

        Raises ``IndexFileError`` if the folder is torn, ``BaseModelError`` if the base cannot be read.
        """
        about = verify(folder, FORMAT)
        try:
            calibration = Calibration(**checked_json(folder / "calibration.json", dict))
            base = str(about["base"])
            own = {str(word): int(count) for word, count in checked_json(folder / WORDS, dict).items()}
        except (KeyError, TypeError, ValueError) as error:
            raise IndexFileError(f"{folder}: not a knowledge folder of this program ({error})") from error
        if set(calibration.weights) != set(FEATURES):
            raise IndexFileError(f"{folder}: calibrated by another version; train again")
        encoder = TextEncoder.load(base_folder(base), device, int8=True)
        encoder.query_map = load_query_map(folder, encoder.dimensions)
        gpu = device != "cpu" and gpu_available()
        slips, sounds = Speller(own, Vocabulary(encoder.tokenizer)), Homophones(own)

        @functools.lru_cache(maxsize=SPELLED_AGAIN)  # search, draft and quotation each ask
        def spelled(text: str) -> str:
            return sounds(slips(text)) if len(text) <= LONGEST_SPELLED else text

        return cls(KnowledgeIndex.load(folder / "index", encoder, gpu=gpu), calibration, spelled)

    def search(self, query: str, k: int = 5, filters: Mapping[str, str] | None = None) -> SearchOutcome:
        """The best ``k`` passages for a query."""
        return self.search_batch([query], k, filters)[0]

    def passage(self, passage_id: str, filters: Mapping[str, str]) -> Passage | None:
        """A passage by its id, if the filters leave it in."""
        found = self._passages.get(passage_id)
        return found if found and has_all(found, filters) else None

    def search_batch(
        self, queries: Sequence[str], k: int = 5, filters: Mapping[str, str] | None = None
    ) -> list[SearchOutcome]:
        """The same for several queries in one encoder pass. A query without a word finds nothing."""
        found = self.index.search_batch([self.spelled(query) for query in queries], k, filters)
        return [self.outcome(query, hits, k) for query, hits in zip(queries, found, strict=True)]

    def outcome(self, query: str, hits: Sequence[Hit], k: int) -> SearchOutcome:
        """What hits for a query amount to, in the order given: the first one is judged."""
        calibration = self.calibration
        asked = any(character.isalnum() for character in query)
        found = tuple(hits[:k]) if asked else ()
        chances = tuple(calibration.probability(features(hits[first:])) for first in range(len(found)))
        return SearchOutcome(
            hits=found,
            chances=chances,
            probability=chances[0] if chances else 0.0,
            answer_at=calibration.answer_at,
            draft_at=calibration.draft_at,
        )

"""A folder of help pages into the knowledge part of a release: passages, index, calibration.

Small talk that no help centre answers sets the zero of the scores and the least that the thresholds may be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from nlu.base import resolve_base
from retrieval.calibration import PRIOR, Calibration, features
from retrieval.encoder import TextEncoder
from retrieval.errors import KnowledgeEmpty
from retrieval.homophones import counted_chinese_words
from retrieval.index import Hit, KnowledgeIndex, build_index
from retrieval.ingest import read_folder
from retrieval.knowledge import FORMAT, WORDS
from retrieval.passages import split_documents
from retrieval.sealed import seal, write_json
from retrieval.spelling import counted_words
from retrieval.views import lexical_text
from training.offtopic import CHINESE, ENGLISH
from training.pseudo_queries import pseudo_queries
from training.query_map import QueryMapReport, learn_query_map

Progress = Callable[[float, str], None]
"""Called with the share that is done, in [0, 1], and what is being done."""

PSEUDO_QUERIES = 200
CHATTER_ANSWERED = 0.03
CHATTER_DRAFTED = 0.10
"""At most these shares of small talk may reach the thresholds."""

_CEILING = 0.9
"""No threshold is raised above this: a knowledge full of small talk should still answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeReport:
    """What was built. ``found``: share of questions made from the knowledge whose own document came first.

    ``query_map``: what was learned of how customers ask, None where too few of their questions are known.

    ``indexes``: for each kind of view how many ``vectors`` it has, whether a search compares all (``exact``), and else
    what it finds of the ten nearest, as a share (``recall``).
    ``faults`` are files, or parts of files, that were skipped: ``path:line: what; remedy``.
    """

    documents: int
    passages: int
    vectors: int
    reused: int
    found: float
    chatter_answered: float
    answer_at: float
    draft_at: float
    indexes: Mapping[str, Mapping[str, float]]
    query_map: QueryMapReport | None = None
    faults: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def build_knowledge(
    folder: Path,
    *,
    base: str,
    out: Path,
    previous: Path | None = None,
    confirmed: Sequence[str] = (),
    seed: int = 0,
    progress: Progress | None = None,
) -> KnowledgeReport:
    """Read ``folder``, index it with the encoder ``base``, and write everything that serving needs to ``out``.

    ``previous``: an earlier ``out``, whose vectors of unchanged texts are taken over. ``confirmed``: questions that the
    knowledge answered to the customer's content. Raises ``KnowledgeEmpty`` with
    the faults if nothing could be read, ``BaseModelError``, and the errors of ``nlu.base``.
    """
    tell = progress or (lambda share, text: None)
    tell(0.0, "reading the knowledge")
    reading = read_folder(folder)
    if not reading.documents:
        faults = "".join(f"\n  {fault}" for fault in reading.faults)
        raise KnowledgeEmpty(
            f"{folder}: no page or FAQ that can be read; add pages (.md, .html, .pdf) or FAQ lists (.csv, .yml){faults}"
        )
    passages = split_documents(reading.documents)
    encoder = TextEncoder.load(resolve_base(base), "cuda" if torch.cuda.is_available() else "cpu")
    index, counts = build_index(
        passages,
        encoder,
        previous=previous / "index" if previous else None,
        progress=lambda done, of: tell(0.05 + 0.85 * done / of, f"embedding {of} texts"),
        unrelated=(*ENGLISH, *CHINESE),
    )
    tell(0.9, "learning how customers ask")
    learned, query_map_report = learn_query_map(index, confirmed, seed=seed)
    if learned:
        encoder.query_map = learned.query_map
        for kind, background in learned.backgrounds.items():
            index.dense[kind].background = background
    tell(0.95, "calibrating")
    calibration, chatter = calibrate(index)
    found = _found(index)
    index.save(out / "index")
    if learned:
        learned.query_map.save(out)
    write_json(out / "calibration.json", asdict(calibration))
    texts = [lexical_text(passage) for passage in index.passages]
    write_json(out / WORDS, counted_words(texts) | counted_chinese_words(texts))
    seal(out, FORMAT, {"base": base, "encoder": encoder.fingerprint})
    tell(1.0, "knowledge is ready")
    return KnowledgeReport(
        documents=len(reading.documents),
        passages=counts.passages,
        vectors=counts.vectors,
        reused=counts.reused,
        found=round(found, 4),
        chatter_answered=round(chatter, 4),
        answer_at=calibration.answer_at,
        draft_at=calibration.draft_at,
        indexes={
            kind: {"vectors": len(dense), "exact": dense.exact, "recall": round(dense.recall, 4)}
            for kind, dense in index.dense.items()
        },
        query_map=query_map_report,
        faults=tuple(map(str, reading.faults)),
        ignored=reading.ignored,
    )


def calibrate(index: KnowledgeIndex) -> tuple[Calibration, float]:
    """The general calibration with thresholds raised until small talk stays below them; the share that does not.

    The features are in units of this knowledge's own background, so the coefficients carry over between knowledges.
    """
    chatter = _chances(index, _chatter(index))
    answer_at = max(PRIOR.answer_at, min(_CEILING, float(np.quantile(chatter, 1 - CHATTER_ANSWERED)) + 0.01))
    draft_at = max(PRIOR.draft_at, min(answer_at, float(np.quantile(chatter, 1 - CHATTER_DRAFTED)) + 0.01))
    calibration = Calibration(
        weights=PRIOR.weights, bias=PRIOR.bias, answer_at=round(answer_at, 4), draft_at=round(draft_at, 4)
    )
    return calibration, float((chatter >= calibration.answer_at).mean())


def _chatter(index: KnowledgeIndex) -> Sequence[str]:
    languages = {passage.language for passage in index.passages}
    return (*(CHINESE if "zh" in languages else ()), *(ENGLISH if languages != {"zh"} else ()))


def _chances(index: KnowledgeIndex, queries: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found: Sequence[Sequence[Hit]] = index.search_batch(queries, 20)
    return np.array([PRIOR.probability(features(hits)) for hits in found])


def _found(index: KnowledgeIndex) -> float:
    asked = pseudo_queries(index.passages, limit=PSEUDO_QUERIES, seed=0)
    found = index.search_batch([query.text for query in asked], 1)
    right = [
        query.document in (hits[0].passage.document, *hits[0].passage.also_in)
        for query, hits in zip(asked, found, strict=True)
        if hits
    ]
    return float(np.mean(right)) if right else 0.0

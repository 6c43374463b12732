"""Labelled queries against a knowledge: how often the right passage comes first, and what is rightly declined.

A queries file has a JSON object a line: ``query``, ``relevant`` (the best first; empty where nothing answers), and
optionally ``id`` and ``kind``. ``relevant`` names a document by its path, ``path#heading`` (as written, as shown, or
its anchor), or a passage id.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.errors import RetrievalError
from retrieval.knowledge import Knowledge, SearchOutcome
from retrieval.passages import Passage

DEPTH = 60
"""Passages looked at, so that ten different documents are among them."""

Figures = dict[str, float]


class QueriesFault(RetrievalError):
    """A queries file that cannot be used: ``file:line: what is wrong, what would be right``."""

    code = "queries"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledQuery:
    """A query with what answers it; ``relevant`` empty where nothing does."""

    text: str
    relevant: frozenset[str]
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuery:
    """A query with what was found. ``rank``: the place, from 1, of the first relevant document or section; else 0."""

    query: LabelledQuery
    outcome: SearchOutcome
    rank: int

    @property
    def place(self) -> str:
        """The document or section that came first; empty where nothing was found."""
        hits = self.outcome.hits
        return _place(hits[0].passage, self.query) if hits else ""


def evaluate(knowledge: Knowledge, queries_file: Path) -> dict[str, object]:
    """The ``figures`` of all queries in a file. Raises ``QueriesFault``."""
    return figures(judge(knowledge, read_queries(queries_file)))


def judge(knowledge: Knowledge, queries: Sequence[LabelledQuery]) -> list[JudgedQuery]:
    """Search for every query."""
    outcomes = knowledge.search_batch([query.text for query in queries], DEPTH)
    return [
        JudgedQuery(query=query, outcome=outcome, rank=_rank(query, outcome))
        for query, outcome in zip(queries, outcomes, strict=True)
    ]


def figures(judged: Sequence[JudgedQuery]) -> dict[str, object]:
    """Figures over all queries, and the same for each kind under ``kinds``.

    ``recall@1``, ``recall@5``, ``mrr@10`` over answerable queries, counting distinct documents (or sections, where the
    label names one) best passage first; ``auroc`` of the probability for answerable against unanswerable;
    ``answered_unanswerable`` and ``declined_answerable`` at the shipped thresholds: answered means at or above
    ``answer_at``, declined means below ``draft_at``. A figure that its queries cannot give is left out.
    """
    kinds: defaultdict[str, list[JudgedQuery]] = defaultdict(list)
    for row in judged:
        kinds[row.query.kind or "all"].append(row)
    return {**_figures(judged), "kinds": {kind: _figures(rows) for kind, rows in kinds.items()}}


def read_queries(file: Path) -> list[LabelledQuery]:
    """Every line of a queries file. Raises ``QueriesFault`` at the first that is wrong."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise QueriesFault(f"{file}:0: cannot be read ({error}); name a UTF-8 file of JSON lines") from error
    queries = [_query(file, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not queries:
        raise QueriesFault(f"{file}:1: no queries; write one JSON object a line")
    return queries


def names(passage: Passage) -> Iterator[str]:
    """Every label under which a passage counts as relevant."""
    yield passage.id
    shown = passage.headings[-1] if passage.headings else passage.title
    for document in (passage.document, *passage.also_in):
        yield document
        yield from (f"{document}#{heading}" for heading in {passage.raw_heading, shown, passage.anchor} if heading)


def _query(file: Path, number: int, line: str) -> LabelledQuery:
    try:
        value = json.loads(line)
        text, relevant = value["query"], value["relevant"]
    except (ValueError, KeyError, TypeError) as error:
        raise QueriesFault(f"{file}:{number}: not a query ({error}); write query and relevant") from error
    if not isinstance(text, str) or not isinstance(relevant, list):
        raise QueriesFault(f"{file}:{number}: query must be a text and relevant a list")
    return LabelledQuery(text=text, relevant=frozenset(map(str, relevant)), kind=str(value.get("kind", "")))


def _figures(judged: Sequence[JudgedQuery]) -> Figures:
    answerable = [row for row in judged if row.query.relevant]
    ranks = [row.rank for row in answerable]
    yes = np.array([row.outcome.probability for row in answerable])
    no = np.array([row.outcome.probability for row in judged if not row.query.relevant])
    outcome = judged[0].outcome
    figures: Figures = {"queries": float(len(judged))}
    if ranks:
        figures["recall@1"] = float(np.mean([rank == 1 for rank in ranks]))
        figures["recall@5"] = float(np.mean([0 < rank <= 5 for rank in ranks]))
        figures["mrr@10"] = float(np.mean([1 / rank if 0 < rank <= 10 else 0.0 for rank in ranks]))
        figures["declined_answerable"] = float((yes < outcome.draft_at).mean())
        figures["not_answered_answerable"] = float((yes < outcome.answer_at).mean())
    if len(no):
        figures["answered_unanswerable"] = float((no >= outcome.answer_at).mean())
        figures["drafted_unanswerable"] = float((no >= outcome.draft_at).mean())
    if len(no) and ranks:
        lead = yes[:, None] - no[None, :]
        figures["auroc"] = float((lead > 0).mean() + 0.5 * (lead == 0).mean())
    return {name: round(value, 4) for name, value in figures.items()}


def _rank(query: LabelledQuery, outcome: SearchOutcome) -> int:
    seen: dict[str, bool] = {}
    for hit in outcome.hits:
        place = _place(hit.passage, query)
        seen[place] = seen.get(place, False) or any(name in query.relevant for name in names(hit.passage))
    return next((rank for rank, right in enumerate(seen.values(), 1) if right), 0)


def _place(passage: Passage, query: LabelledQuery) -> str:
    """What counts as one: the document, or its section where a label of the query names one."""
    by_section = any("#" in label for label in query.relevant)
    return f"{passage.document}#{passage.raw_heading}" if by_section else passage.document


def as_table(figures: Mapping[str, object]) -> str:
    """The figures as lines for a terminal: a row per kind."""
    columns = ("recall@1", "recall@5", "mrr@10", "auroc", "answered_unanswerable", "declined_answerable")
    kinds = figures.get("kinds")
    rows = [("all", figures), *(sorted(kinds.items()) if isinstance(kinds, dict) else ())]
    lines = [f"{'kind':<14}{'queries':>8}" + "".join(f"{column:>23}" for column in columns)]
    for kind, row in rows:
        cells = (row.get(column) for column in columns)
        shown = "".join(f"{cell:>23.3f}" if isinstance(cell, float) else f"{'-':>23}" for cell in cells)
        lines.append(f"{kind:<14}{int(row['queries']):>8}{shown}")
    return "\n".join(lines)

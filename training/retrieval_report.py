"""What a report on search holds, as numbers and rows: ``training.retrieval_page`` draws them. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrieval.passages import Passage
from training.evaluate_retrieval import Figures, JudgedQuery, figures, names

BARS = 20
"""Bars of the histogram of probabilities."""

_SNIPPET_CHARS = 220


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Queries whose best passage has a probability from ``low`` to ``high``.

    ``right``: answerable, a relevant page first; ``wrong``: answerable, another first; ``none``: unanswerable.
    """

    low: float
    high: float
    right: int = 0
    wrong: int = 0
    none: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of queries at the shipped thresholds, as counts; the columns of a ``Bar``."""

    name: str
    right: int
    wrong: int
    none: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A query for which something else came first. ``rank``: where a relevant page stands, 0 if nowhere."""

    query: str
    kind: str
    wanted: tuple[str, ...]
    first: str
    snippet: str
    rank: int
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A document: how many queries want it, for how many of them it or another relevant one came first, or was among
    five, and how often it came first where it should not."""

    document: str
    passages: int
    wanted: int
    first: int
    five: int
    intruding: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalReport:
    """The report. ``unknown``: labels of queries that name nothing in the knowledge."""

    title: str
    facts: Mapping[str, str]
    figures: Figures
    kinds: Mapping[str, Figures]
    answer_at: float
    draft_at: float
    bars: tuple[Bar, ...]
    fates: tuple[Fate, ...]
    failures: tuple[Failure, ...]
    answered: tuple[Failure, ...]
    pages: tuple[Page, ...]
    unknown: tuple[str, ...]

    @property
    def unasked(self) -> int:
        """Documents that no query wants."""
        return sum(not page.wanted for page in self.pages)


def retrieval_report(
    judged: Sequence[JudgedQuery], passages: Sequence[Passage], *, title: str, facts: Mapping[str, str]
) -> RetrievalReport:
    """The report on judged queries and the passages that were searched. Needs a query."""
    found = figures(judged)
    kinds = found.pop("kinds")
    outcome = judged[0].outcome
    wrong = [_failure(row) for row in judged if row.query.relevant and row.rank != 1]
    answered = [row for row in judged if not row.query.relevant and row.outcome.probability >= outcome.draft_at]
    known = {name for passage in passages for name in names(passage)}
    return RetrievalReport(
        title=title,
        facts=facts,
        figures={name: value for name, value in found.items() if isinstance(value, float)},
        kinds=kinds if isinstance(kinds, Mapping) else {},
        answer_at=outcome.answer_at,
        draft_at=outcome.draft_at,
        bars=_bars(judged),
        fates=_fates(judged),
        failures=tuple(sorted(wrong, key=lambda failure: -failure.probability)),
        answered=tuple(sorted(map(_failure, answered), key=lambda failure: -failure.probability)),
        pages=_pages(judged, passages),
        unknown=tuple(sorted({label for row in judged for label in row.query.relevant} - known)),
    )


def _group(row: JudgedQuery) -> str:
    return "none" if not row.query.relevant else "right" if row.rank == 1 else "wrong"


def _bars(judged: Sequence[JudgedQuery]) -> tuple[Bar, ...]:
    counts = Counter((min(int(row.outcome.probability * BARS), BARS - 1), _group(row)) for row in judged)
    return tuple(
        Bar(low=at / BARS, high=(at + 1) / BARS, **{group: counts[at, group] for group in ("right", "wrong", "none")})
        for at in range(BARS)
    )


def _fates(judged: Sequence[JudgedQuery]) -> tuple[Fate, ...]:
    counts = Counter((_fate(row), _group(row)) for row in judged)
    return tuple(
        Fate(name=name, **{group: counts[name, group] for group in ("right", "wrong", "none")})
        for name in ("answered", "drafted", "declined")
    )


def _fate(row: JudgedQuery) -> str:
    outcome = row.outcome
    if outcome.probability >= outcome.answer_at:
        return "answered"
    return "drafted" if outcome.probability >= outcome.draft_at else "declined"


def _failure(row: JudgedQuery) -> Failure:
    hits = row.outcome.hits
    text = " ".join(hits[0].passage.text.split()) if hits else ""
    return Failure(
        query=row.query.text,
        kind=row.query.kind,
        wanted=tuple(sorted(row.query.relevant)),
        first=row.place,
        snippet=text if len(text) <= _SNIPPET_CHARS else f"{text[:_SNIPPET_CHARS]}…",
        rank=row.rank,
        probability=row.outcome.probability,
    )


def _pages(judged: Sequence[JudgedQuery], passages: Sequence[Passage]) -> tuple[Page, ...]:
    """The worst first: those that are wanted and not found."""
    own = Counter(passage.document for passage in passages)
    wanting: defaultdict[str, list[JudgedQuery]] = defaultdict(list)
    for row in judged:
        for document in {label.partition("#")[0] for label in row.query.relevant}:
            wanting[document].append(row)
    intruding = Counter(row.place.partition("#")[0] for row in judged if row.query.relevant and row.rank != 1)
    pages = [
        Page(
            document=document,
            passages=many,
            wanted=len(wanting[document]),
            first=sum(row.rank == 1 for row in wanting[document]),
            five=sum(0 < row.rank <= 5 for row in wanting[document]),
            intruding=intruding[document],
        )
        for document, many in own.items()
    ]
    return tuple(sorted(pages, key=lambda page: (page.first - page.wanted, -page.intruding, page.document)))

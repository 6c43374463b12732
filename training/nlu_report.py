"""What a report on understanding holds, as numbers: ``training.nlu_page`` draws them, JSON keeps them."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nlu.data import OUT_OF_SCOPE_INTENT
from training.evaluate_nlu import Judged
from training.nlu_suspects import Doubts, Suspect

BARS = 20
"""Bars of the histogram of confidences."""
_MATRIX = 12
_PAIRS = 12
_MISTAKES = 15
_SUSPECTS = 40
_OVERLAPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRow:
    """An intent among the judged messages. Shares are None where nothing was there to share.

    ``mistake`` is what its messages were most often taken for, ``mistakes`` times.
    """

    intent: str
    support: int
    precision: float | None
    recall: float | None
    f1: float
    mistake: str
    mistakes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityRow:
    """An entity: how often annotated and found; both ends and the type must agree."""

    entity: str
    support: int
    found: int
    precision: float | None
    recall: float | None
    f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Messages of ``gold`` that were taken for ``best``, the surest first."""

    gold: str
    best: str
    count: int
    support: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """How often each of ``intents`` (rows) was taken for each (columns), and for any other (last column)."""

    intents: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Messages whose best intent has a confidence from ``low`` to ``high``. ``sure``: its mean where it was judged."""

    low: float
    high: float
    right: int
    wrong: int
    outside: int
    sure: float | None

    @property
    def accuracy(self) -> float | None:
        """The share that is right, of those that belong to an intent."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NluPage:
    """All that the page shows. ``facts``: how it was measured, in words; ``spread``: standard deviations."""

    title: str
    facts: Mapping[str, str]
    figures: Mapping[str, float | None]
    spread: Mapping[str, float | None]
    pairs: tuple[Pair, ...]
    matrix: Matrix
    bars: tuple[Bar, ...]
    mistakes: tuple[Judged, ...]
    intents: tuple[IntentRow, ...]
    entities: tuple[EntityRow, ...]
    doubts: Doubts

    def to_json(self) -> dict[str, Any]:
        """The same for programs, without what only a picture needs."""
        return {
            **self.figures,
            "intents": {row.intent: _without(asdict(row), "intent") for row in self.intents},
            "entities": {row.entity: _without(asdict(row), "entity") for row in self.entities},
            "confused": [asdict(pair) for pair in self.pairs],
            "suspects": [suspect_json(suspect) for suspect in self.doubts.suspects],
            "overlaps": [
                _without(asdict(overlap), "examples") | {"examples": [suspect_json(s) for s in overlap.examples]}
                for overlap in self.doubts.overlaps
            ],
        }


def nlu_page(
    rows: Sequence[Judged],
    *,
    title: str,
    facts: Mapping[str, str],
    figures: Mapping[str, float | None],
    doubts: Doubts,
    spread: Mapping[str, float | None] | None = None,
) -> NluPage:
    """The numbers of a report on judged messages."""
    inside = [row for row in rows if not row.outside]
    pairs = confused_pairs(inside)
    wrong = [row for row in rows if row.best != row.gold and (not row.outside or row.answered != OUT_OF_SCOPE_INTENT)]
    return NluPage(
        title=title,
        facts=facts,
        figures=figures,
        spread=spread or {},
        pairs=pairs[:_PAIRS],
        matrix=worst_matrix(inside, pairs),
        bars=confidence_bars(rows),
        mistakes=tuple(sorted(wrong, key=lambda row: -row.confidence)[:_MISTAKES]),
        intents=intent_rows(inside),
        entities=entity_rows(rows),
        doubts=Doubts(suspects=doubts.suspects[:_SUSPECTS], overlaps=doubts.overlaps[:_OVERLAPS], judge=doubts.judge),
    )


def suspect_json(suspect: Suspect) -> dict[str, Any]:
    """A suspicious example for programs."""
    return {
        **asdict(suspect.example),
        "other": suspect.other,
        "chance": round(suspect.chance, 4),
        "other_chance": round(suspect.other_chance, 4),
        "alike": suspect.alike,
    }


def confused_pairs(inside: Sequence[Judged]) -> tuple[Pair, ...]:
    """Every pair of an intent and what it was taken for, the most frequent first."""
    support = Counter(row.gold for row in inside)
    found: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for row in inside:
        if row.best != row.gold:
            found[row.gold, row.best].append(row)
    pairs = [
        Pair(
            gold=gold,
            best=best,
            count=len(members),
            support=support[gold],
            texts=tuple(row.text for row in sorted(members, key=lambda row: -row.confidence)),
        )
        for (gold, best), members in found.items()
    ]
    return tuple(sorted(pairs, key=lambda pair: (-pair.count, -pair.count / pair.support, pair.gold, pair.best)))


def worst_matrix(inside: Sequence[Judged], pairs: Sequence[Pair]) -> Matrix:
    """The intents that are confused most with each other, beside each other: (intents, intents + 1 for any other)."""
    ties: Counter[frozenset[str]] = Counter()
    for pair in pairs:
        ties[frozenset((pair.gold, pair.best))] += pair.count
    chosen: list[str] = []
    while len(chosen) < _MATRIX and (tie := _strongest(ties, chosen)):
        known = [chosen.index(intent) for intent in tie if intent in chosen]
        place = known[0] + 1 if known else len(chosen)
        chosen[place:place] = sorted(tie - set(chosen))
    counts = Counter((row.gold, row.best if row.best in chosen else "") for row in inside)
    table = tuple(tuple(counts[gold, best] for best in (*chosen, "")) for gold in chosen)
    return Matrix(intents=tuple(chosen), counts=table)


def _strongest(ties: Mapping[frozenset[str], int], chosen: Sequence[str]) -> frozenset[str] | None:
    """The pair to show next: most often confused; one that shares an intent with those chosen counts double."""
    known = set(chosen)
    new = {tie: count * (2 if tie & known else 1) for tie, count in ties.items() if not tie <= known}
    room = {tie: weight for tie, weight in new.items() if len(tie - known) + len(known) <= _MATRIX}
    return max(room, key=lambda tie: (room[tie], sorted(tie))) if room else None


def confidence_bars(rows: Sequence[Judged]) -> tuple[Bar, ...]:
    """Twenty bars of equal width."""
    members: list[list[Judged]] = [[] for _ in range(BARS)]
    for row in rows:
        members[min(int(row.confidence * BARS), BARS - 1)].append(row)
    return tuple(_bar(place, found) for place, found in enumerate(members))


def _bar(place: int, rows: Sequence[Judged]) -> Bar:
    inside = [row for row in rows if not row.outside]
    right = sum(row.best == row.gold for row in inside)
    return Bar(
        low=place / BARS,
        high=(place + 1) / BARS,
        right=right,
        wrong=len(inside) - right,
        outside=len(rows) - len(inside),
        sure=float(np.mean([row.confidence for row in inside])) if inside else None,
    )


def intent_rows(inside: Sequence[Judged]) -> tuple[IntentRow, ...]:
    """Every intent that was meant or answered, the worst first; the best intent counts, whether sure or not."""
    support, answered = Counter(row.gold for row in inside), Counter(row.best for row in inside)
    right = Counter(row.gold for row in inside if row.gold == row.best)
    taken: dict[str, Counter[str]] = defaultdict(Counter)
    for row in inside:
        if row.best != row.gold:
            taken[row.gold][row.best] += 1
    rows = []
    for intent in sorted(support | answered):
        mistake, mistakes = taken[intent].most_common(1)[0] if taken[intent] else ("", 0)
        rows.append(
            IntentRow(
                intent=intent,
                support=support[intent],
                precision=_over(right[intent], answered[intent]),
                recall=_over(right[intent], support[intent]),
                f1=_f1(right[intent], support[intent], answered[intent]),
                mistake=mistake,
                mistakes=mistakes,
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.f1, -row.support)))


def entity_rows(rows: Sequence[Judged]) -> tuple[EntityRow, ...]:
    """Every entity that was annotated or found, the worst first."""
    support = Counter(kind for row in rows for _, _, kind in row.annotated)
    found = Counter(kind for row in rows for _, _, kind in row.found)
    right = Counter(kind for row in rows for _, _, kind in row.annotated & row.found)
    table = [
        EntityRow(
            entity=entity,
            support=support[entity],
            found=found[entity],
            precision=_over(right[entity], found[entity]),
            recall=_over(right[entity], support[entity]),
            f1=_f1(right[entity], support[entity], found[entity]),
        )
        for entity in sorted(support | found)
    ]
    return tuple(sorted(table, key=lambda row: (row.f1, -row.support)))


def _over(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _f1(right: int, support: int, found: int) -> float:
    return 2 * right / (support + found) if support + found else 0.0


def _without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}

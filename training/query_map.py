"""The search taught how customers ask: a linear map of the query's vector, learned from questions with known answers.

Paraphrases of FAQ questions, and questions whose answer a customer rated well, are drawn towards their own passage and
away from those of the others, by the same likeness that the search ranks by (a linear adapter on one side of a frozen
encoder, as in Search-Adaptor, Yoon et al. 2024). The vectors of the passages stay as they are, so nothing is embedded
again. The map is kept only where questions that it has not seen find their passage more often.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, comb

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from retrieval.calibration import PRIOR, features
from retrieval.encoder import Vectors
from retrieval.index import WEIGHTS, KnowledgeIndex
from retrieval.query_map import QueryMap
from retrieval.views import ViewKind, views
from training.pseudo_queries import noised

CHANCE = 0.05
"""A map is kept if so many better ranks as it brings would be luck less often than this."""

FEWEST, MOST = 20, 3000
"""So many questions are needed, and so many are learned from at most."""

FOLDS = 8
RIVALS = 128
"""Passages that a batch of questions chooses among, at most."""

JUDGED_AMONG = 2000
"""Passages among which a held-out question should find its own, at most."""

BATCH, EPOCHS, MOST_STEPS = 64, 20, 400
LEARNING_RATE = 1e-3
SCALE = 20.0
"""By what likeness is multiplied before the softmax."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question and the row of the passage that answers it. ``tried`` is how it is asked when it is held out;
    ``confirmed`` says that a customer asked it."""

    text: str
    tried: str
    passage: int
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryMapReport:
    """What came of it. ``before`` and ``after``: share of questions that find their own passage first by meaning
    alone, with maps that did not see them."""

    kept: bool
    questions: int
    confirmed: int
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A map, and the background of each kind of view that goes with it."""

    query_map: QueryMap
    backgrounds: Mapping[ViewKind, float]


def learn_query_map(
    index: KnowledgeIndex, confirmed: Sequence[str], *, seed: int
) -> tuple[Learned | None, QueryMapReport | None]:
    """A map if it helps, and the report; neither where there are too few questions."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    asked = [*_paraphrases(index), *_confirmed(index, confirmed, chance)]
    if len(asked) < FEWEST:
        return None, None
    chance.shuffle(asked)
    asked = asked[:MOST]
    task = _Task(index, asked, seed)
    turned = task.cross_turned(seed)
    before, after = task.found(task.tried), task.found(turned)
    kept = chance_of(before, after) < CHANCE
    report = QueryMapReport(
        kept=kept,
        questions=len(asked),
        confirmed=sum(question.confirmed for question in asked),
        before=round(float(before.mean()), 4),
        after=round(float(after.mean()), 4),
    )
    if not kept:
        return None, report
    length, backgrounds = task.scale(turned)
    matrix: Vectors = task.fit(range(len(asked)), seed).numpy()
    return Learned(query_map=QueryMap(matrix, length), backgrounds=backgrounds), report


def chance_of(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> float:
    """How often luck alone would turn so many of the changed verdicts to the better (sign test, one-sided)."""
    better, worse = int((after & ~before).sum()), int((before & ~after).sum())
    changed = better + worse
    luckier = sum(comb(changed, count) for count in range(better, changed + 1))
    return float(luckier / 2**changed)


def _paraphrases(index: KnowledgeIndex) -> list[Asked]:
    return [
        Asked(text=alias, tried=alias, passage=row, confirmed=False)
        for row, passage in enumerate(index.passages)
        if passage.question
        for alias in dict.fromkeys(passage.aliases)
        if alias != passage.question
    ]


def _confirmed(index: KnowledgeIndex, questions: Sequence[str], chance: random.Random) -> list[Asked]:
    """What answered a question that a customer was content with is what is found for it. Held out it is asked with
    words left out, since as it is it would be found by definition."""
    rows = {passage.id: row for row, passage in enumerate(index.passages)}
    found = index.search_batch(questions, 1)
    return [
        Asked(
            text=text,
            tried=noised(text, hits[0].passage.language, chance),
            passage=rows[hits[0].passage.id],
            confirmed=True,
        )
        for text, hits in zip(questions, found, strict=True)
        if hits and PRIOR.probability(features(hits)) >= PRIOR.answer_at
    ]


class _Task:
    """Questions, and the vectors of the passages among which each should find its own."""

    def __init__(self, index: KnowledgeIndex, asked: Sequence[Asked], seed: int) -> None:
        owners = dict.fromkeys(question.passage for question in asked)
        others = [row for row in range(len(index.passages)) if row not in owners]
        chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        chosen = [*owners, *chance.sample(others, min(len(others), max(0, JUDGED_AMONG - len(owners))))]
        place = {row: at for at, row in enumerate(chosen)}
        self.targets = torch.tensor([place[question.passage] for question in asked])
        self._places = range(len(chosen))
        self._views = {kind: _gather(index, kind, chosen) for kind in WEIGHTS}
        starts = self._views["heading"].starts
        self._own = torch.tensor([_own_view(index, question, starts[place[question.passage]]) for question in asked])
        encode = index.encoder.encode_queries
        self._asked = torch.from_numpy(encode([question.text for question in asked]))
        self.tried = self._asked.clone()
        if changed := [row for row, question in enumerate(asked) if question.confirmed]:
            self.tried[changed] = torch.from_numpy(encode([asked[row].tried for row in changed]))

    def cross_turned(self, seed: int) -> Tensor:
        """The questions as they are tried, each turned by a map that was learned from the other folds."""
        rows = range(len(self.tried))
        turned = self.tried.clone()
        for fold in range(FOLDS):
            held_out = list(rows[fold::FOLDS])
            learned = [row for row in rows if row % FOLDS != fold]
            turned[held_out] = _turned(self.tried[held_out], self.fit(learned, seed))
        return turned

    def fit(self, learned: Sequence[int], seed: int) -> Tensor:
        """A map learned from some of the questions. Only passages that are asked for are pushed away from others'
        questions: one of which no question is known would be pushed away from all."""
        torch.manual_seed(seed)
        chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        size = self._asked.shape[1]
        turn = torch.zeros(size, size, requires_grad=True)
        optimizer = torch.optim.AdamW([turn], lr=LEARNING_RATE)
        rivals = sorted(set(self.targets[list(learned)].tolist()))
        for batch in _batches(learned, chance):
            own = self.targets[batch]
            more = chance.sample(rivals, min(RIVALS, len(rivals)))
            among = sorted({*own.tolist(), *more})
            queries = _turned(self._asked[batch], torch.eye(size) + turn)
            likeness = SCALE * self._likeness(queries, self._own[batch], among)
            right = torch.searchsorted(torch.tensor(among), own)
            optimizer.zero_grad()
            torch.autograd.backward(functional.cross_entropy(likeness, right))
            optimizer.step()
        return (torch.eye(size) + turn).detach()

    @torch.inference_mode()
    def found(self, queries: Tensor) -> NDArray[np.bool_]:
        """Whether each question is nearest to its own passage."""
        starts = range(0, len(queries), BATCH)
        parts = [(queries[start : start + BATCH], self._own[start : start + BATCH]) for start in starts]
        nearest = torch.cat([self._likeness(part, own, self._places).argmax(1) for part, own in parts])
        verdicts: NDArray[np.bool_] = (nearest == self.targets).numpy()
        return verdicts

    def scale(self, turned: Tensor) -> tuple[float, dict[ViewKind, float]]:
        """The length of turned questions, and the background of each kind, with which their likeness to their own
        passages, and to all, is on average what it was."""
        lengths: list[float] = []
        own: dict[ViewKind, tuple[float, float]] = {}
        for kind, part in self._views.items():
            middle = part.vectors.mean(0)
            own_before, all_before = self._near(kind, self.tried), float(self.tried.mean(0) @ middle)
            own_after, all_after = self._near(kind, turned), float(turned.mean(0) @ middle)
            like_own, like_all = ((near - part.background) / (1 - part.background) for near in (own_before, all_before))
            # length x after = background + likeness x (1 - background), for both: two equations, two unknowns
            spread = (like_own - like_all) / (own_after - all_after)
            lengths.append(spread / (1 + spread * all_after - like_all))
            own[kind] = own_after, like_own
        length = float(np.average(lengths, weights=list(WEIGHTS.values())))
        return length, {kind: (length * after - like) / (1 - like) for kind, (after, like) in own.items()}

    def _near(self, kind: ViewKind, queries: Tensor) -> float:
        """How near questions are to their own passage on average, as a cosine, but for views that are the question."""
        nearest = []
        for query, own, place in zip(queries, self._own, self.targets.tolist(), strict=True):
            rows, _ = self._views[kind].of([place])
            near = self._views[kind].vectors[rows] @ query
            nearest.append(float(near[rows != own].max() if kind == "heading" else near.max()))
        return float(np.mean(nearest))

    def _likeness(self, queries: Tensor, own: Tensor, places: Sequence[int]) -> Tensor:
        """Of queries to passages (queries, places), as the search sees it, but for views that are the query itself."""
        total = torch.zeros(len(queries), len(places))
        for kind, part in self._views.items():
            rows, owners = part.of(places)
            near = queries @ part.vectors[rows].T
            if kind == "heading":
                near = near.masked_fill(rows[None, :] == own[:, None], -1.0)
            best = torch.full((len(queries), len(places)), -1.0)
            best = best.scatter_reduce(1, owners.expand(len(queries), -1), near, "amax")
            total = total + WEIGHTS[kind] * (best - part.background) / (1 - part.background)
        return total


@dataclass(frozen=True, slots=True)
class _Part:
    """The vectors of one kind of view; those of the passage at a place lie from ``starts[place]`` on."""

    vectors: Tensor
    starts: NDArray[np.int64]
    background: float

    def of(self, places: Sequence[int]) -> tuple[Tensor, Tensor]:
        """The rows of the vectors of some places, and for each row which of those places it belongs to."""
        lengths = np.diff(self.starts)[list(places)]
        rows = np.concatenate([np.arange(self.starts[place], self.starts[place + 1]) for place in places])
        return torch.from_numpy(rows), torch.from_numpy(np.repeat(np.arange(len(places)), lengths))


def _gather(index: KnowledgeIndex, kind: ViewKind, passages: Sequence[int]) -> _Part:
    dense = index.dense[kind]
    rows = [np.arange(dense.starts[row], dense.starts[row + 1]) for row in passages]
    starts = np.concatenate([[0], np.cumsum([len(part) for part in rows])]).astype(np.int64)
    vectors = torch.from_numpy(np.array(dense.vectors[np.concatenate(rows)]))
    return _Part(vectors=vectors, starts=starts, background=dense.background)


def _own_view(index: KnowledgeIndex, question: Asked, start: int) -> int:
    """The row of the heading view that is the question itself; -1 where there is none."""
    if question.confirmed:
        return -1
    return start + views(index.passages[question.passage], "heading").index(question.text)


def _batches(rows: Sequence[int], chance: random.Random) -> Iterator[list[int]]:
    steps = min(EPOCHS * ceil(len(rows) / BATCH), MOST_STEPS)
    left: list[int] = []
    for _ in range(steps):
        if not left:
            left = list(rows)
            chance.shuffle(left)
        yield left[:BATCH]
        del left[:BATCH]


def _turned(queries: Tensor, query_map: Tensor) -> Tensor:
    return functional.normalize(queries @ query_map.T, dim=-1)

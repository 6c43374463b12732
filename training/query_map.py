"""The search taught how customers ask: a linear map of the query's vector, learned from questions with known answers.

Paraphrases of FAQ questions, and questions whose answer a customer rated well, are drawn towards their own passage and
away from those of the others, by the same likeness that the search ranks by (a linear adapter on one side of a frozen
encoder, as in Search-Adaptor, Yoon et al. 2024). The vectors of the passages stay as they are, so nothing is embedded
again. The map is kept only where questions that it has not seen find their passage more often.
"""

import random
from collections.abc import Iterator, Sequence
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
from retrieval.views import ViewKind, views
from training.pseudo_queries import noised

CHANCE = 0.05
"""A map is kept if so many better ranks as it brings would be luck less often than this."""

FEWEST, MOST = 20, 3000
"""So many questions are needed, and so many are learned from at most."""

FOLDS = 4
RIVALS = 256
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


def learn_query_map(
    index: KnowledgeIndex, confirmed: Sequence[str], *, seed: int
) -> tuple[Vectors | None, QueryMapReport | None]:
    """A map (dimensions, dimensions) if it helps, and the report; neither where there are too few questions."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    asked = [*_paraphrases(index), *_confirmed(index, confirmed, chance)]
    if len(asked) < FEWEST:
        return None, None
    chance.shuffle(asked)
    asked = asked[:MOST]
    task = _Task(index, asked, seed)
    before, after = _trial(task, seed)
    kept = chance_of(before, after) < CHANCE
    report = QueryMapReport(
        kept=kept,
        questions=len(asked),
        confirmed=sum(question.confirmed for question in asked),
        before=round(float(before.mean()), 4),
        after=round(float(after.mean()), 4),
    )
    return (task.fit(range(len(asked)), seed) if kept else None), report


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


def _trial(task: "_Task", seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each question finds its passage first: as things are, and with a map learned from the other folds."""
    rows = range(len(task.targets))
    before = task.found(rows, None)
    after = np.zeros(len(rows), bool)
    for fold in range(FOLDS):
        held_out = rows[fold::FOLDS]
        after[held_out] = task.found(held_out, task.fit([row for row in rows if row % FOLDS != fold], seed))
    return before, after


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
        self._tried = self._asked.clone()
        if changed := [row for row, question in enumerate(asked) if question.confirmed]:
            self._tried[changed] = torch.from_numpy(encode([asked[row].tried for row in changed]))

    def fit(self, learned: Sequence[int], seed: int) -> Vectors:
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
        result: Vectors = (torch.eye(size) + turn).detach().numpy()
        return result

    @torch.inference_mode()
    def found(self, rows: Sequence[int], query_map: Vectors | None) -> NDArray[np.bool_]:
        """Whether each of some questions, asked as when held out, is nearest to its own passage."""
        found = np.zeros(len(rows), bool)
        for start in range(0, len(rows), BATCH):
            batch = list(rows[start : start + BATCH])
            queries = self._tried[batch]
            if query_map is not None:
                queries = _turned(queries, torch.from_numpy(query_map))
            likeness = self._likeness(queries, self._own[batch], self._places)
            found[start : start + BATCH] = (likeness.argmax(1) == self.targets[batch]).numpy()
        return found

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

"""Training examples that look mislabelled, and pairs of intents that examples pull together.

Each example is judged by a model that has not seen it: the folds of a cross-validation, or, where only one model was
trained, a linear head on the base encoder's vectors, in five folds. Confident learning [Northcutt et al. 2021,
"Confident Learning: Estimating Uncertainty in Dataset Labels"] then finds the examples for which another intent is at
least as probable as it is for that intent's own examples on the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from nlu.tokens import TextEncoder
from training.nlu_fast import minimise
from training.nlu_vectors import FrozenVectors, grown_base

FOLDS = 5
_SCALE = 20.0
"""Vectors of length 1 are that much longer for the head, so that its weights stay small."""
_DECAY = 1e-3
_STEPS = 60
_MAX_TOKENS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A training example: its intent without a key, and where it stands (``path:line``; empty if unknown)."""

    text: str
    intent: str
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """An example that looks as if it belonged to ``other``, with the probabilities of both intents.

    ``alike`` is the example of ``other`` that is most like it.
    """

    example: Labelled
    other: str
    chance: float
    other_chance: float
    alike: str

    @property
    def margin(self) -> float:
        """The lower, the more suspicious."""
        return self.chance - self.other_chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Two intents whose examples are taken for each other's: how many of them, of ``total``, the surest first."""

    first: str
    second: str
    mistaken: int
    total: int
    examples: tuple[Suspect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """What somebody should look at; ``judge`` says what judged."""

    suspects: tuple[Suspect, ...]
    overlaps: tuple[Overlap, ...]
    judge: str


def doubts(
    examples: Sequence[Labelled],
    vectors: NDArray[np.float32],
    *,
    chances: NDArray[np.float64] | None = None,
    classes: Sequence[str] = (),
    seed: int = 0,
) -> Doubts:
    """The suspicious examples, worst first, and the overlapping intents.

    ``vectors``: (n, width), of length 1. ``chances``: (n, classes), of models that had not seen the example; a row
    of nan was not judged. None judges by a head on the vectors.
    """
    judge = "the models of the cross-validation, each of which had not seen the example"
    if chances is None:
        classes = sorted({example.intent for example in examples})
        judge = "a linear head on the base model's vectors, in five folds"
        labels = np.array([classes.index(example.intent) for example in examples])
        chances = crossed_chances(vectors, labels, len(classes), seed=seed)
    labels = np.array([classes.index(example.intent) for example in examples], dtype=np.int64)
    taken = {
        row: Suspect(
            example=examples[row],
            other=classes[best],
            chance=float(chances[row, labels[row]]),
            other_chance=float(chances[row, best]),
            alike=_most_alike(examples, vectors, row, classes[best]),
        )
        for row, best in _taken_for(chances, labels)
    }
    intents = [example.intent for example in examples]
    return Doubts(
        suspects=tuple(taken[row] for row in mislabelled(chances, labels) if row in taken),
        overlaps=_overlaps(sorted(taken.values(), key=lambda suspect: suspect.margin), intents),
        judge=judge,
    )


def mislabelled(chances: NDArray[np.float64], labels: NDArray[np.int64]) -> list[int]:
    """The rows whose labels confident learning doubts, the most doubtful first.

    A class counts as confident at the mean probability that its own examples have of it.
    """
    judged = np.flatnonzero(~np.isnan(chances).any(axis=1))
    usual = np.full(chances.shape[1], np.inf)
    for label in np.unique(labels[judged]):
        usual[label] = chances[judged[labels[judged] == label], label].mean()
    found = []
    for row in judged:
        sure = np.where(chances[row] >= usual, chances[row], -1.0)
        other = int(sure.argmax())
        if sure[other] >= 0 and other != labels[row]:
            found.append((float(chances[row, labels[row]] - chances[row, other]), int(row)))
    return [row for _, row in sorted(found)]


def crossed_chances(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], classes: int, *, seed: int
) -> NDArray[np.float64]:
    """(n, classes): probabilities by heads that were fitted without the example's fold; nan where there is none."""
    chances = np.full((len(labels), classes), np.nan)
    parts = folds_of(labels.tolist(), FOLDS, seed=seed)
    rows = torch.from_numpy(vectors - vectors.mean(axis=0)) * _SCALE
    for part in range(FOLDS):
        held, learned = np.flatnonzero(parts == part), np.flatnonzero(parts != part)
        if len(held) and len(learned):
            head = _fitted_head(rows[learned], torch.from_numpy(labels[learned]), classes)
            chances[held] = torch.softmax(head(rows[held]), dim=1).detach().double().numpy()
    return chances


def folds_of(labels: Sequence[object], folds: int, *, seed: int) -> NDArray[np.int64]:
    """The fold of each example: every label is spread evenly over the folds. -1: the only one of its label.

    Such an example is learned in every fold and judged in none.
    """
    random = np.random.default_rng(seed)
    parts = np.full(len(labels), -1, dtype=np.int64)
    places: dict[object, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    start = 0
    for rows in places.values():
        if len(rows) > 1:
            parts[random.permutation(rows)] = (start + np.arange(len(rows))) % folds
            start += len(rows)
    return parts


def base_vectors(base: str, texts: Sequence[str]) -> NDArray[np.float32]:
    """(texts, width): mean vectors of the base model as it is, of length 1."""
    given, tokenizer = grown_base(base, texts)
    frozen = FrozenVectors(given, torch.device("cpu"), keep_tokens=False)
    tokens = TextEncoder(tokenizer, max_tokens=min(_MAX_TOKENS, given.shape.positions)).encode(texts)
    return frozen.means(tokens).numpy()


def _fitted_head(rows: torch.Tensor, labels: torch.Tensor, classes: int) -> torch.nn.Linear:
    """Multinomial logistic regression with a penalty on large weights, by L-BFGS."""
    head = torch.nn.Linear(rows.shape[1], classes)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)

    def loss() -> torch.Tensor:
        return functional.cross_entropy(head(rows), labels) + _DECAY * head.weight.square().sum()

    minimise(loss, head.parameters(), steps=_STEPS)
    return head


def _taken_for(chances: NDArray[np.float64], labels: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(row, most probable class) of each example for which that is not its own."""
    judged = np.flatnonzero(~np.isnan(chances).any(axis=1))
    return [(int(row), int(best)) for row in judged if (best := chances[row].argmax()) != labels[row]]


def _most_alike(examples: Sequence[Labelled], vectors: NDArray[np.float32], row: int, intent: str) -> str:
    rows = [place for place, example in enumerate(examples) if example.intent == intent and place != row]
    return examples[rows[int((vectors[rows] @ vectors[row]).argmax())]].text if rows else ""


def _overlaps(found: Sequence[Suspect], intents: Sequence[str]) -> tuple[Overlap, ...]:
    """The pairs of intents by how many of their examples are taken for the other's; one alone says nothing."""
    pairs: dict[tuple[str, str], list[Suspect]] = {}
    for suspect in found:
        first, second = sorted((suspect.example.intent, suspect.other))
        pairs.setdefault((first, second), []).append(suspect)
    overlaps = [
        Overlap(
            first=first,
            second=second,
            mistaken=len(members),
            total=intents.count(first) + intents.count(second),
            examples=tuple(members),
        )
        for (first, second), members in pairs.items()
        if len(members) > 1
    ]
    return tuple(sorted(overlaps, key=lambda overlap: (-overlap.mistaken, -overlap.mistaken / overlap.total)))

"""How good an NLU model is on annotated messages. Rows of the intent ``out_of_scope`` should be rejected."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nlu.data import FALLBACK_INTENT, OUT_OF_SCOPE_INTENT, Entity, EntitySpan, Example, IntentScore, Parse
from nlu.model import NluModel
from training.nlu_calibration import calibration_error, separation

REJECTED = frozenset({FALLBACK_INTENT, OUT_OF_SCOPE_INTENT})
_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An annotated message beside what a model said of it.

    ``gold`` has no response key. ``ranking``: the intents, best first; ``best`` is the first of them that is no
    rejection, whether sure or not. ``answered``: the intent at the shipped threshold, a rejection being
    ``out_of_scope``. ``annotated`` and ``found``: entities as (start, end, type). ``key_right``: whether the response
    key was answered that the message is annotated with; None where it has none.
    """

    text: str
    gold: str
    ranking: tuple[IntentScore, ...]
    answered: str
    annotated: frozenset[tuple[int, int, str]]
    found: frozenset[tuple[int, int, str]]
    key_right: bool | None = None

    @property
    def best(self) -> str:
        """The most probable intent; none where the model knows none."""
        return self._best.name

    @property
    def confidence(self) -> float:
        """Its probability."""
        return self._best.confidence

    @property
    def _best(self) -> IntentScore:
        inside = (score for score in self.ranking if score.name != OUT_OF_SCOPE_INTENT)
        return next(inside, IntentScore(name="", confidence=0.0))

    @property
    def outside(self) -> bool:
        """Whether the message belongs to no intent."""
        return self.gold == OUT_OF_SCOPE_INTENT


def evaluate(model: NluModel, examples: Sequence[Example]) -> dict[str, float | None]:
    """The measures of ``quality`` for a model."""
    return quality(judged(model, examples))


def judged(model: NluModel, examples: Sequence[Example]) -> list[Judged]:
    """What a model says of annotated messages, in order."""
    rows: list[Judged] = []
    for at in range(0, len(examples), _BATCH):
        batch = examples[at : at + _BATCH]
        parses = model.parse_batch([example.text for example in batch])
        rows += [judge(example, parse) for example, parse in zip(batch, parses, strict=True)]
    return rows


def judge(example: Example, parse: Parse) -> Judged:
    """An annotated message beside its parse."""
    gold, _, key = example.intent.partition("/")
    return Judged(
        text=example.text,
        gold=gold,
        ranking=tuple(score for score in parse.ranking if score.name != FALLBACK_INTENT),
        answered=OUT_OF_SCOPE_INTENT if parse.intent.name in REJECTED else parse.intent.name,
        annotated=_spans(example.entities),
        found=_spans(parse.entities),
        key_right=(parse.intent.name, parse.response_key) == (gold, key) if key else None,
    )


def quality(rows: Sequence[Judged]) -> dict[str, float | None]:
    """Measures of judged messages, shares in [0, 1]; None where the messages say nothing about one.

    - ``intent_accuracy``, ``intent_macro_f1``, ``ece``: in-scope rows, the best intent whether sure or not
    - ``in_scope_accuracy``: in-scope rows, a rejection counts as wrong
    - ``accuracy``: all rows, out-of-scope being a class of its own
    - ``out_of_scope_recall``, ``out_of_scope_precision``, ``out_of_scope_auroc``: rejections as found with the
      shipped threshold, and the order of confidences without any
    - ``response_key_accuracy``: rows with a response key; a rejection or another intent counts as wrong
    - ``entity_f1``: micro F1 of spans that agree in both ends and the type (as seqeval counts)
    """
    inside = [row for row in rows if not row.outside]
    outside = [row for row in rows if row.outside]
    rejected = [row for row in rows if row.answered == OUT_OF_SCOPE_INTENT]
    return {
        "intent_accuracy": _share([row.best == row.gold for row in inside]),
        "accuracy": _share([row.answered == row.gold for row in rows]),
        "intent_macro_f1": _macro_f1(inside),
        "in_scope_accuracy": _share([row.answered == row.gold for row in inside]),
        "out_of_scope_recall": _share([row.answered == OUT_OF_SCOPE_INTENT for row in outside]),
        "out_of_scope_precision": _share([row.outside for row in rejected]) if outside else None,
        "out_of_scope_auroc": separation([row.confidence for row in inside], [row.confidence for row in outside]),
        "response_key_accuracy": _share([row.key_right for row in rows if row.key_right is not None]),
        "entity_f1": _entity_f1(rows),
        "ece": calibration_error([r.confidence for r in inside], [r.best == r.gold for r in inside])
        if inside
        else None,
    }


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _macro_f1(rows: Sequence[Judged]) -> float | None:
    scores = []
    for intent in sorted({row.gold for row in rows}):
        both = sum(row.gold == intent == row.best for row in rows)
        either = sum((row.gold == intent) + (row.best == intent) for row in rows)
        scores.append(2 * both / either)
    return float(np.mean(scores)) if scores else None


def _entity_f1(rows: Sequence[Judged]) -> float | None:
    right = sum(len(row.annotated & row.found) for row in rows)
    found, annotated = sum(len(row.found) for row in rows), sum(len(row.annotated) for row in rows)
    return 2 * right / (found + annotated) if annotated else None


def _spans(entities: Sequence[EntitySpan] | Sequence[Entity]) -> frozenset[tuple[int, int, str]]:
    return frozenset((entity.start, entity.end, entity.entity) for entity in entities)

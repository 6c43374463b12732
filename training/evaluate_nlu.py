"""How good an NLU model is on annotated messages. Rows of the intent ``out_of_scope`` should be rejected."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nlu.data import FALLBACK_INTENT, OUT_OF_SCOPE_INTENT, Entity, EntitySpan, Example, Parse
from nlu.model import NluModel, intent_of
from training.nlu_calibration import calibration_error, separation

REJECTED = frozenset({FALLBACK_INTENT, OUT_OF_SCOPE_INTENT})
_BATCH = 32
_TIMED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    gold: str
    best: str
    confidence: float
    answered: str


def evaluate(model: NluModel, examples: Sequence[Example]) -> dict[str, float | None]:
    """Measures of a model, shares in [0, 1]; None where the examples say nothing about one.

    - ``intent_accuracy``, ``intent_macro_f1``, ``ece``: in-scope rows, the best intent whether sure or not
    - ``in_scope_accuracy``: in-scope rows, a rejection counts as wrong
    - ``accuracy``: all rows, out-of-scope being a class of its own
    - ``out_of_scope_recall``, ``out_of_scope_precision``, ``out_of_scope_auroc``: rejections as found with the
      shipped threshold, and the order of confidences without any
    - ``entity_f1``: micro F1 of spans that agree in both ends and the type
    - ``parse_p50_ms``, ``parse_p95_ms``: one message at a time; ``messages_per_s``: 32 at a time
    """
    parses, seconds = _timed_batches(model, [example.text for example in examples])
    rows = [_row(example, parse) for example, parse in zip(examples, parses, strict=True)]
    inside = [row for row in rows if row.gold != OUT_OF_SCOPE_INTENT]
    outside = [row for row in rows if row.gold == OUT_OF_SCOPE_INTENT]
    rejected = [row for row in rows if row.answered in REJECTED]
    return {
        "intent_accuracy": _share([row.best == row.gold for row in inside]),
        "accuracy": _share([row.answered == row.gold for row in rows]),
        "intent_macro_f1": _macro_f1(inside),
        "in_scope_accuracy": _share([row.answered == row.gold for row in inside]),
        "out_of_scope_recall": _share([row.answered in REJECTED for row in outside]),
        "out_of_scope_precision": _share([row.gold == OUT_OF_SCOPE_INTENT for row in rejected]) if outside else None,
        "out_of_scope_auroc": separation([row.confidence for row in inside], [row.confidence for row in outside]),
        "entity_f1": _entity_f1(examples, parses),
        "ece": calibration_error([r.confidence for r in inside], [r.best == r.gold for r in inside]),
        "messages_per_s": len(examples) / seconds if seconds else None,
        **_latencies(model, [example.text for example in examples]),
    }


def _row(example: Example, parse: Parse) -> _Row:
    ranked = [score for score in parse.ranking if score.name not in REJECTED]
    best = ranked[0] if ranked else parse.intent
    answered = OUT_OF_SCOPE_INTENT if parse.intent.name in REJECTED else parse.intent.name
    return _Row(gold=intent_of(example.intent), best=best.name, confidence=best.confidence, answered=answered)


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _macro_f1(rows: Sequence[_Row]) -> float | None:
    scores = []
    for intent in sorted({row.gold for row in rows}):
        both = sum(row.gold == intent == row.best for row in rows)
        either = sum((row.gold == intent) + (row.best == intent) for row in rows)
        scores.append(2 * both / either)
    return float(np.mean(scores)) if scores else None


def _entity_f1(examples: Sequence[Example], parses: Sequence[Parse]) -> float | None:
    right = found = annotated = 0
    for example, parse in zip(examples, parses, strict=True):
        truth, answer = _spans(example.entities), _spans(parse.entities)
        right += len(truth & answer)
        found += len(answer)
        annotated += len(truth)
    return 2 * right / (found + annotated) if annotated else None


def _spans(entities: Sequence[EntitySpan] | Sequence[Entity]) -> set[tuple[int, int, str]]:
    return {(entity.start, entity.end, entity.entity) for entity in entities}


def _timed_batches(model: NluModel, texts: Sequence[str]) -> tuple[list[Parse], float]:
    parses: list[Parse] = []
    started = time.perf_counter()
    for at in range(0, len(texts), _BATCH):
        parses.extend(model.parse_batch(texts[at : at + _BATCH]))
    return parses, time.perf_counter() - started


def _latencies(model: NluModel, texts: Sequence[str]) -> dict[str, float | None]:
    times = []
    for text in texts[:_TIMED]:
        started = time.perf_counter()
        model.parse_batch([text])
        times.append(1000 * (time.perf_counter() - started))
    if not times:
        return {"parse_p50_ms": None, "parse_p95_ms": None}
    return {
        "parse_p50_ms": float(np.percentile(times, 50)),
        "parse_p95_ms": float(np.percentile(times, 95)),
    }

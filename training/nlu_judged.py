"""Judging a fitted network on messages that it has not seen: how sure to be of it, and how good it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from nlu.confidence import Confidence
from nlu.data import OUT_OF_SCOPE_INTENT, Example
from nlu.folder import Manifest
from nlu.model import NluModel, class_sums, intent_of
from nlu.network import Network
from training.evaluate_nlu import evaluate
from training.nlu_calibration import DEFAULT_THRESHOLD, chosen_threshold, fitted_confidence
from training.nlu_inputs import Fitted, Inputs
from training.nlu_loss import scores_of
from training.nlu_task import IGNORED, Item, Task, pattern_confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How confidences follow from logits, the threshold, the texts these were found on, and how good it was."""

    confidence: Confidence = field(default_factory=Confidence)
    threshold: float = DEFAULT_THRESHOLD
    source: str = "nothing"
    measures: Mapping[str, float | None] = field(default_factory=dict)


def calibrated(
    inputs: Inputs, fitted: Fitted, held: Sequence[Example], foreign: Sequence[Sequence[str]], *, source: str
) -> Calibration:
    """Confidence, threshold and measures from messages ``held`` and from kinds of ``foreign`` texts."""
    task = fitted.task
    items = [item for item in task.items(held) if item.label != IGNORED]
    labels = [item.label for item in items]
    logits = class_logits(fitted.network, task, items, inputs.device)
    elsewhere = [
        class_logits(fitted.network, task, task.items([Example(text=text, intent="") for text in texts]), inputs.device)
        for texts in foreign
    ]
    inside = np.array([label is not None for label in task.classes])
    confidence = fitted_confidence(logits, labels, elsewhere, inside)
    intents = list(dict.fromkeys(intent_of(label) for label in task.classes if label is not None))
    sums = class_sums(task.classes, intents)
    sure, best = _surest(confidence.of(logits, inside), sums)
    outside = [_surest(confidence.of(kind, inside), sums)[0] for kind in elsewhere]
    right = best == sums.argmax(axis=0)[labels]
    calibration = Calibration(confidence=confidence, threshold=chosen_threshold(sure, right, outside), source=source)
    model = NluModel(manifest_of(inputs, fitted, calibration), fitted.network, task.encoder, inputs.device)
    probes = [*held, *(Example(text=text, intent=OUT_OF_SCOPE_INTENT) for kind in foreign for text in kind)]
    return replace(calibration, measures=evaluate(model, probes))


def class_logits(network: Network, task: Task, items: Sequence[Item], device: torch.device) -> NDArray[np.float64]:
    """The intent logits of some items: (items, classes)."""
    parts = [np.zeros((0, len(task.classes)))]
    with torch.inference_mode():
        for at in range(0, len(items), 32):
            batch = task.batch(items[at : at + 32])
            parts.append(scores_of(network, batch, device).classes.double().cpu().numpy())
    return np.concatenate(parts)


def _surest(chances: NDArray[np.float64], sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The probability of the best intent of each text (0 where the reject class wins), and which one it is.

    As a model decides: the probability of an intent is the sum of its classes, those with response keys.
    ``chances``: (n, classes); ``sums``: (intents, classes), see ``class_sums``.
    """
    intents = chances @ sums.T
    sure = intents.max(axis=1)
    outside = chances[:, ~sums.any(axis=0)].max(axis=1, initial=0.0)
    return np.where(outside > sure, 0.0, sure), intents.argmax(axis=1)


def manifest_of(inputs: Inputs, fitted: Fitted, calibration: Calibration) -> Manifest:
    """All that is written of a model besides its weights."""
    task = fitted.task
    return Manifest(
        encoder=inputs.base.shape,
        heads=task.shape,
        classes=task.classes,
        kinds=task.tagset.kinds,
        touching=task.touching,
        roles=task.roles,
        groups=task.groups,
        confidence=calibration.confidence,
        threshold=calibration.threshold,
        max_tokens=inputs.max_tokens,
        patterns=inputs.sources,
        pattern_confidence=pattern_confidence(task.patterns, fitted.examples, inputs.extracting),
        entity_roles=task.entity_roles,
        entity_groups=task.entity_groups,
    )

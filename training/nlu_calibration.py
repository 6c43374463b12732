"""How sure is sure: confidence, threshold and the measures of both, from held-out messages. Pure numbers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nlu.confidence import Confidence, log_odds

DEFAULT_THRESHOLD = 0.4
"""What is shipped where nothing could be held out, and what a few held-out texts are weighed against."""

_OUTSIDE_SHARE = 0.1
_AS_GOOD = 0.002
_PRIOR_WEIGHT = 20
_TEMPERATURES = np.exp(np.linspace(np.log(0.2), np.log(5.0), 161))
_THRESHOLDS = np.linspace(0.05, 0.95, 181)
_FLOORS = np.arange(-4.0, 30.0, 0.25)
_ROUNDS = 20


def fitted_confidence(
    logits: ArrayLike, labels: ArrayLike, foreign: Sequence[ArrayLike], inside: ArrayLike
) -> Confidence:
    """How confidences follow from logits: fitted to held-out messages.

    ``logits`` (n, classes) of messages of the classes ``labels`` (n,); ``foreign``: logits of messages that belong to
    no class, by kind; kinds count alike, and together as much as the others. ``inside`` (classes,): False for the
    reject class.
    """
    values, places, within = np.asarray(logits, dtype=np.float64), np.asarray(labels), np.asarray(inside, dtype=bool)
    if not len(values):
        return Confidence()
    temperature = fitted_temperature(values, places)
    kinds = [np.asarray(kind, dtype=np.float64) for kind in foreign if len(np.asarray(kind))]
    options = [Confidence(temperature=temperature, floor=float(floor)) for floor in _FLOORS] if kinds else []
    costs = [
        _surprise(option.raw(values)[np.arange(len(places)), places])
        + np.mean([_surprise(1 - option.raw(kind)[:, within].sum(axis=1)) for kind in kinds])
        for option in options
    ]
    chosen = options[int(np.argmin(costs))] if options else Confidence(temperature=temperature)
    chances = np.where(within, chosen.raw(values), -1.0)
    slope, shift = _fitted_line(log_odds(chances.max(axis=1)), chances.argmax(axis=1) == places)
    return replace(chosen, slope=slope, shift=shift)


def _surprise(chances: NDArray[np.float64]) -> float:
    return float(-np.log(np.maximum(chances, 1e-9)).mean())


def _fitted_line(odds: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and shift of log-odds under which ``right`` is most probable, by Newton's method.

    A pull towards a slope of 1, as of a hundred messages, keeps a small set from lifting what resembles nothing,
    which it does not show; a weak one towards no shift keeps a handful of easy messages from claiming certainty.
    """
    design = np.stack([odds, np.ones_like(odds)], axis=1)
    prior, pull = np.array([1.0, 0.0]), np.diag([100.0, 0.2])
    line = prior.copy()
    for _ in range(_ROUNDS):
        chances = 1 / (1 + np.exp(-np.clip(design @ line, -30, 30)))
        gradient = design.T @ (right - chances) - pull @ (line - prior)
        curvature = (design * (chances * (1 - chances))[:, None]).T @ design + pull
        step = np.linalg.solve(curvature, gradient)
        line = line + step / max(1.0, float(np.abs(step).max()))
    return max(0.5, float(line[0])), float(line[1])


def fitted_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The divisor of the logits (n, classes) under which held-out labels (n,) are most probable.

    Temperature scaling [Guo et al. 2017]; a weak pull towards 1 keeps a handful of easy texts from claiming certainty.
    """
    values, places = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    costs = [_cross_entropy(values / t, places).sum() + 2.0 * np.log(t) ** 2 for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(costs))])


def chosen_threshold(inside: ArrayLike, right: ArrayLike, outside: Sequence[ArrayLike]) -> float:
    """The confidence below which to reject.

    ``inside``: confidences of held-out texts, ``right``: whether the intent was; ``outside``: confidences of texts
    that belong to no intent, by kind; kinds count alike. Maximises the share of messages dealt with rightly (answered
    with the right intent, or rejected when outside) as if one in ten were outside; in the middle of the best range;
    with few texts it leans to the default.
    """
    sure, correct = np.asarray(inside), np.asarray(right, dtype=bool)
    kinds = [np.asarray(kind) for kind in outside if len(np.asarray(kind))]
    if not len(sure) or not kinds:
        return DEFAULT_THRESHOLD
    kept = ((sure[:, None] >= _THRESHOLDS) & correct[:, None]).mean(axis=0)
    rejected = np.mean([(kind[:, None] < _THRESHOLDS).mean(axis=0) for kind in kinds], axis=0)
    best = _middle_of_best((1 - _OUTSIDE_SHARE) * kept + _OUTSIDE_SHARE * rejected)
    weight = min(len(sure), sum(map(len, kinds)))
    return float((weight * best + _PRIOR_WEIGHT * DEFAULT_THRESHOLD) / (weight + _PRIOR_WEIGHT))


def _middle_of_best(gain: NDArray[np.float64]) -> float:
    """The threshold in the middle of the unbroken range that is about as good as the best one."""
    first = last = int(np.argmax(gain))
    good = gain >= gain.max() - _AS_GOOD
    while first > 0 and good[first - 1]:
        first -= 1
    while last + 1 < len(good) and good[last + 1]:
        last += 1
    return float((_THRESHOLDS[first] + _THRESHOLDS[last]) / 2)


def calibration_error(confidences: ArrayLike, right: ArrayLike, *, bins: int = 15) -> float:
    """Expected calibration error over bins of equal width."""
    sure, correct = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if not len(sure):
        return 0.0
    places = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        np.abs(sure[places == b].mean() - correct[places == b].mean()) * (places == b).mean()
        for b in range(bins)
        if (places == b).any()
    ]
    return float(np.sum(gaps))


def separation(higher: ArrayLike, lower: ArrayLike) -> float | None:
    """AUROC: the chance that a value of ``higher`` exceeds one of ``lower`` (ties half). None if either is empty."""
    above, below = np.asarray(higher, dtype=np.float64), np.sort(np.asarray(lower, dtype=np.float64))
    if not len(above) or not len(below):
        return None
    wins = np.searchsorted(below, above, side="left") + np.searchsorted(below, above, side="right")
    return float(wins.sum() / (2 * len(above) * len(below)))


def _cross_entropy(logits: NDArray[np.float64], labels: NDArray[np.int_]) -> NDArray[np.float64]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    picked: NDArray[np.float64] = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return picked

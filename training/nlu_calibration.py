"""How sure is sure: temperature, threshold and the measures of both, from held-out confidences. Pure numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

DEFAULT_THRESHOLD = 0.4
"""What is shipped where nothing could be held out, and what a few held-out texts are weighed against."""

_OUTSIDE_SHARE = 0.2
_AS_GOOD = 0.002
_PRIOR_WEIGHT = 20
_TEMPERATURES = np.exp(np.linspace(np.log(0.2), np.log(5.0), 161))
_THRESHOLDS = np.linspace(0.05, 0.95, 181)


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
    with the right intent, or rejected when outside) as if one in five were outside; in the middle of the best range;
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

"""From the logits of the intent classes to how sure to be of each. Pure numbers.

A softmax alone only says which class is best: it is sure of a message that resembles nothing. So one more class stands
beside the others, with a constant logit, the floor: where no class rises above it, it takes the probability, as an
energy score would reject [Liu et al. 2020]. The best class is then brought to the share that is right among messages
with such a probability [Platt 1999].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """What was fitted on held-out messages (``training.nlu_calibration``).

    ``temperature`` divides logits; ``floor`` is the logit of no class, before division; ``slope`` and ``shift`` act
    on the log-odds of the best class.
    """

    temperature: float = 1.0
    floor: float = -100.0
    slope: float = 1.0
    shift: float = 0.0

    def raw(self, logits: ArrayLike) -> NDArray[np.float64]:
        """Softmax with the floor: (n, classes) from logits (n, classes). Rows sum to less than 1."""
        values = np.asarray(logits, dtype=np.float64)
        values = np.concatenate([values, np.full((len(values), 1), self.floor)], axis=1) / self.temperature
        values = np.exp(values - values.max(axis=1, keepdims=True))
        chances: NDArray[np.float64] = values[:, :-1] / values.sum(axis=1, keepdims=True)
        return chances

    def of(self, logits: ArrayLike, inside: ArrayLike) -> NDArray[np.float64]:
        """The probability of each class: (n, classes). ``inside`` (classes,): False for the reject class.

        The best of the classes inside has its calibrated probability; what it gives or takes the others share.
        """
        chances = self.raw(logits)
        if not len(chances):
            return chances
        within = np.where(np.asarray(inside, dtype=bool), chances, -1.0)
        rows, best = np.arange(len(chances)), within.argmax(axis=1)
        before = np.clip(chances[rows, best], _LEAST, 1 - _LEAST)
        after = 1 / (1 + np.exp(-(self.slope * log_odds(before) + self.shift)))
        chances *= ((1 - after) / (1 - before))[:, None]
        chances[rows, best] = after
        return chances


_LEAST = 1e-9


def log_odds(chances: ArrayLike) -> NDArray[np.float64]:
    """Of probabilities that are neither 0 nor 1."""
    values = np.clip(np.asarray(chances, dtype=np.float64), _LEAST, 1 - _LEAST)
    result: NDArray[np.float64] = np.log(values / (1 - values))
    return result

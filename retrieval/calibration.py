"""Scores into the probability that the best passage answers: a logistic function of a few plain features.

The coefficients and the two thresholds are JSON in the release; ``training.knowledge`` sets them. Knows hits,
neither encoders nor files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.index import Hit

FEATURES = ("dense", "late", "foreign")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """``probability = 1 / (1 + exp(-(bias + sum of weight x feature)))``, and where to answer and where to draft."""

    weights: Mapping[str, float]
    bias: float
    answer_at: float
    draft_at: float

    def probability(self, features: Mapping[str, float]) -> float:
        """The chance, in [0, 1], that the best hit answers."""
        total = self.bias + sum(self.weights[name] * features[name] for name in FEATURES)
        return float(1 / (1 + np.exp(-np.clip(total, -30, 30))))


PRIOR = Calibration(weights={"dense": 5.25, "late": 5.03, "foreign": 0.66}, bias=-4.10, answer_at=0.60, draft_at=0.22)
"""Fitted on questions to manuals, policies and FAQs of public sets in both languages, the unanswerable ones mostly on
other subjects of the same trade (``training/LOG.md``, Retrieval), by ridge-penalised logistic regression, both classes
weighing the same. In each English set ``draft_at`` keeps nine of ten of the answerable, and ``answer_at`` keeps out
four of five of the unanswerable.
"""


def features(hits: Sequence[Hit]) -> dict[str, float]:
    """What tells an answer from a near miss: how like the best hit is as a whole and token by token.

    Its word score is left out, since it says nothing where query and page are of different languages, and little beside
    the tokens elsewhere; and so is its lead over other hits, which tells which passage is right, not whether one is.
    """
    if not hits:
        return dict.fromkeys(FEATURES, 0.0)
    return {"dense": hits[0].dense, "late": hits[0].late, "foreign": float(hits[0].foreign)}

"""Precision, recall and F1 of labels, as Rasa's reports have them. Pure.

The numbers are those of scikit-learn's ``classification_report`` over the labels that are expected somewhere.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from bot.dialogue.parse import Json

Pair = tuple[str, str]
"""An expected label and the one that came."""


def classification(pairs: Sequence[Pair]) -> dict[str, Json]:
    """A row for each expected label, ``accuracy``, and the micro, macro and weighted averages; {} without pairs."""
    if not pairs:
        return {}
    support, predicted = Counter(expected for expected, _ in pairs), Counter(got for _, got in pairs)
    right = Counter(expected for expected, got in pairs if expected == got)
    rows = {label: _row(right[label], predicted[label], support[label]) for label in sorted(support)}
    accuracy = right.total() / len(pairs)
    of_labels = sum(predicted[label] for label in rows)  # what came and was expected nowhere counts for no label
    return {
        **rows,
        "accuracy": accuracy,
        "micro avg": _row(right.total(), of_labels, len(pairs)),
        "macro avg": _mean(rows, dict.fromkeys(rows, 1)) | {"support": len(pairs)},
        "weighted avg": _mean(rows, support) | {"support": len(pairs)},
    }


def _row(right: int, predicted: int, support: int) -> dict[str, float]:
    precision, recall = right / (predicted or 1), right / (support or 1)
    f1 = 2 * right / ((predicted + support) or 1)
    return {"precision": precision, "recall": recall, "f1-score": f1, "support": support}


def _mean(rows: Mapping[str, Mapping[str, float]], weights: Mapping[str, int]) -> dict[str, float]:
    total = sum(weights.values())
    return {
        name: sum(rows[label][name] * weight for label, weight in weights.items()) / total
        for name in ("precision", "recall", "f1-score")
    }

"""The figures of test stories: precision, recall and F1 of each label, as ``story_report.json`` has them. Pure.

The numbers are those of scikit-learn's ``classification_report`` over the labels that are expected somewhere.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.dialogue.parse import Json

NO_LABEL = "None"
"""What stands where something was expected and not found, or found and not expected."""

Pair = tuple[str, str]
"""An expected label and the one that came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityLabel:
    """What counts of an entity; offsets are characters, both None for a slash message."""

    entity: str
    value: str
    start: int | None = None
    end: int | None = None

    def __str__(self) -> str:
        return f"{self.entity}={self.value!r} at {self.start}-{self.end}"

    @property
    def span(self) -> tuple[int, int]:
        """Where it stands, to be ordered by."""
        return (self.start or 0, self.end or 0)

    def annotation(self, text: str) -> str:
        """The entity as training data writes it: ``[Rome](city)``, with its value where that is another."""
        words = self.value if self.start is None else text[self.start : self.end]
        if words == self.value:
            return f"[{words}]({self.entity})"
        return f'[{words}]{{"entity": "{self.entity}", "value": "{self.value}"}}'


def entity_pairs(text: str, expected: Iterable[EntityLabel], got: Iterable[EntityLabel]) -> list[Pair]:
    """Entities of one text side by side: those with the same span are a pair, any other has ``NO_LABEL`` beside it."""
    wanted, found = (sorted(labels, key=lambda label: (label.span, label.entity)) for labels in (expected, got))
    pairs: list[Pair] = []
    while wanted or found:
        if wanted and found and wanted[0].span == found[0].span:
            pairs.append((wanted.pop(0).annotation(text), found.pop(0).annotation(text)))
        elif not found or (wanted and wanted[0].span < found[0].span):
            pairs.append((wanted.pop(0).annotation(text), NO_LABEL))
        else:
            pairs.append((NO_LABEL, found.pop(0).annotation(text)))
    return pairs


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


def confusion(pairs: Iterable[Pair]) -> dict[str, dict[str, int]]:
    """Expected label to what came in its place, and how often."""
    counts: dict[str, Counter[str]] = {}
    for expected, got in pairs:
        counts.setdefault(expected, Counter())[got] += 1
    return {expected: dict(counter) for expected, counter in sorted(counts.items())}


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

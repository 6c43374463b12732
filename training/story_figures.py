"""The labels of test stories side by side, as ``story_report.json`` counts them. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bot.dialogue.figures import Pair

NO_LABEL = "None"
"""What stands where something was expected and not found, or found and not expected."""


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


def confusion(pairs: Iterable[Pair]) -> dict[str, dict[str, int]]:
    """Expected label to what came in its place, and how often."""
    counts: dict[str, Counter[str]] = {}
    for expected, got in pairs:
        counts.setdefault(expected, Counter())[got] += 1
    return {expected: dict(counter) for expected, counter in sorted(counts.items())}

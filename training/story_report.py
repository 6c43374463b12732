"""What came out of the test stories: the checks of each story, what they amount to, as text and as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.dialogue.figures import Pair, classification
from bot.dialogue.parse import Json
from bot.dialogue.stories import Dialogue
from training.story_figures import EntityLabel, confusion, entity_pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison. ``expected`` and ``got`` are a label, or for ``entities`` sets of them.

    ``at`` is the index of the event in its dialogue, ``line`` that of the file. ``policy`` and ``confidence`` of an
    action are those of the prediction; ``unlikely``: ``action_unlikely_intent`` was predicted before it.
    """

    kind: Literal["intent", "entities", "action"]
    at: int
    line: int
    expected: str | frozenset[EntityLabel]
    got: str | frozenset[EntityLabel]
    text: str | None = None
    policy: str | None = None
    confidence: float | None = None
    unlikely: bool = False

    @property
    def passed(self) -> bool:
        """Whether the assistant did what the story says."""
        return self.expected == self.got

    def __str__(self) -> str:
        said = f" in {self.text!r}" if self.text else ""
        by = f" (by {self.policy}, {self.confidence:.2f})" if self.policy and self.confidence is not None else ""
        return f"{self.kind}{said}: expected {_shown(self.expected)}, got {_shown(self.got)}{by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryResult:
    """A replayed story."""

    dialogue: Dialogue
    checks: tuple[Check, ...]

    @property
    def mismatches(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Remarks on a story that passed."""
        found = [check for check in self.checks if check.unlikely] if self.passed else []
        return tuple(f"line {check.line}: the intent before {check.expected} was unlikely" for check in found)

    @property
    def failures(self) -> tuple[str, ...]:
        """What failed, each with its file and line."""
        return tuple(f"{self.dialogue.source.path}:{check.line}: {check}" for check in self.mismatches)

    def __str__(self) -> str:
        source = self.dialogue.source
        head = f"{'passed' if self.passed else 'FAILED'}  {self.dialogue.name}  ({source.path}:{source.line})"
        return "\n".join([head, *(f"    {failure}" for failure in self.failures)])


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryReport:
    """The results of all stories, in the order of the files. ``stopped``: the first mistake ended the run."""

    results: tuple[StoryResult, ...]
    stopped: bool = False

    @property
    def failed(self) -> tuple[StoryResult, ...]:
        """The stories that failed."""
        return tuple(result for result in self.results if not result.passed)

    @property
    def successful(self) -> tuple[StoryResult, ...]:
        """The stories that passed."""
        return tuple(result for result in self.results if result.passed)

    @property
    def warned(self) -> tuple[StoryResult, ...]:
        """The stories that passed with a warning."""
        return tuple(result for result in self.results if result.warnings)

    @property
    def passed(self) -> bool:
        """Whether every story passed."""
        return not self.failed

    @property
    def actions(self) -> list[Pair]:
        """Expected and predicted actions, in order."""
        return list(_labels(self.results, "action"))

    def text(self) -> str:
        """For people: what failed, where, and the count."""
        lines = [str(result) for result in self.failed]
        lines += [f"warning  {result.dialogue.name}: {said}" for result in self.warned for said in result.warnings]
        if self.stopped:
            lines.append("stopped at the first mistake; the stories after it were not played")
        return "\n".join([*lines, f"{len(self.successful)} of {len(self.results)} test stories passed"])

    def figures(self) -> dict[str, Json]:
        """What ``story_report.json`` holds: figures per action, intent and entity, and those of whole stories."""
        pairs = [*self.actions, *_labels(self.results, "intent"), *_entities(self.results)]
        return {**classification(pairs), **({"conversation_accuracy": self._conversations()} if self.results else {})}

    def to_json(self) -> dict[str, Json]:
        """For programs: the figures, what was taken for what, and every story."""
        confused: dict[str, Json] = {**confusion(self.actions)}
        return {**self.figures(), "confusion": confused, "stories": [_story_json(result) for result in self.results]}

    def _conversations(self) -> dict[str, Json]:
        return {
            "accuracy": len(self.successful) / len(self.results),
            "correct": len(self.successful),
            "with_warnings": len(self.warned),
            "total": len(self.results),
        }


def _shown(value: str | frozenset[EntityLabel]) -> str:
    if isinstance(value, str):
        return repr(value)
    return "[" + ", ".join(map(str, sorted(value, key=lambda label: (label.span, label.entity)))) + "]"


def _story_json(result: StoryResult) -> Json:
    source = result.dialogue.source
    return {
        "story": result.dialogue.name,
        "path": source.path,
        "line": source.line,
        "passed": result.passed,
        "mismatches": [_check_json(check) for check in result.mismatches],
        "warnings": list(result.warnings),
    }


def _check_json(check: Check) -> Json:
    out: dict[str, Json] = {
        "kind": check.kind,
        "line": check.line,
        "expected": check.expected if isinstance(check.expected, str) else sorted(map(str, check.expected)),
        "got": check.got if isinstance(check.got, str) else sorted(map(str, check.got)),
    }
    optional: dict[str, Json] = {"text": check.text, "policy": check.policy, "confidence": check.confidence}
    return out | {name: value for name, value in optional.items() if value is not None}


def _labels(results: Iterable[StoryResult], kind: Literal["action", "intent"]) -> Iterable[Pair]:
    for result in results:
        for check in result.checks:
            if check.kind == kind and isinstance(check.expected, str) and isinstance(check.got, str):
                yield check.expected, check.got


def _entities(results: Sequence[StoryResult]) -> Iterable[Pair]:
    for result in results:
        for check in result.checks:
            if isinstance(check.expected, frozenset) and isinstance(check.got, frozenset):
                yield from entity_pairs(check.text or "", check.expected, check.got)

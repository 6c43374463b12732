"""What came out of the test stories: per story, per label, as text, as JSON and as files."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.dialogue.parse import Json
from bot.dialogue.stories import Dialogue
from training.story_yaml import story_yaml

NO_ENTITY = "None"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityLabel:
    """What counts of an entity; offsets are characters, both None for a slash message."""

    entity: str
    value: str
    start: int | None = None
    end: int | None = None

    def __str__(self) -> str:
        return f"{self.entity}={self.value!r} at {self.start}-{self.end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison. ``expected`` and ``got`` are a label, or for ``entities`` sets of them.

    ``policy`` and ``confidence`` of an action are those of the prediction. A ``warning`` fails no story.
    """

    kind: Literal["intent", "entities", "action"]
    line: int
    expected: str | frozenset[EntityLabel]
    got: str | frozenset[EntityLabel]
    text: str | None = None
    policy: str | None = None
    confidence: float | None = None
    warning: str | None = None

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
    def warnings(self) -> tuple[str, ...]:
        """Remarks that fail nothing."""
        return tuple(f"line {check.line}: {check.warning}" for check in self.checks if check.warning)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def __str__(self) -> str:
        source = self.dialogue.source
        head = f"{'passed' if self.passed else 'FAILED'}  {self.dialogue.name}  ({source.path}:{source.line})"
        return "\n".join([head, *(f"    {source.path}:{check.line}: {check}" for check in self.mismatches)])


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryReport:
    """The results of all stories, in the order of the files."""

    results: tuple[StoryResult, ...]

    @property
    def failed(self) -> tuple[StoryResult, ...]:
        """The stories that failed."""
        return tuple(result for result in self.results if not result.passed)

    @property
    def passed(self) -> bool:
        """Whether every story passed."""
        return not self.failed

    def text(self) -> str:
        """For people: what failed, where, and the count."""
        correct = len(self.results) - len(self.failed)
        lines = [str(result) for result in self.failed]
        lines += [f"warning  {result.dialogue.name}: {said}" for result in self.results for said in result.warnings]
        return "\n".join([*lines, f"{correct} of {len(self.results)} test stories passed"])

    def to_json(self) -> dict[str, Json]:
        """For programs: figures per label as in Rasa's ``story_report.json``, and every story."""
        pairs = list(_pairs(self.results))
        return {
            **_figures(pairs),
            "conversation_accuracy": self._conversations(),
            "confusion": _confusion(_of_kind(self.results, "action")),
            "stories": [_story_json(result) for result in self.results],
        }

    def write(self, folder: Path) -> None:
        """Write ``story_report.json`` and the failed, successful and warned-of stories as YAML into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        report = json.dumps(self.to_json(), ensure_ascii=False, indent=2)
        (folder / "story_report.json").write_text(report + "\n", "utf-8")
        for name, chosen, otherwise in (
            ("failed_test_stories.yml", self.failed, "no test story failed"),
            ("successful_test_stories.yml", [r for r in self.results if r.passed], "no test story passed"),
            ("stories_with_warnings.yml", [r for r in self.results if r.warnings], "no warnings"),
        ):
            (folder / name).write_text(_stories_yaml(chosen, otherwise), "utf-8")

    def _conversations(self) -> dict[str, Json]:
        total, correct = len(self.results), len(self.results) - len(self.failed)
        return {
            "accuracy": correct / total if total else 0.0,
            "correct": correct,
            "with_warnings": sum(bool(result.warnings) for result in self.results),
            "total": total,
        }


def _shown(value: str | frozenset[EntityLabel]) -> str:
    if isinstance(value, str):
        return repr(value)
    ordered = sorted(value, key=lambda label: (label.start or 0, label.entity))
    return "[" + ", ".join(map(str, ordered)) + "]"


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


def _stories_yaml(results: Sequence[StoryResult], otherwise: str) -> str:
    if not results:
        return f"# {otherwise}\n"
    stories = (story_yaml(result.dialogue, _comments(result)) for result in results)
    return 'version: "3.1"\nstories:\n' + "".join(stories)


def _comments(result: StoryResult) -> dict[int, str]:
    """What was predicted instead, by line."""
    found: dict[int, list[str]] = {}
    for check in result.mismatches:
        found.setdefault(check.line, []).append(_shown(check.got))
    return {line: "predicted: " + ", then ".join(got) for line, got in found.items()}


# --- figures ---


def _of_kind(results: Iterable[StoryResult], kind: str) -> list[tuple[str, str]]:
    return [
        (check.expected, check.got)
        for result in results
        for check in result.checks
        if check.kind == kind and isinstance(check.expected, str) and isinstance(check.got, str)
    ]


def _pairs(results: Sequence[StoryResult]) -> Iterable[tuple[str, str]]:
    """Expected and predicted labels: actions, intents, and entities by their span."""
    yield from _of_kind(results, "action")
    yield from _of_kind(results, "intent")
    for result in results:
        for check in result.checks:
            if isinstance(check.expected, frozenset) and isinstance(check.got, frozenset):
                yield from _entity_pairs(check.expected, check.got)


def _entity_pairs(expected: Iterable[EntityLabel], got: Iterable[EntityLabel]) -> Iterable[tuple[str, str]]:
    by_span = [{(label.start, label.end): label.entity for label in labels} for labels in (expected, got)]
    for span in sorted(by_span[0].keys() | by_span[1].keys(), key=str):
        yield by_span[0].get(span, NO_ENTITY), by_span[1].get(span, NO_ENTITY)


def _figures(pairs: Sequence[tuple[str, str]]) -> dict[str, Json]:
    """Precision, recall and F1 per label, and their means, plain and weighted by how often a label is expected."""
    labels = sorted({label for pair in pairs for label in pair})
    rows = {label: _row(label, pairs) for label in labels}
    right = sum(expected == got for expected, got in pairs)
    return {
        **rows,
        "accuracy": right / len(pairs) if pairs else 0.0,
        "macro avg": _mean(rows, dict.fromkeys(labels, 1.0)),
        "weighted avg": _mean(rows, {label: rows[label]["support"] for label in labels}),
    }


def _row(label: str, pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    support = sum(expected == label for expected, _ in pairs)
    predicted = sum(got == label for _, got in pairs)
    right = sum(expected == got == label for expected, got in pairs)
    precision, recall = right / (predicted or 1), right / (support or 1)
    f1 = 2 * precision * recall / ((precision + recall) or 1.0)
    return {"precision": precision, "recall": recall, "f1-score": f1, "support": support}


def _mean(rows: Mapping[str, Mapping[str, float]], weights: Mapping[str, float]) -> Json:
    total = sum(weights.values()) or 1.0
    means: dict[str, Json] = {
        name: sum(rows[label][name] * weight for label, weight in weights.items()) / total
        for name in ("precision", "recall", "f1-score")
    }
    return means | {"support": sum(row["support"] for row in rows.values())}


def _confusion(pairs: Sequence[tuple[str, str]]) -> Json:
    """Expected label to what was predicted in its place, and how often."""
    counts: dict[str, Counter[str]] = {}
    for expected, got in pairs:
        counts.setdefault(expected, Counter())[got] += 1
    return {expected: dict(counter) for expected, counter in sorted(counts.items())}

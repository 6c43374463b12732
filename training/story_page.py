"""The report on test stories as one HTML page that needs nothing beside it: ``story_report.html.j2`` filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.dialogue.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.dialogue.parse import Json
from bot.dialogue.situation import LISTEN, action_label
from training.html_page import filled, written
from training.story_coverage import Coverage
from training.story_figures import confusion
from training.story_report import Check, StoryReport, StoryResult

TEMPLATE = "story_report.html.j2"
FILE = "story_report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a story as the page shows it; ``wrong`` says what came instead, one remark each."""

    kind: str
    words: str
    line: int
    note: str = ""
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Confused:
    """An action in whose place another was predicted, ``count`` times."""

    expected: str
    got: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryPage:
    """All that the page shows. ``facts``: what was played and against what, in words."""

    title: str
    facts: Mapping[str, str]
    report: StoryReport
    coverage: Coverage

    def share(self, kind: str) -> tuple[int, int]:
        """How many checks of a kind passed, and how many there were."""
        checks = [check for result in self.report.results for check in result.checks if check.kind == kind]
        return sum(check.passed for check in checks), len(checks)

    @property
    def rows(self) -> Mapping[str, Mapping[str, float]]:
        """The figures of each action, intent and entity."""
        figures = self.report.figures()
        return {name: row for name, row in figures.items() if isinstance(row, Mapping) and "support" in row}  # type: ignore[misc]

    @property
    def confused(self) -> Sequence[Confused]:
        """Actions that were taken for each other, the most frequent first."""
        found = [
            Confused(expected=expected, got=got, count=count)
            for expected, others in confusion(self.report.actions).items()
            for got, count in others.items()
            if got != expected
        ]
        return sorted(found, key=lambda each: (-each.count, each.expected, each.got))


def write(page: StoryPage, folder: Path, *, made: datetime | None = None) -> Path:
    """Write the page into a folder, which is made where there is none."""
    return written(render(page, made=made), folder / FILE)


def render(page: StoryPage, *, made: datetime | None = None) -> str:
    """The page as HTML."""
    return filled(TEMPLATE, made=made, page=page, lines=lines)


def lines(result: StoryResult) -> list[Line]:
    """A story line by line; listening is shown only where something else was predicted."""
    found: list[Line] = []
    for at, event in enumerate(result.dialogue.events):
        checks = [check for check in result.checks if check.at == at and not check.passed]
        line = _line(event, result.dialogue.lines[at], tuple(map(_remark, checks)))
        if line is not None:
            found.append(line)
    return found


def _line(event: Event, line: int, wrong: tuple[str, ...]) -> Line | None:
    match event:
        case UserUttered(text=text, parse=parse):
            intent = f"{parse.intent.name}/{parse.response_key}" if parse.response_key else parse.intent.name
            return Line(kind="user", words=text or f"/{intent}", note=intent if text else "", line=line, wrong=wrong)
        case ActionExecuted() if event.name != LISTEN or wrong:
            return Line(kind="bot", words=action_label(event), line=line, wrong=wrong)
        case SlotSet(name=name, value=value):
            return Line(kind="state", words=f"{name} = {_short(value)}", line=line)
        case ActiveLoop(name=loop):
            return Line(kind="state", words=f"form {loop}" if loop else "the form ends", line=line)
    return None


def _remark(check: Check) -> str:
    return str(check).removeprefix(f"{check.kind} in {check.text!r}: ").removeprefix(f"{check.kind}: ")


def _short(value: Json) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"

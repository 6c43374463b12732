"""The files of a test run, under the names and in the form that Rasa gives them.

The steps and comments of stories are those of Rasa's files; the message's text comes on top, so that a file can be
played again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.dialogue.events import SlotSet, UserUttered
from bot.dialogue.parse import Entity
from bot.dialogue.situation import LISTEN
from bot.dialogue.stories import Dialogue
from bot.dialogue.story_writing import annotated, step, stories_file, story_item
from training.story_report import Check, StoryReport, StoryResult

REPORT = "story_report.json"
FAILED = "failed_test_stories.yml"
SUCCESSFUL = "successful_test_stories.yml"
WARNED = "stories_with_warnings.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which stories are written; the figures always are."""

    failed: bool = True
    warned: bool = True
    successful: bool = False


def write_results(report: StoryReport, folder: Path, wanted: Wanted) -> None:
    """Write ``story_report.json`` and the wanted stories into a folder, which is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = json.dumps(report.figures(), ensure_ascii=False, indent=2)
    (folder / REPORT).write_text(figures + "\n", "utf-8")
    for name, is_wanted, chosen, otherwise in (
        (FAILED, wanted.failed, report.failed, "no test story failed"),
        (SUCCESSFUL, wanted.successful, report.successful, "no test story passed"),
        (WARNED, wanted.warned, report.warned, "no test story passed with a warning"),
    ):
        if is_wanted:
            (folder / name).write_text(_stories_yaml(chosen, otherwise), "utf-8")


def _stories_yaml(results: Sequence[StoryResult], otherwise: str) -> str:
    if not results:
        return f"# {otherwise}\n"
    return stories_file(_story(result.dialogue, _comments(result)) for result in results)


def _story(dialogue: Dialogue, comments: Mapping[int, str]) -> str:
    """A story as it was replayed. ``comments`` go to the steps of the events with these indices."""
    steps: list[str] = []
    heard_at = -1
    for at, (event, line) in enumerate(zip(dialogue.events, dialogue.lines, strict=True)):
        if isinstance(event, UserUttered):
            heard_at = line
        if isinstance(event, SlotSet) and line == heard_at:
            continue  # the entities of the user step fill it again
        comment = comments.get(at)
        head, _, rest = step(event, unwritten=() if comment else {LISTEN}).partition("\n")
        if head:
            steps.append(f"{head}  # {' '.join(comment.split())}\n{rest}" if comment else f"{head}\n{rest}")
    return story_item(f"{dialogue.name} ({dialogue.source.path})", steps)


def _comments(result: StoryResult) -> Mapping[int, str]:
    """What came in place of what the story says, by the index of the event."""
    of_events: dict[int, list[Check]] = {}
    for check in result.checks:
        of_events.setdefault(check.at, []).append(check)
    return {
        at: f"predicted: {_predicted(checks)}"
        for at, checks in of_events.items()
        if not all(check.passed for check in checks) or checks[0].unlikely
    }


def _predicted(checks: Sequence[Check]) -> str:
    """The action that was predicted, or the message as it was understood."""
    match checks:
        case [Check(kind="intent", got=str(intent), text=str(text)), Check(got=frozenset() as entities)]:
            found = [Entity(entity=e.entity, value=e.value, start=e.start, end=e.end) for e in entities]
            return f"{intent}: {annotated(text, found)}"
        case [Check(kind="action", unlikely=True, passed=True)]:
            return "action_unlikely_intent"
        case [Check(kind="action", got=str(action), unlikely=unlikely)]:
            return action + (" after action_unlikely_intent" if unlikely else "")
    raise AssertionError(f"a message has two checks and an action has one, not {checks}")

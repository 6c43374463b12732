"""How good a release is on an assistant's own tests: the messages of its test stories, and held-out corrections."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.dialogue.parse import Parse
from bot.dialogue.policies.ensemble import Policies
from bot.dialogue.project import Project, UserStep
from bot.parses import dialogue_parse
from bot.policy_part import load_policies
from bot.release import Release
from nlu.model import NluModel
from training.story_report import StoryReport
from training.story_tests import run_story_tests


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """``stories``: share of test stories that pass. ``messages``: share of held-out messages with the right intent."""

    stories: float
    messages: float
    held_out: int


def parser_of(release: Release) -> Callable[[str], Parse]:
    """The understanding of a release."""
    model = NluModel.load(release.folder / "nlu")
    return lambda text: dialogue_parse(model.parse_batch([text])[0])


def policies_of(release: Release, project: Project) -> Policies:
    """The policies of a release, for the domain of ``project``."""
    return load_policies(release, project.domain)


def story_report(release: Release, project: Project) -> StoryReport:
    """The project's test stories, played against a release."""
    return run_story_tests(project, policies_of(release, project), parser_of(release))


def assess(release: Release, project: Project, held_out: Sequence[tuple[str, str]]) -> Scores:
    """Score a release. ``held_out``: messages with intents, never trained on; those of the test stories come on top."""
    parse = parser_of(release)
    report = run_story_tests(project, policies_of(release, project), parse)
    messages = [*held_out, *_test_messages(project)]
    right = [parse(text).intent.name == intent.split("/")[0] for text, intent in messages]
    return Scores(
        stories=_share([result.passed for result in report.results]), messages=_share(right), held_out=len(messages)
    )


def read_held_out(path: Path) -> list[tuple[str, str]]:
    """Held-out messages: a CSV with the columns text and intent; none where there is no such file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["intent"]) for row in csv.DictReader(file)]


def _test_messages(project: Project) -> list[tuple[str, str]]:
    steps = (step for story in project.tests for step in story.steps)
    return [(step.text, step.intent) for step in steps if isinstance(step, UserStep) and step.text and step.intent]


def _share(flags: Sequence[bool]) -> float:
    return round(sum(flags) / len(flags), 4) if flags else 1.0

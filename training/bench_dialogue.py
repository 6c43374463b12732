"""How well policies go on in stories that they have not seen: ``kefu bench dialogue``.

Each story is held out once, with all its alternatives, and the policies are made from the others; of the corpus, a
fifth is held out at once. Held-out stories are played as test stories are: after each action, right or wrong, the
conversation goes on with what the story says. Silence is never right, not even where the bot listens.
"""

import os
import platform
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

import torch

from bot.dialogue.parse import Json, Parse
from bot.dialogue.policies.ensemble import Policies
from bot.dialogue.policies.learned import NAME as LEARNED
from bot.dialogue.policies.learned import LearnedPolicy
from bot.dialogue.policies.rule import NAME as RULES
from bot.dialogue.project import Component, Config, Project, Story
from bot.dialogue.situation import LISTEN
from bot.folder import load_folder
from training.policy import plan_policies
from training.sgd_stories import FOLDER as SGD
from training.sgd_stories import sgd_project
from training.story_report import Check, StoryResult
from training.story_tests import run_story_tests

HELPDESK = "assistants/helpdesk"
STARTER = Path(__file__).parents[1] / "bot" / "starter" / "shop"
MEMORY, AUGMENTED = "MemoizationPolicy", "AugmentedMemoizationPolicy"
TEAMS: Mapping[str, Sequence[str]] = {
    "memoisation": (MEMORY,),
    "memoisation, augmented": (AUGMENTED,),
    "learned": (LEARNED,),
    "rules and augmented memoisation": (RULES, AUGMENTED),
    "the same, and learned": (RULES, AUGMENTED, LEARNED),
}
"""The policies that are compared, by what a row calls them."""

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """A project whose stories are learned from, and those that are held out."""

    project: Project
    held_out: tuple[Story, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A set to measure. ``max_history``: of the memoisation, as the assistant has it, or the best of 2, 4 and all."""

    name: str
    folds: Sequence[Fold]
    max_history: int


@dataclass(slots=True)
class Tally:
    """What was right, over all folds, of actions, whole turns and whole stories; ``said``: actions not silent."""

    actions: list[bool] = field(default_factory=list)
    said: list[bool] = field(default_factory=list)
    turns: list[bool] = field(default_factory=list)
    stories: list[bool] = field(default_factory=list)

    def add(self, result: StoryResult) -> None:
        """Count a story."""
        checks = [check for check in result.checks if check.kind == "action"]
        self.actions += map(_is_right, checks)
        self.said += map(_is_said, checks)
        self.turns += [all(map(_is_right, turn)) for turn in _turns(checks)]
        self.stories.append(all(map(_is_right, checks)))

    def figures(self) -> dict[str, float]:
        """Shares in [0, 1]; ``precision`` is that of what was said."""
        said = sum(self.said)
        shares = {
            "actions": mean(self.actions),
            "turns": mean(self.turns),
            "stories": mean(self.stories),
            "said": mean(self.said),
            "precision": sum(self.actions) / said if said else 0.0,
        }
        return {name: round(share, 4) for name, share in shares.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The figures of each team on a set, by the names of ``Tally.figures``, and how long the network took to learn."""

    name: str
    stories: int
    teams: Mapping[str, Mapping[str, float]]
    learn_s: float
    made: str
    machine: str

    def to_json(self) -> Json:
        """The result by name."""
        return asdict(self)


def courses(data: Path) -> Iterator[Course]:
    """The sets that there are: the starter always, the others where ``data`` has them."""
    if (data / HELPDESK).is_dir():
        yield _each_story("helpdesk", load_folder(data / HELPDESK, env=os.environ), max_history=4)
    yield _each_story("starter shop", load_folder(STARTER, env=os.environ), max_history=6)
    if (data / SGD).is_dir():
        corpus = sgd_project(data)
        stories = list(corpus.stories)
        random.Random(0).shuffle(stories)  # noqa: S311 - a split, not a secret
        cut = len(stories) // 5
        fold = Fold(project=replace(corpus, stories=tuple(stories[cut:])), held_out=tuple(stories[:cut]))
        yield Course(name="SGD", folds=(fold,), max_history=2)


def run(data: Path, *, seed: int, progress: Progress) -> list[Result]:
    """Measure every set that there is."""
    found = list(courses(data))

    def part(at: int) -> Progress:
        return lambda share, what: progress((at + share) / len(found), what)

    return [measure(course, seed=seed, progress=part(at)) for at, course in enumerate(found)]


def measure(course: Course, *, seed: int, progress: Progress) -> Result:
    """Train and play every fold."""
    tallies = {team: Tally() for team in TEAMS}
    seconds: list[float] = []
    for number, fold in enumerate(course.folds):
        progress(number / len(course.folds), course.name)
        learned, learn_s = _learned(fold.project, seed)
        seconds.append(learn_s)
        for team, names in TEAMS.items():
            policies = _team(fold.project, names, learned, course.max_history)
            report = run_story_tests(replace(fold.project, tests=fold.held_out), policies, _unparsed)
            for result in report.results:
                tallies[team].add(result)
    return Result(
        name=course.name,
        stories=len(next(iter(tallies.values())).stories),
        teams={team: tally.figures() for team, tally in tallies.items()},
        learn_s=round(mean(seconds), 1),
        made=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=f"{os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}",
    )


def _each_story(name: str, project: Project, *, max_history: int) -> Course:
    stories = project.stories
    folds = [
        Fold(project=replace(project, stories=(*stories[:at], *stories[at + 1 :])), held_out=(story,))
        for at, story in enumerate(stories)
    ]
    return Course(name=name, folds=folds, max_history=max_history)


def _learned(project: Project, seed: int) -> tuple[LearnedPolicy, float]:
    policies, _, report = plan_policies(_asking(project, (LEARNED,)), seed=seed).learn()
    return next(policy for policy in policies.policies if isinstance(policy, LearnedPolicy)), report.seconds


def _team(project: Project, names: Sequence[str], learned: LearnedPolicy, max_history: int) -> Policies:
    """The policies of these names; the learned one is there already."""
    others = tuple(name for name in names if name != LEARNED)
    made = plan_policies(_asking(project, others, max_history), seed=0).policies.policies if others else ()
    chosen = (*made, learned) if LEARNED in names else made
    return Policies(domain=project.domain, policies=chosen)


def _asking(project: Project, names: Sequence[str], max_history: int | None = None) -> Project:
    """The project with these policies alone in its configuration."""
    options: dict[str, Json] = {} if max_history is None else {"max_history": max_history}
    components = tuple(Component(name=name, options={} if name == RULES else options) for name in names)
    return replace(project, config=Config(policies=components))


def _unparsed(text: str) -> Parse:
    raise AssertionError(f"a training story has no words to understand: {text!r}")


def _is_said(check: Check) -> bool:
    return bool(check.confidence)


def _is_right(check: Check) -> bool:
    return check.passed and _is_said(check)


def _turns(checks: Sequence[Check]) -> Iterator[list[Check]]:
    """The actions of each turn, up to the one that ends it."""
    turn: list[Check] = []
    for check in checks:
        turn.append(check)
        if check.expected == LISTEN:
            yield turn
            turn = []
    if turn:
        yield turn

"""The policies of a release: rules and memory, and where one is asked for, what a network learns from the stories.

It is asked for where ``config.yml`` names TEDPolicy, or no policy at all; and where it names UnexpecTEDIntentPolicy and
a rule or story says what to do about ``action_unlikely_intent``.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from bot.dialogue.errors import ProjectFaults
from bot.dialogue.parse import Json
from bot.dialogue.policies.ensemble import DEFAULT_POLICIES, Policies
from bot.dialogue.policies.ensemble import train as train_policies
from bot.dialogue.policies.learned import DEFAULT_LEARNED_AT, LearnedPolicy
from bot.dialogue.policies.learned import NAME as TED
from bot.dialogue.policies.network import Network
from bot.dialogue.policies.options import Options
from bot.dialogue.policies.unlikely import NAME as UNEXPECTED
from bot.dialogue.policies.unlikely import UNLIKELY, UnlikelyIntent
from bot.dialogue.project import ActionStep, Project
from bot.dialogue.stories import dialogues
from training.policy_fit import FitSettings, Lesson, fit
from training.policy_lessons import lessons_of

RECIPE = 1
"""Raised when the same stories are learned in another way, so that older networks are made again."""
MOST_HISTORY = 32
MARGIN = 10.0
"""An intent is unlikely where it is so many times less probable than anywhere in the stories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ted:
    """What ``config.yml`` says of TEDPolicy. ``learned_at``: the least confidence to say anything with."""

    max_history: int
    priority: int
    learned_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexpected:
    """What ``config.yml`` says of UnexpecTEDIntentPolicy; the names are Rasa's.

    ``tolerance``: the share of an intent's places in the stories that may count as unlikely.
    """

    max_history: int
    priority: int
    tolerance: float
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReport:
    """How many ``lessons`` of how many ``steps`` in all were learned, and how many ``seconds`` it took."""

    lessons: int
    steps: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPlan:
    """The policies that need no learning, and what there is to learn besides: nothing without ``lessons``."""

    policies: Policies
    lessons: tuple[Lesson, ...] = ()
    settings: FitSettings = field(default_factory=FitSettings)
    ted: Ted | None = None
    unexpected: Unexpected | None = None
    seed: int = 0

    def to_json(self) -> list[Json]:
        """All that the policies depend on."""
        lessons: list[Json] = [[step.to_json() for step in lesson] for lesson in self.lessons]
        asked: list[Json] = [asdict(each) for each in (self.settings, self.ted, self.unexpected) if each is not None]
        return [RECIPE, self.policies.to_json(), lessons, asked, self.seed]

    def learn(self) -> tuple[Policies, Network | None, PolicyReport]:
        """All policies, with the network of the learned ones. Deterministic."""
        started = time.perf_counter()
        network = fit(self.lessons, self.settings, seed=self.seed) if self.lessons else None
        learned = () if network is None else tuple(self._learned(network))
        report = PolicyReport(
            lessons=len(self.lessons),
            steps=sum(map(len, self.lessons)),
            seconds=round(time.perf_counter() - started, 1),
        )
        return replace(self.policies, policies=(*self.policies.policies, *learned)), network, report

    def _learned(self, network: Network) -> Iterator[LearnedPolicy | UnlikelyIntent]:
        if self.unexpected is not None:
            thresholds = intent_thresholds(network, self.lessons, tolerance=self.unexpected.tolerance)
            judged = {name: least for name, least in thresholds.items() if name not in self.unexpected.ignored}
            yield UnlikelyIntent(network=network, priority=self.unexpected.priority, thresholds=judged)
        if self.ted is not None:
            yield LearnedPolicy(network=network, priority=self.ted.priority, learned_at=self.ted.learned_at)


def plan_policies(project: Project, *, seed: int) -> PolicyPlan:
    """What the policies of a project are made from.

    Raises ProjectFaults for rules that contradict each other or the stories, and options that make no sense.
    """
    policies = train_policies(project)
    named = {component.name: Options(component) for component in project.config.policies or DEFAULT_POLICIES}
    ted = _ted(named[TED], project) if TED in named else None
    unexpected = _unexpected(named[UNEXPECTED]) if UNEXPECTED in named and _handles_unlikely(project) else None
    if faults := [fault for name in (TED, UNEXPECTED) if name in named for fault in named[name].faults]:
        raise ProjectFaults(faults)
    asked = [each for each in (ted, unexpected) if each is not None]
    if not asked:
        return PolicyPlan(policies=policies)
    stories, rules = (dialogues(told, project.domain) for told in (project.stories, project.rules))
    return PolicyPlan(
        policies=policies,
        lessons=tuple(lessons_of(stories, rules, project.domain, seed=seed)),
        settings=FitSettings(window=max(each.max_history for each in asked)),
        ted=ted,
        unexpected=unexpected,
        seed=seed,
    )


def intent_thresholds(network: Network, lessons: Sequence[Lesson], *, tolerance: float) -> dict[str, float]:
    """The least probability of each intent that is still to be expected, by those it has where it occurs."""
    found: dict[str, list[float]] = {}
    for lesson in lessons:
        states = [step.state for step in lesson]
        for at, step in enumerate(lesson):
            if step.intent is not None:
                chance = network.intent_chances(states[: at + 1])[step.intent]
                found.setdefault(step.intent, []).append(chance)
    return {name: float(np.quantile(chances, tolerance)) / MARGIN for name, chances in found.items()}


def _ted(options: Options, project: Project) -> Ted:
    learned_at = project.config.kefu.get("learned_at")
    return Ted(
        max_history=_max_history(options),
        priority=options.count("priority", 1) or 0,
        learned_at=float(learned_at) if isinstance(learned_at, int | float) else DEFAULT_LEARNED_AT,
    )


def _unexpected(options: Options) -> Unexpected:
    ignored = options.component.options.get("ignore_intents_list")
    return Unexpected(
        max_history=_max_history(options),
        priority=options.count("priority", 2) or 0,
        tolerance=min(max(options.number("tolerance", 0.0), 0.0), 1.0),
        ignored=tuple(map(str, ignored)) if isinstance(ignored, list | tuple) else (),
    )


def _max_history(options: Options) -> int:
    return min(options.count("max_history", None) or FitSettings().window, MOST_HISTORY)


def _handles_unlikely(project: Project) -> bool:
    steps = (step for story in (*project.stories, *project.rules) for step in story.steps)
    return any(isinstance(step, ActionStep) and step.name == UNLIKELY for step in steps)

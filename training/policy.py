"""The policies of a release: rules and memory, and where one is asked for, what a network learns from the stories.

It is asked for where ``config.yml`` names TEDPolicy, or no policy at all; and where it names UnexpecTEDIntentPolicy and
a rule or story says what to do about ``action_unlikely_intent``.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from bot.dialogue.parse import Json
from bot.dialogue.policies.ensemble import DEFAULT_POLICIES, Policies
from bot.dialogue.policies.ensemble import train as train_policies
from bot.dialogue.policies.learned import DEFAULT_LEARNED_AT, LearnedOptions, LearnedPolicy
from bot.dialogue.policies.learned import NAME as LEARNED
from bot.dialogue.policies.network import Network
from bot.dialogue.policies.options import Options
from bot.dialogue.policies.unlikely import NAME as UNEXPECTED
from bot.dialogue.policies.unlikely import UNLIKELY, UnlikelyIntent, UnlikelyOptions
from bot.dialogue.project import ActionStep, Project
from bot.dialogue.stories import dialogues
from training.policy_fit import FitSettings, Lesson, fit
from training.policy_lessons import lessons_of

RECIPE = 1
"""Raised when the same stories are learned in another way, so that older networks are made again."""
MARGIN = 10.0
"""An intent is unlikely where it is so many times less probable than anywhere in the stories."""


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
    learned: LearnedOptions | None = None
    learned_at: float = DEFAULT_LEARNED_AT
    unlikely: UnlikelyOptions | None = None
    seed: int = 0

    def to_json(self) -> list[Json]:
        """All that the policies depend on."""
        lessons: list[Json] = [[step.to_json() for step in lesson] for lesson in self.lessons]
        asked: list[Json] = [asdict(each) if each else None for each in (self.learned, self.unlikely)]
        return [RECIPE, self.policies.to_json(), lessons, asdict(self.settings), asked, self.learned_at, self.seed]

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
        if self.unlikely is not None:
            ignored = self.unlikely.ignore_intents_list
            thresholds = intent_thresholds(network, self.lessons, tolerance=self.unlikely.tolerance)
            judged = {name: least for name, least in thresholds.items() if name not in ignored}
            yield UnlikelyIntent(network=network, priority=self.unlikely.priority, thresholds=judged)
        if self.learned is not None:
            yield LearnedPolicy(network=network, priority=self.learned.priority, learned_at=self.learned_at)


def plan_policies(project: Project, *, seed: int) -> PolicyPlan:
    """What the policies of a project are made from.

    Raises ProjectFaults for rules that contradict each other or the stories, and options that make no sense.
    """
    policies = train_policies(project)
    named = {component.name: Options(component) for component in project.config.policies or DEFAULT_POLICIES}
    learned = LearnedOptions.read(named[LEARNED]) if LEARNED in named else None
    judges = UNEXPECTED in named and _handles_unlikely(project)
    unlikely = UnlikelyOptions.read(named[UNEXPECTED]) if judges else None
    asked = [each for each in (learned, unlikely) if each is not None]
    if not asked:
        return PolicyPlan(policies=policies)
    learned_at = project.config.kefu.get("learned_at")
    stories, rules = (dialogues(told, project.domain) for told in (project.stories, project.rules))
    return PolicyPlan(
        policies=policies,
        lessons=tuple(lessons_of(stories, rules, project.domain, seed=seed)),
        settings=FitSettings(window=max(each.max_history for each in asked)),
        learned=learned,
        learned_at=float(learned_at) if isinstance(learned_at, int | float) else DEFAULT_LEARNED_AT,
        unlikely=unlikely,
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


def _handles_unlikely(project: Project) -> bool:
    steps = (step for story in (*project.stories, *project.rules) for step in story.steps)
    return any(isinstance(step, ActionStep) and step.name == UNLIKELY for step in steps)

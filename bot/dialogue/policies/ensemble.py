"""All policies of an assistant: trained from a project, kept as JSON in a release, asked for the next action.

The best vote wins: one that is independent of the user's words before one by text, that before all others,
then the higher confidence, then the higher priority, then the order in ``config.yml``. ``train`` makes those that need
no learning; ``training/policy.py`` adds those with a network.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from bot.dialogue.domain import Domain
from bot.dialogue.errors import Fault, ProjectFaults
from bot.dialogue.events import UserFeaturization
from bot.dialogue.parse import Json
from bot.dialogue.policies import learned, rule, unlikely
from bot.dialogue.policies.learned import LearnedOptions, LearnedPolicy
from bot.dialogue.policies.memoization import Memoization, MemoizationName
from bot.dialogue.policies.options import CONFIG_FILE, Options
from bot.dialogue.policies.prediction import Prediction, Vote
from bot.dialogue.policies.rule import RuleOptions, RulePolicy
from bot.dialogue.policies.rule_training import train_rules
from bot.dialogue.policies.unlikely import UnlikelyIntent, UnlikelyOptions
from bot.dialogue.project import Component, Project
from bot.dialogue.situation import LISTEN
from bot.dialogue.stories import Dialogue, dialogues
from bot.dialogue.tracker import Tracker

if TYPE_CHECKING:
    from bot.dialogue.policies.network import Network

FOLLOWUP_POLICY = "followup_action"
LEARNED_POLICIES = ("TEDPolicy", "UnexpecTEDIntentPolicy")
DEFAULT_POLICIES = tuple(Component(name=name) for name in ("MemoizationPolicy", "RulePolicy", "TEDPolicy"))
FORMAT = 1


class Policy(Protocol):
    """What has a say in the next action. Pure: the same tracker gives the same vote."""

    def vote(self, tracker: Tracker, domain: Domain) -> Vote:
        """The policy's say."""
        ...

    def to_json(self) -> dict[str, Json]:
        """All there is to it, as JSON."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies of one release, in the order of its ``config.yml``."""

    domain: Domain
    policies: tuple[Policy, ...] = ()

    def predict(self, tracker: Tracker) -> Prediction:
        """The next action. Never fails: with nothing to go by, the bot listens with confidence 0."""
        followup = tracker.followup_action
        if followup is not None and followup in self.domain.action_names:
            return Prediction(action=followup, confidence=1.0, policy=FOLLOWUP_POLICY)
        votes = [_without(policy.vote(tracker, self.domain), tracker.rejected_action) for policy in self.policies]
        best = _best(votes) if votes else Vote(policy="", priority=0)
        events = tuple(event for vote in votes for event in vote.events)
        if tracker.latest_action_name == LISTEN:
            events = (*events, UserFeaturization(use_text_for_featurization=best.is_e2e))
        return Prediction(
            action=best.action,
            confidence=best.confidence,
            policy=best.policy,
            events=events,
            is_no_user=best.is_no_user,
            is_e2e=best.is_e2e,
            hide_rule_turn=best.hide_rule_turn,
            is_fallback=best.is_fallback,
            chances=best.chances,
        )

    def to_json(self) -> dict[str, Json]:
        """Everything but the domain, as JSON."""
        written: list[Json] = [{"type": _type_of(policy), "policy": policy.to_json()} for policy in self.policies]
        return {"format": FORMAT, "policies": written}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], domain: Domain, *, network: "Network | None" = None) -> "Policies":
        """Read what ``to_json`` wrote, for the same domain; ``network`` is that of learned policies.

        Raises ValueError for another format, or where a network is missing.
        """
        if obj.get("format") != FORMAT:
            raise ValueError(f"policies of format {obj.get('format')!r}; this version reads format {FORMAT}")
        policies = tuple(_read(item["type"], item["policy"], network) for item in obj["policies"])
        return cls(domain=domain, policies=policies)


def train(project: Project) -> Policies:
    """The policies that the project's ``config.yml`` asks for, or the default ones.

    Raises:
        ProjectFaults: rules that contradict each other or the stories, or options that make no sense.
    """
    components = project.config.policies or DEFAULT_POLICIES
    options = [Options(component) for component in components]
    stories = dialogues(project.stories, project.domain)
    rules, rule_faults = _train_rules(project, options, stories)
    chosen = (_policy(each, rules, stories, project.domain) for each in options)
    policies = tuple(policy for policy in chosen if policy is not None)
    faults = [fault for each in options for fault in each.faults] + rule_faults
    if faults:
        raise ProjectFaults(faults)
    return Policies(domain=project.domain, policies=policies)


def _train_rules(
    project: Project, options: Sequence[Options], stories: Sequence[Dialogue]
) -> tuple[RulePolicy | None, list[Fault]]:
    mine = next((each for each in options if each.component.name == rule.NAME), None)
    if mine is None:
        return None, []
    chosen = RuleOptions.read(mine)
    policy, faults = train_rules(dialogues(project.rules, project.domain), stories, project.domain, chosen)
    if chosen.enable_fallback_prediction and chosen.core_fallback_action_name not in project.domain.action_names:
        faults.append(_unknown_fallback(mine.component, chosen.core_fallback_action_name))
    return policy, faults


def _policy(options: Options, rules: RulePolicy | None, stories: Iterable[Dialogue], domain: Domain) -> Policy | None:
    match options.component.name:
        case rule.NAME:
            return rules
        case "MemoizationPolicy" | "AugmentedMemoizationPolicy" as name:
            return _memoization(name, options, rules, stories, domain)
        case learned.NAME:
            LearnedOptions.read(options)  # for its faults: learning is not done here
        case unlikely.NAME:
            UnlikelyOptions.read(options)
    return None


def _memoization(
    name: MemoizationName,
    options: Options,
    rules: RulePolicy | None,
    stories: Iterable[Dialogue],
    domain: Domain,
) -> Memoization:
    memory = Memoization.train(name, options, stories, domain)
    if rules is None:
        return memory
    return replace(memory, only_slots=rules.only_slots, only_loops=rules.only_loops)


def _unknown_fallback(component: Component, name: str) -> Fault:
    return Fault(
        path=CONFIG_FILE,
        line=component.line,
        what=f"the fallback action {name!r} is not in the domain",
        remedy="add it to 'actions' or 'responses', or leave core_fallback_action_name out",
    )


def _without(vote: Vote, rejected: str | None) -> Vote:
    """An action that has just declined to run is worth nothing now."""
    if rejected is None or vote.action != rejected:
        return vote
    return replace(vote, action=LISTEN, confidence=0.0)


def _best(votes: Sequence[Vote]) -> Vote:
    no_user = [vote for vote in votes if vote.is_no_user]
    by_text = [vote for vote in votes if vote.is_e2e]
    candidates = no_user or by_text or votes
    return max(candidates, key=lambda vote: (vote.confidence, vote.priority))


def _read(kind: str, obj: Mapping[str, Any], network: "Network | None") -> Policy:
    match kind:
        case "rules":
            return RulePolicy.from_json(obj)
        case "memory":
            return Memoization.from_json(obj)
    if network is None:
        raise ValueError(f"a policy of kind {kind!r} without its network")
    return UnlikelyIntent.from_json(obj, network) if kind == "unlikely" else LearnedPolicy.from_json(obj, network)


def _type_of(policy: Policy) -> str:
    match policy:
        case RulePolicy():
            return "rules"
        case Memoization():
            return "memory"
        case UnlikelyIntent():
            return "unlikely"
    return "learned"

"""Why the policies say what they say: each one's vote, and the rule or story that it comes from.

For people who look on (``kefu shell --debug``, ``kefu interactive``). Policies keep no places; they are found again in
the project that the policies were trained from.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bot.dialogue.events import ActionExecuted, ActionExecutionRejected, Event, LoopInterrupted, UserFeaturization
from bot.dialogue.policies.ensemble import FOLLOWUP_POLICY, Policies, Policy
from bot.dialogue.policies.examples import examples, key_of, since_anything, unset
from bot.dialogue.policies.memoization import Memoization
from bot.dialogue.policies.prediction import Vote
from bot.dialogue.policies.rule import Finding, RulePolicy
from bot.dialogue.project import Project
from bot.dialogue.stories import Dialogue, dialogues
from bot.dialogue.tracker import Tracker

SHOWN_PLACES = 2

Decided = ActionExecuted | ActionExecutionRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a policy says of the next action, and why."""

    vote: Vote
    why: str

    @property
    def is_silent(self) -> bool:
        """Whether the policy has nothing to say."""
        return self.vote.confidence == 0.0


@dataclass(kw_only=True)
class Explainer:
    """Explains the policies of a release by the ``project`` that they were trained from."""

    project: Project
    policies: Policies

    def opinions(self, tracker: Tracker) -> tuple[Opinion, ...]:
        """What each policy says, in the order of ``config.yml``; one entry where a followup leaves no choice."""
        followup = tracker.followup_action
        if followup is not None and followup in self.project.domain.action_names:
            vote = Vote(policy=FOLLOWUP_POLICY, priority=0, action=followup, confidence=1.0)
            return (Opinion(vote=vote, why="what came before asks for it"),)
        return tuple(self._opinion(policy, tracker) for policy in self.policies.policies)

    def _opinion(self, policy: Policy, tracker: Tracker) -> Opinion:
        domain = self.project.domain
        match policy:
            case RulePolicy():
                finding = policy.find(tracker, domain)
                vote = policy.vote_for(finding, tracker)
                return Opinion(vote=vote, why=self._of_rules(finding, vote))
            case Memoization():
                vote = policy.vote(tracker, domain)
                key = policy.recall(tracker, domain)
                places = self._stories(policy.max_history).get(key or "", ())
                return Opinion(vote=vote, why="no story went like this" if key is None else _named("story", places))
            case _:
                vote = policy.vote(tracker, domain)
                return Opinion(vote=vote, why="learned from the stories" if vote.confidence else "nothing to say")

    def _of_rules(self, finding: Finding, vote: Vote) -> str:
        interrupted = "; the form was interrupted" if finding.was_interrupted else ""
        match finding.kind:
            case "default" if finding.action:
                return f"{finding.source} always leads there"
            case "loop" if finding.action:
                return "the active form has asked" if finding.action == "action_listen" else "the form is active"
        if finding.action is None:
            return ("no rule fits: the core fallback" if vote.is_fallback else "no rule fits") + interrupted
        return _named("rule", self._rules.get(finding.source or "", ())) + interrupted

    @cached_property
    def _rules(self) -> dict[str, list[str]]:
        domain = unset(self.project.domain)
        found: dict[str, list[str]] = {}
        for rule in dialogues(self.project.rules, self.project.domain):
            for example in examples(rule, domain):
                key = key_of(since_anything(example.states))
                found.setdefault(key, []).append(_place(rule, example.event))
        return found

    def _stories(self, max_history: int | None) -> dict[str, list[str]]:
        if max_history not in self._by_history:
            found: dict[str, list[str]] = {}
            for story in self._told:
                for example in examples(story, self.project.domain, at_most=max_history):
                    found.setdefault(key_of(example.states), []).append(_place(story, example.event))
            self._by_history[max_history] = found
        return self._by_history[max_history]

    @cached_property
    def _told(self) -> list[Dialogue]:
        return dialogues(self.project.stories, self.project.domain)

    @cached_property
    def _by_history(self) -> dict[int | None, dict[str, list[str]]]:
        return {}


def decided(tracker: Tracker, events: tuple[Event, ...]) -> Iterator[tuple[Tracker, Event]]:
    """Each event that was added to a conversation, with the tracker that it was decided on.

    What the policies themselves add before an action does not count for it.
    """
    met = tracker
    for event in events:
        yield met, event
        tracker = tracker.apply(event)
        if not isinstance(event, UserFeaturization | LoopInterrupted):
            met = tracker


def _place(dialogue: Dialogue, event: ActionExecuted) -> str:
    return f'"{dialogue.name}" ({dialogue.source.path}:{dialogue.line_of(event)})'


def _named(kind: str, places: list[str] | tuple[()]) -> str:
    unique = list(dict.fromkeys(places))
    more = f" and {len(unique) - SHOWN_PLACES} more" if len(unique) > SHOWN_PLACES else ""
    return f"{kind} {', '.join(unique[:SHOWN_PLACES])}{more}" if unique else f"a {kind} of another release"

"""Rules: short, certain pieces of conversation, forms that go well, and what to do when nobody knows.

Matching and order are those of Rasa 3.x's RulePolicy. Learning and checking rules is ``rule_training``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.dialogue.domain import Domain
from bot.dialogue.events import LoopInterrupted
from bot.dialogue.parse import Json
from bot.dialogue.policies.options import Options
from bot.dialogue.policies.prediction import Vote
from bot.dialogue.policies.rule_lookup import Recent, Rule, RuleLookup
from bot.dialogue.situation import LISTEN
from bot.dialogue.tracker import Tracker

NAME = "RulePolicy"
DEFAULT_ACTIONS: Mapping[str, str] = {
    "restart": "action_restart",
    "back": "action_back",
    "session_start": "action_session_start",
}
"""Intents that always have the same consequence."""

INTERRUPTED = "loop_was_interrupted"
NOT_THE_LOOP = "do_not_predict_loop_action"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOptions:
    """What ``config.yml`` may say of the policy; the names are Rasa's."""

    priority: int = 4
    core_fallback_threshold: float = 0.3
    core_fallback_action_name: str = "action_default_fallback"
    enable_fallback_prediction: bool = True
    restrict_rules: bool = True
    check_for_contradictions: bool = True
    use_nlu_confidence_as_score: bool = False

    @classmethod
    def read(cls, options: Options) -> "RuleOptions":
        """From the component's entry; what is wrong is left in ``options.faults``."""
        return cls(
            priority=options.count("priority", 4) or 0,
            core_fallback_threshold=options.number("core_fallback_threshold", 0.3),
            core_fallback_action_name=options.text("core_fallback_action_name", "action_default_fallback"),
            enable_fallback_prediction=options.flag("enable_fallback_prediction", True),
            restrict_rules=options.flag("restrict_rules", True),
            check_for_contradictions=options.flag("check_for_contradictions", True),
            use_nlu_confidence_as_score=options.flag("use_nlu_confidence_as_score", False),
        )

    def to_json(self) -> dict[str, Json]:
        """The options by name."""
        return {name: getattr(self, name) for name in RuleOptions.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The action that the rules give, if any. ``source`` names what it comes from, to tell rules apart."""

    action: str | None
    source: str | None = None
    kind: Literal["default", "loop", "text", "intent"] = "intent"
    was_interrupted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePolicy:
    """Learned rules. ``hidden``: sources that occur in no story, so that stories do not see their turns.

    ``only_slots`` and ``only_loops`` occur in rules alone, and memorised stories do not see them either.
    """

    options: RuleOptions = field(default_factory=RuleOptions)
    rules: RuleLookup = field(default_factory=lambda: RuleLookup({}))
    unhappy: RuleLookup = field(default_factory=lambda: RuleLookup({}))
    hidden: frozenset[str] = frozenset()
    only_slots: frozenset[str] = frozenset()
    only_loops: frozenset[str] = frozenset()

    def vote(self, tracker: Tracker, domain: Domain) -> Vote:
        """The policy's say; where no rule fits, the core fallback if that is enabled."""
        return self.vote_for(self.find(tracker, domain), tracker)

    def vote_for(self, finding: Finding, tracker: Tracker) -> Vote:
        """The vote that a finding amounts to."""
        options = self.options
        events = (LoopInterrupted(is_interrupted=True),) if finding.was_interrupted else ()
        if finding.action is not None:
            return Vote(
                policy=NAME,
                priority=options.priority,
                action=finding.action,
                confidence=self._score(tracker),
                events=events,
                is_no_user=finding.kind == "loop",
                is_e2e=finding.kind == "text",
                hide_rule_turn=finding.source in self.hidden,
            )
        if not options.enable_fallback_prediction:
            return Vote(policy=NAME, priority=options.priority, events=events)
        return Vote(
            policy=NAME,
            priority=options.priority,
            action=options.core_fallback_action_name,
            confidence=options.core_fallback_threshold,
            events=events,
            is_fallback=True,
        )

    def find(self, tracker: Tracker, domain: Domain) -> Finding:
        """What follows, in this order: default intents, the active loop, rules by text, rules by intent.

        A rule by text comes before a default intent, but after a loop that goes well.
        """
        by_text = self._from_rules(tracker, domain, by_text=True)
        default = _from_default_intent(tracker)
        if default.action and not by_text.action:
            return default
        loop = _from_happy_loop(tracker, domain)
        if loop.action:
            return loop
        if by_text.action:
            return by_text
        by_intent = self._from_rules(tracker, domain, by_text=False)
        if not by_text.was_interrupted:
            return by_intent
        return Finding(action=by_intent.action, source=by_intent.source, was_interrupted=True)

    def to_json(self) -> dict[str, Json]:
        """All there is to it, as JSON."""
        return {
            "options": self.options.to_json(),
            "rules": self.rules.actions(),
            "unhappy": self.unhappy.actions(),
            "hidden": sorted(self.hidden),
            "only_slots": sorted(self.only_slots),
            "only_loops": sorted(self.only_loops),
        }

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "RulePolicy":
        """Read what ``to_json`` wrote."""
        return cls(
            options=RuleOptions(**obj["options"]),
            rules=RuleLookup(obj["rules"]),
            unhappy=RuleLookup(obj["unhappy"]),
            hidden=frozenset(obj["hidden"]),
            only_slots=frozenset(obj["only_slots"]),
            only_loops=frozenset(obj["only_loops"]),
        )

    def _score(self, tracker: Tracker) -> float:
        message = tracker.latest_message
        if self.options.use_nlu_confidence_as_score and message is not None:
            return message.parse.intent.confidence
        return 1.0

    def _from_rules(self, tracker: Tracker, domain: Domain, *, by_text: bool) -> Finding:
        kind: Literal["text", "intent"] = "text" if by_text else "intent"
        if by_text and tracker.latest_action_name != LISTEN:
            return Finding(action=None, kind=kind)
        recent = Recent(tracker.moments(), domain, by_text=by_text)
        best = next(iter(self.rules.fitting(recent)), None)
        loop = _active_loop(tracker, domain)
        if loop is None:
            return Finding(action=best.action if best else None, source=best.key if best else None, kind=kind)
        notes = {rule.action for rule in self.unhappy.fitting(recent)}
        return _inside_loop(best, loop, notes, kind)


def _inside_loop(best: Rule | None, loop: str, notes: set[str], kind: Literal["text", "intent"]) -> Finding:
    """In a loop that was rejected, a general rule that ends a turn gives the word back to the loop."""
    source = best.key if best else None
    action = best.action if best else None
    if best is not None and action == LISTEN and best.states[-1].loop_name is None:
        if NOT_THE_LOOP not in notes:
            return Finding(action=loop, source=source, kind=kind)
        action = None
    return Finding(action=action, source=source, kind=kind, was_interrupted=INTERRUPTED in notes)


def _from_default_intent(tracker: Tracker) -> Finding:
    message = tracker.latest_message
    if tracker.latest_action_name != LISTEN or message is None:
        return Finding(action=None)
    intent = message.parse.intent.name
    return Finding(action=DEFAULT_ACTIONS.get(intent), source=default_source(intent), kind="default")


def _from_happy_loop(tracker: Tracker, domain: Domain) -> Finding:
    loop = _active_loop(tracker, domain)
    rejected = tracker.active_loop is not None and tracker.active_loop.rejected
    if loop is None or rejected or tracker.latest_action is None:
        return Finding(action=None)
    if tracker.latest_action_name == loop:
        return Finding(action=LISTEN, source=loop_source(loop, ends=True), kind="loop")
    return Finding(action=loop, source=loop_source(loop, ends=False), kind="loop")


def _active_loop(tracker: Tracker, domain: Domain) -> str | None:
    """The active loop, unless the domain has it no longer (a conversation may outlive the release it began with)."""
    loop = tracker.active_loop
    return loop.name if loop is not None and loop.name in domain.action_names else None


def default_source(intent: str) -> str:
    """The source of what a default intent gives."""
    return f"default intent {intent}"


def loop_source(loop: str, *, ends: bool) -> str:
    """The source of a loop running, or of listening after it."""
    return f"loop {loop}" + (" - action_listen" if ends else "")


def built_in_sources(domain: Domain) -> set[str]:
    """The sources that no rule has to be written for."""
    loops = {loop_source(form, ends=ends) for form in domain.forms for ends in (False, True)}
    return loops | {default_source(intent) for intent in DEFAULT_ACTIONS}

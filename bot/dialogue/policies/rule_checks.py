"""Checks of each rule for itself. Every fault says in the words of the file what to write instead."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bot.dialogue.domain import Domain
from bot.dialogue.errors import Fault
from bot.dialogue.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.dialogue.situation import action_label
from bot.dialogue.states import SHOULD_NOT_BE_SET, state_of
from bot.dialogue.stories import ANYTHING, Dialogue
from bot.dialogue.tracker import Tracker


def too_many_turns(rule: Dialogue) -> Iterator[Fault]:
    """A rule has one user turn at most: a rule is no conversation."""
    turns = [event for event in rule.events if isinstance(event, UserUttered)]
    if len(turns) > 1:
        yield Fault(
            path=rule.source.path,
            line=rule.line_of(turns[1]),
            what=f"rule {rule.name!r} has {len(turns)} user turns",
            remedy="keep one in the rule and write longer conversations as stories",
        )


@dataclass(slots=True)
class _Effects:
    """What an action sets, each with the rule that says so first."""

    slots: dict[str, str] = field(default_factory=dict)
    loops: dict[str | None, str] = field(default_factory=dict)


def incomplete(rules: Sequence[Dialogue], domain: Domain) -> list[Fault]:
    """What an action sets in one rule it sets in every rule, unless the rule leaves open what follows."""
    effects = _effects(rules, domain)
    return [fault for rule in rules for fault in _incomplete_rule(rule, effects, domain)]


def _effects(rules: Sequence[Dialogue], domain: Domain) -> dict[str, _Effects]:
    """What each action sets in any rule, as far as policies can see it."""
    effects: dict[str, _Effects] = {}
    for rule in rules:
        action: str | None = None
        for event in rule.events:
            match event:
                case ActionExecuted():
                    action = action_label(event)
                case UserUttered():
                    action = None
                case SlotSet(name=name) if action and _is_seen(name, domain):
                    effects.setdefault(action, _Effects()).slots.setdefault(name, _place(rule, event))
                case ActiveLoop(name=loop) if action:
                    effects.setdefault(action, _Effects()).loops.setdefault(loop, _place(rule, event))
                case _:
                    pass
    return effects


def _is_seen(name: str, domain: Domain) -> bool:
    slot = domain.slots.get(name)
    return slot is not None and slot.influence_conversation and slot.type != "any"


def _incomplete_rule(rule: Dialogue, effects: Mapping[str, _Effects], domain: Domain) -> Iterator[Fault]:
    decisions = Tracker.start("", domain, rule.events).decisions()
    for (_, done), (situation, following) in pairwise(decisions):
        expected = effects.get(action_label(done))
        if expected is None or ANYTHING in (done.name, following.name):
            continue
        state = state_of(situation, domain)
        missing = {name: place for name, place in expected.slots.items() if name not in state.slots}
        if missing:
            yield _missing_slots(rule, done, missing)
        if expected.loops and state.loop not in expected.loops:
            yield _missing_loop(rule, done, expected.loops)


def _place(rule: Dialogue, event: Event) -> str:
    return f"rule {rule.name!r} ({rule.source.path}:{rule.line_of(event)})"


def _missing_slots(rule: Dialogue, action: ActionExecuted, slots: Mapping[str, str]) -> Fault:
    return Fault(
        path=rule.source.path,
        line=rule.line_of(action),
        what=f"in rule {rule.name!r}, {action_label(action)!r} does not set {', '.join(map(repr, sorted(slots)))}"
        f", as it does in {', '.join(dict.fromkeys(slots.values()))}",
        remedy="add 'slot_was_set' after it (with null where it is not set), or, if the rule ends with it, "
        "'wait_for_user_input: false'",
    )


def _missing_loop(rule: Dialogue, action: ActionExecuted, loops: Mapping[str | None, str]) -> Fault:
    wanted = sorted("null" if loop in (None, SHOULD_NOT_BE_SET) else str(loop) for loop in loops)
    return Fault(
        path=rule.source.path,
        line=rule.line_of(action),
        what=f"in rule {rule.name!r}, {action_label(action)!r} does not change the active loop"
        f", as it does in {', '.join(dict.fromkeys(loops.values()))}",
        remedy=f"add 'active_loop: {' or '.join(wanted)}' after it, or, if the rule ends with it, "
        "'wait_for_user_input: false'",
    )

"""Training examples: what was done, and the states that led there."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, Event
from bot.dialogue.situation import Situation, action_label
from bot.dialogue.states import State, state_of
from bot.dialogue.stories import ANYTHING, Dialogue
from bot.dialogue.tracker import Tracker


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The states of a dialogue, oldest first, and the action taken in the last of them (``event``: as it stands)."""

    states: tuple[State, ...]
    action: str
    event: ActionExecuted


def examples(dialogue: Dialogue, domain: Domain, *, at_most: int | None = None) -> Iterator[Example]:
    """Every action of a dialogue that follows from something; ``at_most`` that many states each."""
    opening = None if dialogue.unpredictable is None else dialogue.events[dialogue.unpredictable]
    states: list[State] = []
    for situation, action in Tracker.start("", domain, dialogue.events).decisions():
        states.append(state_of(situation, domain))
        if action is not opening:
            kept = tuple(states[-at_most:] if at_most else states)
            yield Example(states=kept, action=action_label(action), event=action)


def all_examples(dialogues: Iterable[Dialogue], domain: Domain, *, at_most: int | None = None) -> Iterator[Example]:
    """The examples of all these dialogues; what dialogues in a row have in common at first is gone through once."""
    trackers = [Tracker.start("", domain)]
    told: Sequence[Event] = ()
    decided: Sequence[tuple[Situation, ActionExecuted]] = ()
    states: list[State] = []
    for dialogue in dialogues:
        opening = None if dialogue.unpredictable is None else dialogue.events[dialogue.unpredictable]
        del trackers[in_common(told, dialogue.events) + 1 :]
        told = dialogue.events
        for event in told[len(trackers) - 1 :]:
            trackers.append(trackers[-1].apply(event))
        decisions = trackers[-1].decisions()
        del states[in_common([action for _, action in decided], [action for _, action in decisions]) :]
        decided = decisions
        for situation, action in decided[len(states) :]:
            states.append(state_of(situation, domain))
            if action is not opening:
                kept = tuple(states[-at_most:] if at_most else states)
                yield Example(states=kept, action=action_label(action), event=action)


def in_common(one: Sequence[object], other: Sequence[object]) -> int:
    """How many things at the beginning are the very same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a is not b), min(len(one), len(other)))


def key_of(states: Sequence[State]) -> str:
    """The states as one text, the same for the same states. Rules are ranked by its length."""
    return f"[{', '.join(state.as_text for state in states)}]"


def states_of_key(key: str) -> tuple[State, ...]:
    """The states that a key stands for."""
    return tuple(State.from_json(obj) for obj in json.loads(key))


def unset(domain: Domain) -> Domain:
    """The domain with no slot set at first: in rules, only what a rule itself sets counts."""
    return replace(domain, slots={name: replace(slot, initial_value=None) for name, slot in domain.slots.items()})


def lookup_of(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Key to action; a key with two different actions is ambiguous and left out."""
    found: dict[str, str] = {}
    ambiguous: set[str] = set()
    for key, action in pairs:
        if found.setdefault(key, action) != action:
            ambiguous.add(key)
    return {key: action for key, action in found.items() if key not in ambiguous}


def since_anything(states: Sequence[State]) -> tuple[State, ...]:
    """The states behind the last one that follows ``...``."""
    start = next((i + 1 for i in range(len(states) - 1, -1, -1) if states[i].action == ANYTHING), 0)
    return tuple(states[start:])

"""Dialogue states: the features of a situation that rules and memorised stories are matched on.

A state says which intent (or text) and entities the last message had, which slots are set and how, what the
last action was and which loop is active; empty parts are absent. Feature values are those of Rasa 3.x, and
so is the JSON.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

from bot.dialogue.domain import Domain, Slot
from bot.dialogue.events import UserUttered
from bot.dialogue.parse import Json
from bot.dialogue.situation import LISTEN, Situation

SHOULD_NOT_BE_SET = "should_not_be_set"
"""In a rule: the slot or loop must be unset (``null`` in the file)."""

OTHER_CATEGORY = "__other__"
Features: TypeAlias = tuple[float, ...] | str
"""The features of a set slot, or SHOULD_NOT_BE_SET."""


@dataclass(frozen=True, kw_only=True)
class State:
    """The features of one situation. ``action_text`` for an end-to-end bot turn, else ``action``."""

    intent: str | None = None
    text: str | None = None
    entities: tuple[str, ...] = ()
    slots: Mapping[str, Features] = field(default_factory=dict)
    action: str | None = None
    action_text: str | None = None
    loop: str | None = None

    @property
    def is_start(self) -> bool:
        """Whether nothing has been done yet."""
        return self.action is None and self.action_text is None

    @property
    def loop_name(self) -> str | None:
        """The active loop; None also where a rule says that there must be none."""
        return None if self.loop == SHOULD_NOT_BE_SET else self.loop

    def to_json(self) -> dict[str, Json]:
        """The state as Rasa's JSON; parts that are empty are left out."""
        user: dict[str, Json] = {}
        if self.intent:
            user["intent"] = self.intent
        if self.text:
            user["text"] = self.text
        if self.entities:
            user["entities"] = list(self.entities)
        action = (
            {"action_name": self.action}
            if self.action
            else {"action_text": self.action_text}
            if self.action_text
            else {}
        )
        slots = {name: value if isinstance(value, str) else list(value) for name, value in self.slots.items()}
        loop = {"name": self.loop} if self.loop else {}
        parts: dict[str, Json] = {"user": user, "slots": slots, "prev_action": action, "active_loop": loop}
        return {name: part for name, part in parts.items() if part}

    @cached_property
    def as_text(self) -> str:
        """The JSON as text, the same for the same state."""
        return json.dumps(self.to_json(), sort_keys=True)

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "State":
        """Read what ``to_json`` wrote."""
        user = obj.get("user", {})
        action = obj.get("prev_action", {})
        slots = obj.get("slots", {})
        return cls(
            intent=user.get("intent"),
            text=user.get("text"),
            entities=tuple(user.get("entities", ())),
            slots={name: value if isinstance(value, str) else tuple(value) for name, value in slots.items()},
            action=action.get("action_name"),
            action_text=action.get("action_text"),
            loop=obj.get("active_loop", {}).get("name"),
        )


def state_of(now: Situation, domain: Domain, *, by_text: bool = False) -> State:
    """The state of a situation. ``by_text``: a message that has just come in counts by its text, not its intent."""
    action = now.latest_action
    state = State(
        slots=_slot_features(now.slots, domain),
        action=(action.name or None) if action else None,
        action_text=(action.action_text or None) if action and not action.name else None,
        loop=now.active_loop.name if now.active_loop else None,
    )
    message = now.latest_message
    if message is None:
        return state
    as_text = by_text and now.latest_action_name == LISTEN
    return _with_message(state, message, now.use_text, domain, as_text=as_text)


def without(state: State, *, slots: frozenset[str], loops: frozenset[str]) -> State:
    """The state without these slots and loops."""
    if not slots and not loops:
        return state
    kept = {name: value for name, value in state.slots.items() if name not in slots}
    return replace(state, slots=kept, loop=None if state.loop in loops else state.loop)


def fits(rule: State, now: State) -> bool:
    """Whether everything that a rule's state asks for holds; what it does not mention may be anything."""
    return (
        (rule.intent is None or rule.intent == now.intent)
        and (rule.text is None or rule.text == now.text)
        and (not rule.entities or rule.entities == now.entities)
        and (rule.action is None or rule.action == now.action)
        and (rule.action_text is None or rule.action_text == now.action_text)
        and _holds(rule.loop, now.loop)
        and all(_holds(value, now.slots.get(name)) for name, value in rule.slots.items())
    )


def _holds(wanted: Features | None, value: Features | None) -> bool:
    if wanted is None:
        return True
    if wanted == SHOULD_NOT_BE_SET:
        return value is None or value == SHOULD_NOT_BE_SET
    return wanted == value


def _with_message(state: State, message: UserUttered, use_text: bool | None, domain: Domain, *, as_text: bool) -> State:
    """``use_text`` None: undecided, so the intent counts if there is one, or the text if that is asked for."""
    intent = message.parse.intent.name
    text = (message.text or None) if use_text is not False else None
    if use_text or as_text or (text and not intent):
        return replace(state, text=text)
    return replace(state, intent=intent or None, entities=entity_labels(message, domain))


def entity_labels(message: UserUttered, domain: Domain) -> tuple[str, ...]:
    """The entities that policies see: ``city``, and with a role or group also ``city#from``; sorted."""
    labels: set[str] = set()
    for entity in message.parse.entities:
        spec = domain.entities.get(entity.entity)
        if spec is not None and not spec.influence_conversation:
            continue
        labels.add(entity.entity)
        labels.update(f"{entity.entity}#{part}" for part in (entity.role, entity.group) if part is not None)
    intent = domain.intents.get(message.parse.intent.name.split("/", 1)[0])
    if intent is not None:
        labels &= set(intent.used_entities)
    return tuple(sorted(labels))


def _slot_features(values: Mapping[str, Json], domain: Domain) -> dict[str, Features]:
    features: dict[str, Features] = {}
    for name, value in values.items():
        slot = domain.slots.get(name)
        if value is None or slot is None or not slot.influence_conversation or slot.type == "any":
            continue
        if value == SHOULD_NOT_BE_SET:
            features[name] = SHOULD_NOT_BE_SET
            continue
        found = slot_features(slot, value)
        if any(found):
            features[name] = found
    return features


def slot_features(slot: Slot, value: Json) -> tuple[float, ...]:
    """The features of a slot's value; all zero where it is unset or of the wrong type."""
    match slot.type:
        case "text":
            return (0.0,) if value is None else (1.0,)
        case "list":
            return (1.0,) if isinstance(value, (list, tuple, str, Mapping)) and len(value) > 0 else (0.0,)
        case "bool":
            truth = _truth(value)
            return (0.0, 0.0) if truth is None else (1.0, float(truth))
        case "float":
            return _float_features(slot, value)
        case "categorical":
            return _category_features(slot.values, value)
        case "any":
            return ()


def _truth(value: Json) -> bool | None:
    match value:
        case bool():
            return value
        case int() | float():
            return value == 1
        case str() if value.isdecimal():
            return float(value) == 1.0
        case str() if value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
    return None


def _float_features(slot: Slot, value: Json) -> tuple[float, ...]:
    if not isinstance(value, (int, float, str)):
        return (0.0, 0.0)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return (0.0, 0.0)
    width = abs(slot.max_value - slot.min_value) or 1.0
    return (1.0, (max(slot.min_value, min(slot.max_value, number)) - slot.min_value) / width)


def _category_features(values: Iterable[str], value: Json) -> tuple[float, ...]:
    names = [str(name).lower() for name in values]
    if OTHER_CATEGORY not in names:
        names.append(OTHER_CATEGORY)
    if value is None:
        return (0.0,) * len(names)
    wanted = str(value).lower()
    at = names.index(wanted) if wanted in names else names.index(OTHER_CATEGORY)
    return tuple(float(i == at) for i in range(len(names)))

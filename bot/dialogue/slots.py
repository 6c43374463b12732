"""Filling slots from the latest message: which values are offered, and which custom actions have to be asked.

This is ``action_extract_slots`` without its calls: the caller runs the custom actions, and then lets
``action_validate_slot_mappings`` check the candidates if the domain has it. Nothing is filled that no
mapping asks for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.dialogue.domain import AUTOMATIC_SLOTS, REQUESTED_SLOT, Domain, MappingCondition, Slot, SlotMapping
from bot.dialogue.events import SlotSet
from bot.dialogue.parse import Entity, Json
from bot.dialogue.tracker import Tracker


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomAction:
    """An action of the action server that may fill slots."""

    name: str


def extract_slots(tracker: Tracker) -> tuple[SlotSet | CustomAction, ...]:
    """What the latest message offers for the slots of the tracker's domain, in the order of the domain.

    At most one value per slot, and each custom action once, where it is first named: of two that fill the same slot
    the later one counts.
    """
    found: list[SlotSet | CustomAction] = []
    for slot in tracker.domain.slots.values():
        if slot.name not in AUTOMATIC_SLOTS:
            found += (offer for offer in _offers(slot, tracker) if offer not in found)
    return tuple(found)


def _offers(slot: Slot, tracker: Tracker) -> Iterator[SlotSet | CustomAction]:
    """The custom actions of a slot's mappings, up to and including the first value that another mapping gives."""
    for mapping in slot.mappings:
        if not _applies(mapping, slot, tracker):
            continue
        if mapping.type == "custom":
            if mapping.action:
                yield CustomAction(name=mapping.action)
            continue
        values = _values(mapping, tracker)
        if not values:
            continue
        value = list(values) if slot.type == "list" else values[-1]
        if value is not None or tracker.slots.get(slot.name) is not None:
            yield SlotSet(name=slot.name, value=value)
            return


def entity_fits(mapping: SlotMapping, entity: Entity) -> bool:
    """Whether the mapping means this entity; an absent role or group must be absent."""
    return (mapping.entity, mapping.role, mapping.group) == (entity.entity, entity.role, entity.group)


def _applies(mapping: SlotMapping, slot: Slot, tracker: Tracker) -> bool:
    return (
        _is_known(mapping, tracker.domain)
        and _wants_intent(mapping, tracker)
        and _conditions_hold(mapping, slot, tracker)
        and not _is_ambiguous(mapping, slot, tracker)
    )


def _is_known(mapping: SlotMapping, domain: Domain) -> bool:
    """A mapping that names an entity or intent that the domain lacks never applies (validation reports it)."""
    if mapping.type == "from_entity":
        return mapping.entity in domain.entities
    if mapping.type == "from_intent":
        return all(name in domain.intents for name in mapping.intent)
    return True


def _wants_intent(mapping: SlotMapping, tracker: Tracker) -> bool:
    message = tracker.latest_message
    intent = message.parse.intent.name if message else None
    if mapping.intent:
        return intent in mapping.intent
    return intent not in (*mapping.not_intent, *_ignored_intents(mapping, tracker))


def _ignored_intents(mapping: SlotMapping, tracker: Tracker) -> Sequence[str]:
    """The intents that the active form ignores, if the mapping is for that form or for all."""
    loop = tracker.active_loop
    form = tracker.domain.forms.get(loop.name) if loop else None
    if form is None:
        return ()
    meant = not mapping.conditions or any(c.active_loop == form.name for c in mapping.conditions)
    return form.ignored_intents if meant else ()


def _conditions_hold(mapping: SlotMapping, slot: Slot, tracker: Tracker) -> bool:
    if not mapping.conditions or mapping.type == "from_trigger_intent":
        return True
    loop = tracker.active_loop
    if loop is not None and loop.rejected and tracker.slots.get(REQUESTED_SLOT) == slot.name:
        return False
    return any(_holds(condition, tracker) for condition in mapping.conditions)


def _holds(condition: MappingCondition, tracker: Tracker) -> bool:
    loop = tracker.active_loop.name if tracker.active_loop else None
    if condition.active_loop != loop:
        return False
    asked = condition.requested_slot
    return loop is None or not asked or asked == tracker.slots.get(REQUESTED_SLOT)


def _is_ambiguous(mapping: SlotMapping, slot: Slot, tracker: Tracker) -> bool:
    """In a form, an entity fills a slot that was not asked for only if it can mean no other required slot."""
    loop = tracker.active_loop
    form = tracker.domain.forms.get(loop.name) if loop else None
    if mapping.type != "from_entity" or form is None or slot.name not in form.required_slots:
        return False
    if tracker.slots.get(REQUESTED_SLOT) == slot.name:
        return False
    required = (tracker.domain.slots.get(name) for name in form.required_slots)
    mappings = [other for known in required if known for other in known.mappings]
    return mappings.count(mapping) > 1


def _values(mapping: SlotMapping, tracker: Tracker) -> Sequence[Json]:
    message = tracker.latest_message
    match mapping.type:
        case "from_entity":
            entities = message.parse.entities if message else ()
            return [entity.value for entity in entities if entity_fits(mapping, entity)]
        case "from_intent":
            return [mapping.value]
        case "from_trigger_intent":
            return [mapping.value] if _is_triggered(mapping, tracker) else ()
        case "from_text":
            return [message.text if message else None]
    return ()


def _is_triggered(mapping: SlotMapping, tracker: Tracker) -> bool:
    loop = tracker.active_loop
    loops = [condition.active_loop for condition in mapping.conditions]
    return loop is not None and (not loops or loop.name in loops)

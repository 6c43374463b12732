"""A conversation as a story or test story: the steps that policies learn from or a test replays."""

from collections.abc import Iterable, Iterator, Sequence

from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActiveLoop,
    Event,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.parse import Entity
from bot.dialogue.slots import entity_fits
from bot.dialogue.story_writing import UNWRITTEN, annotated
from training.convert_notes import scalar


def story_item(name: str, events: Iterable[Event], domain: Domain, *, is_test: bool) -> str:
    """The item of ``stories:`` in lines, "" where nothing was said and answered.

    A test story has the customer's words, a story only what they mean.
    """
    lines: list[str] = []
    heard: UserUttered | None = None
    for event in _kept(events):
        match event:
            case UserUttered():
                heard = event
                lines += _heard(event, is_test=is_test)
            case ActionExecuted(name=str(action)) if action not in UNWRITTEN:
                heard = None
                lines.append(f"  - action: {scalar(action)}\n")
            case ActionExecuted(action_text=str(text)):
                heard = None
                lines.append(f"  - bot: {scalar(text)}\n")
            case SlotSet(name=slot) if _is_seen(slot, domain) and not _is_filled(event, heard, domain):
                lines.append(f"  - slot_was_set:\n    - {scalar(slot)}: {scalar(event.value)}\n")
            case ActiveLoop(name=loop):
                lines.append(f"  - active_loop: {scalar(loop)}\n")
    return "".join([f"- story: {scalar(name)}\n", "  steps:\n", *lines]) if lines else ""


def _kept(events: Iterable[Event]) -> Sequence[Event]:
    """What was not taken back, since the last restart."""
    kept: list[Event] = []
    for event in events:
        match event:
            case Restarted() | SessionStarted():
                kept.clear()
            case UserUtteranceReverted():
                while kept and not isinstance(kept.pop(), UserUttered):
                    pass
            case _:
                kept.append(event)
    while kept and not isinstance(kept[-1], ActionExecuted):
        kept.pop()  # a message without an answer
    return kept


def _heard(message: UserUttered, *, is_test: bool) -> Iterator[str]:
    parse = message.parse
    intent = f"{parse.intent.name}/{parse.response_key}" if parse.response_key else parse.intent.name
    if is_test and message.text:
        words = message.text if message.text.startswith("/") else annotated(message.text, parse.entities)
        yield f"  - user: {scalar(words)}\n    intent: {scalar(intent)}\n"
        return
    yield f"  - intent: {scalar(intent)}\n"
    if parse.entities:
        yield "    entities:\n"
        yield from map(_entity, parse.entities)


def _entity(entity: Entity) -> str:
    labels = (("role", entity.role), ("group", entity.group))
    more = "".join(f"      {key}: {scalar(label)}\n" for key, label in labels if label)
    return f"    - {scalar(entity.entity)}: {scalar(entity.value)}\n{more}"


def _is_seen(name: str, domain: Domain) -> bool:
    """Whether policies see the slot at all."""
    slot = domain.slots.get(name)
    return slot is not None and slot.influence_conversation and slot.type != "any"


def _is_filled(event: SlotSet, heard: UserUttered | None, domain: Domain) -> bool:
    """Whether the entities of the message fill the slot again when the story is read."""
    if heard is None or not domain.store_entities_as_slots:
        return False
    mappings = [
        mapping
        for mapping in domain.slots[event.name].mappings
        if mapping.type == "from_entity" and not (mapping.conditions and mapping.conditions[0].active_loop)
    ]
    return any(entity_fits(mapping, entity) for mapping in mappings for entity in heard.parse.entities)

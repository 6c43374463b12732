"""A conversation as a story or test story: the steps that policies learn from or a test replays."""

from collections.abc import Iterable, Sequence

from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    ActionExecuted,
    Event,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.slots import entity_fits
from bot.dialogue.story_writing import step, story_item


def told_story(name: str, events: Iterable[Event], domain: Domain, *, is_test: bool) -> str:
    """The item of ``stories:`` in lines, "" where nothing was said and answered.

    A test story has the customer's words, a story only what they mean.
    """
    steps: list[str] = []
    heard: UserUttered | None = None
    for event in _kept(events):
        match event:
            case UserUttered():
                heard = event
            case ActionExecuted() if step(event):
                heard = None
            case SlotSet(name=slot) if not _is_seen(slot, domain) or _is_filled(event, heard, domain):
                continue
        steps.append(step(event, with_words=is_test))
    return story_item(name, steps)


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

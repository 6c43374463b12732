"""From an inbound to what the conversation says of it. Pure."""

from collections.abc import Sequence

from bot.actions.turn import Turn
from bot.dialogue.errors import BadEvent
from bot.dialogue.event_json import given_entities
from bot.dialogue.events import AgentUttered, UserUttered
from bot.dialogue.parse import Entity, IntentScore, Json, Parse
from bot.dialogue.tracker import Tracker
from bot.messages import Inbound


def uttered(inbound: Inbound, parse: Parse, tracker: Tracker) -> UserUttered:
    """The customer's message as an event. What a program gave is marked as external, as Rasa does."""
    external = inbound.kind in ("intent", "reminder")
    shown = {"display": inbound.display} if inbound.display else {}
    return UserUttered(
        text=parse.text if external else inbound.text,
        parse=parse,
        input_channel=(tracker.latest_input_channel if external else None) or inbound.channel,
        message_id=inbound.event_id,
        metadata={"is_external": True} if external else {**inbound.metadata, **shown},
    )


def asked_for(inbound: Inbound, turn: Turn) -> Parse:
    """The parse of an intent that a program triggers, without its entities if they cannot be read."""
    try:
        entities = given_entities(inbound.metadata.get("entities"))
    except ValueError as exc:
        turn.note_failure("entities", BadEvent.code, str(exc))
        entities = ()
    return external(str(inbound.metadata.get("name", "")), entities)


def external(name: str, entities: tuple[Entity, ...]) -> Parse:
    """The parse of an intent that nobody said."""
    intent = IntentScore(name=name, confidence=1.0)
    return Parse(text=f"EXTERNAL: {name}", intent=intent, ranking=(intent,), entities=entities)


def channel_of(inbound: Inbound, tracker: Tracker) -> str:
    """The channel to word replies for: the customer's last one where a reminder speaks."""
    return (tracker.latest_input_channel if inbound.kind == "reminder" else None) or inbound.channel


def last_heard(tracker: Tracker) -> float:
    """When the customer, or in a pause the person who answers, last said something; seconds since the epoch."""
    spoken = (UserUttered, AgentUttered) if tracker.paused else (UserUttered,)
    return next((event.timestamp for event in reversed(tracker.events) if isinstance(event, spoken)), 0.0)


def listed(value: Json) -> Sequence[Json]:
    """A list as it is; anything else as an empty one."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()

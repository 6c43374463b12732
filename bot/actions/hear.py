"""From an inbound to what the conversation says of it. Pure."""

from collections.abc import Mapping, Sequence

from bot.dialogue.event_json import entity_from_json
from bot.dialogue.events import AgentUttered, UserUttered
from bot.dialogue.parse import Entity, IntentScore, Json, Parse
from bot.dialogue.tracker import Tracker
from bot.messages import Inbound


def uttered(inbound: Inbound, parse: Parse, tracker: Tracker) -> UserUttered:
    """The customer's message as an event. What a program gave is marked as external, as Rasa does."""
    external = inbound.kind == "intent"
    shown = {"display": inbound.display} if inbound.display else {}
    return UserUttered(
        text=parse.text if external else inbound.text,
        parse=parse,
        input_channel=(tracker.latest_input_channel if external else None) or inbound.channel,
        message_id=inbound.event_id,
        metadata={"is_external": True} if external else {**inbound.metadata, **shown},
    )


def external(inbound: Inbound) -> Parse:
    """The parse of a triggered intent; entities come as a list, or in short as ``{name: value}``."""
    name, given = str(inbound.metadata.get("name", "")), inbound.metadata.get("entities")
    intent = IntentScore(name=name, confidence=1.0)
    if isinstance(given, Mapping):
        entities = tuple(Entity(entity=entity, value=value) for entity, value in given.items())
    else:
        entities = tuple(entity_from_json(entity) for entity in listed(given))
    return Parse(text=f"EXTERNAL: {name}", intent=intent, ranking=(intent,), entities=entities)


def last_heard(tracker: Tracker) -> float:
    """When the customer, or in a pause the person who answers, last said something; seconds since the epoch."""
    spoken = (UserUttered, AgentUttered) if tracker.paused else (UserUttered,)
    return next((event.timestamp for event in reversed(tracker.events) if isinstance(event, spoken)), 0.0)


def listed(value: Json) -> Sequence[Json]:
    """A list as it is; anything else as an empty one."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()

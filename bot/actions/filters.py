"""What narrows a search: the assistant's own filters first, then those that the client asks for. Pure."""

from collections.abc import Mapping

from bot.dialogue.parse import Json
from bot.dialogue.tracker import Tracker

METADATA_KEY = "filters"
"""Under which a message's metadata may name filters of its own."""


def filters_of(settings: Mapping[str, Json], tracker: Tracker) -> dict[str, str]:
    """Names and values that a passage must have. Settings without a value now, as of an empty slot, filter nothing."""
    message = tracker.latest_message
    metadata = message.metadata if message else {}
    asked = metadata.get(METADATA_KEY)
    given = _texts(asked) if isinstance(asked, Mapping) else {}
    own = {name: _value(setting, tracker, metadata) for name, setting in settings.items()}
    return {**given, **_texts(own)}


def _value(setting: Json, tracker: Tracker, metadata: Mapping[str, Json]) -> Json:
    match setting:
        case {"slot": str(name)}:
            return tracker.slots.get(name)
        case {"metadata": str(name)}:
            return metadata.get(name)
    return setting


def _texts(values: Mapping[str, Json]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str) and value}

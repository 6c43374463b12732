"""From a message (a JSON object as domain, NLG server and action server write it) to an event, and to a reply."""

from collections.abc import Mapping, Sequence

from bot.dialogue.events import AgentUttered, BotUttered
from bot.dialogue.parse import Json
from bot.messages import Button, Reply, Source

DATA_KEYS = ("elements", "quick_replies", "buttons", "attachment", "image", "custom")


def utterance(message: Mapping[str, Json]) -> BotUttered:
    """A message as an event: the known keys become its data, the rest its metadata."""
    data = {key: message.get(key) or None for key in DATA_KEYS}
    data["attachment"] = data["attachment"] or data["image"]  # as Rasa has it, for old channels
    rest = {key: value for key, value in message.items() if key not in (*DATA_KEYS, "text")}
    return BotUttered(text=_text(message.get("text")), data=data, metadata=rest)


def reply_of(event: BotUttered | AgentUttered, reply_id: str) -> Reply:
    """The reply that shows an utterance. An attachment that only repeats the image is left out."""
    data, metadata = event.data, event.metadata
    image = _text(data.get("image"))
    attachment = data.get("attachment") or None
    return Reply(
        id=reply_id,
        text=event.text,
        buttons=_buttons(data.get("buttons")),
        quick_replies=_buttons(data.get("quick_replies")),
        image=image,
        attachment=None if attachment == image else attachment,
        elements=_objects(data.get("elements")),
        custom=data.get("custom") or None,
        sources=tuple(_source(source) for source in _objects(metadata.get("sources"))),
        author="agent" if isinstance(event, AgentUttered) else "bot",
        rateable=metadata.get("rateable") is True,
    )


def source_json(source: Source) -> dict[str, Json]:
    """A source as an utterance's metadata keeps it."""
    return {"title": source.title, "document": source.document, "url": source.url}


def _source(obj: Mapping[str, Json]) -> Source:
    return Source(title=str(obj["title"]), document=str(obj["document"]), url=_text(obj.get("url")))


def _buttons(value: Json) -> tuple[Button, ...]:
    """Buttons with a title; one without a payload sends its URL, or else what it shows."""
    return tuple(
        Button(title=title, payload=_text(button.get("payload")) or _text(button.get("url")) or title)
        for button in _objects(value)
        if (title := _text(button.get("title")))
    )


def _objects(value: Json) -> tuple[Mapping[str, Json], ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return ()
    return tuple(item for item in value if isinstance(item, Mapping))


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None

"""A reply as the list of messages that Rasa's REST and callback clients expect. Pure."""

import re
from collections.abc import Mapping, Sequence

from bot.dialogue.parse import Json
from bot.messages import Button, Reply, Source

_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")

RasaMessage = Mapping[str, Json]


def rasa_messages(recipient_id: str, replies: Sequence[Reply]) -> list[RasaMessage]:
    """Render replies in order; each message has ``recipient_id`` and what it shows.

    As in Rasa, text is split on blank lines, quick replies are buttons, and buttons stand at the last part.
    ``sources`` is a key of ours on that part: Rasa's clients pass over it.
    """
    return [{"recipient_id": recipient_id, **message} for reply in replies for message in _messages(reply)]


def _messages(reply: Reply) -> list[dict[str, Json]]:
    texts: list[dict[str, Json]] = [{"text": part} for part in paragraphs(reply.text or "")]
    extras = _extras(reply)
    if extras and not texts:
        texts = [{}]
    if texts:
        texts[-1] |= extras
    others = [_element(element) for element in reply.elements]
    if reply.image:
        others.append({"image": reply.image})
    if reply.attachment is not None:
        others.append({"attachment": reply.attachment})
    if reply.custom is not None:
        others.append({"custom": reply.custom})
    return [*texts, *others]


def _extras(reply: Reply) -> dict[str, Json]:
    extras: dict[str, Json] = {}
    if buttons := [_button(button) for button in (*reply.buttons, *reply.quick_replies)]:
        extras["buttons"] = buttons
    if reply.sources:
        extras["sources"] = [_source(source) for source in reply.sources]
    return extras


def paragraphs(text: str) -> list[str]:
    """Split on blank lines, but never inside a fenced code block."""
    parts: list[str] = []
    for chunk in _BLANK_LINES.split(text.strip()):
        if parts and parts[-1].count("```") % 2:
            parts[-1] += "\n\n" + chunk
        elif chunk:
            parts.append(chunk)
    return parts


def _button(button: Button) -> dict[str, Json]:
    return {"title": button.title, "payload": button.payload}


def _source(source: Source) -> dict[str, Json]:
    return {"title": source.title, "document": source.document, "url": source.url}


def _element(element: Mapping[str, Json]) -> dict[str, Json]:
    """A card as Rasa's plain channels write it: title and subtitle as text, and its buttons."""
    words = (element.get("title"), element.get("subtitle"))
    message: dict[str, Json] = {"text": " : ".join(str(word) for word in words if word)}
    if element.get("buttons"):
        message["buttons"] = element["buttons"]
    return message

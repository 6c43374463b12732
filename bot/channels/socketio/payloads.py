"""A reply as the events that Rasa's socket.io widgets expect. Pure."""

from collections.abc import Mapping

from bot.channels.rasa_messages import paragraphs
from bot.dialogue.parse import Json
from bot.messages import Reply

Payload = Mapping[str, Json]


def payloads(reply: Reply) -> list[Payload]:
    """What to emit for a reply, in order. Keys are Rasa's and no others: widgets tell kinds apart by them.

    Text is split on blank lines, and buttons stand at its last part. ``custom`` is emitted as it is, or what it holds
    under ``data``, as Rasa does.
    """
    buttons: list[Json] = [
        {"content_type": "text", "title": button.title, "payload": button.payload}
        for button in reply.quick_replies or reply.buttons
    ]
    parts: list[dict[str, Json]] = [{"text": part} for part in paragraphs(reply.text or "")]
    if buttons:
        parts = [{**part, "quick_replies": []} for part in parts or [{"text": ""}]]
        parts[-1]["quick_replies"] = buttons
    out: list[Payload] = [*parts]
    if reply.custom is not None:
        inner = reply.custom.get("data", reply.custom) if isinstance(reply.custom, Mapping) else reply.custom
        out.append(inner if isinstance(inner, Mapping) else {"data": inner})
    if reply.image:
        out.append({"attachment": {"type": "image", "payload": {"src": reply.image}}})
    if reply.attachment is not None:
        out.append({"attachment": reply.attachment})
    out += [
        {"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": element}}}
        for element in reply.elements
    ]
    return out

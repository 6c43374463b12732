"""A reply as calls of Telegram's Bot API, within its limits. Pure: the same reply gives the same calls."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.channels.channel import Caps
from bot.channels.telegram_text import Span, link, plain, read_markdown, split, to_html
from bot.channels.telegram_update import STORED_PAYLOAD, Address
from bot.dialogue.parse import Json
from bot.messages import Button, Reply, Source

CAPS = Caps(max_text=4096, max_caption=1024, max_payload_bytes=64)
MAX_BUTTONS = 100
ROW_COLUMNS = 32
ROW_BUTTONS = 8
ONLY_BUTTONS = "👇"

# Rasa's custom payloads for Telegram: the first row whose keys are all there names the method.
_CUSTOM = (
    (("photo",), "sendPhoto"),
    (("audio",), "sendAudio"),
    (("document",), "sendDocument"),
    (("sticker",), "sendSticker"),
    (("video",), "sendVideo"),
    (("video_note",), "sendVideoNote"),
    (("animation",), "sendAnimation"),
    (("voice",), "sendVoice"),
    (("media",), "sendMediaGroup"),
    (("latitude", "longitude", "title", "address"), "sendVenue"),
    (("latitude", "longitude"), "sendLocation"),
    (("phone_number", "first_name"), "sendContact"),
    (("text",), "sendMessage"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. ``plain``: the same text without tags, for the day that Telegram refuses the tags."""

    method: str
    payload: Mapping[str, Json]
    plain: str | None = None


def render(address: Address, reply: Reply) -> tuple[Call, ...]:
    """Write a reply as calls, in the order they are to be seen; none for a reply with nothing to show here."""
    calls = [
        *_text_calls(_spans(reply), keyboard(reply.id, reply_buttons(reply))),
        *_image_calls(reply),
        *_element_calls(reply),
        *_custom_calls(reply.custom),
    ]
    target: dict[str, Json] = {"chat_id": address.chat}
    if address.topic is not None:
        target["message_thread_id"] = address.topic
    return tuple(Call(method=call.method, payload={**call.payload, **target}, plain=call.plain) for call in calls)


def reply_buttons(reply: Reply) -> tuple[Button, ...]:
    """Every button of a reply that stands under its text; their places number stored payloads."""
    return (*reply.buttons, *reply.quick_replies)


def stored_payload(data: str, replies: Iterable[Reply]) -> str | None:
    """Find what a button stands for whose payload was too long to be sent; None if its reply is not there."""
    match = STORED_PAYLOAD.fullmatch(data)
    if match is None:
        return data
    mark, place = match[1], int(match[2])
    for reply in replies:
        buttons = _numbered(reply)
        if _mark(reply.id) == mark and place < len(buttons):
            return buttons[place].payload
    return None


def keyboard(reply_id: str, buttons: Sequence[Button], *, first: int = 0) -> Json:
    """An inline keyboard, None without buttons. A long payload is sent as its place in the conversation's log."""
    cells = [
        (button.title, {"text": button.title, "callback_data": _data(reply_id, place, button)})
        for place, button in enumerate(buttons[:MAX_BUTTONS], start=first)
    ]
    rows: list[list[Json]] = []
    room = 0
    for title, cell in cells:
        if not rows or _columns(title) > room or len(rows[-1]) == ROW_BUTTONS:
            rows.append([])
            room = ROW_COLUMNS
        rows[-1].append(cell)
        room -= _columns(title)
    return {"inline_keyboard": rows} if rows else None


def _data(reply_id: str, place: int, button: Button) -> str:
    fits = 1 <= len(button.payload.encode()) <= CAPS.max_payload_bytes
    if fits and not STORED_PAYLOAD.fullmatch(button.payload):
        return button.payload
    return f"kefu:{_mark(reply_id)}:{place}"


def _mark(reply_id: str) -> str:
    return hashlib.sha256(reply_id.encode()).hexdigest()[:16]


def _columns(title: str) -> int:
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in title)
    return len(title) + wide + 4


def _spans(reply: Reply) -> list[Span]:
    spans = read_markdown(reply.text or "")
    for source in reply.sources:
        gap = "" if not spans else "\n" if source is not reply.sources[0] else "\n\n"
        spans += [Span(text=gap), _source(source)]
    if not spans and reply_buttons(reply):
        spans = [Span(text=ONLY_BUTTONS)]
    return spans


def _source(source: Source) -> Span:
    tag = link(source.url or "")
    return Span(text=f"📄 {source.title}", tags=(tag,) if tag else ())


def _text_calls(spans: Sequence[Span], buttons: Json) -> list[Call]:
    parts = split(spans, CAPS.max_text)
    return [_text_call(part, buttons if part is parts[-1] else None) for part in parts]


def _text_call(part: Sequence[Span], buttons: Json) -> Call:
    payload: dict[str, Json] = {
        "text": to_html(part),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    return Call(method="sendMessage", payload=_with(payload, buttons), plain=plain(part))


def _with(payload: dict[str, Json], buttons: Json) -> dict[str, Json]:
    return payload if buttons is None else {**payload, "reply_markup": buttons}


def _image_calls(reply: Reply) -> list[Call]:
    calls = [_photo(reply.image)] if reply.image else []
    match reply.attachment:
        case {"type": "image", "payload": {"src": str(src)}}:
            calls.append(_photo(src))
        case str(url) if link(url):
            calls.append(Call(method="sendDocument", payload={"document": url}))
        case _:
            pass
    return calls


def _photo(url: str) -> Call:
    return Call(method="sendPhoto", payload={"photo": url})


def _element_calls(reply: Reply) -> list[Call]:
    """Cards, one message each: title, subtitle and buttons, under the picture if there is one."""
    calls, first = [], len(reply_buttons(reply))
    for element in reply.elements:
        buttons = _element_buttons(element)
        calls.append(_card(element, keyboard(reply.id, buttons, first=first)))
        first += len(buttons)
    return calls


def _card(element: Mapping[str, Json], buttons: Json) -> Call:
    title, subtitle, image = (element.get(name) for name in ("title", "subtitle", "image_url"))
    lines = [Span(text=str(title or ONLY_BUTTONS), tags=read_markdown("**b**")[0].tags)]
    if subtitle:
        lines.append(Span(text=f"\n{subtitle}"))
    if not isinstance(image, str):
        return _text_call(split(lines, CAPS.max_text)[0], buttons)
    caption = split(lines, CAPS.max_caption)[0]
    payload: dict[str, Json] = {"photo": image, "caption": to_html(caption), "parse_mode": "HTML"}
    return Call(method="sendPhoto", payload=_with(payload, buttons))


def _element_buttons(element: Mapping[str, Json]) -> tuple[Button, ...]:
    buttons = element.get("buttons")
    found = []
    for button in buttons if isinstance(buttons, Sequence) and not isinstance(buttons, str) else ():
        match button:
            case {"title": str(title), "payload": str(payload)}:
                found.append(Button(title=title, payload=payload))
            case _:
                pass
    return tuple(found)


def _numbered(reply: Reply) -> tuple[Button, ...]:
    cards = (button for element in reply.elements for button in _element_buttons(element))
    return (*reply_buttons(reply), *cards)


def _custom_calls(custom: Json) -> list[Call]:
    """Rasa's custom payloads; one for another platform shows nothing here. The address is always the reply's own."""
    if not isinstance(custom, Mapping):
        return []
    for keys, method in _CUSTOM:
        if all(key in custom for key in keys):
            return [Call(method=method, payload=custom)]
    return []

"""The frames of the widget's socket: what a client may say, and how log and live frames look on the wire.

One JSON object per WebSocket text message. Client to server: ``hello`` (first), ``message``, ``feedback``, ``ping``.
Server to client: ``welcome``, ``ack``, ``error``, ``pong``; the log (``user``, ``bot``, ``agent``, ``status``: with
``seq``); and, never stored, ``typing`` and ``partial``.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from bot.channels.web.markdown import to_html
from bot.dialogue.parse import Json
from bot.errors import BadRequest
from bot.messages import Button, LogFrame, Reply, Source, encodable

_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_LANG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_MAX_SEQ = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The first frame: which conversation to go on with, and the last log number that the client has."""

    conversation_id: str | None = None
    token: str | None = None
    last: int = 0
    lang: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """A customer's message; ``payload`` is what a pressed button sends, ``text`` what it showed."""

    id: str
    text: str
    payload: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Thumbs for one reply."""

    id: str
    reply_id: str
    value: Literal["up", "down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """The client asks whether the line is alive (a browser shows scripts no WebSocket ping)."""


ClientFrame = Hello | Say | Rate | Ping


def decode(raw: str) -> dict[str, Json]:
    """The JSON object of a text message. Raises BadRequest if it is none."""
    try:
        frame = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise BadRequest("the frame is no JSON") from exc
    if not isinstance(frame, dict):
        raise BadRequest("a frame is a JSON object")
    return frame


def parse_frame(frame: Mapping[str, Json], *, max_text_chars: int) -> ClientFrame:
    """A client's frame. Raises BadRequest with words for the client's developer."""
    match frame.get("type"):
        case "hello":
            return _hello(frame)
        case "message":
            return _say(frame, max_text_chars)
        case "feedback":
            return _rate(frame)
        case "ping":
            return Ping()
        case _:
            raise BadRequest("type is one of hello, message, feedback, ping")


def _hello(frame: Mapping[str, Json]) -> Hello:
    last = frame.get("last", 0)
    if not isinstance(last, int) or isinstance(last, bool) or not 0 <= last < _MAX_SEQ:
        raise BadRequest("last is a number from 0")
    lang = frame.get("lang")
    return Hello(
        conversation_id=_optional_text(frame, "conversation", 128),
        token=_optional_text(frame, "token", 128),
        last=last,
        lang=lang if isinstance(lang, str) and _LANG.fullmatch(lang) else None,
    )


def _say(frame: Mapping[str, Json], max_text_chars: int) -> Say:
    text = (_optional_text(frame, "text", max_text_chars) or "").strip()
    if not text:
        raise BadRequest("text is empty")
    payload = _optional_text(frame, "payload", max_text_chars)
    return Say(id=_id(frame), text=text, payload=payload or None)


def _rate(frame: Mapping[str, Json]) -> Rate:
    reply_id = _optional_text(frame, "message", 300)
    match frame.get("value"):
        case "up" | "down" as value if reply_id:
            return Rate(id=_id(frame), reply_id=reply_id, value=value)
        case _:
            raise BadRequest("feedback has a message (the reply's id) and a value, up or down")


def _id(frame: Mapping[str, Json]) -> str:
    value = frame.get("id")
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise BadRequest("id has 8 to 64 letters, digits, - or _")
    return value


def _optional_text(frame: Mapping[str, Json], key: str, max_chars: int) -> str | None:
    value = frame.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRequest(f"{key} is a string")
    if len(value) > max_chars:
        raise BadRequest(f"{key} has more than {max_chars} characters")
    return encodable(value)


def encode(frame: Mapping[str, Json]) -> str:
    """A frame as it goes over the wire."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"), default=dict)


def error_json(code: str, message: str, about: Json = None, retry_after_s: float | None = None) -> dict[str, Json]:
    """An error frame; ``about`` is the id of the client's frame that it answers."""
    frame: dict[str, Json] = {"type": "error", "code": code, "message": message}
    if isinstance(about, str) and _ID.fullmatch(about):
        frame["id"] = about
    if retry_after_s is not None:
        frame["retry_after_s"] = retry_after_s
    return frame


def log_json(frame: LogFrame, *, image_hosts: Collection[str]) -> dict[str, Json]:
    """A log frame as the widget reads it; an image says whether it may be shown in place."""
    shown: dict[str, Json] = {"type": frame.type, "seq": frame.seq, "id": frame.id, "at": frame.at}
    if frame.text is not None:
        shown["text"] = frame.text
    if frame.reply is not None:
        shown |= _reply_json(frame.reply, image_hosts)
    return shown


def _reply_json(reply: Reply, image_hosts: Collection[str]) -> dict[str, Json]:
    shown: dict[str, Json] = {"id": reply.id, "rateable": reply.rateable}
    optional: dict[str, Json] = {
        "html": to_html(reply.text) if reply.text else None,
        "buttons": [_button_json(button) for button in reply.buttons],
        "quick_replies": [_button_json(button) for button in reply.quick_replies],
        "image": _image_json(reply.image, image_hosts),
        "attachment": _attachment_json(reply.attachment),
        "cards": [_card_json(element, image_hosts) for element in reply.elements],
        "custom": reply.custom,
        "sources": [_source_json(source) for source in reply.sources],
    }
    return shown | {key: value for key, value in optional.items() if value not in (None, [])}


def _button_json(button: Button) -> dict[str, Json]:
    return {"title": button.title, "payload": button.payload}


def _source_json(source: Source) -> dict[str, Json]:
    return {"title": source.title, "url": web_url(source.url)}


def _image_json(url: Json, image_hosts: Collection[str]) -> dict[str, Json] | None:
    safe = web_url(url)
    if safe is None:
        return None
    return {"url": safe, "inline": urlsplit(safe).hostname in image_hosts}


def _attachment_json(attachment: Json) -> Json:
    """An attachment is a link, or nothing: Rasa allows a plain address or an object with one inside."""
    if isinstance(attachment, Mapping):
        inner = attachment.get("payload")
        return _attachment_json(inner if isinstance(inner, Mapping) else attachment.get("src", attachment.get("url")))
    return web_url(attachment)


def _card_json(element: Mapping[str, Json], image_hosts: Collection[str]) -> dict[str, Json]:
    """One card of a carousel, as Rasa writes ``elements``."""
    buttons = element.get("buttons")
    return {
        "title": _plain(element.get("title")),
        "subtitle": _plain(element.get("subtitle")),
        "image": _image_json(element.get("image_url"), image_hosts),
        "buttons": [
            {"title": _plain(b.get("title")), "payload": _plain(b.get("payload"))}
            for b in (buttons if isinstance(buttons, Sequence) and not isinstance(buttons, str) else ())
            if isinstance(b, Mapping) and b.get("payload")
        ],
    }


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else ""


def web_url(value: Json) -> str | None:
    """``value`` if it is an absolute http or https address, else None."""
    if not isinstance(value, str):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in {"http", "https"} and parts.hostname else None

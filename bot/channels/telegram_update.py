"""What a Telegram update means: something said in a conversation, or something that only gets counted. Pure.

Nothing is dropped silently: a photo becomes a message that says so, and what no customer said (a member who joined,
a post in a channel) is ``Ignored`` under its name.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.channels.bodies import as_object, parse_json
from bot.dialogue.parse import Json
from bot.errors import BadRequest
from bot.messages import Inbound

CHANNEL = "telegram"
_START = re.compile(r"/start(?:\s+(\S+))?\s*")  # with the code of the link that led here
STORED_PAYLOAD = re.compile(r"kefu:([0-9a-f]{16}):(\d{1,3})")

# Telegram names an attachment by its key; ``animation`` also carries ``document`` and stands before it.
_ATTACHMENTS = (
    "photo",
    "voice",
    "video",
    "video_note",
    "animation",
    "audio",
    "document",
    "sticker",
    "contact",
    "venue",
    "poll",
    "dice",
    "story",
)
_GROUPS = frozenset({"group", "supergroup"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Who the bot is: the number before the colon of its token, and its username without ``@``.

    ``start``: what a customer says by pressing Telegram's start button.
    """

    id: int
    username: str
    start: str = "/start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where replies go: a chat, and in a forum one of its topics. ``str`` gives ``<chat>`` or ``<chat>.t<topic>``."""

    chat: int
    topic: int | None = None

    def __str__(self) -> str:
        return str(self.chat) if self.topic is None else f"{self.chat}.t{self.topic}"

    @classmethod
    def parse(cls, recipient_id: str) -> "Address":
        """Read an address or a conversation id back. Raises ValueError."""
        match = re.fullmatch(rf"(?:{CHANNEL}:)?(-?\d+)(?:\.t(\d+))?(?:\.u\d+)?", recipient_id)
        if match is None:
            raise ValueError("no Telegram address")
        return cls(chat=int(match[1]), topic=int(match[2]) if match[2] else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A customer said something. ``callback_id`` is the press of a button, which wants an acknowledgement."""

    inbound: Inbound
    kind: str
    callback_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """An update that no answer follows from; ``kind`` says which."""

    kind: str
    callback_id: str | None = None


def parse_update(raw: bytes, *, bot: Bot, received_at: float) -> Said | Ignored:
    """Read an update. Raises BadRequest where it has no ``update_id``: then Telegram did not send it."""
    update = as_object(parse_json(raw))
    update_id = update.get("update_id")
    if not isinstance(update_id, int) or isinstance(update_id, bool):
        raise BadRequest("the update has no 'update_id'")
    reader = _Reader(bot=bot, event_id=str(update_id), received_at=received_at)
    try:
        return reader.read(update)
    except (KeyError, TypeError, ValueError, AttributeError):
        # A shape that Telegram may invent tomorrow: refusing it would block the chat for a day.
        return Ignored(kind="unreadable")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    bot: Bot
    event_id: str
    received_at: float

    def read(self, update: Mapping[str, Json]) -> Said | Ignored:
        match update:
            case {"message": Mapping() as message}:
                return self._message(message, edited=False)
            case {"edited_message": Mapping() as message}:
                return self._message(message, edited=True)
            case {"callback_query": Mapping() as query}:
                return self._callback(query)
            case _:
                return Ignored(kind=_kind(update))

    def _message(self, message: Mapping[str, Json], *, edited: bool) -> Said | Ignored:
        sender = _object(message, "from")
        if not sender or sender.get("is_bot"):
            return Ignored(kind="bot")
        content = _content(message)
        if content is None:
            return Ignored(kind="service")
        kind, text, extra = content
        addressed = self._addressed(message, text)
        if addressed is None:
            return Ignored(kind="group")
        metadata: dict[str, Json] = {**self._person(message, sender), **extra}
        if edited:
            metadata["edited"] = True
        text, display = addressed, None
        if started := _START.fullmatch(addressed):
            text, display = self.bot.start, "/start"
            metadata |= {"start_parameter": started[1]} if started[1] else {}
        inbound = self._inbound(message, sender, text, metadata, display)
        return Said(inbound=inbound, kind="edited" if edited else kind)

    def _callback(self, query: Mapping[str, Json]) -> Said | Ignored:
        callback_id = str(query["id"])
        message, sender, data = _object(query, "message"), _object(query, "from"), query.get("data")
        if not message or not sender or not isinstance(data, str):
            return Ignored(kind="callback_without_message", callback_id=callback_id)
        metadata = self._person(message, sender)
        inbound = self._inbound(message, sender, data, metadata, display=_pressed(message, data))
        return Said(inbound=inbound, kind="callback_query", callback_id=callback_id)

    def _inbound(
        self,
        message: Mapping[str, Json],
        sender: Mapping[str, Json],
        text: str,
        metadata: Mapping[str, Json],
        display: str | None = None,
    ) -> Inbound:
        chat = _object(message, "chat")
        topic = message.get("message_thread_id") if message.get("is_topic_message") else None
        address = Address(chat=_integer(chat["id"]), topic=None if topic is None else _integer(topic))
        # Members of a group have a conversation each: one's answer must not fill another's form.
        member = f".u{_integer(sender['id'])}" if chat.get("type") in _GROUPS else ""
        return Inbound(
            conversation_id=f"{CHANNEL}:{address}{member}",
            channel=CHANNEL,
            event_id=self.event_id,
            sender_id=str(address),
            text=text,
            display=display,
            metadata=metadata,
            received_at=self.received_at,
        )

    def _person(self, message: Mapping[str, Json], sender: Mapping[str, Json]) -> dict[str, Json]:
        names = {"first_name": "first_name", "username": "username", "language_code": "language"}
        person = {name: sender[key] for key, name in names.items() if isinstance(sender.get(key), str)}
        return {"user_id": sender.get("id"), "message_id": message.get("message_id"), **person}

    def _addressed(self, message: Mapping[str, Json], text: str) -> str | None:
        """The text without the bot's name; None for talk in a group that is not meant for the bot."""
        command = re.match(r"/\w+@(\w+)", text)
        if command:
            if command[1].lower() != self.bot.username.lower():
                return None
            return text.replace(f"@{command[1]}", "", 1)
        if _object(message, "chat").get("type") not in _GROUPS or text.startswith("/"):
            return text
        mention = re.compile(rf"@{re.escape(self.bot.username)}\b[,:]?", re.IGNORECASE)
        if mention.search(text):
            return mention.sub("", text).strip()
        answered = _object(_object(message, "reply_to_message"), "from")
        return text if answered.get("id") == self.bot.id else None


def _content(message: Mapping[str, Json]) -> tuple[str, str, dict[str, Json]] | None:
    """Kind, text and extra metadata; None for a service message."""
    match message:
        case {"text": str(text)}:
            return "message", text, {}
        case {"location": {"longitude": lng, "latitude": lat}} if "venue" not in message:
            return "location", json.dumps({"lng": lng, "lat": lat}), {}
        case _:
            pass
    kind = next((kind for kind in _ATTACHMENTS if kind in message), None)
    if kind is None:
        return None
    caption = message.get("caption")
    text = caption if isinstance(caption, str) else f"[{kind}]"
    return kind, text, {"attachments": [{"type": kind, "file_id": _file_id(message[kind])}]}


def _file_id(content: Json) -> Json:
    if isinstance(content, list):  # a photo in several sizes, the largest last
        content = content[-1] if content else None
    return content.get("file_id") if isinstance(content, Mapping) else None


def _pressed(message: Mapping[str, Json], data: str) -> str | None:
    """The title of the pressed button, as far as the message still shows it."""
    rows = _object(message, "reply_markup").get("inline_keyboard")
    for row in rows if isinstance(rows, list) else []:
        for button in row if isinstance(row, list) else []:
            if isinstance(button, Mapping) and button.get("callback_data") == data:
                title = button.get("text")
                return title if isinstance(title, str) else None
    return None


def _kind(update: Mapping[str, Json]) -> str:
    """Name an update that is not read: by its own key where that looks like one."""
    names = [name for name in update if name != "update_id"]
    known = len(names) == 1 and re.fullmatch(r"[a-z_]{1,40}", names[0])
    return names[0] if known else "unreadable"


def _object(value: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    inner = value.get(name)
    return inner if isinstance(inner, Mapping) else {}


def _integer(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("no integer")
    return value

"""What passes between channels, delivery and the engine. Knows none of them."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast

from bot.dialogue.parse import Json

InboundKind = Literal["message", "feedback", "agent", "resume", "events", "intent", "reminder", "log", "action"]
Verdict = Literal["queued", "dup", "busy"]
FrameType = Literal["user", "bot", "agent", "status"]

REPLACEMENT = "\ufffd"
"""Unicode's sign for a character that was lost."""


def encodable(text: str) -> str:
    """The text with U+FFFD in place of each half of a surrogate pair, which UTF-8 cannot carry; two halves are joined.

    JSON escapes (``\\ud83d``: half an emoji that a client cut), and arguments of a command that are no UTF-8, bring
    them: what comes in passes here once, where it arrives.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def encodable_json(value: Json) -> Json:
    """The JSON value with each of its texts ``encodable``, keys as well."""
    text = json.dumps(value, ensure_ascii=False)
    return value if text.isascii() else cast(Json, json.loads(encodable(text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One thing that happens to a conversation. All of them pass the mailbox, so they take effect in order.

    ``event_id`` is the platform's own id and drops duplicates within a channel. ``kind`` says what ``text`` and
    ``metadata`` hold: a customer's message; ``feedback`` (metadata: reply id, value ``up`` or ``down``); ``agent`` (a
    person's words); ``resume`` (the bot speaks again); ``events`` (metadata: events to append, or with
    ``replace`` to put in place of all there were); ``intent`` (metadata: name and entities to trigger);
    ``reminder`` (metadata: number and due_ms of the reminder that is due); ``log`` (a customer's message that is only
    noted; metadata: parse_data, if it was understood elsewhere); ``action`` (metadata: name, policy and confidence of
    an action to run). ``display`` is what the customer saw on a pressed button.
    """

    conversation_id: str
    channel: str
    event_id: str
    sender_id: str
    text: str = ""
    display: str | None = None
    kind: InboundKind = "message"
    metadata: Mapping[str, Json] = field(default_factory=dict)
    received_at: float = 0.0

    @property
    def replaces(self) -> bool:
        """Whether it begins the conversation anew with the events that it brings."""
        return self.kind == "events" and self.metadata.get("replace") is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button: what it shows and what pressing it sends."""

    title: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an answer comes from; ``url`` None for a document that has no public address."""

    title: str
    document: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One outbound message. ``id`` is ``<conversation>/<turn message id>/<index>``: also its idempotency key.

    ``text`` is Markdown. ``author`` tells the bot's words from a person's. ``rateable`` asks for thumbs.
    """

    id: str
    text: str | None = None
    buttons: tuple[Button, ...] = ()
    quick_replies: tuple[Button, ...] = ()
    image: str | None = None
    attachment: Json = None
    elements: tuple[Mapping[str, Json], ...] = ()
    custom: Json = None
    sources: tuple[Source, ...] = ()
    author: Literal["bot", "agent"] = "bot"
    rateable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFrame:
    """One entry of a conversation's log, numbered without gaps from 1: what a widget shows.

    ``user``: ``text`` and ``id`` (the client's own). ``bot`` and ``agent``: ``reply``. ``status``: ``text`` is
    ``handoff`` or ``resumed``. ``channel`` is where a reply goes.
    """

    seq: int
    type: FrameType
    id: str
    at: float
    text: str | None = None
    reply: Reply | None = None
    channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFrame:
    """A wake-up or a hint: ``log`` carries new log frames; ``typing`` and ``partial`` are never stored."""

    type: Literal["log", "typing", "partial", "done"]
    event_id: str | None = None
    text: str | None = None
    on: bool = False
    frames: tuple[LogFrame, ...] = ()


class Inbox(Protocol):
    """What a channel may ask of delivery."""

    async def ingest(self, inbound: Inbound) -> Verdict:
        """Queue it in one atomic step. Raises StoreUnavailable when it could not be queued safely."""
        ...

    async def ask(self, inbound: Inbound, *, timeout_s: float) -> Sequence[Reply]:
        """Queue it, wait for its turn and return the replies; a duplicate gets the replies of the first."""
        ...

    async def log_after(self, conversation_id: str, seq: int) -> Sequence[LogFrame]:
        """Every log frame with a greater number, in order. Raises LogTrimmed if some are no longer kept."""
        ...

    def subscribe(self, conversation_id: str) -> AbstractAsyncContextManager[AsyncIterator[LiveFrame]]:
        """Live frames of a conversation from now on."""
        ...

    async def read_mark(self, conversation_id: str) -> int | None:
        """The number of the log up to which a socket is known to have it; None if none ever had any of it."""
        ...

    async def mark_read(self, conversation_id: str, seq: int) -> None:
        """Write down that a socket has the log up to a number; a mark never goes back."""
        ...

    async def allow(self, bucket: str, key: str) -> bool:
        """Take one token from the named rate limit; False when there is none left."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The platform took it; ``id`` is the platform's."""

    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLater:
    """The platform asks to wait."""

    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The platform will never take it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Nobody knows whether it arrived (a time-out after the bytes were sent)."""

    reason: str


SendResult = Sent | RetryLater | Refused | Unknown


class Sender(Protocol):
    """A channel that delivers by calling a platform (web and REST do not: they read the log)."""

    name: str

    async def send(self, recipient_id: str, reply: Reply) -> SendResult:
        """Deliver one reply, rendered to the platform's limits."""
        ...

    async def typing(self, recipient_id: str) -> None:
        """Show that an answer is being written; failures are not reported."""
        ...

"""What the store gives and takes: values, no more. Knows no connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.dialogue.events import Event
from bot.messages import Inbound, LogFrame, Verdict


@dataclass(frozen=True, slots=True)
class Finished:
    """A turn that was committed, with the numbers of the log frames it added."""

    first: int
    count: int

    @classmethod
    def of(cls, mark: str) -> "Finished | None":
        """What the mark of an event says of its turn; None while it waits."""
        if not mark.startswith("done:"):
            return None
        _, first, count = mark.split(":")
        return cls(int(first), int(count))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """The verdict; for a duplicate whose turn is over also what it led to; the user frame if one was logged."""

    verdict: Verdict
    finished: Finished | None = None
    frame: LogFrame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message to handle, held under a fencing epoch.

    ``events`` are those from number ``from_event`` on; ``born`` names the life of the conversation that they belong
    to. ``channel`` and ``recipient_id`` are where the customer last wrote.
    """

    conversation_id: str
    ready_id: str
    message_id: str
    epoch: int
    tries: int
    inbound: Inbound
    origin: str
    channel: str
    recipient_id: str
    born: str
    from_event: int
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One reply to send, held under a fencing epoch; ``unsure``: an earlier attempt has no known outcome."""

    entry_id: str
    epoch: int
    tries: int
    unsure: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What a customer thought of a reply."""

    reply_id: str
    value: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What a turn adds. ``frames`` are numbered by the store (their ``seq`` is ignored); ``outbox`` is JSON.

    ``alarms``: when reminders are due, in ms since the epoch, None for those called off. The conversation is kept at
    least until ``needed_until`` (seconds since the epoch).
    ``replaces``: the events take the place of all that were there.
    """

    turn: Turn
    events: Sequence[Event]
    transcript: str
    frames: Sequence[LogFrame] = ()
    outbox: Sequence[str] = ()
    dead: str = ""
    rating: Rating | None = None
    status: str = ""
    at: float = 0.0
    replaces: bool = False
    alarms: Mapping[int, int | None] = field(default_factory=dict)
    needed_until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """A conversation that waits for a person or has one; ``since`` in seconds since the epoch."""

    conversation_id: str
    channel: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much waits. ``ready``: conversations whose turn is not over; ``lag_s``: since when the oldest of them is.

    ``sending``: conversations with replies that are not sent; ``dead``: messages and replies that were given up;
    ``reminders``: those that are not due yet.
    """

    ready: int
    lag_s: float
    sending: int
    dead: int
    reminders: int

"""The Protocols that the engine needs of the world: models, an action server, a clock. No concrete class here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bot.dialogue.domain import Domain
from bot.dialogue.events import Event
from bot.dialogue.parse import Json, Parse
from bot.messages import Reply

if TYPE_CHECKING:
    from bot.dialogue.tracker import Tracker


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage found for a query. ``answer`` is the ready answer of an FAQ entry, else None.

    ``score`` orders hits of one search; ``probability`` is the chance in [0, 1] that it would answer if it came first.
    """

    passage_id: str
    document: str
    title: str
    text: str
    score: float
    probability: float = 0.0
    headings: tuple[str, ...] = ()
    question: str | None = None
    answer: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Hits, best first. ``probability``: calibrated chance in [0, 1] that the best one answers.

    ``answer_at`` and ``draft_at`` are the thresholds that training found for this knowledge. ``searched``: the text
    that was searched for; ``why`` it is not the message as it is ("" where it is).
    """

    hits: tuple[Hit, ...]
    probability: float
    answer_at: float
    draft_at: float
    searched: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftSentence:
    """A sentence that passed the support check, with the passages that carry it."""

    text: str
    passage_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message of the conversation, by the customer or by whoever answers."""

    by_customer: bool
    text: str


Refused = Callable[[str, Sequence[str]], None]
"""Told of a drafted sentence that is not given out, and why."""


class Models(Protocol):
    """One immutable set of loaded models."""

    release_id: str
    has_knowledge: bool
    has_generator: bool

    async def parse(self, text: str, *, at_s: float | None = None) -> Parse:
        """Intent and entities of a message (never a slash payload) that came at ``at_s`` (None: now)."""
        ...

    def filter_names(self) -> frozenset[str]:
        """What passages can be filtered by: language, document, and every name of their metadata."""
        ...

    async def search(
        self, query: str, *, k: int = 5, before: str = "", filters: Mapping[str, str] | None = None
    ) -> SearchResult:
        """The best passages for a query, which may go on from what was said ``before``, among those that have
        all of ``filters``."""
        ...

    def passage(self, passage_id: str, filters: Mapping[str, str] | None = None) -> Hit | None:
        """A passage by its id; None if the knowledge has it no more, or the filters leave it out."""
        ...

    def generate(
        self, question: str, hits: Sequence[Hit], *, earlier: Sequence[Said] = (), refused: Refused | None = None
    ) -> AsyncIterator[DraftSentence]:
        """Supported sentences that answer, as each is ready; stops at the first unsupported one.

        ``earlier`` is what was said before the question, oldest first; ``refused`` is told what is not given out.
        Raises DraftFailed where a server drafts and fails.
        """
        ...

    async def extract(self, question: str, hit: Hit) -> str:
        """The part of a passage that answers, as it stands there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What an action server returned: events in wire order and messages as the server wrote them (JSON)."""

    events: tuple[Event, ...] = ()
    responses: tuple[Mapping[str, Json], ...] = ()


class ActionServer(Protocol):
    """Custom actions over HTTP. Raises the classes of ``bot.errors`` under ActionError."""

    async def run(self, name: str, tracker: "Tracker", domain: Domain, *, idempotency_key: str) -> ActionResult:
        """Run one action."""
        ...


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRecord:
    """Why a turn went as it did: the transcript's and ``kefu ask``'s explanation. JSON-ready values only.

    ``searched``: what was searched for, where that is not the message as it is.
    """

    route: str
    reasons: tuple[str, ...] = ()
    intent: str | None = None
    confidence: float | None = None
    probability: float | None = None
    searched: str = ""
    hits: tuple[Mapping[str, Json], ...] = ()
    actions: tuple[Mapping[str, Json], ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    release_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult:
    """What a turn adds to the conversation. ``status``: ``handoff`` or ``resumed`` if that changed.

    ``alarms``: by their number, when the reminders that the turn has set are due, in milliseconds since the epoch, and
    None for those that it has called off.
    """

    events: tuple[Event, ...]
    replies: tuple[Reply, ...]
    record: TurnRecord
    status: str | None = None
    alarms: Mapping[int, int | None] = field(default_factory=dict)


Partial = Callable[[str], Awaitable[None]]
"""Called with the text of an answer so far, while it is being written."""

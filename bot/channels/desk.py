"""What the HTTP API asks of the running bot. The program fills it in; here are only the questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.dialogue.parse import Json, Parse

IncludeEvents = Literal["NONE", "APPLIED", "AFTER_RESTART", "ALL"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInfo:
    """The release that answers: its id, its folder and what its manifest says of it."""

    id: str
    path: str
    details: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A conversation that waits for a person, since seconds of the epoch."""

    conversation_id: str
    channel: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """The next action of a conversation. ``scores``: every action of the domain, in its order, with its score."""

    action: str
    confidence: float
    policy: str | None
    scores: Mapping[str, float]
    tracker: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the bot is. ``ready``: it may be sent traffic. ``store``: what the store answered, in words."""

    ready: bool
    store_up: bool
    store: str
    draining: bool = False


class Desk(Protocol):
    """The bot as its operators see it."""

    async def tracker_state(
        self, conversation_id: str, *, include: IncludeEvents, until: float | None
    ) -> Mapping[str, Json]:
        """A conversation in Rasa's tracker JSON; one that never was is an empty one."""
        ...

    async def exists(self, conversation_id: str) -> bool:
        """Whether anything has happened in a conversation."""
        ...

    async def stories(self, conversation_id: str, *, all_sessions: bool, until: float | None) -> str:
        """A conversation's last session, or each of them, as YAML of test stories."""
        ...

    async def predict(self, conversation_id: str, *, include: IncludeEvents) -> Foretold:
        """What the bot would do next in a conversation."""
        ...

    async def predict_after(self, events: Sequence[Json], *, include: IncludeEvents) -> Foretold:
        """What the bot would do next after these events. Raises BadRequest for one that cannot be read."""
        ...

    def check_events(self, events: Sequence[Json]) -> None:
        """Raises BadRequest if one of the events cannot be read."""
        ...

    async def parse(self, text: str) -> Parse:
        """Understand a message without saying it to anybody."""
        ...

    async def explain(self, text: str) -> tuple[Parse, Mapping[str, Json] | None]:
        """The same, with the reasons for it (None for a slash message, which needs none).

        Raises ModelsBusy, ReleaseError.
        """
        ...

    def domain(self) -> Mapping[str, Json]:
        """The domain as JSON."""
        ...

    def domain_yaml(self) -> str:
        """The domain as YAML."""
        ...

    def has_intent(self, name: str) -> bool:
        """Whether the domain knows an intent."""
        ...

    def has_action(self, name: str) -> bool:
        """Whether the domain knows an action, a response or a form."""
        ...

    def release(self) -> ReleaseInfo:
        """The release that answers."""
        ...

    async def swap(self, release: str) -> ReleaseInfo:
        """Load another release and let it answer. Raises ReleaseError; the old one then goes on."""
        ...

    async def unload(self) -> None:
        """Let no release answer until the next ``swap``; what is said waits."""
        ...

    async def handoffs(self) -> Sequence[Waiting]:
        """Conversations that wait for a person, the longest first."""
        ...

    async def unanswered(self, *, days: int) -> Sequence[Mapping[str, Json]]:
        """Questions of the last ``days`` that the knowledge had nothing for, as JSON, the most frequent first."""
        ...

    async def record(self, *, actor: str, action: str, subject: str, after: Json = None) -> None:
        """Say in the audit log who is about to do what to what; never what was said.

        Raises StoreUnavailable if it cannot be written: then it must not be done.
        """
        ...

    async def health(self) -> Health:
        """How the bot is; never raises."""
        ...

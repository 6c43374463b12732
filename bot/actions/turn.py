"""What a turn knows and notes down while it runs, and the record that becomes of it."""

import logging
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import quote

from bot.dialogue.parse import Json, Parse
from bot.dialogue.tracker import Tracker
from bot.errors import ActionError, ActionRejected
from bot.messages import Inbound
from bot.ports import Partial, SearchResult, TurnRecord

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Turn:
    """One run of the engine.

    ``rng`` is seeded by the message, so that a turn that is run again says the same. ``search`` is the one search of
    the turn, made when it is first needed; ``declined``: it was used, and gave no answer. ``failed``: an action broke
    down, and the customer was told. ``heard``: how the message was understood. ``kept``: the conversation as far as it
    is kept if the turn breaks down.
    """

    conversation_id: str
    event_id: str
    channel: str
    rng: random.Random
    partial: Partial | None = None
    search: SearchResult | None = None
    declined: bool = False
    failed: bool = False
    calls: Counter[str] = field(default_factory=Counter)
    heard: Parse | None = None
    kept: Tracker | None = None
    route: str = ""
    reasons: list[str] = field(default_factory=list)
    actions: list[Mapping[str, Json]] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, inbound: Inbound, partial: Partial | None) -> "Turn":
        """The turn that an inbound begins."""
        seed = f"{inbound.conversation_id}/{inbound.event_id}"
        return cls(
            conversation_id=inbound.conversation_id,
            event_id=inbound.event_id,
            channel=inbound.channel,
            rng=random.Random(seed.encode(errors="replace")),  # noqa: S311 - a choice of words
            partial=partial,
        )

    def next_key(self, action: str) -> str:
        """The idempotency key of the next call of a custom action, in characters that a header may hold.

        A turn that is run again finds the same key for the same action, whatever else it calls before.
        """
        self.calls[action] += 1
        parts = (self.conversation_id, self.event_id, action, str(self.calls[action] - 1))
        return "/".join(quote(part, safe=":@", errors="replace") for part in parts)

    def note_action(
        self, name: str, policy: str | None, confidence: float, spent_s: float, error: ActionError | None
    ) -> None:
        """Keep for the record that an action ran, and how it ended."""
        entry = {"name": name, "policy": policy, "confidence": confidence, "ms": round(spent_s * 1000, 3)}
        self.actions.append(entry | ({"error": error.code, "detail": str(error)} if error else {}))
        if error is not None and not isinstance(error, ActionRejected):
            self._warn(name, error.code, str(error))

    def note_failure(self, name: str, code: str, detail: str) -> None:
        """Keep for the record that a part of the turn did not work."""
        self.actions.append({"name": name, "error": code, "detail": detail})
        self._warn(name, code, detail)

    def _warn(self, name: str, code: str, detail: str) -> None:
        """Tell the log. The detail may have words of the customer in it."""
        logger.warning("turn %s of %s: %s failed: %s", self.event_id, self.conversation_id, name, code)
        logger.debug("%s: %s", code, detail)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add the time that the block takes to a part of the turn."""
        started = perf_counter()
        try:
            yield
        finally:
            self.timings_ms[part] = self.timings_ms.get(part, 0.0) + (perf_counter() - started) * 1000

    def record(self, release_id: str) -> TurnRecord:
        """What the transcript keeps."""
        intent = self.heard.intent if self.heard else None
        hits = self.search.hits if self.search else ()
        return TurnRecord(
            route=self.route or "none",
            reasons=tuple(self.reasons),
            intent=intent.name or None if intent else None,
            confidence=intent.confidence if intent else None,
            probability=self.search.probability if self.search else None,
            searched=self.search.searched if self.search and self.search.why else "",
            hits=tuple(
                {"id": hit.passage_id, "title": hit.title, "document": hit.document, "score": hit.score} for hit in hits
            ),
            actions=tuple(self.actions),
            timings_ms={part: round(spent_ms, 3) for part, spent_ms in self.timings_ms.items()},
            release_id=release_id,
        )

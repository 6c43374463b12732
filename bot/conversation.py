"""A conversation in memory, with no store and no channel: what ``kefu ask`` and ``kefu shell`` talk to."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.dialogue.parse import Json
from bot.dialogue.tracker import Tracker
from bot.messages import Inbound, encodable
from bot.ports import Partial, TurnResult
from bot.runtime import Runtime


@dataclass(slots=True)
class Conversation:
    """One customer at the terminal."""

    runtime: Runtime
    metadata: Mapping[str, Json] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    tracker: Tracker | None = None

    @property
    def so_far(self) -> Tracker:
        """The conversation as it is now."""
        return self.tracker or Tracker.start(self.id, self.runtime.current.project.domain)

    def inbound(self, text: str) -> Inbound:
        """A message of the customer's."""
        return Inbound(
            conversation_id=self.id,
            channel="cmdline",
            event_id=uuid.uuid4().hex,
            sender_id="terminal",
            text=encodable(text),
            metadata=self.metadata,
        )

    async def say(self, text: str, *, partial: Partial | None = None) -> TurnResult:
        """Run one turn and keep what it adds."""
        tracker = self.so_far
        result = await self.runtime.current.engine.handle(self.inbound(text), tracker, partial=partial)
        self.tracker = tracker.apply(*result.events)
        return result

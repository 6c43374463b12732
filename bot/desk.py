"""The bot as its operators see it: answers the HTTP API's questions (``bot.channels.desk.Desk``)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.channels.desk import Health, IncludeEvents, ReleaseInfo, Waiting
from bot.delivery.audit import AuditLog
from bot.delivery.store import Store
from bot.dialogue.parse import Json, Parse
from bot.dialogue.slash import parse_slash
from bot.dialogue.tracker import Tracker
from bot.errors import ReleaseError, StoreError, StoreUnavailable
from bot.release import promote
from bot.runtime import Runtime
from nlu.errors import NluError

_EVENTS: Mapping[IncludeEvents, Literal["all", "after_restart", "applied", "none"]] = {
    "ALL": "all",
    "AFTER_RESTART": "after_restart",
    "APPLIED": "applied",
    "NONE": "none",
}


@dataclass(slots=True)
class RunningDesk:
    """The desk of one server process."""

    runtime: Runtime
    store: Store
    audit: AuditLog
    started: bool = False
    draining: bool = False

    async def tracker_state(
        self, conversation_id: str, *, include: IncludeEvents, until: float | None
    ) -> Mapping[str, Json]:
        """A conversation in Rasa's tracker JSON; one that never was is an empty one."""
        events = await self.store.events(conversation_id)
        kept = [event for event in events if until is None or event.timestamp <= until]
        tracker = Tracker.start(conversation_id, self.runtime.current.project.domain, kept)
        return tracker.current_state(events=_EVENTS[include])

    async def parse(self, text: str) -> Parse:
        """Understand a message without saying it to anybody."""
        loaded = self.runtime.current
        return parse_slash(text, loaded.project.domain) or await loaded.models.parse(text)

    async def explain(self, text: str) -> tuple[Parse, Mapping[str, Json] | None]:
        """The same, with the reasons for it (None for a slash message). Raises ModelsBusy, ReleaseError."""
        loaded = self.runtime.current
        if slash := parse_slash(text, loaded.project.domain):
            return slash, None
        try:
            return await loaded.models.explain(text)
        except NluError as exc:
            raise ReleaseError(f"release {loaded.release.id} cannot explain: {exc}") from exc

    def domain(self) -> Mapping[str, Json]:
        """The domain as JSON."""
        return self.runtime.current.project.domain.source

    def has_intent(self, name: str) -> bool:
        """Whether the domain knows an intent."""
        return name in self.runtime.current.project.domain.intents

    def release(self) -> ReleaseInfo:
        """The release that answers."""
        release = self.runtime.current.release
        return ReleaseInfo(id=release.id, path=str(release.folder), details=release.metrics)

    async def swap(self, release: str) -> ReleaseInfo:
        """Load another release and let it answer. Raises ReleaseError; the old one then goes on."""
        await self.record(actor="api", action="release.swap", subject=release, before=self.release().id, after=release)
        try:
            loaded = await self.runtime.load(release)
        except ReleaseError:
            await self.record(actor="api", action="release.swap_failed", subject=release)
            raise
        promote(self.runtime.models_folder, loaded.id)
        return self.release()

    async def handoffs(self) -> Sequence[Waiting]:
        """Conversations that wait for a person, the longest first."""
        return [
            Waiting(conversation_id=entry.conversation_id, channel=entry.channel, since=entry.since)
            for entry in await self.store.handoffs()
        ]

    async def record(self, *, actor: str, action: str, subject: str, before: Json = None, after: Json = None) -> None:
        """Say in the audit log who is about to do what. Raises StoreUnavailable if it cannot be written."""
        try:
            await asyncio.to_thread(
                self.audit.record, actor=actor, action=action, subject=subject, before=before, after=after
            )
        except OSError as exc:
            raise StoreUnavailable(f"the audit log cannot be written: {exc.strerror or exc}") from exc

    async def health(self) -> Health:
        """How the bot is; never raises."""
        try:
            await self.store.ping()
            up, words = True, "up"
        except StoreError as exc:
            up, words = False, str(exc)
        return Health(ready=self.started and up, store_up=up, store=words, draining=self.draining)

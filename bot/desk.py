"""The bot as its operators see it: answers the HTTP API's questions (``bot.channels.desk.Desk``)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from bot.channels.desk import Foretold, Health, IncludeEvents, ReleaseInfo, Waiting
from bot.delivery.audit import AuditLog
from bot.delivery.settings import DAY_S
from bot.delivery.store import Store
from bot.delivery.transcript import read_transcripts
from bot.dialogue.errors import BadEvent
from bot.dialogue.event_json import from_json
from bot.dialogue.events import Event
from bot.dialogue.parse import Json, Parse
from bot.dialogue.slash import parse_slash
from bot.dialogue.story_writing import sessions, stories_yaml, yaml_text
from bot.dialogue.tracker import Tracker
from bot.errors import BadRequest, ReleaseError, StoreError, StoreUnavailable
from bot.release import promote
from bot.runtime import Runtime
from bot.unanswered import unanswered
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
        events = _until(await self.store.events(conversation_id), until)
        return self._tracker(conversation_id, events).current_state(events=_EVENTS[include])

    async def exists(self, conversation_id: str) -> bool:
        """Whether anything has happened in a conversation."""
        return await self.store.has_events(conversation_id)

    async def stories(self, conversation_id: str, *, all_sessions: bool, until: float | None) -> str:
        """A conversation's last session, or each of them, as YAML of test stories."""
        parts = sessions(await self.store.events(conversation_id))
        kept = [part for each in (parts if all_sessions else parts[-1:]) if (part := _until(each, until))]
        if len(kept) == 1:
            return stories_yaml({conversation_id: kept[0]})
        return stories_yaml({f"{conversation_id}, story {number}": part for number, part in enumerate(kept, 1)})

    async def predict(self, conversation_id: str, *, include: IncludeEvents) -> Foretold:
        """What the bot would do next in a conversation."""
        return await self._foretell(self._tracker(conversation_id, await self.store.events(conversation_id)), include)

    async def predict_after(self, events: Sequence[Json], *, include: IncludeEvents) -> Foretold:
        """What the bot would do next after these events. Raises BadRequest for one that cannot be read."""
        return await self._foretell(self._tracker("default", _events(events)), include)

    def check_events(self, events: Sequence[Json]) -> None:
        """Raises BadRequest if one of the events cannot be read."""
        _events(events)

    def _tracker(self, conversation_id: str, events: Iterable[Event]) -> Tracker:
        return Tracker.start(conversation_id, self.runtime.current.project.domain, events)

    async def _foretell(self, tracker: Tracker, include: IncludeEvents) -> Foretold:
        decision = await self.runtime.current.engine.predict(tracker)
        named = dict.fromkeys(tracker.domain.action_names, 0.0)
        scores = {**named, **decision.chances, decision.action: decision.confidence}
        return Foretold(
            action=decision.action,
            confidence=decision.confidence,
            policy=decision.policy,
            scores=scores,
            tracker=tracker.current_state(events=_EVENTS[include]),
        )

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

    def domain_yaml(self) -> str:
        """The domain as YAML."""
        return yaml_text(self.domain())

    def has_intent(self, name: str) -> bool:
        """Whether the domain knows an intent."""
        return name in self.runtime.current.project.domain.intents

    def has_action(self, name: str) -> bool:
        """Whether the domain knows an action, a response or a form."""
        return name in self.runtime.current.project.domain.action_names

    def release(self) -> ReleaseInfo:
        """The release that answers."""
        release = self.runtime.current.release
        return ReleaseInfo(id=release.id, path=str(release.folder), details=release.metrics)

    async def swap(self, release: str) -> ReleaseInfo:
        """Load another release and let it answer. Raises ReleaseError; the old one then goes on."""
        before = self.runtime.release_id
        await self.record(actor="api", action="release.swap", subject=release, before=before, after=release)
        try:
            loaded = await self.runtime.load(release)
        except ReleaseError:
            await self.record(actor="api", action="release.swap_failed", subject=release)
            raise
        promote(self.runtime.models_folder, loaded.id)
        return self.release()

    async def unload(self) -> None:
        """Let no release answer until the next ``swap`` or promotion; what is said waits in its mailbox."""
        await self.record(actor="api", action="release.unload", subject=self.release().id)
        self.runtime.unload()

    async def handoffs(self) -> Sequence[Waiting]:
        """Conversations that wait for a person, the longest first."""
        return [
            Waiting(conversation_id=entry.conversation_id, channel=entry.channel, since=entry.since)
            for entry in await self.store.handoffs()
        ]

    async def unanswered(self, *, days: int) -> Sequence[Mapping[str, Json]]:
        """Questions of the last ``days`` that the knowledge had nothing for, as JSON, the most frequent first."""
        settings = self.store.settings
        turns = [
            turn
            async for turn in read_transcripts(
                self.store.url,
                since=self.runtime.clock.now() - days * DAY_S,
                prefix=settings.prefix,
                partitions=settings.partitions,
            )
        ]
        return await asyncio.to_thread(lambda: [asdict(question) for question in unanswered(turns)])

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
        ready = self.started and up and self.runtime.release_id is not None
        return Health(ready=ready, store_up=up, store=words, draining=self.draining)


def _events(objects: Sequence[Json]) -> list[Event]:
    """Events as they came over HTTP. Raises BadRequest for one that cannot be read."""
    events = []
    for number, obj in enumerate(objects, 1):
        try:
            events.append(from_json(obj))
        except BadEvent as exc:
            raise BadRequest(f"event {number}: {exc}") from None
    return events


def _until(events: Iterable[Event], until: float | None) -> list[Event]:
    return [event for event in events if until is None or event.timestamp <= until]

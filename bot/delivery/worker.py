"""The worker: takes one message of a conversation at a time, has the engine handle it, commits what it adds.

A crash before the commit runs the turn again, elsewhere or here; a worker that lost its conversation meanwhile is
fenced off at its commit. A message that fails too often becomes a dead letter, and the customer is told.
"""

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from bot.delivery.codec import EventKey, dump, dump_live, load_events, reply_to_json
from bot.delivery.hub import Hub
from bot.delivery.keys import WORKERS
from bot.delivery.lane import Claim, Lane
from bot.delivery.store import Store
from bot.delivery.stored import Commit, Finished, Rating, Turn
from bot.delivery.transcript import TurnTranscript, dump_transcript
from bot.dialogue.domain import Domain
from bot.dialogue.tracker import Tracker
from bot.errors import StoreError, StoreUnavailable
from bot.foreground import Foreground
from bot.messages import Inbound, LiveFrame, LogFrame, Reply, Sender
from bot.ports import Clock, Partial, TurnRecord, TurnResult

log = logging.getLogger(__name__)

_CACHED_CONVERSATIONS = 2_000
_CACHED_EVENTS = 200_000
_TYPING_AFTER_S = 0.5
_TIDY_EVERY_S = 3_600.0
_RETRY_S = 0.05


class Engine(Protocol):
    """What handles a turn: one release's domain and policies."""

    @property
    def domain(self) -> Domain:
        """The domain that trackers are folded with."""
        ...

    async def handle(self, inbound: Inbound, tracker: Tracker, *, partial: Partial | None = None) -> TurnResult:
        """One turn; ``partial`` shows an answer while it is being written."""
        ...


@dataclass(frozen=True, slots=True)
class _Cached:
    born: str
    tracker: Tracker


class _Trackers:
    """Recently used conversations, so that a turn reads only events that this process has not seen."""

    def __init__(self) -> None:
        self._cached: OrderedDict[str, _Cached] = OrderedDict()
        self._events = 0

    def known(self, conversation_id: str) -> tuple[str, int]:
        """The life of the conversation and the number of its events that are cached."""
        cached = self._cached.get(conversation_id)
        return (cached.born, len(cached.tracker.events)) if cached else ("", 0)

    def build(self, turn: Turn, domain: Domain) -> Tracker:
        """The tracker before the turn, folded anew if the domain changed; empty if the turn replaces all of it."""
        if turn.inbound.replaces:
            return Tracker.start(turn.conversation_id, domain)
        cached = self._cached.get(turn.conversation_id)
        events = load_events(turn.events)
        if cached is None or not turn.from_event:
            return Tracker.start(turn.conversation_id, domain, events)
        if cached.tracker.domain is domain:
            return cached.tracker.apply(*events)
        return Tracker.start(turn.conversation_id, domain, [*cached.tracker.events, *events])

    def keep(self, turn: Turn, tracker: Tracker) -> None:
        """Remember a committed tracker, forgetting the least recently used ones."""
        self.drop(turn.conversation_id)
        born = turn.message_id if turn.inbound.replaces else turn.born
        self._cached[turn.conversation_id] = _Cached(born, tracker)
        self._events += len(tracker.events)
        while len(self._cached) > _CACHED_CONVERSATIONS or (self._events > _CACHED_EVENTS and len(self._cached) > 1):
            self.drop(next(iter(self._cached)))

    def drop(self, conversation_id: str) -> None:
        """Forget a conversation."""
        if cached := self._cached.pop(conversation_id, None):
            self._events -= len(cached.tracker.events)


class Worker:
    """Serves the run queue ``ready`` in this process.

    ``engine`` is called once a turn, so a new release takes over between two turns. ``senders`` are the channels that
    call a platform: their replies go to the outbox as well as to the log, and they are asked to show that an answer is
    being written when it takes long. No turn begins until ``ready`` is set: what cannot be answered now, waits.
    ``foreground`` is told of each turn, for slow work to stand back.
    """

    def __init__(
        self,
        store: Store,
        hub: Hub,
        engine: Callable[[], Engine],
        *,
        clock: Clock,
        senders: Mapping[str, Sender] | None = None,
        ready: asyncio.Event | None = None,
        foreground: Foreground | None = None,
    ) -> None:
        self._store = store
        self._foreground = foreground or Foreground()
        self._ready = ready
        self._hub = hub
        self._engine = engine
        self._clock = clock
        self._senders = senders or {}
        self._trackers = _Trackers()
        self._typing = dump_live(hub.id, LiveFrame(type="typing", on=True))
        self._tidier: asyncio.Task[None] | None = None
        self._lane = Lane(
            store,
            kind="ready",
            group=WORKERS,
            serve=self._serve,
            concurrency=store.settings.concurrency,
        )

    async def start(self, *, exclusive: bool = False) -> None:
        """Begin to work. ``exclusive``: no other worker lives, so what a dead one held is taken over at once."""
        await self._lane.start(exclusive=exclusive)
        self._tidier = asyncio.create_task(self._tidy_loop())

    async def stop(self) -> None:
        """Finish the turns that run, within the drain time, and stop; the others are taken over later."""
        await self._lane.stop(drain_s=self._store.settings.drain_s)
        if self._tidier is not None:
            await self._tidier

    async def _serve(self, claim: Claim) -> None:
        """Run the oldest message of the conversation, again after a fault, until it is committed or not ours."""
        while await self._is_ready():
            with self._foreground.turn():
                born, have = self._trackers.known(claim.conversation_id)
                turn = await self._store.begin(
                    claim.conversation_id,
                    claim.entry_id,
                    nonce=secrets.token_hex(8),
                    born=born,
                    have=have,
                    typing=self._typing,
                )
                if turn is None or await self._run(turn):
                    return
            await asyncio.sleep(_RETRY_S * 2 ** min(turn.tries, 5))

    async def _is_ready(self) -> bool:
        """Wait until turns can run; False if the worker is to stop before."""
        if self._ready is None or self._ready.is_set():
            return True
        waits = [asyncio.create_task(event.wait()) for event in (self._ready, self._lane.stopping)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self._ready.is_set()

    async def _run(self, turn: Turn) -> bool:
        """One try; False if it failed and is to be repeated."""
        started = time.monotonic()
        began_at = self._clock.now()
        dead = ""
        tracker: Tracker | None = None
        if turn.tries > self._store.settings.max_deliveries:
            dead = f"failed {turn.tries - 1} times"
            result = self._apology(turn)
            log.error("dead letter: message %s of channel %s %s", turn.message_id, turn.inbound.channel, dead)
        else:
            self._hub.show_hint(turn.conversation_id, LiveFrame(type="typing", on=True))
            try:
                engine = self._engine()
                tracker = self._trackers.build(turn, engine.domain)
                result = await self._handle(engine, turn, tracker)
            except StoreUnavailable:
                raise
            except Exception:  # the turn boundary: whatever a turn raises, the message is tried again
                log.exception("turn failed, try %d of message %s", turn.tries, turn.message_id)
                return False
        transcript = _transcript(turn, result, dead=dead, began_at=began_at, took_s=time.monotonic() - started)
        await self._finish(turn, result, tracker, transcript, began_at)
        return True

    async def _handle(self, engine: Engine, turn: Turn, tracker: Tracker) -> TurnResult:
        async def partial(text: str) -> None:
            frame = LiveFrame(type="partial", event_id=turn.inbound.event_id, text=text)
            await self._hub.hint(turn.conversation_id, frame)

        sender = self._senders.get(turn.channel)
        if sender is None:
            return await engine.handle(turn.inbound, tracker, partial=partial)
        typing = asyncio.create_task(_type_later(sender, turn.recipient_id))
        try:
            return await engine.handle(turn.inbound, tracker, partial=partial)
        finally:
            typing.cancel()

    async def _finish(
        self, turn: Turn, result: TurnResult, tracker: Tracker | None, transcript: TurnTranscript, at: float
    ) -> None:
        frames = _frames(result, at, turn)
        after = tracker.apply(*result.events) if tracker is not None else None
        called = turn.channel in self._senders
        # What could not be handled replaces nothing.
        replaces = turn.inbound.replaces and tracker is not None and result.record.route != "error"
        commit = Commit(
            turn=turn,
            events=result.events,
            frames=frames,
            outbox=[_outgoing(turn, reply, at) for reply in result.replies] if called else [],
            transcript=dump_transcript(transcript),
            dead=dump_transcript(transcript) if transcript.dead else "",
            rating=_rating(turn.inbound, at),
            status=result.status or ("resumed" if replaces else ""),
            at=at,
            replaces=replaces,
            alarms=result.alarms,
            needed_until=max((each.due_ms / 1000 for each in after.reminders), default=0.0) if after else 0.0,
        )
        self._trackers.drop(turn.conversation_id)
        done = await self._commit(commit)
        if isinstance(done, Finished):
            if after is not None:
                self._trackers.keep(turn, after)
            numbered = tuple(replace(frame, seq=done.first + index) for index, frame in enumerate(frames))
            self._hub.finished(EventKey(turn.conversation_id, turn.inbound.channel, turn.inbound.event_id), numbered)
        elif done == "fenced":
            log.warning("a turn was fenced off: somebody else has conversation message %s now", turn.message_id)

    async def _commit(self, commit: Commit) -> Finished | str:
        """Commit, again while the store is away: the turn has run, and an applied commit answers ``gone``."""
        delay_s, deadline = 0.05, time.monotonic() + self._store.settings.lease_s
        while True:
            try:
                return await self._store.commit(commit, hub_id=self._hub.id)
            except StoreUnavailable as exc:
                if time.monotonic() > deadline or self._lane.stopping.is_set():
                    raise
                log.warning("a commit waits for the store: %s", exc)
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, 1.0)

    def _apology(self, turn: Turn) -> TurnResult:
        """What is said of a dead letter: to the customer of their message; nobody waits for an answer to the rest."""
        reply = Reply(id=f"{turn.conversation_id}/{turn.inbound.event_id}/0", text=self._store.settings.apology)
        replies = (reply,) if turn.inbound.kind == "message" else ()
        return TurnResult(events=(), replies=replies, record=TurnRecord(route="dead_letter"))

    async def _tidy_loop(self) -> None:
        while not self._lane.stopping.is_set():
            with suppress(StoreError):
                await self._store.tidy(now=self._clock.now())
            with suppress(TimeoutError):
                async with asyncio.timeout(_TIDY_EVERY_S):
                    await self._lane.stopping.wait()


async def _type_later(sender: Sender, recipient_id: str) -> None:
    await asyncio.sleep(_TYPING_AFTER_S)
    await sender.typing(recipient_id)


def _frames(result: TurnResult, at: float, turn: Turn) -> tuple[LogFrame, ...]:
    # A message is answered where it was written, even if its customer has written elsewhere since.
    channel = turn.inbound.channel if turn.inbound.kind == "message" else turn.channel
    replies = tuple(
        LogFrame(seq=0, type=reply.author, id=reply.id, at=at, reply=reply, channel=channel) for reply in result.replies
    )
    if result.status is None:
        return replies
    status = LogFrame(seq=0, type="status", id=f"{turn.inbound.event_id}/status", at=at, text=result.status)
    # The bot takes its leave before a person comes, and is back before it speaks again.
    return (status, *replies) if result.status == "resumed" else (*replies, status)


def _outgoing(turn: Turn, reply: Reply, at: float) -> str:
    return dump({"channel": turn.channel, "recipient_id": turn.recipient_id, "reply": reply_to_json(reply), "at": at})


def _rating(inbound: Inbound, at: float) -> Rating | None:
    """The rating that an inbound of kind ``feedback`` carries: metadata ``reply_id`` and ``value``."""
    reply_id, value = inbound.metadata.get("reply_id"), inbound.metadata.get("value")
    if inbound.kind != "feedback" or not isinstance(reply_id, str) or value not in ("up", "down"):
        return None
    return Rating(reply_id=reply_id, value=str(value), at=at)


def _transcript(turn: Turn, result: TurnResult, *, dead: str, began_at: float, took_s: float) -> TurnTranscript:
    inbound = turn.inbound
    return TurnTranscript(
        conversation_id=turn.conversation_id,
        channel=turn.channel,
        event_id=inbound.event_id,
        kind=inbound.kind,
        at=began_at,
        text=inbound.text,
        replies=result.replies,
        record=result.record,
        status=result.status,
        waited_ms=max(0.0, (began_at - inbound.received_at) * 1000) if inbound.received_at else 0.0,
        took_ms=took_s * 1000,
        tries=turn.tries,
        dead=dead or None,
    )

"""What channels see of delivery: queue a message, ask and wait, read the log, watch a conversation, take a token.

Truth is the log in the store. Pub/sub only wakes: it may lose a notice, so whoever watches compares numbers and reads
the log after a gap, and after an empty ``log`` frame, which a hub sends when it may have missed something. Notices of
this process's own turns do not pass the store.
"""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

from redis.asyncio.client import PubSub

from bot.delivery.client import translated
from bot.delivery.codec import EventKey, Notice, dump_live, load_notice
from bot.delivery.store import Store
from bot.delivery.stored import Finished, Ingested
from bot.errors import StoreBusy, StoreError, StoreUnavailable
from bot.messages import Inbound, LiveFrame, LogFrame, Reply, Verdict

log = logging.getLogger(__name__)

_WATCH_FRAMES = 256
_POLL_S = 1.0
_POLL_DUPLICATE_S = 0.05
_SILENCE_S = 20.0
_SUBSCRIBE_S = 5.0


class _Watch:
    """One watcher's bounded queue; None ends it. A watcher that is too slow gets one wake-up for all it missed."""

    __slots__ = ("queue",)

    def __init__(self) -> None:
        self.queue: asyncio.Queue[LiveFrame | None] = asyncio.Queue(_WATCH_FRAMES)

    def put(self, frame: LiveFrame | None) -> None:
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(LiveFrame(type="log"))
        self.queue.put_nowait(frame)

    async def frames(self) -> AsyncIterator[LiveFrame]:
        while (frame := await self.queue.get()) is not None:
            yield frame


class Hub:
    """Implements ``bot.messages.Inbox`` for one process. ``start`` before use, ``stop`` ends every watch."""

    def __init__(self, store: Store) -> None:
        self.id = secrets.token_hex(8)
        self._store = store
        self._watches: dict[str, set[_Watch]] = defaultdict(set)
        self._asking: dict[EventKey, list[asyncio.Future[tuple[LogFrame, ...]]]] = defaultdict(list)
        self._notices = store.client.for_notices()
        self._pubsub: PubSub | None = None
        self._confirmed: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen. Raises StoreUnavailable."""
        self._listener = asyncio.create_task(self._listen())
        await self._confirm(self._store.keys.hub(self.id))

    async def stop(self) -> None:
        """End every watch and stop to listen."""
        self._pubsub = None
        for watch in [watch for watches in self._watches.values() for watch in watches]:
            watch.put(None)
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        await self._notices.close()

    async def ingest(self, inbound: Inbound) -> Verdict:
        """Queue it in one atomic step. Raises StoreUnavailable when it could not be queued safely."""
        return (await self._queue(inbound)).verdict

    async def ask(self, inbound: Inbound, *, timeout_s: float) -> Sequence[Reply]:
        """Queue it, wait for its turn and return the replies; a duplicate gets the replies of the first.

        Raises StoreBusy if it was not queued, StoreUnavailable if it could not be, TimeoutError if its turn is not
        over in time (it will take effect), LogTrimmed for a duplicate whose replies are no longer kept.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        key = EventKey(inbound.conversation_id, inbound.channel, inbound.event_id)
        future: asyncio.Future[tuple[LogFrame, ...]] = asyncio.get_running_loop().create_future()
        self._asking[key].append(future)
        try:
            ingested = await self._queue(inbound)
            if ingested.verdict == "busy":
                raise StoreBusy("too many messages wait")
            if ingested.finished is not None:
                return _replies(await self._store.log_range(inbound.conversation_id, ingested.finished))
            return _replies(await self._await_turn(key, future, ingested.verdict, deadline))
        finally:
            self._asking[key].remove(future)
            if not self._asking[key]:
                del self._asking[key]

    async def log_after(self, conversation_id: str, seq: int) -> Sequence[LogFrame]:
        """Every log frame with a greater number, in order. Raises LogTrimmed if some are no longer kept."""
        return await self._store.log_after(conversation_id, seq)

    async def read_mark(self, conversation_id: str) -> int | None:
        """The number of the log up to which a socket is known to have it; None if none ever had any of it."""
        return await self._store.read_mark(conversation_id)

    async def mark_read(self, conversation_id: str, seq: int) -> None:
        """Write down that a socket has the log up to a number; a mark never goes back."""
        await self._store.mark_read(conversation_id, seq)

    @asynccontextmanager
    async def subscribe(self, conversation_id: str) -> AsyncIterator[AsyncIterator[LiveFrame]]:
        """Live frames of a conversation from now on; ends when the hub stops. Raises StoreUnavailable."""
        watch, topic = _Watch(), self._store.keys.live(conversation_id)
        watches = self._watches[conversation_id]
        watches.add(watch)
        try:
            await self._confirm(topic)
            yield watch.frames()
        finally:
            watches.discard(watch)
            if not watches and self._watches.get(conversation_id) is watches:
                del self._watches[conversation_id]
                self._confirmed.pop(topic, None)
                await self._unsubscribe(topic)

    async def allow(self, bucket: str, key: str) -> bool:
        """Take one token from the named rate limit; False when there is none left.

        Raises KeyError for a bucket that the settings do not name, StoreUnavailable.
        """
        return await self._store.take_token(bucket, key, self._store.settings.limits[bucket]) == 0.0

    async def hint(self, conversation_id: str, frame: LiveFrame) -> None:
        """Show a frame that is not stored (typing, partial) to every watcher; it may be lost."""
        self.show_hint(conversation_id, frame)
        with suppress(StoreError):
            channel = self._store.keys.live(conversation_id)
            await self._store.client.command("PUBLISH", channel, dump_live(self.id, frame))

    def show_hint(self, conversation_id: str, frame: LiveFrame) -> None:
        """Show a frame to the watchers in this process."""
        for watch in self._watches.get(conversation_id, ()):
            watch.put(frame)

    def finished(self, event: EventKey, frames: tuple[LogFrame, ...]) -> None:
        """Tell this process that a turn is over and what it added to the log."""
        self._show(event.conversation_id, Notice(hub_id=self.id, frames=frames, done=event))

    async def _queue(self, inbound: Inbound) -> Ingested:
        ingested = await self._store.ingest(inbound, hub_id=self.id)
        if ingested.frame is not None:
            self._show(inbound.conversation_id, Notice(hub_id=self.id, frames=(ingested.frame,)))
        return ingested

    async def _await_turn(
        self, key: EventKey, future: asyncio.Future[tuple[LogFrame, ...]], verdict: Verdict, deadline: float
    ) -> tuple[LogFrame, ...]:
        # The turn of a duplicate may be reported to another process only, so its outcome is looked up soon.
        poll_s = _POLL_S if verdict == "queued" else _POLL_DUPLICATE_S
        while (left_s := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait({future}, timeout=min(poll_s, left_s))
            if future.done():
                return future.result()
            finished: Finished | None = None
            with suppress(StoreUnavailable):
                finished = await self._store.outcome(*key)
            if finished is not None:
                return await self._store.log_range(key.conversation_id, finished)
        raise TimeoutError("the turn is not over yet")

    def _show(self, conversation_id: str, notice: Notice) -> None:
        watches = self._watches.get(conversation_id, ())
        for watch in watches:
            if notice.frames:
                watch.put(LiveFrame(type="log", frames=notice.frames))
            if notice.hint:
                watch.put(notice.hint)
            if notice.done:
                watch.put(LiveFrame(type="done", event_id=notice.done.event_id))
        self._answer(notice)

    def _answer(self, notice: Notice) -> None:
        if notice.done:
            for future in self._asking.get(notice.done, ()):
                if not future.done():
                    future.set_result(notice.frames)

    async def _listen(self) -> None:
        delay_s = 0.05
        while True:
            pubsub = self._notices.pubsub()
            try:
                with translated():
                    topics = {self._store.keys.hub(self.id), *map(self._store.keys.live, self._watches)}
                    await pubsub.subscribe(*topics)
                    self._pubsub = pubsub
                    if newer := set(map(self._store.keys.live, self._watches)) - topics:
                        await pubsub.subscribe(*newer)
                    self._wake(self._watches)
                    delay_s = 0.05
                    await self._receive(pubsub)
            except StoreError as exc:
                log.warning("notices: %s", exc)
            finally:
                self._pubsub = None
                for confirmed in self._confirmed.values():
                    confirmed.clear()
                with suppress(StoreError), translated():
                    await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it without types
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, 2.0)

    async def _receive(self, pubsub: PubSub) -> None:
        """Hand notices on until the connection breaks or has been silent after a ping."""
        pinged = False
        while True:
            message = await pubsub.get_message(timeout=_SILENCE_S)
            if message is None:
                if pinged:
                    raise StoreUnavailable("no answer to a ping")
                await pubsub.ping()
                pinged = True
                continue
            pinged = False
            if message["type"] == "subscribe":
                self._confirmed[message["channel"]].set()
            elif message["type"] == "message":
                self._hear(message["channel"], load_notice(message["data"]))

    def _hear(self, topic: str, notice: Notice) -> None:
        if notice.hub_id == self.id:
            return
        if topic == self._store.keys.hub(self.id):
            # For those who ask; watchers get the same notice by the conversation's own channel.
            self._answer(notice)
            return
        self._show(topic.removeprefix(self._store.keys.live("")), notice)

    def _wake(self, conversation_ids: Iterable[str]) -> None:
        for conversation_id in conversation_ids:
            self.show_hint(conversation_id, LiveFrame(type="log"))

    async def _confirm(self, topic: str) -> None:
        """Wait until the server has us on the list, so that nothing said from now on is missed."""
        if self._pubsub is not None and not self._confirmed[topic].is_set():
            with suppress(StoreError), translated():
                await self._pubsub.subscribe(topic)
        try:
            async with asyncio.timeout(_SUBSCRIBE_S):
                await self._confirmed[topic].wait()
        except TimeoutError as exc:
            raise StoreUnavailable("the store does not send notices") from exc

    async def _unsubscribe(self, topic: str) -> None:
        if self._pubsub is not None:
            with suppress(StoreError), translated():
                await self._pubsub.unsubscribe(topic)


def _replies(frames: Iterable[LogFrame]) -> tuple[Reply, ...]:
    return tuple(frame.reply for frame in frames if frame.reply is not None)

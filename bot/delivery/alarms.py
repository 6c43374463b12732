"""The alarm clock: puts a reminder that is due into the mailbox of its conversation, where it waits its turn.

It only wakes. Any number of processes ring the same alarms: the mailbox drops duplicates, the step that queues a
reminder takes the alarm off, and whether the reminder still stands is decided in its turn, by the conversation itself.
"""

import asyncio
import logging
from contextlib import suppress

from bot.delivery.codec import load_alarm
from bot.delivery.store import Store
from bot.errors import StoreError
from bot.ports import Clock

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5
_AT_ONCE = 100
"""How many alarms of a partition go off at a time."""


class AlarmClock:
    """Rings in this process; ``hub_id`` is told when the turn of a reminder is over."""

    def __init__(self, store: Store, *, hub_id: str, clock: Clock) -> None:
        self._store = store
        self._hub_id = hub_id
        self._clock = clock
        self._stopping = asyncio.Event()
        self._ringer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to ring; what was due while nobody rang goes off at once."""
        self._ringer = asyncio.create_task(self._ring_loop())

    async def stop(self) -> None:
        """Ring no more; what is not queued yet stays set."""
        self._stopping.set()
        if self._ringer is not None:
            await self._ringer

    async def ring(self) -> None:
        """Queue every reminder that is due; one for whose conversation there is no room now stays set."""
        for text, due_ms in await self._store.due_alarms(now=self._clock.now(), count=_AT_ONCE):
            await self._store.ingest(load_alarm(text, due_ms), hub_id=self._hub_id, alarm=text)

    async def _ring_loop(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.ring()
            except StoreError as exc:
                log.warning("reminders wait for the store: %s", exc)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._stopping.wait()

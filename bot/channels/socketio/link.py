"""One conversation shown on one socket: everything the bot or a person says in it here, in order, from the log.

The log is the truth and live frames only wake the link, so it does not matter which replica took the message.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from bot.channels.socketio.payloads import Payload, payloads
from bot.dialogue.parse import Json
from bot.errors import LogTrimmed, StoreError
from bot.messages import Inbox, LogFrame

RETRY_S = 1.0

log = logging.getLogger(__name__)

Emit = Callable[[Payload], Awaitable[int]]
"""Sends one event; returns its number on the socket, as ``Receipts`` counts."""


class Link:
    """Shows the log of ``conversation_id`` after the number ``sent``. ``run`` is called once and ends when cancelled.

    Only what goes to ``channel`` is shown: whoever guesses an id that is used elsewhere reads no answer of there.
    ``numbered``: payloads carry ``seq`` (the number to go on after) and ``id``, for clients that ask for them.
    ``remembers``: what has arrived is written down, so that a later link goes on behind it.
    """

    def __init__(
        self,
        inbox: Inbox,
        conversation_id: str,
        *,
        channel: str,
        emit: Emit,
        ask: Callable[[], Awaitable[None]],
        sent: int,
        numbered: bool = False,
        remembers: bool = False,
    ) -> None:
        self._inbox = inbox
        self._conversation_id = conversation_id
        self._channel = channel
        self._emit = emit
        self._ask = ask
        self._sent = sent
        self._numbered = numbered
        self._remembers = remembers
        self._unproved: deque[tuple[int, int]] = deque()
        self._proved = 0
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Show what is in the log, then all that follows; a store that is away is waited for."""
        async with asyncio.TaskGroup() as tasks:
            if self._remembers:
                tasks.create_task(self._remember())
            while True:
                try:
                    async with self._inbox.subscribe(self._conversation_id) as live:
                        await self._show(())
                        async for frame in live:
                            if frame.type == "log":
                                await self._show(frame.frames)
                except StoreError as exc:
                    log.warning("a socket waits for the store: %s", exc)
                await asyncio.sleep(RETRY_S)

    def arrived(self, number: int) -> None:
        """The client has every event up to this number."""
        while self._unproved and self._unproved[0][0] <= number:
            _, self._proved = self._unproved.popleft()
            self._news.set()

    async def _show(self, frames: Sequence[LogFrame]) -> None:
        """Emit what is new; a wake-up without frames, or with a hole before them, is filled from the log."""
        new = [frame for frame in frames if frame.seq > self._sent]
        if not frames or (new and new[0].seq != self._sent + 1):
            new = await self._missed()
        for frame in new:
            await self._emit_frame(frame)
            self._sent = frame.seq
        if new and self._remembers:
            await self._ask()

    async def _missed(self) -> list[LogFrame]:
        try:
            return list(await self._inbox.log_after(self._conversation_id, self._sent))
        except LogTrimmed as trimmed:
            if trimmed.oldest is None:
                return []
            return list(await self._inbox.log_after(self._conversation_id, trimmed.oldest - 1))

    async def _emit_frame(self, frame: LogFrame) -> None:
        """What the customer said is known to the widget; a change of who answers has no event."""
        if frame.reply is None or frame.channel != self._channel:
            return
        number = 0
        for index, payload in enumerate(payloads(frame.reply)):
            marks: Mapping[str, Json] = {"seq": frame.seq, "id": f"{frame.reply.id}/{index}"} if self._numbered else {}
            number = await self._emit({**payload, **marks})
        if number:
            self._unproved.append((number, frame.seq))

    async def _remember(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            with suppress(StoreError):
                await self._inbox.mark_read(self._conversation_id, self._proved)

"""The frames that wait for a slow reader: bounded in number and bytes."""

import asyncio
from collections import deque

MAX_FRAMES = 100
MAX_BYTES = 256 * 1024


class SlowReader(Exception):
    """The client does not read fast enough; it is to come back and resume."""


class Outgoing:
    """A bounded queue of encoded frames with one reader."""

    def __init__(self, *, max_frames: int = MAX_FRAMES, max_bytes: int = MAX_BYTES) -> None:
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._frames: deque[str] = deque()
        self._bytes = 0
        self._changed = asyncio.Condition()

    async def offer(self, frame: str) -> None:
        """Queue a frame that happens now. Raises SlowReader if there is no room for it."""
        async with self._changed:
            if not self._has_room(frame):
                raise SlowReader
            self._push(frame)

    async def put(self, frame: str, *, timeout_s: float) -> None:
        """Queue a frame of the past, as soon as there is room. Raises SlowReader after ``timeout_s``."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self._has_room(frame))
                self._push(frame)
        except TimeoutError as exc:
            raise SlowReader from exc

    async def take(self) -> str:
        """The oldest frame, as soon as there is one."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._frames))
            frame = self._frames.popleft()
            self._bytes -= len(frame.encode())
            self._changed.notify_all()
            return frame

    def _has_room(self, frame: str) -> bool:
        """A frame larger than the bound passes when nothing else waits, else it would never be sent."""
        fits = self._bytes + len(frame.encode()) <= self._max_bytes
        return not self._frames or (fits and len(self._frames) < self._max_frames)

    def _push(self, frame: str) -> None:
        self._frames.append(frame)
        self._bytes += len(frame.encode())
        self._changed.notify_all()

"""Which turns go before slow work: those that began a moment ago, and end as soon as nothing is in their way.

Threads that work for seconds beside the event loop look at it, as two that pass Python's lock to and fro lose more time
than their work takes.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

URGENT_S = 0.03
"""Most turns end within; one that lasts longer waits for something itself."""


class Foreground:
    """``calm`` is set while no turn is in its first moments. Turns are of one event loop; any thread may wait."""

    def __init__(self) -> None:
        self.calm = threading.Event()
        self.calm.set()
        self._urgent: set[object] = set()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Run a turn: slow work stands back until it ends, or is no longer urgent."""
        loop, turn = asyncio.get_running_loop(), object()
        self._urgent.add(turn)
        self.calm.clear()
        timer = loop.call_later(URGENT_S, self._leave, turn)
        try:
            yield
        finally:
            timer.cancel()
            self._leave(turn)

    def _leave(self, turn: object) -> None:
        self._urgent.discard(turn)
        if not self._urgent:
            self.calm.set()

"""The real clock (``bot.ports.Clock``)."""

import time


class SystemClock:
    """Seconds since the epoch, as the machine tells them."""

    def now(self) -> float:
        """Now."""
        return time.time()

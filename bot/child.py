"""What every child process of ours needs: it ends when we do, however we end, and what it prints stays bounded."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def ends_with_us() -> Callable[[], None] | None:
    """What a child is to run between fork and exec (``preexec_fn``): the kernel sends it SIGTERM when we end.

    Start the child in a thread that lives as long as it should: "we" is the thread. None where no kernel does that.
    """
    if _LIBC is None:
        return None
    parent, prctl = os.getpid(), _LIBC.prctl

    def tie() -> None:  # one system call, no lock: safe between fork and exec
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # we ended before the call
            os.kill(os.getpid(), signal.SIGTERM)

    return tie


class BoundedLog:
    """A file that keeps the last ``limit_bytes`` and more: what is older goes to ``<name>.1``, and then away."""

    def __init__(self, path: Path, *, limit_bytes: int = 1_000_000) -> None:
        self.path = path
        self._limit_bytes = limit_bytes

    def write(self, data: bytes) -> None:
        """Add bytes. Raises OSError if they cannot be written."""
        with suppress(FileNotFoundError):
            if self.path.stat().st_size + len(data) > self._limit_bytes:
                self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        with open(self.path, "ab", opener=_private) as file:
            file.write(data)

    def tail(self, lines: int) -> str:
        """The last lines; none if nothing was written."""
        try:
            return "\n".join(self.path.read_text("utf-8", errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

"""The audit log: who did what to what, when, in files that show if somebody changed them.

One JSON object a line, one file a day; each line carries the SHA-256 of the line before it, across files, so that a
changed, removed or inserted line breaks the chain. Lines cut off the very end leave no trace here: keep the last hash
elsewhere if that matters. Blocking: an entry is on the disk when ``record`` returns.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from bot.delivery.codec import dump
from bot.dialogue.parse import Json
from bot.ports import Clock

_FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Broken:
    """The first line that does not follow from the one before. ``line`` counts from 1."""

    path: Path
    line: int


class AuditLog:
    """Appends to the files in ``folder``; several processes may."""

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def record(self, *, actor: str, action: str, subject: str, before: Json = None, after: Json = None) -> None:
        """Add an entry. Raises OSError if it cannot be written: what it records must then not be done."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            at = self._clock.now()
            entry = {
                "at": datetime.fromtimestamp(at, UTC).isoformat(),
                "actor": _one_line(actor),
                "action": _one_line(action),
                "subject": _one_line(subject),
                "before": before,
                "after": after,
                "previous": self._last_hash(),
            }
            name = f"audit-{datetime.fromtimestamp(at, UTC):%Y-%m-%d}.jsonl"
            fd = os.open(self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(fd, f"{dump(entry)}\n".encode())
                os.fsync(fd)
            finally:
                os.close(fd)

    def _last_hash(self) -> str:
        for path in reversed(_files(self._folder)):
            if lines := path.read_bytes().splitlines():
                return sha256(lines[-1]).hexdigest()
        return _FIRST


def verify(folder: Path) -> Broken | None:
    """None if every line follows from the one before it."""
    previous = _FIRST
    for path, number, line in _lines(folder):
        try:
            claimed = json.loads(line)["previous"]
        except (ValueError, KeyError, TypeError):
            return Broken(path, number)
        if claimed != previous:
            return Broken(path, number)
        previous = sha256(line).hexdigest()
    return None


def _lines(folder: Path) -> Iterator[tuple[Path, int, bytes]]:
    for path in _files(folder):
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            yield path, number, line


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("audit-*.jsonl"))


def _one_line(text: str) -> str:
    return " ".join(text.split())

"""What can be wrong with an assistant's files and with what the dialogue core is given.

DialogueError (dialogue)
├── BadEvent (bad_event): JSON that is not an event
└── ProjectFaults (project_faults): every fault of an assistant folder at once
"""

from collections.abc import Sequence
from dataclasses import dataclass


def printable(text: str) -> str:
    """The text on one line, with whatever a terminal would not show, or would obey, written as an escape."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: where, what is wrong, and what would be right. ``line`` counts from 1."""

    path: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return printable(f"{self.path}:{self.line}: {self.what}; {self.remedy}")


class DialogueError(Exception):
    """Root of the errors that the dialogue core raises."""

    code = "dialogue"


class BadEvent(DialogueError, ValueError):
    """JSON that should be an event and is not; the message names the field."""

    code = "bad_event"


class ProjectFaults(DialogueError):
    """An assistant folder that cannot be used; ``faults`` names each place."""

    code = "project_faults"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))

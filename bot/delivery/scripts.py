"""The Lua scripts beside this module: loaded once, called by their hash. Each is one atomic, repeatable step."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the hash that the store knows it by."""

    name: str
    body: str
    sha: str


def _read(name: str) -> Script:
    body = files(__package__).joinpath(f"{name}.lua").read_text("utf-8")
    return Script(name, body, hashlib.sha1(body.encode(), usedforsecurity=False).hexdigest())


@cache
def script(name: str) -> Script:
    """The script of this name, ``ingest`` for ``ingest.lua``."""
    return _read(name)


NAMES = ("ingest", "begin", "commit", "heartbeat", "take", "settle", "wake", "sweep", "bucket")

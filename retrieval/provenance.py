"""Where the files of a knowledge folder came from: ``.ingest.json`` in it, which ``kefu ingest`` writes. No network."""

import fcntl
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from retrieval.errors import ManifestError

MANIFEST = ".ingest.json"
LOCK = ".ingest.lock"
_FORMAT = "kefu-ingest-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where one file came from.

    ``source``: what was asked for (a path or URL); ``place``: the very file or page; ``fetched``: when its content
    was last seen to be new, ISO 8601 in UTC; ``sha256``: of that; ``etag`` and ``modified``: as the server sent them.
    ``removed``: a person took the file out, and it is not brought back.
    """

    source: str
    place: str
    fetched: str
    sha256: str
    etag: str | None = None
    modified: str | None = None
    removed: bool = False

    @property
    def url(self) -> str | None:
        """The page's address; None for a copied file."""
        return self.place if self.place.startswith(("http://", "https://")) else None


Origins = Mapping[str, Origin]
"""By path in the knowledge folder."""


@contextmanager
def origins_lock(folder: Path) -> Iterator[None]:
    """Be the only program that changes the ingested files of a folder, from reading their origins to saving them.

    Waiting is told on standard error. A program that ends in any way lets it go.
    """
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{folder}: kefu ingest is at work there; this goes on when it ends", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def load_origins(folder: Path) -> Origins:
    """The origins of a folder's files; none where nothing was ingested. Raises ``ManifestError``."""
    file = folder / MANIFEST
    try:
        value: Any = json.loads(file.read_text("utf-8"))
        if value["format"] != _FORMAT:
            raise ValueError(f"format {value['format']!r}")
        if outside := [path for path in value["files"] if path.startswith("/") or ".." in path.split("/")]:
            raise ValueError(f"{outside[0]!r} is no path in this folder")
        return {path: Origin(**origin) for path, origin in value["files"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = "restore it, or remove it together with the files that were ingested"
        raise ManifestError(f"{file}: no list of origins of this program ({error}); {remedy}") from error


def save_origins(folder: Path, origins: Origins) -> None:
    """Write them in one rename, by path."""
    files = {path: asdict(origin) for path, origin in sorted(origins.items())}
    draft = folder / f"{MANIFEST}.new"
    draft.write_text(json.dumps({"format": _FORMAT, "files": files}, ensure_ascii=False, indent=1) + "\n", "utf-8")
    draft.replace(folder / MANIFEST)

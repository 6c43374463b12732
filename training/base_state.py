"""What a base model is now: its name says too little, since a folder may get other weights and a package be upgraded.

Hashes are kept in a file, so that weights are read again only when their size or time of change is another.
"""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from bot.dialogue.parse import Json
from bot.release import fingerprint, sha256_file, write_json
from nlu.errors import NluError
from retrieval.errors import BaseModelError

KEPT = ".bases.json"
"""Beside the releases: for each file of a base its size, its time of change in nanoseconds, and its SHA-256."""

_READ = (".json", ".txt", ".jinja", ".safetensors", ".gguf")
_ALONE = threading.Lock()


def base_state(name: str, resolve: Callable[[str], Path], models: Path) -> str | None:
    """The revision of a hub id, else a hash over all files of the base; None if it is not here. Fetches nothing.

    ``resolve`` finds the folder or file of a name that is a package or a path; ``models`` is where hashes are kept.
    """
    if not name.startswith("package:") and not Path(name).expanduser().exists():
        return _revision(name)
    try:
        place = resolve(name)
    except (NluError, BaseModelError):
        return None
    with _ALONE:  # parts are made side by side, and share the file
        return _hashed(place, models / KEPT)


def _revision(name: str) -> str | None:
    """The newest revision of a hub id in the cache, which is the name of its folder there."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import, and rarely needed
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(name, local_files_only=True)).name
    except (HFValidationError, LocalEntryNotFoundError, OSError):
        return None


def _hashed(place: Path, kept: Path) -> str:
    known = _known(kept)
    now: dict[str, Json] = {}
    hashes: list[Json] = []
    for file in _files(place):
        key, stat = str(file.resolve()), file.stat()
        size, changed, digest = known.get(key, (0, 0, ""))
        if (size, changed) != (stat.st_size, stat.st_ctime_ns):
            digest = sha256_file(file)
        now[key] = [stat.st_size, stat.st_ctime_ns, digest]
        hashes.append([file.relative_to(place).as_posix(), digest])
    if any(known.get(key) != value for key, value in now.items()):
        write_json(kept, {**known, **now})
    return fingerprint(*hashes)


def _files(place: Path) -> Iterator[Path]:
    """The files that a base is read from, in order."""
    files = [place] if place.is_file() else sorted([*place.glob("*"), *place.glob("[0-9]*_*/*")])
    return (file for file in files if file.suffix in _READ and file.is_file())


def _known(kept: Path) -> dict[str, list[Json]]:
    try:
        known = json.loads(kept.read_text("utf-8"))
    except (OSError, ValueError):  # not there yet, or torn: then everything is read again
        return {}
    if not isinstance(known, dict):
        return {}
    return {file: found for file, found in known.items() if isinstance(found, list) and len(found) == 3}

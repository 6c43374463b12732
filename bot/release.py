"""A release is a folder: every part that answers, and a manifest that is written last.

::

    models/
      current.json               which release runs, and which ran before
      .lock                      held by who makes a release
      20261121-093000-1f2e3d/    a release
        manifest.json            format, parts with fingerprints, every file with size and SHA-256, metrics
        project/ policy/ nlu/ knowledge/ generator/

A folder without a manifest is no release: a crash while building leaves nothing that could be loaded. Knows nothing of
what the parts hold. Nothing is ever unpickled.
"""

import datetime
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.dialogue.parse import Json
from bot.errors import ReleaseError

FORMAT = 1
MANIFEST = "manifest.json"
CURRENT = "current.json"
LOCK = ".lock"

_UNTRAINED = "{}: nothing was trained yet; run `kefu train`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A complete release on disk. ``fingerprints``: what each part was made from, as a hash of its inputs."""

    id: str
    folder: Path
    created: str
    fingerprints: Mapping[str, str]
    metrics: Mapping[str, Json]

    def part(self, name: str) -> Path | None:
        """The folder of a part, None if the release has no such part."""
        return self.folder / name if name in self.fingerprints else None


@contextmanager
def releases_lock(models: Path, *, wait: bool = True) -> Iterator[bool]:
    """Be the only program that makes releases here: what reads the current one, builds on it and promotes holds this.

    Yields whether it is held, which it always is with ``wait``; waiting is told on standard error. A program that ends
    in any way lets it go. Raises ReleaseError where ``models`` is missing: the first training makes it.
    """
    try:
        lock = (models / LOCK).open("w")
    except FileNotFoundError as exc:
        raise ReleaseError(_UNTRAINED.format(models)) from exc
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                yield False
                return
            print(f"{models}: another training is at work there; this one begins when it ends", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield True


class ReleaseDraft:
    """A release that is being built in a hidden folder beside the others. ``finish`` publishes it whole."""

    def __init__(self, models: Path) -> None:
        models.mkdir(parents=True, exist_ok=True)
        now = datetime.datetime.now(datetime.UTC)
        self.id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        self.folder = models / f".building-{self.id}"
        self.folder.mkdir()
        self._models = models
        self._created = now.isoformat(timespec="seconds")
        self._fingerprints: dict[str, str] = {}

    def add(self, name: str, fingerprint: str) -> Path:
        """Where the part is to be written; the folder does not exist yet."""
        self._fingerprints[name] = fingerprint
        return self.folder / name

    def drop(self, name: str) -> None:
        """Do without a part after all."""
        del self._fingerprints[name]
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def reuse(self, name: str, fingerprint: str, previous: Release | None) -> bool:
        """Take the part from an earlier release if it was made from the same inputs; files are hard-linked."""
        if previous is None or previous.fingerprints.get(name) != fingerprint:
            return False
        shutil.copytree(previous.folder / name, self.add(name, fingerprint), copy_function=_link)
        return True

    def finish(self, metrics: Mapping[str, Json]) -> Release:
        """Write the manifest, then give the folder its name. Raises ReleaseError if a part is not there."""
        if missing := [name for name in self._fingerprints if not (self.folder / name).is_dir()]:
            raise ReleaseError(f"{self.folder / missing[0]}: somebody deleted it while it was made; train again")
        files = {
            path.relative_to(self.folder).as_posix(): path for path in sorted(self.folder.rglob("*")) if path.is_file()
        }
        manifest = {
            "format": FORMAT,
            "id": self.id,
            "created": self._created,
            "fingerprints": self._fingerprints,
            "metrics": metrics,
            "files": {
                name: {"size_bytes": path.stat().st_size, "sha256": sha256_file(path)} for name, path in files.items()
            },
        }
        write_json(self.folder / MANIFEST, manifest)
        target = self._models / self.id
        self.folder.rename(target)
        return open_release(target, verify=False)

    def discard(self) -> None:
        """Remove what was built so far."""
        shutil.rmtree(self.folder, ignore_errors=True)


def open_release(folder: Path, *, verify: bool = True) -> Release:
    """Read a release. With ``verify`` every file is compared with the manifest first.

    Raises ReleaseError for a folder that is missing, torn, changed or of another format.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        if manifest["format"] != FORMAT:
            raise ReleaseError(
                f"{folder}: release format {manifest['format']} is not {FORMAT}; train again with this version"
            )
        if verify:
            _verify(folder, manifest["files"])
        return Release(
            id=manifest["id"],
            folder=folder,
            created=manifest["created"],
            fingerprints=manifest["fingerprints"],
            metrics=manifest["metrics"],
        )
    except FileNotFoundError as exc:
        raise ReleaseError(f"{folder}: no release ({exc.filename} is missing); run `kefu train`") from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ReleaseError(f"{folder / MANIFEST}: damaged ({exc}); train again or roll back") from exc


def list_releases(models: Path) -> list[Release]:
    """Every complete release, oldest first."""
    manifests = sorted(models.glob(f"*/{MANIFEST}")) if models.is_dir() else []
    return [open_release(path.parent, verify=False) for path in manifests if not path.parent.name.startswith(".")]


def current_release(models: Path, *, verify: bool = True) -> Release:
    """The release that is to run. Raises ReleaseError where there is none."""
    history = _history(models)
    if not history:
        raise ReleaseError(_UNTRAINED.format(models))
    return open_release(models / history[-1], verify=verify)


def promote(models: Path, release_id: str) -> Release:
    """Make a release the current one. Raises ReleaseError if it cannot be used."""
    if Path(release_id).name != release_id:
        raise ReleaseError(f"{release_id!r} is no release id; see `kefu releases list`")
    release = open_release(models / release_id)
    history = [entry for entry in _history(models) if entry != release_id]
    write_json(models / CURRENT, {"history": [*history, release_id]})
    return release


def roll_back(models: Path) -> Release:
    """Make the release before the current one current again. Raises ReleaseError where there is none."""
    history = _history(models)
    if len(history) < 2:
        raise ReleaseError(f"{models}: no earlier release to go back to")
    release = open_release(models / history[-2])
    write_json(models / CURRENT, {"history": history[:-1]})
    return release


def prune(models: Path, keep: int) -> list[str]:
    """Delete all but the newest ``keep`` releases, never the current one; returns the ids that went.

    Unfinished folders that a crash left behind go as well, so the caller holds the lock.
    """
    for leftover in models.glob(".building-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    history = _history(models)
    keep_ids = {*history[-1:], *(release.id for release in list_releases(models)[-keep:])}
    gone = [release for release in list_releases(models) if release.id not in keep_ids]
    for release in gone:
        shutil.rmtree(release.folder)
    write_json(models / CURRENT, {"history": [entry for entry in history if (models / entry).is_dir()]})
    return [release.id for release in gone]


def fingerprint(*inputs: Json | bytes) -> str:
    """A SHA-256 over JSON values and bytes: equal inputs give equal parts."""
    digest = hashlib.sha256()
    for value in inputs:
        data = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True, ensure_ascii=False).encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, value: Mapping[str, Json] | Mapping[str, object]) -> None:
    """Replace a file in one step, so that a reader finds the old text or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _verify(folder: Path, files: Mapping[str, Mapping[str, Json]]) -> None:
    for name, entry in files.items():
        path = folder / name
        if path.stat().st_size != entry["size_bytes"] or sha256_file(path) != entry["sha256"]:
            raise ReleaseError(f"{path}: not the file that was trained; train again or roll back")


def _history(models: Path) -> list[str]:
    path = models / CURRENT
    if not path.exists():
        return []
    try:
        history: Sequence[str] = json.loads(path.read_text("utf-8"))["history"]
        return list(history)
    except (ValueError, KeyError, TypeError) as exc:
        raise ReleaseError(f"{path}: damaged ({exc}); promote a release with `kefu releases promote ID`") from exc


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)

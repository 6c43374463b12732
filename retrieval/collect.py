"""Documents from files, folders and web addresses into a knowledge folder, with a list of where each came from.

Only what changed is written; what a source no longer has is removed; files that a person put there are never touched.
"""

import asyncio
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from yarl import URL

from retrieval.documents import Fault
from retrieval.guarded_http import GuardedHttp
from retrieval.ingest import PACKED_LIMIT_BYTES, READABLE, document_files
from retrieval.provenance import Origin, load_origins, origins_lock, save_origins
from retrieval.site import Limits, Page, Stored, visit

What = Literal["added", "changed", "unchanged", "removed", "left out"]
_UNSAFE = re.compile(r"[^\w.@-]+")
_NAME_CHARS, _NAME_BYTES = 80, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one file of the knowledge folder."""

    path: str
    what: What
    place: str


@dataclass(slots=True)
class Collection:
    """A knowledge folder while sources are brought into it. ``changes`` and ``faults`` say what was done."""

    folder: Path
    origins: dict[str, Origin]
    changes: list[Change] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _paths: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._paths = {origin.place: path for path, origin in self.origins.items()}

    def stored(self, place: str) -> Stored | None:
        """What was fetched from a place, if the file is still as it was written."""
        path = self._paths.get(place)
        if path is None:
            return None
        try:
            raw = (self.folder / path).read_bytes()
        except OSError:  # it is fetched again
            return None
        if _hash(raw) != self.origins[path].sha256:
            return None
        return Stored(origin=self.origins[path], suffix=PurePosixPath(path).suffix.lower(), body=raw)

    def keep(self, path: str, raw: bytes, origin: Origin) -> None:
        """Write a file where its content is new. ``path`` is where it would go if it were not there yet."""
        try:
            self._keep(path, raw, origin)
        except OSError as error:
            self.fault(origin.place, f"{path} cannot be written ({error.strerror})", "save it there under another name")

    def _keep(self, path: str, raw: bytes, origin: Origin) -> None:
        before = self._paths.get(origin.place)
        if before and self.origins[before].removed:
            self.changes.append(Change(path=before, what="left out", place=origin.place))
            return
        known = self.origins[before] if before else None
        if before is None or PurePosixPath(before).suffix.lower() != PurePosixPath(path).suffix.lower():
            path = self._free(path, origin.place)  # a file of another kind would be read by the wrong parser
        else:
            path = before
        file = self.folder / path
        same = file.is_file() and _hash(file.read_bytes()) == origin.sha256
        if path not in self.origins and file.exists() and not same:  # the same was fetched by a run that was killed
            self.fault(origin.place, f"{path} is a file of your own", "rename or remove that file")
            return
        if not same:
            if not file.resolve().is_relative_to(self.folder.resolve()):
                self.fault(origin.place, f"{path} lies outside of the folder", "remove the link on its way")
                return
            file.parent.mkdir(parents=True, exist_ok=True)
            draft = file.with_name(f".{origin.sha256[:16]}.new")
            draft.write_bytes(raw)
            draft.replace(file)
        if before and before != path:
            self._delete(before)
        self.origins[path] = replace(origin, fetched=known.fetched) if same and known else origin
        self._paths[origin.place] = path
        self.changes.append(
            Change(path=path, what="unchanged" if same else "changed" if known else "added", place=origin.place)
        )

    def remove_others(self, source: str, places: set[str]) -> None:
        """Remove the files of a source that came from other places than these."""
        for path, origin in list(self.origins.items()):
            if origin.source == source and origin.place not in places:
                self._delete(path)
                self._paths.pop(origin.place, None)
                self.changes.append(Change(path=path, what="removed", place=origin.place))

    def _delete(self, path: str) -> None:
        """Forget a file that was fetched, and remove it; what lies in the place of one taken out is a person's own."""
        if not self.origins.pop(path).removed:
            file = self.folder / path
            file.unlink(missing_ok=True)
            for parent in file.relative_to(self.folder).parents[:-1]:
                if (self.folder / parent).is_dir() and not any((self.folder / parent).iterdir()):
                    (self.folder / parent).rmdir()

    def _free(self, path: str, place: str) -> str:
        """The path, or one that tells two places apart whose names differ only in what a file name cannot hold."""
        if path not in self.origins:
            return path
        pure = PurePosixPath(path)
        return str(pure.with_name(f"{pure.stem}-{_hash(place.encode())[:8]}{pure.suffix}"))

    def fault(self, place: str, problem: str, remedy: str) -> None:
        """Note what could not be had."""
        self.faults.append(Fault(path=place, line=0, problem=problem, remedy=remedy))


def collect(
    sources: Sequence[str], folder: Path, *, private_hosts: frozenset[str] = frozenset(), limits: Limits | None = None
) -> Collection:
    """Bring sources into a knowledge folder, which is made. Raises ``ManifestError`` and ``OSError`` of that folder.

    ``private_hosts``: see ``GuardedHttp``. The list of origins is written after each source.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with origins_lock(folder):
        collection = Collection(folder=folder, origins=dict(load_origins(folder)))
        for source in sources:
            try:
                if "://" in source:
                    asyncio.run(_fetch(source, collection, private_hosts, limits or Limits()))
                else:
                    _copy(Path(source), collection)
            finally:  # what was written before an interruption must not look like a file of one's own
                save_origins(folder, collection.origins)
    return collection


def _copy(source: Path, collection: Collection) -> None:
    whole = source.resolve()
    if not whole.exists():
        collection.fault(str(source), "no such file or folder", "correct the path; what it brought before is kept")
        return
    own = collection.folder.resolve()
    if whole.is_relative_to(own) or own.is_relative_to(whole):
        collection.fault(str(source), "is, or holds, the knowledge folder itself", "name another one")
        return
    files = list(_local_files(whole))
    if not files:
        remedy = "mount or fill it; what it brought before is kept, and kefu knowledge --remove takes it out"
        collection.fault(str(source), "an empty folder", remedy)
        return
    places: set[str] = set()
    for file, path in files:
        place = str(file)
        if file.suffix.lower() not in READABLE:
            collection.fault(place, "a kind that cannot be read", f"save it as one of {' '.join(READABLE)}")
            continue
        places.add(place)
        try:
            if file.stat().st_size > PACKED_LIMIT_BYTES:
                collection.fault(place, "too large", f"split it into files below {PACKED_LIMIT_BYTES} bytes")
                continue
            raw = file.read_bytes()
        except OSError as error:
            collection.fault(place, f"cannot be read ({error.strerror})", "check its permissions")
            continue
        origin = Origin(source=str(whole), place=place, fetched=_now(), sha256=_hash(raw))
        collection.keep(path, raw, origin)
    collection.remove_others(str(whole), places)


def _local_files(whole: Path) -> Iterator[tuple[Path, str]]:
    if whole.is_file():
        yield whole, whole.name
        return
    for file, path in document_files(whole):
        yield file, f"{whole.name}/{path}"


async def _fetch(source: str, collection: Collection, private_hosts: frozenset[str], limits: Limits) -> None:
    try:
        start = URL(source)
    except ValueError:
        collection.fault(source, "no web address", "name one as https://HOST/PATH")
        return
    async with GuardedHttp(private_hosts) as http:
        found = await visit(
            start,
            http,
            stored=collection.stored,
            keep=lambda page: _keep_page(source, page, collection),
            limits=limits,
        )
    collection.faults.extend(found.faults)
    of_source = {origin.place for origin in collection.origins.values() if origin.source == source}
    places = found.places if found.complete else of_source - found.gone
    collection.remove_others(source, places)


def _keep_page(source: str, page: Page, collection: Collection) -> None:
    raw = page.body
    if raw is None:
        before = collection.stored(page.place)
        if before is None:  # it was changed on disk while its server was asked; the next run fetches it
            return
        raw = before.body
    origin = Origin(
        source=source, place=page.place, fetched=_now(), sha256=_hash(raw), etag=page.etag, modified=page.modified
    )
    collection.keep(file_path(URL(page.place), page.suffix), raw, origin)


def file_path(url: URL, suffix: str) -> str:
    """Where a page goes in the folder: its host, then its path, in names that every file system takes."""
    host = f"{url.host}-{url.port}" if url.port not in (80, 443) else str(url.host)
    names = [part for part in url.path.split("/") if part.strip(".")]
    if not names or url.path.endswith("/"):
        names.append("index")
    if url.query_string:
        names[-1] += f"-{_hash(url.query_string.encode())[:8]}"
    stem = names[-1][: -len(suffix)] if names[-1].lower().endswith(suffix) else names[-1]
    return "/".join(map(_safe, [host, *names[:-1]])) + f"/{_safe(stem)}{suffix}"


def _safe(name: str) -> str:
    kept = _UNSAFE.sub("_", name).lstrip(".") or "_"
    if len(kept) <= _NAME_CHARS and len(kept.encode()) <= _NAME_BYTES:
        return kept
    short = kept[: _NAME_CHARS - 9].encode()[: _NAME_BYTES - 9].decode("utf-8", "ignore")
    return f"{short}-{_hash(name.encode())[:8]}"


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

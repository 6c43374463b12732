"""Documents taken out of a knowledge folder for good: the file goes, and ``kefu ingest`` does not bring it back."""

import difflib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from retrieval.errors import NoSuchDocument
from retrieval.ingest import document_files, read_folder
from retrieval.passages import split_documents
from retrieval.provenance import load_origins, origins_lock, save_origins


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A document that went. ``also_in``: documents that hold passages nearly equal to its own, and still answer."""

    path: str
    also_in: tuple[str, ...] = ()


def remove_documents(folder: Path, paths: Sequence[str]) -> list[Removed]:
    """Delete documents, named by their paths in the folder, all or none. Raises NoSuchDocument, ManifestError."""
    with origins_lock(folder) if folder.is_dir() else nullcontext():
        return _removed(folder, paths)


def _removed(folder: Path, paths: Sequence[str]) -> list[Removed]:
    files = {path: file for file, path in document_files(folder)}
    if unknown := [path for path in paths if path not in files]:
        near = difflib.get_close_matches(unknown[0], files, n=1)
        remedy = f'did you mean "{near[0]}"?' if near else "kefu knowledge lists the documents"
        raise NoSuchDocument(f"{folder / unknown[0]}: no such document; {remedy}")
    origins = dict(load_origins(folder))
    places = [{passage.document, *passage.also_in} for passage in split_documents(read_folder(folder).documents)]
    gone = set(paths)
    removed: list[Removed] = []
    for path in dict.fromkeys(paths):
        shared = set[str]().union(*(place for place in places if path in place)) - gone
        removed.append(Removed(path=path, also_in=tuple(sorted(shared))))
        if path in origins:
            origins[path] = replace(origins[path], removed=True)
    if origins:  # first, so that an interruption leaves no file that is gone and would be fetched again
        save_origins(folder, origins)
    for path in dict.fromkeys(paths):
        files[path].unlink()
    return removed

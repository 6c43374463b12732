"""What a knowledge folder holds, document by document, for the person who keeps it. Nothing is embedded."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from retrieval.documents import Document, Fault
from retrieval.ingest import read_folder
from retrieval.passages import split_documents
from retrieval.provenance import Origins, load_origins


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A document. ``passages`` are its own; ``merged`` those that were nearly equal to one of an earlier document.

    ``age_days`` counts from the date that it states, else from the file's last change.
    """

    path: str
    title: str
    language: str
    passages: int
    merged: int
    age_days: int
    date: str | None
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Documents in path order, and what was skipped: faulty files or parts, and files of kinds that are not read."""

    items: tuple[Item, ...]
    faults: tuple[Fault, ...]
    ignored: tuple[str, ...]


def take_inventory(folder: Path, today: date) -> Inventory:
    """Read a knowledge folder as training does. Raises ``ManifestError``."""
    reading, origins = read_folder(folder), load_origins(folder)
    passages = split_documents(reading.documents)
    own = Counter(passage.document for passage in passages)
    merged = Counter(path for passage in passages for path in passage.also_in)
    items = tuple(
        Item(
            path=document.path,
            title=document.title,
            language=document.language,
            passages=own[document.path],
            merged=merged[document.path],
            age_days=max(0, (today - _last_change(document, folder)).days),
            date=document.date,
            source=_source(document, origins),
        )
        for document in reading.documents
    )
    return Inventory(items=items, faults=reading.faults, ignored=reading.ignored)


def _last_change(document: Document, folder: Path) -> date:
    try:
        return date.fromisoformat((document.date or "")[:10])
    except ValueError:
        return datetime.fromtimestamp((folder / document.path).stat().st_mtime, UTC).date()


def _source(document: Document, origins: Origins) -> str | None:
    origin = origins.get(document.path)
    return origin.place if origin else document.url

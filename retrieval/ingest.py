"""A knowledge folder on disk into documents. Knows folders, sizes and encodings; the parsers know the kinds of files.

A file that cannot be read becomes a ``Fault`` and is skipped; it never ends the run. Paths are relative to the folder,
with forward slashes. Hidden files, and links that lead out of the folder, are not followed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from retrieval.contained import ContainedParser
from retrieval.documents import Document, Fault, FaultyFile, Parser, Reading, visible
from retrieval.faq import parse_faq_csv, parse_faq_json, parse_faq_yaml
from retrieval.markdown import parse_markdown
from retrieval.orders import without_orders
from retrieval.parser_child import SUFFIXES
from retrieval.plain_text import parse_plain_text
from retrieval.provenance import load_origins

FILE_LIMIT_BYTES = 8 * 1024 * 1024
PACKED_LIMIT_BYTES = 64 * 1024 * 1024
"""PDF and office files are mostly pictures and fonts."""

PARSERS: Mapping[str, Parser] = {
    ".md": parse_markdown,
    ".markdown": parse_markdown,
    ".csv": parse_faq_csv,
    ".tsv": parse_faq_csv,
    ".yml": parse_faq_yaml,
    ".yaml": parse_faq_yaml,
    ".json": parse_faq_json,
    ".txt": parse_plain_text,
}
"""What is parsed in this process; files with ``SUFFIXES`` are parsed in another."""

READABLE = (*PARSERS, *SUFFIXES)
"""The endings of files that can be read."""

_LEGAL = ("license", "licence", "copying", "notice")
"""Files with these names are about the others, and no customer asks for them."""


def read_folder(folder: Path) -> Reading:
    """Every document below a folder, in path order. A missing folder reads as an empty one with a fault.

    What was fetched has its address from the list of origins, where it names none itself. Raises ``ManifestError``.
    """
    if not folder.is_dir():
        fault = Fault(path=folder.name, line=0, problem="no such folder", remedy="put your help pages there")
        return Reading(documents=(), faults=(fault,))
    origins = load_origins(folder)
    documents: list[Document] = []
    faults: list[Fault] = []
    ignored: list[str] = []
    with ContainedParser() as contained:
        for file, path in document_files(folder):
            if not is_page(file):
                ignored.append(path)
                continue
            try:
                document, partial = _read(file, path, contained)
            except FaultyFile as error:
                faults.append(Fault(path=path, line=error.line, problem=error.problem, remedy=error.remedy))
            else:
                url = document.url or (origins[path].url if path in origins else None)
                document, left_out = without_orders(replace(document, url=url))
                documents.append(document)
                faults.extend((*partial, *left_out))
    return Reading(documents=tuple(documents), faults=tuple(faults), ignored=tuple(ignored))


def document_files(folder: Path) -> Iterable[tuple[Path, str]]:
    """Every file of a folder, with its path in it, that is neither hidden nor outside of it, in path order."""
    root = folder.resolve()
    for file in sorted(folder.rglob("*")):
        relative = file.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if not hidden and file.is_file() and file.resolve().is_relative_to(root):
            yield file, relative.as_posix()


def is_page(file: Path) -> bool:
    """Whether the name of a file is that of a page: of a kind that can be read, and not about the other files."""
    return file.suffix.lower() in READABLE and file.stem.lower() not in _LEGAL


def _read(file: Path, path: str, contained: ContainedParser) -> tuple[Document, tuple[Fault, ...]]:
    parser = PARSERS.get(file.suffix.lower())
    try:
        size, limit = file.stat().st_size, FILE_LIMIT_BYTES if parser else PACKED_LIMIT_BYTES
        if size > limit:
            raise FaultyFile(0, f"{size} bytes is too large", f"split it into files below {limit} bytes")
        return parser(path, _text(file.read_bytes())) if parser else contained.parse(path, file)
    except OSError as error:
        raise FaultyFile(0, f"cannot be read ({error.strerror})", "check that it exists and its permissions") from error


def _text(raw: bytes) -> str:
    """What is visible of a text, its lines ended by a line feed each."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise FaultyFile(line, "not valid UTF-8", "save the file as UTF-8") from error
    if "\0" in text:
        raise FaultyFile(text.count("\n", 0, text.index("\0")) + 1, "holds a NUL", "save the file as plain text")
    return visible(text.replace("\r\n", "\n").replace("\r", "\n"))

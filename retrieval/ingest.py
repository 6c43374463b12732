"""A knowledge folder on disk into documents. Knows folders, sizes and encodings; the parsers know the kinds of files.

A file that cannot be read becomes a ``Fault`` and is skipped; it never ends the run. Paths are relative to the folder,
with forward slashes. Hidden files, and links that lead out of the folder, are not followed.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from retrieval.documents import Document, Fault, FaultyFile, Parser, Reading
from retrieval.faq import parse_faq_csv, parse_faq_yaml
from retrieval.markdown import parse_markdown

FILE_LIMIT_BYTES = 8 * 1024 * 1024

PARSERS: Mapping[str, Parser] = {
    ".md": parse_markdown,
    ".markdown": parse_markdown,
    ".csv": parse_faq_csv,
    ".tsv": parse_faq_csv,
    ".yml": parse_faq_yaml,
    ".yaml": parse_faq_yaml,
}


def read_folder(folder: Path) -> Reading:
    """Every document below a folder, in path order. A missing folder reads as an empty one with a fault."""
    if not folder.is_dir():
        fault = Fault(path=folder.name, line=0, problem="no such folder", remedy="put your help pages there")
        return Reading(documents=(), faults=(fault,))
    documents: list[Document] = []
    faults: list[Fault] = []
    ignored: list[str] = []
    for file, path in _files(folder):
        parser = PARSERS.get(file.suffix.lower())
        if parser is None:
            ignored.append(path)
            continue
        try:
            document, partial = parser(path, _text(file))
        except FaultyFile as error:
            faults.append(Fault(path=path, line=error.line, problem=error.problem, remedy=error.remedy))
        else:
            documents.append(document)
            faults.extend(partial)
    return Reading(documents=tuple(documents), faults=tuple(faults), ignored=tuple(ignored))


def _files(folder: Path) -> Iterable[tuple[Path, str]]:
    root = folder.resolve()
    for file in sorted(folder.rglob("*")):
        relative = file.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if not hidden and file.is_file() and file.resolve().is_relative_to(root):
            yield file, relative.as_posix()


def _text(file: Path) -> str:
    try:
        size = file.stat().st_size
        raw = file.read_bytes() if size <= FILE_LIMIT_BYTES else b""
    except OSError as error:
        raise FaultyFile(0, f"cannot be read ({error.strerror})", "check that it exists and its permissions") from error
    if size > FILE_LIMIT_BYTES:
        raise FaultyFile(0, f"{size} bytes is too large", f"split it into files below {FILE_LIMIT_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise FaultyFile(line, "not valid UTF-8", "save the file as UTF-8") from error
    if "\0" in text:
        raise FaultyFile(text.count("\n", 0, text.index("\0")) + 1, "holds a NUL", "save the file as plain text")
    return text

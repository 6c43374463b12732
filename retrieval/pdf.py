"""A PDF into a document: a section a page, under the bookmarks that lead there. Runs in ``retrieval.parser_child``.

A page's anchor is ``page=N``, which browsers open. Lines are joined to paragraphs; what stands at the top or the foot
of most pages is left out. Pictures of text are not read.
"""

import io
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import Destination

from retrieval.documents import Block, Document, FaultyFile, Section, guess_language, named_after

PAGE_LIMIT = 3000
TEXT_LIMIT_CHARS = 8_000_000

_NUMBERS = re.compile(r"\d+")
_SPACE = re.compile(r"\s+")
_ITEM = re.compile(r"\s*(?:[•●▪◦‣·*–-]|\d{1,2}[.)、]|[（(]\d{1,2}[)）])\s*\S")
_ENDS = (".", "!", "?", ":", "。", "！", "？", "：", "；")
_CJK = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
_SHORT_LINE = 0.75
"""A line that ends a sentence and is shorter than this share of the page's longest line ends its paragraph."""
_TITLE_LINE = 0.5
"""So does any line that is shorter than this: it is a title, or a last line without its mark."""


def parse_pdf(path: str, raw: bytes) -> Document:
    """A PDF. Raises ``FaultyFile`` where it is locked, broken or holds no text."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise FaultyFile(0, "locked by a password", "save it without one")
        count = len(reader.pages)
        if count > PAGE_LIMIT:
            raise FaultyFile(0, f"{count} pages are too many", f"split it into files of at most {PAGE_LIMIT} pages")
        pages = list(_page_lines(reader))
        marks = _bookmarks(reader)
        about = reader.metadata
        title = _words(about.title or "") if about else ""
        changed = about.modification_date or about.creation_date if about else None
    except FaultyFile:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, RecursionError) as error:
        problem = f"no PDF that can be read ({type(error).__name__})"
        raise FaultyFile(0, problem, "print it to a new PDF and use that") from error
    sections = tuple(_sections(pages, marks))
    if not sections:
        raise FaultyFile(0, "no text, as in a scan", "run text recognition (OCR) on it first")
    words = " ".join(block.text for section in sections for block in section.blocks)
    return Document(
        path=path,
        title=title or named_after(path),
        language=guess_language(f"{title} {words}"),
        date=changed.date().isoformat() if changed else None,
        sections=sections,
    )


def _page_lines(reader: PdfReader) -> Iterator[list[str]]:
    total = 0
    for page in reader.pages:
        text = page.extract_text()
        total += len(text)
        if total > TEXT_LIMIT_CHARS:
            raise FaultyFile(0, f"more than {TEXT_LIMIT_CHARS} characters of text", "split it into several files")
        yield [line.rstrip() for line in text.split("\n")]


def _bookmarks(reader: PdfReader) -> dict[int, tuple[str, ...]]:
    """The path of titles of the last bookmark that leads to each page; nothing if the outline is broken."""
    found: dict[int, tuple[str, ...]] = {}

    def walk(entries: Sequence[object], above: tuple[str, ...]) -> None:
        title: tuple[str, ...] = above
        for entry in entries:
            if isinstance(entry, list):
                walk(entry, title)
            elif isinstance(entry, Destination):
                title = (*above, _words(str(entry.title)))
                number = reader.get_destination_page_number(entry)
                if number is not None:
                    found[number] = title

    try:
        walk(reader.outline, ())
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return found


def _sections(pages: Sequence[Sequence[str]], marks: dict[int, tuple[str, ...]]) -> Iterator[Section]:
    repeated = _repeated(pages)
    headings: tuple[str, ...] = ()
    for number, lines in enumerate(pages):
        headings = marks.get(number, headings)
        kept = [line for line in lines if _pattern(line) not in repeated]
        blocks = tuple(_paragraphs(kept))
        if blocks:
            yield Section(
                headings=headings,
                raw_heading=headings[-1] if headings else "",
                anchor=f"page={number + 1}",
                blocks=blocks,
            )


def _repeated(pages: Sequence[Sequence[str]]) -> set[str]:
    """The first and last lines that more than half of at least three pages share, numbers aside."""
    counts: Counter[str] = Counter()
    for lines in pages:
        filled = [line for line in lines if line.strip()]
        counts.update({_pattern(line) for line in (*filled[:2], *filled[-2:])})
    return {line for line, count in counts.items() if count >= 3 and count > len(pages) / 2}


def _pattern(line: str) -> str:
    return _NUMBERS.sub("#", _words(line))


def _paragraphs(lines: Sequence[str]) -> Iterator[Block]:
    longest = max(map(len, lines), default=0)
    text, item = "", False
    for line in lines:
        starts_item = bool(_ITEM.match(line))
        if text and (not line.strip() or starts_item):
            yield Block(text=text, kind="item" if item else "text")
            text = ""
        if not line.strip():
            continue
        item = starts_item if not text else item
        text = _joined(text, _words(line))
        if len(line) < (_SHORT_LINE if line.endswith(_ENDS) else _TITLE_LINE) * longest:
            yield Block(text=text, kind="item" if item else "text")
            text = ""
    if text:
        yield Block(text=text, kind="item" if item else "text")


def _joined(text: str, line: str) -> str:
    if not text:
        return line
    if text.endswith("-") and text[-2:-1].isalpha() and line[:1].islower():
        return text[:-1] + line
    tight = _CJK.match(text[-1]) and _CJK.match(line)
    return text + ("" if tight else " ") + line


def _words(text: str) -> str:
    return _SPACE.sub(" ", text).strip()

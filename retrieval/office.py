"""DOCX, PPTX and XLSX into documents. Runs in ``retrieval.parser_child``.

These files are archives: what they would unpack to is summed from their directory, which Python's reader never exceeds,
before anything is unpacked. Hidden text, hidden slides, hidden sheets and speaker notes are left out.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import docx
import openpyxl
import pptx
from docx.table import Table
from docx.text.paragraph import Paragraph

from retrieval.documents import (
    Block,
    Document,
    FaqEntry,
    Fault,
    FaultyFile,
    Section,
    guess_language,
    named_after,
    row_text,
)
from retrieval.faq import faq_columns, faq_entry
from retrieval.markdown import slug

UNPACKED_LIMIT_BYTES = 200_000_000
MEMBER_LIMIT = 10_000
ROW_LIMIT = 100_000
CELL_LIMIT = 200

Outcome: TypeAlias = tuple[Document, tuple[Fault, ...]]

_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\xa0]+")


def parse_office(path: str, raw: bytes) -> tuple[Document, tuple[Fault, ...]]:
    """A file, by its ending, and its partial faults.

    Raises ``FaultyFile`` where it is broken, too large when unpacked, or holds no text.
    """
    _check_archive(raw)
    read = _READERS[path.rsplit(".", 1)[-1].lower()]
    try:
        document, faults = read(path, io.BytesIO(raw))
    except FaultyFile:
        raise
    except MemoryError:
        raise
    except Exception as error:  # these libraries let through whatever their XML and archive readers raise
        problem = f"not a file of its kind that can be read ({type(error).__name__})"
        raise FaultyFile(0, problem, "open it in an office program and save it again") from error
    if not document.sections and not document.entries:
        raise FaultyFile(0, "no text", "add some, or remove the file")
    return document, faults


def _check_archive(raw: bytes) -> None:
    try:
        members = zipfile.ZipFile(io.BytesIO(raw)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        remedy = "save it without a password as DOCX, PPTX or XLSX (the older DOC, PPT and XLS are not read)"
        raise FaultyFile(0, "no archive, as a file of this kind must be", remedy) from error
    size = sum(member.file_size for member in members)
    if size > UNPACKED_LIMIT_BYTES or len(members) > MEMBER_LIMIT:
        problem = f"unpacks to {size} bytes in {len(members)} parts"
        remedy = f"bring it below {UNPACKED_LIMIT_BYTES} bytes and {MEMBER_LIMIT} parts: remove pictures, or split it"
        raise FaultyFile(0, problem, remedy)


def _read_docx(path: str, file: io.BytesIO) -> Outcome:
    word = docx.Document(file)
    sections: list[Section] = []
    path_of_headings: list[tuple[int, str]] = []
    blocks: list[Block] = []
    title = _words(word.core_properties.title or "")

    def close() -> None:
        if blocks:
            headings = tuple(name for _, name in path_of_headings)
            last = headings[-1] if headings else ""
            sections.append(Section(headings=headings, raw_heading=last, anchor=slug(last), blocks=tuple(blocks)))
            blocks.clear()

    for part in word.iter_inner_content():
        if isinstance(part, Table):
            cells = [[_words(cell.text) for cell in row.cells] for row in part.rows]
            blocks.extend(_rows(cells))
            continue
        text = _seen(part)
        style = (part.style.name if part.style else None) or ""
        heading = _HEADING.match(style)
        if not text:
            continue
        if style == "Title":
            title = text
        elif heading:
            close()
            level = int(heading.group(1))
            path_of_headings[:] = [*((at, name) for at, name in path_of_headings if at < level), (level, text)]
        elif style.startswith("List") or part._p.xpath("./w:pPr/w:numPr"):
            blocks.append(Block(text=f"- {text}", kind="item"))
        else:
            blocks.append(Block(text=text))
    close()
    return _document(path, title, word.core_properties, sections=sections), ()


def _seen(paragraph: Paragraph) -> str:
    """A paragraph's text without hidden runs, links included."""
    hidden = {run._r for run in paragraph.runs if run.font.hidden}
    hidden |= {run._r for link in paragraph.hyperlinks for run in link.runs if run.font.hidden}
    if not hidden:
        return _words(paragraph.text)
    pieces = [
        piece.text if hasattr(piece, "font") else "".join(run.text for run in piece.runs if run._r not in hidden)
        for piece in paragraph.iter_inner_content()
        if getattr(piece, "_r", None) not in hidden
    ]
    return _words("".join(pieces))


def _read_pptx(path: str, file: io.BytesIO) -> Outcome:
    show = pptx.Presentation(file)
    sections: list[Section] = []
    for number, slide in enumerate(show.slides, 1):
        if slide._element.get("show") == "0":
            continue
        title_shape = slide.shapes.title
        heading = _words(title_shape.text_frame.text) if title_shape is not None else ""
        blocks = [block for shape in _shapes(slide.shapes) if shape != title_shape for block in _shape_blocks(shape)]
        if blocks or heading:
            shown = tuple(blocks) or (Block(text=heading),)
            headings = (heading,) if heading else ()
            sections.append(Section(headings=headings, raw_heading=heading, anchor=f"slide={number}", blocks=shown))
    return _document(path, _words(show.core_properties.title or ""), show.core_properties, sections=sections), ()


def _shapes(shapes: Any) -> Iterator[Any]:
    """Shapes with those of groups, group by group; a stack, as groups may nest without end."""
    waiting = list(shapes)[::-1]
    while waiting:
        shape = waiting.pop()
        if hasattr(shape, "shapes"):
            waiting.extend(list(shape.shapes)[::-1])
        else:
            yield shape


def _shape_blocks(shape: Any) -> Iterator[Block]:
    if shape.has_text_frame:
        for paragraph in shape.text_frame.paragraphs:
            if text := _words(paragraph.text):
                yield Block(text=f"- {text}", kind="item")
    elif getattr(shape, "has_table", False):
        yield from _rows([[_words(cell.text) for cell in row.cells] for row in shape.table.rows])


def _read_xlsx(path: str, file: io.BytesIO) -> Outcome:
    book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    sections: list[Section] = []
    entries: list[FaqEntry] = []
    faults: list[Fault] = []
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            continue
        rows = _filled_rows(sheet)
        head = next(rows, (0, []))[1]
        names = faq_columns(head)
        if names:
            for number, cells in rows:
                if entry := faq_entry(names, cells):
                    entries.append(entry)
                else:
                    problem = f"sheet {sheet.title}: a question without an answer, or the reverse"
                    faults.append(Fault(path=path, line=number, problem=problem, remedy="fill both in"))
        elif blocks := tuple(_rows([head, *(cells for _, cells in rows)])):
            sections.append(Section(headings=(sheet.title,), raw_heading=sheet.title, blocks=blocks))
    title = _words(book.properties.title or "")
    return _document(path, title, book.properties, sections=sections, entries=entries), tuple(faults)


def _filled_rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold something, with their numbers."""
    for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=CELL_LIMIT), 1):
        if number > ROW_LIMIT:
            raise FaultyFile(number, f"more than {ROW_LIMIT} rows", "split the sheet")
        cells = [_cell(value) for value in row]
        if any(cells):
            yield number, cells


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
            return value.date().isoformat() if midnight else value.isoformat(" ", "minutes")
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value).strip()


def _rows(rows: Sequence[Sequence[str]]) -> Iterator[Block]:
    """Body rows, each with the names of the first row; a table of a single row is that row."""
    head, body = (rows[0], rows[1:]) if len(rows) > 1 else ([], rows)
    for cells in body:
        if text := row_text(head, cells):
            yield Block(text=text, kind="row")


def _document(
    path: str, title: str, about: Any, *, sections: Sequence[Section] = (), entries: Sequence[FaqEntry] = ()
) -> Document:
    texts = [block.text for section in sections for block in section.blocks]
    texts += [f"{entry.question} {entry.answer}" for entry in entries]
    changed = about.modified
    return Document(
        path=path,
        title=title if title and title != "PowerPoint Presentation" else named_after(path),
        language=guess_language(" ".join([title, *texts])),
        date=changed.date().isoformat() if isinstance(changed, datetime) else None,
        metadata={"category": about.category} if about.category else {},
        sections=tuple(sections),
        entries=tuple(entries),
    )


def _words(text: str) -> str:
    lines = (_SPACE.sub(" ", line).strip() for line in text.replace("\v", "\n").split("\n"))
    return "\n".join(line for line in lines if line)


_READERS: dict[str, Callable[[str, io.BytesIO], Outcome]] = {
    "docx": _read_docx,
    "pptx": _read_pptx,
    "xlsx": _read_xlsx,
}

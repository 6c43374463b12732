"""What a knowledge folder holds, as values: documents with sections or FAQ entries, and faults. No I/O.

``retrieval.ingest`` reads them from disk; ``retrieval.markdown``, ``retrieval.faq``, ``retrieval.web_page``,
``retrieval.pdf`` and ``retrieval.office`` parse their kinds of files.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import PurePosixPath
from typing import Literal

BlockKind = Literal["text", "item", "row", "code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a file, or a part of it, was skipped. ``line`` counts from 1; 0 means the whole file."""

    path: str
    line: int
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.problem}; {self.remedy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph, a list item with what hangs below it, a table row, or code; as readable plain text."""

    text: str
    kind: BlockKind = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What stands under one heading, without its sub-sections.

    ``headings`` is the path from the top, the document's title left out; ``raw_heading`` is the last of them exactly
    as it stands in the file. ``navigation`` marks a section that holds nothing but links.
    """

    headings: tuple[str, ...] = ()
    raw_heading: str = ""
    anchor: str = ""
    blocks: tuple[Block, ...] = ()
    navigation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FaqEntry:
    """A question with its answer (Markdown as written), and other ways to ask it."""

    question: str
    answer: str
    paraphrases: tuple[str, ...] = ()
    url: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link in a document: where it leads, and the words it stands on."""

    target: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file of the knowledge: sections of prose, or FAQ entries. ``language`` is ``en``, ``zh`` or as declared."""

    path: str
    title: str
    language: str
    url: str | None = None
    date: str | None = None
    summary: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    entries: tuple[FaqEntry, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a folder held: documents by path, faults, and files of kinds that are not read."""

    documents: tuple[Document, ...]
    faults: tuple[Fault, ...] = ()
    ignored: tuple[str, ...] = ()


class FaultyFile(Exception):
    """Raised by a parser when nothing of a file can be used."""

    def __init__(self, line: int, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.line, self.problem, self.remedy = line, problem, remedy


Parser = Callable[[str, str], tuple[Document, tuple[Fault, ...]]]
"""Path and text in, a document and its partial faults out; raises ``FaultyFile``."""

_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")


_INVISIBLE = frozenset({"Cf", "Cc", "Co", "Cs", "Cn"})


def visible(text: str) -> str:
    """The text as a reader sees it: without zero-width, control, tag and private characters."""
    unseen = [c for c in set(text) if c not in "\n\t" and unicodedata.category(c) in _INVISIBLE]
    return text.translate(dict.fromkeys(map(ord, unseen))) if unseen else text


def row_text(head: Sequence[str], cells: Sequence[str]) -> str:
    """A table's row as ``head: cell; head: cell``, so that it is understood alone."""
    named = zip_longest(head[: len(cells)], cells, fillvalue="")
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def named_after(path: str) -> str:
    """What a file is called where nothing in it says so."""
    return PurePosixPath(path).stem.replace("-", " ").replace("_", " ")


def guess_language(text: str) -> str:
    """``zh`` where at least a quarter of the word-like units are Chinese characters, else ``en``."""
    chinese = len(_CJK.findall(text))
    return "zh" if chinese and chinese * 3 >= len(_LATIN_WORD.findall(text)) else "en"


def questions_and_headings(documents: Iterable[Document]) -> tuple[str, ...]:
    """Every FAQ question and paraphrase, title and heading, each once: what the knowledge is about, in short texts."""
    texts: dict[str, None] = {}
    for document in documents:
        texts[document.title] = None
        for section in document.sections:
            if section.headings and not section.navigation:
                texts[section.headings[-1]] = None
        for entry in document.entries:
            texts.update(dict.fromkeys((entry.question, *entry.paraphrases)))
    return tuple(text for text in texts if text)

"""A plain text into a document: paragraphs between blank lines, under the short first line if there is one."""

import re

from retrieval.documents import Block, Document, Fault, FaultyFile, Section, guess_language, named_after

_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_ITEM = re.compile(r"[ \t]*(?:[-*•]|\d{1,2}[.)、])[ \t]*\S")
_TITLE_CHARS = 80
_SENTENCE_ENDS = (".", "!", ",", ";", ":", "。", "！", "，", "；", "：")


def parse_plain_text(path: str, text: str) -> tuple[Document, tuple[Fault, ...]]:
    """A text. Raises ``FaultyFile`` if it is empty."""
    paragraphs = [part.strip("\n") for part in _PARAGRAPHS.split(text.strip()) if part.strip()]
    if not paragraphs:
        raise FaultyFile(1, "no text", "add some, or remove the file")
    first = paragraphs[0].strip()
    titled = len(paragraphs) > 1 and len(first) <= _TITLE_CHARS and "\n" not in first
    titled = titled and not first.endswith(_SENTENCE_ENDS)
    title = first if titled else named_after(path)
    blocks = tuple(block for part in paragraphs[titled:] for block in _blocks(part))
    document = Document(path=path, title=title, language=guess_language(text), sections=(Section(blocks=blocks),))
    return document, ()


def _blocks(paragraph: str) -> list[Block]:
    """The lines of a list, or the paragraph."""
    lines = [line.rstrip() for line in paragraph.split("\n")]
    if len(lines) > 1 and all(map(_ITEM.match, lines)):
        return [Block(text=line, kind="item") for line in lines]
    return [Block(text="\n".join(lines))]

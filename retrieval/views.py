"""The texts under which a passage is found: as a whole, by its headings and questions, and sentence by sentence.

One vector for a whole passage blurs its details, so every sentence gets one too; the title is left to the other two.
"""

from collections.abc import Iterator
from typing import Literal, get_args

from retrieval.passages import Passage, sentences

ViewKind = Literal["whole", "sentence", "heading"]
VIEW_KINDS: tuple[ViewKind, ...] = get_args(ViewKind)

_SENTENCE_CHARS = 12
"""A shorter sentence ("Note:") joins the one after it."""


def views(passage: Passage, kind: ViewKind) -> list[str]:
    """The texts of one kind; never empty."""
    match kind:
        case "whole":
            return [whole_text(passage)]
        case "heading":
            asked = passage.aliases if passage.question else ()
            return [". ".join([passage.title, *_headings(passage)]), *asked]
        case "sentence":
            return list(_parts(passage.text)) or [whole_text(passage)]


def whole_text(passage: Passage) -> str:
    """Title, headings and text in one."""
    return ". ".join([passage.title, *_headings(passage), passage.text])


def lexical_text(passage: Passage) -> str:
    """Every word a passage may be found by."""
    return "\n".join([whole_text(passage), *passage.aliases])


def _headings(passage: Passage) -> tuple[str, ...]:
    return () if passage.question else passage.headings


def _parts(text: str) -> Iterator[str]:
    short = ""
    for sentence in sentences(text):
        joined = f"{short} {sentence}".strip()
        short = joined if len(joined) < _SENTENCE_CHARS else ""
        if not short:
            yield joined
    if short:
        yield short

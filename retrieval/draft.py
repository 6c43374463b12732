"""An answer drafted from passages, sentence by sentence, each given out only if the passages support it.

Passages and questions are data: what they ask the model to do may change what it writes, never what is given out.
"""

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from retrieval.documents import visible
from retrieval.generator import Generator
from retrieval.passages import sentences
from retrieval.support import SAYS_NOTHING, check

Passages = Sequence[tuple[str, str, str]]
"""Id, title and text of each passage, best first."""

INSTRUCTION = "Answer the question in one or two sentences, with words from the text."
DECLINE = "The text does not say."
PROMPT_TOKENS = 420
MAX_SENTENCES = 4

_WHOLE = re.compile(r"[.!?。！？；…](?:[\"”’')\]）」』]*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence that was checked, and the passages that carry it."""

    text: str
    passage_ids: tuple[str, ...]


class Writer(Protocol):
    """What drafting needs of a generator."""

    def count(self, text: str) -> int:
        """How many tokens a text has."""
        ...

    def stream(self, system: str, user: str, *, stop: threading.Event) -> Iterator[str]:
        """An answer in pieces; the last is empty if it came to its end."""
        ...


class Drafter:
    """Drafts answers with one generator. For one thread at a time, but several drafts may be under way in turn."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> "Drafter":
        """Read the generator's folder. Raises ``BaseModelError``."""
        return cls(Generator.load(folder, device=device))

    def stream(self, question: str, passages: Passages, *, stop: threading.Event) -> Iterator[Sentence]:
        """Supported sentences in order, up to the first that is not supported; none where the model declines."""
        visible_ones = [(number, visible(title), visible(text)) for number, title, text in passages]
        used = fitting(visible_ones, PROMPT_TOKENS, self._writer)
        given: set[str] = set()
        pieces = self._writer.stream(INSTRUCTION, prompt(visible(question), used), stop=stop)
        for text in whole_sentences(pieces):
            support = check(text, used)
            if support.reasons == (SAYS_NOTHING,):
                continue
            if stop.is_set() or not support.supported or text in given:
                return
            given.add(text)
            yield Sentence(text=text, passage_ids=support.passage_ids)
            if len(given) == MAX_SENTENCES:
                return


def prompt(question: str, passages: Passages) -> str:
    """What the model is asked: the texts first, the question after them."""
    texts = "\n\n".join(text if text.startswith(title) else f"{title}\n{text}" for _, title, text in passages)
    return f"{texts}\n\nQuestion: {question}"


def fitting(passages: Passages, limit: int, writer: Writer) -> list[tuple[str, str, str]]:
    """The first passages that fit into ``limit`` tokens together; the last is cut at a sentence."""
    used: list[tuple[str, str, str]] = []
    for number, title, text in passages:
        limit -= writer.count(f"{title}\n")
        kept: list[str] = []
        for sentence in sentences(text):
            limit -= writer.count(sentence)
            if limit < 0:
                break
            kept.append(sentence)
        if kept:
            used.append((number, title, "\n".join(kept)))
        if limit <= 0:
            break
    return used


def whole_sentences(pieces: Iterator[str]) -> Iterator[str]:
    """Cut a stream into sentences, each as soon as it is whole; a half one at a cut-off end is dropped."""
    text, ended = "", False
    for piece in pieces:
        text, ended = text + piece, not piece
        ready = sentences(text)
        if text.endswith(("\n", "。", "！", "？")):
            yield from ready
            text = ""
        elif len(ready) > 1:
            yield from ready[:-1]
            text = text[text.rindex(ready[-1]) :]
    text = text.strip()
    if text and (ended or _WHOLE.search(text)):
        yield text

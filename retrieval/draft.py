"""An answer drafted from passages, sentence by sentence, each given out only if the passages support it.

Passages and questions are data: what they ask the model to do may change what it writes, never what is given out.
"""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from retrieval.documents import visible
from retrieval.generator import Generator
from retrieval.passages import sentences
from retrieval.prompt import Counter, Earlier, Passages, task_of
from retrieval.support import SAYS_NOTHING, check

MAX_SENTENCES = 4
SENTENCE_CHARS = 600
"""A model that writes a longer one goes round in circles, or copies a page."""

Refused = Callable[[str, Sequence[str]], None]
"""Told of a sentence that is not given out, and why."""

_WHOLE = re.compile(r"[.!?。！？；…](?:[\"”’')\]）」』]*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence that was checked, and the passages that carry it."""

    text: str
    passage_ids: tuple[str, ...]


class Writer(Counter, Protocol):
    """What drafting needs of a generator. ``prompt_tokens``: how many of passages and conversation it is given."""

    @property
    def prompt_tokens(self) -> int: ...  # noqa: D102 - see above

    def stream(self, system: str, user: str, *, stop: threading.Event) -> Iterator[str]:
        """An answer in pieces; the last is empty if it came to its end."""
        ...


class Drafter:
    """Drafts answers with one generator. For one thread at a time, but several drafts may be under way in turn.

    ``tone``, a sentence or two, is put to the model as it is; like all that the model is told, it vouches for nothing.
    """

    def __init__(self, writer: Writer, *, tone: str = "") -> None:
        self._writer, self._tone = writer, visible(tone)

    @classmethod
    def load(
        cls, folder: Path, *, device: str = "cpu", tone: str = "", calm: threading.Event | None = None
    ) -> "Drafter":
        """Read the generator's folder. ``calm`` is not set while others should go first. Raises ``BaseModelError``."""
        return cls(Generator.load(folder, device=device, calm=calm), tone=tone)

    def stream(
        self,
        question: str,
        passages: Passages,
        *,
        stop: threading.Event,
        earlier: Earlier = (),
        refused: Refused | None = None,
    ) -> Iterator[Sentence]:
        """Supported sentences in order, up to the first that is not supported; none where the model declines.

        ``refused`` is told that first one, and why it is not supported.
        Raises ``GeneratorUnavailable`` where a server writes and fails.
        """
        visible_ones = [(number, visible(title), visible(text)) for number, title, text in passages]
        task, used = task_of(
            visible(question),
            visible_ones,
            self._writer,
            self._writer.prompt_tokens,
            tone=self._tone,
            earlier=[(by_customer, visible(text)) for by_customer, text in earlier],
        )
        given: set[str] = set()
        for text in whole_sentences(self._writer.stream(task.system, task.user, stop=stop)):
            support = check(text, used)
            if support.reasons == (SAYS_NOTHING,):
                continue
            if stop.is_set() or text in given:
                return
            if not support.supported:
                if refused:
                    refused(text, support.reasons)
                return
            given.add(text)
            yield Sentence(text=text, passage_ids=support.passage_ids)
            if len(given) == MAX_SENTENCES:
                return


def whole_sentences(pieces: Iterator[str]) -> Iterator[str]:
    """Cut a stream into sentences, each as soon as it is whole; a half one at a cut-off end is dropped.

    The first of more than ``SENTENCE_CHARS`` ends the stream.
    """
    text, ended = "", False
    for piece in pieces:
        text, ended = text + piece, not piece
        ready = sentences(text)
        if text.endswith(("\n", "。", "！", "？")):
            text = ""
        elif len(ready) > 1:
            text = text[text.rindex(ready.pop()) :]
        else:
            ready = []
        for sentence in ready:
            if len(sentence) > SENTENCE_CHARS:
                return
            yield sentence
        if len(text) > SENTENCE_CHARS:
            return
    text = text.strip()
    if text and (ended or _WHOLE.search(text)):
        yield text

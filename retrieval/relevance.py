"""Whether a true sentence answers what was asked, and if not, why. Deterministic and explained; one encoder, no more.

A sentence is held against the best that the passages offer: it must be about as like the question as their most like
statement, or have as many of its telling words as any; and where a question asks for a time, an amount or a place and
the sentence's own passage has one, the sentence must have one.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from retrieval.draft import Refused, Sentence
from retrieval.encoder import Encoder
from retrieval.passages import sentences
from retrieval.words import words

MARGIN = 0.1
"""How much less like the question a sentence may be than the best statement, on a scale from 0 for unrelated texts to
1 for equal ones. Found on FAQ pairs against other answers of the same FAQ (``training/LOG.md``, Answers)."""

MOST_STATEMENTS = 32
"""Statements that a sentence is held against: encoding them takes some milliseconds each."""

_LABELS = re.compile(r"^\s*\d{1,2}[.)、]\s|\+?\d[\d\s()-]{5,}\d", re.MULTILINE)
"""The number of a list's item, and of a telephone."""

_TIME = (
    r"(?<![£$€¥\d.,])\d+(?![\d.,]*\s?(?:%|元|euros?\b|pounds?\b|dollars?\b))|\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|june|july|august|september"
    r"|october|november|december|today|tomorrow|noon|midnight|morning|evening|night|daily|always|any ?time|immediately"
    r"|instantly|hours?|minutes?|days?|weeks?|months?|years?)\b|[周星]期|[每当次]天|小时|分钟|立即|随时|全天|个月|[一二三四五六七八九十两]+[天日周年]"
)
_NUMBER = (
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|once|twice|unlimited|free|no)\b"
    r"|[一二三四五六七八九十两]+[个次张件位天元]|免费|包邮|不限"
)
_PLACE = r"\b(?:at|in|on|near|under|from|to|address|menu|page|street)\b|https?:|[在于到]|页面|地址|网站|菜单"
_KINDS = (
    (
        "time",
        r"^\W*(?:when|what time|how (?:long|soon|fast|quickly))\b|\bwhen (?:do|does|will|is|are|can|must|should)\b"
        r"|什么时候|何时|几点|多久|多长时间|几天",
        _TIME,
    ),
    ("amount", r"\bhow (?:much|many|often|big|large|far)\b|多少|几[个次张件位元]", _NUMBER),
    ("place", r"^\W*where\b|哪里|哪儿|在哪|什么地方", _PLACE),
)
_ASKS = tuple((kind, re.compile(asks, re.IGNORECASE), re.compile(gives, re.IGNORECASE)) for kind, asks, gives in _KINDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A sentence of a passage. ``like`` the question: 0 as an unrelated text, 1 as the same.

    ``shared``: the share of the question's telling words that it has.
    """

    text: str
    passage_id: str
    like: float
    shared: float


class Relevance:
    """A question and the passages that may answer it, encoded once."""

    def __init__(
        self, question: str, passages: Sequence[tuple[str, str, str]], encoder: Encoder, *, background: float = 0.0
    ) -> None:
        self._encoder, self._background = encoder, background
        self._question = encoder.encode_queries([question])[0]
        self._telling = frozenset(words(question))
        self._asks = [(kind, gives) for kind, asks, gives in _ASKS if asks.search(question)]
        self._texts = {number: text for number, _, text in passages}
        # The answer in an FAQ entry is about all that its question asks, whatever its words.
        self._titles = {number: title for number, title, _ in passages if title.rstrip().endswith(("?", "？"))}
        self._titles_like = dict(zip(self._titles, self._likeness(list(self._titles.values())), strict=True))
        told = ((number, line) for number, _, text in passages for line in sentences(text) if _tells(line))
        self.statements = self._statements(list(islice(told, MOST_STATEMENTS)))

    def objections(self, sentence: str, carriers: Sequence[str]) -> tuple[str, ...]:
        """Why a sentence that these passages carry does not answer; empty if it does."""
        return tuple(self._objections(sentence, carriers))

    def _objections(self, sentence: str, carriers: Sequence[str]) -> Iterator[str]:
        if not self.statements:
            return
        ours = max(self._statements([(number, sentence) for number in carriers or ("",)]), key=lambda one: one.like)
        best = max(self.statements, key=lambda one: one.like)
        most = max(one.shared for one in self.statements)
        if best.like - ours.like > MARGIN and not (most and ours.shared >= most):
            yield f"{ours.like:.2f} like the question, {best.text!r} is {best.like:.2f}"
        for kind, gives in self._asks:
            offered = any(gives.search(_telling(self._texts[number])) for number in carriers if number in self._texts)
            if offered and not gives.search(_telling(sentence)):
                yield f"names no {kind}, which the question asks for and the passage has"

    def _statements(self, told: Sequence[tuple[str, str]]) -> list[Statement]:
        return [
            Statement(
                text=text,
                passage_id=number,
                like=max(like, self._titles_like.get(number, 0.0)),
                shared=self._share(f"{self._titles.get(number, '')} {text}"),
            )
            for (number, text), like in zip(told, self._likeness([text for _, text in told]), strict=True)
        ]

    def _share(self, text: str) -> float:
        return len(self._telling.intersection(words(text))) / max(1, len(self._telling))

    def _likeness(self, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        raw = self._encoder.encode_passages(texts) @ self._question
        return [float(value) for value in np.clip((raw - self._background) / (1 - self._background), 0, 1)]


def _telling(text: str) -> str:
    """A text without the numbers that tell no time and no amount."""
    return _LABELS.sub(" ", unicodedata.normalize("NFKC", text))


def _tells(line: str) -> bool:
    """Whether a line is more than the number of a list's item or what leads into a list."""
    return not line.endswith((":", "：")) and sum(map(str.isalpha, line)) > 1


def addressing(
    drafted: Iterator[Sentence], relevance: Callable[[], Relevance], refused: Refused | None = None
) -> Iterator[Sentence]:
    """The drafted sentences that answer, and those that go on from such a one in the same passage.

    ``relevance`` is called for when there is a sentence to judge.
    """
    judge: Relevance | None = None
    told: set[str] = set()
    for sentence in drafted:
        if told.isdisjoint(sentence.passage_ids):
            judge = judge or relevance()
            if reasons := judge.objections(sentence.text, sentence.passage_ids):
                if refused:
                    refused(sentence.text, reasons)
                continue
        told.update(sentence.passage_ids)
        yield sentence

"""What the sentences and table rows of a passage say, one statement at a time. Pure; knows no drafts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from retrieval.framing import takes_back
from retrieval.statements import Token, led_sentences, tokens

SEMICOLON = re.compile(r"[;；]")
_CELL = re.compile(r"\s*[^:：]{1,60}[:：]\s*\S")
_COLON = re.compile(r"[:：]")
_ANSWERS = (
    ("yes", r"(?:yes|yep|ok|okay)\b|(?:是的?|可以|能|会|对|有|好的?|行|当然|没问题)(?=\s*(?:[,，。.!！:：]|$))"),
    (
        "no",
        r"no(?=\s*(?:[,，。.!！:：;；–—-]|$))|nope\b|(?:不|不是|不可以|不能|不会|不行|没有|否)(?=\s*(?:[,，。.!！:：]|$))",
    ),
)
_ANSWER = tuple((answer, re.compile(rf"\W*(?:{words})", re.IGNORECASE)) for answer, words in _ANSWERS)


@dataclass(frozen=True, slots=True)
class Context:
    """Words beside a statement."""

    text: str

    def holds(self, token: Token) -> bool:
        """Whether a word stands there."""
        return stands(token, tokens(self.text), self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one sentence of a passage says. ``title`` and ``before`` are what its pronouns may stand for.

    ``asked``: the title is a question, which the statement answers; ``denied``: the passage begins by denying it.
    ``answer`` is the yes or no that the passage begins with. ``needed`` is what a row of a table is about: a cell says
    nothing without it.
    """

    line: tuple[Token, ...]
    text: str
    title: Context
    before: Context
    asked: bool
    denied: bool
    answer: str
    needed: tuple[Token, ...] = ()


def stands(token: Token, line: Sequence[Token], text: str) -> bool:
    """Whether a word stands in a line of text; Chinese may be cut into words differently on the two sides."""
    if token.kind == "word" and is_chinese(token.shown) and token.shown in text:
        return True
    return any(other.value == token.value and other.kind == token.kind for other in line)


def is_chinese(text: str) -> bool:
    """Whether a word begins with a Chinese character."""
    return bool(text) and "\u3400" <= text[0] <= "\u9fff"


def answer_of(text: str) -> str:
    """The "yes" or "no" that a text begins with, in either language; empty where it begins with neither."""
    return next((answer for answer, begins in _ANSWER if begins.match(text)), "")


def statements_of(title: str, text: str) -> Iterator[Statement]:
    """The statements of a passage: sentences, what stands between semicolons, the cells of a row."""
    asked = title.rstrip().endswith(("?", "？"))
    told = list(held(text))
    opening = told[0] if told else ""
    answer = answer_of(opening)
    denied = asked and any(token.kind == "negation" for token in tokens(opening))
    before = ""
    for sentence in told:
        if sentence.endswith(("?", "？")):  # it tells nothing, whatever the answer is
            before = ""
            continue
        for part, needed in _parts(sentence):
            yield Statement(
                line=tokens(part),
                text=part,
                title=Context(title),
                before=Context(before),
                asked=asked,
                denied=denied,
                answer=answer,
                needed=needed,
            )
            before = part


def held(text: str) -> Iterator[str]:
    """The sentences of a text that it does not take back at once ("This is a rumour.")."""
    told = list(led_sentences(text))
    return (
        sentence for sentence, following in zip_longest(told, told[1:]) if not following or not takes_back(following)
    )


def _parts(sentence: str) -> Iterator[tuple[str, tuple[Token, ...]]]:
    """What stands between semicolons. Of a row ("Plan: Pro; Price: $30") each cell with the first, which it needs."""
    first, *cells = [part for part in SEMICOLON.split(sentence) if part.strip()] or [""]
    yield first, ()
    is_row = all(_CELL.match(cell) for cell in cells)
    needed = tuple(token for token in tokens(_COLON.split(first, maxsplit=1)[-1]) if token.kind != "comma")
    for cell in cells:
        yield (f"{_COLON.sub(' ', first)} {_COLON.sub(' ', cell, count=1)}", needed) if is_row else (cell, ())

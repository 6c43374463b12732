"""The part of a passage that answers: its most telling sentence, with what that cannot be understood without. Pure
but for the encoder. Nothing is reworded: what is given out stands in the passage as it is."""

import re
from collections.abc import Iterator, Sequence

from retrieval.passages import sentences
from retrieval.relevance import Relevance
from retrieval.statements import is_item

Span = tuple[int, int]

SHARED_WEIGHT = 0.3
"""What having all of the question's telling words is worth beside being as like it as the same text."""

LONGEST = 600
"""Characters of a list that is given out whole; of a longer one, the telling line alone."""

_LEANING = re.compile(
    r"(?:this|that|these|those|it|they|he|she|such|however|otherwise|also|then|but|and|or|so|if so|if not|instead"
    r"|for example|in addition|finally|similarly)\b"
    r"|[这那该其它]|例如|比如|但是?|否则|然而|此外|另外|因此|如果不|而且",
    re.IGNORECASE,
)


def extract(relevance: Relevance, text: str) -> str:
    """The part that answers of ``text``, a passage that ``relevance`` was made with; all of it where nothing tells."""
    worth = {one.text: one.like + SHARED_WEIGHT * one.shared for one in relevance.statements}
    told = [span for span in _spans(text, sentences(text)) if text[slice(*span)] in worth]
    if not told:
        return text
    best = max(told, key=lambda span: worth[text[slice(*span)]])
    lines = list(_spans(text, [line.strip() for line in text.split("\n") if line.strip()]))
    line = next(at for at, (start, end) in enumerate(lines) if start <= best[0] < end)
    if is_item(text[slice(*lines[line])]) or text[slice(*lines[line])].endswith((":", "：")):
        first, last = _list_around(text, lines, line)
        whole = text[lines[first][0] : lines[last][1]]
        return whole if len(whole) <= LONGEST else text[slice(*lines[line])]
    start = best[0]
    for before in reversed([span for span in _spans(text, sentences(text)) if span[0] < best[0]]):
        if not _LEANING.match(text, start):
            break
        start = before[0]
    return text[start : best[1]]


def _list_around(text: str, lines: Sequence[Span], at: int) -> tuple[int, int]:
    """The first and last line of a list that a line belongs to or leads into, its lead-in included."""
    first = last = at
    while first and is_item(text[slice(*lines[first])]):
        first -= 1
    if not (is_item(text[slice(*lines[first])]) or text[slice(*lines[first])].endswith((":", "："))):
        first += 1
    while last + 1 < len(lines) and is_item(text[slice(*lines[last + 1])]):
        last += 1
    return first, last


def _spans(text: str, parts: Sequence[str]) -> Iterator[Span]:
    """Where parts of a text stand in it, in order."""
    end = 0
    for part in parts:
        start = text.index(part, end)
        end = start + len(part)
        yield start, end

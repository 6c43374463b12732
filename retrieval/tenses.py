"""What was, what has been done and what is still to come: a plan is no fact, and what was is not what is. Pure."""

import functools
import re
from collections.abc import Iterator, Sequence

from retrieval.statements import Token, plain, telling, tokens

_TENSES = (
    ("to come", r"\b(?:will|shall|going to|(?:is|are) planned)\b|'ll\b|将(?!近)|即将|计划于|拟于"),
    (
        "done",
        r"\b(?:has|have|had)(?: (?:already|now|just|been))*\s(?:been|\w+ed|done|made|begun|gone|built|sent|paid)\b"
        r"|\balready\b|已经?|了(?=\W*$)",
    ),
    ("past", r"\b(?:was|were|formerly)\b|以前|曾经?|原先|原来|过去"),
    ("present", r"\b(?:is|are|now|currently)\b|现在|目前|现已|如今"),
)
_FORMS = tuple((tense, re.compile(form, re.IGNORECASE)) for tense, form in _TENSES)

_ASIDE = re.compile(r"\b(?:if|when|who|which|that)\b", re.IGNORECASE)
"""Begins what may stand in the past beside a present: "if the parcel was damaged"."""

_BETWEEN = re.compile(r"[,;，；]|\b(?:and|but|or|while)\b|但|而", re.IGNORECASE)

_WRONG = {"to come": {"done", "past"}, "done": {"to come"}, "past": {"present", "to come"}}
"""What a statement tells, and what a sentence must not make of it."""


def moved(line: Sequence[Token], text: str, their_text: str) -> Iterator[str]:
    """Why a sentence tells of another time than the part of the statement that has most of its words."""
    said = telling(line)
    parts = [(len(said & words), told) for words, told in _parts(their_text)]
    most = max((count for count, _ in parts), default=0)
    ours, theirs = _told(text), frozenset().union(*(told for count, told in parts if count == most))
    for tense, wrong in _WRONG.items():
        if tense in theirs and tense not in ours and ours & wrong and not theirs & ours:
            yield f"tells of what is {min(ours & wrong)}, where the passage tells of what is {tense}"


@functools.lru_cache(maxsize=2048)  # each sentence of a draft is held against the same passages
def _parts(text: str) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """The words of each part of a statement, and of what times it tells."""
    return tuple((telling(tokens(part)), _told(part)) for part in _BETWEEN.split(plain(text)))


def _told(text: str) -> frozenset[str]:
    text = plain(text)
    told = frozenset(tense for tense, form in _FORMS if form.search(text))
    return told - {"past"} if _ASIDE.search(text) else told

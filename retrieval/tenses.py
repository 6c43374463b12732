"""What was, what has been done and what is still to come: a plan is no fact, and what was is not what is. Pure."""

import functools
import re
from collections.abc import Iterator

from retrieval.statements import plain

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

_WRONG = {"to come": {"done", "past"}, "done": {"to come"}, "past": {"present"}}
"""What a statement tells, and what a sentence must not make of it."""


def moved(text: str, their_text: str) -> Iterator[str]:
    """Why a sentence tells of another time than the statement; nothing where either tells of both, or of none."""
    ours, theirs = _told(text), _told(their_text)
    for tense, wrong in _WRONG.items():
        if tense in theirs and tense not in ours and ours & wrong and not theirs & ours:
            yield f"tells of what is {min(ours & wrong)}, where the passage tells of what is {tense}"


@functools.lru_cache(maxsize=2048)  # each sentence of a draft is held against the same passages
def _told(text: str) -> frozenset[str]:
    text = plain(text)
    told = frozenset(tense for tense, form in _FORMS if form.search(text))
    return told - {"past"} if _ASIDE.search(text) else told

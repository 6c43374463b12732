"""What must, may, need not and must not be done, and what is needed for what. Pure.

"You need a receipt to return it" is neither "you can return it" nor "you can bring a receipt".
"""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.statements import Token, content, plain, telling, tokens

_FORBIDDEN = (
    r"\b(?:cannot|(?:can|must|may) not|can't|mustn't|not (?:allowed|permitted)|prohibited|forbidden)\b"
    r"|(?:^|[,;]\s*)(?:please )?(?:do not|don't|never)\b(?! need| have to)"
    r"|不(?:能|可以|得|可|许|准|要)|请勿|切勿|禁止"
)
_UNNEEDED = (
    r"\b(?:(?:do|does|did) not|don't|doesn't|didn't) (?:need|have to)\b|\b(?:need not|needn't|needs? no|no need)\b"
    r"|\bnot (?:required|necessary|needed|mandatory|compulsory|obliged|bound|forced)\b|\b(?:unnecessary|optional)\b"
    r"|不必|无需|无须|毋须|不需要?|不用(?!于)"
)
_NEEDED = (
    r"\b(?:must|needs?|needed|ha(?:ve|s|ving) to|requires?|required|mandatory|necessary|obligatory|compulsory)\b"
    r"|必须|务必|一定要|(?<![如所无不])需要?(?!\s*[\d约一二三四五六七八九十两])|(?<![必无])须"
)
_ADVISED = r"\b(?:should|recommend(?:s|ed)?|advised?)\b|建议|应该|应当|最好"
_ALLOWED = (
    r"\b(?:can|(?-i:may)|could|able to|allowed|permitted|possible)\b"
    r"|允许|可以|可(?!能)|(?<![可功智性才职节效])能(?![力量源])"
)
_MOODS = tuple(
    (mood, re.compile(form, re.IGNORECASE))
    for mood, form in (
        ("forbidden", _FORBIDDEN),
        ("unneeded", _UNNEEDED),
        ("needed", _NEEDED),
        ("advised", _ADVISED),
        ("allowed", _ALLOWED),
    )
)
"""In this order, so that "must not" is not read as "must"."""

_WRONG = {
    "allowed": {"needed"},
    "needed": {"allowed", "advised", "unneeded"},
    "unneeded": {"forbidden"},
    "forbidden": {"unneeded"},
}
"""What is said, and what must not stand in its place."""

_BEHIND = re.compile(
    r"\b(?:is|are|be|was|were)\s(?:not\s|always\s|also\s)*"
    r"(?:required|needed|necessary|mandatory|compulsory|obligatory|optional|unnecessary|recommended|advised|possible|allowed|permitted)"
    r"\b(?!\sto\b)",
    re.IGNORECASE,
)
"""What must or may be stands before these."""

_WEAK = re.compile(r"needs?|ha(?:ve|s|ving) to|需要?", re.IGNORECASE)
"""May be said of what a page tells to do without a "must"."""

_DOUBLE = re.compile(
    r"\b(?:cannot|can't|not|never|no one|nobody)\b[^,;.]*\bwithout\b|[无没未不][^,;。]+(?:不能|无法|不得|不可|不予)",
    re.IGNORECASE,
)
"""Two denials that make a "must": "you cannot print without an account"."""

_AIM = re.compile(r"\W*(?:in order )?to\b|\W*(?:为了|如需|如要|若要|要想)", re.IGNORECASE)
"""Begins with what the rest of it is for: "to open an account, bring ..."."""

_ONLY_THEN = re.compile(r"才[能可会]以?|方可")
_PURPOSE = re.compile(r"\b(?:in order to|to|for|before)\b|才[能可]|方可|即可", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Duty:
    """What is ``done`` in which mood, and for what ``purpose``, which may be the subject: "returns require ..."."""

    mood: str
    shown: str
    done: tuple[Token, ...]
    purpose: tuple[Token, ...]
    of_subject: bool = False


def altered(line: Sequence[Token], text: str, their_text: str) -> Iterator[str]:
    """Why a sentence makes a "may" of a "must", or leaves out what is needed; nothing if it does not."""
    ours, theirs = _duties(text), _duties(their_text)
    for duty in ours:
        yield from _other_mood(duty, theirs)
    if _DOUBLE.search(plain(text)) and not _DOUBLE.search(plain(their_text)):
        yield "makes needed what is not said to be"
    said = {token.value for token in line}
    for duty in (*theirs, *_aimed(their_text)):
        if duty.mood != "needed" or not duty.done or any(own.mood == "unneeded" for own in ours):
            continue
        done = {token.value for token in duty.done}
        wanted = {token.value for token in duty.purpose} - done
        if duty.of_subject and telling(line) & telling(tokens(their_text)) - done - wanted:
            continue  # it says another thing of the same subject
        if wanted & said and not done & said:
            yield f"leaves out {duty.done[0].shown!r}, which is needed there"


def _other_mood(duty: _Duty, theirs: Sequence[_Duty]) -> Iterator[str]:
    if not duty.done:
        return
    values = {token.value for token in duty.done}
    # what is done, not what it is done for or with
    moods = {other.mood for other in theirs if any(token.value == duty.done[0].value for token in other.done)}
    wrong = _WRONG.get(duty.mood, set())
    if moods & wrong and duty.mood not in moods:
        yield f"says {duty.shown!r} of what is {min(moods & wrong)} there"
    elif duty.mood == "needed" and not _WEAK.fullmatch(duty.shown):
        needed = (token for other in theirs if other.mood == "needed" for token in (*other.done, *other.purpose))
        if not any(token.value in values for token in needed):
            yield f"{duty.shown!r} is not said there"


@functools.lru_cache(maxsize=2048)  # each sentence of a draft is held against the same passages
def _duties(text: str) -> tuple[_Duty, ...]:
    line, text = tokens(text), plain(text)
    found = sorted(_found(text), key=lambda one: one[1])
    commas = [token.place for token in line if token.kind == "comma"]
    told = content(line)
    behind = {match.end(): match.start() for match in _BEHIND.finditer(text)}
    duties: list[_Duty] = []
    for at, (mood, place, end) in enumerate(found):
        begin = max([0, *(comma for comma in commas if comma < place), *(stop for _, _, stop in found[:at])])
        stop = min(
            [len(text), *(comma for comma in commas if comma >= end), *(start for _, start, _ in found[at + 1 :])]
        )
        before = tuple(token for token in told if begin <= token.place < place)
        after = tuple(token for token in told if end <= token.place < stop)
        if end in behind:
            done, purpose, of_subject = before, after, False
        else:
            cut = _cut(text, after)
            done, purpose = tuple(t for t in after if t.place < cut), tuple(t for t in after if t.place >= cut)
            of_subject = not purpose and _names_purpose(text[place:end])
            if of_subject:
                purpose = before
        duties.append(_Duty(mood, text[place:end], done, purpose, of_subject))
    return tuple(duties)


def _aimed(text: str) -> Iterator[_Duty]:
    """What a statement begins with as the aim of the rest, or as what must come first (才)."""
    line, text = tokens(text), plain(text)
    comma = next((token.place for token in line if token.kind == "comma"), None)
    if comma is not None and _AIM.match(text):
        told = content(line)
        means = tuple(token for token in told if token.place > comma)
        yield _Duty("needed", "to", means, tuple(token for token in told if token.place < comma))
    if then := _ONLY_THEN.search(text):
        told = content(line)
        commas = [token.place for token in line if token.kind == "comma" and token.place < then.start()]
        first = tuple(token for token in told if token.place < (commas[-1] if commas else then.start()))
        yield _Duty("needed", then.group(), first, tuple(token for token in told if token.place >= then.end()))


def _found(text: str) -> Iterator[tuple[str, int, int]]:
    for mood, form in _MOODS:
        for match in form.finditer(text):
            yield mood, match.start(), match.end()
        text = form.sub(lambda match: " " * len(match.group()), text)


def _names_purpose(shown: str) -> bool:
    """Whether what it is needed for stands before: "a return requires ...", 退货需要……."""
    return shown.lower() in ("requires", "require") or not shown.isascii()


def _cut(text: str, done: Sequence[Token]) -> int:
    """Where it is told what something is needed for."""
    if not done:
        return len(text)
    found = _PURPOSE.search(text, done[0].place + len(done[0].shown))
    return found.start() if found else len(text)

"""Who does it to whom, whose it is, and which way it goes: what a sentence must not turn round. Pure."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from retrieval.statements import Token, plain

_PEOPLE = {
    "we": re.compile(r"\b(?:we|(?-i:us)|sellers?|merchants?)\b|我们(?!的)|本店|本公司|我司|[卖商]家", re.IGNORECASE),
    "you": re.compile(
        r"\b(?:you|buyers?|customers?(?! (?:service|support|care)))\b|[你您]们?(?![的们])|买家|顾客|客户(?!服务|端)",
        re.IGNORECASE,
    ),
}
"""Who gives and who gets: words that are left out where only content counts."""

_OWNERS = {
    "our": re.compile(r"\bour\b|(?:我们|本店|本公司|我司|[卖商]家)的", re.IGNORECASE),
    "your": re.compile(r"\byour\b|(?:[你您]们?|买家|顾客|客户)的", re.IGNORECASE),
}
_BY = re.compile(r"\bby (?:the |a |an |our |your )?(\w+)|由([\u3400-\u9fff]{2})", re.IGNORECASE)
_WAY = re.compile(r"\b(?:from|to)\b|从|[到至]", re.IGNORECASE)
_FROM_TO = re.compile(r"\bfrom\b.+\bto\b|从.+[到至]", re.IGNORECASE)
_IN_ORDER = re.compile(r"从.+[到至]")
_FIRST = re.compile(r"\bfirst\b|先", re.IGNORECASE)
_FIRST_THEN = re.compile(r"\bfirst\b.+\bthen\b|先.+[再后]", re.IGNORECASE)
_THAN = re.compile(r"\bthan\b(?!\s\W?\d)|比(?![例较如赛])", re.IGNORECASE)


def turned(line: Sequence[Token], text: str, their_line: Sequence[Token], their_text: str) -> Iterator[str]:
    """Why the sentence (``line``, ``text``) turns round what the statement says; nothing if it does not."""
    text, their_text = plain(text), plain(their_text)
    yield from _people(text, their_text)
    yield from _doers(text, their_text)
    yield from _owners(line, text, their_line, their_text)
    yield from _ways(line, text, their_line, their_text)
    yield from _steps(line, text, their_line, their_text)
    yield from _comparison(line, text, their_line, their_text)


def _people(ours: str, theirs: str) -> Iterator[str]:
    """The company in the customer's place, or the other way round: "we pay you" is not "you pay us"."""
    said, told = ([who for _, who in sorted(_places(text))] for text in (ours, theirs))
    for who in said:
        if told and who not in told:
            yield f"speaks of {who!r}, where the passage speaks of {told[0]!r}"
    if len(said) == len(told) == len(_PEOPLE) and said != told:
        yield f"puts {said[0]!r} in the place of {told[0]!r}"


def _places(text: str) -> Iterator[tuple[int, str]]:
    return ((found.start(), who) for who, names in _PEOPLE.items() if (found := names.search(text)))


def _doers(ours: str, theirs: str) -> Iterator[str]:
    """Somebody else after "by": a service "by a third party" is none "by us"."""
    for who, names in zip(("我们", "顾客"), _PEOPLE.values(), strict=True):
        ours, theirs = names.sub(who, ours), names.sub(who, theirs)
    told = {found.group().lower() for found in _BY.finditer(theirs)}
    for found in _BY.finditer(ours):
        if told and found.group().lower() not in told:
            yield f"names another one: {found.group()!r}"


def _owners(line: Sequence[Token], text: str, their_line: Sequence[Token], their_text: str) -> Iterator[str]:
    """ "To our address" is not "to your address"."""
    ours, theirs = (
        {
            (who, word.value)
            for who, names in _OWNERS.items()
            for owner in names.finditer(where)
            if (word := _next(words, owner.end()))
        }
        for words, where in ((line, text), (their_line, their_text))
    )
    for who, what in sorted(ours - theirs):
        if any(what == other for _, other in theirs):
            yield f"{what!r} is not {who} there"


def _ways(line: Sequence[Token], text: str, their_line: Sequence[Token], their_text: str) -> Iterator[str]:
    """ "From Basic to Pro" is neither "from Pro" nor "to Basic"."""
    if not _FROM_TO.search(their_text):
        return
    ours, theirs = (
        {(way.group().lower(), word.value) for way in _WAY.finditer(where) if (word := _next(words, way.end()))}
        for words, where in ((line, text), (their_line, their_text))
    )
    for way, what in sorted(ours - theirs):
        if any(what == other for _, other in theirs):
            yield f"does not go {way} {what!r} there"


def _comparison(line: Sequence[Token], text: str, their_line: Sequence[Token], their_text: str) -> Iterator[str]:
    """The two things that are compared, or that Chinese 从 and 到 stand before, in the other order, or one of them."""
    theirs = [token.value for token in their_line]
    than = _THAN.search(their_text)
    if than or _IN_ORDER.search(their_text):
        ours = [token.value for token in line if token.kind != "comma"]
        places = [theirs.index(value) for value in ours if theirs.count(value) == ours.count(value) == 1]
        if any(second < first for first, second in pairwise(places)):
            yield "says it in another order, where the order tells"
    if than and not _THAN.search(text):
        comma = next((token.place for token in their_line if token.kind == "comma" and token.place > than.end()), None)
        compared = {
            token.value
            for token in their_line
            if token.place >= than.end() and token.place < (comma or len(their_text))
        }
        before = [token.value for token in their_line if token.place < than.start()]
        if than.group().isascii():
            compared.update(before[-1:])
        if compared & {token.value for token in line}:
            yield "leaves out what it is compared with"


def _steps(line: Sequence[Token], text: str, their_line: Sequence[Token], their_text: str) -> Iterator[str]:
    """What comes first, and what then, the other way round."""
    if not (_FIRST.search(text) and _FIRST_THEN.search(their_text)):
        return
    ours, theirs = (
        [
            value
            for _, value in sorted([*((token.place, token.value) for token in words), *_places(where)])
            if value not in ("first", "comma")
        ]
        for words, where in ((line, text), (their_line, their_text))
    )
    places = [theirs.index(value) for value in ours if theirs.count(value) == ours.count(value) == 1]
    if places != sorted(places):
        yield "says it in another order, where the order tells"


def _next(line: Sequence[Token], place: int) -> Token | None:
    """The first word or number from a place on."""
    return next((token for token in line if token.place >= place and token.kind != "comma"), None)

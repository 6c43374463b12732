"""Whether the numbers of a sentence belong to the same words as in a statement. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from retrieval.statements import Token, clauses, plain, telling

_RANGE = re.compile(r"\s*(?:to|and|or|up to|[-–—~～至到和或])?\s*", re.IGNORECASE)
"""What may stand between two ends of a range, or two parts of a telephone number."""

_WHOSE = re.compile(r"\b(?:for|to|in|on|with|at|by)\b", re.IGNORECASE)
_BOUND = re.compile(r"\b(?:for|to|in|on)\b", re.IGNORECASE)
_BREAK = re.compile(r"\b(?:and|or)\b|[和或及]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Amount:
    """A number and the words that it belongs to.

    ``own`` are those since the number before and ``tail``, those of "for small parcels" after it. ``bound``: it is
    said of that alone. ``later``: words that stand behind it only.
    """

    number: Token
    own: frozenset[str]
    tail: frozenset[str]
    bound: bool
    later: frozenset[str]

    @property
    def told(self) -> frozenset[str]:
        """What tells it from other amounts."""
        return self.tail or self.own


def same_number(ours: Token, theirs: Token) -> bool:
    """Whether a number is told by another one; a unit may be left out."""
    return theirs.kind == "number" and theirs.value == ours.value and (not ours.unit or theirs.unit == ours.unit)


def misplaced(line: Sequence[Token], text: str, their_line: Sequence[Token], their_text: str) -> Iterator[str]:
    """Numbers that belong to something else there: "small parcels cost £3, large ones £9" has no small ones for £9."""
    theirs = _amounts(their_line, plain(their_text))
    before: Token | None = None
    for amount in _amounts(line, plain(text)):
        matches = [at for at, other in enumerate(theirs) if same_number(amount.number, other.number)]
        if amount.own:
            fits = any(_belongs(amount.own, at, theirs) for at in matches)
        elif before is not None:
            fits = any(at > 0 and same_number(before, theirs[at - 1].number) for at in matches)
        else:
            fits = any(not theirs[at].bound for at in matches)
        if matches and not fits:
            yield f"the number {amount.number.shown} belongs to something else"
        before = amount.number


def _belongs(words: frozenset[str], at: int, theirs: Sequence[_Amount]) -> bool:
    """Whether these words may be said of the number: some of its own, none of a later one's.

    What was said of a number before may be meant with the next ("repairs cost £40 and take three weeks"), unless both
    are told in the same way, each of its own thing.
    """
    amount = theirs[at]
    if words & amount.later or (amount.own and not words & amount.own):
        return False
    if (
        amount.tail
        and not words & amount.tail
        and (amount.bound or any(other.tail for other in theirs if other != amount))
    ):
        return False
    alike = (other.told for other in theirs[:at] if other.told & amount.told)
    return not any(words & (told - amount.told) for told in alike)


def _amounts(line: Sequence[Token], text: str) -> list[_Amount]:
    places = [at for at, token in enumerate(line) if token.kind == "number"]
    found: list[_Amount] = []
    begin = 0
    for place, following in pairwise([*places, len(line)]):
        end, bound = _tail(line, place, following, text)
        tail = telling(line[place + 1 : end])
        comma = next((at for at in range(place, len(line)) if line[at].kind == "comma"), len(line))
        behind = end if following < len(line) else comma
        found.append(
            _Amount(
                number=line[place],
                own=_head(line[begin:place]) | tail,
                tail=tail,
                bound=bound,
                later=telling(line[max(end, behind) :]) - telling(line[: max(end, place)]),
            )
        )
        begin = end
    return found


def _head(line: Sequence[Token]) -> frozenset[str]:
    """The words before a number: of its own clause, or where that has none, of those before."""
    parts = [words for part in clauses(line) if (words := telling(part))]
    return parts[-1] if parts else frozenset()


def _tail(line: Sequence[Token], place: int, following: int, text: str) -> tuple[int, bool]:
    """Where the words after a number end that it belongs to, and whether it is said of those alone."""
    if place + 1 == following:
        return place + 1, False
    gap = text[line[place].place + len(line[place].shown) : line[place + 1].place]
    if line[place + 1].kind == "comma" or not _WHOSE.search(gap):
        return place + 1, False
    if following == len(line):
        return following, bool(_BOUND.search(gap))
    breaks = (
        at
        for at in range(following, place + 1, -1)
        if line[at].kind == "comma"
        or _BREAK.search(text[line[at - 1].place + len(line[at - 1].shown) : line[at].place])
    )
    return next(breaks, following), bool(_BOUND.search(gap))


def halved(line: Sequence[Token], their_line: Sequence[Token], their_text: str) -> Iterator[str]:
    """One end of a range without the other, or half of a telephone number: "2 to 3 weeks" is not 2 weeks."""
    text = plain(their_text)
    for first, second in pairwise(their_line):
        if first.kind == second.kind == "number" and _RANGE.fullmatch(
            text[first.place + len(first.shown) : second.place]
        ):
            said = [any(same_number(ours, end) for ours in line if ours.kind == "number") for end in (first, second)]
            if said[0] != said[1]:
                yield f"leaves out {(first if said[1] else second).shown} of {first.shown} and {second.shown}"

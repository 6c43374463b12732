"""Whether a sentence takes one thing from each of two parts that are told alike. Pure.

"By DHL in Germany and by UPS in France" pairs a carrier with a country twice; "by UPS in Germany" is nowhere said.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from retrieval.statements import Token, plain, tokens
from retrieval.vocabulary import SOFT

_BOND_GROUPS = (
    r"\b(?:in|at|on|into|inside)\b|[在于]",
    r"\b(?:by|with|through)\b|[用由以凭]",
    r"\bto\b|[到至往向给]",
    r"\bfrom\b|从",
    r"\bfor\b|[为对]",
    r"\babout\b|关于",
    r"\bof\b",
)
_BONDS = tuple(re.compile(group, re.IGNORECASE) for group in _BOND_GROUPS)
"""What ties a thing to what is said of it, alike within each group."""

_JOINT = re.compile(r"\b(?:and|or|while)\b|以及|[和及或而]", re.IGNORECASE)
_POINTS_BACK = re.compile(r"\b(?:it|them|they|its|their)\b|[它其]", re.IGNORECASE)
"""In the second of two parts: it goes on about what the first is about."""


MOST_PIECES = 24
"""Of each of two parts that are compared: lines may be endless."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word, a number, or a "tie" between them. ``place``: where it begins."""

    value: str
    kind: str
    place: int


@dataclass(frozen=True, slots=True)
class _Slot:
    """What stands in one place of the first part, and of the second.

    ``leads``: at the beginning, where the first part may have more: "use" in "use red for the door and blue for ...".
    """

    first: frozenset[str]
    second: frozenset[str]
    leads: bool

    def holds(self, token: Token) -> bool:
        return token.value in self.first or token.value in self.second

    def side(self, is_second: bool) -> frozenset[str]:
        return self.second if is_second else self.first


def crossed(line: Sequence[Token], their_text: str) -> Iterator[str]:
    """Why a sentence pairs what the statement does not; nothing if it pairs nothing anew."""
    theirs = [token.value for token in tokens(their_text)]
    said = {token.value for token in line}
    for slots in _parallels(their_text):
        ours = [token for token in line if theirs.count(token.value) == 1 and any(slot.holds(token) for slot in slots)]
        places = [theirs.index(token.value) for token in ours]
        in_order = places == sorted(places)
        for sides in _turns(ours, slots):
            for (first, (second_of_first, one)), (second, (second_of_second, other)) in combinations(sides.items(), 2):
                if second_of_first == second_of_second:
                    continue
                # told in full, and as there: the two stand side by side where one part ends and the next begins
                own = slots[first].side(second_of_second) | slots[second].side(second_of_first)
                if not (in_order and own & said):
                    yield f"{one.shown!r} and {other.shown!r} are told of different things"


def other_heads(text: str) -> frozenset[str]:
    """What the later of two parts that are told alike begins with, where its verb stands in the first only."""
    return frozenset[str]().union(*(slot.second for slots in _parallels(text) for slot in slots if slot.leads))


def _turns(line: Sequence[Token], slots: Sequence[_Slot]) -> Iterator[dict[int, tuple[bool, Token]]]:
    """Which part fills each slot; anew where the sentence goes on to the other part."""
    sides: dict[int, tuple[bool, Token]] = {}
    last = -1
    for token in line:
        at = next(at for at, slot in enumerate(slots) if slot.holds(token))
        is_second = token.value in slots[at].second
        if at in sides and sides[at][0] != is_second:
            if slots[at].leads and not is_second:
                continue
            if not (slots[at].leads and last == at):
                yield sides
                sides = {}
        sides[at], last = (is_second, token), at
    yield sides


@functools.lru_cache(maxsize=2048)  # each sentence of a draft is held against the same passages
def _parallels(text: str) -> tuple[list[_Slot], ...]:
    """The parts of a statement that are told alike, each with the one before it, slot by slot."""
    line, text = tokens(text), plain(text)
    found: list[list[_Slot]] = []
    pieces = _pieces(line, text)
    cuts = sorted({token.place for token in line if token.kind == "comma"} | set(_between(_JOINT, line, text)))
    labels = {token.place for token in line if token.kind == "comma" and token.shown in ":："}
    begin = 0
    for at, cut in enumerate(cuts):
        if cut in labels:  # holds for all that follows
            begin = cut
            continue
        end = cuts[at + 1] if at + 1 < len(cuts) else len(text)
        first = [piece for piece in pieces if begin <= piece.place < cut][-MOST_PIECES:]
        second = [piece for piece in pieces if piece.place >= cut][:MOST_PIECES]
        near = [piece for piece in second if piece.place < end]
        if _POINTS_BACK.search(text, cut, end):
            continue
        slots = _slots(first, second) or _alike(first, near, text[begin:cut], text[cut:end])
        if len(slots) > 1:
            found.append(slots)
            begin = cut
    return tuple(found)


def _pieces(line: Sequence[Token], text: str) -> list[_Piece]:
    spans = [
        (token.place, token.place + len(token.shown)) for token in line if token.kind not in ("comma", "condition")
    ]
    ties = [
        _Piece(str(group), "tie", found.start())
        for group, bond in enumerate(_BONDS)
        for found in bond.finditer(text)
        if not any(begin <= found.start() < end for begin, end in spans)
    ]
    told = [
        _Piece(token.value, "tie" if token.value in SOFT else token.kind, token.place)
        for token in line
        if token.kind not in ("comma", "negation", "condition")
    ]
    return sorted([*ties, *told], key=lambda piece: piece.place)


def _between(form: re.Pattern[str], line: Sequence[Token], text: str) -> Iterator[int]:
    """Where a form stands, but not as a part of a word."""
    spans = [
        (token.place, token.place + len(token.shown)) for token in line if token.kind not in ("comma", "condition")
    ]
    for found in form.finditer(text):
        if not any(begin <= found.start() < end for begin, end in spans):
            yield found.start()


def _slots(first: Sequence[_Piece], second: Sequence[_Piece]) -> list[_Slot]:
    """What stands before, between and behind the pieces that both parts have in the same order.

    The first part may begin with what holds for both ("we ship by ..."), the second end so ("... are sold online").
    """
    pairs: list[tuple[list[_Piece], list[_Piece]]] = []
    at = start = 0
    for here, piece in enumerate(second):
        place = next((there for there in range(at, len(first)) if _same(first[there], piece)), None)
        if place is not None:
            pairs.append((list(first[at:place]), list(second[start:here])))
            at, start = place + 1, here + 1
    if not pairs:
        return []
    pairs.append((list(first[at:]), list(second[start:])))
    slots = (
        _slot(_values(ours), _values(theirs), number, len(pairs) - 1) for number, (ours, theirs) in enumerate(pairs)
    )
    return [slot for slot in slots if slot.first and slot.second]


def _same(one: _Piece, other: _Piece) -> bool:
    return one.value == other.value and one.kind == other.kind != "number"


def _values(pieces: Sequence[_Piece]) -> list[str]:
    return [piece.value for piece in pieces if piece.kind != "tie"]


def _slot(ours: list[str], theirs: list[str], number: int, last: int) -> _Slot:
    if 0 < number < last:
        ours = ours[: len(theirs)]
    elif number:
        theirs = theirs[: len(ours)]
    return _Slot(frozenset(ours) - frozenset(theirs), frozenset(theirs) - frozenset(ours), not number)


def _alike(first: Sequence[_Piece], second: Sequence[_Piece], text: str, their_text: str) -> list[_Slot]:
    """Two Chinese parts as long as each other, what is said and what it is said of: 学生半价，老人免费."""
    lengths = {len(re.sub(r"\W", "", part)) for part in (text, _JOINT.sub("", their_text, count=1))}
    ours, theirs = _values(first), _values(second)
    if min(len(ours), len(theirs)) < 2 or max(len(ours), len(theirs)) > 3 or len(lengths) > 1 or their_text.isascii():
        return []
    slots = (
        _Slot(frozenset(one) - frozenset(other), frozenset(other) - frozenset(one), leads=False)
        for one, other in ((ours[:-1], theirs[:-1]), (ours[-1:], theirs[-1:]))
    )
    return [slot for slot in slots if slot.first and slot.second]

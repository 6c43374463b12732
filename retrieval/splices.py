"""Whether a sentence is made of two things that are said of different subjects. Pure."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from retrieval.statements import Token, clauses, content, plain, telling

_VERB = r"(?:is|are|was|were|can|cannot|must|(?-i:may)|will|has|have|does|do)"
VERB = re.compile(rf"\b{_VERB}\b", re.IGNORECASE)
_JOINT = re.compile(rf"\b(?:and|or|while)\b(?=\s+(?:[\w-]+\s+){{1,4}}?{_VERB}\b)", re.IGNORECASE)
"""Where another thing begins, with a verb of its own: "the sofa is blue and the lamp is red"."""


def spliced(line: Sequence[Token], text: str, their_line: Sequence[Token], their_text: str) -> Iterator[str]:
    """A subject with what is said of another one: of "the sofa is blue, the lamp is red", "the sofa is red".

    Two parts of a statement are about different subjects where both have a subject and a verb, or are told alike. A
    condition has a subject of its own, and may stand before what it limits or behind: it is looked at elsewhere.
    """
    if any(token.kind == "condition" for token in line):
        return
    parts = _parts(their_line, plain(their_text))
    for values, _ in _parts(line, plain(text)):
        for (first, first_full), (second, second_full) in combinations(parts, 2):
            one, other = min(values & first - second, default=""), min(values & second - first, default="")
            if one and other and ((first_full and second_full) or first & second):
                yield f"{one!r} and {other!r} are told of different things"


def freed(line: Sequence[Token], their_line: Sequence[Token]) -> Iterator[str]:
    """ "Free" of what is paid for: of "first issue free, reissue £3", "reissue is free".

    Where "free" has a subject of its own, the sentence must name it to say anything of the other parts.
    """
    if not any(token.kind == "free" for token in line):
        return
    said = telling(line)
    for clause in clauses(their_line):
        at = next((at for at, token in enumerate(clause) if token.kind == "free"), 0)
        subject = content(clause[:at])
        others = telling(their_line) - telling(clause)
        if subject and subject[0].value not in said and (other := min(said & others, default="")):
            yield f"{other!r} is not free there"


def _parts(line: Sequence[Token], text: str) -> list[tuple[frozenset[str], bool]]:
    """The words of each part, and whether it has a subject and a verb."""
    cuts = [0, *sorted({token.place for token in line if token.kind == "comma"} | _joints(text)), len(text)]
    found: list[tuple[frozenset[str], bool]] = []
    for begin, end in pairwise(cuts):
        part = [token for token in line if begin <= token.place < end and token.kind != "comma"]
        verb = VERB.search(text, begin, end)
        if words := telling(part):
            full = verb is not None and bool(telling([token for token in part if token.place < verb.start()]))
            found.append((words, full))
    return found


def _joints(text: str) -> set[int]:
    return {joint.start() for joint in _JOINT.finditer(text) if VERB.search(text, 0, joint.start())}

"""What stands before a colon is said only of what stands behind it: "Free for: students". Pure."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from retrieval.splices import VERB
from retrieval.statements import Token, content, plain

_COLON = re.compile(
    r"(?<!\d):(?!//)|:(?=\s|$)"
    r"|(?:\b(?:for|to|in|with|from|by|of|at|on)|\bfollowing\b.*?|(?:以下|下列).*?)\s+(?:[-*•·]|\d{1,2}[.)、])\s",
    re.IGNORECASE,
)
"""Also where an item follows what leads into a list, whose colon is gone."""

_STATES = re.compile(
    rf"{VERB.pattern}|\b(?:free|accept\w*|allowed|open|half price|deliver|ship|offer|refund|[a-z]+[ai]ble)\b"
    r"|\b(?:for|to|in|with|from|by|at|on)\W*$|免费|包邮|半价|打折|支持|允许|开放|可以?|能|接受|提供|享",
    re.IGNORECASE,
)
"""A label that says something by itself, and too much without what follows."""

_BETWEEN = re.compile(r"[,、]|\b(?:and|or)\b|[和或及]", re.IGNORECASE)

_VERB = re.compile(rf"{VERB.pattern}|\b(?:by|paid|costs?|gets?|pays?|receives?)\b|[由为可需须享是免有]", re.IGNORECASE)


def unlimited(line: Sequence[Token], their_line: Sequence[Token], their_text: str) -> Iterator[str]:
    """Why a sentence says of all what a statement says of what stands behind its colon; nothing if it does not."""
    text = plain(their_text)
    colon = _COLON.search(text)
    if colon is None:
        return
    said = {token.value for token in line}
    told = content(their_line)
    label = [token for token in told if token.place < colon.end() - 1]
    behind = [token for token in told if token.place >= colon.end()]
    if not said & ({token.value for token in label} - {token.value for token in behind}):
        return
    verb = _VERB.search(text, behind[0].place) if behind else None
    if not said & {token.value for token in behind}:
        counted = any(token.kind == "number" for token in label)
        if _STATES.search(text, 0, colon.end()) and not counted and not VERB.search(text, colon.end()):
            yield f"leaves out {behind[0].shown!r}" if behind else "leaves out what follows there"
        return
    if verb:
        limit = [token for token in behind if token.place < verb.start()]
        if limit and not any(token.value in said for token in limit):
            yield f"leaves out {limit[0].shown!r}"
    elif _STATES.search(text, 0, colon.end()):
        items = [
            [token for token in behind if begin <= token.place < end] for begin, end in pairwise(_cuts(text, colon))
        ]
        named = [item for item in items if any(token.value in said for token in item)]
        if not any(all(token.value in said for token in item) for item in named):
            yield f"leaves out {next(token for token in named[0] if token.value not in said).shown!r}"


def _cuts(text: str, colon: re.Match[str]) -> list[int]:
    """Where the things behind a colon begin and end."""
    return [colon.end(), *(found.start() for found in _BETWEEN.finditer(text, colon.end())), len(text)]

"""Regular expressions and lookup tables: where in a text they match. Knows nothing of the network.

Matching ignores case. A lookup phrase must stand at word boundaries; next to a Chinese, Japanese or Korean
character every place is a boundary, as such text has no spaces.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from nlu.errors import PatternError


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A place where the pattern ``name`` matches: characters ``start`` to ``end``."""

    name: str
    start: int
    end: int


class Patterns:
    """The compiled patterns of a model. ``names`` is their order as features.

    Raises PatternError for an expression that does not compile.
    """

    def __init__(self, regexes: Mapping[str, Iterable[str]], lookups: Mapping[str, Iterable[str]]) -> None:
        self.names = tuple(sorted({*regexes, *lookups}))
        self._regexes = [(name, _compiled(name, source)) for name, sources in regexes.items() for source in sources]
        self._phrases: dict[str, list[str]] = {}
        for name, phrases in lookups.items():
            for phrase in phrases:
                if folded := folded_text(phrase.strip()):
                    self._phrases.setdefault(folded, []).append(name)
        self._lengths = sorted({len(phrase) for phrase in self._phrases}, reverse=True)

    def matches(self, text: str) -> tuple[Match, ...]:
        """Every match, each once. Of the phrases that start at one place only the longest counts."""
        found = [
            Match(name=name, start=m.start(), end=m.end())
            for name, regex in self._regexes
            for m in regex.finditer(text)
            if m.end() > m.start()
        ]
        if self._phrases:
            found.extend(self._lookup(folded_text(text)))
        return tuple(dict.fromkeys(found))

    def _lookup(self, text: str) -> Iterable[Match]:
        boundary = boundaries(text)
        start = 0
        while start < len(text):
            end = self._longest_phrase(text, start, boundary) if boundary[start] else start
            if end > start:
                for name in self._phrases[text[start:end]]:
                    yield Match(name=name, start=start, end=end)
            start = max(end, start + 1)

    def _longest_phrase(self, text: str, start: int, boundary: list[bool]) -> int:
        for length in self._lengths:
            end = start + length
            if end <= len(text) and boundary[end] and text[start:end] in self._phrases:
                return end
        return start


def _compiled(name: str, source: str) -> re.Pattern[str]:
    try:
        return re.compile(source, re.IGNORECASE)
    except re.error as exc:
        raise PatternError(
            f"regex {name}: {source!r} does not compile ({exc})", remedy="write it as Python's re module reads it"
        ) from exc


def folded_text(text: str) -> str:
    """``text`` in lower case, with every character in its place (İ, which would become two, stays)."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def boundaries(text: str) -> list[bool]:
    """For each place 0..len(text): may a word start or end there?"""
    kinds = [0, *map(_kind, text), 0]
    return [left != 1 or right != 1 for left, right in pairwise(kinds)]


def _kind(character: str) -> int:
    """1 for a character that words with spaces are made of, else 0."""
    if not (character.isalnum() or character == "_"):
        return 0
    if character < "\u1100":
        return 1
    return 0 if unicodedata.east_asian_width(character) in "WF" else 1

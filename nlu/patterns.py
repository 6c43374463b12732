"""Regular expressions and lookup tables: where in a text they match. Knows nothing of the network.

Matching ignores case. A lookup phrase must stand at word boundaries; next to a Chinese, Japanese or Korean
character every place is a boundary, as such text has no spaces.

Regexes are of the package ``regex``, which reads nearly all that Python's ``re`` does, and can be stopped: one such as
``(a|aa)+$`` would need years for some messages.
"""

import logging
import time
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import regex

from nlu.errors import PatternError

REGEX_LIMIT_S = 0.1
"""Processor seconds of the thread. An ordinary regex takes microseconds; one that Rasa's options make of a table of
10,000 phrases, some milliseconds for a message, and more than this for 2,000 characters without word boundaries."""

logger = logging.getLogger(__name__)


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
        self._reported: set[str] = set()

    def matches(self, text: str) -> tuple[Match, ...]:
        """Every match, each once. Of overlapping phrases of one name the first counts, the longest that begins there.

        A regex that takes longer than ``REGEX_LIMIT_S`` has no match; the first time the log names it.
        """
        found = [match for name, compiled in self._regexes for match in self._found(name, compiled, text)]
        if self._phrases:
            found.extend(self._lookup(folded_text(text)))
        return tuple(dict.fromkeys(found))

    def _found(self, name: str, compiled: "regex.Pattern[str]", text: str) -> list[Match]:
        began, limit_s = time.thread_time(), REGEX_LIMIT_S
        while time.thread_time() - began < REGEX_LIMIT_S:
            try:
                spans = [match.span() for match in compiled.finditer(text, timeout=limit_s)]
                return [Match(name=name, start=start, end=end) for start, end in spans if end > start]
            except TimeoutError:  # the package counts what all threads of the process use
                limit_s *= 2
        if name not in self._reported:
            self._reported.add(name)
            logger.warning(
                "the regex %s takes more than %g s for a message of %d characters and is left out there; "
                "one repetition inside another, as in (\\w+ ?)+, is the usual cause",
                *(name, REGEX_LIMIT_S, len(text)),
            )
        return []

    def _lookup(self, text: str) -> Iterable[Match]:
        boundary = boundaries(text)
        past: dict[str, int] = {}
        for start in range(len(text)):
            if not boundary[start]:
                continue
            for end in (start + length for length in self._lengths):
                if end > len(text) or not boundary[end]:
                    continue
                for name in self._phrases.get(text[start:end], ()):
                    if start >= past.get(name, 0):
                        past[name] = end
                        yield Match(name=name, start=start, end=end)


def _compiled(name: str, source: str) -> "regex.Pattern[str]":
    try:
        return regex.compile(source, regex.IGNORECASE)
    except (regex.error, ValueError, RecursionError) as exc:
        raise PatternError(
            f"regex {name}: {source!r} does not compile ({exc})", remedy="write it as the package regex reads it"
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

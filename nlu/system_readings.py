"""What is done to a text before Duckling reads it, and to its readings afterwards. Pure; knows no process.

Before: the text is cut into pieces, as Duckling's time grows much faster than the text. After: of the readings that
Duckling offers beside each other one is kept per place.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PIECE_LENGTH = 160
"""Characters; a text no longer than this is one piece."""
_ENDS = (
    re.compile(r"[\n。！？；]+|[!?;]+(?![!-~])|\.(?=\s+[A-Z\d])"),
    re.compile(r"[，、]|：(?!\d)|[,:](?![!-~])"),
    re.compile(r"\s"),
)
"""Where a piece may end, the better place first: after a sentence, after a part of one, after a word.

Plain marks end nothing before a plain character: they may be inside an address, an amount or a time of day.
"""
_LOOK_AHEAD = 2
"""Characters behind a mark that say whether a piece may end there."""
ABOUT = re.compile(r"(?:about|around|approximately|approx\.?|roughly|almost|nearly|close to|exactly)\s+", re.IGNORECASE)
_CHINESE = r"\u3400-\u9fff\uf900-\ufaff"
_HAN = re.compile(rf"[{_CHINESE}]")
_NOT_ENGLISH = re.compile(rf"\d[\d.,:/-]*\s*(?=[{_CHINESE}])|[{_CHINESE}\u3000-\u303f\uff00-\uffef]+")
"""Chinese with its marks, and numbers before it, which count what it names."""
_ENGLISH = re.compile(r"[A-Za-z]{3}|\d ?[a-z]{2}")
"""A word, or a number with a unit."""
_WIDE_COLON = re.compile(r"(?<=\d)：(?=\d)")
"""Between digits it is that of a clock, which Duckling reads only when it is plain."""
_UNREADABLE = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemEntity:
    """Characters ``start`` to ``end`` of a text and what they mean.

    ``value`` is Duckling's: ``{"type": "value", "value": ..., "grain" or "unit": ...}``, or ``{"type": "interval",
    "from": {...}, "to": {...}}`` with one end or both; times are ISO 8601 with milliseconds and offset.
    """

    dimension: str
    start: int
    end: int
    text: str
    value: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The same in the shape of a Duckling server's answer."""
        return {
            "body": self.text,
            "start": self.start,
            "end": self.end,
            "dim": self.dimension,
            "latent": False,
            "value": dict(self.value),
        }


def has_chinese(text: str) -> bool:
    """Whether a Chinese character is in the text."""
    return _HAN.search(text) is not None


def english_part(text: str) -> str | None:
    """The text with all that is Chinese made line feeds, every character in its place; None where no word is left."""
    rest = _NOT_ENGLISH.sub(lambda match: "\n" * len(match[0]), text)
    return rest if _ENGLISH.search(rest) else None


def readable(text: str) -> str:
    """The text with every character in its place: full-width ones made plain, what cannot be encoded made a space."""
    return "".join(map(_plain, _WIDE_COLON.sub(":", _UNREADABLE.sub(" ", text))))


def _plain(character: str) -> str:
    wide = "\uff01" <= character <= "\uff5e" and character not in "，：；！？"
    return unicodedata.normalize("NFKC", character) if wide or character == "￥" else character


def pieces(text: str, length: int = PIECE_LENGTH) -> Iterator[tuple[int, str]]:
    """The text in order as (offset, piece), each at most ``length`` long unless it has no place to be cut at."""
    start = 0
    while len(text) - start > length:
        end = _cut(text, start, start + length)
        yield start, text[start:end]
        start = end
    if start < len(text):
        yield start, text[start:]


def _cut(text: str, start: int, limit: int) -> int:
    for ends in _ENDS:
        found = ends.finditer(text, start, limit + _LOOK_AHEAD)
        if places := [min(match.end(), limit) for match in found if match.start() < limit]:
            return places[-1]
    later = _ENDS[-1].search(text, limit)
    return later.end() if later else len(text)


def one_per_place(entities: Iterable[SystemEntity]) -> tuple[SystemEntity, ...]:
    """The entities without second readings, by offset.

    Of overlapping ones of one dimension the longest stays, of equally long ones the first. A number or an ordinal that
    is a part of an entity of another dimension (the 5 of "5 pm") is none of its own; one on the very same characters is
    (an order number that could be a phone number).
    """
    kept: list[SystemEntity] = []
    for entity in sorted(entities, key=lambda one: one.start - one.end):
        if not any(_covers(other, entity) for other in kept):
            kept.append(entity)
    bare = ("number", "ordinal")
    larger = [entity for entity in kept if entity.dimension not in bare]
    alone = [
        entity for entity in kept if entity.dimension not in bare or not any(_holds(other, entity) for other in larger)
    ]
    return tuple(sorted(alone, key=lambda one: (one.start, one.end, one.dimension)))


def _holds(other: SystemEntity, entity: SystemEntity) -> bool:
    inside = other.start <= entity.start and entity.end <= other.end
    return inside and (other.start, other.end) != (entity.start, entity.end)


def _covers(other: SystemEntity, entity: SystemEntity) -> bool:
    return other.dimension == entity.dimension and other.start < entity.end and entity.start < other.end

"""The values of this package: what it learns from and what it answers. Knows no file format."""

from collections.abc import Mapping
from dataclasses import dataclass, field

FALLBACK_INTENT = "nlu_fallback"
OUT_OF_SCOPE_INTENT = "out_of_scope"
RANKING_LENGTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitySpan:
    """An annotated span: characters ``start`` to ``end`` of the text."""

    start: int
    end: int
    entity: str
    role: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A training message. ``intent`` is the full label: ``faq/ask_hours`` is the key ask_hours of the intent faq."""

    text: str
    intent: str
    entities: tuple[EntitySpan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A found entity. ``confidence`` is in [0, 1]; ``processors`` names what changed ``value`` afterwards."""

    entity: str
    value: str
    start: int
    end: int
    confidence: float
    extractor: str
    role: str | None = None
    group: str | None = None
    processors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentScore:
    """An intent and its calibrated probability in [0, 1]."""

    name: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parse:
    """A parsed message: the intent, at most 10 ranked ones (best first), the entities by offset.

    A rejected message has ``nlu_fallback`` as its intent and first in ``ranking``, its confidence being the
    threshold, with the intents it might have been behind. ``response_key`` belongs to a retrieval intent.
    """

    text: str
    intent: IntentScore
    ranking: tuple[IntentScore, ...]
    entities: tuple[Entity, ...] = ()
    response_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternSources:
    """Regular expressions and lookup phrases by name; ``synonyms`` maps a lower-cased text to its value."""

    regexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lookups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    synonyms: Mapping[str, str] = field(default_factory=dict)

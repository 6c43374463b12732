"""What was understood of one user message. Knows neither the model that parsed it nor what follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

FALLBACK_INTENT = "nlu_fallback"
OUT_OF_SCOPE_INTENT = "out_of_scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One entity. ``start`` and ``end`` are character offsets into the text; both None for a slash payload.

    ``text`` and ``additional_info`` are those of a system entity: its characters, and all that Duckling says of it.
    """

    entity: str
    value: Json
    start: int | None = None
    end: int | None = None
    confidence: float | None = None
    role: str | None = None
    group: str | None = None
    extractor: str | None = None
    processors: tuple[str, ...] = ()
    text: str | None = None
    additional_info: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentScore:
    """An intent and its calibrated probability in [0, 1]."""

    name: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parse:
    """A parsed message: the winning intent, at most 10 ranked ones (best first) and the entities by offset.

    A message below the threshold carries ``nlu_fallback`` as its intent and as the first of ``ranking``.
    ``response_key`` is the part behind the slash of a retrieval intent (``faq/ask_hours`` gives ``ask_hours``).
    """

    text: str
    intent: IntentScore
    ranking: tuple[IntentScore, ...] = ()
    entities: tuple[Entity, ...] = ()
    response_key: str | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)

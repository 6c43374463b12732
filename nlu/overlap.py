"""One list of entities out of what the tagger and the patterns found.

The rule: an entity that both found on the same span is one entity, with the tagger's role and group and the higher
confidence. Of entities that overlap otherwise, the longest stays, then the most confident; different entities on the
very same span stay together only if the same extractor found them.
"""

from collections.abc import Iterable
from dataclasses import replace

from nlu.data import Entity


def resolved(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """The entities without duplicates and overlaps, ordered by offset."""
    kept: list[Entity] = []
    for entity in sorted(_merged(entities), key=_precedence):
        if all(_compatible(entity, other) for other in kept):
            kept.append(entity)
    return tuple(sorted(kept, key=lambda entity: (entity.start, entity.end, entity.entity)))


def _merged(entities: Iterable[Entity]) -> Iterable[Entity]:
    """Entities with the same span and name made one; what comes first keeps its extractor, role and group."""
    by_place: dict[tuple[int, int, str], Entity] = {}
    for entity in entities:
        place = (entity.start, entity.end, entity.entity)
        first = by_place.setdefault(place, entity)
        if entity.confidence > first.confidence:
            by_place[place] = replace(first, confidence=entity.confidence)
    return by_place.values()


def _precedence(entity: Entity) -> tuple[int, float, int, str]:
    return entity.start - entity.end, -entity.confidence, entity.start, entity.entity


def _compatible(left: Entity, right: Entity) -> bool:
    if left.end <= right.start or right.end <= left.start:
        return True
    return (left.start, left.end, left.extractor) == (right.start, right.end, right.extractor)

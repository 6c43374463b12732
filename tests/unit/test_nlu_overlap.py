import pytest

from nlu.data import Entity
from nlu.overlap import resolved


def entity(name: str, start: int, end: int, confidence: float = 0.5, extractor: str = "tagger", **more: str) -> Entity:
    return Entity(entity=name, value="", start=start, end=end, confidence=confidence, extractor=extractor, **more)


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        # the same entity from both: one, with the higher confidence and the tagger's role
        (
            [entity("city", 0, 3, 0.4, role="to"), entity("city", 0, 3, 0.9, "regex")],
            [entity("city", 0, 3, 0.9, role="to")],
        ),
        # overlap: the longer
        ([entity("city", 0, 3, 0.9), entity("city", 0, 8, 0.2, "regex")], [entity("city", 0, 8, 0.2, "regex")]),
        # equal spans of different extractors: the surer
        ([entity("zip", 0, 5, 0.9, "regex"), entity("phone", 0, 5, 0.6)], [entity("zip", 0, 5, 0.9, "regex")]),
        # equal spans of one extractor: both
        (
            [entity("first", 0, 3), entity("last", 0, 3)],
            [entity("first", 0, 3), entity("last", 0, 3)],
        ),
        # neighbours that touch are no overlap; the order is that of the text
        ([entity("b", 3, 6), entity("a", 0, 3)], [entity("a", 0, 3), entity("b", 3, 6)]),
    ],
)
def test_the_rule(found: list[Entity], kept: list[Entity]) -> None:
    assert resolved(found) == tuple(kept)

import numpy as np
import pytest

from nlu.data import EntitySpan
from nlu.tags import TagSet, kinds_of, touching_kinds
from nlu.tokens import Tokens


def tokens(*pieces: str) -> Tokens:
    """Tokens of a text in which ``##x`` continues the piece before it, between two special ones."""
    spans, at = [], 0
    for piece in pieces:
        at += not piece.startswith("##")
        size = len(piece.removeprefix("##"))
        spans.append((at, at + size))
        at += size
    return Tokens(
        ids=tuple(range(len(pieces) + 2)),
        spans=((0, 0), *spans, (0, 0)),
        glued=(False, *(piece.startswith("##") for piece in pieces), False),
        known=True,
    )


def span(start: int, end: int, entity: str) -> EntitySpan:
    return EntitySpan(start=start, end=end, entity=entity)


def chances(tagset: TagSet, *tags: dict[str, float]) -> np.ndarray:
    rows = np.full((len(tags) + 2, len(tagset.names)), 1e-6)
    for row, given in zip(rows[1:-1], tags, strict=True):
        for name, value in given.items():
            row[tagset.names.index(name)] = value
    rows[0, 1] = rows[-1, 1] = 0.99  # what is said of special tokens must not matter
    return rows


def test_labels_of_neighbours_and_parts() -> None:
    tagset = TagSet(["city"], touching=[])
    text = tokens("new", "york", "ber", "##lin", "now")  # " new york berlin now"
    tags, owners = tagset.label(text, [span(1, 9, "city"), span(10, 16, "city")])
    assert [tagset.names[tag] for tag in tags] == ["O", "B-city", "I-city", "B-city", "I-city", "O", "O"]
    assert owners == [-1, 0, 0, 1, 1, -1, -1]


def test_kinds_that_touch_are_found() -> None:
    tagset = TagSet(["city", "day"], touching=[])
    b_city, i_city, b_day = (tagset.names.index(name) for name in ("B-city", "I-city", "B-day"))
    assert touching_kinds(tagset, [[0, b_city, i_city, b_day, 0], [b_city, 0, b_city]]) == ()
    assert touching_kinds(tagset, [[b_city, i_city, b_city], [b_day, b_day]]) == ("city", "day")


def test_equal_spans_share_a_tag_and_the_longer_of_overlapping_ones_is_learned() -> None:
    spans = [span(1, 4, "last"), span(1, 4, "first"), span(3, 4, "letter"), span(5, 9, "first")]
    assert kinds_of([spans]) == ("first", "first|last", "letter")
    tagset = TagSet(kinds_of([spans]), touching=[])
    tags, _ = tagset.label(tokens("ann", "beth"), spans)
    assert [tagset.names[tag] for tag in tags[1:-1]] == ["B-first|last", "B-first"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # an inside tag cannot follow nothing: the beginning is nearly as probable and legal
        (({"O": 0.5, "B-city": 0.4}, {"I-city": 0.9}), [(1, 2, ("city",))]),
        # nothing at all
        (({"O": 0.9}, {"O": 0.9}), []),
        # a kind that was never seen beside itself is one entity, one that was is two
        (({"B-city": 0.9}, {"B-city": 0.9}), [(1, 2, ("city",))]),
        (({"B-day": 0.9}, {"B-day": 0.9}), [(1, 1, ("day",)), (2, 2, ("day",))]),
        # the kind does not change inside a span
        (({"B-city": 0.9}, {"I-day": 0.5, "I-city": 0.4}), [(1, 2, ("city",))]),
    ],
)
def test_decoding_is_legal(
    rows: tuple[dict[str, float], ...], expected: list[tuple[int, int, tuple[str, ...]]]
) -> None:
    tagset = TagSet(["city", "day"], touching=["day"])
    found = tagset.decode(chances(tagset, *rows), tokens("a", "b"))
    assert [(s.first, s.last, s.types) for s in found] == expected


def test_a_word_is_never_cut() -> None:
    tagset = TagSet(["city"], touching=[])
    rows = chances(tagset, {"B-city": 0.9}, {"O": 0.6, "I-city": 0.3}, {"O": 0.9}, {"B-city": 0.9})
    found = tagset.decode(rows, tokens("ber", "##lin", "or", "paris"))
    assert [(s.first, s.last) for s in found] == [(1, 2), (4, 4)]


def test_confidence_is_the_mean_mass_of_the_kind() -> None:
    tagset = TagSet(["city"], touching=[])
    rows = chances(tagset, {"B-city": 0.8, "O": 0.1}, {"I-city": 0.5, "B-city": 0.1, "O": 0.4})
    assert tagset.decode(rows, tokens("new", "york"))[0].confidence == pytest.approx(0.7)


def test_two_types_on_one_span_come_apart_again() -> None:
    tagset = TagSet(["first|last"], touching=[])
    assert tagset.decode(chances(tagset, {"B-first|last": 0.9}), tokens("ann"))[0].types == ("first", "last")

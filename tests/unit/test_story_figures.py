"""The figures of ``story_report.json``, against scikit-learn's and by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dialogue.figures import classification
from training.story_figures import NO_LABEL, EntityLabel, confusion, entity_pairs

labels = st.sampled_from(["utter_hi", "utter_bye", "action_listen", "greet"])
predicted = labels | st.just("never_expected")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(labels, predicted), min_size=1, max_size=30))
def test_figures_are_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    """Over the labels that are expected, as Rasa asks for them."""
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    expected, got = zip(*pairs, strict=True)
    theirs = metrics.classification_report(
        expected, got, labels=sorted(set(expected)), output_dict=True, zero_division=0.0
    )
    mine = classification(pairs)
    accuracy = theirs.setdefault("accuracy", sum(a == b for a, b in pairs) / len(pairs))
    shared = dict.fromkeys(("precision", "recall", "f1-score"), accuracy)
    theirs.setdefault("micro avg", {**shared, "support": len(pairs)})
    assert mine.keys() == theirs.keys()
    for name, row in theirs.items():
        assert mine[name] == pytest.approx(row), name


def test_nothing_to_judge_has_no_figures() -> None:
    assert classification([]) == {}


def test_what_was_taken_for_what() -> None:
    assert confusion([("a", "b"), ("a", "b"), ("a", "a")]) == {"a": {"b": 2, "a": 1}}


ROME = EntityLabel(entity="city", value="Rome", start=5, end=9)
TEXT = "from Rome to Oslo"


@pytest.mark.parametrize(
    ("expected", "got", "pairs"),
    [
        # the same
        ({ROME}, {ROME}, [("[Rome](city)", "[Rome](city)")]),
        # another type, another value: side by side
        (
            {ROME},
            {EntityLabel(entity="name", value="roma", start=5, end=9)},
            [("[Rome](city)", '[Rome]{"entity": "name", "value": "roma"}')],
        ),
        # one too few and one too many, by their places
        (
            {ROME},
            {EntityLabel(entity="city", value="Oslo", start=13, end=17)},
            [("[Rome](city)", NO_LABEL), (NO_LABEL, "[Oslo](city)")],
        ),
        # a slash message has values and no places
        (
            {EntityLabel(entity="city", value="Rome")},
            {EntityLabel(entity="city", value="Rome")},
            [("[Rome](city)", "[Rome](city)")],
        ),
    ],
)
def test_entities_side_by_side(expected: set[EntityLabel], got: set[EntityLabel], pairs: list[tuple[str, str]]) -> None:
    assert entity_pairs(TEXT, expected, got) == pairs

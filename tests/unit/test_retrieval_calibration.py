"""Scores into probabilities."""

import pytest

from retrieval.calibration import FEATURES, PRIOR, features
from retrieval.index import Hit
from retrieval.passages import Passage
from training.pseudo_queries import pseudo_queries


def hit(dense: float, late: float) -> Hit:
    passage = Passage(id="p", document="d.md", title="t", text="x", language="en")
    return Hit(passage=passage, score=dense + late, dense=dense, lexical=0.0, late=late)


@pytest.mark.parametrize(("low", "high"), [((0.1, 0.0), (0.4, 0.0)), ((0.4, 0.0), (0.4, 0.3))])
def test_more_likeness_is_more_probable(low: tuple[float, float], high: tuple[float, float]) -> None:
    assert PRIOR.probability(features([hit(*low)])) < PRIOR.probability(features([hit(*high)]))


def test_nothing_found_is_improbable() -> None:
    assert PRIOR.probability(features([])) < PRIOR.draft_at < PRIOR.answer_at


def test_features_are_those_of_the_prior() -> None:
    assert set(features([hit(0.5, 0.1)])) == set(FEATURES) == set(PRIOR.weights)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Open the orders page and choose the parcel. Print the label and send it back within thirty days."),
        ("zh", "打开订单页面并选择包裹。打印标签后请在三十天之内寄回商品，逾期无法办理退货。"),
    ],
)
def test_pseudo_queries_are_repeatable_and_varied(language: str, text: str) -> None:
    passages = [
        Passage(id=f"{n}", document=f"{n}.md", title=f"Title {n}", text=text, language=language) for n in range(9)
    ]
    queries = pseudo_queries(passages, limit=12, seed=3)
    assert queries == pseudo_queries(passages, limit=12, seed=3)
    assert len(queries) == 12
    assert len({query.text for query in queries}) > 6
    assert {query.document for query in queries} <= {passage.document for passage in passages}

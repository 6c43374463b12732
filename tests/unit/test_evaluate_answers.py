"""Sent answers are judged: support, the second look, token F1, figures, and the page."""

import gzip
import json
from pathlib import Path

import pytest

from training.answers_page import render
from training.evaluate_answers import Answer, Judged, Question, every, figures, judge, read_questions, read_squad
from training.evaluate_retrieval import QueriesFault
from training.second_look import foreign
from training.token_overlap import best_f1

DELIVERY = (
    "d",
    "Delivery",
    "Standard delivery is £4.90. We do not deliver on Sundays. Are you late? Call us at 0113 496.",
)


def judged(kind: str, text: str, **known: object) -> Judged:
    question = Question(text="how much?", **known)  # type: ignore[arg-type]
    return judge(question, Answer(kind=kind, text=text, passages=(DELIVERY,), documents=("d.md",), opening="So:"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sentence", "texts", "expected"),
    [
        ("Standard delivery is £4.90.", ["Standard delivery is £4.9."], ()),
        ("It takes 2 days.", ["It takes two days."], ()),
        ("It takes 3 days.", ["It takes two days."], ("number 3",)),
        ("需要两天，共1,000元。", ["需要2天，共1000元。"], ()),
        ("See https://a.example/b.", ["See https://a.example/b"], ()),
        ("See https://a.example/b/c.", ["See https://a.example/b"], ("link https://a.example/b/c",)),
        ("Write to a@b.example.", ["Write to c@b.example."], ("link a@b.example",)),
        ("Ask Anna or the Berlin office.", ["ask anna or the office."], ("name Berlin",)),
        ("We deliver on Sundays.", ["We do not deliver on Sundays."], ("one denies: We do not deliver on Sundays.",)),
        ("We do not deliver on Sundays.", ["We deliver daily. We do not deliver on Sundays."], ()),
        ("特价商品可以退货。", ["特价商品不可以退货。"], ("one denies: 特价商品不可以退货。",)),
        ("请看《退货说明》。", ["请看《购买说明》。"], ("quotation 退货说明",)),
    ],
)
def test_the_second_look_sees_what_passages_lack(sentence: str, texts: list[str], expected: tuple[str, ...]) -> None:
    assert foreign(sentence, texts) == expected


@pytest.mark.parametrize(
    ("text", "golds", "expected"),
    [
        ("The 30 degrees", ["30 degrees."], 1),  # articles and punctuation do not count
        ("within two days", ["two days"], 0.8),
        ("两天内", ["两天"], 0.8),
        ("", ["two days"], 0),
        ("two days", [], 0),
        ("b", ["a b c", "b c"], 2 / 3),  # the nearest right answer counts
    ],
)
def test_token_f1_is_that_of_squad(text: str, golds: list[str], expected: float) -> None:
    assert best_f1(text, golds) == pytest.approx(expected)


def test_a_draft_is_held_against_its_passages() -> None:
    fair, foul = judged("draft", "Standard delivery is £4.90."), judged("draft", "Standard delivery is £5.90.")
    assert not fair.is_unsupported
    assert fair.statements[0].carriers == ("d",)
    assert foul.statements[0].objections
    assert foul.statements[0].foreign == ("number 5.90",)


def test_a_quotation_may_ask_and_its_opening_is_no_part_of_it() -> None:
    row = judged("quotation", "So:\n\nAre you late? Call us at 0113 496.")
    assert [statement.text for statement in row.statements] == ["Are you late?", "Call us at 0113 496."]
    assert not row.is_unsupported
    assert judged("draft", "Are you late?").is_unsupported


def test_figures_count_every_kind() -> None:
    rows = [
        judged("ready", "Standard delivery is £4.90.", relevant=frozenset({"d.md"}), golds=("£4.90",)),
        judged("draft", "We deliver on Sundays.", relevant=frozenset({"x.md"})),
        judged("decline", "Would you like to talk to a person?", relevant=frozenset(), golds=("a person",)),
        judged("own", "Hello!", relevant=frozenset()),
    ]
    found = figures(rows)
    assert found["kinds"] == {"ready": 1, "draft": 1, "quotation": 0, "ask": 0, "own": 1, "decline": 1}
    assert (found["sentences"], found["unsupported"], found["foreign"]) == (2, 1, 1)
    assert (found["answered"], found["answered_unanswerable"], found["right_source"]) == (1.0, 0.0, 0.5)
    assert found["token_f1"] == pytest.approx((best_f1("Standard delivery is £4.90.", ["£4.90"]) + 0) / 2, abs=1e-4)


def test_figures_that_are_not_known_are_left_out() -> None:
    found = figures([judged("decline", "")])
    assert "token_f1" not in found
    assert "answered_unanswerable" not in found


def test_questions_are_read_with_what_is_known_of_them(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text('{"query": "a", "relevant": ["x.md#top"], "answers": ["b"]}\n\n{"query": "c"}\n', "utf-8")
    first, second = read_questions(file)
    assert first == Question(text="a", relevant=frozenset({"x.md"}), golds=("b",))
    assert second == Question(text="c")
    squad = tmp_path / "squad.json.gz"
    qa = {"question": "q", "answers": [{"text": "b"}]}
    data = {"data": [{"title": "t", "paragraphs": [{"context": "a b", "qas": [qa]}]}]}
    squad.write_bytes(gzip.compress(json.dumps(data).encode()))
    assert read_squad(squad) == [Question(text="q", golds=("b",), given="a b", title="t")]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"query": 1}', '{"query": "a", "relevant": "x"}'])
def test_a_file_that_holds_no_questions_is_refused_with_its_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(text)
    with pytest.raises(QueriesFault, match=r"q\.jsonl:1"):
        read_questions(file)


@pytest.mark.parametrize("text", ["", "{}", '{"data": []}', '{"data": [{"paragraphs": [{}]}]}'])
def test_a_file_in_another_form_than_squads_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "squad.json"
    file.write_text(text)
    with pytest.raises(QueriesFault, match=r"squad\.json:1"):
        read_squad(file)


def test_a_limit_asks_evenly() -> None:
    questions = [Question(text=str(number)) for number in range(10)]
    assert [question.text for question in every(questions, 4)] == ["0", "2", "5", "7"]
    assert every(questions, 99) == questions
    assert every(questions, None) == questions


def test_the_page_shows_objections_first_and_runs_nothing_of_the_texts() -> None:
    rows = [judged("ready", "Standard delivery is £4.90."), judged("draft", "<script>alert(1)</script> £5.90.")]
    page = render(rows, figures(rows), title="Answers to q.jsonl", source="<pages>")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert page.index("number 5.90") < page.index("Standard delivery is £4.90.")

"""Questions that found nothing: which turns count, what is told as one, and what is masked."""

import json
from pathlib import Path

import pytest

from bot.cli import main
from bot.commands import transcripts as transcripts_module
from bot.delivery.transcript import TurnTranscript
from bot.ports import TurnRecord
from bot.unanswered import found_nothing, masked, unanswered

HIT = {"id": "p1", "title": "Delivery times", "document": "shipping.md", "score": 0.4}


def turn(text: str, *, who: str = "anna", at: float = 0.0, route: str = "offer", **record: object) -> TurnTranscript:
    values = {"probability": 0.1, "intent": "nlu_fallback", "hits": (HIT,), **record}
    return TurnTranscript(
        conversation_id=who,
        channel="rest",
        event_id=f"{who}{at}",
        kind="message",
        at=at,
        text=text,
        record=TurnRecord(route=route, **values),
    )


@pytest.mark.parametrize(
    ("route", "record", "counts"),
    [
        ("offer", {}, True),
        ("fallback", {}, True),
        ("rule", {"intent": "out_of_scope"}, True),  # the assistant's own words for what it does not know
        ("rule", {"intent": "greet"}, False),  # an uncertain intent beat the knowledge
        ("knowledge", {}, False),
        ("generator", {}, False),
        ("offer", {"probability": None}, False),  # nothing was searched
    ],
)
def test_which_turns_count(route: str, record: dict[str, object], counts: bool) -> None:
    assert found_nothing(turn("x", route=route, **record).record) is counts


def test_questions_that_are_alike_are_told_as_one() -> None:
    turns = [
        turn("Do you ship to Norway?", at=1),
        turn("do you ship to  Norway?", who="bo", at=5),
        turn("shipping to norway possible", who="cy", at=3, hits=()),
        turn("能寄到挪威吗？", at=2),
        turn("可以寄到挪威吗", at=4),
        turn("gift cards", at=6, hits=()),
        turn("???", at=7),
    ]
    told = unanswered(turns)
    assert [(each.question, each.count, each.conversations, each.last) for each in told] == [
        ("Do you ship to Norway?", 3, 3, 5),
        ("能寄到挪威吗?", 2, 1, 4),
        ("gift cards", 1, 1, 6),
    ]
    assert told[0].wordings == ("do you ship to Norway?", "shipping to norway possible")
    assert (told[0].nearest, told[0].document) == ("Delivery times", "shipping.md")
    assert (told[2].nearest, told[2].document) == (None, None)


def test_a_follow_up_is_told_with_what_it_went_on_from() -> None:
    (told,) = unanswered([turn("and to Norway?", searched="how long is delivery to Germany and to Norway?")])
    assert told.question == "how long is delivery to Germany and to Norway?"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mail me at an.na@example.com please", "mail me at <email> please"),
        ("call +44 20 7946 0958\nnow", "call <number> now"),
        ("订单１２３４５６７８在哪", "订单<number>在哪"),
        ("see https://x.example/?id=7", "see <link>"),
        ("the 5 year warranty of 2024", "the 5 year warranty of 2024"),
        ("x" * 300, "x" * 200 + "…"),
    ],
)
def test_what_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [turn("Do you ship to Norway?", at=1e9), turn("gift cards", at=2e9, hits=())]
    monkeypatch.setattr(transcripts_module, "transcripts_of", lambda paths, url: kept)
    assert main(["knowledge", str(tmp_path), "--unanswered"]) == 0
    shown = capsys.readouterr().out
    assert "    1  2001-09-09  Do you ship to Norway?\n" in shown
    assert "nearest: Delivery times (shipping.md)" in shown
    assert shown.endswith("2 questions found nothing, asked 2 times\n")
    assert main(["knowledge", str(tmp_path), "--unanswered", "--days", "30", "--json"]) == 0
    assert [each["question"] for each in json.loads(capsys.readouterr().out)] == ["gift cards"]


def test_nothing_was_ever_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["knowledge", str(tmp_path), "--unanswered"]) == 0
    assert capsys.readouterr().out == "0 questions found nothing, asked 0 times\n"

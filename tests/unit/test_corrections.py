"""What may be learned from conversations: only what somebody confirmed."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.delivery.transcript import TurnTranscript
from bot.dialogue.domain import Domain, IntentSpec
from bot.dialogue.errors import ProjectFaults
from bot.messages import Reply
from bot.ports import TurnRecord
from training.corrections import PER_CONVERSATION, Correction, lessons, merged, read_labels, redacted

DOMAIN = Domain(intents={name: IntentSpec(name=name) for name in ("greet", "order_status", "out_of_scope")})


def turn(
    text: str, *, conversation: str = "c", asked_back: bool = False, route: str = "rule", rating: str = ""
) -> TurnTranscript:
    actions = ({"name": "action_default_ask_affirmation"},) if asked_back else ()
    return TurnTranscript(
        conversation_id=conversation,
        channel="web",
        event_id=text,
        kind="message",
        at=0.0,
        text=text,
        record=TurnRecord(route=route, actions=actions),
        replies=(Reply(id="r", text="an answer"),),
        ratings={"r": rating} if rating else {},
    )


@pytest.mark.parametrize(
    ("answer", "learned"),
    [
        ("/order_status", ["order_status"]),  # the button that says yes
        ('/order_status{"order_number": "MP-10234"}', ["order_status"]),
        ("/out_of_scope", []),  # the button that says no
        ("/unknown", []),  # not an intent of this assistant
        ("order_status", []),  # typed words are no button
    ],
)
def test_a_confirmed_guess_is_learned(answer: str, learned: list[str]) -> None:
    found = lessons([turn("wo ist mein paket", asked_back=True), turn(answer)], DOMAIN)
    assert [correction.intent for correction in found.corrections] == learned


def test_an_answer_in_another_conversation_confirms_nothing() -> None:
    turns = [turn("where?", asked_back=True), turn("/order_status", conversation="d")]
    assert lessons(turns, DOMAIN).corrections == ()


def test_one_conversation_teaches_only_a_little() -> None:
    turns = [each for n in range(20) for each in (turn(f"where {n}", asked_back=True), turn("/order_status"))]
    assert len(lessons(turns, DOMAIN).corrections) == PER_CONVERSATION


def test_thumbs_on_knowledge_answers() -> None:
    turns = [
        turn("can I pay cash", route="knowledge", rating="up"),
        turn("hello", route="rule", rating="up"),
        turn("mail me at ann@example.org", route="knowledge", rating="down"),
        replace(turn("gave up", route="knowledge", rating="up"), dead="poison"),
    ]
    found = lessons(turns, DOMAIN)
    assert found.questions == ("can I pay cash",)
    assert found.answers == (("can I pay cash", "an answer"),)
    assert found.disliked == (("mail me at name@example.com", "an answer"),)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([("a", "greet", "did you mean"), ("a", "greet", "did you mean")], [("a", "greet")]),
        ([("a", "greet", "did you mean"), ("a", "order_status", "did you mean")], []),  # a tie teaches nothing
        ([("a", "greet", "did you mean")] * 3 + [("a", "order_status", "label")], [("a", "order_status")]),
    ],
)
def test_votes_are_merged(given: list[tuple[str, str, str]], kept: list[tuple[str, str]]) -> None:
    result = merged([Correction(text=text, intent=intent, source=source) for text, intent, source in given])
    assert [(correction.text, correction.intent) for correction in result] == kept


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("write to ann.b+c@shop.example.co.uk now", "write to name@example.com now"),
        ("call +44 20 7946 0123", "call 0000000000"),
        ("我的电话是13800138000", "我的电话是0000000000"),
        ("order MP-10234", "order MP-10234"),  # an order number says little and is needed
    ],
)
def test_what_names_a_person_is_taken_out(text: str, clean: str) -> None:
    assert redacted(text) == clean


def test_labels_are_read_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("\ufefftext,intent\n你好,greet\n", "utf-8")
    assert read_labels(path, DOMAIN) == (Correction(text="你好", intent="greet", source="label"),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text,intent\nhi,greeet\n", r"labels\.csv:2: the domain has no intent 'greeet'"),
        (b"text,intent\n,greet\nhi,\n", r"labels\.csv:2.*\n.*labels\.csv:3"),
        (b'text,intent\n"two\nlines",greet\n\nhi,greeet\n', r"^\S+labels\.csv:5: the domain has no intent 'greeet'"),
        (b"message,intent\nhi,greet\n", r"labels\.csv:1: no column text; name the columns"),
        (b"\xff\xfet\x00e\x00", r"labels\.csv:1: cannot be read .*; give a CSV in UTF-8"),
        (b"", r"labels\.csv:1: no column text and intent"),  # nothing at all
        (b"text,intent\n", r"labels\.csv:1: no rows"),
        (b"text,intent\n\xff,greet\n", r"labels\.csv:1: cannot be read"),
    ],
)
def test_bad_labels_are_named_by_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(ProjectFaults, match=message):
        read_labels(path, DOMAIN)

"""Events and parses on the wire, as Rasa writes and reads them."""

import json

import pytest
from dialogue_parts import events, parses, said
from hypothesis import given

from bot.dialogue import events as ev
from bot.dialogue.errors import BadEvent
from bot.dialogue.event_json import from_json, parse_from_json, parse_to_json, to_json
from bot.dialogue.parse import Entity, IntentScore, Parse


@given(events)
def test_an_event_survives_the_wire(event: ev.Event) -> None:
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


@given(parses)
def test_a_parse_survives_the_wire(parse: Parse) -> None:
    assert parse_from_json(json.loads(json.dumps(parse_to_json(parse)))) == parse


@pytest.mark.parametrize(
    ("wire", "event"),
    [
        # what rasa-sdk's helpers return: timestamps are null, most fields absent
        (
            {"event": "slot", "timestamp": None, "name": "city", "value": ["柏林"]},
            ev.SlotSet(name="city", value=["柏林"]),
        ),
        ({"event": "active_loop", "name": None, "timestamp": None}, ev.ActiveLoop(name=None)),
        ({"event": "followup", "timestamp": 3, "name": "action_x"}, ev.FollowupAction(name="action_x", timestamp=3.0)),
        ({"event": "session_ended", "timestamp": None, "metadata": None}, ev.SessionEnded()),
        ({"event": "bot", "text": "hi", "data": None}, ev.BotUttered(text="hi")),
        ({"event": "action", "name": "x", "policy": None}, ev.ActionExecuted(name="x")),
        ({"event": "rewind"}, ev.UserUtteranceReverted()),
        # names of Rasa 1 and 2
        ({"event": "form", "name": "book_form"}, ev.ActiveLoop(name="book_form")),
        ({"event": "form_validation", "validate": False}, ev.LoopInterrupted(is_interrupted=True)),
        ({"event": "form_validation", "validate": True}, ev.LoopInterrupted(is_interrupted=False)),
        # a reminder's default
        (
            {"event": "reminder", "name": "r", "intent": "i", "entities": None, "date_time": "2030-01-01T00:00:00"},
            ev.ReminderScheduled(name="r", intent="i", date_time="2030-01-01T00:00:00", kill_on_user_msg=True),
        ),
    ],
)
def test_reading(wire: dict[str, object], event: ev.Event) -> None:
    assert from_json(wire) == event


@pytest.mark.parametrize(
    ("wire", "says"),
    [
        ({"event": "dance"}, "unknown event type 'dance'"),
        ({"name": "city"}, "unknown event type None"),
        (["slot"], "a JSON object, not list"),
        ({"event": "slot", "value": 1}, "event 'slot', field 'name'"),
        ({"event": "slot", "name": "a", "timestamp": "now"}, "field 'timestamp': expected a number"),
        ({"event": "action", "name": 7}, "event 'action', field 'name'"),
        ({"event": "user", "text": "x", "parse_data": {"entities": [{"value": 1}]}}, "field 'parse_data'"),
        ({"event": "followup", "name": None}, "event 'followup', field 'name'"),
    ],
)
def test_what_cannot_be_read_says_why(wire: object, says: str) -> None:
    with pytest.raises(BadEvent, match=says):
        from_json(wire)


def test_a_message_on_the_wire_has_the_parse_as_rasa_has_it() -> None:
    parse = Parse(
        text="到柏林的票",
        intent=IntentScore(name="faq", confidence=0.9),
        ranking=(IntentScore(name="faq", confidence=0.9),),
        entities=(Entity(entity="city", value="柏林", start=1, end=3, confidence=0.8, role="to"),),
        response_key="ask_ticket",
    )
    event = ev.UserUttered(text="到柏林的票", parse=parse, input_channel="rest", message_id="m1", timestamp=2.0)
    wire = to_json(event)
    assert wire["parse_data"] == {
        "text": "到柏林的票",
        "intent": {"name": "faq", "confidence": 0.9},
        "entities": [{"entity": "city", "value": "柏林", "start": 1, "end": 3, "confidence_entity": 0.8, "role": "to"}],
        "intent_ranking": [{"name": "faq", "confidence": 0.9}],
        "response_selector": {
            "all_retrieval_intents": ["faq"],
            "faq": {
                "response": {
                    "intent_response_key": "faq/ask_ticket",
                    "utter_action": "utter_faq/ask_ticket",
                    "confidence": 0.9,
                },
                "ranking": [],
            },
        },
        "metadata": {},
        "message_id": "m1",
    }
    assert (wire["input_channel"], wire["message_id"], wire["metadata"]) == ("rest", "m1", {})


def test_a_default_selector_counts_only_for_its_own_intent() -> None:
    obj = parse_to_json(said("faq").parse)
    selector = {"default": {"response": {"intent_response_key": "faq/ask_hours"}}}
    assert parse_from_json({**obj, "response_selector": selector}).response_key == "ask_hours"
    other = {"default": {"response": {"intent_response_key": "chitchat/joke"}}}
    assert parse_from_json({**obj, "response_selector": other}).response_key is None

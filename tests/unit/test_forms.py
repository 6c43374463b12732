"""What a form decides: candidates, rejection, the next question, and when it is done."""

import pytest

from bot.dialogue import forms
from bot.dialogue.domain import Domain, Form, ResponseVariation, Slot
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    LoopInterrupted,
    Restarted,
    SlotSet,
    UserUttered,
)
from bot.dialogue.parse import IntentScore, Parse
from bot.dialogue.tracker import Tracker

FORM = Form(name="booking", required_slots=("seats", "city"))
NAMES = ("seats", "city", "phone", "requested_slot")
DOMAIN = Domain(slots={name: Slot(name=name, type="any") for name in NAMES}, forms={"booking": FORM})
LISTEN = ActionExecuted(name="action_listen")
SAID = UserUttered(text="x", parse=Parse(text="x", intent=IntentScore(name="inform", confidence=1.0)))
ON, OFF = ActiveLoop(name="booking"), ActiveLoop(name=None)


def put(name, value):
    return SlotSet(name=name, value=value)


def asked(name):
    return put("requested_slot", name)


def tracker(*events):
    return Tracker.start("c", DOMAIN, events)


@pytest.mark.parametrize(
    ("events", "slot", "found"),
    [
        ([ON, asked("seats"), LISTEN, SAID, put("seats", 2)], "seats", {"seats": 2}),
        ([ON, asked("seats"), put("city", "Rome"), LISTEN, SAID], "seats", {}),  # of an earlier message
        ([ON, asked("phone"), LISTEN, SAID, put("phone", "1")], "phone", {"phone": "1"}),  # asked for by the validator
        ([ON, asked("seats"), LISTEN, SAID, put("phone", "1")], "seats", {}),  # not this form's
        ([ON, asked("seats"), LISTEN, SAID, put("seats", 2), put("seats", 3)], "seats", {"seats": 3}),
        ([ON, asked("seats"), LISTEN, SAID, put("seats", None)], "seats", {"seats": None}),
        ([asked("seats"), LISTEN, SAID, put("city", "Rome")], None, {"city": "Rome"}),  # not active: asked by another
        ([SAID, put("seats", 2), Restarted(), ON], None, {}),
    ],
)
def test_candidates(events, slot, found):
    assert forms.requested_slot(FORM, tracker(*events)) == slot
    assert forms.candidates(FORM, tracker(*events)) == found


@pytest.mark.parametrize(
    ("found", "validated", "rejected"),
    [
        ({}, [], True),
        ({"seats": 2}, [], False),
        ({"city": "Rome"}, [], False),  # another slot is an answer, too
        ({}, [put("city", "Rome")], False),  # found by the validator
        ({}, [asked("city")], True),  # which slot comes next is no answer
        ({}, [BotUttered(text="no")], True),
        ({}, [ActionExecutionRejected(name="booking")], False),  # it has rejected by itself
    ],
)
def test_rejects(found, validated, rejected):
    assert forms.rejects(FORM, tracker(ON, asked("seats"), LISTEN, SAID), found, validated) is rejected
    assert not forms.rejects(FORM, tracker(LISTEN, SAID), found, validated)  # nothing was asked for


@pytest.mark.parametrize(
    ("events", "done"),
    [
        ([], False),
        ([ON], False),
        ([asked(None)], True),
        ([OFF], True),
        ([asked(None), asked("city")], False),  # the last word counts
        ([ON, OFF, ON], False),
        ([asked(None), ActionExecutionRejected(name="booking")], False),
        ([put("seats", None)], False),
    ],
)
def test_is_done(events, done):
    assert forms.is_done(events) is done


@pytest.mark.parametrize(
    ("events", "needed"),
    [
        ([LISTEN, SAID], True),  # about to begin
        ([ON, LISTEN, SAID], True),
        ([ON, LISTEN, SAID, ActionExecuted(name="utter_x")], False),  # coming back from an aside
        ([ON, LISTEN, SAID, LoopInterrupted(is_interrupted=True)], False),
    ],
)
def test_needs_validation(events, needed):
    assert forms.needs_validation(tracker(*events)) is needed


def test_a_validator_reads_the_candidates_at_the_very_end():
    state = tracker(ON, asked("seats"), LISTEN, SAID, put("seats", 2), put("phone", "1"))
    sent = forms.with_candidates(FORM, state, {"seats": 2})
    assert list(sent.events)[-3:] == [asked("seats"), ActionExecuted(name="booking"), put("seats", 2)]


def test_next_slot_and_what_is_prefilled():
    assert forms.next_slot(FORM, tracker()) == "seats"
    assert forms.next_slot(FORM, tracker(put("seats", 0))) == "city"  # 0 is a value
    assert forms.next_slot(FORM, tracker(put("seats", 0), put("city", "Rome"))) is None
    assert forms.prefilled(FORM, tracker(put("seats", 0), put("phone", "1"))) == {"seats": 0}


@pytest.mark.parametrize(
    ("actions", "responses", "expected"),
    [
        ((), (), None),
        ((), ("utter_ask_seats",), "utter_ask_seats"),
        (("action_ask_seats",), ("utter_ask_seats",), "action_ask_seats"),
        (("action_ask_seats",), ("utter_ask_booking_seats",), "utter_ask_booking_seats"),
        (("action_ask_booking_seats",), ("utter_ask_booking_seats",), "action_ask_booking_seats"),
    ],
)
def test_question(actions, responses, expected):
    domain = Domain(actions=actions, responses={name: (ResponseVariation(text="?"),) for name in responses})
    assert forms.question("booking", "seats", domain) == expected


def test_validator():
    assert forms.validator(FORM, DOMAIN) is None
    assert forms.validator(FORM, Domain(actions=("validate_booking",))) == "validate_booking"

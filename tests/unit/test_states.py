"""Dialogue states: which features of a situation policies see."""

import json

import pytest
from dialogue_parts import DOMAIN, LISTEN, conversations, did, said
from hypothesis import given

from bot.dialogue import events as ev
from bot.dialogue.domain import Slot
from bot.dialogue.parse import Entity, Json
from bot.dialogue.states import SHOULD_NOT_BE_SET, State, fits, slot_features, state_of
from bot.dialogue.tracker import Tracker


def state(*events: ev.Event, by_text: bool = False) -> dict[str, Json]:
    tracker = Tracker.start("c1", DOMAIN, events)
    return state_of(next(tracker.moments()), DOMAIN, by_text=by_text).to_json()


@pytest.mark.parametrize(
    ("slot", "value", "features"),
    [
        (Slot(name="s", type="text"), "", (1.0,)),  # set, though empty
        (Slot(name="s", type="text"), None, (0.0,)),
        (Slot(name="s", type="bool"), False, (1.0, 0.0)),
        (Slot(name="s", type="bool"), "True", (1.0, 1.0)),
        (Slot(name="s", type="bool"), "1", (1.0, 1.0)),
        (Slot(name="s", type="bool"), "maybe", (0.0, 0.0)),
        (Slot(name="s", type="bool"), "½", (0.0, 0.0)),  # numeric, but no number
        (Slot(name="s", type="float", max_value=10.0), 5, (1.0, 0.5)),
        (Slot(name="s", type="float", max_value=10.0), "99", (1.0, 1.0)),  # clipped
        (Slot(name="s", type="float", max_value=10.0), "many", (0.0, 0.0)),
        (Slot(name="s", type="float", min_value=3.0, max_value=3.0), 3, (1.0, 0.0)),
        (Slot(name="s", type="list"), [], (0.0,)),
        (Slot(name="s", type="list"), ["a"], (1.0,)),
        (Slot(name="s", type="list"), 7, (0.0,)),
        (Slot(name="s", type="categorical", values=("North", "南")), "north", (1.0, 0.0, 0.0)),
        (Slot(name="s", type="categorical", values=("north", "南")), "南", (0.0, 1.0, 0.0)),
        (Slot(name="s", type="categorical", values=("north", "南")), "west", (0.0, 0.0, 1.0)),  # __other__
        (Slot(name="s", type="categorical", values=("true",)), True, (1.0, 0.0)),
        (Slot(name="s", type="any"), "x", ()),
    ],
)
def test_slot_features(slot: Slot, value: Json, features: tuple[float, ...]) -> None:
    assert slot_features(slot, value) == features


def test_a_fresh_conversation_has_no_features() -> None:
    assert state() == {}


def test_a_message_is_its_intent_and_the_entities_that_the_intent_uses() -> None:
    entities = (
        Entity(entity="product", value="lamp"),
        Entity(entity="city", value="Rome", role="to"),
        Entity(entity="city", value="Oslo"),
    )
    assert state(LISTEN, said("inform", *entities)) == {
        "user": {"intent": "inform", "entities": ["city"]},  # the domain lists 'city' alone, so not 'city#to'
        "prev_action": {"action_name": "action_listen"},
    }


def test_an_intent_that_the_domain_does_not_know_shows_every_entity() -> None:
    entity = Entity(entity="city", value="Rome", role="to", group="1")
    assert state(LISTEN, said("new", entity))["user"] == {"intent": "new", "entities": ["city", "city#1", "city#to"]}


def test_by_text_only_the_words_count_and_only_right_after_them() -> None:
    heard = (LISTEN, said("greet", Entity(entity="city", value="Rome"), text="你好"))
    assert state(*heard, by_text=True)["user"] == {"text": "你好"}
    assert state(*heard, did("action_x"), by_text=True)["user"] == {"intent": "greet", "entities": ["city"]}
    decided = (*heard, ev.UserFeaturization(use_text_for_featurization=True), did("action_x"))
    assert state(*decided)["user"] == {"text": "你好"}


def test_slots_and_the_loop() -> None:
    events = (
        ev.SlotSet(name="city", value="Rome"),
        ev.SlotSet(name="vip", value=False),
        ev.SlotSet(name="note", value="not featurised"),
        ev.SlotSet(name="requested_slot", value="city"),
        ev.SlotSet(name="seats", value=None),
        ev.ActiveLoop(name="book_form"),
    )
    assert state(*events) == {"slots": {"city": [1.0], "vip": [1.0, 0.0]}, "active_loop": {"name": "book_form"}}


@pytest.mark.parametrize(
    ("rule", "now", "holds"),
    [
        (State(), State(intent="greet", slots={"a": (1.0,)}), True),  # what is not mentioned may be anything
        (State(intent="greet"), State(intent="bye"), False),
        (State(entities=("a",)), State(entities=("a", "b")), False),  # entities are compared as a whole
        (State(slots={"a": (1.0, 0.0)}), State(slots={"a": (1.0, 1.0)}), False),
        (State(slots={"a": (1.0,)}), State(), False),
        (State(slots={"a": SHOULD_NOT_BE_SET}), State(), True),
        (State(slots={"a": SHOULD_NOT_BE_SET}), State(slots={"a": SHOULD_NOT_BE_SET}), True),
        (State(slots={"a": SHOULD_NOT_BE_SET}), State(slots={"a": (1.0,)}), False),
        (State(loop=SHOULD_NOT_BE_SET), State(), True),
        (State(loop=SHOULD_NOT_BE_SET), State(loop="form"), False),
        (State(loop="form"), State(loop="form"), True),
        (State(action_text="Hi"), State(action="utter_hi"), False),
    ],
)
def test_whether_a_rule_fits(rule: State, now: State, holds: bool) -> None:
    assert fits(rule, now) is holds


@given(conversations)
def test_any_state_survives_json(events: list[ev.Event]) -> None:
    for situation in Tracker.start("c1", DOMAIN, events).moments():
        state = state_of(situation, DOMAIN)
        assert State.from_json(json.loads(json.dumps(state.to_json()))) == state

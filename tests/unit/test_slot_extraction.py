"""What the latest message offers for the slots."""

from dataclasses import replace

import pytest
from dialogue_parts import DOMAIN, LISTEN, conversations, did, said
from hypothesis import given

from bot.dialogue import events as ev
from bot.dialogue.domain import Domain, Form, MappingCondition, Slot, SlotMapping
from bot.dialogue.parse import Entity, Json
from bot.dialogue.slots import CustomAction, extract_slots
from bot.dialogue.tracker import Tracker

ROME = Entity(entity="city", value="Rome")
OSLO = Entity(entity="city", value="奥斯陆")
TO_ROME = Entity(entity="city", value="Rome", role="to")
CITY = SlotMapping(type="from_entity", entity="city")
ASK = SlotMapping(type="custom", action="action_x")
IN_FORM = (MappingCondition(active_loop="book_form"),)
OUTSIDE = (MappingCondition(active_loop=None),)
ASKED = (MappingCondition(active_loop="book_form", requested_slot="seats"),)
FORM_ON = ev.ActiveLoop(name="book_form")


def domain(*slots: Slot, form: Form | None = None) -> Domain:
    book = form or Form(name="book_form", required_slots=("city", "seats"))
    return replace(
        DOMAIN,
        slots={slot.name: slot for slot in (*slots, Slot(name="requested_slot", type="text"))},
        forms={"book_form": book},
    )


def extract(
    *mappings: SlotMapping, heard: ev.UserUttered, before: tuple[ev.Event, ...] = (), kind: str = "text"
) -> list[Json]:
    """The candidate values of a slot ``seats`` with these mappings."""
    slot = Slot(name="seats", type=kind, mappings=mappings)  # type: ignore[arg-type]  # one of the slot types
    tracker = Tracker.start("c1", domain(slot), [*before, LISTEN, heard])
    return [event.value for event in extract_slots(tracker)]


@pytest.mark.parametrize(
    ("mapping", "heard", "before", "values"),
    [
        # from_entity: the last one counts; roles and groups match exactly, also when absent
        (CITY, said("inform", ROME, OSLO), (), ["奥斯陆"]),
        (CITY, said("inform", TO_ROME), (), []),
        (replace(CITY, role="to"), said("inform", ROME, TO_ROME), (), ["Rome"]),
        (SlotMapping(type="from_entity", entity="unknown"), said("inform"), (), []),
        # from_intent, from_text
        (SlotMapping(type="from_intent", value=2, intent=("greet",)), said("greet"), (), [2]),
        (SlotMapping(type="from_intent", value=2, intent=("greet",)), said("inform"), (), []),
        (SlotMapping(type="from_intent", value=2, intent=("nowhere",)), said("nowhere"), (), []),
        (SlotMapping(type="from_text"), said("inform", text="四个人"), (), ["四个人"]),
        (SlotMapping(type="from_text", not_intent=("inform",)), said("inform"), (), []),
        # conditions
        (replace(CITY, conditions=IN_FORM), said("inform", ROME), (), []),
        (replace(CITY, conditions=IN_FORM), said("inform", ROME), (FORM_ON,), ["Rome"]),
        (replace(CITY, conditions=OUTSIDE), said("inform", ROME), (), ["Rome"]),
        (replace(CITY, conditions=OUTSIDE), said("inform", ROME), (FORM_ON,), []),
        (replace(CITY, conditions=ASKED), said("inform", ROME), (FORM_ON,), []),
        (replace(CITY, conditions=ASKED), said("inform", ROME),
         (FORM_ON, ev.SlotSet(name="requested_slot", value="seats")), ["Rome"]),
        # a loop that declined takes no answer to what it asked
        (replace(CITY, conditions=IN_FORM), said("inform", ROME),
         (FORM_ON, ev.SlotSet(name="requested_slot", value="seats"), ev.ActionExecutionRejected(name="book_form")), []),
        # from_trigger_intent needs the loop, and one of its conditions if it has any
        (SlotMapping(type="from_trigger_intent", value=1, intent=("inform",)), said("inform"), (), []),
        (SlotMapping(type="from_trigger_intent", value=1, intent=("inform",)), said("inform"), (FORM_ON,), [1]),
        (SlotMapping(type="from_trigger_intent", value=1, conditions=IN_FORM), said("inform"), (FORM_ON,), [1]),
        (SlotMapping(type="from_trigger_intent", value=1, conditions=IN_FORM), said("inform"),
         (ev.ActiveLoop(name="other_form"),), []),
    ],
)  # fmt: skip
def test_one_mapping(
    mapping: SlotMapping, heard: ev.UserUttered, before: tuple[ev.Event, ...], values: list[Json]
) -> None:
    assert extract(mapping, heard=heard, before=before) == values


def test_the_first_mapping_that_gives_something_wins() -> None:
    text = SlotMapping(type="from_text")
    assert extract(CITY, text, heard=said("inform", ROME, text="to Rome")) == ["Rome"]
    assert extract(CITY, text, heard=said("inform", text="to Rome")) == ["to Rome"]


def test_a_list_slot_takes_all() -> None:
    assert extract(CITY, heard=said("inform", ROME, OSLO), kind="list") == [["Rome", "奥斯陆"]]


@pytest.mark.parametrize(
    ("conditions", "values"),
    [
        ((), []),  # a mapping for every loop: the form's ignored intents count
        (IN_FORM, []),
        ((*IN_FORM, MappingCondition(active_loop="other_form")), []),
    ],
)
def test_intents_that_the_form_ignores_fill_nothing(
    conditions: tuple[MappingCondition, ...], values: list[Json]
) -> None:
    form = Form(name="book_form", required_slots=("seats",), ignored_intents=("greet",))
    slot = Slot(name="seats", type="text", mappings=(SlotMapping(type="from_text", conditions=conditions),))
    for intent, expected in (("greet", values), ("inform", ["two"])):
        heard = said(intent, text="two")
        tracker = Tracker.start("c1", domain(slot, form=form), [FORM_ON, LISTEN, heard])
        assert [event.value for event in extract_slots(tracker)] == expected


def test_in_a_form_an_ambiguous_entity_fills_only_what_was_asked_for() -> None:
    slots = [Slot(name=name, type="text", mappings=(CITY,)) for name in ("city", "seats", "elsewhere")]
    start = Tracker.start("c1", domain(*slots), [FORM_ON])
    asked = start.apply(ev.SlotSet(name="requested_slot", value="seats"), LISTEN, said("inform", ROME))
    assert {event.name for event in extract_slots(asked)} == {"seats", "elsewhere"}
    nothing_asked = start.apply(LISTEN, said("inform", ROME))
    assert {event.name for event in extract_slots(nothing_asked)} == {"elsewhere"}
    no_form = Tracker.start("c1", domain(*slots), [LISTEN, said("inform", ROME)])
    assert {event.name for event in extract_slots(no_form)} == {"city", "seats", "elsewhere"}


def test_custom_mappings_name_their_action_once() -> None:
    custom = SlotMapping(type="custom", action="action_x")
    slots = [
        Slot(name="a", type="text", mappings=(custom,)),
        Slot(name="b", type="text", mappings=(custom, SlotMapping(type="custom", action="action_y"))),
        Slot(name="c", type="text", mappings=(SlotMapping(type="custom"),)),
        Slot(name="d", type="text", mappings=(SlotMapping(type="custom", action="action_z", intent=("greet",)),)),
    ]
    tracker = Tracker.start("c1", domain(*slots), [LISTEN, said("inform")])
    assert extract_slots(tracker) == (CustomAction(name="action_x"), CustomAction(name="action_y"))


@pytest.mark.parametrize(
    ("mappings", "offered"),
    [
        # what another mapping gives comes after the custom action before it, and so counts
        ((ASK, CITY), [CustomAction(name="action_x"), ev.SlotSet(name="b", value="Rome")]),
        # a value ends the search
        ((CITY, ASK), [ev.SlotSet(name="b", value="Rome")]),
        # nothing given: the action is asked
        ((replace(CITY, role="to"), ASK), [CustomAction(name="action_x")]),
    ],
)
def test_custom_actions_and_values_keep_the_order_of_the_domain(mappings, offered) -> None:
    slots = [Slot(name="b", type="text", mappings=mappings), Slot(name="a", type="text", mappings=(CITY,))]
    tracker = Tracker.start("c1", domain(*slots), [LISTEN, said("inform", ROME)])
    assert list(extract_slots(tracker)) == [*offered, ev.SlotSet(name="a", value="Rome")]


def test_automatic_slots_are_filled_by_no_mapping() -> None:
    slot = Slot(name="session_started_metadata", type="any", mappings=(SlotMapping(type="from_text"),))
    assert extract_slots(Tracker.start("c1", domain(slot), [LISTEN, said("inform")])) == ()


@given(conversations)
def test_no_conversation_breaks_it(events: list[ev.Event]) -> None:
    mappings = (CITY, SlotMapping(type="from_trigger_intent", value=1), SlotMapping(type="from_text"))
    slots = [Slot(name=name, type="list", mappings=mappings) for name in ("city", "seats")]
    tracker = Tracker.start("c1", domain(*slots), [*events, did("action_x")])
    assert len(extract_slots(tracker)) <= 2

"""Test stories for a running bot: the script, the answers that a story leaves out, and what counts as a difference."""

from collections.abc import Sequence

import pytest
from dialogue_parts import did, project

from bot.dialogue.events import ActiveLoop, BotUttered, Event, SlotSet
from bot.dialogue.parse import Json
from bot.dialogue.stories import dialogues
from bot.dialogue.tracker import Tracker
from bot.live_answers import answers, sample_values
from bot.live_check import SeenTurn, differences
from bot.live_script import ScriptTurn, WantedAction, WantedLoop, WantedSlot, script

DOMAIN = """
    version: "3.1"
    intents: [greet, order, inform, stop, faq]
    entities: [city, {size: {roles: [of_box]}}]
    slots:
      city: {type: text, mappings: [{type: from_entity, entity: city}]}
      size: {type: text, mappings: [{type: from_entity, entity: size, role: of_box}]}
      note:
        type: text
        mappings: [{type: from_text, not_intent: stop, conditions: [{active_loop: order_form}]}]
      sure:
        type: bool
        mappings:
        - {type: from_intent, intent: greet, value: true, conditions: [{active_loop: order_form}]}
        - {type: from_intent, intent: stop, value: false, conditions: [{active_loop: order_form}]}
      other:
        type: text
        mappings: [{type: from_entity, entity: city, conditions: [{active_loop: other_form}]}]
      mail: {type: text, mappings: [{type: from_entity, entity: city, intent: order}]}
    forms:
      order_form: {required_slots: [city, size, note, sure]}
      other_form: {required_slots: [other]}
    actions: [action_order]
    responses:
      utter_hi: [{text: Hi}, {text: "Hello {city}"}]
      utter_bye: [{text: "Bye\\n\\nSee you", buttons: [{title: More, payload: /greet}]}]
      utter_faq/hours: [{text: All day}]
      utter_faq/place: [{text: Here}]
"""
DATA = """
    nlu:
    - intent: order
      examples: |
        - two to [Rome](city)
    - intent: inform
      examples: |
        - a [big]{"entity": "size", "role": "of_box"} one
        - as you like
    - intent: stop
      examples: |
        - no more
    - {intent: faq/hours, examples: "- when"}
    - {intent: faq/place, examples: "- where"}
    - {lookup: city, examples: "- Oslo"}
    rules:
    - rule: order
      steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
"""
TESTS = """
    stories:
    - story: all
      steps:
      - user: to [Rome](city)
        intent: order
      - action: order_form
      - active_loop: order_form
      - slot_was_set:
        - note
      - slot_was_set:
        - sure: true
      - active_loop: null
      - action: action_order
      - intent: faq/hours
      - action: utter_faq
      - intent: inform
        entities: [city, {size: big}]
      - action: action_deactivate_loop
      - active_loop: null
"""
ASSISTANT = project(domain=DOMAIN, data=DATA, test_stories=TESTS)


def test_a_story_as_a_script() -> None:
    (dialogue,) = dialogues(ASSISTANT.tests, ASSISTANT.domain)
    first, second, third = script(dialogue, ASSISTANT.tests, sample_values(ASSISTANT))
    assert (first.said, first.line) == ("to Rome", 5)
    assert [action.name for action in first.actions] == ["order_form", "action_order"]
    assert first.slots == [  # the city follows from the entity and is nobody's expectation
        WantedSlot(name="note", value="filled", any_value=True, line=10),
        WantedSlot(name="sure", value=True, any_value=False, line=12),
    ]
    assert [loop.name for loop in first.loops] == ["order_form", None]
    assert first.completes == "order_form"
    assert second.said == "/faq/hours"  # no words, so the slash message that says the same
    assert third.said == '/inform{"city": "Rome", "size": "big"}'  # the first value that an example has
    assert third.completes == "action_deactivate_loop"  # which is no form: nothing is left out there


CLEARED_UP = """
    stories:
    - story: affirmed
      steps:
      - user: mumble
        intent: nlu_fallback
      - action: action_two_stage_fallback
      - active_loop: action_two_stage_fallback
      - user: to [Rome](city)
        intent: order
      - action: action_two_stage_fallback
      - active_loop: null
      - user: to [Rome](city)
        intent: order
      - action: order_form
"""


def test_what_a_fallback_says_again_is_not_said_twice() -> None:
    assistant = project(domain=DOMAIN, data=DATA, test_stories=CLEARED_UP)
    (dialogue,) = dialogues(assistant.tests, assistant.domain)
    turns = script(dialogue, assistant.tests, {})
    assert [turn.said for turn in turns] == ["mumble", "to Rome"]
    assert [action.name for action in turns[1].actions] == ["action_two_stage_fallback", "order_form"]
    assert turns[1].slots == []


@pytest.mark.parametrize(
    ("slot", "wanted", "buttons", "found"),
    [
        # an entity: every value that is known, with the intent that carries it
        ("city", None, (), ['/order{"city": "Rome"}', '/order{"city": "Oslo"}']),
        # the value of the story
        ("city", "Bern", (), ['/order{"city": "Bern"}']),
        # a button that is shown comes first
        ("city", None, ({"title": "A", "payload": "/a"},), ["/a", '/order{"city": "Rome"}', '/order{"city": "Oslo"}']),
        # ... if it is what the story says
        (
            "city",
            "Oslo",
            ({"title": "A", "payload": "/a"}, {"title": "Oslo", "payload": "/b"}),
            ["/b", '/order{"city": "Oslo"}'],
        ),
        # a role cannot be said in a slash message: an example that has it
        ("size", None, (), ["a big one"]),
        # free text: a sentence without entities, of an intent that leads nowhere; none of those the mapping refuses
        ("note", None, (), ["as you like", "when", "where", "a big one", "two to Rome"]),
        ("note", "ring twice", (), ["ring twice"]),
        ("sure", None, (), ["/greet", "/stop"]),
        ("sure", False, (), ["/stop"]),
        # the mapping is for another form
        ("other", None, (), []),
        # the mapping names the intent
        ("mail", None, (), ['/order{"city": "Rome"}', '/order{"city": "Oslo"}']),
    ],
)
def test_answers_that_may_fill_a_slot(slot: str, wanted: Json, buttons: Sequence[dict], found: list[str]) -> None:
    domain = ASSISTANT.domain
    form = domain.forms["order_form"]
    assert answers(domain.slots[slot], form, ASSISTANT, wanted=wanted, buttons=buttons) == found


def turn(*actions: str, slots: Sequence[tuple[str, Json]] = (), loops: Sequence[str | None] = ()) -> ScriptTurn:
    return ScriptTurn(
        said="hi",
        line=1,
        actions=[WantedAction(name=name, line=2) for name in actions],
        slots=[WantedSlot(name=name, value=value, any_value=value == "any", line=3) for name, value in slots],
        loops=[WantedLoop(name=name, line=4) for name in loops],
    )


def found(wanted: ScriptTurn, events: Sequence[Event], *said: str | dict, city: str | None = None) -> list[str]:
    before = Tracker.start("anna", ASSISTANT.domain, [SlotSet(name="city", value=city)])
    messages = [{"text": message} if isinstance(message, str) else message for message in said]
    seen = SeenTurn(before=before, events=events, messages=messages)
    return [f"{each.line} {each.what}" for each in differences(wanted, seen, ASSISTANT.domain)]


BYE = ("Bye", {"text": "See you", "buttons": [{"title": "More", "payload": "/greet"}]})


@pytest.mark.parametrize(
    ("actions", "said", "city"),
    [
        # any variation, filled in with what the slot was
        (["utter_hi"], ["Hi"], None),
        (["utter_hi"], ["Hello Rome"], "Rome"),
        # several messages out of one response, with buttons
        (["utter_bye"], BYE, None),
        (["utter_hi", "utter_bye"], ["Hi", *BYE], None),
        # what a custom action says is its own, wherever it stands
        (["action_order"], ["anything", "at all"], None),
        (["action_order", "utter_hi"], ["anything", "Hi"], None),
        (["utter_hi", "action_order"], ["Hi", "anything"], None),
        (["utter_hi", "order_form"], ["Hi"], None),
        # a retrieval response says one of its answers; with a key, that one
        (["utter_faq"], ["Here"], None),
        # sources are not the story's
        (["utter_hi"], [{"text": "Hi", "sources": [{"title": "FAQ"}]}], None),
        ([], [], None),
    ],
)
def test_turns_that_are_as_the_story_says(actions: list[str], said: Sequence[str | dict], city: str | None) -> None:
    done = [did(name) for name in actions]
    assert found(turn(*actions), [*done, did("action_listen")], *said, city=city) == []


@pytest.mark.parametrize(
    ("wanted", "events", "said", "told"),
    [
        # other words than the response has
        (turn("utter_hi"), [did("utter_hi")], ["Ho"], ['2 the customer got "Ho"; utter_hi says "Hi"']),
        # the slot has another value
        (turn("utter_hi"), [did("utter_hi")], ["Hello Rome"], ['2 the customer got "Hello Rome"; utter_hi says "Hi"']),
        # the buttons are missing
        (
            turn("utter_bye"),
            [did("utter_bye")],
            ["Bye", "See you"],
            ['2 the customer got "Bye"; utter_bye says "Bye" | "See you"'],
        ),
        # more than the story says
        (turn("utter_hi"), [did("utter_hi")], ["Hi", "Ho"], ['1 the customer also got "Ho"']),
        # nothing at all
        (turn("utter_hi"), [did("utter_hi")], [], ['2 the customer got nothing; utter_hi says "Hi"']),
        # another key
        (
            turn("utter_faq/hours"),
            [did("utter_faq")],
            ["Here"],
            ['2 the customer got "Here"; utter_faq/hours says "All day"'],
        ),
        # another action, and none
        (turn("utter_hi"), [did("utter_bye")], [], ["2 the bot did utter_bye; the story says utter_hi"]),
        (turn(), [did("utter_hi")], ["Hi"], ["1 the bot did utter_hi; the story says nothing"]),
        # slots
        (
            turn(slots=[("city", "Rome")]),
            [SlotSet(name="city", value="Oslo")],
            [],
            ["3 the slot city is 'Oslo', not 'Rome'"],
        ),
        (turn(slots=[("city", "any")]), [], [], ["3 the slot city is None, not set"]),
        # forms
        (turn(loops=["order_form"]), [], [], ["4 the active form is none, not order_form"]),
        (turn(loops=[None]), [ActiveLoop(name="order_form")], [], ["4 the active form is order_form, not none"]),
        # an apology
        (
            turn("action_order"),
            [did("action_order"), BotUttered(text="Sorry", metadata={"utter_action": "kefu_failed"})],
            ["Sorry"],
            ["1 an action failed, and the bot apologised; its log says why"],
        ),
    ],
)
def test_differences(wanted: ScriptTurn, events: Sequence[Event], said: Sequence[str], told: list[str]) -> None:
    assert found(wanted, events, *said) == told


def test_what_a_form_asks_is_not_the_storys() -> None:
    """It runs again for each answer; values and forms count at any point of the turn."""
    events = [
        did("order_form"),
        ActiveLoop(name="order_form"),
        SlotSet(name="city", value="Rome"),
        did("action_listen"),
        did("order_form"),
        SlotSet(name="city", value=None),
        ActiveLoop(name=None),
        did("action_order"),
    ]
    wanted = turn("order_form", "action_order", slots=[("city", "Rome")], loops=["order_form", None])
    assert found(wanted, events, "Which city?", "How big?", "Ordered") == []


def test_a_custom_start_of_a_session_may_speak_first() -> None:
    domain = project(domain=DOMAIN.replace("[action_order]", "[action_order, action_session_start]"), data=DATA).domain
    for events, told in (
        ([did("action_session_start"), did("utter_hi")], []),
        ([did("utter_hi")], ['the customer got "Welcome!"; utter_hi says "Hi"']),  # no session began
    ):
        messages = [{"text": "Welcome!"}, {"text": "Hi"}]
        seen = SeenTurn(before=Tracker.start("anna", domain), events=events, messages=messages)
        assert [each.what for each in differences(turn("utter_hi"), seen, domain)] == told


def test_numbers_count_by_their_value() -> None:
    events = [SlotSet(name="city", value=4)]
    assert found(turn(slots=[("city", "4")]), events) == []

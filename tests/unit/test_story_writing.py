"""Conversations as test stories, which are read back as what they were."""

import pytest
from dialogue_parts import LISTEN, did, project, said, turn
from ruamel.yaml import YAML

from bot.dialogue.events import ActionExecuted, ActiveLoop, BotUttered, SessionStarted, SlotSet, UserUttered
from bot.dialogue.parse import Entity, IntentScore, Parse
from bot.dialogue.stories import dialogues
from bot.dialogue.story_writing import scalar, sessions, step, stories_yaml

SESSION = (did("action_session_start"), SessionStarted())
DOMAIN = """
version: "3.1"
intents: [greet, go, faq]
entities: [city]
slots:
  city: {type: text, mappings: [{type: from_entity, entity: city}]}
  tags: {type: list, mappings: [{type: custom}]}
actions: [utter_faq]
responses: {utter_greet: [{text: Hi}], "utter_faq/hours": [{text: At nine}]}
forms: {trip: {required_slots: [city]}}
e2e_actions: ["再见: bye"]
"""


def test_sessions_are_cut_where_they_begin():
    first, second = [*SESSION, *turn("greet", "utter_greet")], [*SESSION, *turn("go")]
    assert sessions([*first, *second]) == [first, second]
    assert sessions(turn("greet")) == [turn("greet")]  # begun without a session
    assert sessions([]) == [[]]


def test_what_is_written_is_read_back():
    parse = Parse(
        text="[vip] 去上海: now",
        intent=IntentScore(name="go", confidence=0.9),
        entities=(
            Entity(entity="city", value="Shanghai", role="to", start=7, end=9),
            Entity(entity="city", value="海", start=8, end=9),  # inside the one before: only one can be written
        ),
    )
    faq = Parse(text="/faq/hours", intent=IntentScore(name="faq", confidence=1.0), response_key="hours")
    events = [
        *SESSION,
        LISTEN,
        UserUttered(text=parse.text, parse=parse),
        SlotSet(name="city", value="Shanghai"),
        did("trip"),
        ActiveLoop(name="trip"),
        BotUttered(text="not part of a story"),
        ActiveLoop(name=None),
        SlotSet(name="tags", value=["x", 'a "b"', None]),
        did("action_unlikely_intent"),
        did("utter_greet"),
        LISTEN,
        UserUttered(text=faq.text, parse=faq),
        did("utter_faq"),
        ActionExecuted(action_text="再见: bye"),
        LISTEN,
    ]
    text = stories_yaml({"ann, story 1": events, "空": [LISTEN, said("greet", text="yes"), LISTEN]})
    read = project(domain=DOMAIN, test_stories=text)
    told, short = dialogues(read.tests, read.domain)
    assert (told.name, short.name) == ("ann, story 1", "空")
    heard = [event for event in told.events if isinstance(event, UserUttered)]
    assert [message.text for message in heard] == [parse.text, faq.text]
    assert [(e.entity, e.value, e.role, e.start, e.end) for e in heard[0].parse.entities] == [
        ("city", "Shanghai", "to", 7, 9)
    ]
    assert (heard[1].parse.intent.name, heard[1].parse.response_key) == ("faq", "hours")
    acts = [event.name or event.action_text for event in told.events if isinstance(event, ActionExecuted)]
    assert [name for name in acts if name != "action_listen"] == ["trip", "utter_greet", "utter_faq", "再见: bye"]
    assert [event.name for event in told.events if isinstance(event, ActiveLoop)] == ["trip", None]
    assert SlotSet(name="tags", value=["x", 'a "b"', None]) in told.events
    assert [event.text for event in short.events if isinstance(event, UserUttered)] == ["yes"]


@pytest.mark.parametrize("named", [{}, {"empty": [*SESSION, LISTEN]}])
def test_nothing_to_tell(named):
    read = project(domain=DOMAIN, test_stories=stories_yaml(named))
    assert dialogues(read.tests, read.domain) == []


def test_what_was_meant_stands_where_nothing_was_said():
    message = said("go", Entity(entity="city", value="Rome", role="to", group="1"))
    assert step(message, with_words=False) == (
        '  - intent: go\n    entities:\n    - city: Rome\n      role: to\n      group: "1"\n'
    )


@pytest.mark.parametrize(
    "value",
    [
        "plain words",
        "No",
        "y",
        "",
        " a",
        "a: b",
        "#",
        "1e5",
        "0x1f",
        "2026-01-01",
        "~",
        "[x]",
        "\x7f\x85\u2028\ufeff",
        '😀\n\t"\\',
        1.5,
        None,
        True,
        {"a": [1, "x: y"]},
    ],
)
def test_a_value_reads_back(value):
    assert YAML(typ="safe").load(f"- {scalar(value)}\n- k: {scalar(value)}\n") == [value, {"k": value}]

"""The domain: sections, merging, automatic parts, and what is sent to an action server."""

import pytest

from bot.dialogue.domain import DEFAULT_INTENTS, MappingCondition, ResponseCondition, SlotMapping
from bot.dialogue.domain_file import read_domain
from bot.dialogue.project import Place, SourceFile
from bot.dialogue.reading import Reading
from bot.dialogue.yaml_tree import read_yaml


def domain(*texts):
    reading = Reading()
    roots = []
    for number, text in enumerate(texts):
        root, faults = read_yaml(SourceFile(path=f"{number}.yml", text=text), {})
        assert not faults
        roots.append(root)
    read, places = read_domain(roots, (), reading)
    return read, places, reading


ENTITIES = """
entities:
- city: {roles: [from, to], groups: ["1"]}
- name
- secret: {roles: [x], influence_conversation: false}
"""


@pytest.mark.parametrize(
    ("properties", "labels"),
    [
        ("", ["city", "city#1", "city#from", "city#to", "name"]),
        (": {use_entities: true}", ["city", "city#1", "city#from", "city#to", "name"]),
        (": {use_entities: [city]}", ["city", "city#1", "city#from", "city#to"]),
        (": {use_entities: [secret]}", []),  # taken away again, as in Rasa
        (": {use_entities: []}", []),
        (": {use_entities: null}", []),
        (": {use_entities: false}", []),
        (": {ignore_entities: [city]}", ["name", "secret#x"]),  # replaces the default list, as in Rasa
        (": {use_entities: [name, city], ignore_entities: [city]}", ["name"]),
    ],
)
def test_entities_that_policies_see(properties, labels):
    read, _, reading = domain(f"intents:\n- go{properties}\n{ENTITIES}")
    assert not reading.faults
    assert list(read.intents["go"].used_entities) == labels
    assert set(read.intents) == {"go", *DEFAULT_INTENTS}


SLOTS = """
slots:
  cuisine:
    type: text
    mappings:
    - {type: from_entity, entity: cuisine, role: main, not_intent: chat}
    - type: from_intent
      intent: [affirm, deny]
      value: true
      conditions: [{active_loop: order, requested_slot: cuisine}, {active_loop: null}]
  seats: {type: float, min_value: 1, max_value: 20, initial_value: 2, mappings: [{type: custom, action: action_x}]}
  area: {type: categorical, values: [North, 1, true, null], mappings: [{type: from_text}]}
  bag: {type: any, mappings: [{type: custom}]}
forms:
  order: {required_slots: [cuisine, seats], ignored_intents: chat}
  empty: {}
actions: [action_x, {action_y: {send_domain: true}}, action_query_knowledge_base, validate_order]
e2e_actions: ["Hi there"]
session_config: {session_expiration_time: 0, carry_over_slots_to_new_session: false}
config: {store_entities_as_slots: false}
"""


def test_slots_forms_and_actions():
    read, places, reading = domain(SLOTS)
    assert not reading.faults
    first, second = read.slots["cuisine"].mappings
    assert first == SlotMapping(type="from_entity", entity="cuisine", role="main", not_intent=("chat",))
    assert second == SlotMapping(
        type="from_intent",
        intent=("affirm", "deny"),
        value=True,
        conditions=(
            MappingCondition(active_loop="order", requested_slot="cuisine"),
            MappingCondition(active_loop=None),
        ),
    )
    seats = read.slots["seats"]
    assert (seats.min_value, seats.max_value, seats.initial_value) == (1.0, 20.0, 2)
    assert read.slots["area"].values == ("north", "1", "true")
    assert (read.slots["bag"].influence_conversation, seats.influence_conversation) == (False, True)
    assert read.forms["order"].ignored_intents == ("chat",)
    assert read.forms["empty"].required_slots == ()
    assert read.actions == ("action_x", "action_y", "action_query_knowledge_base", "validate_order")
    assert read.actions_with_domain == ("action_y", "validate_order")
    assert read.e2e_actions == ("Hi there",)
    assert read.session_config.session_expiration_time == 0
    assert not read.session_config.carry_over_slots_to_new_session
    assert not read.store_entities_as_slots
    assert list(read.slots)[4:] == [
        "requested_slot",
        "knowledge_base_listed_objects",
        "knowledge_base_last_object",
        "knowledge_base_last_object_type",
        "session_started_metadata",
    ]
    assert places["slot seats"] == Place(path="0.yml", line=11)
    assert places["form order"] == Place(path="0.yml", line=15)


def test_automatic_slots_without_forms():
    assert list(domain("intents: [greet]")[0].slots) == ["session_started_metadata"]


def test_responses():
    read, _, reading = domain(
        """
responses:
  utter_greet:
  - text: "你好 {name}"
    channel: web
    condition: [{type: slot, name: vip, value: true}]
    buttons: [{title: Yes, payload: /affirm, kind: primary}]
    metadata: {tone: warm}
  - custom: {type: card}
    condition: []
  utter_faq/hours:
  - text: always
    image: https://example.org/a.png
"""
    )
    assert not reading.faults
    first, second = read.responses["utter_greet"]
    assert (first.text, first.channel, first.metadata) == ("你好 {name}", "web", {"tone": "warm"})
    assert first.conditions == (ResponseCondition(slot="vip", value=True),)
    assert first.buttons == ({"title": "Yes", "payload": "/affirm", "kind": "primary"},)
    assert (second.custom, second.conditions) == ({"type": "card"}, ())
    assert read.responses["utter_faq/hours"][0].conditions is None
    assert "utter_faq" in read.action_names
    assert len(reading.notices) == 1  # the empty condition


def test_files_are_merged_and_the_first_definition_counts():
    one = """intents: [greet]
slots:
  a: {type: text, mappings: [{type: custom}]}
session_config: {session_expiration_time: 5}
"""
    two = """intents: [greet, bye]
slots:
  a: {type: bool, mappings: [{type: custom}]}
session_config: {session_expiration_time: 9}
"""
    read, _, reading = domain(one, two)
    assert not reading.faults
    assert read.slots["a"].type == "text"
    assert {"greet", "bye"} <= set(read.intents)
    assert read.session_config.session_expiration_time == 5
    default = "session_config: {session_expiration_time: 60, carry_over_slots_to_new_session: true}\n"
    assert domain(default, two)[0].session_config.session_expiration_time == 9
    assert sorted(notice.split(": ")[0] for notice in reading.notices) == ["1.yml:1", "1.yml:3", "1.yml:4"]


def test_the_source_has_the_shape_that_an_action_server_expects():
    text = """
intents: [zoo, {ask: {use_entities: null}}]
entities: [city, {name: {roles: [a]}}]
slots: {s: {type: text, mappings: [{type: custom}]}}
forms: {f: {required_slots: [s]}}
actions: [action_x]
responses: {utter_a: [{text: hi}]}
"""
    assert domain(text)[0].source == {
        "version": "3.1",
        "session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": True},
        "intents": [{"ask": {"use_entities": []}}, "zoo"],
        "entities": ["city", {"name": {"roles": ["a"]}}],
        "slots": {"s": {"type": "text", "mappings": [{"type": "custom"}]}},
        "responses": {"utter_a": [{"text": "hi"}]},
        "actions": ["action_x"],
        "forms": {"f": {"required_slots": ["s"]}},
    }


@pytest.mark.parametrize(
    ("text", "line", "part", "remedy"),
    [
        ("intents:\n- greet:\n", 2, "nothing after it", "colon"),
        ("intents:\n- a\n- a\n", 3, "twice", "remove"),
        ("intents:\n- a: {use_entites: []}\n", 2, '"use_entites"', "use_entities"),
        ("intents:\n- greet: {use_entities: []}\n  bye: {}\n", 2, "2 keys", "indent"),
        ("intents:\n- 5\n", 2, "must be text, not a number", "quotes"),
        ("intents: greet\n", 1, "must be a list", "- "),
        ("entities:\n- a\n- a\n", 3, "twice", "remove"),
        ("slots:\n  a: {mappings: [{type: custom}]}\n", 2, "has no type", "text, bool"),
        ("slots:\n  a: {type: text}\n", 2, "no mappings", "mappings:"),
        ("slots:\n  a: {type: txt, mappings: [{type: custom}]}\n", 2, '"txt"', '"text"'),
        ("slots:\n  a: {type: unfeaturized, mappings: [{type: custom}]}\n", 2, "unfeaturized", "any"),
        ("slots:\n  a: {type: any, influence_conversation: true, mappings: [{type: custom}]}\n", 2, "cannot", "remove"),
        ("slots:\n  a: {type: categorical, mappings: [{type: custom}]}\n", 2, "no values", "values"),
        ("slots:\n  a: {type: float, min_value: 3, mappings: [{type: custom}]}\n", 2, "min_value", "smaller"),
        ("slots:\n  a: {type: bool, auto_fill: true, mappings: [{type: custom}]}\n", 2, "auto_fill", "only mappings"),
        ("intents:\n- greet: {use_entity: [a]}\n", 2, "use_entity", '"use_entities"'),
        ("slots:\n  a:\n    type: text\n    mappings:\n    - type: from_entity\n", 5, 'needs "entity"', "entity"),
        ("slots:\n  a:\n    type: text\n    mappings:\n    - type: from_entiti\n", 5, "from_entiti", "from_entity"),
        (
            "slots:\n  a:\n    type: text\n    mappings:\n    - {type: custom, conditions: [{loop: x}]}\n",
            5,
            "loop",
            "active_loop",
        ),
        ("responses:\n  greet:\n  - text: hi\n", 2, "begin with", "utter_greet"),
        ("responses:\n  utter_a:\n  - hi\n", 3, "without a key", "text:"),
        ("responses:\n  utter_a:\n  - txt: hi\n    image: x\n", 3, '"txt"', "text"),
        ("responses:\n  utter_a:\n  - channel: web\n", 3, "says nothing", "text"),
        ("responses:\n  utter_a: []\n", 2, "no variation", "text"),
        ("responses:\n  utter_a:\n  - text: hi\n    buttons: [{payload: x}]\n", 4, "no title", "title"),
        ("responses:\n  utter_a:\n  - text: a\n    condition: [{type: slot, name: x}]\n", 4, "incomplete", "value"),
        ("forms:\n  f: {ignored_intents: [a]}\n", 2, "requires no slots", "required_slots"),
        ("forms:\n  f:\n    required_slots:\n      a: [{type: from_text}]\n", 3, "Rasa 2", "mappings"),
        ("forms: [f]\n", 1, "must have keys", "key: value"),
        ("session_config: {session_expiration_time: soon}\n", 1, "must be a number", "60"),
        ("session_config: {session_expiration_time: -1}\n", 1, "negative", "0"),
        ("config: {store_entities_as_slots: 1}\n", 1, "true or false", "true"),
        ("actions:\n- action_a: {send_domain: yes}\n", 2, "true or false", "false"),
    ],
)
def test_faults_of_a_domain(text, line, part, remedy):
    _, _, reading = domain(text)
    assert [fault.line for fault in reading.faults] == [line]
    assert part in reading.faults[0].what
    assert remedy in reading.faults[0].remedy


def test_keys_without_effect_are_noticed():
    _, _, reading = domain(
        "intents:\n- greet: {triggers: utter_greet}\nentities:\n- city: {colour: red}\nsession_config: {of_mine: 1}\n"
    )
    assert not reading.faults
    assert len(reading.notices) == 3
    assert any("write a rule" in notice for notice in reading.notices)


def test_a_slot_class_of_its_own_and_a_retrieval_key_are_noticed():
    read, _, reading = domain(
        "intents: [faq/x]\nslots:\n  a: {type: my.Slot, colour: red, mappings: [{type: custom}]}\n"
    )
    assert not reading.faults
    assert read.slots["a"].type == "any"
    assert "faq" in read.intents
    assert len(reading.notices) == 2

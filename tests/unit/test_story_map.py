"""The map of stories and rules: what branches share, and what the page says."""

import json
import re

from dialogue_parts import project

from training.story_map import story_map
from training.story_map_page import render

PROJECT = project(
    domain="""
        version: "3.1"
        intents: [greet, order, affirm, deny, faq]
        entities: [size]
        slots:
          size: {type: text, mappings: [{type: from_entity, entity: size}]}
          vip: {type: bool, mappings: [{type: custom}]}
        forms: {order_form: {required_slots: [size]}}
        responses:
          utter_hi: [{text: Hi}]
          utter_ok: [{text: Ok}]
          utter_ask_size: [{text: Size?}]
    """,
    data="""
        stories:
        - story: yes
          steps:
          - intent: greet
          - action: utter_hi
          - intent: affirm
          - action: utter_ok
        - story: no
          steps:
          - intent: greet
          - action: utter_hi
          - intent: deny
          - checkpoint: denied
        - story: after no
          steps:
          - checkpoint: denied
          - or:
            - intent: faq
            - intent: affirm
          - bot: "</script><b>bye"
        rules:
        - rule: order
          condition:
          - active_loop: null
          - slot_was_set: [{vip: true}]
          steps:
          - intent: order
            entities: [{size: large}]
          - action: order_form
          - active_loop: order_form
        - rule: go on
          wait_for_user_input: false
          steps:
          - intent: faq
          - action: utter_ok
    """,
)
MAP = story_map(PROJECT.stories, PROJECT.rules)


def shape(node):
    """A node as ``title [notes] xN`` with its children."""
    notes = f" [{', '.join(node.notes)}]" if node.notes else ""
    return {f"{node.title}{notes} x{len(node.told)}": [shape(child) for child in node.children]}


def test_what_stories_share_is_one_node():
    stories, rules, checkpoint = MAP.roots
    assert shape(stories) == {
        "stories x2": [
            {"greet x2": [{"utter_hi x2": [{"affirm x1": [{"utter_ok x1": []}]}, {"deny x1": [{"denied x1": []}]}]}]}
        ]
    }
    assert shape(checkpoint) == {"denied x1": [{"faq or affirm x1": [{"“</script><b>bye” x1": []}]}]}
    assert [node.is_rule for node in MAP.roots] == [False, True, False]
    order = {"order [size: large] x1": [{"order_form [form order_form] x1": []}]}
    assert shape(rules) == {
        "rules x2": [{"if [no form, vip = true] x1": [order]}, {"faq x1": [{"utter_ok x1": [{"... x1": []}]}]}]
    }


def test_intents_to_filter_by():
    assert MAP.intents == ("affirm", "deny", "faq", "greet", "order")


def test_a_checkpoint_that_begins_two_stories_is_one_root():
    twice = story_map((PROJECT.stories[2], PROJECT.stories[2]), ())
    assert [(root.title, len(root.told)) for root in twice.roots] == [("denied", 2)]


def test_the_page_loads_nothing_and_texts_cannot_leave_their_place():
    page = render(MAP, "Stories of <shop>")
    assert "Stories of &lt;shop&gt;" in page
    assert not re.search(r"(?:src|href)\s*=|https?://(?!www\.w3\.org/2000/svg)", page)
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1]
    assert json.loads(data)["stories"][0] == {"name": "yes", "place": "data/data.yml:3", "rule": False}
    assert "</script>" in json.dumps(json.loads(data))

"""What test stories leave untouched."""

from dialogue_parts import project

from training.story_coverage import story_coverage

DOMAIN = """
    version: "3.1"
    intents: [greet, order, stop, faq, bye]
    entities: [city]
    slots:
      city: {type: text, mappings: [{type: from_entity, entity: city}]}
      size: {type: text, mappings: [{type: from_text, conditions: [{active_loop: order_form}]}]}
      mood: {type: text, mappings: [{type: custom, action: action_guess_mood}]}
    forms:
      order_form: {required_slots: [size]}
      other_form: {required_slots: [size]}
    actions: [action_order, action_guess_mood, validate_order_form, action_ask_size]
    responses:
      utter_hi: [{text: Hi}]
      utter_bye: [{text: Bye}]
      utter_ask_order_form_size: [{text: How big?}]
      utter_faq/hours: [{text: All day}]
      utter_faq/place: [{text: Here}]
"""
NLU = """
    version: "3.1"
    nlu:
    - {intent: faq/hours, examples: "- when"}
    - {intent: faq/place, examples: "- where"}
"""
DATA = """
    rules:
    - rule: greet
      conversation_start: true
      steps: [{intent: greet}, {action: utter_hi}]
    - rule: faq
      steps: [{intent: faq}, {action: utter_faq}]
    - rule: submit
      condition: [{active_loop: order_form}]
      steps: [{action: order_form}, {active_loop: null}, {action: action_order}]
    stories:
    - story: asked in between
      steps:
      - or: [{intent: bye}, {intent: order}]
      - action: order_form
      - active_loop: order_form
      - checkpoint: open
    - story: goes on
      steps:
      - checkpoint: open
      - intent: stop
      - action: utter_bye
"""
TESTS = """
    stories:
    - story: one
      steps:
      - user: hello
        intent: faq/hours
      - action: utter_faq/hours
      - user: hello
        intent: greet
      - action: utter_hi
      - user: a big one to [Rome](city)
        intent: order
      - action: order_form
      - active_loop: order_form
      - active_loop: null
      - action: action_order
"""


def test_what_is_not_touched() -> None:
    coverage = story_coverage(project(domain=DOMAIN, data=DATA, nlu=NLU, test_stories=TESTS))
    assert coverage.to_json() == {
        "intents": {"total": 5, "missing": ["stop", "bye"]},  # the default intents are nobody's
        # what forms and slots call by themselves is not there; a retrieval response counts by its key
        "actions": {"total": 5, "missing": ["utter_bye", "utter_faq/place"]},
        "slots": {"total": 3, "missing": ["mood"]},  # size is asked for by the form
        "forms": {"total": 2, "missing": ["other_form"]},
        "stories": {"total": 2, "missing": [{"name": "goes on", "path": "data/data.yml", "line": 18}]},
        # greeting comes second in the story, and the rule is for the beginning
        "rules": {"total": 3, "missing": [{"name": "greet", "path": "data/data.yml", "line": 3}]},
    }
    lines = coverage.text().splitlines()
    assert lines[0] == "intents  3 of 5; not stop, bye"
    assert lines[-1] == "rules    2 of 3; not greet (data/data.yml:3)"


def test_without_test_stories_nothing_is_touched() -> None:
    coverage = story_coverage(project(domain=DOMAIN, data=DATA, nlu=NLU))
    assert [part.touched for part in coverage.parts.values()] == [0, 0, 0, 0]
    assert len(coverage.unplayed_rules) == 3

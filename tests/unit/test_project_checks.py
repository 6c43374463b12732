"""What an assistant's files say about each other."""

import pytest

from bot.dialogue.errors import ProjectFaults
from bot.dialogue.load import load_project
from bot.dialogue.project import SourceFile
from bot.dialogue.stories import EVENT_STEPS

DOMAIN = """intents: [greet, inform, faq]
entities:
- city: {roles: [from]}
slots:
  city: {type: text, mappings: [{type: from_entity, entity: city}]}
forms:
  trip: {required_slots: [city]}
responses:
  utter_greet: [{text: hi}]
  utter_ask_city: [{text: where}]
"""
NLU = """nlu:
- intent: greet
  examples: |
    - hi
- intent: inform
  examples: |
    - "[Rome](city)"
- intent: faq/a
  examples: |
    - why
- intent: greet
  examples: |
    - hello
- intent: inform
  examples: |
    - "[Oslo](city)"
- intent: faq/a
  examples: |
    - how
"""
STORIES = """stories:
- story: s
  steps:
  - intent: greet
  - action: utter_greet
"""


def load(domain=DOMAIN, nlu=NLU, stories=STORIES, **more):
    files = {"config.yml": "", "domain.yml": domain, "data/nlu.yml": nlu, "data/stories.yml": stories, **more}
    return load_project([SourceFile(path=path, text=text) for path, text in files.items()], env={})


def found(**files):
    with pytest.raises(ProjectFaults) as raised:
        load(**files)
    return [f"{fault.path}:{fault.line} {fault.what}" for fault in raised.value.faults]


def test_nothing_to_say_about_a_sound_assistant():
    assert load().notices == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ("entity: city}", "entity: town}", 5, 'the slot "city" names the entity "town"'),
        ("entity: city}", "entity: city, intent: infrm}", 5, 'the intent "infrm"'),
        ("entity: city}", "entity: city, not_intent: [nope]}", 5, 'the intent "nope"'),
        ("entity: city}", "entity: city, conditions: [{active_loop: tirp}]}", 5, 'the form "tirp"'),
        ("[{type: from_entity, entity: city}]", "[{type: custom, action: action_no}]", 5, 'the action "action_no"'),
        (
            "entity: city}",
            "entity: city, conditions: [{active_loop: trip, requested_slot: town}]}",
            5,
            'the slot "town"',
        ),
        ("required_slots: [city]", "required_slots: [city], ignored_intents: [nope]", 7, 'the intent "nope"'),
        ("[{text: hi}]", "[{text: hi, condition: [{type: slot, name: no, value: 1}]}]", 9, 'the slot "no"'),
    ],
)
def test_names_without_effect_in_the_domain_are_noticed(old, new, line, part):
    notices = load(domain=DOMAIN.replace(old, new, 1)).notices
    assert [notice for notice in notices if notice.startswith(f"domain.yml:{line}: ") and part in notice]


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        # a form that asks for it would never end, and words that are missing are never said
        ("required_slots: [city]", "required_slots: [city, town]", 7, 'the slot "town"'),
        ("forms:", "actions: [utter_nothing]\nforms:", 6, '"utter_nothing" has no response'),
    ],
)
def test_names_that_the_domain_needs(old, new, line, part):
    (fault,) = found(domain=DOMAIN.replace(old, new, 1))
    assert fault.startswith(f"domain.yml:{line} ")
    assert part in fault


@pytest.mark.parametrize(
    ("step", "part"),
    [
        ("{action: utter_nothing}", 'says "utter_nothing"'),
        ("{action: action_nothing}", 'the action "action_nothing"'),
        ("{active_loop: no_form}", 'the form "no_form"'),
    ],
)
@pytest.mark.parametrize("path", ["data/stories.yml", "tests/test_x.yml"])
def test_what_a_story_does_must_exist(step, part, path):
    (fault,) = found(**{path: f"{STORIES}  - {step}\n"})
    assert fault.startswith(f"{path}:6 ")
    assert part in fault


@pytest.mark.parametrize(
    ("step", "part"),
    [
        ("{intent: gret}", 'the story "s" names the intent "gret"'),
        ("{intent: inform, entities: [town]}", 'the entity "town"'),
        ("{user: 'to [Rome](town)', intent: inform}", 'the entity "town"'),
        ("{slot_was_set: [{town: x}]}", 'the slot "town"'),
        ("{or: [{intent: greet}, {intent: gret}]}", 'the intent "gret"'),
        ("{checkpoint: c, slot_was_set: [{town: x}]}", 'the slot "town"'),
    ],
)
@pytest.mark.parametrize("path", ["data/stories.yml", "tests/test_x.yml"])
def test_what_a_story_meets_in_vain_is_noticed(step, part, path):
    notices = load(**{path: f"{STORIES}  - {step}\n"}).notices
    assert [notice for notice in notices if notice.startswith(f"{path}:6: ") and part in notice]


def test_names_in_conditions_of_rules():
    rules = "rules:\n- rule: r\n  condition: [{active_loop: no}]\n  steps: [{intent: greet}, {action: utter_greet}]\n"
    (fault,) = found(**{"data/rules.yml": rules})
    assert fault.startswith("data/rules.yml:3 ")


def test_intents_of_examples_each_once():
    nlu = NLU + "- intent: nope\n  examples: |\n    - a\n    - b\n"
    notices = [notice for notice in load(nlu=nlu).notices if '"nope", which' in notice]
    assert [notice.split(": ")[0] for notice in notices] == ["data/nlu.yml:22"]


def test_a_custom_action_may_be_a_loop():
    domain = DOMAIN.replace("forms:", "actions: [action_quiz]\nforms:")
    assert not load(domain=domain, stories=f"{STORIES}  - {{active_loop: action_quiz}}\n").notices


@pytest.mark.parametrize(
    "step",
    [
        "{action: trip}",
        "{active_loop: trip}",
        "{active_loop: action_two_stage_fallback}",
        "{action: utter_faq}",
        "{action: utter_faq/a}",
        "{intent: nlu_fallback}",
        "{intent: faq/a}",
        "{action: action_knowledge}",
        "{slot_was_set: [{requested_slot: city}]}",
        # events that are written as actions
        *(f"{{action: {name}}}" for name in EVENT_STEPS),
    ],
)
def test_names_that_are_built_in_or_derived(step):
    domain = DOMAIN + "  utter_faq/a: [{text: because}]\n"
    load(domain=domain, stories=f"{STORIES}  - {step}\n")


@pytest.mark.parametrize(
    ("files", "place", "part"),
    [
        ({"domain": DOMAIN.replace("faq]", "faq, idle]")}, "domain.yml:1", '"idle" has no examples'),
        ({"domain": DOMAIN.replace("utter_ask_city", "utter_default")}, "domain.yml:7", "utter_ask_city"),
        ({"domain": DOMAIN + "  utter_idle: [{text: x}]\n"}, "domain.yml:11", "never used"),
        ({"domain": DOMAIN.replace("{text: hi}", "{text: 'hi {who}'}")}, "domain.yml:9", '"{who}"'),
        ({"nlu": NLU.replace("- why", "- HI")}, "data/nlu.yml:10", "(data/nlu.yml:4)"),
        ({"nlu": NLU.replace("(city)", "(town) [x](town)")}, "data/nlu.yml:7", 'entity "town"'),
        ({"nlu": NLU.replace("(city)", '{"entity":"city","role":"to"}')}, "data/nlu.yml:7", 'role "to"'),
        ({"stories": STORIES + STORIES[len("stories:\n") :]}, "data/stories.yml:6", "another story"),
        ({"stories": STORIES + "  - checkpoint: c\n"}, "data/stories.yml:6", 'begins with the checkpoint "c"'),
        (
            {"stories": STORIES.replace("  - intent: greet\n", "  - checkpoint: c\n  - intent: greet\n")},
            "data/stories.yml:4",
            'ends with the checkpoint "c"',
        ),
    ],
)
def test_notices(files, place, part):
    (notice,) = load(**files).notices
    assert notice.startswith(f"{place}: ")
    assert part in notice


def test_an_nlg_server_needs_no_responses():
    domain = DOMAIN.replace("forms:", "actions: [utter_nothing]\nforms:")
    load(domain=domain, **{"endpoints.yml": "nlg: {url: http://localhost:1/nlg}\n"})

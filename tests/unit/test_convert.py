"""Folders of Rasa 1 and 2 brought to 3.1: they load and learn, nothing is lost, and notes say what was done."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dialogue.domain import MappingCondition
from bot.dialogue.load import load_project
from bot.dialogue.policies.ensemble import train
from bot.dialogue.project import ActionStep, LoopStep, SlotStep, SourceFile
from training.convert import convert
from training.convert_markdown import kind_of

OLD = Path(__file__).parents[1] / "old_assistants"


def sources(folder):
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [SourceFile(path=path.relative_to(folder).as_posix(), text=path.read_text("utf-8")) for path in paths]


def loaded(conversion):
    files = [SourceFile(path=path, text=text) for path, text in conversion.files.items()]
    project = load_project(files, env={})
    train(project)
    return project


def converted(**texts):
    names = {"domain": "domain.yml", "config": "config.yml", "stories": "data/stories.yml", "nlu": "data/nlu.yml"}
    files = [SourceFile(path=names.get(name, name), text=text) for name, text in texts.items()]
    return convert(files)


@pytest.fixture(scope="module")
def first():
    return convert(sources(OLD / "rasa1"))


@pytest.fixture(scope="module")
def second():
    return convert(sources(OLD / "rasa2"))


def test_a_folder_of_rasa_1_loads_and_learns(first):
    project = loaded(first)
    assert len(project.nlu.examples) == 25
    assert project.nlu.lookups == {"cuisine (feature)": ("greek", "mexican", "thai")}
    assert project.nlu.synonyms["hellenic"] == "greek"
    assert [story.name for story in project.stories] == ["happy path", "with a value", "after asking", "faq"]
    assert [story.name for story in project.tests] == ["greeting"]
    assert replace(project.tests[0].steps[1], line=0) == ActionStep(name="utter_greet")
    assert {rule.name for rule in project.rules} == {"not understood", "bye triggers utter_bye"}
    assert [each.text for each in project.domain.responses["utter_faq/price"]] == [
        'Ten "euros" a head.',
        "It is cheap: ten.",
    ]
    assert [component.name for component in project.config.policies] == ["MemoizationPolicy", "TEDPolicy", "RulePolicy"]
    assert project.config.policies[2].options["core_fallback_threshold"] == 0.2


def test_a_slot_is_filled_by_its_entity_in_every_role_and_group():
    domain = converted(
        domain="entities:\n- city: {roles: [from, to], groups: [a]}\nslots: {city: {type: list}}\n",
        config="language: en\n",
    )
    parts = {(each.role, each.group) for each in loaded(domain).domain.slots["city"].mappings}
    assert parts == {(role, group) for role in (None, "from", "to") for group in (None, "a")}


@pytest.mark.parametrize(
    ("pipeline", "names"),
    [
        # without a pipeline patterns extract and synonyms are replaced, which one of nothing but this would end
        ("", []),
        ("pipeline: [{name: DIETClassifier}]\n", ["DIETClassifier", "FallbackClassifier"]),
    ],
)
def test_a_fallback_policy_begins_no_pipeline(pipeline, names):
    config = f"language: en\n{pipeline}policies: [{{name: FallbackPolicy}}]\n"
    found = loaded(converted(domain="intents: [stop]\n", config=config)).config.pipeline
    assert [component.name for component in found] == names


@pytest.mark.parametrize(
    ("told", "path"),
    [
        (
            "stories:\n- story: stop\n  steps:\n  - intent: stop\n  - action: action_deactivate_form\n",
            "data/stories.yml",
        ),
        ("## stop\n* stop\n  - action_deactivate_form\n", "data/stories.md"),
    ],
)
def test_leaving_a_form_has_its_present_name(told, path):
    conversion = converted(domain="intents: [stop]\n", config="language: en\n", **{path: told})
    [story] = loaded(conversion).stories
    assert [step.name for step in story.steps if isinstance(step, ActionStep)] == ["action_deactivate_loop"]


def test_forms_and_slots_of_a_python_class_stand_in_the_domain(first):
    domain = loaded(first).domain
    assert domain.forms["table_form"].required_slots == ("cuisine", "num_people", "outdoor")
    seats = domain.slots["num_people"]
    assert [mapping.type for mapping in seats.mappings] == ["from_entity", "from_text"]
    assert seats.mappings[0].intent == ("inform", "request_table")
    # from_entity whenever the form runs, other mappings only while it asks for the slot
    assert seats.mappings[0].conditions == (MappingCondition(active_loop="table_form"),)
    assert seats.mappings[1].conditions == (MappingCondition(active_loop="table_form", requested_slot="num_people"),)
    assert domain.slots["outdoor"].type == "bool"
    # not in a form, and no auto_fill: false
    assert [mapping.entity for mapping in domain.slots["seating"].mappings] == ["seating"]


def test_what_a_person_must_look_at_has_file_and_line(first):
    found = {(note.path, note.line): note.text for note in first.notes if note.by_hand}
    assert "validate_table_form" in found["actions/actions.py", 5]
    assert "submit() of table_form" in found["actions/actions.py", 25]
    assert "utter_message" in found["actions/actions.py", 26]
    assert len(found) == 3


def test_steps_of_stories_in_markdown(first):
    story = loaded(first).stories[1]
    assert story.steps[0].entities[0].value == "greek"
    assert [replace(step, line=0) for step in story.steps[2:4]] == [
        LoopStep(name="table_form"),
        SlotStep(name="requested_slot", value="num_people"),
    ]
    assert story.steps[4].intent == "inform"  # "form: inform" was a message that the form took


def test_comments_are_kept(first, second):
    assert "# the table bot" in first.files["domain.yml"]
    assert "# said first" in first.files["domain.yml"]
    assert first.files["data/nlu.yml"].index("# seats") < first.files["data/nlu.yml"].index("- intent: inform")
    assert "# the only form" in second.files["domain.yml"]
    assert "# begins" in second.files["data/stories.yml"]


def test_a_folder_of_rasa_2_loads_and_learns(second):
    project = loaded(second)
    assert project.config.language == "zh"
    assert [component.name for component in project.config.policies] == ["AugmentedMemoizationPolicy", "RulePolicy"]
    assert [rule.name for rule in project.rules] == ["ask back in two stages"]
    assert project.domain.forms["pizza_form"].required_slots == ("size", "toppings", "wants_more")
    assert project.domain.forms["pizza_form"].ignored_intents == ("faq",)
    assert project.domain.forms["size_form"].required_slots == ("size",)
    kinds = {name: [each.type for each in slot.mappings] for name, slot in project.domain.slots.items()}
    assert kinds["size"] == ["from_entity"]
    assert kinds["toppings"] == ["from_entity", "from_text"]
    assert kinds["wants_more"] == ["from_intent", "from_intent"]
    assert kinds["mood"] == ["custom"]
    assert SlotStep(name="size", value="large", line=9) in project.stories[0].steps
    example = next(each for each in project.nlu.examples if each.text == "a large pizza")
    assert (example.entities[0].entity, example.entities[0].value) == ("size", "L")
    assert "with [cheese]" in [each.text for each in project.nlu.examples]


def test_what_is_at_3_1_already_stays_as_it_is():
    domain = 'version: "3.1"\nintents:   [a]   # odd spaces\nresponses: {utter_a: [{text: b}]}\n'
    stories = 'version: "3.1"\nrules:\n- rule: r\n  steps: [ {intent: a},  {action: utter_a} ]\n'
    config = "recipe: default.v1\nlanguage: en\n"
    conversion = converted(domain=domain, stories=stories, config=config)
    assert conversion.notes == ()
    assert dict(conversion.files) == {"domain.yml": domain, "data/stories.yml": stories, "config.yml": config}


@pytest.mark.parametrize(
    ("domain", "slot", "mappings"),
    [
        # an entity of another domain file counts as well
        ("slots: {a: {type: text}}\nentities: [a]", "a", ["from_entity"]),
        ("slots: {a: {type: text, auto_fill: false}}\nentities: [a]", "a", ["custom"]),
        # in no role, and in the one that there is
        ("slots: {a: {type: text}}\nentities: [{a: {roles: [x]}}]", "a", ["from_entity", "from_entity"]),
        ("slots: {a: {type: text}}", "a", ["custom"]),
        # mappings that are there are not doubted
        ("slots: {a: {type: text, mappings: [{type: from_text}]}}\nentities: [a]", "a", ["from_text"]),
        # without mappings, a form takes the entity of the slot's name
        ("slots: {a: {type: text, auto_fill: false}}\nentities: [a]\nforms: {f: {a: []}}", "a", ["from_entity"]),
    ],
)
def test_what_filled_a_slot_fills_it_still(domain, slot, mappings):
    files = converted(domain=f'version: "2.0"\nintents: [b]\n{domain}\n', config="language: en\n")
    found = loaded(files).domain.slots[slot].mappings
    assert [mapping.type for mapping in found] == mappings


def test_equal_mappings_of_two_forms_are_one():
    domain = """version: "2.0"
intents: [b]
entities: [x]
slots: {a: {type: text}}
forms:
  f: {required_slots: {a: [{type: from_entity, entity: x}]}}
  g: {required_slots: {a: [{type: from_entity, entity: x}]}}
"""
    mapping, *others = loaded(converted(domain=domain, config="language: en\n")).domain.slots["a"].mappings
    assert [condition.active_loop for condition in mapping.conditions] == ["f", "g"]
    assert not others


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("## intent:a\n- b\n", "nlu"),
        ("## story\n* greet\n  - utter_greet\n", "stories"),
        ("## a\n> check\n* thank OR bye\n  - my_action\n", "stories"),
        # a list of things beside a list of words
        ("## Install\n* take python 3, then\n- pip\n", None),
        ("## ask\n* faq/a\n  - We are open.\n", "responses"),
        # a page of words is no training data
        ("# Title\n\n## Section\n\n- a point of it\n- and another\n", None),
        ("no heading", None),
    ],
)
def test_what_a_markdown_file_is(text, kind):
    assert kind_of(text) == kind


def test_lines_that_are_lost_are_told():
    conversion = converted(
        **{"data/a.md": "## intent:a\n- b\nwhat is this\n", "data/s.md": "## s\n* a{b}\n  - utter_c\n"}
    )
    assert [(note.path, note.line) for note in conversion.notes if note.by_hand] == [("data/a.md", 3), ("data/s.md", 2)]


def test_files_of_the_same_name_do_not_hide_each_other():
    yaml = 'version: "3.1"\nnlu:\n- intent: a\n  examples: |\n    - one\n'
    conversion = converted(**{"nlu": yaml, "data/nlu.md": "## intent:a\n- two\n"})
    assert "one" in conversion.files["data/nlu.yml"]
    assert "two" in conversion.files["data/nlu_2.yml"]


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "\t\n", "forms: 5\nslots: [a]\nintents: {a: b}\n", "null\n"])
def test_broken_yaml_is_copied_and_never_breaks_the_conversion(text):
    assert "domain.yml" in converted(domain=text).files


def test_json_that_is_no_training_data_is_copied():
    text = json.dumps({"rasa": 1})
    assert converted(**{"data/x.json": text}).files == {"data/x.json": text}


def test_what_is_written_about_the_assistant_is_no_data():
    page = "# Bot\n## intent:greet\n- this is how data looks\n"
    files = converted(**{"README.md": page, "knowledge/nlu.md": page, "actions/notes.md": page}).files
    assert files == {"README.md": page, "knowledge/nlu.md": page, "actions/notes.md": page}


ODD = st.sampled_from(["{}", "[]", "5", "null", "a", "{a: {}}", "[[]]", "[{}]", "{a: 5}", "[null]", '""', "{name: []}"])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_odd_values_never_break_the_conversion(data):
    """Any value of a YAML file of an old folder replaced by one of another kind."""
    files = sources(OLD / data.draw(st.sampled_from(["rasa1", "rasa2"])))
    at = data.draw(st.sampled_from([i for i, file in enumerate(files) if file.path.endswith(".yml")]))
    lines = files[at].text.splitlines()
    line = data.draw(st.integers(0, len(lines) - 1))
    lines[line] = re.sub(r"(:|-) .*$", lambda match: f"{match[1]} {data.draw(ODD)}", lines[line])
    files[at] = SourceFile(path=files[at].path, text="\n".join(lines) + "\n")
    assert convert(files).files


@pytest.mark.parametrize("indent", ["", "  "])
def test_lists_stay_indented_as_they_were(indent):
    config = f"# ours\nlanguage: en\npolicies:\n{indent}- name: MemoizationPolicy\n{indent}- name: FormPolicy\n"
    text = converted(config=config).files["config.yml"]
    assert text.endswith(f"policies:\n{indent}- name: MemoizationPolicy\n{indent}- name: RulePolicy\n")

"""Stories, rules and test stories as values."""

import pytest

from bot.dialogue.project import (
    ActionStep,
    BotStep,
    CheckpointStep,
    EntityAnnotation,
    LoopStep,
    OrStep,
    SlotStep,
    SourceFile,
    StepEntity,
    UserStep,
)
from bot.dialogue.reading import Reading
from bot.dialogue.story_file import read_stories
from bot.dialogue.yaml_tree import read_yaml


def stories(text, kind="story", title="story"):
    root, faults = read_yaml(SourceFile(path="data/s.yml", text=text), {})
    assert not faults
    reading = Reading()
    return read_stories(root, kind, title, reading), reading


def test_every_kind_of_step():
    read, reading = stories(
        """- story: all
  metadata: {a: 1}
  steps:
  - checkpoint: begin
    slot_was_set: [{vip: true}]
  - intent: book
    entities: [city, {city: Rome, role: to}]
  - user: "我在[北京](city)"
    intent: inform
  - user: "/inform{\\"a\\": [\\"b\\"]}"
  - action: utter_x
  - bot: "Hello"
  - slot_was_set: [{cuisine: thai}, {n: null}, area]
  - active_loop: form_a
  - active_loop: null
  - or: [{intent: affirm}, {slot_was_set: [{a: 1}, b]}]
  - metadata: {x: 1}
"""
    )
    assert not reading.faults
    assert read[0].steps == (
        CheckpointStep(name="begin", conditions=(SlotStep(name="vip", value=True, line=5),), line=4),
        UserStep(
            intent="book",
            entities=(StepEntity(entity="city"), StepEntity(entity="city", value="Rome", role="to")),
            line=6,
        ),
        UserStep(
            intent="inform",
            text="我在北京",
            annotations=(EntityAnnotation(start=2, end=4, entity="city"),),
            line=8,
        ),
        UserStep(text='/inform{"a": ["b"]}', line=10),
        ActionStep(name="utter_x", line=11),
        BotStep(text="Hello", line=12),
        SlotStep(name="cuisine", value="thai", line=13),
        SlotStep(name="n", value=None, line=13),
        SlotStep(name="area", any_value=True, line=13),
        LoopStep(name="form_a", line=14),
        LoopStep(name=None, line=15),
        OrStep(
            options=(
                UserStep(intent="affirm", line=16),
                SlotStep(name="a", value=1, line=16),
                SlotStep(name="b", any_value=True, line=16),
            ),
            line=16,
        ),
    )
    assert (read[0].name, read[0].kind, read[0].path, read[0].line) == ("all", "story", "data/s.yml", 1)


def test_rules_have_conditions_and_flags():
    read, reading = stories(
        """- rule: r
  condition: [{active_loop: f}, {slot_was_set: [{vip: true}]}]
  conversation_start: true
  wait_for_user_input: false
  steps: [{action: f}, {active_loop: null}]
""",
        "rule",
        "rule",
    )
    assert not reading.faults
    (rule,) = read
    assert rule.condition == (LoopStep(name="f", line=2), SlotStep(name="vip", value=True, line=2))
    assert (rule.conversation_start, rule.wait_for_user_input, rule.kind) == (True, False, "rule")


def test_entities_beside_a_text_are_noticed_and_a_slash_is_dropped():
    read, reading = stories("- story: s\n  steps:\n  - {user: hi, intent: /greet, entities: [a]}\n")
    assert read[0].steps == (UserStep(intent="greet", text="hi", line=3),)
    assert len(reading.notices) == 2


@pytest.mark.parametrize(
    ("step", "part", "remedy"),
    [
        ("- intnt: a", "unknown", '"intent"'),
        ("- hello", "without a key", "intent"),
        ("- {intent: a, action: b}", "in one step", "- "),
        ("- {intent: a, entites: [b]}", "entites", "entities"),
        ("- action:", "nothing", "text"),
        ("- action: 5", "a number", "quotes"),
        ("- slot_was_set: {a: 1}", "must be a list", "- "),
        ("- or: []", "without alternatives", "intent"),
        ("- or: [{action: a}]", "no user turn", "intent"),
        ("- {intent: a, entities: [{b: 1, c: 2}]}", "one name", "city"),
        ('- user: "[a]{b}"', "cannot be read", "[text]"),
    ],
)
def test_faults_of_steps(step, part, remedy):
    _, reading = stories(f"- story: s\n  steps:\n  {step}\n  - action: utter_a\n")
    assert [fault.line for fault in reading.faults] == [3]
    assert part in reading.faults[0].what
    assert remedy in reading.faults[0].remedy


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("- steps: [{intent: a}]", "without a name"),
        ("- story: s", "no steps"),
        ("- story: s\n  steps: []", "no steps"),
        ("- story: s\n  condition: []\n  steps: [{intent: a}]", '"condition"'),
        ("story: s", "must be a list"),
        ("- story: ''\n  steps: [{intent: a}]", "empty"),
    ],
)
def test_faults_of_stories(text, part):
    _, reading = stories(text)
    assert len(reading.faults) == 1
    assert part in reading.faults[0].what

"""What ``kefu shell --debug`` says of a turn: the parse, slots, each policy's say, and the rule or story behind it."""

import asyncio

import pytest
from dialogue_parts import project
from engine_parts import FakeModels, conversation

from bot.commands.trace import trace
from bot.dialogue.policies.ensemble import train
from bot.dialogue.policies.explain import Explainer

ASSISTANT = project(
    config="""
        language: en
        policies: [{name: AugmentedMemoizationPolicy}, {name: RulePolicy}]
    """,
    domain="""
        version: "3.1"
        intents: [greet, order, inform, affirm]
        entities: [size]
        slots:
          size: {type: text, mappings: [{type: from_entity, entity: size}]}
        forms: {order_form: {required_slots: [size]}}
        responses:
          utter_hi: [{text: Hi}]
          utter_ok: [{text: Ok}]
          utter_ask_size: [{text: Which size?}]
    """,
    data="""
        stories:
        - story: after a greeting
          steps:
          - intent: greet
          - action: utter_hi
          - intent: affirm
          - action: utter_ok
        rules:
        - rule: say hello
          steps:
          - intent: greet
          - action: utter_hi
        - rule: take an order
          steps:
          - intent: order
          - action: order_form
          - active_loop: order_form
        - rule: order is complete
          condition:
          - active_loop: order_form
          steps:
          - action: order_form
          - active_loop: null
          - slot_was_set: [{requested_slot: null}]
          - action: utter_ok
    """,
)
MODELS = FakeModels(
    {
        "hi": ("greet", 0.9),
        "yes": ("affirm", 0.8),
        "a pizza": ("order", 0.95),
        "large": ("inform", 0.9, {"size": "large"}),
    }
)


@pytest.fixture
def say():
    """Say something and get the trace."""
    talk = conversation(ASSISTANT, MODELS)
    explainer = Explainer(project=ASSISTANT, policies=train(ASSISTANT))

    def said(text):
        before = talk.tracker
        result = asyncio.run(talk.send(text))
        return [line.strip() for line in trace(before, result, explainer, 0.4)]

    return said


def test_the_parse_and_the_rule_with_its_line(say):
    lines = say("hi")
    assert lines[0].split() == ["intent", "greet", "0.90", "(accepted", "from", "0.40", "on)"]
    assert lines[1].split() == ["runners-up", "order", "0.10"]
    assert "action     utter_hi, decided by RulePolicy 1.00" in lines
    assert 'RulePolicy: utter_hi 1.00: rule "say hello" (data/data.yml:13)' in lines
    assert 'AugmentedMemoizationPolicy: utter_hi 1.00: story "after a greeting" (data/data.yml:6)' in lines


def test_a_story_and_silent_rules(say):
    say("hi")
    lines = say("yes")
    assert "action     utter_ok, decided by AugmentedMemoizationPolicy 1.00" in lines
    assert 'AugmentedMemoizationPolicy: utter_ok 1.00: story "after a greeting" (data/data.yml:8)' in lines
    assert "RulePolicy: action_default_fallback 0.30: no rule fits: the core fallback" in lines


def test_a_form_and_its_slots(say):
    lines = say("a pizza")
    assert "loop       order_form begins" in lines
    assert 'slot       requested_slot: null -> "size"' in lines
    assert "RulePolicy: action_listen 1.00: the active form has asked" in lines
    lines = say("large")
    assert 'entity     size = "large"' in lines
    assert 'slot       size: null -> "large"' in lines
    assert "RulePolicy: order_form 1.00: the form is active" in lines
    assert "loop       ends" in lines
    assert 'RulePolicy: utter_ok 1.00: rule "order is complete" (data/data.yml:26)' in lines


def test_a_restart_and_its_followup(say):
    say("hi")
    lines = say("/restart")
    assert "RulePolicy: action_restart 1.00: default intent restart always leads there" in lines
    assert "followup_action: action_session_start 1.00: what came before asks for it" in lines


def test_what_is_not_understood(say):
    lines = say("gibberish")
    assert lines[0].split()[:3] == ["intent", "nlu_fallback", "0.20"]
    assert any(line.startswith("route      fallback") for line in lines)


async def test_what_was_drafted_and_not_said():
    reasons = ("no ten", "no at")
    models = FakeModels(MODELS.meanings, {"when?": 0.5}, draft=(), refusals={"At ten.": reasons}, has_knowledge=True)
    policies = train(ASSISTANT)
    chat = conversation(ASSISTANT, models)
    before = chat.tracker
    result = await chat.send("when?")
    explainer = Explainer(project=ASSISTANT, policies=policies)
    lines = [line.strip() for line in trace(before, result, explainer, threshold=0.4)]
    assert "support    not said: 'At ten.': no ten; no at" in lines
    assert not any("At ten" in line for line in lines if line.startswith("route"))

"""Replaying test stories, and the report on them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from dialogue_parts import project

from bot.dialogue.parse import Entity, IntentScore, Parse
from bot.dialogue.policies import train
from bot.dialogue.project import Project, UserStep
from bot.dialogue.stories import user_message
from bot.folder import load_folder
from training.story_report import StoryReport
from training.story_tests import run_story_tests

DOMAIN_YML = """
    version: "3.1"
    intents: [greet, order, stop, faq]
    entities: [city]
    slots:
      city: {type: text, mappings: [{type: from_entity, entity: city}]}
    forms: {order_form: {required_slots: [city]}}
    responses:
      utter_hi: [{text: Hi}]
      utter_done: [{text: Done}]
      utter_ask_city: [{text: Where?}]
      utter_faq/hours: [{text: All day}]
      utter_faq/place: [{text: Here}]
"""
NLU = """
    version: "3.1"
    nlu:
    - intent: faq/hours
      examples: |
        - when
    - intent: faq/place
      examples: |
        - where
"""
DATA = """
    rules:
    - rule: greet
      steps: [{intent: greet}, {action: utter_hi}]
    - rule: faq
      steps: [{intent: faq}, {action: utter_faq}]
    - rule: start
      steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
    - rule: submit
      condition: [{active_loop: order_form}]
      steps: [{action: order_form}, {active_loop: null}, {action: utter_done}]
    - rule: stop
      condition: [{active_loop: order_form}]
      steps: [{intent: stop}, {action: utter_hi}, {action: order_form}, {active_loop: order_form}]
"""
PARSES = {
    "hello": ("greet", None, ()),
    "你好": ("greet", None, ()),
    "when": ("faq", "hours", ()),
    "stop": ("stop", None, ()),
    "to Rome": ("order", None, (Entity(entity="city", value="Rome", start=3, end=7, role="from"),)),
    "odd": ("stop", None, (Entity(entity="city", value="odd", start=0, end=3),)),
}


def parse(text: str) -> Parse:
    intent, key, entities = PARSES[text]
    return Parse(text=text, intent=IntentScore(name=intent, confidence=0.9), entities=entities, response_key=key)


def report(tests: str) -> StoryReport:
    assistant = project(domain=DOMAIN_YML, data=DATA, nlu=NLU, test_stories=tests)
    return run_story_tests(assistant, train(assistant), parse)


def mismatches(tests: str) -> list[str]:
    return [f"{check.line} {check}" for result in report(tests).results for check in result.mismatches]


def test_a_story_that_goes_well() -> None:
    assert (
        mismatches("""
        stories:
        - story: all
          steps:
          - user: 你好
            intent: greet
          - action: utter_hi
          - user: when
            intent: faq
          - action: utter_faq
          - user: 'to [Rome]{"entity": "city", "role": "to"}'
            intent: order
          - action: order_form
          - active_loop: order_form
          - user: stop
            intent: stop
          - action: utter_hi
          - action: order_form
          - user: /greet
            intent: greet
          - action: order_form
          - active_loop: null
          - action: utter_done
          - intent: greet
          - action: utter_hi
    """)
        == []
    )


def test_full_retrieval_names_are_compared_where_they_are_given() -> None:
    found = mismatches("""
        stories:
        - story: right key
          steps: [{user: when, intent: faq/hours}, {action: utter_faq/hours}]
        - story: wrong key
          steps:
          - user: when
            intent: faq/place
          - action: utter_faq/place
    """)
    assert found == [
        "7 intent in 'when': expected 'faq/place', got 'faq/hours'",
        "9 action: expected 'utter_faq/place', got 'utter_faq/hours' (by RulePolicy, 1.00)",
    ]


def test_after_a_mistake_the_story_goes_on_as_it_is_written() -> None:
    found = mismatches("""
        stories:
        - story: misunderstood
          steps:
          - user: odd
            intent: greet
          - action: utter_done
          - user: hello
            intent: greet
          - action: utter_hi
    """)
    assert found == [
        "5 intent in 'odd': expected 'greet', got 'stop'",
        "5 entities in 'odd': expected [], got [city='odd' at 0-3]",
        "7 action: expected 'utter_done', got 'utter_hi' (by RulePolicy, 1.00)",
        "8 action: expected 'action_listen', got 'action_default_fallback' (by RulePolicy, 0.30)",
    ]


MIXED = """
    stories:
    - story: good
      steps:
      - user: hello
        intent: greet
      - action: utter_hi
    - story: 坏
      steps:
      - user: to [Oslo](city)
        intent: order
      - action: order_form
      - active_loop: order_form
      - action: utter_done
"""


@pytest.fixture
def mixed(monkeypatch: pytest.MonkeyPatch) -> StoryReport:
    monkeypatch.setitem(PARSES, "to Oslo", ("order", None, ()))
    return report(MIXED)


def test_the_report_in_words(mixed: StoryReport) -> None:
    lines = mixed.text().splitlines()
    assert lines[0] == "FAILED  坏  (tests/test_stories.yml:8)"
    assert lines[1] == "    tests/test_stories.yml:10: entities in 'to Oslo': expected [city='Oslo' at 3-7], got []"
    assert lines[-1] == "1 of 2 test stories passed"
    assert not mixed.passed


def test_the_report_as_json(mixed: StoryReport) -> None:
    read = json.loads(json.dumps(mixed.to_json()))
    assert read["conversation_accuracy"] == {"accuracy": 0.5, "correct": 1, "with_warnings": 0, "total": 2}
    assert read["utter_hi"] == {"precision": 1.0, "recall": 1.0, "f1-score": 1.0, "support": 1}
    assert read["city"] == {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 1}
    assert read["confusion"]["utter_done"] == {"action_listen": 1}
    assert [story["passed"] for story in read["stories"]] == [True, False]
    kinds = [check["kind"] for check in read["stories"][1]["mismatches"]]
    assert kinds[:2] == ["entities", "action"]


def test_failed_stories_are_written_so_that_they_can_be_run_again(mixed: StoryReport, tmp_path: Path) -> None:
    mixed.write(tmp_path)
    assert json.loads((tmp_path / "story_report.json").read_text("utf-8"))["accuracy"] < 1.0
    assert (tmp_path / "stories_with_warnings.yml").read_text("utf-8") == "# no warnings\n"
    failed = (tmp_path / "failed_test_stories.yml").read_text("utf-8")
    assert "# predicted: 'action_listen'" in failed
    again = report_of_file(failed)
    assert [check.kind for check in again.failed[0].mismatches] == [check.kind for check in mixed.failed[0].mismatches]


def report_of_file(text: str) -> StoryReport:
    assistant = project(domain=DOMAIN_YML, data=DATA, nlu=NLU, test_stories=text)
    return run_story_tests(assistant, train(assistant), parse)


def test_each_result_is_told_at_once() -> None:
    assistant = project(domain=DOMAIN_YML, data=DATA, nlu=NLU, test_stories=MIXED.replace("Oslo", "Rome"))
    heard: list[str] = []
    run_story_tests(assistant, train(assistant), parse, on_story=lambda result: heard.append(result.dialogue.name))
    assert heard == ["good", "坏"]


def gold_parse(assistant: Project) -> Callable[[str], Parse]:
    steps = [step for story in assistant.tests for step in story.steps if isinstance(step, UserStep) and step.text]
    gold = {message.text: message.parse for message in map(user_message, steps)}
    return gold.__getitem__


HELPDESK = Path(__file__).parents[3] / "shared" / "data" / "assistants" / "helpdesk"


@pytest.mark.skipif(not HELPDESK.is_dir(), reason="the shared data is not there")
def test_an_assistant_written_for_rasa_passes_its_own_test_stories() -> None:
    assistant = load_folder(HELPDESK, env={})
    found = run_story_tests(assistant, train(assistant), gold_parse(assistant))
    assert (len(found.results), found.text()) == (12, "12 of 12 test stories passed")

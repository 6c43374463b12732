"""Replaying test stories, and the report on them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dialogue_parts import project

from bot.dialogue.events import ActionExecuted
from bot.dialogue.parse import Entity, IntentScore, Parse
from bot.dialogue.policies import Policies, Prediction, train
from bot.dialogue.project import Project, UserStep
from bot.dialogue.stories import user_message
from bot.dialogue.tracker import Tracker
from bot.folder import load_folder
from training.story_files import Wanted, write_results
from training.story_report import StoryReport
from training.story_tests import run_story_tests

DOMAIN_YML = """
    version: "3.1"
    intents: [greet, order, stop, faq, inform_city]
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


def report(tests: str, **options: Any) -> StoryReport:
    assistant = project(domain=DOMAIN_YML, data=DATA, nlu=NLU, test_stories=tests)
    return run_story_tests(assistant, train(assistant), parse, **options)


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
          - user: '/inform_city{"city": "Rome"}'
            intent: inform_city
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
    assert read["[Oslo](city)"] == {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 1}
    assert "None" not in read  # nothing that was not expected is a label of its own
    assert read["confusion"]["utter_done"] == {"action_listen": 1}
    assert [story["passed"] for story in read["stories"]] == [True, False]
    kinds = [check["kind"] for check in read["stories"][1]["mismatches"]]
    assert kinds[:2] == ["entities", "action"]


def test_failed_stories_are_written_so_that_they_can_be_run_again(mixed: StoryReport, tmp_path: Path) -> None:
    write_results(mixed, tmp_path, Wanted())
    figures = json.loads((tmp_path / "story_report.json").read_text("utf-8"))
    assert figures.keys() == {
        *("utter_hi", "action_listen", "order_form", "utter_done", "greet", "order", "[Oslo](city)"),
        *("accuracy", "micro avg", "macro avg", "weighted avg", "conversation_accuracy"),
    }
    assert (tmp_path / "stories_with_warnings.yml").read_text("utf-8").startswith("# no test story passed with")
    assert not (tmp_path / "successful_test_stories.yml").exists()
    failed = (tmp_path / "failed_test_stories.yml").read_text("utf-8")
    assert '- story: "坏 (tests/test_stories.yml)"' in failed
    assert "- intent: order  # predicted: order: to Oslo" in failed
    assert "- action: utter_done  # predicted: action_listen" in failed
    assert "- action: action_listen  # predicted: action_default_fallback" in failed
    again = report_of_file(failed)
    assert [check.kind for check in again.failed[0].mismatches] == [check.kind for check in mixed.failed[0].mismatches]


def test_only_the_files_that_are_wanted_are_written(mixed: StoryReport, tmp_path: Path) -> None:
    write_results(mixed, tmp_path, Wanted(failed=False, warned=False, successful=True))
    assert {path.name for path in tmp_path.iterdir()} == {"story_report.json", "successful_test_stories.yml"}
    assert "good (tests/test_stories.yml)" in (tmp_path / "successful_test_stories.yml").read_text("utf-8")


def report_of_file(text: str) -> StoryReport:
    assistant = project(domain=DOMAIN_YML, data=DATA, nlu=NLU, test_stories=text)
    return run_story_tests(assistant, train(assistant), parse)


TWO_MISTAKES = """
    stories:
    - story: misunderstood
      steps:
      - user: odd
        intent: greet
      - action: utter_done
    - story: never reached
      steps: [{user: hello, intent: greet}, {action: utter_hi}]
"""


def test_a_run_can_end_at_the_first_mistake() -> None:
    found = report(TWO_MISTAKES, fail_fast=True)
    assert [check.kind for check in found.results[0].checks] == ["intent", "entities"]
    assert (len(found.results), found.stopped) == (1, True)
    assert "stopped at the first mistake" in found.text()


def test_only_the_first_stories_are_played() -> None:
    assert [result.dialogue.name for result in report(TWO_MISTAKES, max_stories=1).results] == ["misunderstood"]


def test_a_turn_without_an_end_trips_the_breaker_as_in_a_running_bot() -> None:
    """After ten actions nothing is predicted any more; what the story says still goes on."""
    steps = "- action: utter_hi\n          " * 11
    found = mismatches(f"""
        stories:
        - story: long
          steps:
          - user: hello
            intent: greet
          {steps}
    """)
    assert [each.partition("got ")[2] for each in found if "breaker" in each] == ["'circuit breaker tripped'"] * 2
    assert found[-1].startswith("17 action: expected 'action_listen'")


@dataclass(frozen=True)
class Startled:
    """Policies that find every message unlikely before they go on (UnexpecTEDIntentPolicy may)."""

    policies: Policies

    def predict(self, tracker: Tracker) -> Prediction:
        if tracker.latest_action_name == "action_listen":
            return Prediction(action="action_unlikely_intent", confidence=1.0, policy="UnexpecTEDIntentPolicy")
        shown = [event for event in tracker.events if event != ActionExecuted(name="action_unlikely_intent")]
        return self.policies.predict(Tracker.start("", tracker.domain, shown))


def test_an_unlikely_intent_is_a_warning(tmp_path: Path) -> None:
    assistant = project(domain=DOMAIN_YML, data=DATA, nlu=NLU, test_stories=MIXED.replace("Oslo", "Rome"))
    found = run_story_tests(assistant, Startled(train(assistant)), parse, fail_fast=True)  # type: ignore[arg-type]
    assert [result.passed for result in found.results] == [True, False]
    assert [result.dialogue.name for result in found.warned] == ["good"]  # not the one that failed for other reasons
    write_results(found, tmp_path, Wanted())
    warned = (tmp_path / "stories_with_warnings.yml").read_text("utf-8")
    assert "- action: utter_hi  # predicted: action_unlikely_intent" in warned
    failed = (tmp_path / "failed_test_stories.yml").read_text("utf-8")
    assert "- action: utter_done  # predicted: action_listen" in failed
    assert found.figures()["conversation_accuracy"] == {
        "accuracy": 0.5, "correct": 1, "with_warnings": 1, "total": 2,
    }  # fmt: skip


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

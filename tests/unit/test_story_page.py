"""The page on test stories: what it says, and that texts of somebody stay texts."""

from datetime import UTC, datetime

from dialogue_parts import project

from bot.dialogue.parse import IntentScore, Parse
from bot.dialogue.policies import train
from training.story_coverage import story_coverage
from training.story_page import Confused, StoryPage, lines, render
from training.story_tests import run_story_tests

DOMAIN = """
    version: "3.1"
    intents: [greet, bye]
    slots: {mood: {type: text, mappings: [{type: custom}]}}
    responses: {utter_hi: [{text: Hi}], utter_bye: [{text: Bye}]}
"""
DATA = """
    rules:
    - {rule: greet, steps: [{intent: greet}, {action: utter_hi}]}
"""
TESTS = """
    stories:
    - story: <b>好</b>
      steps:
      - user: 你好 <img src=x onerror=alert(1)>
        intent: bye
      - slot_was_set: [{mood: good}]
      - action: utter_bye
    - story: good
      steps:
      - user: hello
        intent: greet
      - action: utter_hi
"""


def page() -> StoryPage:
    assistant = project(domain=DOMAIN, data=DATA, test_stories=TESTS)
    greeting = IntentScore(name="greet", confidence=1.0)
    report = run_story_tests(assistant, train(assistant), lambda text: Parse(text=text, intent=greeting))
    return StoryPage(
        title="Test stories of <shop>", facts={"release": "r1"}, report=report, coverage=story_coverage(assistant)
    )


def test_the_page_shows_the_story_and_its_mistakes() -> None:
    html = render(page(), made=datetime(2026, 11, 22, tzinfo=UTC))
    assert "<b>1 <small>of 2</small></b><span>stories passed" in html
    assert "expected &#39;bye&#39;, got &#39;greet&#39;" in html
    assert "2026-11-22 00:00 UTC" in html
    assert "tests/test_stories.yml:3" in html
    assert "utter_bye" in html
    assert "default-src 'none'" in html


def test_texts_are_no_markup() -> None:
    html = render(page(), made=datetime(2026, 11, 22, tzinfo=UTC))
    assert "<img" not in html
    assert "<b>好" not in html
    assert "&lt;b&gt;好&lt;/b&gt;" in html


def test_a_story_line_by_line() -> None:
    shown = [(line.kind, line.words, line.note, bool(line.wrong)) for line in lines(page().report.failed[0])]
    assert shown == [
        ("user", "你好 <img src=x onerror=alert(1)>", "bye", True),
        ("state", "mood = good", "", False),
        ("bot", "utter_bye", "", True),
        ("bot", "action_listen", "", True),
    ]


def test_figures_of_the_page() -> None:
    found = page()
    assert (found.share("intent"), found.share("entities"), found.share("action")) == ((1, 2), (2, 2), (2, 4))
    assert found.confused == [
        Confused(expected="action_listen", got="action_default_fallback", count=1),
        Confused(expected="utter_bye", got="action_default_fallback", count=1),
    ]
    assert "greet" in found.rows
    assert "accuracy" not in found.rows

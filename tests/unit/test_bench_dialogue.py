"""Benchmarks of policies: how held-out stories are counted, the corpus as stories, and the page."""

import gzip
import json
from pathlib import Path

import pytest
from dialogue_parts import project

from bot.dialogue.project import ActionStep, SlotStep, StepEntity, UserStep
from bot.dialogue.stories import dialogues
from training.bench_dialogue import TEAMS, Course, Fold, Result, Tally, measure
from training.bench_dialogue_page import to_markdown
from training.bench_page import write_section
from training.sgd_stories import sgd_project
from training.story_report import Check, StoryResult

DOMAIN = """
    version: "3.1"
    intents: [greet, thank, help]
    responses: {utter_hi: [{text: Hi}], utter_ok: [{text: Ok}], utter_help: [{text: Help}]}
"""
STORIES = """
    stories:
    - story: one
      steps: [{intent: greet}, {action: utter_hi}, {intent: thank}, {action: utter_ok}]
    - story: other
      steps: [{intent: help}, {action: utter_help}, {intent: thank}, {action: utter_ok}]
    - story: held out
      steps: [{intent: greet}, {action: utter_hi}, {intent: help}, {action: utter_help},
              {intent: thank}, {action: utter_ok}]
"""


def test_held_out_stories_are_played_by_every_team() -> None:
    told = project(domain=DOMAIN, data=STORIES)
    *known, held_out = told.stories
    fold = Fold(
        project=project(domain=DOMAIN, data=STORIES[: STORIES.index("    - story: held out")]), held_out=(held_out,)
    )
    assert fold.project.stories == tuple(known)
    result = measure(Course(name="tiny", folds=(fold,), max_history=6), seed=0, progress=lambda share, what: None)
    assert result.stories == 1
    assert result.teams.keys() == TEAMS.keys()
    # Six actions in three turns. The whole story is memorised nowhere: but for its first turn, memory is silent.
    assert result.teams["memoisation"] == {
        "actions": 0.3333,
        "turns": 0.3333,
        "stories": 0.0,
        "said": 0.3333,
        "precision": 1.0,
    }
    # Cut short, it knows each of the turns.
    assert result.teams["memoisation, augmented"]["actions"] == 1.0
    assert result.teams["learned"]["actions"] > 0.5


def check(expected: str, got: str, confidence: float) -> Check:
    return Check(kind="action", at=0, line=1, expected=expected, got=got, confidence=confidence)


def test_silence_is_never_right() -> None:
    dialogue = dialogues(project(domain=DOMAIN, data=STORIES).stories, project(domain=DOMAIN).domain)[0]
    tally = Tally()
    checks = (
        *(check("utter_hi", "utter_hi", 1.0), check("action_listen", "action_listen", 0.0)),
        *(check("utter_ok", "utter_hi", 0.9), check("action_listen", "action_listen", 0.8)),
        *(check("utter_ok", "utter_ok", 0.9), check("action_listen", "action_listen", 0.8)),
    )
    tally.add(StoryResult(dialogue=dialogue, checks=checks))
    assert tally.figures() == {"actions": 0.6667, "turns": 0.3333, "stories": 0.0, "said": 0.8333, "precision": 0.8}


def act(name: str, slot: str = "", *values: str) -> dict[str, object]:
    return {"act": name, "slot": slot, "values": list(values)}


def said(*acts: dict[str, object], active: str, **slots: str) -> dict[str, object]:
    state = {"active_intent": active, "slot_values": {name: [value] for name, value in slots.items()}}
    return {"speaker": "USER", "frames": [{"actions": acts, "state": state}]}


def test_the_corpus_as_stories(tmp_path: Path) -> None:
    call = {"service_call": {"method": "ReserveRestaurant"}, "service_results": [{}]}
    turns = [
        said(act("INFORM", "time", "noon"), act("INFORM_INTENT", "intent", "ReserveRestaurant"),
             active="ReserveRestaurant", time="noon"),
        {"speaker": "SYSTEM", "frames": [{"actions": [act("REQUEST", "city"), act("REQUEST", "party")]}]},
        said(act("INFORM", "city", "Oslo"), act("REQUEST", "phone"),
             active="ReserveRestaurant", time="noon", city="Oslo"),
        {"speaker": "SYSTEM", "frames": [{"actions": [act("INFORM", "phone", "1"), act("NOTIFY_SUCCESS")], **call}]},
        said(act("THANK_YOU"), act("GOODBYE"), active="NONE", time="noon", city="Oslo"),
        {"speaker": "SYSTEM", "frames": [{"actions": [act("GOODBYE")]}]},
    ]  # fmt: skip
    (tmp_path / "transcripts/sgd").mkdir(parents=True)
    with gzip.open(tmp_path / "transcripts/sgd/dialogues_001.json.gz", "wt", encoding="utf-8") as file:
        json.dump([{"dialogue_id": "1_00000", "turns": turns}], file)
    corpus = sgd_project(tmp_path)
    assert corpus.stories[0].steps == (
        UserStep(intent="ReserveRestaurant+inform", entities=(StepEntity(entity="time"),)),
        SlotStep(name="active_intent", value="ReserveRestaurant"),
        SlotStep(name="time", value="set"),
        ActionStep(name="utter_request_city"),
        ActionStep(name="utter_request_party"),
        UserStep(intent="inform+request_phone", entities=(StepEntity(entity="city"),)),
        SlotStep(name="city", value="set"),
        ActionStep(name="action_ReserveRestaurant"),
        SlotStep(name="found", value=True),
        ActionStep(name="utter_inform"),
        ActionStep(name="utter_notify_success"),
        UserStep(intent="goodbye+thank_you"),
        SlotStep(name="active_intent", value="NONE"),
        ActionStep(name="utter_goodbye"),
    )
    assert corpus.domain.slots["active_intent"].values == ("NONE", "ReserveRestaurant")
    assert set(corpus.domain.intents) == {"ReserveRestaurant+inform", "inform+request_phone", "goodbye+thank_you"}


RESULT = Result(
    name="helpdesk",
    stories=22,
    teams={"learned": {"actions": 0.81, "turns": 0.7, "stories": 0.25, "said": 0.9, "precision": 0.9}},
    learn_s=1.25,
    made="2026-11-22",
    machine="2 cores",
)


def test_the_section() -> None:
    text = to_markdown([RESULT])
    assert "### helpdesk: 22 held-out stories" in text
    assert "| learned | 81.0 | 70.0 | 25.0 | 90.0 | 90.0 |" in text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "<!-- b -->\nnew\n<!-- end of b -->\n"),
        ("", "<!-- b -->\nnew\n<!-- end of b -->\n"),
        (
            "<!-- a -->\n一\n<!-- end of a -->\n",
            "<!-- a -->\n一\n<!-- end of a -->\n\n<!-- b -->\nnew\n<!-- end of b -->\n",
        ),
        (
            "<!-- b -->\nold\n\nolder\n<!-- end of b -->\n\n<!-- c -->\nmore\n<!-- end of c -->\n",
            "<!-- b -->\nnew\n<!-- end of b -->\n\n<!-- c -->\nmore\n<!-- end of c -->\n",
        ),
    ],
)
def test_a_section_leaves_the_others(tmp_path: Path, before: str | None, after: str) -> None:
    page = tmp_path / "benchmarks.md"
    if before is not None:
        page.write_text(before, "utf-8")
    write_section(page, "b", "new\n")
    assert page.read_text("utf-8") == after
    write_section(page, "b", "new")
    assert page.read_text("utf-8") == after

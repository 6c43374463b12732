"""Dialogues of the Schema-Guided Dialogue corpus [Rastogi et al. 2020] as stories, for ``kefu bench dialogue``.

What the corpus annotates becomes what an assistant would have: a user turn is one intent, named by its acts (joined by
``+``; an intent that is asked for and a slot that is requested are part of the name), with the slots it informs as
entities. The dialogue state fills text slots, and ``active_intent``. A bot turn is one action for each act, in the
corpus's order, without the values: ``utter_confirm``, ``utter_request_city``; a service call comes before them as
``action_<method>`` and sets ``found`` to whether it gave results.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.dialogue.domain import Domain, EntitySpec, IntentSpec, Slot
from bot.dialogue.project import ActionStep, Project, SlotStep, Step, StepEntity, Story, UserStep

FOLDER = "transcripts/sgd"


def sgd_project(data: Path) -> Project:
    """An assistant of nothing but the corpus's stories. ``data``: the folder with ``transcripts/``."""
    files = sorted((data / FOLDER).glob("dialogues_*.json.gz"))
    stories = tuple(_story(dialogue) for path in files for dialogue in _read(path))
    return Project(domain=_domain(stories), stories=stories)


def _read(path: Path) -> list[Mapping[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        found: list[Mapping[str, Any]] = json.load(file)
    return found


def _story(dialogue: Mapping[str, Any]) -> Story:
    steps: list[Step] = []
    known: dict[str, str] = {}
    for turn in dialogue["turns"]:
        acts = [act for frame in turn["frames"] for act in frame["actions"]]
        if turn["speaker"] == "USER":
            steps.append(_user(acts))
            steps += _slots(turn["frames"], known)
        else:
            steps += _calls(turn["frames"])
            steps += [ActionStep(name=name) for name in dict.fromkeys(map(_utter, acts))]
    return Story(name=dialogue["dialogue_id"], steps=tuple(steps))


def _user(acts: Sequence[Mapping[str, Any]]) -> UserStep:
    intent = "+".join(sorted({_said(act) for act in acts}))
    entities = sorted({act["slot"] for act in acts if act["act"] == "INFORM" and act["slot"]})
    return UserStep(intent=intent, entities=tuple(StepEntity(entity=name) for name in entities))


def _said(act: Mapping[str, Any]) -> str:
    name: str = act["act"].lower()
    match name:
        case "inform_intent":
            return str(act["values"][0])
        case "request":
            return f"request_{act['slot']}"
    return name


def _slots(frames: Sequence[Mapping[str, Any]], known: dict[str, str]) -> Iterator[Step]:
    """What the dialogue state has now and had not before."""
    now = {name: "set" for frame in frames for name in frame["state"]["slot_values"]}
    now["active_intent"] = frames[-1]["state"]["active_intent"]
    for name, value in sorted(now.items()):
        if known.get(name) != value:
            known[name] = value
            yield SlotStep(name=name, value=value)


def _calls(frames: Sequence[Mapping[str, Any]]) -> Iterator[Step]:
    for frame in frames:
        if call := frame.get("service_call"):
            yield ActionStep(name=f"action_{call['method']}")
            yield SlotStep(name="found", value=bool(frame["service_results"]))


def _utter(act: Mapping[str, Any]) -> str:
    name: str = act["act"].lower()
    match name:
        case "request":
            return f"utter_request_{act['slot']}"
        case "offer_intent":
            return f"utter_offer_{act['values'][0]}"
    return f"utter_{name}"


def _domain(stories: Sequence[Story]) -> Domain:
    steps = [step for story in stories for step in story.steps]
    entities = sorted({each.entity for step in steps if isinstance(step, UserStep) for each in step.entities})
    intents = sorted({step.intent or "" for step in steps if isinstance(step, UserStep)})
    set_slots = [step for step in steps if isinstance(step, SlotStep)]
    active = sorted({str(step.value) for step in set_slots if step.name == "active_intent"})
    slots = {step.name: Slot(name=step.name, type="text") for step in set_slots}
    slots["active_intent"] = Slot(name="active_intent", type="categorical", values=tuple(active))
    slots["found"] = Slot(name="found", type="bool")
    return Domain(
        intents={name: IntentSpec(name=name, used_entities=tuple(entities)) for name in intents},
        entities={name: EntitySpec(name=name) for name in entities},
        slots=slots,
        actions=tuple(sorted({step.name for step in steps if isinstance(step, ActionStep)})),
        store_entities_as_slots=False,
    )

"""What the tests of reminders share: an assistant that is asked to remind of things, and does."""

from collections.abc import Callable
from datetime import UTC, datetime

from engine_parts import FakeActions, FakeModels, project

from bot.dialogue.events import Event, ReminderCancelled, ReminderScheduled
from bot.dialogue.parse import Entity
from bot.dialogue.policies.ensemble import train
from bot.dialogue.project import Project
from bot.dialogue.tracker import Tracker
from bot.engine import Engine
from bot.ports import ActionResult, Clock

DOMAIN = """
intents: [plan, call_off, greet, nudge, human]
entities: [thing]
slots:
  thing: {type: text, mappings: [{type: from_entity, entity: thing}]}
actions: [action_plan, action_call_off]
responses:
  utter_greet: [{text: "Hello!"}]
  utter_nudge: [{text: "Remember {thing}."}, {text: "Remember {thing} on the phone.", channel: phone}]
"""
RULES = """
rules:
- rule: plan
  steps: [{intent: plan}, {action: action_plan}]
- rule: call off
  steps: [{intent: call_off}, {action: action_call_off}]
- rule: greet
  steps: [{intent: greet}, {action: utter_greet}]
- rule: nudge
  steps: [{intent: nudge}, {action: utter_nudge}]
- rule: person
  steps: [{intent: human}, {action: action_handoff}]
"""


def planner() -> Project:
    """The assistant: ``/plan`` calls ``action_plan``, ``/call_off`` its opposite, and ``nudge`` reminds."""
    return project(DOMAIN, RULES)


def actions(plan: Callable[[Tracker], list[Event]]) -> FakeActions:
    """Its action server; ``plan`` says which events a plan makes."""
    return FakeActions(
        {
            "action_plan": lambda tracker: ActionResult(events=tuple(plan(tracker))),
            "action_call_off": lambda _: ActionResult(events=(ReminderCancelled(name="r"),)),
        }
    )


def planning_engine(plan: Callable[[Tracker], list[Event]], clock: Clock) -> Engine:
    """The real engine of this assistant."""
    assistant = planner()
    return Engine(project=assistant, policies=train(assistant), models=FakeModels(), actions=actions(plan), clock=clock)


def nudge(thing: str, *, at: float, name: str = "r", kill: bool = False) -> ReminderScheduled:
    """A reminder of a thing, due at a time in seconds since the epoch."""
    return ReminderScheduled(
        name=name,
        intent="nudge",
        entities=(Entity(entity="thing", value=thing),),
        date_time=datetime.fromtimestamp(at, UTC).isoformat(),
        kill_on_user_msg=kill,
    )

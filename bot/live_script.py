"""A test story as a script for a conversation with a running bot: what to say, and what has to come of it. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.dialogue.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from bot.dialogue.parse import Entity, Json
from bot.dialogue.project import SlotStep, Story
from bot.dialogue.route import TWO_STAGE
from bot.dialogue.situation import LISTEN, action_label
from bot.dialogue.stories import Dialogue

UNHEARD = frozenset({LISTEN, "action_unlikely_intent", "action_session_start", "action_extract_slots"})
"""Actions that a customer never notices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedAction:
    """An action that the story names at this line; the text of an end-to-end one."""

    name: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSlot:
    """A slot that the story sets; ``any_value``: it names no value."""

    name: str
    value: Json
    any_value: bool
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLoop:
    """The form that the story says is active; None: none is."""

    name: str | None
    line: int


@dataclass(slots=True, kw_only=True)
class ScriptTurn:
    """What the customer says, and what the story has until the next message.

    ``completes``: the form that the story lets come to its end here, by itself and not by another action.
    """

    said: str
    line: int
    actions: list[WantedAction] = field(default_factory=list)
    slots: list[WantedSlot] = field(default_factory=list)
    loops: list[WantedLoop] = field(default_factory=list)
    completes: str | None = None


def script(dialogue: Dialogue, stories: Sequence[Story], samples: Mapping[str, Sequence[str]]) -> list[ScriptTurn]:
    """The turns of a story; what stands before its first message is left out.

    ``stories`` are those that it was made of: they say which slots were named without a value. ``samples`` are values
    for entities that have none in the story.
    """
    valueless = {
        (step.line, step.name)
        for story in stories
        for step in story.steps
        if isinstance(step, SlotStep) and step.any_value
    }
    turns: list[ScriptTurn] = []
    heard_at = 0
    for event, line in zip(dialogue.events, dialogue.lines, strict=True):
        if isinstance(event, UserUttered):
            said, heard_at = spoken(event, samples), line
            if turns and turns[-1].completes == TWO_STAGE and turns[-1].said == said:
                continue  # the fallback has been cleared up, and takes the message once more by itself
            turns.append(ScriptTurn(said=said, line=line))
        if not turns:
            continue
        match event:
            case ActionExecuted() if event.name not in UNHEARD:
                turns[-1].actions.append(WantedAction(name=action_label(event), line=line))
            case SlotSet(name=name, value=value) if line != heard_at:  # there it follows from the entities
                any_value = (line, name) in valueless
                turns[-1].slots.append(WantedSlot(name=name, value=value, any_value=any_value, line=line))
            case ActiveLoop(name=loop):
                turns[-1].loops.append(WantedLoop(name=loop, line=line))
                turns[-1].completes = turns[-1].actions[-1].name if loop is None and turns[-1].actions else None
    return turns


def spoken(message: UserUttered, samples: Mapping[str, Sequence[str]]) -> str:
    """The words of a message; for one that has only an intent, the slash message that says the same."""
    if message.text:
        return message.text
    parse = message.parse
    intent = f"{parse.intent.name}/{parse.response_key}" if parse.response_key else parse.intent.name
    return slash(intent, {entity.entity: _value(entity, samples) for entity in parse.entities})


def slash(intent: str, entities: Mapping[str, Json]) -> str:
    """A slash message, as a button sends it."""
    return f"/{intent}" + (json.dumps(entities, ensure_ascii=False) if entities else "")


def _value(entity: Entity, samples: Mapping[str, Sequence[str]]) -> Json:
    return entity.value if entity.value != "" else next(iter(samples.get(entity.entity, ())), entity.entity)

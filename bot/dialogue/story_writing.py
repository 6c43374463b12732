"""A conversation as test stories: what its customer said, and what the bot did."""

from collections.abc import Iterable, Mapping, Sequence
from io import StringIO

from ruamel.yaml import YAML

from bot.dialogue.annotation import format_example
from bot.dialogue.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.dialogue.parse import Entity, Json
from bot.dialogue.project import EntityAnnotation, NluExample
from bot.dialogue.situation import LISTEN

SESSION_START = "action_session_start"
NULL = "tag:yaml.org,2002:null"
UNWRITTEN = frozenset({LISTEN, SESSION_START, "action_unlikely_intent"})
"""Actions that no story tells, because they follow from the others."""


def sessions(events: Iterable[Event]) -> list[list[Event]]:
    """Cut a conversation where a new session begins. Never empty, nor is any part but the first."""
    parts: list[list[Event]] = [[]]
    for event in events:
        if isinstance(event, ActionExecuted) and event.name == SESSION_START and parts[-1]:
            parts.append([])
        parts[-1].append(event)
    return parts


def stories_yaml(named: Mapping[str, Sequence[Event]]) -> str:
    """A file of test stories, one for each name."""
    stories: list[Json] = [
        {"story": name, "steps": [step for event in events if (step := _step(event)) is not None]}
        for name, events in named.items()
    ]
    return yaml_text({"version": "3.1", "stories": stories})


def yaml_text(value: Json) -> str:
    """A value as YAML in block style, in the order of its keys."""
    out = StringIO()
    writer = YAML()
    writer.width = 4096
    writer.representer.add_representer(type(None), lambda dumper, _: dumper.represent_scalar(NULL, "null"))
    writer.dump(value, out)
    return out.getvalue()


def _step(event: Event) -> dict[str, Json] | None:
    match event:
        case UserUttered():
            return _heard(event)
        case ActionExecuted(name=str(name)) if name not in UNWRITTEN:
            return {"action": name}
        case ActionExecuted(action_text=str(text)):
            return {"bot": text}
        case SlotSet(name=name, value=value):
            return {"slot_was_set": [{name: value}]}
        case ActiveLoop(name=loop):
            return {"active_loop": loop}
    return None


def _heard(message: UserUttered) -> dict[str, Json]:
    parse = message.parse
    intent = f"{parse.intent.name}/{parse.response_key}" if parse.response_key else parse.intent.name
    step: dict[str, Json] = {"intent": intent} if intent else {}
    if message.text:
        is_slash = message.text.startswith("/")
        step["user"] = message.text if is_slash else annotated(message.text, parse.entities)
    return step


def annotated(text: str, entities: Iterable[Entity]) -> str:
    """The text with its entities as training data writes them; one that begins inside another is left out."""
    placed: list[EntityAnnotation] = []
    for entity in sorted(entities, key=lambda entity: entity.start or 0):
        if entity.start is None or entity.end is None or (placed and entity.start < placed[-1].end):
            continue
        value = str(entity.value)
        placed.append(
            EntityAnnotation(
                start=entity.start,
                end=entity.end,
                entity=entity.entity,
                value=None if value == text[entity.start : entity.end] else value,
                role=entity.role,
                group=entity.group,
            )
        )
    return format_example(NluExample(text=text, intent="", entities=tuple(placed)))

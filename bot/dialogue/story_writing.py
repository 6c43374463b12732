"""Events written as the steps of stories, in the lines that a person would write. Knows no file."""

import json
import re
from collections.abc import Container, Iterable, Mapping
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

_PLAIN = re.compile(r"[A-Za-z_](?:[\w./ ]*\w)?", re.ASCII)
_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON takes and YAML does not, or not as it is."""

_RESERVED = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))


def sessions(events: Iterable[Event]) -> list[list[Event]]:
    """Cut a conversation where a new session begins. Never empty, nor is any part but the first."""
    parts: list[list[Event]] = [[]]
    for event in events:
        if isinstance(event, ActionExecuted) and event.name == SESSION_START and parts[-1]:
            parts.append([])
        parts[-1].append(event)
    return parts


def stories_yaml(named: Mapping[str, Iterable[Event]]) -> str:
    """A file of test stories, one for each name."""
    return stories_file(story_item(name, map(step, events)) for name, events in named.items())


def stories_file(items: Iterable[str]) -> str:
    """A file of ``story_item``s."""
    lines = "".join(items)
    return f'version: "3.1"\nstories:\n{lines}' if lines else 'version: "3.1"\nstories: []\n'


def story_item(name: str, steps: Iterable[str]) -> str:
    """One item of ``stories:`` in lines, "" where there is no step."""
    lines = "".join(steps)
    return f"- story: {scalar(name)}\n  steps:\n{lines}" if lines else ""


def step(event: Event, *, with_words: bool = True, unwritten: Container[str] = UNWRITTEN) -> str:
    """The lines of an event in a story, "" for one that no story tells.

    ``with_words``: a message has what the customer said, as in a test story, else only what it means. ``unwritten``:
    actions that are left out.
    """
    match event:
        case UserUttered():
            return _heard(event, with_words=with_words)
        case ActionExecuted(name=str(name)) if name not in unwritten:
            return f"  - action: {scalar(name)}\n"
        case ActionExecuted(action_text=str(text)):
            return f"  - bot: {scalar(text)}\n"
        case SlotSet(name=name, value=value):
            return f"  - slot_was_set:\n    - {scalar(name)}: {scalar(value)}\n"
        case ActiveLoop(name=loop):
            return f"  - active_loop: {scalar(loop)}\n"
    return ""


def _heard(message: UserUttered, *, with_words: bool) -> str:
    parse = message.parse
    intent = f"{parse.intent.name}/{parse.response_key}" if parse.response_key else parse.intent.name
    keys = [f"intent: {scalar(intent)}\n"] if intent else []
    if message.text and (with_words or not intent):
        words = message.text if message.text.startswith("/") else annotated(message.text, parse.entities)
        keys.append(f"user: {scalar(words)}\n")
    elif parse.entities:
        keys.append("".join(["entities:\n", *map(_entity, parse.entities)]))
    return "".join(f"  {' ' if number else '-'} {key}" for number, key in enumerate(keys))


def _entity(entity: Entity) -> str:
    labels = (("role", entity.role), ("group", entity.group))
    more = "".join(f"      {key}: {scalar(label)}\n" for key, label in labels if label)
    return f"    - {scalar(entity.entity)}: {scalar(entity.value)}\n{more}"


def scalar(value: Json) -> str:
    """A value on one line of YAML: JSON is YAML, and plain words need no quotes."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    return _UNPRINTED.sub(lambda char: f"\\u{ord(char[0]):04x}", json.dumps(value, ensure_ascii=False))


def yaml_text(value: Json) -> str:
    """A value as YAML in block style, in the order of its keys."""
    out = StringIO()
    writer = YAML()
    writer.width = 4096
    writer.representer.add_representer(type(None), lambda dumper, _: dumper.represent_scalar(NULL, "null"))
    writer.dump(value, out)
    return out.getvalue()


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

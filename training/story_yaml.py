"""Writing a replayed story back as YAML, with what was predicted instead as comments.

The steps and comments are those of Rasa's files; the message's text comes on top, so that the file can be played again.
"""

import json
from collections.abc import Iterator, Mapping

from bot.dialogue.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.dialogue.parse import Entity, Json
from bot.dialogue.situation import LISTEN
from bot.dialogue.stories import Dialogue
from bot.dialogue.story_writing import annotated


def story_yaml(dialogue: Dialogue, comments: Mapping[int, str]) -> str:
    """One entry of ``stories:``. ``comments`` go to the steps of the events with these indices."""
    lines = [f"- story: {_scalar(f'{dialogue.name} ({dialogue.source.path})')}", "  steps:"]
    heard_at = -1
    for at, (event, line) in enumerate(zip(dialogue.events, dialogue.lines, strict=True)):
        if isinstance(event, UserUttered):
            heard_at = line
        if isinstance(event, SlotSet) and line == heard_at:
            continue  # the entities of the user step fill it again
        step = list(_step(event, is_wrong=at in comments))
        if step and at in comments:
            step[0] += f"  # {_one_line(comments[at])}"
        lines += step
    return "\n".join(lines) + "\n"


def _step(event: Event, *, is_wrong: bool) -> Iterator[str]:
    match event:
        case UserUttered():
            yield from _user(event)
        case ActionExecuted(name=str(name)) if name != LISTEN or is_wrong:
            yield f"  - action: {_scalar(name)}"
        case ActionExecuted(action_text=str(text)):
            yield f"  - bot: {_scalar(text)}"
        case SlotSet(name=name, value=value):
            yield "  - slot_was_set:"
            yield f"    - {_scalar(name)}: {_scalar(value)}"
        case ActiveLoop(name=loop):
            yield f"  - active_loop: {_scalar(loop)}"
        case _:
            pass


def _user(message: UserUttered) -> Iterator[str]:
    parse = message.parse
    intent = f"{parse.intent.name}/{parse.response_key}" if parse.response_key else parse.intent.name
    heads = [f"intent: {_scalar(intent)}"] if intent else []
    if message.text:
        text = message.text if message.text.startswith("/") else annotated(message.text, parse.entities)
        heads.append(f"user: {_scalar(text)}")
    elif parse.entities:
        heads.append(f"entities: {_scalar([_given(entity) for entity in parse.entities])}")
    for i, head in enumerate(heads):
        yield f"  {'-' if i == 0 else ' '} {head}"


def _given(entity: Entity) -> Json:
    parts = {"role": entity.role, "group": entity.group}
    return {entity.entity: entity.value, **{name: part for name, part in parts.items() if part is not None}}


def _one_line(comment: str) -> str:
    return " ".join(comment.split())


def _scalar(value: Json) -> str:
    """JSON is YAML; only quotes that YAML does not need are left out, of plain names."""
    if isinstance(value, str) and value.replace("_", "a").isascii() and value.replace("_", "a").isalnum():
        return value if not value[0].isdigit() and value.lower() not in _RESERVED else json.dumps(value)
    return json.dumps(value, ensure_ascii=False)


_RESERVED = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))

"""Writing a replayed story back as YAML, with what was predicted instead as comments."""

import json
from collections.abc import Iterator, Mapping

from bot.dialogue.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.dialogue.parse import Entity, Json
from bot.dialogue.situation import LISTEN
from bot.dialogue.stories import Dialogue


def story_yaml(dialogue: Dialogue, comments: Mapping[int, str]) -> str:
    """One entry of ``stories:``. ``comments`` go to the steps that stand at those lines of the original file."""
    lines = [f"- story: {_scalar(dialogue.name)}", "  steps:"]
    heard_at = 0
    open_comments = dict(comments)
    for event, line in zip(dialogue.events, dialogue.lines, strict=True):
        if isinstance(event, UserUttered):
            heard_at = line
        if isinstance(event, SlotSet) and line == heard_at:
            continue  # the entities of the user step fill it again
        step = list(_step(event))
        if step and line in open_comments:
            step[0] += f"  # {open_comments.pop(line)}"
        lines += step
    lines += [f"  # {comment}" for comment in open_comments.values()]  # what was predicted in place of listening
    return "\n".join(lines) + "\n"


def _step(event: Event) -> Iterator[str]:
    match event:
        case UserUttered():
            yield from _user(event)
        case ActionExecuted(name=str(name)) if name != LISTEN:
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
        heads.append(f"user: {_scalar(_annotated(message.text, parse.entities))}")
    elif parse.entities:
        heads.append(f"entities: {_scalar([{entity.entity: entity.value} for entity in parse.entities])}")
    for i, head in enumerate(heads):
        yield f"  {'-' if i == 0 else ' '} {head}"


def _annotated(text: str, entities: tuple[Entity, ...]) -> str:
    """The text with its entities written into it, from the last to the first so that offsets stay right."""
    placed = [e for e in entities if e.start is not None and e.end is not None]
    for entity in sorted(placed, key=lambda e: e.start or 0, reverse=True):
        start, end = entity.start or 0, entity.end or 0
        span = text[start:end]
        note: dict[str, Json] = {"entity": entity.entity, "role": entity.role, "group": entity.group}
        if entity.value != span:
            note["value"] = entity.value
        given = {name: value for name, value in note.items() if value is not None}
        text = f"{text[:start]}[{span}]{json.dumps(given, ensure_ascii=False)}{text[end:]}"
    return text


def _scalar(value: Json) -> str:
    """JSON is YAML; only quotes that YAML does not need are left out, of plain names."""
    if isinstance(value, str) and value.replace("_", "a").isascii() and value.replace("_", "a").isalnum():
        return value if not value[0].isdigit() and value.lower() not in _RESERVED else json.dumps(value)
    return json.dumps(value, ensure_ascii=False)


_RESERVED = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))

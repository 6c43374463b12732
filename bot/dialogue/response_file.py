"""Responses: each name with its variations. They stand in the domain or beside NLU data, in the same form."""

from collections.abc import Mapping

from bot.dialogue.domain import ResponseCondition, ResponseVariation
from bot.dialogue.parse import Json
from bot.dialogue.reading import Reading
from bot.dialogue.yaml_tree import Node

CONTENT = ("text", "image", "custom", "buttons", "quick_replies", "attachment", "elements")
KEYS = (*CONTENT, "button_type", "channel", "condition", "metadata", "id")


def read_response(name: str, node: Node, reading: Reading) -> tuple[ResponseVariation, ...]:
    """Read the variations of one response."""
    if not name.startswith("utter_"):
        reading.fault(node, f'the response "{name}" does not begin with "utter_"', f'call it "utter_{name}"')
    items = reading.items(node, f'the response "{name}"')
    if not items and (node.value is None or node.value == ()):
        reading.fault(node, f'the response "{name}" has no variation', 'write "- text: ..." under it')
    return tuple(variation for item in items if (variation := _variation(name, item, reading)) is not None)


def _variation(name: str, item: Node, reading: Reading) -> ResponseVariation | None:
    if isinstance(item.value, str):
        reading.fault(item, f'a variation of "{name}" without a key', 'write "- text: ..."')
        return None
    what = f'a variation of "{name}"'
    fields = reading.fields(item, what, KEYS)
    if all(key not in fields or fields[key].value in (None, "", {}, ()) for key in CONTENT):
        reading.fault(item, f"{what} says nothing", f"give it one of {', '.join(CONTENT)}")
    return ResponseVariation(
        text=reading.optional_text(fields.get("text"), f"the text of {what}"),
        image=reading.optional_text(fields.get("image"), f"the image of {what}"),
        buttons=_buttons(fields.get("buttons"), f"a button of {what}", reading),
        quick_replies=_buttons(fields.get("quick_replies"), f"a quick reply of {what}", reading),
        attachment=fields["attachment"].json() if "attachment" in fields else None,
        elements=_entries(fields.get("elements"), f"an element of {what}", reading),
        custom=_custom(fields.get("custom"), what, reading),
        button_type=reading.optional_text(fields.get("button_type"), "button_type"),
        channel=reading.optional_text(fields.get("channel"), "channel"),
        conditions=_conditions(fields.get("condition"), what, reading),
        metadata=fields["metadata"].json() if "metadata" in fields else None,
        id=reading.optional_text(fields.get("id"), "id"),
    )


def _entries(node: Node | None, what: str, reading: Reading) -> tuple[Mapping[str, Json], ...]:
    entries = (reading.fields(item, what) for item in reading.items(node, what))
    return tuple({key: child.json() for key, child in entry.items()} for entry in entries)


def _buttons(node: Node | None, what: str, reading: Reading) -> tuple[Mapping[str, Json], ...]:
    """Read buttons: a title is needed; title and payload are text, further keys are the channel's."""
    for item in reading.items(node, what):
        if not isinstance(item.value, Mapping):
            continue
        if "title" not in item.value:
            reading.fault(item, f"{what} has no title", 'write "title: ..." and "payload: ..."')
        for key in ("title", "payload"):
            reading.optional_text(item.value.get(key), f"the {key} of {what}")
    return _entries(node, what, reading)


def _custom(node: Node | None, what: str, reading: Reading) -> Json:
    if node is None or node.value is None:
        return None
    return {key: child.json() for key, child in reading.fields(node, f"custom in {what}").items()}


def _conditions(node: Node | None, what: str, reading: Reading) -> tuple[ResponseCondition, ...] | None:
    if node is None or node.value is None:
        return None
    items = reading.items(node, f"condition of {what}")
    if not items:
        reading.notice(node, f"{what} has an empty condition and is never chosen")
    conditions = []
    for item in items:
        fields = reading.fields(item, f"a condition of {what}", ("type", "name", "value"))
        kind = reading.name(fields.get("type"), "the type of a condition")
        if kind and kind != "slot":
            reading.fault(fields["type"], f'the condition type "{kind}" is unknown', 'write "type: slot"')
        if "name" not in fields or "value" not in fields or "type" not in fields:
            reading.fault(item, f"a condition of {what} is incomplete", "give it type: slot, a name and a value")
            continue
        name = reading.name(fields["name"], "the slot of a condition")
        conditions.append(ResponseCondition(slot=name, value=fields["value"].json()))
    return tuple(conditions)

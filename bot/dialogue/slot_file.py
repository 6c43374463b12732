"""Slots of the domain: types, limits and the mappings that fill them."""

from collections.abc import Mapping
from typing import cast, get_args

from bot.dialogue.domain import MappingCondition, MappingType, Slot, SlotMapping, SlotType
from bot.dialogue.reading import Reading, suggest
from bot.dialogue.yaml_tree import Node

TYPES: tuple[str, ...] = get_args(SlotType)
MAPPING_TYPES: tuple[str, ...] = get_args(MappingType)
KEYS = (
    "type",
    "initial_value",
    "influence_conversation",
    "mappings",
    "values",
    "min_value",
    "max_value",
    "value_reset_delay",
)
MAPPING_KEYS = ("type", "entity", "role", "group", "intent", "not_intent", "value", "action", "conditions")
CONDITION_KEYS = ("active_loop", "requested_slot")
NEEDED = {"from_entity": "entity", "from_intent": "value", "from_trigger_intent": "value"}
MAPPINGS_REMEDY = 'write "mappings:" with "- type: from_entity", or "- type: custom" where actions set it'


def read_slot(name: str, node: Node, reading: Reading) -> Slot:
    """Read one slot; after a fault the slot is a stand-in that only serves to find further faults."""
    what = f'the slot "{name}"'
    fields = reading.fields(node, what, None if _has_class(node) else KEYS)
    kind = _type(what, node, fields, reading)
    influence = reading.flag(fields.get("influence_conversation"), "influence_conversation", default=kind != "any")
    if kind == "any" and influence:
        remedy = "remove influence_conversation or choose another type"
        reading.fault(fields["influence_conversation"], f"{what} has type any and cannot influence", remedy)
    low = reading.number(fields.get("min_value"), "min_value", default=0.0)
    high = reading.number(fields.get("max_value"), "max_value", default=1.0)
    if low >= high:
        reading.fault(node, f"{what} has min_value {low:g} and max_value {high:g}", "make min_value the smaller one")
    return Slot(
        name=name,
        type=kind,
        initial_value=fields["initial_value"].json() if "initial_value" in fields else None,
        influence_conversation=influence,
        mappings=_mappings(what, node, fields.get("mappings"), reading),
        values=_values(what, kind, node, fields.get("values"), reading),
        min_value=low,
        max_value=high,
    )


def _has_class(node: Node) -> bool:
    """Whether the slot's type is a class, which may have keys of its own."""
    kind = node.value.get("type") if isinstance(node.value, Mapping) else None
    return kind is not None and "." in str(kind.value)


def _type(what: str, node: Node, fields: Mapping[str, Node], reading: Reading) -> SlotType:
    if "type" not in fields:
        reading.fault(node, f"{what} has no type", f"write one of {', '.join(TYPES)}")
        return "text"
    kind = reading.name(fields["type"], f"the type of {what}")
    if "." in kind:
        reading.notice(fields["type"], f'{what} has the class "{kind}", which cannot run here; it is read as type any')
        return "any"
    if kind and kind not in TYPES:
        remedy = 'write "type: any"' if kind == "unfeaturized" else suggest(kind, TYPES)
        reading.fault(fields["type"], f'{what} has the unknown type "{kind}"', remedy)
    return cast("SlotType", kind) if kind in TYPES else "text"


def _values(what: str, kind: SlotType, node: Node, values: Node | None, reading: Reading) -> tuple[str, ...]:
    """Read the values of a categorical slot as lower-case text; null is no value."""
    items = reading.items(values, f"the values of {what}")
    if kind == "categorical" and not items:
        reading.fault(node, f"{what} is categorical and has no values", 'write "values: [one, other]"')
    elif kind != "categorical" and values is not None:
        reading.notice(values, f"{what} is not categorical, so its values mean nothing")
    return tuple(str(item.json()).lower() for item in items if item.value is not None)


def _mappings(what: str, node: Node, mappings: Node | None, reading: Reading) -> tuple[SlotMapping, ...]:
    items = reading.items(mappings, f"the mappings of {what}")
    if mappings is None or mappings.value in (None, ()):
        reading.fault(node, f"{what} has no mappings", MAPPINGS_REMEDY)
    read = (_mapping(what, item, reading) for item in items)
    return tuple(mapping for mapping in read if mapping is not None)


def _mapping(what: str, item: Node, reading: Reading) -> SlotMapping | None:
    fields = reading.fields(item, f"a mapping of {what}", MAPPING_KEYS)
    if "type" not in fields:
        if isinstance(item.value, Mapping):
            reading.fault(item, f"a mapping of {what} has no type", f"write one of {', '.join(MAPPING_TYPES)}")
        return None
    kind = reading.name(fields["type"], f"the type of a mapping of {what}")
    if kind not in MAPPING_TYPES:
        if kind:
            reading.fault(fields["type"], f'{what} has the unknown mapping "{kind}"', suggest(kind, MAPPING_TYPES))
        return None
    needed = NEEDED.get(kind)
    if needed and (needed not in fields or fields[needed].value is None):
        reading.fault(item, f'the mapping {kind} of {what} needs "{needed}"', f'add "{needed}: ..." to it')
    return SlotMapping(
        type=cast("MappingType", kind),
        entity=reading.optional_text(fields.get("entity"), "entity"),
        role=reading.optional_text(fields.get("role"), "role"),
        group=reading.optional_text(fields.get("group"), "group"),
        intent=reading.names(fields.get("intent"), "intent"),
        not_intent=reading.names(fields.get("not_intent"), "not_intent"),
        value=fields["value"].json() if "value" in fields else None,
        action=reading.optional_text(fields.get("action"), "action"),
        conditions=_conditions(what, fields.get("conditions"), reading),
    )


def _conditions(what: str, node: Node | None, reading: Reading) -> tuple[MappingCondition, ...]:
    conditions = []
    for item in reading.items(node, f"the conditions of {what}"):
        fields = reading.fields(item, f"a condition of {what}", CONDITION_KEYS)
        if isinstance(item.value, Mapping) and "active_loop" not in fields and set(fields) <= set(CONDITION_KEYS):
            remedy = 'write "active_loop: form_name", or "active_loop: null" for outside of forms'
            reading.fault(item, f"a condition of {what} has no active_loop", remedy)
        loop = reading.optional_text(fields.get("active_loop"), "active_loop")
        requested = reading.optional_text(fields.get("requested_slot"), "requested_slot")
        conditions.append(MappingCondition(active_loop=loop, requested_slot=requested))
    return tuple(conditions)

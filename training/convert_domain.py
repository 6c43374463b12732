"""A domain of Rasa 1 or 2 brought to 3.1: what filled slots by itself there gets its mappings written down.

As in Rasa 2, a slot with the name of an entity is filled by it unless ``auto_fill`` is false. A form fills one by its
``from_entity`` mappings whenever it is active, and by other mappings only while it asks for that slot.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from bot.dialogue.slot_file import TYPES
from training.convert_notes import Notes, Rule, current_name, line_of

REQUESTED_SLOT = "requested_slot"
DEFAULT_TRIGGERS = {"restart": "action_restart", "back": "action_back", "session_start": "action_session_start"}
OLD_TYPES = {"unfeaturized": "any", "boolean": "bool"}
_FORM_KEYS = ("required_slots", "ignored_intents")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """How a form of Rasa 2 fills one of its slots; no mappings: by the entity of the slot's name."""

    form: str
    slot: str
    mappings: tuple[CommentedMap, ...]


def convert_domain(
    root: CommentedMap,
    entities: Mapping[str, Any],
    fillers: Sequence[Filler],
    form_slots: Mapping[str, Sequence[str]],
    notes: Notes,
) -> list[Rule]:
    """Change the domain in place and return rules for the intents that triggered an action.

    ``entities`` and ``fillers`` are those of all files together, since slots may stand in another one; ``form_slots``
    are the slots of forms that only their Python class names.
    """
    if "templates" in root:
        at = list(root).index("templates")
        line = line_of(root, "templates")
        root.insert(at, "responses", root.pop("templates"))
        notes.changed(line, '"templates" is called "responses"')
    rules = _triggers(root.get("intents"), notes)
    _actions(root, notes)
    _required(root, form_slots, notes)
    slots = root.get("slots")
    if isinstance(slots, CommentedMap):
        _slots(slots, entities, fillers, notes)
    return rules


def entities_of(root: CommentedMap) -> dict[str, Any]:
    """The entities that a domain file lists, each with its options."""
    return dict(map(_named, _listed(root.get("entities"))))


def fillers_of(root: CommentedMap) -> list[Filler]:
    """The fillers of the forms that are written as Rasa 2 had them."""
    forms = root.get("forms")
    found = []
    for form, spec in forms.items() if isinstance(forms, dict) else ():
        required = spec.get("required_slots", spec) if isinstance(spec, dict) else None
        for slot, mappings in required.items() if isinstance(required, dict) else ():
            if slot not in _FORM_KEYS:
                found.append(Filler(form=str(form), slot=str(slot), mappings=_mappings(mappings)))
    return found


def _mappings(given: Any) -> tuple[CommentedMap, ...]:
    return tuple(mapping for mapping in _listed(given) if isinstance(mapping, CommentedMap))


def _named(entry: Any) -> tuple[str, Any]:
    """``name`` or ``name: options``, as lists of the domain hold them."""
    if isinstance(entry, CommentedMap) and entry:
        name, options = next(iter(entry.items()))
        return str(name), options
    return str(entry), None


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def _triggers(intents: Any, notes: Notes) -> list[Rule]:
    """``greet: {triggers: utter_greet}`` of MappingPolicy becomes a rule."""
    rules = []
    for at, entry in enumerate(intents if isinstance(intents, CommentedSeq) else ()):
        name, options = _named(entry)
        if not isinstance(options, CommentedMap) or "triggers" not in options:
            continue
        line = line_of(options, "triggers")
        action = str(options.pop("triggers"))
        if not options:
            intents[at] = name
        if DEFAULT_TRIGGERS.get(name) == action:
            notes.changed(line, f'"triggers" of {name} is gone: {action} follows it anyway')
            continue
        notes.changed(line, f'"triggers" of {name} became a rule that says {action}')
        steps = [{"intent": name}, {"action": action}]
        rules.append(Rule(name=f"{name} triggers {action}", steps=steps, why=f"triggers in {notes.path}:{line}"))
    return rules


def _actions(root: CommentedMap, notes: Notes) -> None:
    actions = root.get("actions")
    for at, name in enumerate(actions if isinstance(actions, CommentedSeq) else ()):
        if isinstance(name, str) and name.startswith("respond_"):
            actions[at] = current_name(name)
            notes.changed(line_of(actions, at), f"{name} is called {actions[at]}")


def _required(root: CommentedMap, form_slots: Mapping[str, Sequence[str]], notes: Notes) -> None:
    """Forms: a list of names, slots right below the form, or slots with mappings, become ``required_slots`` lists."""
    forms = root.get("forms")
    if isinstance(forms, CommentedSeq):
        named = [_named(entry) for entry in forms]
        lines = {name: line_of(forms, at) for at, (name, _) in enumerate(named)}
        forms = root["forms"] = CommentedMap(named)
    elif isinstance(forms, CommentedMap):
        lines = {name: line_of(forms, name) for name in forms}
    else:
        return
    for name, spec in forms.items():
        forms[name] = _form(name, spec, form_slots, lines[name], notes)


def _form(name: str, spec: Any, form_slots: Mapping[str, Sequence[str]], line: int, notes: Notes) -> CommentedMap:
    if not isinstance(spec, CommentedMap) or not spec:
        slots = form_slots.get(name, ())
        if slots:
            notes.changed(line, f'the form "{name}" lists the slots that its Python class asks for: {", ".join(slots)}')
        else:
            notes.look(line, f'the form "{name}" names no slots: list them under required_slots, in their order')
        return CommentedMap({"required_slots": CommentedSeq(slots)})
    required = spec.get("required_slots", spec)
    if not isinstance(required, CommentedMap):
        return spec
    wanted = [slot for slot in required if slot not in _FORM_KEYS]
    kept = {"ignored_intents": spec["ignored_intents"]} if "ignored_intents" in spec else {}
    notes.changed(line, f'the form "{name}" lists its slots; how they are filled stands with the slots')
    return CommentedMap({"required_slots": CommentedSeq(wanted), **kept})


def _slots(slots: CommentedMap, entities: Mapping[str, Any], fillers: Sequence[Filler], notes: Notes) -> None:
    requested = slots.get(REQUESTED_SLOT)
    if REQUESTED_SLOT in slots and not (isinstance(requested, CommentedMap) and "mappings" in requested):
        notes.changed(line_of(slots, REQUESTED_SLOT), "the slot requested_slot is always there and was left out")
        del slots[REQUESTED_SLOT]
    for name, slot in slots.items():
        line = line_of(slots, name)
        if not isinstance(slot, CommentedMap):
            notes.look(line, f'the slot "{name}" has no keys; give it a type and mappings')
            continue
        _type(name, slot, notes)
        filled = slot.pop("auto_fill", True) is not False
        if "mappings" in slot:
            continue
        always = list(_by_entity_as(name, entities[name])) if filled and name in entities else []
        mappings = always + [each for each in _from_forms(name, fillers) if _bare(each) not in always]
        slot["mappings"] = CommentedSeq(mappings or [CommentedMap({"type": "custom"})])
        kinds = ", ".join(str(mapping.get("type")) for mapping in mappings)
        text = f"is filled as before: {kinds}" if kinds else "is set by actions only (custom)"
        notes.changed(line, f'the slot "{name}" got mappings: it {text}')


def _type(name: str, slot: CommentedMap, notes: Notes) -> None:
    kind = str(slot.get("type", ""))
    short = kind.rsplit(".", 1)[-1].removesuffix("Slot").lower() if kind.startswith("rasa.") else kind
    short = OLD_TYPES.get(short, short)
    line = line_of(slot, "type")
    if short == kind:
        return
    if short not in TYPES:
        notes.look(line, f'the slot "{name}" has the unknown type {kind}')
        return
    slot["type"] = short
    notes.changed(line, f'the type {kind} of the slot "{name}" is called {short}')
    if short == "any":
        slot.pop("influence_conversation", None)  # it never did, and must not


def _by_entity(name: str) -> CommentedMap:
    return CommentedMap({"type": "from_entity", "entity": name})


def _by_entity_as(name: str, options: Any) -> Iterator[CommentedMap]:
    """In whichever role and group: Rasa 2 filled a slot by all of them, a mapping of 3.1 takes only what it names."""
    known = options if isinstance(options, CommentedMap) else {}
    for role, group in product([None, *_listed(known.get("roles"))], [None, *_listed(known.get("groups"))]):
        parts = {"role": role, "group": group}
        yield CommentedMap({**_by_entity(name), **{key: value for key, value in parts.items() if value is not None}})


def _bare(mapping: CommentedMap) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key != "conditions"}


def _from_forms(slot: str, fillers: Sequence[Filler]) -> list[CommentedMap]:
    """The slot's mappings in all forms, each with the form as its condition; equal ones are joined."""
    found: list[CommentedMap] = []
    for filler in fillers:
        if filler.slot != slot:
            continue
        for given in filler.mappings or (_by_entity(slot),):
            mapping = CommentedMap({key: value for key, value in given.items() if value is not None})
            condition = CommentedMap({"active_loop": filler.form})
            if mapping.get("type") not in ("from_entity", "from_trigger_intent"):
                condition[REQUESTED_SLOT] = slot
            same = next((each for each in found if _bare(each) == mapping), None)
            if same is None:
                found.append(CommentedMap({**mapping, "conditions": CommentedSeq([condition])}))
            else:
                same["conditions"].append(condition)
    return found

"""The domain: one or many files merged into one value, with its source as an action server is sent it.

Sections of a mapping (slots, responses, forms) and of a list (intents, entities, actions) are merged by name: the
first file wins, and a second definition is reported.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bot.dialogue.domain import (
    DEFAULT_INTENTS,
    KNOWLEDGE_BASE_SLOTS,
    REQUESTED_SLOT,
    SESSION_METADATA_SLOT,
    Domain,
    EntitySpec,
    Form,
    IntentSpec,
    SessionConfig,
    Slot,
)
from bot.dialogue.parse import Json
from bot.dialogue.project import Place
from bot.dialogue.reading import Reading
from bot.dialogue.response_file import read_response
from bot.dialogue.slot_file import read_slot
from bot.dialogue.yaml_tree import Node

KEYS = (
    "version",
    "intents",
    "entities",
    "slots",
    "responses",
    "actions",
    "forms",
    "e2e_actions",
    "session_config",
    "config",
)
KNOWLEDGE_BASE_ACTION = "action_query_knowledge_base"
LATEST_VERSION = "3.1"
DEFAULT_SESSION: Json = {"session_expiration_time": 60, "carry_over_slots_to_new_session": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A named item of a section: ``properties`` None where only the name stands there."""

    item: Node
    properties: Node | None = None


Section: TypeAlias = Mapping[str, _Entry]
Sections: TypeAlias = Mapping[str, Section]
JsonMap: TypeAlias = dict[str, Json]


def read_domain(roots: Sequence[Node], bot_texts: Sequence[str], reading: Reading) -> tuple[Domain, dict[str, Place]]:
    """Merge the sections of all files; places are keyed "intent greet", "slot city", ... as in ``Project.places``.

    ``bot_texts``: what the bot says in stories, which are end-to-end actions beside those that are listed.
    """
    sections: Sections = {
        "intent": _listed(roots, "intents", reading),
        "entity": _listed(roots, "entities", reading),
        "action": _listed(roots, "actions", reading),
        "slot": _keyed(roots, "slots", reading),
        "form": _keyed(roots, "forms", reading),
        "response": _keyed(roots, "responses", reading),
    }
    listed = (text for root in roots for text in reading.names(_child(root, "e2e_actions"), "e2e_actions"))
    texts = tuple(dict.fromkeys((*listed, *bot_texts)))
    session = _single(roots, "session_config", reading, default=DEFAULT_SESSION)
    config = reading.fields(_single(roots, "config", reading), "config", ("store_entities_as_slots",))
    store_entities = config.get("store_entities_as_slots")
    entities = {name: _entity(name, entry, reading) for name, entry in sections["entity"].items()}
    actions = sections["action"]
    domain = Domain(
        intents=_intents(sections["intent"], entities, reading),
        entities=entities,
        slots=_slots(sections, reading),
        responses={name: read_response(name, entry.item, reading) for name, entry in sections["response"].items()},
        actions=tuple(actions),
        actions_with_domain=tuple(name for name, entry in actions.items() if _sends_domain(name, entry, reading)),
        forms={name: _form(name, entry, reading) for name, entry in sections["form"].items()},
        e2e_actions=texts,
        session_config=_session_config(session, reading),
        store_entities_as_slots=reading.flag(store_entities, "store_entities_as_slots", default=True),
        source=_source(sections, texts, session, config),
    )
    return domain, _places(sections)


def _child(root: Node, key: str) -> Node | None:
    return root.value.get(key) if isinstance(root.value, Mapping) else None


def _keyed(roots: Sequence[Node], key: str, reading: Reading) -> Section:
    nodes = [child for root in roots if (child := _child(root, key)) is not None]
    reading.torn |= any(not isinstance(node.value, Mapping | None) for node in nodes)
    pairs = ((name, _Entry(item=child)) for node in nodes for name, child in reading.fields(node, key).items())
    return _first_of_each(key, pairs, reading)


def _listed(roots: Sequence[Node], key: str, reading: Reading) -> Section:
    nodes = [child for root in roots if (child := _child(root, key)) is not None]
    reading.torn |= any(not isinstance(node.value, tuple | None) for node in nodes)
    items = (item for node in nodes for item in reading.items(node, key))
    pairs = (pair for item in items if (pair := _named(item, key, reading)) is not None)
    return _first_of_each(key, pairs, reading)


def _named(item: Node, key: str, reading: Reading) -> tuple[str, _Entry] | None:
    """Read "- name" or "- name: {properties}"."""
    if not isinstance(item.value, Mapping):
        name = reading.name(item, f"an item of {key}")
        return (name, _Entry(item=item)) if name else None
    if not item.value:
        reading.fault(item, f"an empty item of {key}", "remove it or write a name")
        return None
    name, properties = next(iter(item.value.items()))
    if len(item.value) > 1:
        reading.fault(item, f"an item of {key} with {len(item.value)} keys", "indent the properties under the name")
    elif properties.value in (None, {}):
        reading.fault(properties, f'"{name}" in {key} has a colon and nothing after it', "remove the colon")
    else:
        return name.strip(), _Entry(item=item, properties=properties)
    return name.strip(), _Entry(item=item)


def _first_of_each(key: str, pairs: Iterable[tuple[str, _Entry]], reading: Reading) -> Section:
    entries: dict[str, _Entry] = {}
    for name, entry in pairs:
        first = entries.setdefault(name, entry)
        if first is entry:
            continue
        place = f"{first.item.path}:{first.item.line}"
        if first.item.path == entry.item.path:
            reading.fault(entry.item, f'"{name}" appears twice in {key} (first at {place})', "remove one of them")
        else:
            reading.notice(entry.item, f'"{name}" in {key} is also defined at {place}, and that one counts')
    return entries


def _single(roots: Sequence[Node], key: str, reading: Reading, *, default: Json = None) -> Node | None:
    """Give the first definition of a section that is not merged; one that only says the default steps back."""
    nodes = [node for root in roots if (node := _child(root, key)) is not None]
    if not nodes:
        return None
    chosen = next((node for node in nodes if node.json() not in (None, default)), nodes[0])
    for other in nodes:
        if other.json() not in (None, default, chosen.json()):
            reading.notice(other, f"{key} is also defined at {chosen.path}:{chosen.line}, and that one counts")
    return chosen


def _entity(name: str, entry: _Entry, reading: Reading) -> EntitySpec:
    known = ("roles", "groups", "influence_conversation")
    fields = reading.fields(entry.properties, f'the entity "{name}"', known, strict=False)
    return EntitySpec(
        name=name,
        roles=reading.names(fields.get("roles"), "roles"),
        groups=reading.names(fields.get("groups"), "groups"),
        influence_conversation=reading.flag(
            fields.get("influence_conversation"), "influence_conversation", default=True
        ),
    )


def _intents(section: Section, entities: Mapping[str, EntitySpec], reading: Reading) -> dict[str, IntentSpec]:
    intents: dict[str, IntentSpec] = {}
    for name, entry in section.items():
        base = name.split("/", 1)[0]
        if base != name:
            reading.notice(
                entry.item, f'the domain lists "{base}", not "{name}"; keys of retrieval intents stay in NLU data'
            )
        if base not in intents:
            intents[base] = IntentSpec(
                name=base, used_entities=_used_entities(base, entry.properties, entities, reading)
            )
    for name in DEFAULT_INTENTS:
        if name not in intents:
            intents[name] = IntentSpec(name=name, used_entities=_used_entities(name, None, entities, reading))
    return intents


def _used_entities(
    intent: str, properties: Node | None, entities: Mapping[str, EntitySpec], reading: Reading
) -> tuple[str, ...]:
    """Labels that policies see with an intent: names, ``name#role`` and ``name#group``, sorted.

    As in Rasa: use_entities true means all that influence the conversation; ignore_entities is taken away after.
    """
    known = ("use_entities", "ignore_entities")
    fields = reading.fields(properties, f'the intent "{intent}"', known, strict=False)
    silent = [name for name, spec in entities.items() if not spec.influence_conversation]
    use = fields.get("use_entities")
    match use.value if use is not None else True:
        case True:
            names = [name for name in entities if name not in silent]
            labels = {*names, *(label for name in entities for label in _labels(name, entities))}
        case False | None:
            labels = set()
        case _:
            names = list(_entity_list(use, "use_entities", reading))
            labels = {*names, *(label for name in names for label in _labels(name, entities))}
    ignore = fields.get("ignore_entities")
    ignored = silent if ignore is None else list(_entity_list(ignore, "ignore_entities", reading))
    dropped = {*ignored, *(label for name in ignored for label in _labels(name, entities))}
    return tuple(sorted(labels - dropped))


def _entity_list(node: Node | None, key: str, reading: Reading) -> tuple[str, ...]:
    if node is not None and isinstance(node.value, bool):
        return ()
    return tuple(name for item in reading.items(node, key) if (name := reading.name(item, f"an entity in {key}")))


def _labels(name: str, entities: Mapping[str, EntitySpec]) -> tuple[str, ...]:
    spec = entities.get(name)
    return () if spec is None else tuple(f"{name}#{label}" for label in (*spec.roles, *spec.groups))


def _sends_domain(name: str, entry: _Entry, reading: Reading) -> bool:
    if entry.properties is None:
        return name.startswith("validate_")
    fields = reading.fields(entry.properties, f'the action "{name}"', ("send_domain",))
    return reading.flag(fields.get("send_domain"), "send_domain", default=False)


def _form(name: str, entry: _Entry, reading: Reading) -> Form:
    fields = reading.fields(entry.item, f'the form "{name}"', ("required_slots", "ignored_intents"))
    required = fields.get("required_slots")
    if required is None and "ignored_intents" in fields:
        reading.fault(entry.item, f'the form "{name}" ignores intents and requires no slots', "add required_slots")
    if required is not None and isinstance(required.value, Mapping) and required.value:
        remedy = "list the slot names here and move the mappings under slots"
        reading.fault(required, f'the form "{name}" maps its slots itself, as Rasa 2 did', remedy)
        required = None
    slots = (reading.name(item, "a required slot") for item in reading.items(required, "required_slots"))
    return Form(
        name=name,
        required_slots=tuple(slot for slot in slots if slot),
        ignored_intents=reading.names(fields.get("ignored_intents"), "ignored_intents"),
    )


def _session_config(node: Node | None, reading: Reading) -> SessionConfig:
    known = ("session_expiration_time", "carry_over_slots_to_new_session")
    fields = reading.fields(node, "session_config", known, strict=False)
    minutes = reading.number(fields.get("session_expiration_time"), "session_expiration_time", default=60.0)
    if minutes < 0:
        reading.fault(
            fields["session_expiration_time"], "session_expiration_time is negative", "write minutes, 0 for never"
        )
    carry = fields.get("carry_over_slots_to_new_session")
    return SessionConfig(
        session_expiration_time=minutes,
        carry_over_slots_to_new_session=reading.flag(carry, "carry_over_slots_to_new_session", default=True),
    )


def _slots(sections: Sections, reading: Reading) -> dict[str, Slot]:
    """Read the slots and add those that are always there, or come with forms or the knowledge-base action."""
    slots = {name: read_slot(name, entry.item, reading) for name, entry in sections["slot"].items()}
    automatic = [REQUESTED_SLOT] if sections["form"] else []
    automatic += KNOWLEDGE_BASE_SLOTS if KNOWLEDGE_BASE_ACTION in sections["action"] else ()
    for name in automatic:
        slots.setdefault(name, Slot(name=name, type="text", influence_conversation=False))
    slots[SESSION_METADATA_SLOT] = Slot(name=SESSION_METADATA_SLOT, type="any", influence_conversation=False)
    return slots


def _places(sections: Sections) -> dict[str, Place]:
    places = {}
    for kind, section in sections.items():
        for name, entry in section.items():
            places[f"{kind} {name}"] = Place(path=entry.item.path, line=entry.item.line)
    return places


def _source(sections: Sections, texts: Sequence[str], session: Node | None, config: Mapping[str, Node]) -> JsonMap:
    """Give the merged files as JSON in the shape that rasa-sdk receives: empty sections left out."""
    source: dict[str, Json] = {
        "version": LATEST_VERSION,
        "session_config": DEFAULT_SESSION if session is None else session.json(),
        "intents": [_intent_json(name, entry) for name, entry in sorted(sections["intent"].items())],
        "entities": [_entry_json(name, entry) for name, entry in sections["entity"].items()],
        "slots": {name: entry.item.json() for name, entry in sections["slot"].items()},
        "responses": {name: entry.item.json() for name, entry in sections["response"].items()},
        "actions": [_entry_json(name, entry) for name, entry in sections["action"].items()],
        "forms": {name: entry.item.json() for name, entry in sections["form"].items()},
        "e2e_actions": list(texts),
        "config": {key: node.json() for key, node in config.items()},
    }
    return {key: value for key, value in source.items() if value not in ({}, [], None)}


def _entry_json(name: str, entry: _Entry) -> Json:
    return name if entry.properties is None else {name: entry.properties.json()}


def _intent_json(name: str, entry: _Entry) -> Json:
    properties = entry.properties.json() if entry.properties is not None else None
    if not isinstance(properties, Mapping):
        return name
    return {name: {key: value or [] if key.endswith("_entities") else value for key, value in properties.items()}}

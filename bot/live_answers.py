"""What a customer could answer to a form's question, where a story leaves the answer out. Pure.

A test story may begin and end a form without a word between. Whoever plays it against a running bot has to answer what
the form asks: with a button that is shown, or with what the slot's mappings take.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from bot.dialogue.domain import DEFAULT_INTENTS, Form, Slot, SlotMapping
from bot.dialogue.parse import Json
from bot.dialogue.project import NluExample, OrStep, Project, UserStep
from bot.dialogue.slots import entity_fits
from bot.dialogue.stories import user_message
from bot.live_script import slash

MAX_ANSWERS = 6
"""How many answers to one question are tried."""

SYSTEM_VALUES: Mapping[str, Sequence[str]] = {
    "email": ("anna@example.com",),
    "phone-number": ("+49 30 901820",),
    "url": ("https://example.com",),
    "number": ("2",),
    "amount-of-money": ("20",),
    "time": ("2030-01-15T10:00:00.000+00:00",),
}
"""Values of entities that no example annotates, because Duckling finds them."""


def sample_values(project: Project) -> dict[str, tuple[str, ...]]:
    """Values of each entity: those of the examples, then of lookup tables, then of system entities."""
    found: dict[str, list[str]] = {}
    for example in project.nlu.examples:
        for note in example.entities:
            found.setdefault(note.entity, []).append(note.value or example.text[note.start : note.end])
    for source in (project.nlu.lookups, SYSTEM_VALUES):
        for entity, values in source.items():
            found.setdefault(entity, []).extend(values)
    return {entity: tuple(dict.fromkeys(values)) for entity, values in found.items()}


def answers(
    slot: Slot, form: Form, project: Project, *, wanted: Json, buttons: Sequence[Mapping[str, Json]]
) -> list[str]:
    """Messages that may fill the slot, the likeliest first. ``wanted`` is the value that the story gives, or None."""
    found = [*_of_buttons(buttons, wanted)]
    for mapping in slot.mappings:
        if not mapping.conditions or any(condition.active_loop == form.name for condition in mapping.conditions):
            found += islice(_of_mapping(mapping, slot, form, project, wanted), MAX_ANSWERS)
    return list(dict.fromkeys(found))[:MAX_ANSWERS]


def _of_buttons(buttons: Sequence[Mapping[str, Json]], wanted: Json) -> Iterator[str]:
    for button in buttons:
        payload = str(button.get("payload") or button.get("title") or "")
        if payload and (wanted is None or str(wanted) in payload or str(wanted) == str(button.get("title"))):
            yield payload


def _of_mapping(mapping: SlotMapping, slot: Slot, form: Form, project: Project, wanted: Json) -> Iterator[str]:
    intents = _intents(mapping, form, project)
    match mapping.type:
        case "from_entity" if mapping.role or mapping.group:
            yield from (example.text for example in project.nlu.examples if _carries(example, mapping, intents))
        case "from_entity" if mapping.entity is not None:
            intent = next(iter(_usual(intents, mapping, project)), None)
            values = [wanted] if wanted is not None else [*slot.values, *sample_values(project).get(mapping.entity, ())]
            yield from (slash(intent, {mapping.entity: value}) for value in values if intent)
        case "from_intent":
            if wanted is None or wanted == mapping.value:
                yield from (slash(intent, {}) for intent in intents)
        case "from_text":
            if wanted is not None:
                yield str(wanted)
            else:  # a sentence without entities, which would fill other slots as well
                said = [example for example in project.nlu.examples if _base(example.intent) in intents]
                said.sort(key=lambda example: (bool(example.entities), intents.index(_base(example.intent))))
                yield from (example.text for example in said)


def _intents(mapping: SlotMapping, form: Form, project: Project) -> list[str]:
    """The intents that the mapping takes a value with; first those that no story or rule has: they lead nowhere."""
    if mapping.intent:
        return list(mapping.intent)
    barred = (*mapping.not_intent, *form.ignored_intents, *DEFAULT_INTENTS)
    steps = (step for story in (*project.stories, *project.rules) for step in story.steps)
    options = (option for step in steps for option in (step.options if isinstance(step, OrStep) else (step,)))
    leading = {_base(option.intent or "") for option in options if isinstance(option, UserStep)}
    return sorted((name for name in project.domain.intents if name not in barred), key=lambda name: name in leading)


def _usual(intents: Sequence[str], mapping: SlotMapping, project: Project) -> list[str]:
    """The intents with which the entity is annotated, before the others."""
    carrying = {_base(example.intent) for example in project.nlu.examples if _carries(example, mapping, intents)}
    return sorted(intents, key=lambda intent: intent not in carrying)


def _base(intent: str) -> str:
    """An intent without the key of a retrieval intent."""
    return intent.split("/", 1)[0]


def _carries(example: NluExample, mapping: SlotMapping, intents: Sequence[str]) -> bool:
    step = UserStep(intent=example.intent, text=example.text, annotations=example.entities)
    return _base(example.intent) in intents and any(
        entity_fits(mapping, each) for each in user_message(step).parse.entities
    )

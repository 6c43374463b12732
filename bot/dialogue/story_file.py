"""Stories, rules and test stories: YAML steps to frozen values. What they mean for policies is said elsewhere."""

from collections.abc import Mapping
from typing import Literal

from bot.dialogue.annotation import AnnotationError, parse_annotated
from bot.dialogue.project import (
    ActionStep,
    BotStep,
    CheckpointStep,
    EntityAnnotation,
    LoopStep,
    OrStep,
    SlotStep,
    Step,
    StepEntity,
    Story,
    UserStep,
)
from bot.dialogue.reading import Reading, suggest
from bot.dialogue.yaml_tree import Node

Kind = Literal["story", "rule", "test"]

STEP_KEYS: Mapping[str, tuple[str, ...]] = {
    "intent": ("intent", "user", "entities"),
    "user": ("intent", "user", "entities"),
    "or": ("or",),
    "action": ("action",),
    "bot": ("bot",),
    "checkpoint": ("checkpoint", "slot_was_set"),
    "slot_was_set": ("slot_was_set",),
    "active_loop": ("active_loop",),
    "metadata": (),
}
"""Which keys may stand together in a step, by the key that decides what it is (in this order)."""

STEP_WORDS = ("intent", "user", "action", "bot", "slot_was_set", "active_loop", "checkpoint", "or", "metadata")


def read_stories(section: Node, kind: Kind, title: str, reading: Reading) -> tuple[Story, ...]:
    """Read a ``stories`` or ``rules`` section; ``title`` is the key of a name in it, ``story`` or ``rule``."""
    items = reading.items(section, "rules" if title == "rule" else "stories")
    return tuple(story for item in items if (story := _story(item, kind, title, reading)) is not None)


def _story(item: Node, kind: Kind, title: str, reading: Reading) -> Story | None:
    extra = ("condition", "conversation_start", "wait_for_user_input") if title == "rule" else ()
    fields = reading.fields(item, f"a {title}", (title, "steps", "metadata", *extra))
    if title not in fields:
        if isinstance(item.value, Mapping) or item.value is None:
            reading.fault(item, f"a {title} without a name", f'begin it with "- {title}: what happens"')
        return None
    name = reading.name(fields[title], f"the name of a {title}")
    steps = _steps(fields.get("steps"), f'the {title} "{name}"', reading)
    if not steps and ("steps" not in fields or fields["steps"].value in (None, ())):
        reading.fault(item, f'the {title} "{name}" has no steps', 'write "steps:" and under it "- intent: ..."')
    return Story(
        name=name,
        steps=steps,
        kind=kind,
        condition=_condition(fields.get("condition"), reading),
        conversation_start=reading.flag(fields.get("conversation_start"), "conversation_start", default=False),
        wait_for_user_input=reading.flag(fields.get("wait_for_user_input"), "wait_for_user_input", default=True),
        path=item.path,
        line=item.line,
    )


def _steps(node: Node | None, what: str, reading: Reading) -> tuple[Step, ...]:
    return tuple(step for item in reading.items(node, f"the steps of {what}") for step in _step(item, reading))


def _condition(node: Node | None, reading: Reading) -> tuple[SlotStep | LoopStep, ...]:
    steps: list[SlotStep | LoopStep] = []
    for item in reading.items(node, "condition"):
        for step in _step(item, reading):
            if isinstance(step, SlotStep | LoopStep):
                steps.append(step)
            else:
                reading.fault(item, "a condition of another kind", "write active_loop or slot_was_set")
    return tuple(steps)


def _step(item: Node, reading: Reading) -> tuple[Step, ...]:
    """Read one item: several steps where ``slot_was_set`` lists several slots, none for ``metadata``."""
    if isinstance(item.value, str) or not isinstance(item.value, Mapping) or not item.value:
        reading.fault(item, "a step without a key", 'write "- intent: ..." or "- action: ..."')
        return ()
    fields = item.value
    kind = next((key for key in STEP_KEYS if key in fields), None)
    if kind is None:
        name = next(iter(fields))
        reading.fault(item, f'the step "{name}" is unknown', suggest(name, STEP_WORDS))
        return ()
    _check_keys(fields, kind, reading)
    return _read_step(kind, item, fields, reading)


def _read_step(kind: str, item: Node, fields: Mapping[str, Node], reading: Reading) -> tuple[Step, ...]:
    node = fields[kind]
    steps: tuple[Step, ...] = ()
    match kind:
        case "intent" | "user":
            steps = _user(item, fields, reading)
        case "action":
            name = reading.name(node, "an action")
            steps = (ActionStep(name=name, line=item.line),) if name else ()
        case "bot":
            text = reading.text(node, "bot")
            steps = (BotStep(text=text.strip(), line=item.line),) if text else ()
        case "slot_was_set":
            steps = _slots(node, reading)
        case "active_loop":
            steps = (LoopStep(name=reading.optional_text(node, "active_loop"), line=item.line),)
        case "checkpoint":
            steps = _checkpoint(item, fields, reading)
        case "or":
            steps = _or(node, reading)
    return steps


def _check_keys(fields: Mapping[str, Node], kind: str, reading: Reading) -> None:
    for key, child in fields.items():
        if key in (*STEP_KEYS[kind], "metadata"):
            continue
        if key in STEP_WORDS:
            reading.fault(child, f'"{key}" and "{kind}" in one step', 'begin a step of its own with "- "')
        else:
            reading.fault(child, f'unknown key "{key}" in a step', suggest(key, (*STEP_KEYS[kind], *STEP_WORDS)))


def _user(item: Node, fields: Mapping[str, Node], reading: Reading) -> tuple[Step, ...]:
    intent = reading.name(fields["intent"], "an intent") if "intent" in fields else ""
    if intent.startswith("/"):
        reading.notice(fields["intent"], f'the slash of the intent "{intent}" is not needed')
        intent = intent[1:]
    text, annotations = _user_text(fields.get("user"), reading)
    if not intent and text is None:
        return ()
    entities = _entities(fields.get("entities"), reading)
    if text is not None and entities:
        reading.notice(fields["entities"], "entities beside a text are not read; annotate them in the text")
        entities = ()
    step = UserStep(intent=intent or None, text=text, entities=entities, annotations=annotations, line=item.line)
    return (step,)


def _user_text(node: Node | None, reading: Reading) -> tuple[str | None, tuple[EntityAnnotation, ...]]:
    """Read what a user says; a slash message is kept as it is, because its JSON is no annotation."""
    source = reading.text(node, "user")
    if source is None or node is None:
        return None, ()
    source = source.strip()
    if source.startswith("/"):
        return source, ()
    try:
        return parse_annotated(source)
    except AnnotationError as error:
        reading.fault(node, f"an annotation that cannot be read: {error}", "write [text](entity)")
        return source, ()


def _entities(node: Node | None, reading: Reading) -> tuple[StepEntity, ...]:
    read = (_entity(item, reading) for item in reading.items(node, "entities"))
    return tuple(entity for entity in read if entity is not None)


def _entity(node: Node, reading: Reading) -> StepEntity | None:
    """Read "- city" or "- city: Rome" with an optional role and group beside it."""
    if not isinstance(node.value, Mapping):
        name = reading.name(node, "an entity")
        return StepEntity(entity=name) if name else None
    names = [key for key in node.value if key not in ("role", "group")]
    if len(names) != 1:
        reading.fault(node, "an entity that is not one name and its value", 'write "- city: Rome"')
        return None
    return StepEntity(
        entity=names[0],
        value=node.value[names[0]].json(),
        role=reading.optional_text(node.value.get("role"), "role"),
        group=reading.optional_text(node.value.get("group"), "group"),
    )


def _slots(node: Node | None, reading: Reading) -> tuple[SlotStep, ...]:
    steps: list[SlotStep] = []
    for item in reading.items(node, "slot_was_set"):
        if isinstance(item.value, Mapping):
            steps += (SlotStep(name=name, value=child.json(), line=child.line) for name, child in item.value.items())
        else:
            name = reading.name(item, "a slot")
            steps += [SlotStep(name=name, any_value=True, line=item.line)] if name else []
    return tuple(steps)


def _checkpoint(item: Node, fields: Mapping[str, Node], reading: Reading) -> tuple[Step, ...]:
    name = reading.name(fields["checkpoint"], "a checkpoint")
    conditions = _slots(fields.get("slot_was_set"), reading)
    return (CheckpointStep(name=name, conditions=conditions, line=item.line),) if name else ()


def _or(node: Node, reading: Reading) -> tuple[Step, ...]:
    """Read alternatives; as in Rasa, each slot of a ``slot_was_set`` is an alternative of its own."""
    options: list[UserStep | SlotStep] = []
    for item in reading.items(node, "or"):
        for step in _step(item, reading):
            if isinstance(step, UserStep | SlotStep):
                options.append(step)
            else:
                reading.fault(item, "an alternative that is no user turn and no slot", "write intent or slot_was_set")
    if not options and node.value in (None, ()):
        reading.fault(node, "or without alternatives", 'write "- intent: ..." under it')
    return (OrStep(options=tuple(options), line=node.line),) if options else ()

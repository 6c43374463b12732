"""Stories, rules and test stories as sequences of events: what policies learn from and what tests replay.

Steps become the events of a conversation: the bot listens before each user turn and at the end, entities
fill slots as a plain ``from_entity`` mapping says, ``or`` multiplies a story, and checkpoints join stories.
A rule starts with the pseudo action ``...`` (anything may have been before) unless it is for the start of a
conversation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from bot.dialogue.domain import Domain, Slot
from bot.dialogue.errors import Fault, ProjectFaults
from bot.dialogue.event_json import from_json
from bot.dialogue.events import (
    ActionExecuted,
    ActionReverted,
    ActiveLoop,
    Event,
    Restarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.parse import Entity, IntentScore, Json, Parse
from bot.dialogue.project import (
    ActionStep,
    BotStep,
    CheckpointStep,
    LoopStep,
    OrStep,
    SlotStep,
    Step,
    Story,
    UserStep,
)
from bot.dialogue.situation import LISTEN
from bot.dialogue.slash import slash_entities
from bot.dialogue.slots import entity_fits
from bot.dialogue.states import SHOULD_NOT_BE_SET
from bot.dialogue.tracker import Tracker

ANYTHING = "..."
"""The pseudo action of rules: whatever happened before, or happens next."""

MAX_SEQUENCES = 5_000
EVENT_STEPS = ("restart", "rewind", "undo", "reset_slots", "pause", "resume", "session_started", "export")
"""Action steps that stand for an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """One possible course of a story. ``lines[i]`` is where ``events[i]`` stands, 0 for an implied event.

    ``unpredictable`` is the index of an action that opens the story and so follows from nothing; None if
    there is no such action. ``name`` joins the names of the stories that checkpoints connect.
    """

    name: str
    events: tuple[Event, ...]
    lines: tuple[int, ...]
    source: Story
    unpredictable: int | None = None

    @property
    def is_rule(self) -> bool:
        """Whether it comes from a rule."""
        return self.source.kind == "rule"

    def line_of(self, event: Event) -> int:
        """The line of one of the events (by identity), or that of the story."""
        at = next((i for i, own in enumerate(self.events) if own is event), None)
        return (self.lines[at] if at is not None else 0) or self.source.line


@dataclass(frozen=True, slots=True)
class _Placed:
    event: Event
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """A stretch of a story between checkpoints; without ``starts`` it opens a conversation."""

    story: Story
    starts: tuple[CheckpointStep, ...]
    steps: tuple[Step, ...]
    ends: tuple[CheckpointStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    """A course so far, and the blocks it went through (a block is not entered twice: that cuts cycles)."""

    name: str
    source: Story
    placed: tuple[_Placed, ...]
    through: tuple[int, ...]
    unpredictable: int | None


def dialogues(stories: Sequence[Story], domain: Domain) -> list[Dialogue]:
    """Every course that these stories, rules or test stories describe.

    Raises:
        ProjectFaults: checkpoints and ``or`` multiply to more than MAX_SEQUENCES courses.
    """
    blocks = [block for story in stories for block in _blocks(story)]
    by_start: dict[str, list[int]] = {}
    for i, block in enumerate(blocks):
        for start in block.starts:
            by_start.setdefault(start.name, []).append(i)
    found: list[Dialogue] = []
    for i, block in enumerate(blocks):
        if block.starts:
            continue
        for path in _courses(i, None, blocks, by_start, domain):
            dialogue = _dialogue(path)
            found += (*_before_taking_back(dialogue), dialogue)
            if len(found) > MAX_SEQUENCES:
                raise ProjectFaults([_too_many(block.story)])
    return found


def _courses(
    at: int, before: _Path | None, blocks: Sequence[_Block], by_start: Mapping[str, Sequence[int]], domain: Domain
) -> Iterator[_Path]:
    """Every path that goes through block ``at`` and on to its end."""
    block = blocks[at]
    for steps in _choices(block.steps):
        path = _extend(before, at, block, steps, domain)
        onward = [
            following
            for end in block.ends
            for following in by_start.get(end.name, ())
            if following not in path.through and _may_enter(blocks[following], end, path, domain)
        ]
        if not onward:  # a story's end, a checkpoint that leads nowhere, or a cycle
            yield path
        for following in onward:
            yield from _courses(following, path, blocks, by_start, domain)


def _extend(before: _Path | None, at: int, block: _Block, steps: Sequence[Step], domain: Domain) -> _Path:
    placed = _placed(block, steps, domain)
    if before is None:
        return _Path(
            name=block.story.name,
            source=block.story,
            placed=placed,
            through=(at,),
            unpredictable=_opening_action(placed),
        )
    names = before.name.split(" > ")
    name = before.name if block.story.name in names else f"{before.name} > {block.story.name}"
    return replace(before, name=name, placed=before.placed + placed, through=(*before.through, at))


def _may_enter(block: _Block, end: CheckpointStep, path: _Path, domain: Domain) -> bool:
    """Whether the slots that the block's checkpoint asks for hold at the end of the path."""
    conditions = [c for start in block.starts if start.name == end.name for c in start.conditions]
    if not conditions:
        return True
    slots = Tracker.start("", domain, (item.event for item in path.placed)).slots
    return all(slots.get(condition.name) == _slot_value(condition, domain) for condition in conditions)


def _dialogue(path: _Path) -> Dialogue:
    return Dialogue(
        name=path.name,
        events=tuple(item.event for item in path.placed),
        lines=tuple(item.line for item in path.placed),
        source=path.source,
        unpredictable=path.unpredictable,
    )


def _before_taking_back(dialogue: Dialogue) -> Iterator[Dialogue]:
    """What a story says up to an event that takes it back: that is forgotten in the conversation, not in learning."""
    if dialogue.source.kind == "test":
        return
    for at, event in enumerate(dialogue.events):
        if isinstance(event, Restarted | UserUtteranceReverted | ActionReverted):
            yield replace(dialogue, events=dialogue.events[:at], lines=dialogue.lines[:at])


def _too_many(story: Story) -> Fault:
    return Fault(
        path=story.path,
        line=story.line,
        what=f"checkpoints and 'or' steps multiply the stories to more than {MAX_SEQUENCES}",
        remedy="use fewer alternatives or fewer checkpoints",
    )


def _blocks(story: Story) -> Iterator[_Block]:
    """Cut a story at its checkpoints: those before its first other step open it, later ones end a block."""
    starts: tuple[CheckpointStep, ...] = ()
    steps: list[Step] = []
    ends: tuple[CheckpointStep, ...] = ()
    for step in story.steps:
        if isinstance(step, CheckpointStep):
            if steps:
                ends = (*ends, step)
            else:
                starts = (*starts, step)
            continue
        if ends:
            yield _Block(story=story, starts=starts, steps=tuple(steps), ends=ends)
            starts = tuple(replace(end, conditions=()) for end in ends)
            steps, ends = [], ()
        steps.append(step)
    if steps or story.condition:
        yield _Block(story=story, starts=starts, steps=tuple(steps), ends=ends)


def _choices(steps: Sequence[Step]) -> Iterator[tuple[Step, ...]]:
    """The steps, once for each combination of alternatives."""
    options = [step.options if isinstance(step, OrStep) else (step,) for step in steps]
    return product(*options)


def _placed(block: _Block, steps: Sequence[Step], domain: Domain) -> tuple[_Placed, ...]:
    """The events of a block: those of its steps, with what a conversation has besides."""
    story = block.story
    out: list[_Placed] = []
    if story.kind == "rule":
        out += [placed for step in story.condition for placed in _events(step, domain)]
        if not story.conversation_start:
            out.append(_Placed(ActionExecuted(name=ANYTHING), 0))
    for step in steps:
        if isinstance(step, UserStep):
            _listen(out, step.line)
        out += _events(step, domain)
    if story.kind == "rule" and not story.wait_for_user_input:
        out.append(_Placed(ActionExecuted(name=ANYTHING), 0))
    if not block.ends:
        _listen(out, steps[-1].line if steps else 0)
    return tuple(map(_explicit_null, out)) if story.kind == "rule" else tuple(out)


def _listen(out: list[_Placed], line: int) -> None:
    last = out[-1].event if out else None
    if not (isinstance(last, ActionExecuted) and last.name == LISTEN):
        out.append(_Placed(ActionExecuted(name=LISTEN), line))


def _explicit_null(placed: _Placed) -> _Placed:
    """In a rule, ``null`` means that something must not be set; that is more than not being mentioned."""
    match placed.event:
        case ActiveLoop(name=None):
            return replace(placed, event=ActiveLoop(name=SHOULD_NOT_BE_SET))
        case SlotSet(name=name, value=None):
            return replace(placed, event=SlotSet(name=name, value=SHOULD_NOT_BE_SET))
    return placed


def _events(step: Step, domain: Domain) -> list[_Placed]:
    if isinstance(step, UserStep):
        message = user_message(step)
        filled = _slots_of_entities(message.parse.entities, domain)
        return [_Placed(message, step.line), *(_Placed(slot, step.line) for slot in filled)]
    event = _event(step, domain)
    return [] if event is None else [_Placed(event, step.line)]


def _event(step: Step, domain: Domain) -> Event | None:
    match step:
        case ActionStep(name=name):
            return from_json({"event": name}) if name in EVENT_STEPS else ActionExecuted(name=name)
        case BotStep(text=text):
            return ActionExecuted(action_text=text)
        case SlotStep(name=name):
            return SlotSet(name=name, value=_slot_value(step, domain))
        case LoopStep(name=loop):
            return ActiveLoop(name=loop)
    return None


def user_message(step: UserStep) -> UserUttered:
    """The message of a user step: its text, the base of its intent, and its entities.

    With a text, its annotations are the entities. One given by name alone has the value ``""``. A retrieval
    intent's key goes to ``response_key``.
    """
    text = step.text or ""
    intent, _, key = (step.intent or "").partition("/")
    entities = tuple(_given(step) if step.text is None else _annotated(step, text))
    score = IntentScore(name=intent, confidence=1.0)
    return UserUttered(
        text=text,
        parse=Parse(text=text, intent=score, ranking=(score,), entities=entities, response_key=key or None),
    )


def _given(step: UserStep) -> Iterator[Entity]:
    for given in step.entities:
        value = "" if given.value is None else given.value
        yield Entity(entity=given.entity, value=value, role=given.role, group=given.group)


def _annotated(step: UserStep, text: str) -> Iterator[Entity]:
    yield from slash_entities(text)
    for note in step.annotations:
        yield Entity(
            entity=note.entity,
            value=text[note.start : note.end] if note.value is None else note.value,
            start=note.start,
            end=note.end,
            role=note.role,
            group=note.group,
        )


def _slots_of_entities(entities: Sequence[Entity], domain: Domain) -> list[SlotSet]:
    """In stories, entities fill slots through ``from_entity`` mappings that are not bound to a form."""
    if not domain.store_entities_as_slots or not entities:
        return []
    found = ((slot, _entity_values(slot, entities)) for slot in domain.slots.values())
    return [
        SlotSet(name=slot.name, value=values if slot.type == "list" else values[-1]) for slot, values in found if values
    ]


def _entity_values(slot: Slot, entities: Sequence[Entity]) -> list[Json]:
    return [
        entity.value
        for mapping in slot.mappings
        if mapping.type == "from_entity" and not (mapping.conditions and mapping.conditions[0].active_loop is not None)
        for entity in entities
        if entity_fits(mapping, entity)
    ]


def _slot_value(step: SlotStep, domain: Domain) -> Json:
    if not step.any_value:
        return step.value
    slot = domain.slots.get(step.name)
    match slot.type if slot else None:
        case "text":
            return "filled"
        case "list":
            return ["filled"]
    return None


def _opening_action(placed: Sequence[_Placed]) -> int | None:
    """The index of the first action, if no user turn comes before it; the implied listening does not count."""
    for i, item in enumerate(placed):
        if isinstance(item.event, UserUttered):
            return None
        if isinstance(item.event, ActionExecuted) and item.event.name != LISTEN:
            return i
    return None

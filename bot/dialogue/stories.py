"""Stories, rules and test stories as sequences of events: what policies learn from and what tests replay.

Steps become the events of a conversation: the bot listens before each user turn and at the end, entities
fill slots as a plain ``from_entity`` mapping says, ``or`` multiplies a story, and checkpoints join stories.
A rule starts with the pseudo action ``...`` (anything may have been before) unless it is for the start of a
conversation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

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
from bot.dialogue.story_graph import Block, StoryGraph
from bot.dialogue.tracker import Tracker

ANYTHING = "..."
"""The pseudo action of rules: whatever happened before, or happens next."""

MAX_SEQUENCES = 10_000
"""Courses that are told apart; far more would take hours to learn and gigabytes to keep."""
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


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """An event with its line, and what came before it: courses that begin alike share their beginning."""

    event: Event
    line: int
    before: "_Placed | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    """A course so far. It has ``turned`` back once it went on to a block that it had or could have come from."""

    names: tuple[str, ...]
    source: Story
    last: _Placed | None = None
    turned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Onward:
    """Where a course goes on: the steps that are left of a block. ``begun``: the block has given an event already."""

    path: _Path
    at: int
    steps: tuple[Step, ...]
    begun: bool = False


def dialogues(stories: Sequence[Story], domain: Domain) -> list[Dialogue]:
    """Every course that these stories, rules or test stories describe; those that begin alike follow each other.

    A circle of checkpoints is gone round once more than its blocks are met, as long as that is not too much.

    Raises:
        ProjectFaults: checkpoints and ``or`` multiply to more than MAX_SEQUENCES courses.
    """
    graph = StoryGraph.of(stories)
    courses = _Courses(graph, domain)
    for circles in (True, False) if graph.back else (False,):
        found = list(islice(courses.all(circles=circles), MAX_SEQUENCES + 1))
        if len(found) <= MAX_SEQUENCES:
            return [part for dialogue in found for part in (*_before_taking_back(dialogue), dialogue)]
    raise ProjectFaults([_too_many(found[-1].source)])


class _Courses:
    """The ways through the graph of stories, with what happens on them."""

    def __init__(self, graph: StoryGraph, domain: Domain) -> None:
        self._blocks = graph.blocks
        self._graph = graph
        self._domain = domain

    def all(self, *, circles: bool) -> Iterator[Dialogue]:
        """Every course, depth first. ``circles``: each may turn back once."""
        for at, block in enumerate(self._blocks):
            if block.starts:
                continue
            waiting = [_Onward(path=_Path(names=(), source=block.story), at=at, steps=block.steps)]
            while waiting:
                onward = waiting.pop()
                ways = self._go(onward, circles=circles)
                if isinstance(ways, _Path):
                    yield _dialogue(ways)
                else:
                    waiting += reversed(ways)

    def _go(self, onward: _Onward, *, circles: bool) -> "_Path | list[_Onward]":
        """Go on to where the way divides; a path is one that ends here."""
        block, path = self._blocks[onward.at], onward.path
        last, begun = path.last, onward.begun
        if not begun:
            path = replace(path, names=tuple(dict.fromkeys((*path.names, block.story.name))))
            last, begun = _opened(block, last, self._domain)
        for done, step in enumerate(onward.steps, start=1):
            if isinstance(step, OrStep) and len(step.options) > 1:
                path, left = replace(path, last=last), onward.steps[done:]
                return [_Onward(path=path, at=onward.at, steps=(option, *left), begun=begun) for option in step.options]
            last = _stepped(block, last, step.options[0] if isinstance(step, OrStep) else step, self._domain, begun)
            begun = True
        path = replace(path, last=_closed(block, last))
        ways = [
            _Onward(path=replace(path, turned=turned), at=at, steps=self._blocks[at].steps)
            for at, turned in self._following(onward.at, path, circles=circles)
        ]
        return ways or path  # a story's end, a checkpoint that leads nowhere, or a circle

    def _following(self, at: int, path: _Path, *, circles: bool) -> Iterator[tuple[int, bool]]:
        """The blocks that come next, and whether the course has turned back by then."""
        slots: Mapping[str, Json] | None = None
        for name, following in self._graph.onward[at]:
            back = (at, following) in self._graph.back
            if back and (path.turned or not circles):
                continue
            conditions = [c for start in self._blocks[following].starts if start.name == name for c in start.conditions]
            if conditions:
                slots = slots or Tracker.start("", self._domain, (item.event for item in _way(path))).slots
                if any(slots.get(wanted.name) != _slot_value(wanted, self._domain) for wanted in conditions):
                    continue
            yield following, path.turned or back


def _way(path: _Path) -> list[_Placed]:
    """What happens along a path, from its beginning."""
    way: list[_Placed] = []
    placed = path.last
    while placed is not None:
        way.append(placed)
        placed = placed.before
    return way[::-1]


def _dialogue(path: _Path) -> Dialogue:
    way = _way(path)
    return Dialogue(
        name=" > ".join(path.names),
        events=tuple(item.event for item in way),
        lines=tuple(item.line for item in way),
        source=path.source,
        unpredictable=_opening_action(way),
    )


def _before_taking_back(dialogue: Dialogue) -> Iterator[Dialogue]:
    """What a story says up to an event that takes it back: that is forgotten in the conversation, not in learning."""
    if dialogue.source.kind == "test":
        return
    for at, event in enumerate(dialogue.events):
        taken_back = isinstance(event, Restarted | UserUtteranceReverted | ActionReverted)
        if taken_back and at > (dialogue.unpredictable or 0):
            yield replace(dialogue, events=dialogue.events[:at], lines=dialogue.lines[:at])


def _too_many(story: Story) -> Fault:
    return Fault(
        path=story.path,
        line=story.line,
        what=f"checkpoints and 'or' steps multiply the stories to more than {MAX_SEQUENCES:,}",
        remedy="use fewer alternatives or fewer checkpoints",
    )


def _opened(block: Block, last: _Placed | None, domain: Domain) -> tuple[_Placed | None, bool]:
    """What a block has before its first step, and whether that is anything."""
    story = block.story
    if story.kind != "rule" or block.starts:
        return last, False
    for step in story.condition:
        last = _happened(block, last, step, domain)
    if not story.conversation_start:
        last = _Placed(ActionExecuted(name=ANYTHING), 0, last)
    return last, last is not None


def _stepped(block: Block, last: _Placed | None, step: Step, domain: Domain, begun: bool) -> _Placed | None:
    if isinstance(step, UserStep):
        last = _listening(last if begun else None, step.line, last)
    return _happened(block, last, step, domain)


def _closed(block: Block, last: _Placed | None) -> _Placed | None:
    """What a block has behind its last step."""
    if block.story.kind == "rule" and not block.story.wait_for_user_input and not block.ends:
        last = _Placed(ActionExecuted(name=ANYTHING), 0, last)
    return last if block.ends else _listening(last, block.steps[-1].line if block.steps else 0, last)


def _listening(seen: _Placed | None, line: int, last: _Placed | None) -> _Placed | None:
    """The bot listens, unless it does already as far as the block can see."""
    if seen is not None and isinstance(seen.event, ActionExecuted) and seen.event.name == LISTEN:
        return last
    return _Placed(ActionExecuted(name=LISTEN), line, last)


def _happened(block: Block, last: _Placed | None, step: Step, domain: Domain) -> _Placed | None:
    for event in _events(step, domain):
        last = _Placed(_explicit_null(event) if block.story.kind == "rule" else event, step.line, last)
    return last


def _explicit_null(event: Event) -> Event:
    """In a rule, ``null`` means that something must not be set; that is more than not being mentioned."""
    match event:
        case ActiveLoop(name=None):
            return ActiveLoop(name=SHOULD_NOT_BE_SET)
        case SlotSet(name=name, value=None):
            return SlotSet(name=name, value=SHOULD_NOT_BE_SET)
    return event


def _events(step: Step, domain: Domain) -> list[Event]:
    if isinstance(step, UserStep):
        message = user_message(step)
        return [message, *_slots_of_entities(message.parse.entities, domain)]
    event = _event(step, domain)
    return [] if event is None else [event]


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

    With a text, its annotations are the entities, or what a slash message names. One given by name alone has the
    value ``""``. A retrieval intent's key goes to ``response_key``.
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

"""What the test stories do not touch: intents, actions, slots and forms of the domain, stories and rules.

A story or rule counts as played where a test story goes through all of its turns in a row: what the customer means and
what the bot does. Slots and the beginning and end of a form are not compared, nor the history before it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from bot.dialogue.domain import AUTOMATIC_SLOTS, DEFAULT_INTENTS, Domain
from bot.dialogue.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.dialogue.parse import Json
from bot.dialogue.project import CheckpointStep, Place, Project, Story
from bot.dialogue.situation import LISTEN, action_label
from bot.dialogue.stories import ANYTHING, dialogues

_Turn = tuple[str, frozenset[str]]
"""A turn by its kind and the names that it goes by: a message by its intent and its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """One kind of thing: how many there are, and the names of those that no test story touches."""

    total: int
    missing: tuple[str, ...]

    @property
    def touched(self) -> int:
        """How many are touched."""
        return self.total - len(self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplayed:
    """A story or rule that no test story goes through."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What is touched of the domain; ``stories`` and ``rules`` are totals beside those that are not played."""

    intents: Covered
    actions: Covered
    slots: Covered
    forms: Covered
    stories: int
    rules: int
    unplayed_stories: tuple[Unplayed, ...]
    unplayed_rules: tuple[Unplayed, ...]

    @property
    def parts(self) -> dict[str, Covered]:
        """What there is of the domain, by kind."""
        return {"intents": self.intents, "actions": self.actions, "slots": self.slots, "forms": self.forms}

    def text(self) -> str:
        """A line for each kind, with the names that are missing."""
        lines = [f"{kind:<8} {part.touched} of {part.total}{_named(part.missing)}" for kind, part in self.parts.items()]
        for kind, total, unplayed in (
            ("stories", self.stories, self.unplayed_stories),
            ("rules", self.rules, self.unplayed_rules),
        ):
            places = [f"{each.name} ({each.place.path}:{each.place.line})" for each in unplayed]
            lines.append(f"{kind:<8} {total - len(unplayed)} of {total}{_named(places)}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Json]:
        """For programs."""
        parts: dict[str, Json] = {
            kind: {"total": part.total, "missing": list(part.missing)} for kind, part in self.parts.items()
        }
        return {
            **parts,
            "stories": {"total": self.stories, "missing": [_flat(each) for each in self.unplayed_stories]},
            "rules": {"total": self.rules, "missing": [_flat(each) for each in self.unplayed_rules]},
        }


def story_coverage(project: Project) -> Coverage:
    """What the project's test stories touch. Raises ProjectFaults as ``dialogues`` does."""
    domain = project.domain
    played = [dialogue.events for dialogue in dialogues(project.tests, domain)]
    events = [event for course in played for event in course]
    tests = [_turns(course) for course in played]
    forms = _forms(events, domain)
    return Coverage(
        intents=_covered(domain.intents, _intents(events), besides=DEFAULT_INTENTS),
        actions=_covered(_own_actions(domain), _actions(events)),
        slots=_covered(domain.slots, _slots(events, forms, domain), besides=AUTOMATIC_SLOTS),
        forms=_covered(domain.forms, forms),
        stories=len(project.stories),
        rules=len(project.rules),
        unplayed_stories=_unplayed(project.stories, tests, domain),
        unplayed_rules=_unplayed(project.rules, tests, domain),
    )


def _covered(names: Iterable[str], touched: set[str], besides: Sequence[str] = ()) -> Covered:
    wanted = [name for name in names if name not in besides or name in touched]
    return Covered(total=len(wanted), missing=tuple(name for name in wanted if name not in touched))


def _intents(events: Iterable[Event]) -> set[str]:
    return {event.parse.intent.name for event in events if isinstance(event, UserUttered)}


def _own_actions(domain: Domain) -> list[str]:
    """The actions that a story can name: not what forms and slots call by themselves."""
    mapped = {mapping.action for slot in domain.slots.values() for mapping in slot.mappings}
    asked = {
        f"{kind}_{name}"
        for form in domain.forms.values()
        for slot in form.required_slots
        for kind in ("action_ask", "utter_ask")
        for name in (slot, f"{form.name}_{slot}")
    }
    by_themselves = mapped | asked | {"action_validate_slot_mappings", *(f"validate_{form}" for form in domain.forms)}
    return [name for name in (*domain.actions, *domain.responses) if name not in by_themselves]


def _actions(events: Sequence[Event]) -> set[str]:
    """Labels of actions; a retrieval response also counts by the key of the intent that asks for it."""
    asked = (event.parse for event in events if isinstance(event, UserUttered))
    keyed = {f"utter_{parse.intent.name}/{parse.response_key}" for parse in asked if parse.response_key}
    return keyed | {action_label(event) for event in events if isinstance(event, ActionExecuted)}


def _forms(events: Sequence[Event], domain: Domain) -> set[str]:
    loops = {event.name for event in events if isinstance(event, ActiveLoop) and event.name}
    return (loops | _actions(events)) & domain.forms.keys()


def _slots(events: Iterable[Event], forms: set[str], domain: Domain) -> set[str]:
    """The slots that a test story sets, or that a form of its asks for."""
    asked = {slot for form in forms for slot in domain.forms[form].required_slots}
    return asked | {event.name for event in events if isinstance(event, SlotSet)}


def _unplayed(stories: Sequence[Story], tests: Sequence[Sequence[_Turn]], domain: Domain) -> tuple[Unplayed, ...]:
    return tuple(
        Unplayed(name=story.name, place=Place(path=story.path, line=story.line))
        for story in stories
        if not any(_is_in(course, test, story) for course in _courses(story, domain) for test in tests)
    )


def _courses(story: Story, domain: Domain) -> list[tuple[_Turn, ...]]:
    """The story by itself: each of its alternatives, without what checkpoints join to it."""
    steps = tuple(step for step in story.steps if not isinstance(step, CheckpointStep))
    return [_turns(dialogue.events) for dialogue in dialogues([replace(story, steps=steps)], domain)]


def _turns(events: Iterable[Event]) -> tuple[_Turn, ...]:
    turns: list[_Turn] = []
    for event in events:
        match event:
            case UserUttered(text=text, parse=parse):
                turns.append(("user", frozenset(name for name in (parse.intent.name, text) if name)))
            case ActionExecuted() if event.name not in (LISTEN, ANYTHING):
                turns.append(("bot", frozenset((action_label(event).split("/", 1)[0],))))
    return tuple(turns)


def _is_in(course: Sequence[_Turn], test: Sequence[_Turn], story: Story) -> bool:
    """Whether the course stands somewhere in the test, or at its beginning if that is what the rule is for."""
    starts = range(1 if story.conversation_start else len(test) - len(course) + 1)
    return any(
        len(test) >= at + len(course)
        and all(
            mine[0] == theirs[0] and mine[1] & theirs[1]
            for mine, theirs in zip(course, test[at : at + len(course)], strict=True)
        )
        for at in starts
    )


def _named(names: Sequence[str]) -> str:
    return f"; not {', '.join(names)}" if names else ""


def _flat(unplayed: Unplayed) -> Json:
    return {"name": unplayed.name, **asdict(unplayed.place)}

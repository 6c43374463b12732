"""What the files of an assistant say about each other: names that nobody defines, things that nobody uses.

``check`` is pure and complete: it needs only the ``Project``. A fault is what would make the bot fall silent or learn
nonsense; what is merely odd is a notice.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from bot.dialogue.domain import DEFAULT_INTENTS, Domain
from bot.dialogue.errors import Fault
from bot.dialogue.project import (
    ActionStep,
    BotStep,
    CheckpointStep,
    LoopStep,
    NluExample,
    OrStep,
    Place,
    Project,
    SlotStep,
    Step,
    Story,
    UserStep,
)
from bot.dialogue.reading import suggest
from bot.dialogue.responses import placeholders

NOWHERE = Place(path="domain.yml", line=1)
LOOPS = ("action_two_stage_fallback",)
"""Built-in actions that are loops, beside the forms."""

UTTER = "utter_"
SPOKEN_BY_NAME = (
    "utter_default",
    "utter_restart",
    "utter_ask_rephrase",
    "utter_knowledge",
    "utter_offer",
    "utter_handoff",
)
"""Responses that built-in actions say, or the engine may."""


def check(project: Project) -> tuple[tuple[Fault, ...], tuple[str, ...]]:
    """Compare all parts of a project: faults that stop it, and notices ready to print."""
    checker = _Checker(project)
    checker.run()
    return tuple(checker.faults), tuple(checker.notices)


class _Checker:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.domain: Domain = project.domain
        self.faults: list[Fault] = []
        self.notices: list[str] = []
        self.used_actions: set[str] = set()
        self.loops = (*self.domain.forms, *LOOPS)
        self.actions = frozenset(self.domain.action_names) | frozenset(self.loops)

    def run(self) -> None:
        self._slots()
        self._forms()
        self._intents()
        self._actions()
        self._response_conditions()
        self._examples()
        for story in (*self.project.stories, *self.project.rules, *self.project.tests):
            self._story(story)
        self._checkpoints()
        self._same_names()
        self._unused_responses()

    def _fault(self, place: Place, what: str, remedy: str) -> None:
        self.faults.append(Fault(path=place.path, line=place.line, what=what, remedy=remedy))

    def _notice(self, place: Place, text: str) -> None:
        self.notices.append(f"{place.path}:{place.line}: {text}")

    def _place(self, key: str) -> Place:
        return self.project.places.get(key, NOWHERE)

    def _known(self, place: Place, kind: str, name: str | None, known: Collection[str], where: str) -> None:
        """Report ``name`` where the domain does not have it."""
        if name and name not in known:
            self._fault(
                place, f'{where} names the {kind} "{name}", which the domain does not have', suggest(name, known)
            )

    def _slots(self) -> None:
        for slot in self.domain.slots.values():
            place, where = self._place(f"slot {slot.name}"), f'the slot "{slot.name}"'
            for mapping in slot.mappings:
                self._known(place, "entity", mapping.entity, self.domain.entities, where)
                for intent in (*mapping.intent, *mapping.not_intent):
                    self._known(place, "intent", _base(intent), self.domain.intents, where)
                self._known(place, "action", mapping.action, self.actions, where)
                for condition in mapping.conditions:
                    self._known(place, "form", condition.active_loop, self.loops, where)
                    self._known(place, "slot", condition.requested_slot, self.domain.slots, where)
                self._labels(place, where, mapping.entity, mapping.role, mapping.group)

    def _labels(self, place: Place, where: str, entity: str | None, role: str | None, group: str | None) -> None:
        """Report a role or group that its entity does not list."""
        spec = self.domain.entities.get(entity or "")
        if spec is None:
            return
        for kind, label, known in (("role", role, spec.roles), ("group", group, spec.groups)):
            if label and label not in known:
                self._notice(place, f'{where} uses the {kind} "{label}", which the entity "{spec.name}" does not list')

    def _forms(self) -> None:
        for form in self.domain.forms.values():
            place, where = self._place(f"form {form.name}"), f'the form "{form.name}"'
            for intent in form.ignored_intents:
                self._known(place, "intent", _base(intent), self.domain.intents, where)
            for slot in form.required_slots:
                self._known(place, "slot", slot, self.domain.slots, where)
                asks = [f"{kind}_ask_{part}" for part in (f"{form.name}_{slot}", slot) for kind in ("action", "utter")]
                self.used_actions.update(asks)
                if slot in self.domain.slots and not self.actions & set(asks):
                    self._notice(
                        place, f'{where} has no words to ask for "{slot}"; add the response "utter_ask_{slot}"'
                    )

    def _intents(self) -> None:
        labels = {
            label
            for name, spec in self.domain.entities.items()
            for label in (name, *(f"{name}#{part}" for part in (*spec.roles, *spec.groups)))
        }
        for intent in self.domain.intents.values():
            for label in intent.used_entities:
                if label not in labels:
                    place = self._place(f"intent {intent.name}")
                    self._notice(place, f'the intent "{intent.name}" uses the unknown entity "{label}"')

    def _actions(self) -> None:
        """Check that whatever is listed as a response has one (unless a server writes them)."""
        if "nlg" in self.project.endpoints:
            return
        spoken = set(self.domain.responses) | {_base(name) for name in self.domain.responses}
        for action in self.domain.actions:
            if action.startswith(UTTER) and action not in spoken:
                place = self._place(f"action {action}")
                self._fault(place, f'the action "{action}" has no response', f'add "{action}:" under responses')

    def _response_conditions(self) -> None:
        for name, variations in self.domain.responses.items():
            place, where = self._place(f"response {name}"), f'the response "{name}"'
            for variation in variations:
                for condition in variation.conditions or ():
                    self._known(place, "slot", condition.slot, self.domain.slots, where)
                if not self.domain.actions:
                    self._unfillable(place, where, placeholders(variation))

    def _unfillable(self, place: Place, where: str, names: Iterable[str]) -> None:
        """Report placeholders that nobody can fill: without custom actions, only slots can."""
        for name in names:
            if name not in self.domain.slots:
                self._notice(place, f'{where} has "{{{name}}}", and there is no slot "{name}"')

    def _examples(self) -> None:
        nlu = self.project.nlu
        unknown = {example.intent: example for example in reversed(nlu.examples)}
        for label, example in unknown.items():
            self._known(_of(example), "intent", _base(label), self.domain.intents, "an example")
        self._annotations(nlu.examples)
        self._repeated(nlu.examples)
        trained = {_base(example.intent) for example in nlu.examples}
        for key in self.project.places:
            kind, name = key.split(" ", 1)
            if kind == "intent" and _base(name) not in trained and name not in DEFAULT_INTENTS:
                self._notice(self._place(key), f'the intent "{name}" has no examples')

    def _annotations(self, examples: Sequence[NluExample]) -> None:
        seen: set[tuple[str, str | None, str | None]] = set()
        for example in examples:
            for annotation in example.entities:
                label = (annotation.entity, annotation.role, annotation.group)
                if label not in seen:
                    seen.add(label)
                    self._known(_of(example), "entity", annotation.entity, self.domain.entities, "an example")
                    self._labels(_of(example), "an example", *label)

    def _repeated(self, examples: Sequence[NluExample]) -> None:
        first: dict[str, NluExample] = {}
        for example in examples:
            other = first.setdefault(example.text.casefold(), example)
            if other.intent != example.intent:
                text = f'"{example.text}" is an example of "{example.intent}" and of "{other.intent}"'
                self._notice(_of(example), f"{text} ({other.path}:{other.line})")

    def _story(self, story: Story) -> None:
        where = f'the {"rule" if story.kind == "rule" else "story"} "{story.name}"'
        for step in (*story.condition, *story.steps):
            self._step(story, step, where)

    def _step(self, story: Story, step: Step, where: str) -> None:
        place = Place(path=story.path, line=step.line)
        match step:
            case UserStep():
                self._user_step(place, step, where)
            case ActionStep(name=name):
                self.used_actions.add(name)
                self._action_step(place, name, where)
            case SlotStep(name=name):
                self._known(place, "slot", name, self.domain.slots, where)
            case LoopStep(name=name):
                self._known(place, "form", name, self.loops, where)
            case CheckpointStep(conditions=conditions):
                for condition in conditions:
                    self._step(story, condition, where)
            case OrStep(options=options):
                for option in options:
                    self._step(story, option, where)
            case BotStep():
                pass

    def _user_step(self, place: Place, step: UserStep, where: str) -> None:
        if step.intent is not None:
            self._known(place, "intent", _base(step.intent), self.domain.intents, where)
        names = [entity.entity for entity in step.entities] + [span.entity for span in step.annotations]
        for name in names:
            self._known(place, "entity", name, self.domain.entities, where)

    def _action_step(self, place: Place, name: str, where: str) -> None:
        if name in self.actions or name in self.domain.responses:
            return
        if name.startswith(UTTER):
            remedy = suggest(name, self.domain.responses)
            self._fault(place, f'{where} says "{name}", which has no response', f"{remedy} Or add it under responses")
        else:
            self._known(place, "action", name, self.actions, where)

    def _checkpoints(self) -> None:
        """Report checkpoints that begin a story and that no story ends with, or the other way round."""
        stories = [story for story in (*self.project.stories, *self.project.tests) if story.steps]
        starts = {step.name: (story, step) for story in stories if isinstance(step := story.steps[0], CheckpointStep)}
        ends = {
            step.name: (story, step)
            for story in stories
            for step in story.steps[1:]
            if isinstance(step, CheckpointStep)
        }
        for name, (story, step) in _only_in(starts, ends):
            place = Place(path=story.path, line=step.line)
            self._fault(place, f'no story ends with the checkpoint "{name}"', suggest(name, ends))
        for name, (story, step) in _only_in(ends, starts):
            place = Place(path=story.path, line=step.line)
            self._notice(place, f'no story begins with the checkpoint "{name}"')

    def _same_names(self) -> None:
        for kind, stories in (("story", self.project.stories), ("rule", self.project.rules)):
            counts = Counter(story.name for story in stories)
            first: dict[str, Story] = {}
            for story in stories:
                other = first.setdefault(story.name, story)
                if counts[story.name] > 1 and other is not story:
                    place = Place(path=story.path, line=story.line)
                    self._notice(place, f'another {kind} is called "{story.name}" ({other.path}:{other.line})')

    def _unused_responses(self) -> None:
        """Report responses that no story, rule or form says; custom actions may say any, so only without them."""
        if self.domain.actions or not (self.project.stories or self.project.rules):
            return
        for name in self.domain.responses:
            spoken = name in self.used_actions or _base(name) in self.used_actions
            if not spoken and not name.startswith(SPOKEN_BY_NAME):
                self._notice(self._place(f"response {name}"), f'the response "{name}" is never used')


def _base(name: str) -> str:
    """Drop the key of a retrieval intent or response."""
    return name.split("/", 1)[0]


def _of(example: NluExample) -> Place:
    return Place(path=example.path, line=example.line)


def _only_in(
    these: Mapping[str, tuple[Story, Step]], those: Mapping[str, object]
) -> Iterator[tuple[str, tuple[Story, Step]]]:
    return ((name, entry) for name, entry in these.items() if name not in those)

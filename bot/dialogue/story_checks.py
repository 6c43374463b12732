"""Checks of stories, rules and test stories against the domain, and of checkpoints against each other."""

from collections.abc import Iterator

from bot.dialogue.checks import Checks
from bot.dialogue.project import (
    ActionStep,
    BotStep,
    CheckpointStep,
    LoopStep,
    OrStep,
    Place,
    SlotStep,
    Step,
    Story,
    UserStep,
)
from bot.dialogue.reading import suggest
from bot.dialogue.stories import EVENT_STEPS


def check_stories(checks: Checks) -> None:
    """Check every step of every story, rule and test story; collects the actions they use."""
    project = checks.project
    for story in (*project.stories, *project.rules, *project.tests):
        where = f'the {"rule" if story.kind == "rule" else "story"} "{story.name}"'
        for step in (*story.condition, *story.steps):
            _step(checks, story.path, step, where)
    _checkpoints(checks)
    for kind, stories in (("story", project.stories), ("rule", project.rules)):
        _same_names(checks, kind, stories)


def _step(checks: Checks, path: str, step: Step, where: str) -> None:
    place = Place(path=path, line=step.line)
    match step:
        case UserStep():
            _user_step(checks, place, step, where)
        case ActionStep(name=name) if name in EVENT_STEPS:
            pass
        case ActionStep(name=name):
            checks.used_actions.add(name)
            _action(checks, place, name, where)
        case SlotStep(name=name):
            checks.met(place, "slot", name, checks.domain.slots, where)
        case LoopStep(name=name):
            checks.known(place, "form", name, checks.loops, where)
        case CheckpointStep(conditions=steps) | OrStep(options=steps):
            for inner in steps:
                _step(checks, path, inner, where)
        case BotStep():
            pass


def _user_step(checks: Checks, place: Place, step: UserStep, where: str) -> None:
    if step.intent is not None:
        checks.intent(place, step.intent, where)
    names = [entity.entity for entity in step.entities] + [span.entity for span in step.annotations]
    for name in names:
        checks.met(place, "entity", name, checks.domain.entities, where)


def _action(checks: Checks, place: Place, name: str, where: str) -> None:
    if name in checks.actions:
        return
    if name.startswith("utter_"):
        known = [response for response in checks.actions if response.startswith("utter_")]
        near = suggest(name, known)
        remedy = f"{near} Else add it under responses" if near.endswith("?") else f'add "{name}:" under responses'
        checks.fault(place, f'{where} says "{name}", which the domain does not have', remedy)
    else:
        checks.known(place, "action", name, checks.actions, where)


def _checkpoints(checks: Checks) -> None:
    """Note checkpoints that no story ends with, so that what begins there is never learned, and the reverse."""
    starts: dict[str, Place] = {}
    ends: dict[str, Place] = {}
    for story in (*checks.project.stories, *checks.project.tests):
        for index, step in _joints(story):
            (ends if index else starts).setdefault(step.name, Place(path=story.path, line=step.line))
    for name in starts.keys() - ends.keys():
        checks.notice(starts[name], f'no story ends with the checkpoint "{name}"; {suggest(name, ends)}')
    for name in ends.keys() - starts.keys():
        checks.notice(ends[name], f'no story begins with the checkpoint "{name}"; {suggest(name, starts)}')


def _joints(story: Story) -> Iterator[tuple[int, CheckpointStep]]:
    return ((index, step) for index, step in enumerate(story.steps) if isinstance(step, CheckpointStep))


def _same_names(checks: Checks, kind: str, stories: tuple[Story, ...]) -> None:
    first: dict[str, Story] = {}
    for story in stories:
        other = first.setdefault(story.name, story)
        if other is not story:
            place = Place(path=story.path, line=story.line)
            checks.notice(place, f'another {kind} is called "{story.name}" ({other.path}:{other.line})')

"""A form at work: the decisions of ``dialogue.forms``, with its validator called and its questions asked."""

from collections.abc import Mapping, Sequence

from bot.actions.scene import Perform, Scene
from bot.dialogue import forms
from bot.dialogue.domain import REQUESTED_SLOT, Form
from bot.dialogue.events import ActiveLoop, Event, SlotSet
from bot.dialogue.parse import Json
from bot.errors import ActionRejected

EXTRACT_SLOTS = "action_extract_slots"


async def run_form(scene: Scene, form: Form, perform: Perform) -> list[Event]:
    """One run of a form: begin it if it is not active, take the answer, ask the next question or end.

    Raises ActionRejected if it had asked for something that the message does not give.
    """
    events: list[Event] = []
    loop = scene.tracker.active_loop
    if loop is None or loop.name != form.name:
        events += await _activate(scene, form, perform)
    if not forms.is_done(events):
        events += await _go_on(scene, form, perform, events)
    if forms.is_done(events):
        events.append(ActiveLoop(name=None))
    return events


async def _activate(scene: Scene, form: Form, perform: Perform) -> list[Event]:
    """Switch the form on and check what is known already, the triggering message included."""
    on = ActiveLoop(name=form.name)
    scene = scene.after([on])
    extracted = await perform(scene, EXTRACT_SLOTS)
    filled = [event for event in extracted if isinstance(event, SlotSet)]
    scene = scene.after(extracted)
    if forms.validator(form, scene.means.domain) is None:
        return [on, *filled]
    checked = await _validate(scene, form, forms.prefilled(form, scene.tracker))
    settled = {event.name for event in checked if isinstance(event, SlotSet)}
    return [on, *checked, *(event for event in filled if event.name not in settled)]


async def _go_on(scene: Scene, form: Form, perform: Perform, so_far: Sequence[Event]) -> list[Event]:
    events: list[Event] = []
    if all(isinstance(event, ActiveLoop) for event in so_far):
        events = await _take_answer(scene, form)
    if forms.was_rejected(events):
        return events
    return events + await _ask_next(scene, form, perform, [*so_far, *events])


async def _take_answer(scene: Scene, form: Form) -> list[Event]:
    """What the validator makes of the message; with nothing to check it may still choose the next slot."""
    if not forms.needs_validation(scene.tracker):
        return await _validate(scene, form, {})
    found = forms.candidates(form, scene.tracker)
    validated = await _validate(scene, form, found)
    if forms.rejects(form, scene.tracker, found, validated):
        asked = forms.requested_slot(form, scene.tracker)
        raise ActionRejected(f"{form.name}: the message gives no {asked}")
    return validated


async def _validate(scene: Scene, form: Form, found: Mapping[str, Json]) -> list[Event]:
    """The validator's events; none if the form has no validator, for then the candidates stand as they are."""
    name = forms.validator(form, scene.means.domain)
    if name is None:
        return []
    return await scene.at(forms.with_candidates(form, scene.tracker, found)).call(name)


async def _ask_next(scene: Scene, form: Form, perform: Perform, so_far: Sequence[Event]) -> list[Event]:
    """Ask for the slot that the validator chose, or the first empty one; end the form if there is none."""
    finished: list[Event] = [SlotSet(name=REQUESTED_SLOT, value=None)]
    if forms.is_done(so_far):
        return finished
    scene = scene.at(forms.with_progress(form, scene.tracker, so_far))
    chosen = forms.chosen_slot(so_far)
    slot = chosen or forms.next_slot(form, scene.tracker)
    if slot is None:
        return finished
    asked: list[Event] = [] if chosen else [SlotSet(name=REQUESTED_SLOT, value=slot)]
    question = forms.question(form.name, slot, scene.means.domain)
    return asked + (await perform(scene, question) if question else [])

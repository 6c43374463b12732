"""What a form does, decided: which slots it may take, when it rejects, what it asks next, when it is done.

Knows neither how an action server is called nor how a response is worded; ``bot/actions/loops.py`` does both.
"""

from collections.abc import Mapping, Sequence

from bot.dialogue.domain import REQUESTED_SLOT, Domain, Form
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    Event,
    Restarted,
    SlotSet,
    UserUttered,
)
from bot.dialogue.parse import Json
from bot.dialogue.situation import LISTEN
from bot.dialogue.tracker import Tracker


def requested_slot(form: Form, tracker: Tracker) -> str | None:
    """The slot that this form asked for last; None while another form, or none, is active."""
    loop = tracker.active_loop
    asked = tracker.slots.get(REQUESTED_SLOT)
    return asked if loop is not None and loop.name == form.name and isinstance(asked, str) else None


def candidates(form: Form, tracker: Tracker) -> dict[str, Json]:
    """What the last message gave to the slots the form may take: the required ones and the one asked for."""
    wanted = {*form.required_slots, requested_slot(form, tracker)}
    found: dict[str, Json] = {}
    for event in _since_last_message(tracker):
        if isinstance(event, SlotSet) and event.name in wanted:
            found[event.name] = event.value
    return found


def prefilled(form: Form, tracker: Tracker) -> dict[str, Json]:
    """Required slots that were filled before the form began."""
    return {name: value for name in form.required_slots if (value := tracker.slots.get(name)) is not None}


def needs_validation(tracker: Tracker) -> bool:
    """Whether the last message has to be checked: not after an interruption, nor when the form re-asks."""
    loop = tracker.active_loop
    return loop is None or (tracker.latest_action_name == LISTEN and not loop.is_interrupted)


def validator(form: Form, domain: Domain) -> str | None:
    """The custom action that checks the form's slots, if the domain lists one."""
    name = f"validate_{form.name}"
    return name if name in domain.action_names else None


def with_candidates(form: Form, tracker: Tracker, found: Mapping[str, Json]) -> Tracker:
    """The tracker a validator is sent: it reads the slot events at the very end as the values to check."""
    return tracker.apply(
        SlotSet(name=REQUESTED_SLOT, value=requested_slot(form, tracker)),
        ActionExecuted(name=form.name),
        *(SlotSet(name=name, value=value) for name, value in found.items()),
    )


def with_progress(form: Form, tracker: Tracker, events: Sequence[Event]) -> Tracker:
    """The tracker from which the next question is chosen: what this run did so far counts."""
    asked = SlotSet(name=REQUESTED_SLOT, value=requested_slot(form, tracker))
    return tracker.apply(asked, ActionExecuted(name=form.name), *events)


def rejects(form: Form, tracker: Tracker, found: Mapping[str, Json], validated: Sequence[Event]) -> bool:
    """Whether the form declines to run: it asked for a slot, and neither message nor validator gave any."""
    answered = any(isinstance(event, SlotSet) and event.name != REQUESTED_SLOT for event in validated)
    return not (requested_slot(form, tracker) is None or found or answered or was_rejected(validated))


def was_rejected(events: Sequence[Event]) -> bool:
    """Whether a validator rejected the form by itself."""
    return any(isinstance(event, ActionExecutionRejected) for event in events)


def is_done(events: Sequence[Event]) -> bool:
    """Whether the events of this run end the form: nothing left to ask for, or the loop switched off."""
    if was_rejected(events):
        return False
    asked = [event.value for event in events if isinstance(event, SlotSet) and event.name == REQUESTED_SLOT]
    loops = [event.name for event in events if isinstance(event, ActiveLoop)]
    return asked[-1:] == [None] or loops[-1:] == [None]


def chosen_slot(events: Sequence[Event]) -> str | None:
    """The slot that a validator wants asked next, overriding the form's own order."""
    asked = (event.value for event in events if isinstance(event, SlotSet) and event.name == REQUESTED_SLOT)
    first = next(asked, None)
    return first if isinstance(first, str) else None


def next_slot(form: Form, tracker: Tracker) -> str | None:
    """The first required slot that is still empty."""
    return next((name for name in form.required_slots if tracker.slots.get(name) is None), None)


def question(form_name: str, slot: str, domain: Domain) -> str | None:
    """The action that asks for a slot; None if the assistant has none (a validator may have asked)."""
    names = (
        f"action_ask_{form_name}_{slot}",
        f"utter_ask_{form_name}_{slot}",
        f"action_ask_{slot}",
        f"utter_ask_{slot}",
    )
    return next((name for name in names if name in domain.action_names), None)


def _since_last_message(tracker: Tracker) -> Sequence[Event]:
    """The events from the last message, or the last restart, on."""
    events = tracker.events
    for index in range(len(events) - 1, -1, -1):
        if isinstance(events[index], UserUttered | Restarted):
            return events[index:]
    return events

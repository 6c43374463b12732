"""A conversation so far: an immutable fold over its events.

``Tracker.apply`` gives a new tracker and leaves the old one valid; the two share their storage, so that a
step costs the same in a long conversation as in a short one. Besides what the events say at face value, a
tracker keeps the *applied* view, which policies predict from: restarts and new sessions forget, ``rewind``
and ``undo`` take back, and repetitions of a form that goes well are folded into its first run, so that its
length does not matter.

Knows no policy and no feature (``states`` makes those of ``moments``). Trackers of one conversation belong
to one thread at a time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from bot.dialogue.domain import Domain
from bot.dialogue.event_json import parse_to_json, to_json
from bot.dialogue.event_log import EventLog
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    Event,
    Restarted,
    SessionStarted,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.history import NOTHING_SHOWN, Mark, Shown, applied_events, earlier_run, runs_on, show
from bot.dialogue.parse import Json
from bot.dialogue.reminders import Reminder, to_come
from bot.dialogue.situation import LoopState, Situation, blank, step

EventScope = Literal["all", "after_restart", "applied", "none"]


class Tracker:
    """A conversation of one customer. Make one with ``start``, go on with ``apply``; both are pure."""

    __slots__ = (
        "_applied",
        "_current",
        "_events",
        "_is_blank",
        "_loops_seen",
        "_marks",
        "_rejected",
        "_reminders",
        "_restarted_at",
        "_session_at",
        "conversation_id",
        "domain",
        "latest_input_channel",
    )

    conversation_id: str
    domain: Domain
    latest_input_channel: str | None
    _events: EventLog
    _current: Situation  # every event at face value
    _applied: Situation  # the applied events only; the same object until a form repeats itself
    _is_blank: bool
    _marks: Mark | None
    _rejected: str | None
    _reminders: tuple[Reminder, ...]
    _loops_seen: frozenset[str]
    _restarted_at: int
    _session_at: int

    @classmethod
    def start(cls, conversation_id: str, domain: Domain, events: Iterable[Event] = ()) -> "Tracker":
        """A tracker of these events; ``Tracker.start(id, domain).apply(*events)`` is the same."""
        tracker = cls()
        tracker.conversation_id = conversation_id
        tracker.domain = domain
        tracker.latest_input_channel = None
        tracker._events = EventLog([], 0)
        tracker._current = tracker._applied = blank(domain)
        tracker._is_blank = True
        tracker._marks = tracker._rejected = None
        tracker._reminders = ()
        tracker._loops_seen = frozenset()
        tracker._restarted_at = tracker._session_at = 0
        for event in events:
            tracker._add(event)
        return tracker

    def apply(self, *events: Event) -> "Tracker":
        """A tracker that has these events as well. Events of unknown slots are kept, but set nothing."""
        tracker = Tracker()
        for name in Tracker.__slots__:
            setattr(tracker, name, getattr(self, name))
        for event in events:
            tracker._add(event)
        return tracker

    @property
    def events(self) -> Sequence[Event]:
        """Every event, oldest first."""
        return self._events

    @property
    def applied_events(self) -> Sequence[Event]:
        """The events that still count, oldest first. Computed anew, in time proportional to the session."""
        return applied_events(self._events, self._session_at)

    @property
    def is_blank(self) -> bool:
        """Whether no event counts, or none counts any more; ``not applied_events``, at no cost."""
        return self._is_blank

    @property
    def slots(self) -> Mapping[str, Json]:
        """The value of every slot of the domain, None if unset."""
        return self._current.slots

    @property
    def latest_message(self) -> UserUttered | None:
        """The last message of the user that was not taken back, with entities that policies added."""
        return self._current.latest_message

    @property
    def latest_action(self) -> ActionExecuted | None:
        """The last action that was not taken back."""
        return self._current.latest_action

    @property
    def latest_action_name(self) -> str | None:
        """The name of the last action, or the text of an end-to-end one."""
        return self._current.latest_action_name

    @property
    def active_loop(self) -> LoopState | None:
        """The form or loop that is active."""
        return self._current.active_loop

    @property
    def paused(self) -> bool:
        """Whether the bot has to keep silent."""
        return self._current.paused

    @property
    def followup_action(self) -> str | None:
        """The action that must come next; ``action_listen`` in a fresh conversation."""
        return self._current.followup_action

    @property
    def latest_event_time(self) -> float | None:
        """Seconds since the epoch of the last event."""
        return self._events[-1].timestamp if self._events else None

    @property
    def rejected_action(self) -> str | None:
        """The action that declined to run, if no other has run since."""
        return self._rejected

    @property
    def reminders(self) -> tuple[Reminder, ...]:
        """The reminders that are still to come, in the order in which they were set."""
        return self._reminders

    def moments(self) -> Iterator[Situation]:
        """Newest first: now, then before each applied action. Lazy: who looks at five pays for five."""
        yield self._applied
        mark = self._marks
        while mark is not None:
            if isinstance(mark.event, ActionExecuted):
                yield mark.before
            mark = mark.previous

    def decisions(self) -> list[tuple[Situation, ActionExecuted]]:
        """Every applied action with the situation it was decided in, oldest first."""
        out = []
        mark = self._marks
        while mark is not None:
            if isinstance(mark.event, ActionExecuted):
                out.append((mark.before, mark.event))
            mark = mark.previous
        return out[::-1]

    def shown(self) -> Shown:
        """The moments without hidden rule turns: what memorised stories are compared with."""
        return show(self._marks.shown if self._marks else NOTHING_SHOWN, self._applied, hide=False)

    def forgetting(self, *, at_most: int) -> Iterator["Tracker"]:
        """Trackers that know less and less: begun at the ``at_most`` last actions, then one action later, ..."""
        starts: list[int] = []
        mark = self._marks
        while mark is not None and len(starts) < at_most:
            if isinstance(mark.event, ActionExecuted):
                starts.append(mark.at)
            mark = mark.previous
        for at in reversed(starts):
            tracker = Tracker.start(self.conversation_id, self.domain)
            tracker._loops_seen = self._loops_seen
            for event in self._events[at:]:
                tracker._add(event)
            yield tracker

    def events_after_restart(self) -> Sequence[Event]:
        """The events behind the last restart: what an action server is sent."""
        return self._events[self._restarted_at :]

    def current_state(self, *, events: EventScope = "none") -> dict[str, Json]:
        """The tracker as Rasa's JSON; ``events`` says which of them are in it."""
        action = self.latest_action
        loop = self.active_loop
        return {
            "sender_id": self.conversation_id,
            "slots": dict(self.slots),
            "latest_message": _message_json(self.latest_message),
            "latest_event_time": self.latest_event_time,
            "followup_action": self.followup_action,
            "paused": self.paused,
            "events": self._events_json(events),
            "latest_input_channel": self.latest_input_channel,
            "active_loop": {} if loop is None else _loop_json(loop),
            "latest_action": {} if action is None else _action_json(action),
            "latest_action_name": self.latest_action_name,
        }

    def _events_json(self, scope: EventScope) -> list[Json] | None:
        match scope:
            case "none":
                return None
            case "all":
                chosen: Sequence[Event] = self._events
            case "after_restart":
                chosen = self.events_after_restart()
            case "applied":
                chosen = self.applied_events
        return [to_json(event) for event in chosen]

    def _add(self, event: Event) -> None:
        """Fold one event into this tracker, which nobody else holds yet."""
        self._reminders = to_come(self._reminders, event, len(self._events))
        self._events = self._events.append(event)
        if isinstance(event, (ActionExecuted, ActionExecutionRejected)):
            self._rejected = event.name if isinstance(event, ActionExecutionRejected) else None
        match event:
            case Restarted() | SessionStarted():
                self._forget(event)
            case UserUtteranceReverted():
                self._take_back(UserUttered)
                self._take_back(ActionExecuted)
            case ActionReverted():
                self._take_back(ActionExecuted)
            case ActionExecuted(name=str(name)) if name in self._loops_seen and runs_on(name, self._marks):
                self._current = step(self._current, event, self.domain)
                self._fold_loop(name)
            case _:
                self._note(event)
                self._is_blank = False

    def _note(self, event: Event) -> None:
        before = self._applied
        match event:
            case UserUttered(input_channel=channel):
                self.latest_input_channel = channel
                self._mark(event, before)
            case ActionExecuted() | ActionExecutionRejected() | ActiveLoop(name=None):
                self._mark(event, before)
            case ActiveLoop(name=str(name)):
                self._loops_seen |= {name}
            case _:
                pass
        same = self._current is before
        self._current = step(self._current, event, self.domain)
        self._applied = self._current if same else step(before, event, self.domain)

    def _mark(
        self, event: UserUttered | ActionExecuted | ActionExecutionRejected | ActiveLoop, before: Situation
    ) -> None:
        shown = self._marks.shown if self._marks else NOTHING_SHOWN
        if isinstance(event, ActionExecuted):
            shown = show(shown, before, hide=event.hide_rule_turn)
        at, first = len(self._events) - 1, self._is_blank
        self._marks = Mark(event=event, before=before, previous=self._marks, at=at, shown=shown, is_first=first)

    def _forget(self, event: Restarted | SessionStarted) -> None:
        self._session_at = len(self._events)
        self._is_blank = True
        self._marks = None
        now = blank(self.domain)
        if isinstance(event, Restarted):
            self._restarted_at = len(self._events)
            now = replace(now, followup_action="action_session_start")
        self._current = self._applied = now

    def _take_back(self, kind: type[UserUttered] | type[ActionExecuted]) -> None:
        """Return to the moment before the newest event of this kind; without one, to the beginning."""
        mark = self._marks
        while mark is not None and not isinstance(mark.event, kind):
            mark = mark.previous
        self._is_blank = mark.is_first if mark else True
        self._marks = mark.previous if mark else None
        self._current = self._applied = mark.before if mark else blank(self.domain)
        kept = mark.at if mark else self._session_at
        self._reminders = tuple(reminder for reminder in self._reminders if reminder.number < kept)

    def _fold_loop(self, name: str) -> None:
        """Drop the user turns and actions since the loop's last run; what they set stays."""
        run, rejections = earlier_run(name, self._marks)
        self._marks = run
        # The same message and action as right after that run, everything else as it is now.
        self._applied = replace(
            self._applied,
            latest_message=run.before.latest_message,
            use_text=run.before.use_text,
            latest_action=run.event if isinstance(run.event, ActionExecuted) else None,
        )
        for rejection in rejections:
            self._marks = replace(rejection, previous=self._marks, shown=run.shown)


def _message_json(message: UserUttered | None) -> Json:
    if message is None:
        return {"intent": {}, "entities": [], "text": None, "message_id": None, "metadata": {}}
    return {**parse_to_json(message.parse), "text": message.text, "message_id": message.message_id}


def _loop_json(loop: LoopState) -> Json:
    trigger = parse_to_json(loop.trigger_message) if loop.trigger_message else None
    return {
        "name": loop.name,
        "is_interrupted": loop.is_interrupted,
        "rejected": loop.rejected,
        "trigger_message": trigger,
    }


def _action_json(action: ActionExecuted) -> Json:
    return {"action_name": action.name} if action.name else {"action_text": action.action_text}

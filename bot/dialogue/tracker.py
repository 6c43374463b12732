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
from dataclasses import dataclass, replace
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
    UserFeaturization,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.parse import Json
from bot.dialogue.situation import LoopState, Situation, blank, step

EventScope = Literal["all", "after_restart", "applied", "none"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Mark:
    """An applied event that taking back or folding a form may stop at; ``before`` is the situation it met.

    A linked list, newest first: taking back is dropping marks, and older trackers keep theirs.
    """

    event: UserUttered | ActionExecuted | ActionExecutionRejected | ActiveLoop
    before: Situation
    previous: "_Mark | None"
    action_count: int


class Tracker:
    """A conversation of one customer. Make one with ``start``, go on with ``apply``; both are pure."""

    __slots__ = (
        "_applied",
        "_current",
        "_events",
        "_loops_seen",
        "_marks",
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
    _marks: _Mark | None
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
        tracker._marks = None
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
        return _applied_events(self._events, self._session_at)

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
    def action_count(self) -> int:
        """How many actions the applied view holds: one less than its moments."""
        return self._marks.action_count if self._marks else 0

    def moments(self) -> Iterator[tuple[Situation, bool]]:
        """Newest first: now, then before each applied action. The flag says that the *next* action is hidden.

        Lazy: who looks at the last five pays for five.
        """
        yield self._applied, False
        mark = self._marks
        while mark is not None:
            if isinstance(mark.event, ActionExecuted):
                yield mark.before, mark.event.hide_rule_turn
            mark = mark.previous

    def last_applied(self, *kinds: type[ActionExecuted] | type[ActionExecutionRejected]) -> Event | None:
        """The newest applied action or rejection (as ``kinds`` say), or None."""
        mark = self._marks
        while mark is not None:
            if isinstance(mark.event, kinds):
                return mark.event
            mark = mark.previous
        return None

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
        self._events = self._events.append(event)
        match event:
            case Restarted() | SessionStarted():
                self._forget(event)
            case UserUtteranceReverted():
                self._take_back(UserUttered)
                self._take_back(ActionExecuted)
            case ActionReverted():
                self._take_back(ActionExecuted)
            case ActionExecuted(name=str(name)) if name in self._loops_seen and _runs_on(name, self._marks):
                self._current = step(self._current, event, self.domain)
                self._fold_loop(name)
            case _:
                self._note(event)

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
        self._marks = _Mark(event, before, self._marks, self.action_count + isinstance(event, ActionExecuted))

    def _forget(self, event: Restarted | SessionStarted) -> None:
        self._session_at = len(self._events)
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
        self._marks = mark.previous if mark else None
        self._current = self._applied = mark.before if mark else blank(self.domain)

    def _fold_loop(self, name: str) -> None:
        """Drop the user turns and actions since the loop's last run; what they set stays."""
        mark, rejections = self._marks, []
        while mark is not None and not _is_action(mark.event, name):
            if isinstance(mark.event, ActionExecutionRejected):
                rejections.append(mark)  # another loop's: it stays, as in the applied events
            mark = mark.previous
        assert mark is not None, "a loop runs on only after an earlier run"
        self._marks = mark
        # The same message and action as right after that run, everything else as it is now.
        self._applied = replace(
            self._applied,
            latest_message=mark.before.latest_message,
            use_text=mark.before.use_text,
            latest_action=mark.event if isinstance(mark.event, ActionExecuted) else None,
        )
        for rejection in reversed(rejections):
            self._mark(rejection.event, rejection.before)


def _is_action(event: Event, name: str) -> bool:
    return isinstance(event, ActionExecuted) and event.name == name


def _runs_on(name: str, mark: _Mark | None) -> bool:
    """Whether a loop that runs now continues an earlier run, with no unhappy path in between."""
    next_action: str | None = None
    while mark is not None:
        match mark.event:
            case ActiveLoop(name=None):
                return False
            case ActionExecutionRejected(name=rejected) if rejected == name:
                return False
            case UserUttered() if next_action is not None and next_action != name:
                return False
            case ActionExecuted(name=done):
                if done == name:
                    return True
                next_action = done
            case _:
                pass
        mark = mark.previous
    return False


def _applied_events(events: Sequence[Event], session_at: int) -> list[Event]:
    """The view that the fold keeps, as a list. ``session_at``: the index where the session's events begin."""
    loops = {event.name for event in events[:session_at] if isinstance(event, ActiveLoop)}
    applied: list[Event] = []
    for event in events[session_at:]:
        match event:
            case UserUtteranceReverted():
                _cut(applied, UserUttered)
                _cut(applied, ActionExecuted)
            case ActionReverted():
                _cut(applied, ActionExecuted)
            case ActionExecuted(name=str(name)) if name in loops and (at := _earlier_run(applied, name)) >= 0:
                applied[at + 1 :] = [
                    kept
                    for kept in applied[at + 1 :]
                    if not isinstance(kept, (ActionExecuted, UserUttered, UserFeaturization))
                ]
            case _:
                if isinstance(event, ActiveLoop) and event.name:
                    loops.add(event.name)
                applied.append(event)
    return applied


def _cut(applied: list[Event], kind: type[Event]) -> None:
    while applied and not isinstance(applied.pop(), kind):
        pass


def _earlier_run(applied: Sequence[Event], name: str) -> int:
    """The index of the run that a loop continues, -1 if it continues none."""
    mark: _Mark | None = None
    nothing = Situation(slots={})
    start = next((i for i in range(len(applied) - 1, -1, -1) if _is_action(applied[i], name)), -1)
    for event in applied[max(start, 0) :]:
        if isinstance(event, (UserUttered, ActionExecuted, ActionExecutionRejected, ActiveLoop)):
            mark = _Mark(event, nothing, mark, 0)
    return start if start >= 0 and _runs_on(name, mark) else -1


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

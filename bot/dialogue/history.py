"""The applied history of a conversation, newest first: what taking back, forms and memorised stories look at.

A ``Mark`` is an applied event that taking back or folding a form may stop at. Marks form a linked list, so
that taking back is dropping marks, and an older tracker keeps its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    Event,
    UserFeaturization,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.situation import LISTEN, Situation


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Moment:
    situation: Situation
    previous: "_Moment | None"
    count: int


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Shown:
    """The moments that remain when the turns of rules that occur in no story are left out.

    ``hidden``: the turn under way is left out. ``last_action``: the last action of a turn that is not.
    """

    hidden: bool = False
    last_action: ActionExecuted | None = None
    newest: _Moment | None = None

    def __len__(self) -> int:
        return self.newest.count if self.newest else 0

    def __iter__(self) -> Iterator[Situation]:
        """Newest first."""
        moment = self.newest
        while moment is not None:
            yield moment.situation
            moment = moment.previous


NOTHING_SHOWN = Shown()


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Mark:
    """An applied event, the situation it met, and its index ``at`` among all events.

    ``is_first``: no event at all was applied before it.
    """

    event: UserUttered | ActionExecuted | ActionExecutionRejected | ActiveLoop
    before: Situation
    previous: "Mark | None"
    at: int
    shown: Shown
    is_first: bool


def show(shown: Shown, now: Situation, *, hide: bool) -> Shown:
    """Add a moment, unless the turn is hidden. ``hide``: the action taken next belongs to a rule of no story.

    A followup action and a form that goes well do not decide whether a turn is hidden. After a hidden turn,
    the next moment has the action and, until the bot listens, the message of the last one shown.
    """
    last_action = shown.last_action if shown.hidden else now.latest_action
    hidden = shown.hidden
    loop = now.active_loop.name if now.active_loop else None
    if not now.followup_action and now.latest_action_name != loop:
        hidden = hide
    if hidden:
        return Shown(hidden=True, last_action=last_action, newest=shown.newest)
    situation = replace(now, latest_action=last_action or now.latest_action)
    if shown.newest and now.latest_action_name != LISTEN:
        heard = shown.newest.situation
        situation = replace(situation, latest_message=heard.latest_message, use_text=heard.use_text)
    return Shown(last_action=last_action, newest=_Moment(situation, shown.newest, len(shown) + 1))


def runs_on(name: str, mark: Mark | None) -> bool:
    """Whether a loop that runs now continues an earlier run, with no unhappy path in between."""
    return _continues(name, _newest_first(mark))


def earlier_run(name: str, mark: Mark | None) -> tuple[Mark, list[Mark]]:
    """The mark of the run that the loop continues (see ``runs_on``), and later rejections, oldest first."""
    rejections: list[Mark] = []
    while mark is not None:
        if _is_run(mark.event, name):
            return mark, rejections[::-1]
        if isinstance(mark.event, ActionExecutionRejected):
            rejections.append(mark)
        mark = mark.previous
    raise ValueError(f"loop {name} has not run before")


def applied_events(events: Sequence[Event], session_at: int) -> list[Event]:
    """The applied view as a list of events. ``session_at``: the index where the session's events begin."""
    loops = {event.name for event in events[:session_at] if isinstance(event, ActiveLoop)}
    applied: list[Event] = []
    for event in events[session_at:]:
        match event:
            case UserUtteranceReverted():
                _cut(applied, UserUttered)
                _cut(applied, ActionExecuted)
            case ActionReverted():
                _cut(applied, ActionExecuted)
            case ActionExecuted(name=str(name)) if name in loops and _continues(name, reversed(applied)):
                _fold(applied, name)
            case _:
                if isinstance(event, ActiveLoop) and event.name:
                    loops.add(event.name)
                applied.append(event)
    return applied


def _newest_first(mark: Mark | None) -> Iterator[Event]:
    while mark is not None:
        yield mark.event
        mark = mark.previous


def _continues(name: str, newest_first: Iterator[Event]) -> bool:
    next_action: str | None = None
    for event in newest_first:
        match event:
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
    return False


def _is_run(event: Event, name: str) -> bool:
    return isinstance(event, ActionExecuted) and event.name == name


def _cut(applied: list[Event], kind: type[Event]) -> None:
    while applied and not isinstance(applied.pop(), kind):
        pass


def _fold(applied: list[Event], name: str) -> None:
    """Drop the user turns and actions behind the loop's last run."""
    run = next(i for i in range(len(applied) - 1, -1, -1) if _is_run(applied[i], name))
    gone = (ActionExecuted, UserUttered, UserFeaturization)
    applied[run + 1 :] = [event for event in applied[run + 1 :] if not isinstance(event, gone)]

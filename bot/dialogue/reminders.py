"""Reminders that a conversation has set and that are still to come. The alarm clock itself is ``bot.delivery``'s part.

A restart calls off every reminder, ``rewind`` and ``undo`` those that were set in what they take back; a new session
calls off none.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.dialogue.events import Event, ReminderCancelled, ReminderScheduled, Restarted, UserUttered


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """A reminder to come. ``number``: the index of its event, which tells it from any other of the conversation."""

    number: int
    event: ReminderScheduled

    @property
    def due_ms(self) -> int:
        """When it is due, in milliseconds since the epoch; 0 for what no clock can show, which is long past."""
        try:
            return round(read_date_time(self.event.date_time).timestamp() * 1000)
        except (ValueError, OverflowError):
            return 0


def read_date_time(text: str) -> datetime:
    """A date and time in ISO 8601; without an offset it is local time, as for Rasa's scheduler. Raises ValueError."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected a date and time as 2030-01-31T09:00:00+01:00, got {text!r}") from None


def definite(event: ReminderScheduled, name: str) -> ReminderScheduled:
    """The reminder with this name if it has none, and with an offset from UTC, so that it means the same anywhere."""
    date_time = event.date_time
    try:
        moment = read_date_time(date_time)
        date_time = date_time if moment.tzinfo else moment.astimezone().isoformat()
    except (ValueError, OverflowError):
        pass  # it is as good as past
    return replace(event, name=event.name or name, date_time=date_time)


def to_come(reminders: tuple[Reminder, ...], event: Event, number: int) -> tuple[Reminder, ...]:
    """What is still to come once the event with this number has happened."""
    match event:
        case ReminderScheduled(name=name):
            others = _without(reminders, lambda old: old.name == name != "")
            return (*others, Reminder(number=number, event=event))
        case ReminderCancelled():
            return _without(reminders, lambda old: _is_meant(event, old))
        case UserUttered(text=text) if text:
            return _without(reminders, lambda old: old.kill_on_user_msg)
        case Restarted():
            return ()
    return reminders


def _without(reminders: tuple[Reminder, ...], gone: Callable[[ReminderScheduled], bool]) -> tuple[Reminder, ...]:
    return tuple(reminder for reminder in reminders if not gone(reminder.event)) if reminders else reminders


def _is_meant(cancelled: ReminderCancelled, reminder: ReminderScheduled) -> bool:
    """Every field that is given must be the reminder's; an empty one is not given."""
    return (
        cancelled.name in (None, "", reminder.name)
        and cancelled.intent in (None, "", reminder.intent)
        and cancelled.entities in (None, (), reminder.entities)
    )

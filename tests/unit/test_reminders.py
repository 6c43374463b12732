"""Reminders: which are still to come, and what a turn makes of one that is due."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from dialogue_parts import DOMAIN, LISTEN, conversations, did, said, turn
from engine_parts import Conversation, FakeClock, FakeModels, conversation
from hypothesis import given, settings
from reminder_parts import actions, planner

from bot.dialogue import events as ev
from bot.dialogue.parse import Entity
from bot.dialogue.reminders import definite, read_date_time
from bot.dialogue.tracker import Tracker
from bot.ports import TurnResult

START = Tracker.start("anna", DOMAIN)
LATER = "2030-01-31T09:00:00+01:00"


def remind(name: str = "r", *, kill: bool = False, **fields: object) -> ev.ReminderScheduled:
    given = {"intent": "greet", "date_time": LATER, **fields}
    return ev.ReminderScheduled(name=name, kill_on_user_msg=kill, **given)  # type: ignore[arg-type]


CITY = (Entity(entity="city", value="Rome"),)
CANCEL_ALL = ev.ReminderCancelled()
REWIND = ev.UserUtteranceReverted()


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ([remind("a"), remind("b")], ["a", "b"]),
        # the same name: the later one counts; no name: each counts
        ([remind("a"), remind("b"), remind("a")], ["b", "a"]),
        ([remind(""), remind("")], ["", ""]),
        # a message calls off those that want it, an empty one and the bot's words none
        ([remind("a", kill=True), remind("b"), said("greet")], ["b"]),
        ([remind("a", kill=True), said("greet", text="")], ["a"]),
        ([remind("a", kill=True), ev.BotUttered(text="hm")], ["a"]),
        # ... also one that came before the reminder, but after an older one
        ([remind("a", kill=True), said("greet"), remind("b", kill=True)], ["b"]),
        # cancelling: every given field has to fit
        ([remind("a"), remind("b"), ev.ReminderCancelled(name="a")], ["b"]),
        ([remind("a"), remind("b", intent="inform"), ev.ReminderCancelled(intent="inform")], ["a"]),
        ([remind("a", entities=CITY), remind("b"), ev.ReminderCancelled(entities=CITY)], ["b"]),
        ([remind("a"), remind("b"), ev.ReminderCancelled(name="a", intent="inform")], ["a", "b"]),
        ([remind("a"), remind("b"), CANCEL_ALL], []),
        ([remind("a"), ev.ReminderCancelled(name="", intent="", entities=())], []),
        ([CANCEL_ALL, remind("a")], ["a"]),
        # a restart calls off all, a new session none
        ([remind("a"), ev.Restarted(), remind("b")], ["b"]),
        ([remind("a"), ev.SessionStarted(), LISTEN], ["a"]),
        # taking back what set it calls it off; taking back what called it off does not set it again
        ([*turn("greet", "action_x"), remind("a"), REWIND], []),
        ([*turn("greet", "action_x"), remind("a"), ev.ActionReverted()], []),
        ([*turn("greet", "action_x"), remind("a"), *turn("inform", "action_y"), REWIND], ["a"]),
        ([*turn("greet", "action_x"), remind("a", kill=True), *turn("inform"), REWIND], []),
        ([remind("a"), did("action_x"), REWIND], []),  # back to the beginning
        ([remind("a"), ev.SessionStarted(), remind("b"), REWIND], ["a"]),  # ... of the session
    ],
)
def test_what_is_still_to_come(events: list[ev.Event], left: list[str]) -> None:
    tracker = START.apply(*events)
    assert [reminder.event.name for reminder in tracker.reminders] == left
    assert all(tracker.events[reminder.number] is reminder.event for reminder in tracker.reminders)


@settings(deadline=None)
@given(conversations)
def test_what_is_to_come_was_set_and_not_taken_back(events: list[ev.Event]) -> None:
    reminders = START.apply(*events).reminders
    starts = [at for at, event in enumerate(events) if isinstance(event, ev.SessionStarted)]
    sessions = [events[start:end] for start, end in pairwise([0, *starts, len(events)])]  # none takes back another's
    applied = [event for session in sessions for event in START.apply(*session).applied_events]
    for reminder in reminders:
        assert any(event is reminder.event for event in applied)
        since = events[reminder.number + 1 :]
        assert not any(
            isinstance(event, ev.UserUttered) and event.text for event in since if reminder.event.kill_on_user_msg
        )
    names = [reminder.event.name for reminder in reminders if reminder.event.name]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("date_time", "utc"),
    [
        ("2030-01-31T09:00:00+01:00", datetime(2030, 1, 31, 8, tzinfo=UTC)),
        ("2030-01-31T08:00:00Z", datetime(2030, 1, 31, 8, tzinfo=UTC)),
        ("2030-01-31T09:00:00", datetime(2030, 1, 31, 1, tzinfo=UTC)),  # local time
        ("2030-07-31 09:00:00.250", datetime(2030, 7, 31, 1, 0, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_when_it_is_due(monkeypatch: pytest.MonkeyPatch, date_time: str, utc: datetime) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        sure = definite(remind(date_time=date_time), "x")
        monkeypatch.setenv("TZ", "America/New_York")
        time.tzset()
        reminder = START.apply(sure).reminders[0]
        assert (reminder.due_ms, sure.name) == (round(utc.timestamp() * 1000), "r")
        assert sure.date_time == date_time or read_date_time(date_time).tzinfo is None  # what is definite stays
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("date_time", ["", "tomorrow", "0001-01-01T00:00:00", "9999-12-31T23:59:59-12:00"])
def test_a_time_that_no_clock_shows_breaks_nothing(date_time: str) -> None:
    reminder = START.apply(definite(remind("", date_time=date_time), "turn/3")).reminders[0]
    assert isinstance(reminder.due_ms, int)
    assert reminder.event.name == "turn/3"


def test_reading_says_what_would_be_right() -> None:
    with pytest.raises(ValueError, match=r"expected a date and time as 2030-01-31T09:00:00\+01:00, got 'tomorrow'"):
        read_date_time("tomorrow")


# --- whole turns ---

MILK = (Entity(entity="thing", value="milk"),)


def planned_by(*events: ev.Event, clock: FakeClock | None = None) -> Conversation:
    return conversation(planner(), FakeModels(), actions=actions(lambda _: list(events)), clock=clock)


async def ring(anna: Conversation, number: int, due_ms: int | None) -> TurnResult:
    return await anna.send(kind="reminder", number=number, due_ms=due_ms)


async def planned(anna: Conversation) -> tuple[int, int | None]:
    ((number, due_ms),) = (await anna.send("/plan")).alarms.items()
    return number, due_ms


NUDGE = remind(intent="nudge", entities=MILK)


async def test_a_reminder_speaks_once() -> None:
    anna = planned_by(NUDGE)
    alarm = await planned(anna)
    result = await ring(anna, *alarm)
    assert [reply.text for reply in result.replies] == ["Remember milk."]
    heard = anna.tracker.latest_message
    assert heard is not None
    assert (heard.text, heard.input_channel, heard.metadata) == ("EXTERNAL: nudge", "rest", {"is_external": True})
    assert result.alarms == {alarm[0]: None}
    again = await ring(anna, *alarm)
    assert (again.replies, again.events, again.record.route) == ((), (), "reminder")


@pytest.mark.parametrize(
    "between",
    [
        ["/call_off"],
        ["/restart"],
        ["/back"],  # the message before it is taken back, and with it what it set
        ["/plan"],  # set anew: the old alarm is another's
    ],
)
async def test_a_reminder_that_was_called_off_is_silent(between: list[str]) -> None:
    anna = planned_by(NUDGE)
    number, due_ms = await planned(anna)
    for text in between:
        result = await anna.send(text)
        if number in result.alarms:
            assert result.alarms[number] is None
    result = await ring(anna, number, due_ms)
    assert (result.replies, result.events, result.record.route) == ((), (), "reminder")


@pytest.mark.parametrize(("kill", "replies"), [(True, []), (False, ["Remember milk."])])
async def test_a_message_calls_it_off_if_it_wants_so(kill: bool, replies: list[str]) -> None:
    anna = planned_by(remind(kill=kill, intent="nudge", entities=MILK))
    alarm = await planned(anna)
    assert await anna.says("/greet") == ["Hello!"]
    assert [reply.text for reply in (await ring(anna, *alarm)).replies] == replies


async def test_it_outlives_the_session() -> None:
    clock = FakeClock()
    anna = planned_by(NUDGE, clock=clock)
    alarm = await planned(anna)
    clock.at += 90_000
    result = await ring(anna, *alarm)
    assert [reply.text for reply in result.replies] == ["Remember milk."]
    assert any(isinstance(event, ev.SessionStarted) for event in result.events)
    assert anna.tracker.slots["session_started_metadata"] is None


async def test_one_that_breaks_down_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    anna = planned_by(NUDGE)
    alarm = await planned(anna)
    anna.engine.course._policies = None  # type: ignore[assignment]  # a bug of ours
    result = await ring(anna, *alarm)
    assert (result.replies, result.record.route, anna.tracker.reminders) == ((), "error", ())


async def test_it_waits_for_nobody_while_a_person_has_the_conversation() -> None:
    anna = planned_by(NUDGE)
    alarm = await planned(anna)
    await anna.send("/human")
    result = await ring(anna, *alarm)
    assert (result.replies, result.record.route) == ((), "paused")


async def test_it_is_worded_for_the_channel_that_the_customer_is_on() -> None:
    anna = planned_by(NUDGE)
    number, due_ms = await planned(anna)
    phoned = ev.UserUttered(text="hi", parse=said("greet").parse, input_channel="phone")
    anna.tracker = anna.tracker.apply(LISTEN, phoned)
    result = await ring(anna, number, due_ms)
    assert [reply.text for reply in result.replies] == ["Remember milk on the phone."]


async def test_reminders_without_a_name_get_one_each() -> None:
    anna = planned_by(remind(""), remind(""), remind("a"), ev.ReminderCancelled(name="a"))
    alarms = (await anna.send("/plan")).alarms
    assert len(alarms) == 2
    names = [reminder.event.name for reminder in anna.tracker.reminders]
    assert len(set(names)) == 2
    assert all(names)


async def test_events_from_outside_set_an_alarm_only_with_side_effects() -> None:
    anna = planned_by()
    wire = {"event": "reminder", "intent": "greet", "date_time": "2020-01-01T00:00:00Z", "name": "old"}
    assert (await anna.send(kind="events", events=[wire])).alarms == {}
    result = await anna.send(kind="events", events=[{**wire, "name": "new"}], execute_side_effects=True)
    assert list(result.alarms.values()) == [1_577_836_800_000]


async def test_an_intent_that_nothing_covers_bothers_nobody() -> None:
    anna = planned_by(remind(intent="out_of_scope"))
    assert (await ring(anna, *await planned(anna))).replies == ()
    assert await anna.says("/greet") == ["Hello!"]


async def test_a_reminder_may_end_a_pause_by_a_restart() -> None:
    anna = planned_by(remind(intent="restart"))
    alarm = await planned(anna)
    await anna.send("/human")
    assert (await ring(anna, *alarm)).status == "resumed"

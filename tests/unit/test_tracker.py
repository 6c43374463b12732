"""The tracker: a fold over events that never changes under its users' hands."""

import json

import pytest
from dialogue_parts import DOMAIN, LISTEN, conversations, did, said, turn
from hypothesis import given, settings
from steps import steps_of

from bot.dialogue import events as ev
from bot.dialogue.parse import Entity
from bot.dialogue.situation import Situation, blank, step
from bot.dialogue.tracker import EventScope, Tracker

START = Tracker.start("c1", DOMAIN)


def situation(tracker: Tracker) -> object:
    """All that a tracker says."""
    return (
        tracker.current_state(events="all"),
        tracker.applied_events,
        list(tracker.moments()),
        list(tracker.shown()),
        tracker.rejected_action,
        tracker.reminders,
        tracker.is_blank,
    )


@given(conversations)
def test_folding_at_once_and_step_by_step_is_the_same(events: list[ev.Event]) -> None:
    at_once = Tracker.start("c1", DOMAIN, events)
    stepwise = START
    for event in events:
        stepwise = stepwise.apply(event)
    assert situation(at_once) == situation(stepwise) == situation(START.apply(*events))
    json.dumps(at_once.current_state(events="all"))


@given(conversations, conversations, conversations)
def test_a_tracker_stays_as_it_is_whatever_is_applied(
    first: list[ev.Event], one: list[ev.Event], other: list[ev.Event]
) -> None:
    trunk = START.apply(*first)
    before = situation(trunk)
    branches = trunk.apply(*one), trunk.apply(*other)
    assert situation(trunk) == before
    assert [list(branch.events) for branch in branches] == [[*first, *one], [*first, *other]]
    assert situation(branches[1]) == situation(START.apply(*first, *other))


def features(now: Situation) -> object:
    """What policies can see of a situation."""
    return (now.slots, now.latest_message, now.use_text, now.latest_action, now.active_loop and now.active_loop.name)


@given(conversations)
def test_the_moments_are_those_of_a_plain_fold_over_the_applied_events(events: list[ev.Event]) -> None:
    tracker = START.apply(*events)
    now, decisions = blank(DOMAIN), []
    for event in tracker.applied_events:
        if isinstance(event, ev.ActionExecuted):
            decisions.append((features(now), event))
        now = step(now, event, DOMAIN)
    assert [(features(before), action) for before, action in tracker.decisions()] == decisions
    assert features(next(tracker.moments())) == features(now)
    assert tracker.is_blank == (not tracker.applied_events)


@pytest.mark.parametrize(
    ("events", "kept"),
    [
        # a restart and a new session forget everything before
        ([*turn("greet", "action_x"), ev.Restarted(), did("action_y")], ["action_y"]),
        ([*turn("greet", "action_x"), ev.SessionStarted(), LISTEN], ["action_listen"]),
        # rewind: the last message and the action before it
        ([*turn("greet", "action_x"), LISTEN, said("inform"), ev.UserUtteranceReverted()],
         ["action_listen", "greet", "action_x"]),
        # rewind without a message: back to the beginning
        ([did("action_x"), ev.UserUtteranceReverted()], []),
        # undo: the last action and what it set
        ([*turn("greet", "action_x"), ev.SlotSet(name="city", value="Rome"), ev.ActionReverted()],
         ["action_listen", "greet"]),
        # a form that goes well counts once, however long it was
        ([*turn("greet", "book_form"), ev.ActiveLoop(name="book_form"), *turn("inform", "book_form"),
          *turn("inform", "book_form")],
         ["action_listen", "greet", "book_form", "book_form on"]),
        # ... but not if something else was done about the message (in a story), or it declined (in life)
        ([*turn("greet", "book_form"), ev.ActiveLoop(name="book_form"), *turn("问候", "action_x", "book_form")],
         ["action_listen", "greet", "book_form", "book_form on", "action_listen", "问候", "action_x", "book_form"]),
        ([*turn("greet", "book_form"), ev.ActiveLoop(name="book_form"), LISTEN, said("问候"),
          ev.ActionExecutionRejected(name="book_form"), did("book_form")],
         ["action_listen", "greet", "book_form", "book_form on", "action_listen", "问候", "rejected", "book_form"]),
        # ... nor if it ended in between
        ([did("book_form"), ev.ActiveLoop(name="book_form"), ev.ActiveLoop(name=None), did("book_form")],
         ["book_form", "book_form on", "off", "book_form"]),
    ],
)  # fmt: skip
def test_applied_events(events: list[ev.Event], kept: list[str]) -> None:
    def name(event: ev.Event) -> str:
        match event:
            case ev.ActionExecuted():
                return event.name or ""
            case ev.UserUttered():
                return event.text
            case ev.ActiveLoop():
                return f"{event.name} on" if event.name else "off"
            case ev.ActionExecutionRejected():
                return "rejected"
        return type(event).__name__

    assert [name(event) for event in START.apply(*events).applied_events] == kept


def test_slots_are_those_of_the_domain() -> None:
    tracker = START.apply(
        ev.SlotSet(name="city", value="东京"),
        ev.SlotSet(name="unheard_of", value=1),
        ev.SlotSet(name="tags", value="one"),
    )
    assert dict(tracker.slots) == {
        "city": "东京", "seats": None, "vip": None, "tags": ["one"], "area": None, "note": None,
        "requested_slot": None,
    }  # fmt: skip
    assert tracker.apply(ev.AllSlotsReset()).slots == START.slots


def test_taking_back_restores_slots_loop_and_pause() -> None:
    before = START.apply(*turn("greet", "action_x"))
    after = before.apply(
        LISTEN,
        said("inform"),
        ev.SlotSet(name="city", value="Rome"),
        ev.ActiveLoop(name="book_form"),
        ev.ConversationPaused(),
        ev.UserUtteranceReverted(),
    )
    assert (after.slots, after.active_loop, after.paused) == (before.slots, None, False)
    assert after.latest_message == before.latest_message


def test_a_loop_knows_what_triggered_it_and_whether_it_declined() -> None:
    tracker = START.apply(*turn("inform", "book_form"), ev.ActiveLoop(name="book_form"))
    assert tracker.active_loop is not None
    assert tracker.active_loop.trigger_message == said("inform").parse
    declined = tracker.apply(ev.LoopInterrupted(is_interrupted=True), ev.ActionExecutionRejected(name="book_form"))
    assert declined.active_loop is not None
    assert (declined.active_loop.rejected, declined.active_loop.is_interrupted) == (True, True)
    assert declined.rejected_action == "book_form"
    other = declined.apply(did("action_x"))
    assert other.active_loop is not None
    assert (other.active_loop.rejected, other.active_loop.is_interrupted) == (True, False)
    assert other.rejected_action is None
    again = other.apply(did("book_form"))
    assert again.active_loop is not None
    assert not again.active_loop.rejected


def test_a_follow_up_is_asked_for_once_whether_it_runs_or_declines() -> None:
    asked = START.apply(*turn("greet", "action_x"), ev.FollowupAction(name="action_y"))
    assert asked.followup_action == "action_y"
    assert asked.apply(did("action_y")).followup_action is None
    assert asked.apply(ev.ActionExecutionRejected(name="action_y")).followup_action is None


def test_entities_of_policies_join_the_message_that_just_came_in() -> None:
    city = Entity(entity="city", value="Rome")
    heard = START.apply(LISTEN, said("inform"), ev.EntitiesAdded(entities=(city, city)))
    assert heard.latest_message is not None
    assert heard.latest_message.parse.entities == (city, city)
    late = heard.apply(did("action_x"), ev.EntitiesAdded(entities=(Entity(entity="product", value="lamp"),)))
    assert late.latest_message == heard.latest_message


def test_followups() -> None:
    assert START.followup_action == "action_listen"
    assert START.apply(ev.Restarted()).followup_action == "action_session_start"
    asked = START.apply(LISTEN, said("greet"), ev.FollowupAction(name="action_x"))
    assert asked.followup_action == "action_x"
    assert asked.apply(did("action_x")).followup_action is None


def test_the_state_of_a_fresh_conversation_as_json() -> None:
    state = START.current_state(events="all")
    assert state["latest_message"] == {
        "intent": {}, "entities": [], "text": None, "message_id": None, "metadata": {}
    }  # fmt: skip
    assert (state["sender_id"], state["events"], state["active_loop"], state["latest_action"]) == ("c1", [], {}, {})
    assert START.current_state()["events"] is None


def test_events_in_json_by_scope() -> None:
    tracker = START.apply(
        *turn("greet", "action_x"), ev.Restarted(), LISTEN, said("inform"), ev.UserUtteranceReverted()
    )
    scopes: tuple[EventScope, ...] = ("all", "after_restart", "applied")
    counts = {scope: len(tracker.current_state(events=scope)["events"] or ()) for scope in scopes}  # type: ignore[arg-type]  # a list
    assert counts == {"all": 7, "after_restart": 3, "applied": 0}


def test_forgetting_begins_later_and_later() -> None:
    tracker = START.apply(
        *turn("greet", "action_x"), ev.SlotSet(name="city", value="Rome"), *turn("inform", "action_y")
    )
    shorter = list(tracker.forgetting(at_most=3))
    assert [len(each.decisions()) for each in shorter] == [3, 2, 1]
    assert [each.slots["city"] for each in shorter] == ["Rome", None, None]


def test_a_rule_turn_that_is_in_no_story_is_not_shown() -> None:
    tracker = START.apply(
        LISTEN,
        said("greet"),
        did("action_x", hide_rule_turn=True),
        did("action_listen", hide_rule_turn=True),
        said("inform"),
    )
    newest, oldest = list(tracker.shown())
    assert newest.latest_message == said("inform")
    assert newest.latest_action == LISTEN
    assert oldest.latest_action is None
    assert len(list(tracker.moments())) == 4


@settings(deadline=None)
@given(conversations)
def test_looking_at_the_shown_moments_is_consistent(events: list[ev.Event]) -> None:
    shown = START.apply(*events).shown()
    assert len(list(shown)) == len(shown)


def test_a_step_costs_the_same_in_a_long_conversation() -> None:
    def steps(tracker: Tracker) -> int:
        return steps_of(lambda: tracker.apply(*turn("greet", "action_x"), ev.SlotSet(name="city", value="Rome")))

    short, long = START, START.apply(*[event for _ in range(2500) for event in turn("greet", "action_x")])
    assert steps(long) < 2 * steps(short)

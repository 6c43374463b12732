"""Whole turns, as scripts of conversations: what the customer says, what comes back, and by which route."""

import pytest
from engine_parts import FakeActions, FakeClock, FakeModels, conversation, project

from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    BotUttered,
    ConversationPaused,
    FollowupAction,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from bot.errors import ActionFailed, ActionRejected, ActionTimeout, ActionUnreachable, ModelsBusy
from bot.ports import ActionResult

SHOP = """
intents: [greet, order, inform, chitchat, faq, human, check, stop]
entities: [number, city]
slots:
  number: {type: text, mappings: [{type: from_entity, entity: number}]}
  city: {type: text, mappings: [{type: from_entity, entity: city}]}
forms:
  order_form: {required_slots: [number, city]}
actions: [action_check]
responses:
  utter_greet: [{text: "Hello!"}]
  utter_chitchat: [{text: "I am fine."}]
  utter_ask_number: [{text: "Which order?"}]
  utter_ask_order_form_city: [{text: "To which city?"}]
  utter_done: [{text: "Order {number} goes to {city}."}]
  utter_checked: [{text: "Checked."}]
  utter_faq/hours: [{text: "From nine to five."}]
  utter_faq/returns: [{text: "Within 30 days."}]
"""
RULES = """
rules:
- rule: greet
  steps: [{intent: greet}, {action: utter_greet}]
- rule: chitchat
  steps: [{intent: chitchat}, {action: utter_chitchat}]
- rule: faq
  steps: [{intent: faq}, {action: utter_faq}]
- rule: person
  steps: [{intent: human}, {action: action_handoff}]
- rule: check
  steps: [{intent: check}, {action: action_check}, {action: utter_checked}]
- rule: begin
  steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
- rule: end
  condition: [{active_loop: order_form}]
  steps: [{action: order_form}, {active_loop: null}, {slot_was_set: [{requested_slot: null}]}, {action: utter_done}]
- rule: stop
  condition: [{active_loop: order_form}]
  steps: [{intent: stop}, {action: action_deactivate_loop}, {active_loop: null}]
"""
MEANINGS = {
    "hi": ("greet", 0.95),
    "order please": ("order", 0.9),
    "number 12": ("inform", 0.9, {"number": "12"}),
    "to Rome": ("inform", 0.9, {"city": "Rome"}),
    "12 to Rome": ("inform", 0.9, {"number": "12", "city": "Rome"}),
    "how are you": ("chitchat", 0.9),
    "a person": ("human", 0.9),
    "check it": ("check", 0.9),
    "stop": ("stop", 0.9),
    "你好": ("greet", 0.95),
    "转人工": ("human", 0.9),
}
NOT_UNDERSTOOD = "Sorry, I did not understand that."
FAILED = "Sorry, something went wrong on our side. Please try again in a moment."
BACK = "You are talking to the assistant again. How can I help?"
TAKEN_OVER = "I have asked a colleague to take over. They will answer here as soon as they can."

SCRIPTS = {
    "a rule": [("hi", ["Hello!"], "rule")],
    "a slash message needs no model": [("/greet", ["Hello!"], "slash")],
    "a retrieval intent by its key": [("/faq/returns", ["Within 30 days."], "slash")],
    "an unknown intent is read as words": [("/nothing", [NOT_UNDERSTOOD], "fallback")],
    "a form asks slot by slot": [
        ("order please", ["Which order?"], "rule"),
        ("number 12", ["To which city?"], "form"),
        ("to Rome", ["Order 12 goes to Rome."], "form"),
        ("hi", ["Hello!"], "rule"),
    ],
    "a form takes both at once, out of order": [
        ("order please", ["Which order?"], "rule"),
        ("to Rome", ["Which order?"], "form"),
        ('/inform{"number": "7"}', ["Order 7 goes to Rome."], "slash"),
    ],
    "an aside in a form, which then asks again": [
        ("order please", ["Which order?"], "rule"),
        ("how are you", ["I am fine.", "Which order?"], "rule"),
        ("number 12", ["To which city?"], "form"),
    ],
    "nonsense in a form": [
        ("order please", ["Which order?"], "rule"),
        ("blah", [NOT_UNDERSTOOD, "Which order?"], "fallback"),
        ("number 12", ["To which city?"], "form"),
    ],
    "leaving a form": [
        ("order please", ["Which order?"], "rule"),
        ("stop", [], "rule"),
        ("hi", ["Hello!"], "rule"),
    ],
    "a person and back": [
        ("a person", [TAKEN_OVER], "rule"),
        ("hi", [], "paused"),
        ("/action_resume", [BACK], "slash"),
        ("hi", ["Hello!"], "rule"),
    ],
    "a restart ends a pause": [
        ("/action_handoff", [TAKEN_OVER], "slash"),
        ("/restart", [], "slash"),
        ("hi", ["Hello!"], "rule"),
    ],
    "what the customer tells the person fills slots, as in Rasa": [
        ("order please", ["Which order?"], "rule"),
        ("/action_handoff", [TAKEN_OVER], "slash"),
        ("number 12", [], "paused"),
        ("/action_resume", [BACK, "To which city?"], "slash"),
    ],
    "a person in the middle of a form, which goes on afterwards": [
        ("order please", ["Which order?"], "rule"),
        ("/action_handoff", [TAKEN_OVER], "slash"),
        ("/action_resume", [BACK, "Which order?"], "slash"),
        ("number 12", ["To which city?"], "form"),
    ],
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
async def test_scripts(script):
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
    for said, replies, route in script:
        result = await anna.send(said)
        assert ([reply.text for reply in result.replies], result.record.route) == (replies, route), said


async def test_chinese():
    anna = conversation(project(SHOP.replace("Hello!", "您好！"), RULES, language="zh"), FakeModels(MEANINGS))
    assert await anna.says("你好") == ["您好！"]
    assert await anna.says("嗯嗯嗯") == ["抱歉，我没有听懂。"]
    assert await anna.says("转人工") == ["已为您转接人工客服，客服人员会尽快在这里回复您。"]
    assert await anna.says("/action_resume") == ["您已回到智能助手。请问有什么可以帮您？"]


async def test_events_are_those_of_rasa():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
    events = (await anna.send("hi")).events
    names = [getattr(event, "name", None) or type(event).__name__ for event in events]
    assert names == [
        *("action_session_start", "SessionStarted", "action_listen"),
        *("UserUttered", "UserFeaturization", "utter_greet", "BotUttered", "action_listen"),
    ]
    assert {event.timestamp for event in events} == {1_000_000.0}
    assert events[-2].metadata["utter_action"] == "utter_greet"


async def test_record_and_reply_ids():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
    await anna.send("order please")
    result = await anna.send("how are you")
    assert [reply.id for reply in result.replies] == ["anna/2/0", "anna/2/1"]
    record = result.record
    assert (record.intent, record.confidence, record.release_id) == ("chitchat", 0.9, "r1")
    assert "intent chitchat at 0.90" in record.reasons
    assert [action["name"] for action in record.actions] == [
        *("order_form", "utter_chitchat", "order_form", "action_listen"),
    ]
    assert record.actions[0]["error"] == "action_rejected"
    assert {"parse", "slots", "total"} <= record.timings_ms.keys()


async def test_a_turn_that_is_run_again_says_the_same():
    domain = SHOP.replace('[{text: "Hello!"}]', "[{text: a}, {text: b}, {text: c}, {text: d}, {text: e}]")
    first, second = (conversation(project(domain, RULES), FakeModels(MEANINGS)) for _ in range(2))
    said = [[await each.says("hi") for _ in range(8)] for each in (first, second)]
    assert said[0] == said[1]
    assert len({text for (text,) in said[0]}) > 1


# --- sessions ---


@pytest.mark.parametrize(
    ("minutes", "carry_over", "expected"),
    [
        (59, "true", (False, "12")),  # the session goes on
        (61, "true", (True, "12")),  # a new one, and slots come along
        (61, "false", (True, None)),
    ],
)
async def test_session_expiry(minutes, carry_over, expected):
    clock = FakeClock()
    config = f"session_config: {{session_expiration_time: 60, carry_over_slots_to_new_session: {carry_over}}}\n"
    anna = conversation(project(config + SHOP, RULES), FakeModels(MEANINGS), clock=clock)
    await anna.send('/greet{"number": "12"}')
    clock.at += minutes * 60
    events = (await anna.send("hi")).events
    assert (any(isinstance(event, SessionStarted) for event in events), anna.tracker.slots["number"]) == expected


async def test_session_metadata_becomes_a_slot():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
    result = await anna.send("hi", page="/cart")
    assert SlotSet(name="session_started_metadata", value={"page": "/cart"}, timestamp=1_000_000.0) in result.events


async def test_a_paused_conversation_wakes_when_nobody_spoke_for_a_session():
    clock = FakeClock()
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS), clock=clock)
    await anna.send("a person")
    clock.at += 50 * 60
    await anna.send("I am here", kind="agent")
    clock.at += 50 * 60
    assert await anna.says("hi") == []  # the person spoke 50 minutes ago
    clock.at += 61 * 60
    result = await anna.send("hi")
    assert ([reply.text for reply in result.replies], result.status) == (["Hello!"], "resumed")


# --- custom actions, and each way they can end ---


def answers(*events, responses=()):
    return lambda tracker: ActionResult(events=events, responses=responses)


async def test_what_fills_a_slot_speaks_but_never_beside_a_person():
    slot = "  mood: {type: text, mappings: [{type: custom, action: action_mood}]}\n"
    shop = SHOP.replace("slots:\n", f"slots:\n{slot}").replace("[action_check]", "[action_check, action_mood]")
    assistant = project(shop, RULES)
    mood = answers(SlotSet(name="mood", value="fine"), responses=[{"text": "You sound fine."}])
    anna = conversation(assistant, FakeModels(MEANINGS), actions=FakeActions({"action_mood": mood}))
    assert await anna.says("hi") == ["You sound fine.", "Hello!"]
    await anna.send(kind="events", events=[{"event": "pause"}, {"event": "slot", "name": "mood", "value": None}])
    assert (await anna.says("hi"), anna.tracker.slots["mood"]) == ([], "fine")


def fails(error):
    def run(tracker):
        raise error("no")

    return run


@pytest.mark.parametrize(
    ("action", "replies", "errors"),
    [
        (answers(), ["Checked."], []),
        (answers(responses=[{"text": "Ok.", "buttons": []}]), ["Ok.", "Checked."], []),
        (answers(responses=[{"response": "utter_done", "number": 1}]), ["Order 1 goes to None.", "Checked."], []),
        (answers(responses=[{"template": "utter_greet", "response": None}]), ["Hello!", "Checked."], []),
        (answers(FollowupAction(name="utter_greet")), ["Hello!"], []),
        (fails(ActionRejected), [NOT_UNDERSTOOD], ["action_rejected"]),  # nothing else covers it: core fallback
        (fails(ActionFailed), [FAILED, "Checked."], ["action_failed"]),
        (fails(ActionTimeout), [FAILED, "Checked."], ["action_timeout"]),
        (fails(ActionUnreachable), [FAILED, "Checked."], ["action_unreachable"]),
        (answers(ActionExecutionRejected(name="action_check")), [NOT_UNDERSTOOD], []),
    ],
)  # fmt: skip
async def test_custom_action(action, replies, errors):
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS), actions=FakeActions({"action_check": action}))
    result = await anna.send("check it")
    assert [reply.text for reply in result.replies] == replies
    assert [action["error"] for action in result.record.actions if "error" in action] == errors
    assert anna.tracker.latest_action_name == "action_listen"
    assert await anna.says("hi") == ["Hello!"]  # and the conversation goes on


async def test_the_log_says_which_action_failed_but_not_with_what_words(caplog):
    def broken(_):
        raise ActionFailed("could not read 'my secret'")

    actions = FakeActions({"action_check": broken})
    await conversation(project(SHOP, RULES), FakeModels(MEANINGS), actions=actions).send("check it")
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["turn 1 of anna: action_check failed: action_failed"]


async def test_an_action_that_declines_is_no_failure(caplog):
    actions = FakeActions({"action_check": fails(ActionRejected)})
    await conversation(project(SHOP, RULES), FakeModels(MEANINGS), actions=actions).send("check it")
    assert "failed" not in caplog.text


async def test_no_action_server_at_all():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
    assert await anna.says("check it") == [FAILED, "Checked."]


async def test_own_words_for_a_failure():
    domain = SHOP + '  utter_action_failed: [{text: "Our system is down."}]\n'
    anna = conversation(project(domain, RULES), FakeModels(MEANINGS))
    assert await anna.says("check it") == ["Our system is down.", "Checked."]


async def test_buttons_of_the_action_are_added_to_those_of_the_response():
    domain = SHOP.replace('{text: "Hello!"}', "{text: Hello!, buttons: [{title: A, payload: /a}]}")
    said = answers(responses=[{"response": "utter_greet", "buttons": [{"title": "B", "payload": "/b"}]}])
    anna = conversation(project(domain, RULES), FakeModels(MEANINGS), actions=FakeActions({"action_check": said}))
    first = (await anna.send("check it")).replies[0]
    assert [(button.title, button.payload) for button in first.buttons] == [("A", "/a"), ("B", "/b")]


async def test_idempotency_keys_number_the_calls_of_an_action_in_a_turn():
    again = answers(FollowupAction(name="action_check"))
    actions = FakeActions({"action_check": again})
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS), actions=actions)
    await anna.send("check it")
    assert actions.keys == [f"anna/1/action_check/{index}" for index in range(10)]


async def test_ten_actions_and_no_more():
    again = answers(FollowupAction(name="action_check"))
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS), actions=FakeActions({"action_check": again}))
    result = await anna.send("check it")
    assert [reply.text for reply in result.replies] == [FAILED]  # it said nothing: never a silent bot
    assert "stopped after 10 actions" in result.record.reasons
    assert result.record.actions[-1]["error"] == "action_limit"
    assert await anna.says("hi") == ["Hello!"]


async def test_a_follow_up_that_declines_is_not_asked_again():
    actions = FakeActions(
        {"action_check": answers(FollowupAction(name="action_fetch")), "action_fetch": fails(ActionRejected)}
    )
    domain = SHOP.replace("actions: [action_check]", "actions: [action_check, action_fetch]")
    anna = conversation(project(domain, RULES), FakeModels(MEANINGS), actions=actions)
    result = await anna.send("check it")
    # The follow-up was asked once, and the rule went on.
    assert [reply.text for reply in result.replies] == ["Checked."]
    assert [action["name"] for action in result.record.actions] == [
        *("action_check", "action_fetch", "utter_checked", "action_listen")
    ]


async def test_an_unknown_placeholder_is_said_in_the_log_by_name_alone(caplog):
    domain = SHOP.replace('{text: "Hello!"}', '{text: "Hello {nobody}!"}')
    anna = conversation(project(domain, RULES), FakeModels(MEANINGS))
    with caplog.at_level("DEBUG", logger="bot.actions.speaker"):
        result = await anna.send('/greet{"number": "secret"}')
    assert [reply.text for reply in result.replies] == ["Hello {nobody}!"]
    assert "notes" not in str(result.events)
    assert 'response utter_greet: no slot or argument is called "nobody"' in caplog.messages
    assert "secret" not in caplog.text


async def test_an_action_may_pause_the_conversation():
    anna = conversation(
        project(SHOP, RULES),
        FakeModels(MEANINGS),
        actions=FakeActions({"action_check": answers(ConversationPaused())}),
    )
    result = await anna.send("check it")
    assert (result.status, result.replies) == ("handoff", ())
    assert await anna.says("hi") == []


# --- what is no message ---


async def test_a_person_answers_and_gives_back():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
    assert (await anna.send("a person")).status == "handoff"
    said = await anna.send("Hello, this is Bo.", kind="agent")
    assert [(reply.text, reply.author) for reply in said.replies] == [("Hello, this is Bo.", "agent")]
    back = await anna.send(kind="resume")
    assert ([reply.text for reply in back.replies], back.status) == ([BACK], "resumed")
    again = await anna.send(kind="resume")
    assert (again.events, again.status) == ((), None)
    assert await anna.says("hi") == ["Hello!"]


async def test_an_intent_from_outside():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
    result = await anna.send(kind="intent", name="order", entities={"number": "5"})
    assert [reply.text for reply in result.replies] == ["To which city?"]
    user = next(event for event in result.events if isinstance(event, UserUttered))
    assert (user.text, user.metadata) == ("EXTERNAL: order", {"is_external": True})


async def test_events_from_outside():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
    wanted = [{"event": "slot", "name": "number", "value": "9", "timestamp": 5.0}, {"event": "nonsense"}]
    result = await anna.send(kind="events", events=[*wanted, {"event": "bot", "text": "Psst"}])
    assert [event for event in result.events if event.timestamp == 5.0] == [
        SlotSet(name="number", value="9", timestamp=5.0)
    ]
    assert (result.replies, result.record.actions[0]["error"]) == ((), "bad_event")
    shown = await anna.send(kind="events", events=[{"event": "bot", "text": "Psst"}], execute_side_effects=True)
    assert [reply.text for reply in shown.replies] == ["Psst"]


async def test_events_from_outside_begin_a_session_unless_they_bring_one():
    slot = {"event": "slot", "name": "number", "value": "9"}
    began = [{"event": "action", "name": "action_session_start"}, {"event": "session_started"}]
    for events, metadata, names in (
        ([slot], {}, ["action_session_start", "action_listen"]),
        ([*began, slot], {}, ["action_session_start"]),
        ([slot], {"replace": True}, []),
    ):
        anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
        result = await anna.send(kind="events", events=events, **metadata)
        assert [event.name for event in result.events if isinstance(event, ActionExecuted)] == names
        assert result.events[-1].value == "9"
    more = await anna.send(kind="events", events=[slot])
    assert len(more.events) == 1


async def test_a_message_that_is_only_noted_fills_slots_and_is_not_answered():
    parsed = {"intent": {"name": "inform", "confidence": 1.0}, "entities": [{"entity": "number", "value": "42"}]}
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
    result = await anna.send("is 42 here?", kind="log", parse_data=parsed)
    heard = next(event for event in result.events if isinstance(event, UserUttered))
    assert (heard.text, heard.parse.intent.name, heard.metadata) == ("is 42 here?", "inform", {})
    assert (result.replies, anna.tracker.slots["number"], result.record.route) == ((), "42", "log")
    understood = await anna.send("hi", kind="log")
    assert understood.record.intent == "greet"
    assert understood.replies == ()


async def test_an_action_is_run_by_name():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
    result = await anna.send(kind="action", name="utter_greet", policy="by hand", confidence=0.5)
    ran = [event for event in result.events if isinstance(event, ActionExecuted)][-1]
    assert (ran.name, ran.policy, ran.confidence) == ("utter_greet", "by hand", 0.5)
    assert len(result.replies) == 1


async def test_what_comes_next_is_foretold_and_not_done():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
    await anna.send("hi", kind="log")
    before = anna.tracker
    decision = await anna.engine.predict(anna.tracker)
    assert (decision.action, decision.confidence) == ("utter_greet", 1.0)
    assert anna.tracker is before


async def test_feedback_is_only_recorded():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS))
    result = await anna.send(kind="feedback", value="down", reply_id="anna/1/0")
    assert (result.events, result.replies, result.record.route) == ((), (), "feedback")
    assert result.record.reasons == ("down", "anna/1/0")


# --- what breaks ---


class Broken(FakeModels):
    async def parse(self, text, *, at_s=None):
        raise ModelsBusy("full")


async def test_what_breaks_is_answered_and_the_message_kept(caplog):
    anna = conversation(project(SHOP, RULES), Broken(MEANINGS))
    result = await anna.send("hi there")
    assert [type(event) for event in result.events] == [
        *(ActionExecuted, SessionStarted, ActionExecuted, UserUttered, BotUttered),
    ]
    assert [reply.text for reply in result.replies] == [FAILED]
    assert (result.record.route, result.record.actions[0]["error"]) == ("error", "turn_failed")
    assert "hi there" not in caplog.text.replace(str(result), "")
    assert await anna.says("/greet") == ["Hello!"]


class BrokenServer:
    async def run(self, name, tracker, domain, *, idempotency_key):
        raise KeyError("a bug of ours")


async def test_a_turn_that_breaks_down_before_it_began():
    domain = SHOP.replace("actions: [action_check]", "actions: [action_check, action_session_start]")
    anna = conversation(project(domain, RULES), FakeModels(MEANINGS), actions=BrokenServer())
    assert await anna.says("hi") == [FAILED]
    assert await anna.says("hi") == ["Hello!"]


async def test_a_session_begins_even_if_its_own_action_fails():
    domain = SHOP.replace("actions: [action_check]", "actions: [action_check, action_session_start]")
    anna = conversation(project(domain, RULES), FakeModels(MEANINGS), actions=FakeActions({}))
    result = await anna.send("hi")
    assert any(isinstance(event, SessionStarted) for event in result.events)
    assert [reply.text for reply in result.replies] == ["Hello!"]
    assert result.record.actions[0] == {"name": "action_session_start", "error": "action_unknown"} | {
        "detail": "action_session_start"
    }


async def test_a_custom_session_start_may_greet():
    domain = SHOP.replace("actions: [action_check]", "actions: [action_check, action_session_start]")
    begin = answers(
        SessionStarted(), ActionExecuted(name="action_listen"), responses=[{"text": "Welcome.", "buttons": []}]
    )
    actions = FakeActions({"action_session_start": begin})
    anna = conversation(project(domain, RULES), FakeModels(MEANINGS), actions=actions)
    assert await anna.says("hi") == ["Welcome.", "Hello!"]
    assert await anna.says("hi") == ["Hello!"]

"""The default actions, sessions and taking back: which events each turn adds, as Rasa 3.6 adds them."""

import pytest
from engine_parts import Conversation, FakeActions, FakeClock, FakeModels, conversation, project

from bot.dialogue import events as ev
from bot.dialogue.domain import DEFAULT_ACTIONS
from bot.dialogue.event_json import to_json
from bot.errors import ActionRejected
from bot.ports import ActionResult

DOMAIN = """
intents: [greet, order, inform, thank, run]
entities: [number]
slots:
  number: {type: text, mappings: [{type: from_entity, entity: number}]}
forms:
  order_form: {required_slots: [number]}
actions: [action_run]
responses:
  utter_greet: [{text: "Hello!"}]
  utter_thank: [{text: "Welcome!"}]
  utter_ask_number: [{text: "Which?"}]
  utter_done: [{text: "Done {number}."}]
  utter_back: [{text: "Back."}]
  utter_restart: [{text: "Anew."}]
  utter_default: [{text: "What?"}]
  utter_ask_rephrase: [{text: "In other words?"}]
"""
RULES = """
rules:
- rule: greet
  steps: [{intent: greet}, {action: utter_greet}]
- rule: thank
  steps: [{intent: thank}, {action: utter_thank}]
- rule: run
  steps: [{intent: run}, {action: action_run}]
- rule: begin
  steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
- rule: end
  condition: [{active_loop: order_form}]
  steps: [{action: order_form}, {active_loop: null}, {slot_was_set: [{requested_slot: null}]}, {action: utter_done}]
"""
BEGIN = ["action_session_start", "session_started", "action_listen"]
GREETED = ["user /greet", "utter_greet", "bot Hello!", "action_listen"]


def names(events: tuple[ev.Event, ...] | list[ev.Event]) -> list[str]:
    """The events in short; which way a message counted is left out."""
    out = []
    for event in events:
        wire = to_json(event)
        match event:
            case ev.UserUttered() | ev.BotUttered():
                out.append(f"{wire['event']} {wire['text']}")
            case ev.ActionExecuted(name=str(name)):
                out.append(name)
            case ev.SlotSet(name=name, value=value):
                out.append(f"{name}={value}")
            case ev.ActiveLoop(name=loop):
                out.append(f"loop {loop}")
            case ev.UserFeaturization():
                pass
            case _:
                out.append(str(wire["event"]))
    return out


NO_FALLBACK = "[{name: RulePolicy, enable_fallback_prediction: false}]"


def anna(*events: ev.Event, config: str = "", policies: str = "[]", clock: FakeClock | None = None) -> Conversation:
    """A customer of an assistant whose ``action_run`` returns these events."""
    actions = FakeActions({"action_run": lambda _: ActionResult(events=events)})
    assistant = project(config + DOMAIN, RULES, policies=policies)
    return conversation(assistant, FakeModels(), actions=actions, clock=clock)


SCRIPTS = {
    "a first message begins a session": (["/greet"], [*BEGIN, *GREETED], None),
    "a second one does not": (["/greet", "/greet"], GREETED, None),
    "restart: the response, everything forgotten, a new session": (
        ['/order{"number": "7"}', "/restart"],
        ["user /restart", "action_restart", "bot Anew.", "restart", *BEGIN],
        ["action_listen"],
    ),
    "session start by hand carries slots over": (
        ['/greet{"number": "7"}', "/session_start"],
        ["user /session_start", "action_session_start", "session_started", "number=7", "action_listen"],
        ["number=7", "action_listen"],
    ),
    "back: this message and the one before": (
        ["/greet", "/thank", "/back"],
        ["user /back", "action_back", "bot Back.", "rewind", "rewind", "action_listen"],
        ["action_listen", *GREETED],
    ),
    "back with nothing before": (
        ["/back"],
        [*BEGIN, "user /back", "action_back", "bot Back.", "rewind", "rewind", "action_listen"],
        ["action_listen"],
    ),
    "back out of a form": (
        ["/greet", "/order", "/back"],
        ["user /back", "action_back", "bot Back.", "rewind", "rewind", "action_listen"],
        ["action_listen", *GREETED],
    ),
    "back after a form: its turns count as one": (
        ["/greet", "/order", '/inform{"number": "7"}', "/back"],
        ["user /back", "action_back", "bot Back.", "rewind", "rewind", "action_listen"],
        ["action_listen", *GREETED],
    ),
    "the fallback takes back what it did not understand": (
        ["/greet", "blah"],
        ["user blah", "action_default_fallback", "bot What?", "rewind", "action_listen"],
        ["action_listen", *GREETED],
    ),
}


@pytest.mark.parametrize(("script", "added", "applied"), SCRIPTS.values(), ids=SCRIPTS)
async def test_what_a_turn_adds(script: list[str], added: list[str], applied: list[str] | None) -> None:
    customer = anna()
    for text in script:
        result = await customer.send(text)
    assert names(result.events) == added
    if applied is not None:
        assert names(list(customer.tracker.applied_events)) == applied
    assert customer.tracker.latest_action_name == "action_listen"


PERFORMED = {
    "action_listen": [],
    "action_restart": ["bot Anew.", "restart"],
    "action_session_start": ["session_started", "number=7", "action_listen"],
    "action_default_fallback": ["bot What?", "rewind"],
    "action_deactivate_loop": ["loop None", "requested_slot=None"],
    "action_revert_fallback_events": [],  # nobody was asked to affirm or to rephrase
    "action_default_ask_affirmation": ["bot Did you mean 'run'?"],
    "action_default_ask_rephrase": ["bot In other words?"],
    "action_unlikely_intent": [],
    "action_back": ["bot Back.", "rewind", "rewind"],
    "action_send_text": [],
    "action_extract_slots": ["number=7"],
}


@pytest.mark.parametrize("name", [name for name in DEFAULT_ACTIONS if name != "action_two_stage_fallback"])
async def test_each_default_action(name: str) -> None:
    """As a follow-up, which is how any of them can be asked for (the two-stage one is in ``test_fallback_actions``)."""
    customer = anna(ev.FollowupAction(name=name), policies=NO_FALLBACK)
    events = names((await customer.send('/run{"number": "7"}')).events)
    at = events.index("followup") + 1
    assert events[at : at + 1 + len(PERFORMED[name])] == [name, *PERFORMED[name]]
    rest = events[at + 1 + len(PERFORMED[name]) :]
    again = ["action_session_start", "session_started", "action_listen"] if name == "action_restart" else []
    ended = name in ("action_listen", "action_session_start")
    assert rest == (again or ([] if ended else ["action_listen"]))


def test_every_default_action_has_a_row() -> None:
    assert {*PERFORMED, "action_two_stage_fallback"} == set(DEFAULT_ACTIONS)


EVENTS = {
    "a follow-up comes next": ([ev.FollowupAction(name="utter_thank")], ["followup", "utter_thank", "bot Welcome!"]),
    "one that the domain lacks does not": ([ev.FollowupAction(name="action_nowhere")], ["followup"]),
    "the last follow-up counts": (
        [ev.FollowupAction(name="utter_greet"), ev.FollowupAction(name="utter_thank")],
        ["followup", "followup", "utter_thank", "bot Welcome!"],
    ),
    "a pause ends the turn": ([ev.FollowupAction(name="utter_thank"), ev.ConversationPaused()], ["followup", "pause"]),
    "slots may be reset": ([ev.AllSlotsReset()], ["reset_slots"]),
}


@pytest.mark.parametrize(("returned", "added"), EVENTS.values(), ids=EVENTS)
async def test_events_that_an_action_returns(returned: list[ev.Event], added: list[str]) -> None:
    result = await anna(*returned, policies=NO_FALLBACK).send("/run")
    events = names(result.events)[len(BEGIN) :]
    assert events[:2] == ["user /run", "action_run"]
    assert events[-1] == "action_listen"
    assert events[2:-1] == added


async def test_an_action_that_takes_itself_back_for_ever_is_stopped() -> None:
    result = await anna(ev.ActionReverted()).send("/run")
    assert names(result.events).count("action_run") == 10
    assert "stopped after 10 actions" in result.record.reasons


async def test_what_declines_does_not_count_among_the_ten() -> None:
    chain = [f"utter_{number}" for number in range(9)]
    responses = "".join(f"  {name}: [{{text: {name}}}]\n" for name in chain)
    steps = ", ".join(f"{{action: {name}}}" for name in ["action_run", *chain])
    rules = RULES.replace("{intent: run}, {action: action_run}", f"{{intent: run}}, {steps}")

    def decline(_: object) -> ActionResult:
        raise ActionRejected("not now")

    actions = FakeActions(
        {
            "action_run": lambda _: ActionResult(events=(ev.FollowupAction(name="action_shy"),)),
            "action_shy": decline,
        }
    )
    domain = DOMAIN.replace("actions: [action_run]", "actions: [action_run, action_shy]") + responses
    customer = conversation(project(domain, rules), FakeModels(), actions=actions)
    assert await customer.says("/run") == chain


async def test_two_actions_that_decline_in_turn_come_to_an_end() -> None:
    def shy(other: str) -> ActionResult:
        return ActionResult(events=(ev.ActionExecutionRejected(name=other), ev.FollowupAction(name=other)))

    actions = FakeActions({"action_run": lambda _: shy("action_other"), "action_other": lambda _: shy("action_run")})
    domain = DOMAIN.replace("actions: [action_run]", "actions: [action_run, action_other]")
    customer = conversation(project(domain, RULES), FakeModels(), actions=actions)
    result = await customer.send("/run")
    assert "stopped after 10 actions" in result.record.reasons
    assert await customer.says("/greet") == ["Hello!"]


# --- sessions ---


def config(minutes: float, carry: bool = True) -> str:
    carried = str(carry).lower()
    return f"session_config: {{session_expiration_time: {minutes}, carry_over_slots_to_new_session: {carried}}}\n"


@pytest.mark.parametrize(
    ("minutes", "silent_s", "carry", "begins", "number"),
    [
        (60, 3600, True, False, "7"),  # exactly an hour is not longer than an hour
        (60, 3601, True, True, "7"),
        (60, 3601, False, True, None),
        (0.5, 31, True, True, "7"),
        (0, 10**9, True, False, "7"),  # 0: never
    ],
)
async def test_a_session_expires(
    minutes: float, silent_s: float, carry: bool, begins: bool, number: str | None
) -> None:
    clock = FakeClock()
    customer = anna(config=config(minutes, carry), clock=clock)
    await customer.send('/greet{"number": "7"}')
    clock.at += silent_s
    result = await customer.send("/greet", page="/cart")
    assert any(isinstance(event, ev.SessionStarted) for event in result.events) == begins
    assert customer.tracker.slots["number"] == number
    # The metadata of the message that begins a session is a slot of it; without carrying over it is lost, as in Rasa.
    assert customer.tracker.slots["session_started_metadata"] == ({"page": "/cart"} if begins and carry else None)


async def test_what_is_carried_over_is_the_last_value_and_knows_no_reset() -> None:
    customer = anna(ev.SlotSet(name="number", value="9"), ev.AllSlotsReset())
    await customer.send('/greet{"number": "7"}')
    await customer.send("/run")
    assert customer.tracker.slots["number"] is None
    await customer.send("/session_start")
    assert customer.tracker.slots["number"] == "9"  # Rasa goes by the slot events alone


async def test_a_form_does_not_outlive_its_session() -> None:
    clock = FakeClock()
    customer = anna(clock=clock)
    await customer.send("/order")
    clock.at += 3601
    assert await customer.says("/greet") == ["Hello!"]
    assert customer.tracker.active_loop is None


async def test_a_restart_leaves_no_session_to_expire() -> None:
    clock = FakeClock()
    customer = anna(clock=clock)
    await customer.send("/restart")
    clock.at += 3601
    result = await customer.send("/greet")
    assert not any(isinstance(event, ev.SessionStarted) for event in result.events)

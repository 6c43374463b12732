"""Whatever happens to a conversation: no turn breaks down, and one that is run again adds the same."""

import asyncio
from dataclasses import dataclass

from dialogue_parts import events, words
from engine_parts import FakeActions, FakeClock, FakeModels, project
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.delivery.codec import dump_event, dump_inbound, load_events, load_inbound
from bot.dialogue.event_json import to_json
from bot.dialogue.events import Event
from bot.dialogue.parse import Json
from bot.dialogue.policies.ensemble import train
from bot.dialogue.project import Project
from bot.dialogue.tracker import Tracker
from bot.engine import Engine
from bot.messages import Inbound, InboundKind
from bot.ports import ActionResult

ASSISTANT = project(
    """
intents: [greet, inform, run, tell, chitchat, human, faq]
entities: [city, product]
slots:
  city: {type: text, mappings: [{type: from_entity, entity: city}]}
  seats: {type: float, max_value: 10, mappings: [{type: from_entity, entity: product}]}
  note: {type: any, mappings: [{type: from_text, conditions: [{active_loop: book_form, requested_slot: note}]}]}
  trigger: {type: text, mappings: [{type: from_trigger_intent, intent: inform, value: 问}]}
forms:
  book_form: {required_slots: [city, seats, note], ignored_intents: [chitchat]}
actions: [action_x, action_y, validate_book_form]
responses:
  utter_greet: [{text: "Hello {city}!"}]
  utter_chitchat: [{text: "Fine."}]
  utter_ask_city: [{text: "Where?"}]
  utter_ask_book_form_seats: [{text: "How many?"}]
  utter_done: [{text: "Done."}]
  utter_faq/hours: [{text: "At nine."}]
""",
    """
rules:
- rule: greet
  steps: [{intent: greet}, {action: utter_greet}]
- rule: chitchat
  steps: [{intent: chitchat}, {action: utter_chitchat}]
- rule: faq
  steps: [{intent: faq}, {action: utter_faq}]
- rule: run
  steps: [{intent: run}, {action: action_x}]
- rule: person
  steps: [{intent: human}, {action: action_handoff}]
- rule: not understood
  steps: [{intent: nlu_fallback}, {action: action_two_stage_fallback}, {active_loop: action_two_stage_fallback}]
- rule: begin
  steps: [{intent: inform}, {action: book_form}, {active_loop: book_form}]
- rule: end
  condition: [{active_loop: book_form}]
  steps: [{action: book_form}, {active_loop: null}, {slot_was_set: [{requested_slot: null}]}, {action: utter_done}]
stories:
- story: two greetings
  steps: [{intent: greet}, {action: utter_greet}, {intent: tell}, {action: action_y}, {action: utter_done}]
""",
    policies="[{name: RulePolicy, restrict_rules: false}, {name: AugmentedMemoizationPolicy}]",
)
POLICIES = train(ASSISTANT)
MEANINGS = {
    "hi": ("greet", 0.9),
    "book": ("inform", 0.9),
    "run": ("run", 0.5),
    "Rome": ("inform", 0.9, {"city": "Rome"}),
}
TEXTS = st.sampled_from(
    [
        *(
            *MEANINGS,
            "blah",
            "EXTERNAL: greet",
            "",
            " ",
            "/",
            "/greet",
            "/nothing",
            "/tell",
            "/faq/hours",
            "/faq",
            "/run@0.1",
        ),
        *("/restart", "/back", "/session_start", "/out_of_scope", "/nlu_fallback", "/action_handoff", "/action_resume"),
        *('/inform{"city": "罗马"}', '/inform{"product": [1, {"a": null}]}', '/inform{"city": [[]]}', "/greet{broken}"),
        *('/inform{"product": 1e999}', '/inform{"city": "\\ud83d"}', "/greet@nan", "/inform{}{}"),
    ]
)


@dataclass(frozen=True)
class Happening:
    kind: InboundKind
    text: str = ""
    metadata: dict[str, Json] | None = None


numbers = st.integers(0, 30)
wire = events.map(to_json) | st.dictionaries(words, st.none() | words, max_size=2)
happenings = st.one_of(
    st.builds(Happening, kind=st.just("message"), text=TEXTS | words),
    st.builds(Happening, kind=st.just("message"), text=TEXTS),
    st.builds(
        lambda name, entities: Happening("intent", metadata={"name": name, "entities": entities}),
        st.sampled_from(["greet", "inform", "restart", "back", "unknown", ""]),
        st.none() | st.just({"city": "Rome"}) | st.lists(st.dictionaries(words, words, max_size=2), max_size=2),
    ),
    st.builds(
        lambda listed, effects: Happening("events", metadata={"events": listed, "execute_side_effects": effects}),
        st.lists(wire, max_size=4),
        st.booleans(),
    ),
    st.builds(lambda number: Happening("reminder", metadata={"number": number, "due_ms": None}), numbers),
    st.builds(lambda text: Happening("agent", text), words),
    st.builds(lambda text: Happening("log", text), TEXTS),
    st.builds(
        lambda name: Happening("action", metadata={"name": name}),
        st.sampled_from(["utter_greet", "book_form", "action_x", "action_back", "action_restart", "nothing", ""]),
    ),
    st.just(Happening("resume")),
    st.just(Happening("feedback", metadata={"reply_id": "x", "value": "up"})),
)


def engine(assistant: Project, returned: list[list[Event]]) -> Engine:
    """Custom actions return one of these lists, chosen by the conversation, so that they do so again."""

    def run(tracker: Tracker) -> ActionResult:
        return ActionResult(events=tuple(returned[len(tracker.events) % len(returned)]) if returned else ())

    actions = FakeActions(dict.fromkeys(assistant.domain.actions, run))
    return Engine(project=assistant, policies=POLICIES, models=FakeModels(MEANINGS), actions=actions, clock=FakeClock())


def inbound(happening: Happening, number: int, tracker: Tracker) -> Inbound:
    metadata = happening.metadata or {}
    if happening.kind == "reminder":
        due = {each.number: each.due_ms for each in tracker.reminders}
        # Mostly one that is set, if there is any.
        chosen = sorted(due)[metadata["number"] % len(due)] if due else metadata["number"]
        metadata = {"number": chosen, "due_ms": due.get(chosen, 0)}
    return Inbound(
        conversation_id="anna",
        channel="rest",
        event_id=str(number),
        sender_id="anna",
        text=happening.text,
        kind=happening.kind,
        metadata=metadata,
    )


def stored(tracker: Tracker) -> Tracker:
    """What the store gives back."""
    return Tracker.start(tracker.conversation_id, tracker.domain, load_events(map(dump_event, tracker.events)))


async def live_through(happened: list[Happening], returned: list[list[Event]]) -> None:
    bot = engine(ASSISTANT, returned)
    tracker = Tracker.start("anna", ASSISTANT.domain)
    for number, happening in enumerate(happened):
        came = load_inbound(dump_inbound(inbound(happening, number, tracker)))
        result = await bot.handle(came, tracker)
        assert result.record.route != "error", result.record.actions
        again = await bot.handle(came, stored(tracker))  # as after a crash before the commit
        assert (again.events, again.replies, again.alarms) == (result.events, result.replies, result.alarms)
        assert again.status == result.status
        tracker = tracker.apply(*result.events)
        assert stored(tracker).current_state(events="all") == tracker.current_state(events="all")
        assert stored(tracker).reminders == tracker.reminders


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(happenings, max_size=12), st.lists(st.lists(events, max_size=3), max_size=3))
@example([Happening("message", "book"), Happening("message", '/inform{"city": "\\ud83d"}')], [])
@example([Happening("intent", metadata={"name": "greet", "entities": [{"value": 1}]})], [])
def test_no_turn_breaks_down_and_one_that_is_run_again_adds_the_same(
    happened: list[Happening], returned: list[list[Event]]
) -> None:
    asyncio.run(live_through(happened, returned))

"""Conversations for tests: shorthand for events, an assistant from YAML texts, and Hypothesis strategies for both."""

from datetime import UTC, datetime
from textwrap import dedent

from hypothesis import strategies as st

from bot.dialogue import events as ev
from bot.dialogue.domain import Domain, EntitySpec, Form, IntentSpec, Slot
from bot.dialogue.load import load_project
from bot.dialogue.parse import Entity, IntentScore, Parse
from bot.dialogue.project import Project, SourceFile


def project(**files: str) -> Project:
    """An assistant of ``domain.yml``, ``data/data.yml``, ``tests/test_stories.yml`` and so on, as indented YAML."""
    given = {"config": "language: en", **files}
    folders = {"data": "data/", "test_stories": "tests/"}
    sources = [SourceFile(path=f"{folders.get(name, '')}{name}.yml", text=dedent(text)) for name, text in given.items()]
    return load_project(sources, env={})


def said(intent: str, *entities: Entity, text: str | None = None, confidence: float = 1.0) -> ev.UserUttered:
    """A message of the user; its text is the intent's name unless given."""
    words = intent if text is None else text
    score = IntentScore(name=intent, confidence=confidence)
    return ev.UserUttered(text=words, parse=Parse(text=words, intent=score, entities=entities))


def did(name: str, **fields: object) -> ev.ActionExecuted:
    """An action that ran."""
    return ev.ActionExecuted(name=name, **fields)  # type: ignore[arg-type]  # the caller's own fields


LISTEN = did("action_listen")


def turn(intent: str, *actions: str) -> list[ev.Event]:
    """Listening, a message, and what the bot does about it."""
    return [LISTEN, said(intent), *map(did, actions)]


DOMAIN = Domain(
    intents={name: IntentSpec(name=name, used_entities=("city",)) for name in ("greet", "inform", "问候")},
    entities={"city": EntitySpec(name="city"), "product": EntitySpec(name="product")},
    slots={
        "city": Slot(name="city", type="text"),
        "seats": Slot(name="seats", type="float", max_value=10.0),
        "vip": Slot(name="vip", type="bool"),
        "tags": Slot(name="tags", type="list"),
        "area": Slot(name="area", type="categorical", values=("north", "南")),
        "note": Slot(name="note", type="any", influence_conversation=False),
        "requested_slot": Slot(name="requested_slot", type="text", influence_conversation=False),
    },
    actions=("action_x", "action_y"),
    forms={"book_form": Form(name="book_form", required_slots=("city", "seats"))},
)

names = st.sampled_from(["greet", "inform", "问候", "restart", "unknown", ""])
actions = st.sampled_from(["action_listen", "book_form", "other_form", "action_x", "utter_missing"])
words = st.text(max_size=6)
numbers = st.floats(0, 1, allow_nan=False)
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | words
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(words, scalars, max_size=2)
entities = st.builds(
    Entity,
    entity=st.sampled_from(["city", "product", "nothing"]),
    value=values,
    start=st.none() | st.integers(0, 9),
    end=st.none() | st.integers(0, 9),
    confidence=st.none() | numbers,
    role=st.none() | st.sampled_from(["from", "to"]),
    group=st.none() | words,
    extractor=st.none() | words,
    processors=st.lists(words, max_size=2).map(tuple),
)
some_entities = st.lists(entities, max_size=2).map(tuple)
scores = st.builds(IntentScore, name=names, confidence=numbers)
objects = st.dictionaries(words, scalars, max_size=2)
parses = st.builds(
    Parse,
    text=words,
    intent=scores,
    ranking=st.lists(scores, max_size=2).map(tuple),
    entities=some_entities,
    response_key=st.none() | st.sampled_from(["ask_hours", "营业时间"]),
    metadata=objects,
)
_common = {"timestamp": st.floats(0, 1e10), "metadata": objects}
_maybe = st.none() | words
events = st.one_of(
    st.builds(ev.UserUttered, text=words, parse=parses, input_channel=_maybe, message_id=_maybe, **_common),
    st.builds(ev.BotUttered, text=_maybe, data=objects, **_common),
    st.builds(ev.AgentUttered, text=_maybe, data=objects, **_common),
    st.builds(
        ev.ActionExecuted,
        name=st.none() | actions,
        policy=_maybe,
        confidence=st.none() | numbers,
        action_text=_maybe,
        hide_rule_turn=st.booleans(),
        **_common,
    ),
    st.builds(ev.ActionExecutionRejected, name=actions, policy=_maybe, confidence=st.none() | numbers, **_common),
    st.builds(ev.SlotSet, name=st.sampled_from([*DOMAIN.slots, "unheard_of"]), value=values, **_common),
    st.builds(ev.ActiveLoop, name=st.sampled_from(["book_form", "other_form", None]), **_common),
    st.builds(ev.LoopInterrupted, is_interrupted=st.booleans(), **_common),
    st.builds(ev.UserFeaturization, use_text_for_featurization=st.booleans(), **_common),
    st.builds(ev.EntitiesAdded, entities=some_entities, **_common),
    st.builds(ev.FollowupAction, name=actions, **_common),
    st.builds(
        ev.ReminderScheduled,
        name=words,
        intent=names,
        entities=some_entities,
        date_time=st.datetimes(timezones=st.none() | st.just(UTC)).map(datetime.isoformat),
        kill_on_user_msg=st.booleans(),
        **_common,
    ),
    st.builds(ev.ReminderCancelled, name=_maybe, intent=_maybe, entities=st.none() | some_entities, **_common),
    *(
        st.builds(kind, **_common)
        for kind in (
            ev.SessionStarted,
            ev.Restarted,
            ev.UserUtteranceReverted,
            ev.ActionReverted,
            ev.AllSlotsReset,
            ev.ConversationPaused,
            ev.ConversationResumed,
            ev.StoryExported,
            ev.SessionEnded,
        )
    ),
)
shaping = st.sampled_from(
    [
        LISTEN,
        LISTEN,
        said("greet"),
        said("inform", Entity(entity="city", value="Rome")),
        did("book_form"),
        did("book_form"),
        did("action_x"),
        did("action_x", hide_rule_turn=True),
        ev.ActiveLoop(name="book_form"),
        ev.ActiveLoop(name="book_form"),
        ev.ActiveLoop(name=None),
        ev.ActionExecutionRejected(name="book_form"),
        ev.ActionExecutionRejected(name="other_form"),
        ev.SlotSet(name="city", value="Rome"),
        ev.EntitiesAdded(entities=(Entity(entity="product", value="lamp"),)),
        ev.UserFeaturization(use_text_for_featurization=True),
        ev.FollowupAction(name="action_y"),
        ev.UserUtteranceReverted(),
        ev.ActionReverted(),
    ]
)
"""Events that change what is applied, often enough to meet each other."""

conversations = st.lists(events, max_size=25) | st.lists(shaping, max_size=40)

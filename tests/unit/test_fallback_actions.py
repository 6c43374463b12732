"""The small default actions: what they make of a conversation."""

import asyncio

import pytest
from engine_parts import FakeModels, conversation, project

import bot.actions.knowledge
from bot.actions.fallback import revert_fallback_events
from bot.actions.scene import Means, Scene
from bot.actions.speaker import DomainSpeaker
from bot.actions.turn import Turn
from bot.dialogue.events import ActionExecuted, UserUttered
from bot.dialogue.parse import IntentScore, Parse
from bot.dialogue.tracker import Tracker
from bot.messages import Inbound
from bot.ports import DraftSentence

AFFIRM, REPHRASE = "action_default_ask_affirmation", "action_default_ask_rephrase"
BASE = """
intents: [greet, book, leave]
responses:
  utter_greet: [{text: "Hello!"}]
  utter_booked: [{text: "Booked."}]
"""
RULES = """
rules:
- {rule: greet, steps: [{intent: greet}, {action: utter_greet}]}
- {rule: book, steps: [{intent: book}, {action: utter_booked}]}
- {rule: unsure, steps: [{intent: nlu_fallback}, {action: action_default_ask_affirmation}]}
"""


def said(tracker):
    return [event.text for event in tracker.applied_events if isinstance(event, UserUttered)]


async def test_back_takes_back_two_messages():
    domain = BASE + '  utter_back: [{text: "One step back."}]\n'
    anna = conversation(project(domain, RULES), FakeModels())
    for text in ("/greet", "/book"):
        await anna.send(text)
    assert await anna.says("/back") == ["One step back."]
    assert said(anna.tracker) == ["/greet"]
    assert await anna.says("/book") == ["Booked."]


async def test_restart_forgets():
    anna = conversation(project(BASE + '  utter_restart: [{text: "From the start."}]\n', RULES), FakeModels())
    await anna.send("/greet")
    assert await anna.says("/restart") == ["From the start."]
    assert said(anna.tracker) == []
    assert await anna.says("/greet") == ["Hello!"]


@pytest.mark.parametrize(
    ("language", "question", "titles"),
    [("en", "Did you mean 'order'?", ["Yes", "No"]), ("zh-CN", "您的意思是“order”吗？", ["是", "不是"])],
)
async def test_asking_what_was_meant(language, question, titles):
    anna = conversation(project(BASE, RULES, language=language), FakeModels())
    (reply,) = (await anna.send("嗯")).replies
    assert reply.text == question
    assert [(button.title, button.payload) for button in reply.buttons] == [
        (titles[0], "/order"),
        (titles[1], "/out_of_scope"),
    ]


@pytest.mark.parametrize(
    ("course", "kept"),
    [
        ([AFFIRM], ["first", "meant"]),
        ([REPHRASE], ["meant"]),
        ([AFFIRM, REPHRASE], ["first", "meant"]),
        ([AFFIRM, REPHRASE, AFFIRM], ["meant"]),
        (["utter_greet"], ["first", "unclear 0", "meant"]),
    ],
    ids=["affirmed", "rephrased at once", "rephrased", "rephrased and affirmed", "no fallback"],
)
async def test_reverting(course, kept):
    def hears(text):
        parse = Parse(text=text, intent=IntentScore(name="book", confidence=0.4))
        return [ActionExecuted(name="action_listen"), UserUttered(text=text, parse=parse)]

    domain = project(BASE, RULES).domain
    events = [*hears("first"), ActionExecuted(name="utter_greet")]
    for index, action in enumerate(course):
        events += [*hears(f"unclear {index}"), ActionExecuted(name=action)]
    tracker = Tracker.start("c", domain, (*events, *hears("meant")))
    inbound = Inbound(conversation_id="c", channel="rest", event_id="1", sender_id="c")
    means = Means(domain=domain, language="en", models=FakeModels(), speaker=DomainSpeaker())
    scene = Scene(means=means, turn=Turn.of(inbound, None), tracker=tracker)
    after = tracker.apply(*await revert_fallback_events(scene))
    assert said(after) == kept
    if course[-1] != "utter_greet":
        assert after.latest_message.parse.intent.confidence == 1.0


class Endless(FakeModels):
    async def generate(self, question, hits, *, earlier=(), refused=None):
        yield DraftSentence(text="We open at nine.", passage_ids=("faq#1",))
        await asyncio.sleep(60)


async def test_a_generator_that_hangs_keeps_what_it_has(monkeypatch):
    monkeypatch.setattr(bot.actions.knowledge, "GENERATE_TIMEOUT_S", 0.05)
    models = Endless({}, {"when?": 0.5}, draft=(), has_knowledge=True)
    result = await conversation(project(BASE, RULES), models).send("when?")
    assert [reply.text for reply in result.replies] == ["We open at nine."]
    assert "model_timeout" in [action.get("error") for action in result.record.actions]

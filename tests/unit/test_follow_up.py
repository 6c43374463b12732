"""Which messages lean on what was said before, what that was, and which of two searches is believed."""

import pytest
from engine_parts import FakeModels, conversation, project

from retrieval.follow_up import fused, leans
from retrieval.index import Hit
from retrieval.passages import Passage


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("and for Canada?", 'it opens with "and"'),
        ("OK, thanks. What about Leeds", 'it opens with "ok, thanks. what about"'),
        ("How do I cancel it?", '"it" refers to something'),
        ("why?", "it is short"),
        ("那加拿大呢", 'it opens with "那"'),
        ("加拿大呢？", 'it ends with "呢？"'),
        ("它支持几台设备", '"它" refers to something'),
        ("运费多少", "it is short"),
        ("How do I cancel the Premium plan?", None),
        ("Android phones do not connect", None),  # opens with the letters of "and", not with the word
        ("The parcel that you sent to my old address last week in Leeds was damaged", None),  # says enough by itself
        ("怎么修改收货地址", None),
        ("上海店几点开门", None),
        ("", None),
        ("??", None),
        ("👍", None),
        ("Thanks!", None),
        ("OK great, thank you very much 🙏", None),
        ("that’s all, bye", None),
        ("good morning", None),
        ("yes", None),
        ("好的，谢谢您！", None),
        ("嗯嗯 知道了", None),
        ("你好", None),
        ("thanks, and returns?", 'it opens with "thanks, and"'),
        ("Canada, thanks", "it is short"),
        ("可以吗", "it is short"),
        ("And later?", 'it opens with "and"'),
        ("？？", None),
        ("好的，那加拿大呢", 'it opens with "好的，那"'),
    ],
)
def test_what_leans_on_something(text: str, why: str | None) -> None:
    assert leans(text) == why


def hit(name: str, score: float) -> Hit:
    passage = Passage(id=name, document=f"{name}.md", title=name, text=name, language="en")
    return Hit(passage=passage, score=score, dense=score, lexical=0.0)


def test_what_the_message_itself_says_decides_between_near_ones() -> None:
    whole = [hit("germany", 0.9), hit("canada", 0.8), hit("gifts", 0.2)]
    alone = [hit("canada", 0.5), hit("gifts", 0.4), hit("germany", 0.1)]
    assert [found.passage.id for found in fused(whole, alone)] == ["canada", "germany", "gifts"]
    assert fused(whole, []) == whole


DOMAIN = """
intents: [hotel]
responses:
  utter_hotel: [{text: "The Acorn is free."}]
"""
RULES = """
rules:
- rule: hotel
  steps: [{intent: hotel}, {action: utter_hotel}]
"""


async def test_what_was_said_before() -> None:
    models = FakeModels({"a room please": ("hotel", 0.9)}, {"when?": 0.9}, has_knowledge=True)
    anna = conversation(project(DOMAIN, RULES), models)
    await anna.send("blah")
    assert models.before == ""
    await anna.send("when?")
    assert models.before == "blah"  # the offer of a person is nothing to go on from
    await anna.send("and where?")
    assert models.before == "when?"  # nor are the words of a passage
    await anna.send("a room please")
    await anna.send("/action_resume")
    await anna.send("has it parking?")
    assert models.before == "a room please The Acorn is free."
    await anna.send("/restart")
    await anna.send("has it parking?")
    assert models.before == ""

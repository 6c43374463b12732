"""Knowledge, generator and the offer of a person: when each has its turn, and what the customer gets."""

import asyncio
from dataclasses import replace

import pytest
from engine_parts import HITS, FakeModels, conversation, project

from bot.actions.knowledge import candidates, join_sentences
from bot.errors import DraftFailed
from bot.messages import Source
from bot.ports import DraftSentence, Said

SHOP = """
intents: [greet, order, inform, chitchat, hours, affirm]
entities: [number]
slots:
  number: {type: text, mappings: [{type: from_entity, entity: number}]}
forms:
  order_form: {required_slots: [number]}
responses:
  utter_greet: [{text: "Hello!"}]
  utter_chitchat: [{text: "I am fine."}]
  utter_ask_number: [{text: "Which order?"}]
  utter_done: [{text: "Order {number} is on its way."}]
"""
RULES = """
rules:
- rule: greet
  steps: [{intent: greet}, {action: utter_greet}]
- rule: chitchat
  steps: [{intent: chitchat}, {action: utter_chitchat}]
- rule: hours
  steps: [{intent: hours}, {action: action_knowledge}]
- rule: begin
  steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
- rule: end
  condition: [{active_loop: order_form}]
  steps: [{action: order_form}, {active_loop: null}, {slot_was_set: [{requested_slot: null}]}, {action: utter_done}]
"""
SCOPE_RULE = """
- rule: scope
  steps: [{intent: out_of_scope}, {action: utter_scope}]
"""
TWO_STAGE_RULE = """
- rule: two stages
  steps:
  - intent: nlu_fallback
  - action: action_two_stage_fallback
  - active_loop: action_two_stage_fallback
"""
MEANINGS = {
    "hi": ("greet", 0.95),
    "hi?": ("greet", 0.55),
    "how are you": ("chitchat", 0.9),
    "order please": ("order", 0.9),
    "12": ("inform", 0.9, {"number": "12"}),
    "opening hours": ("hours", 0.9),
    "sing": ("out_of_scope", 0.9),
    "yes": ("affirm", 0.9),
}
DRAFT = (
    DraftSentence(text="You find us open from nine.", passage_ids=("faq#1",)),
    DraftSentence(text="We rest on Sunday.", passage_ids=("help#2",)),
)
ANSWER, QUOTE = "We open at **nine**.", "This may help:\n\nWe open at **nine**."
DRAFTED = "You find us open from nine. We rest on Sunday."
MEANT_THIS, MEANT_WHICH = "Is this what you mean?", "Which of these do you mean?"
OFFER = "I'm not sure I can answer that. Would you like to talk to a person?"
TAKEN_OVER = "I have asked a colleague to take over. They will answer here as soon as they can."
SCOPE = "I only know about orders."


def said(text: str, *, by_customer: bool = False) -> Said:
    return Said(by_customer=by_customer, text=text)


@pytest.mark.parametrize(
    ("said", "chance", "draft", "replies", "route", "searches"),
    [
        ("hi", 0.99, None, ["Hello!"], "rule", 0),  # a certain rule pays for no search
        ("/greet", 0.99, None, ["Hello!"], "slash", 0),
        ("when?", 0.60, None, [ANSWER], "knowledge", 1),
        ("when?", 0.59, DRAFT, [DRAFTED], "generator", 1),
        ("when?", 0.30, DRAFT, [DRAFTED], "generator", 1),
        ("when?", 0.29, DRAFT, [OFFER], "offer", 1),
        ("when?", 0.50, (), [QUOTE], "generator", 1),  # no sentence survived: the passage is quoted
        ("when?", 0.44, (), [MEANT_THIS], "ask", 1),  # and it is too far away to be quoted
        ("when?", 0.50, None, [QUOTE], "knowledge", 1),  # no generator at all
        ("when?", 0.44, None, [MEANT_THIS], "ask", 1),
        ("hi?", 0.70, None, [ANSWER], "knowledge", 1),  # an uncertain intent has to compete
        ("hi?", 0.59, DRAFT, ["Hello!"], "rule", 1),  # a draft is no competition
        ("opening hours", 0.7, None, [ANSWER], "knowledge", 1),  # a rule that asks for knowledge
        ("opening hours", 0.1, None, [OFFER], "offer", 1),
        ("sing", 0.7, None, [ANSWER], "knowledge", 1),
        ("sing", 0.1, None, [OFFER], "offer", 1),
    ],
)
async def test_where_the_answer_comes_from(said, chance, draft, replies, route, searches):
    models = FakeModels(MEANINGS, {said: chance}, draft=draft, has_knowledge=True)
    result = await conversation(project(SHOP, RULES), models).send(said)
    assert ([reply.text for reply in result.replies], result.record.route) == (replies, route)
    assert models.searches == searches
    assert result.events[-1].name == "action_listen"


async def test_an_uncertain_intent_beats_knowledge_that_is_less_certain():
    models = FakeModels({"hi?": ("greet", 0.65)}, {"hi?": 0.62}, has_knowledge=True)
    anna = conversation(project(SHOP, RULES), models, sure_at=0.8)
    assert await anna.says("hi?") == ["Hello!"]


async def test_own_rule_comes_before_the_offer():
    domain = SHOP + f'  utter_scope: [{{text: "{SCOPE}"}}]\n'
    anna = conversation(project(domain, RULES + SCOPE_RULE), FakeModels(MEANINGS, has_knowledge=True))
    result = await anna.send("sing")
    assert ([reply.text for reply in result.replies], result.record.route) == ([SCOPE], "rule")


async def test_without_knowledge_nothing_is_searched_or_offered():
    models = FakeModels(MEANINGS, {"when?": 0.99})
    anna = conversation(project(SHOP + '  utter_default: [{text: "What?"}]\n', RULES), models)
    result = await anna.send("when?")
    assert ([reply.text for reply in result.replies], models.searches) == (["What?"], 0)
    assert [getattr(event, "name", type(event).__name__) for event in result.events][-3:] == [
        *("BotUttered", "UserUtteranceReverted", "action_listen"),
    ]


async def test_a_rule_for_knowledge_where_there_is_none():
    assert await conversation(project(SHOP, RULES), FakeModels(MEANINGS)).says("opening hours") == [OFFER]


@pytest.mark.parametrize(("chance", "answer"), [(0.9, ANSWER), (0.1, OFFER)])
async def test_knowledge_as_a_later_step_of_a_rule(chance, answer):
    rules = RULES.replace("{action: action_knowledge}", "{action: utter_chitchat}, {action: action_knowledge}")
    models = FakeModels(MEANINGS, {"opening hours": chance}, has_knowledge=True)
    assert await conversation(project(SHOP, rules), models).says("opening hours") == ["I am fine.", answer]


@pytest.mark.parametrize(
    ("chance", "second", "draft", "asks"),
    [
        (0.9, 0.89, None, True),  # two answers are as likely
        (0.9, 0.7, None, False),
        (0.8, 0.9, None, True),  # the second is likelier than the first
        (0.5, 0.48, DRAFT, True),  # a draft would mix them
        (0.29, 0.29, DRAFT, False),  # too little for anything
    ],
)
async def test_two_answers_that_are_as_likely_are_asked_about(chance, second, draft, asks):
    models = FakeModels(MEANINGS, {"when?": chance}, seconds={"when?": second}, draft=draft, has_knowledge=True)
    result = await conversation(project(SHOP, RULES), models).send("when?")
    assert (result.record.route == "ask") is asks
    if asks:
        (reply,) = result.replies
        assert reply.text == MEANT_WHICH
        assert [(button.title, button.payload) for button in reply.buttons] == [
            ("Opening hours", '/action_knowledge{"passage": "faq#1"}'),
            ("Help", '/action_knowledge{"passage": "help#2"}'),
            ("Talk to a person", "/action_handoff"),
        ]


def test_nobody_is_asked_which_of_two_equal_answers_is_meant():
    first, second = (replace(hit, probability=0.9) for hit in HITS)
    assert candidates((first, second), within=0.1) == [first, second]
    assert candidates((first, replace(second, text=first.text)), within=0.1) == [first]
    hidden = replace(first, text=second.text)  # of a name that is offered already, so its text is not
    assert candidates((first, hidden, second), within=0.1) == [first, second]


async def test_the_button_leads_to_the_answer():
    models = FakeModels(MEANINGS, {"when?": 0.9}, seconds={"when?": 0.9}, has_knowledge=True)
    anna = conversation(project(SHOP, RULES), models)
    (asked,) = (await anna.send("when?")).replies
    result = await anna.send(asked.buttons[1].payload)
    assert ([reply.text for reply in result.replies], result.record.route) == (["We are closed on Sunday."], "slash")
    assert [source.document for source in result.replies[0].sources] == ["help.md"]
    assert models.searches == 1
    gone = await anna.send('/action_knowledge{"passage": "gone"}')
    assert [reply.text for reply in gone.replies] == [OFFER]
    assert await anna.says("/action_knowledge") == [OFFER]
    assert await anna.says("hi") == ["Hello!"]


async def test_a_rule_that_asks_for_knowledge_asks_back_too():
    models = FakeModels(MEANINGS, {"opening hours": 0.35}, has_knowledge=True)
    assert await conversation(project(SHOP, RULES), models).says("opening hours") == [MEANT_THIS]
    models = FakeModels(MEANINGS, {"opening hours": 0.9}, seconds={"opening hours": 0.9}, has_knowledge=True)
    assert await conversation(project(SHOP, RULES), models).says("opening hours") == [MEANT_WHICH]


async def test_in_a_form_it_is_asked_back_and_the_form_asks_again():
    models = FakeModels(MEANINGS, {"when?": 0.9}, seconds={"when?": 0.9}, has_knowledge=True)
    anna = conversation(project(SHOP, RULES), models)
    await anna.send("order please")
    assert await anna.says("when?") == [MEANT_WHICH, "Which order?"]
    assert await anna.says('/action_knowledge{"passage": "faq#1"}') == [ANSWER, "Which order?"]
    assert await anna.says("12") == ["Order 12 is on its way."]


async def test_chinese_asks_back():
    models = FakeModels(MEANINGS, {"几点": 0.9}, seconds={"几点": 0.9}, has_knowledge=True)
    (asked,) = (await conversation(project(SHOP, RULES, language="zh"), models).send("几点")).replies
    assert (asked.text, asked.buttons[-1].title) == ("您想问的是下面哪一个？", "转人工客服")


async def test_an_answer_names_its_source_and_can_be_rated():
    models = FakeModels(MEANINGS, {"when?": 0.9}, has_knowledge=True)
    result = await conversation(project(SHOP, RULES), models).send("when?")
    (reply,) = result.replies
    assert reply.sources == (Source(title="Opening hours", document="faq.yml", url="https://shop.example/faq"),)
    assert reply.rateable
    record = result.record
    assert (record.probability, record.hits[0]["id"]) == (0.9, "faq#1")
    assert record.reasons == (
        "intent nlu_fallback at 0.20",
        "no intent is certain enough",
        "knowledge 0.90 >= 0.60 (answer)",
    )


async def test_a_draft_names_the_passages_it_stands_on_and_is_streamed():
    models = FakeModels(MEANINGS, {"when?": 0.5}, draft=DRAFT, has_knowledge=True)
    anna, shown = conversation(project(SHOP, RULES), models), []

    async def partial(text):
        shown.append(text)

    handle = anna.engine.handle
    anna.engine.handle = lambda inbound, tracker: handle(inbound, tracker, partial=partial)
    (reply,) = (await anna.send("when?")).replies
    assert [source.document for source in reply.sources] == ["faq.yml", "help.md"]
    assert shown == ["You find us open from nine.", DRAFTED]


async def test_a_draft_is_told_what_was_said_before():
    models = FakeModels({"hi": ("greet", 0.95)}, {"when?": 0.5, "and on Sunday?": 0.5}, draft=DRAFT, has_knowledge=True)
    anna = conversation(project(SHOP, RULES), models)
    for text in ("/greet", "hi", "when?"):
        await anna.send(text)
    assert models.earlier == (said("Hello!"), said("hi", by_customer=True), said("Hello!"))
    await anna.send("and on Sunday?")
    assert models.earlier[-2:] == (said("when?", by_customer=True), said(DRAFTED))
    assert len(models.earlier) == 4
    await anna.send("/restart")
    await anna.send("when?")
    assert models.earlier == ()
    await anna.send("EXTERNAL: paid")  # what another system tells the bot is nothing that was said
    await anna.send("when?")
    assert [message.text for message in models.earlier if message.by_customer] == ["when?"]


class Failing(FakeModels):
    async def generate(self, question, hits, *, earlier=(), refused=None):
        for sentence in self.draft:
            yield sentence
        raise DraftFailed("http://h/v1: HTTP 500")


async def test_of_a_passage_without_ready_answer_the_part_that_answers_is_quoted():
    class Sections(FakeModels):
        async def search(self, query, **options):
            return replace(await super().search(query, **options), hits=HITS[1:])

        async def extract(self, question, hit):
            return f"{question} {hit.text.removeprefix('We are ')}"

    models = Sections(MEANINGS, {"when?": 0.5}, has_knowledge=True)
    assert await conversation(project(SHOP, RULES), models).says("when?") == [
        "This may help:\n\nwhen? closed on Sunday."
    ]


async def test_a_quotation_does_not_wait_for_a_draft_of_somebody_else(monkeypatch):
    class Busy(FakeModels):
        async def search(self, query, **options):
            return replace(await super().search(query, **options), hits=HITS[1:])

        async def extract(self, question, hit):
            await asyncio.sleep(60)

    monkeypatch.setattr("bot.actions.knowledge.EXTRACT_TIMEOUT_S", 0.05)
    models = Busy(MEANINGS, {"when?": 0.5}, has_knowledge=True)
    result = await conversation(project(SHOP, RULES), models).send("when?")
    assert [reply.text for reply in result.replies] == [f"This may help:\n\n{HITS[1].text}"]


async def test_each_question_of_a_file_is_a_source_by_itself():
    pages = [("Hours?", "https://s/hours"), ("Returns?", "https://s/returns"), ("Hours?", "https://s/hours")]
    hits = [
        replace(HITS[0], passage_id=str(at), document="faq.csv", title=title, question=title, url=url)
        for at, (title, url) in enumerate(pages)
    ]
    sections = [replace(HITS[1], passage_id=f"s{at}", url=f"https://s/help#{at}") for at in range(2)]
    draft = (DraftSentence(text="Yes.", passage_ids=tuple(hit.passage_id for hit in (*hits, *sections))),)

    class Faq(FakeModels):
        async def search(self, query, **options):
            found = await super().search(query, **options)
            return replace(found, hits=(replace(hits[0], probability=0.5), *hits[1:], *sections))

    models = Faq(MEANINGS, {"when?": 0.5}, draft=draft, has_knowledge=True)
    (reply,) = (await conversation(project(SHOP, RULES), models).send("when?")).replies
    assert [(source.title, source.url) for source in reply.sources] == [
        ("Hours?", "https://s/hours"),
        ("Returns?", "https://s/returns"),
        (HITS[1].title, "https://s/help#0"),
    ]


async def test_what_is_not_said_is_told_with_its_reasons():
    models = FakeModels(
        MEANINGS, {"when?": 0.5}, draft=(), refusals={"At ten.": ["no ten", "no at"]}, has_knowledge=True
    )
    result = await conversation(project(SHOP, RULES), models).send("when?")
    assert "not said: 'At ten.': no ten; no at" in result.record.reasons


@pytest.mark.parametrize(("draft", "reply"), [((), QUOTE), (DRAFT[:1], DRAFT[0].text)])
async def test_a_server_that_fails_leaves_a_quotation_or_what_was_checked(draft, reply):
    models = Failing({}, {"when?": 0.5}, draft=draft, has_knowledge=True)
    result = await conversation(project(SHOP, RULES), models).send("when?")
    assert [reply.text for reply in result.replies] == [reply]
    (failure,) = [action for action in result.record.actions if "error" in action]
    assert (failure["error"], failure["detail"]) == ("draft_failed", "http://h/v1: HTTP 500")


async def test_in_a_form_a_question_is_answered_and_the_form_asks_again():
    models = FakeModels(MEANINGS, {"when?": 0.9}, has_knowledge=True)
    anna = conversation(project(SHOP, RULES), models)
    assert await anna.says("order please") == ["Which order?"]
    result = await anna.send("when?")
    assert ([reply.text for reply in result.replies], result.record.route) == ([ANSWER, "Which order?"], "knowledge")
    assert await anna.says("12") == ["Order 12 is on its way."]


async def test_in_a_form_what_knowledge_cannot_answer_is_asked_again():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS, has_knowledge=True))
    await anna.send("order please")
    assert await anna.says("blah") == ["Sorry, I did not understand that.", "Which order?"]
    assert await anna.says("12") == ["Order 12 is on its way."]


async def test_a_form_that_gets_its_slot_pays_for_no_search():
    models = FakeModels(MEANINGS, has_knowledge=True)
    anna = conversation(project(SHOP, RULES), models)
    await anna.send("order please")
    await anna.send("12")
    assert models.searches == 0


async def test_the_offer_is_a_button_that_works_everywhere():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS, has_knowledge=True))
    (offer,) = (await anna.send("when?")).replies
    (button,) = offer.buttons
    assert (button.title, button.payload) == ("Talk to a person", "/action_handoff")
    result = await anna.send(button.payload)
    assert ([reply.text for reply in result.replies], result.status) == ([TAKEN_OVER], "handoff")


async def test_the_offer_can_be_accepted_in_words():
    anna = conversation(project(SHOP, RULES), FakeModels(MEANINGS, has_knowledge=True))
    await anna.send("when?")
    result = await anna.send("yes")
    assert (result.status, result.record.route) == ("handoff", "handoff")
    await anna.send("/action_resume")
    assert (await anna.send("yes")).status is None  # but only right after it


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        ('utter_offer_person: [{text: "Ask Bo?"}]\n  utter_default: [{text: "What?"}]', "Ask Bo?"),
        ('utter_default: [{text: "What?"}]', "What?"),
    ],
)
async def test_own_words_for_the_offer(responses, expected):
    anna = conversation(project(f"{SHOP}  {responses}\n", RULES), FakeModels(MEANINGS, has_knowledge=True))
    assert await anna.says("when?") == [expected]


async def test_stories_go_on_around_an_answer():
    story = """
stories:
- story: greet, then small talk
  steps: [{intent: greet}, {action: utter_greet}, {intent: affirm}, {action: utter_chitchat}]
"""
    models = FakeModels(MEANINGS, {"when?": 0.9}, has_knowledge=True)
    anna = conversation(project(SHOP, RULES + story), models)
    assert await anna.says("hi") == ["Hello!"]
    assert await anna.says("when?") == [ANSWER]
    assert await anna.says("yes") == ["I am fine."]


async def test_chinese_offer():
    anna = conversation(project(SHOP, RULES, language="zh"), FakeModels(MEANINGS, has_knowledge=True))
    (offer,) = (await anna.send("几点开门？")).replies
    assert (offer.text, offer.buttons[0].title) == ("这个问题我不太确定。需要为您转接人工客服吗？", "转人工客服")
    assert await anna.says(offer.buttons[0].payload) == ["已为您转接人工客服，客服人员会尽快在这里回复您。"]


@pytest.mark.parametrize(
    ("text", "sentence", "expected"),
    [
        ("", "One.", "One."),
        ("One.", "Two.", "One. Two."),
        ("我们九点开门。", "周日休息。", "我们九点开门。周日休息。"),
        ("请打开 App。", "Then log in.", "请打开 App。Then log in."),
        ("- one\n", "- two", "- one\n- two"),
    ],
)
def test_join_sentences(text, sentence, expected):
    assert join_sentences(text, sentence) == expected


# --- the two-stage fallback, with and without knowledge ---

REPHRASE = "Could you say that in other words?"
MEANT = "Did you mean 'order'?"


@pytest.mark.parametrize(
    "script",
    [
        [("blah", [MEANT]), ("/order", ["Which order?"]), ("12", ["Order 12 is on its way."])],
        [("blah", [MEANT]), ("/out_of_scope", [REPHRASE]), ("hi", ["Hello!"])],
        [("blah", [MEANT]), ("/out_of_scope", [REPHRASE]), ("blah", [MEANT]), ("/out_of_scope", ["What?"])],
        [("blah", [MEANT]), ("blah", ["What?"]), ("hi", ["Hello!"])],
        [("blah", [MEANT]), ("hi", ["Hello!"]), ("blah", [MEANT])],
    ],
    ids=["affirmed", "rephrased", "denied twice", "not understood twice", "something else"],
)
@pytest.mark.parametrize("has_knowledge", [False, True])
async def test_two_stage_fallback(script, has_knowledge):
    domain = SHOP + '  utter_default: [{text: "What?"}]\n'
    models = FakeModels(MEANINGS, has_knowledge=has_knowledge)
    anna = conversation(project(domain, RULES + TWO_STAGE_RULE), models)
    for said, replies in script:
        assert await anna.says(said) == replies, said


async def test_knowledge_ends_a_two_stage_fallback():
    models = FakeModels(MEANINGS, {"when?": 0.9}, has_knowledge=True)
    anna = conversation(project(SHOP, RULES + TWO_STAGE_RULE), models)
    assert await anna.says("blah") == [MEANT]
    assert await anna.says("when?") == [ANSWER]
    assert anna.tracker.active_loop is None
    assert await anna.says("hi") == ["Hello!"]

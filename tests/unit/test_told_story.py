"""A conversation as a story: read again, it leads to the same states as the conversation did."""

from dataclasses import replace

from dialogue_parts import LISTEN, did, project, said

from bot.dialogue import events as ev
from bot.dialogue.load import load_project
from bot.dialogue.parse import Entity
from bot.dialogue.policies.examples import examples
from bot.dialogue.project import SourceFile
from bot.dialogue.states import state_of
from bot.dialogue.stories import dialogues
from bot.dialogue.tracker import Tracker
from training.told_story import told_story

DOMAIN_YML = """
    version: "3.1"
    intents: [greet, inform, faq]
    entities: [city]
    slots:
      city: {type: text, mappings: [{type: from_entity, entity: city}]}
      vip: {type: bool, mappings: [{type: custom}]}
      note: {type: any, mappings: [{type: custom}]}
    forms: {book_form: {required_slots: [city]}}
    responses:
      utter_hi: [{text: Hi}]
      utter_faq/hours: [{text: Nine}]
    actions: [action_x]
"""
DOMAIN = project(domain=DOMAIN_YML).domain
ROME = Entity(entity="city", value="Rome", start=3, end=7)
EVENTS = (
    did("action_session_start"),
    ev.SessionStarted(),
    LISTEN,
    said("greet", text="hi"),
    did("utter_hi"),
    LISTEN,
    said("inform", ROME, text="to Rome"),
    ev.SlotSet(name="city", value="Rome"),
    ev.SlotSet(name="note", value={"a": 1}),
    did("book_form"),
    ev.ActiveLoop(name="book_form"),
    ev.SlotSet(name="requested_slot", value=None),
    ev.ActiveLoop(name=None),
    did("action_x"),
    ev.SlotSet(name="vip", value=True),
    ev.BotUttered(text="done"),
    LISTEN,
)


def read(item, path):
    text = f'version: "3.1"\nstories:\n{item}'
    sources = [SourceFile(path="config.yml", text="language: en"), SourceFile(path="domain.yml", text=DOMAIN_YML)]
    return load_project([*sources, SourceFile(path=path, text=text)], env={})


def states(events):
    decisions = Tracker.start("", DOMAIN, events).decisions()
    return [(state_of(situation, DOMAIN), action.name) for situation, action in decisions][1:]


def test_a_story_leads_to_the_states_of_the_conversation():
    loaded = read(told_story("trip", EVENTS, DOMAIN, is_test=False), "data/s.yml")
    dialogue, *others = dialogues(loaded.stories, DOMAIN)
    assert not others
    learned = [(each.states[-1], each.action) for each in examples(dialogue, DOMAIN)][1:]
    assert learned == states(EVENTS[2:])


def test_what_entities_fill_and_policies_do_not_see_is_left_out():
    item = told_story("trip", EVENTS, DOMAIN, is_test=False)
    assert item.count("slot_was_set") == 1
    assert "vip: true" in item
    assert "to Rome" not in item


def test_a_test_story_has_the_words():
    loaded = read(told_story("trip", EVENTS, DOMAIN, is_test=True), "tests/test_s.yml")
    heard = loaded.tests[0].steps[2]
    assert (heard.text, heard.intent, heard.annotations[0].entity) == ("to Rome", "inform", "city")


def test_what_was_taken_back_or_has_no_answer_is_not_told():
    taken_back = (LISTEN, said("faq"), did("action_x"), ev.UserUtteranceReverted(), LISTEN, said("faq"))
    assert told_story("s", (*EVENTS, *taken_back), DOMAIN, is_test=False) == told_story(
        "s", EVENTS, DOMAIN, is_test=False
    )
    restarted = (*EVENTS, ev.Restarted(), LISTEN, said("greet"), did("utter_hi"), LISTEN)
    assert told_story("s", restarted, DOMAIN, is_test=False) == (
        "- story: s\n  steps:\n  - intent: greet\n  - action: utter_hi\n"
    )


def test_the_key_of_a_retrieval_intent_and_a_name_that_needs_quotes():
    message = said("faq", text="when")
    message = replace(message, parse=replace(message.parse, response_key="hours"))
    item = told_story("a: b", (LISTEN, message, did("utter_faq"), LISTEN), DOMAIN, is_test=False)
    assert item == '- story: "a: b"\n  steps:\n  - intent: faq/hours\n  - action: utter_faq\n'


def test_a_message_without_an_answer_is_no_story():
    assert told_story("s", (did("action_session_start"), LISTEN, said("greet")), DOMAIN, is_test=False) == ""

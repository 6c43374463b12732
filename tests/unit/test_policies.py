"""Memorised stories, and how the policies decide together."""

import json
from dataclasses import replace

import pytest
from dialogue_parts import LISTEN, conversations, did, project, said, turn
from hypothesis import given, settings
from steps import steps_of

from bot.dialogue import events as ev
from bot.dialogue.domain import Domain
from bot.dialogue.parse import Entity
from bot.dialogue.policies import Policies, Prediction, train
from bot.dialogue.policies.ensemble import Policy
from bot.dialogue.policies.prediction import Vote
from bot.dialogue.tracker import Tracker

DOMAIN_YML = """
    version: "3.1"
    intents: [greet, affirm, deny, faq, inform, 你好]
    entities: [city]
    slots:
      city: {type: text, mappings: [{type: from_entity, entity: city}]}
      vip: {type: bool, mappings: [{type: custom}]}
      only_rules: {type: bool, mappings: [{type: custom}]}
      requested_slot: {type: text, influence_conversation: false, mappings: [{type: custom}]}
    forms: {book_form: {required_slots: [city]}}
    responses:
      utter_hi: [{text: Hi}]
      utter_more: [{text: More?}]
      utter_ok: [{text: Ok}]
      utter_no: [{text: No}]
      utter_faq_answer: [{text: Because}]
      utter_ask_city: [{text: Where?}]
    actions: [action_x, action_y]
"""
DATA = """
    stories:
    - story: yes
      steps: [{intent: greet}, {action: utter_hi}, {action: utter_more}, {intent: affirm}, {action: utter_ok}]
    - story: 不
      steps: [{intent: greet}, {action: utter_hi}, {action: utter_more}, {intent: deny}, {action: utter_no}]
    - story: form
      steps:
      - intent: inform
        entities: [{city: Rome}]
      - action: book_form
      - active_loop: book_form
      - slot_was_set: [{requested_slot: null}]
      - active_loop: null
      - action: action_x
    rules:
    - rule: anytime
      steps: [{intent: faq}, {action: utter_faq_answer}]
    - rule: seen nowhere else
      condition: [{slot_was_set: [{only_rules: true}]}]
      steps: [{intent: 你好}, {action: utter_hi}]
"""
OSLO = Entity(entity="city", value="Oslo")
GREETED = turn("greet", "utter_hi", "utter_more")


def trained(*policies: str, data: str = DATA) -> Policies:
    config = f"policies: [{', '.join(policies)}]" if policies else "language: en"
    made = train(project(domain=DOMAIN_YML, data=data, config=config))
    return Policies.from_json(json.loads(json.dumps(made.to_json())), made.domain)


DEFAULT = trained()
AUGMENTED = trained("{name: RulePolicy}", "{name: AugmentedMemoizationPolicy}")
SHORT = trained("{name: RulePolicy}", "{name: AugmentedMemoizationPolicy, max_history: 2}")


def predict(policies: Policies, *events: ev.Event) -> Prediction:
    return policies.predict(Tracker.start("c1", policies.domain, events))


def ruled(policies: Policies, intent: str, before: list[ev.Event]) -> list[ev.Event]:
    """The conversation with one more message, as the engine records it: what is hidden is so for the predictions."""
    events = [*before, said(intent)]
    while not isinstance(events[-1], ev.ActionExecuted) or events[-1].name != "action_listen":
        prediction = predict(policies, *events)
        events.append(did(prediction.action, hide_rule_turn=prediction.hide_rule_turn))
    return events


@pytest.mark.parametrize(
    ("events", "action"),
    [
        ([LISTEN, said("greet")], "utter_hi"),
        ([LISTEN, said("greet"), did("utter_hi")], "utter_more"),
        ([*GREETED, LISTEN, said("affirm")], "utter_ok"),
        ([*GREETED, LISTEN, said("deny", text="不用了")], "utter_no"),
        ([LISTEN, said("affirm")], "action_default_fallback"),
        # an entity that fills a featurised slot is part of the story
        ([LISTEN, said("inform", OSLO), ev.SlotSet(name="city", value="Oslo")], "book_form"),
        ([LISTEN, said("inform")], "action_default_fallback"),
        # a form counts once, however long it took
        ([LISTEN, said("inform", OSLO), ev.SlotSet(name="city", value="Oslo"),
          did("book_form"), ev.ActiveLoop(name="book_form"), *turn("deny", "book_form"), *turn("greet", "book_form"),
          ev.ActiveLoop(name=None)], "action_x"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("policies", [DEFAULT, AUGMENTED], ids=["plain", "augmented"])
def test_memorised_stories(policies: Policies, events: list[ev.Event], action: str) -> None:
    assert predict(policies, *events).action == action


@pytest.mark.parametrize("name", ["MemoizationPolicy", "AugmentedMemoizationPolicy"])
def test_the_very_words_of_a_story_come_before_the_intent(name: str) -> None:
    words = """
    stories:
    - story: words
      steps: [{user: 讲个笑话}, {action: utter_ok}, {user: "[Oslo](city), again"}, {action: utter_no}]
    - story: intent
      steps: [{intent: greet}, {action: utter_hi}]
    """
    policies = trained("{name: RulePolicy}", f"{{name: {name}}}", data=words)
    first = [LISTEN, said("greet", text="讲个笑话")]
    prediction = predict(policies, *first)
    assert (prediction.action, prediction.policy, prediction.is_e2e) == ("utter_ok", name, True)
    again = [said("affirm", OSLO, text="Oslo, again"), ev.SlotSet(name="city", value="Oslo")]
    follow = [*first, *prediction.events, did("utter_ok"), LISTEN, *again]
    assert predict(policies, *follow).action == "utter_no"
    assert predict(policies, LISTEN, said("greet", text="讲个笑")).action == "utter_hi"


@pytest.mark.parametrize("questions", [1, 40])
@pytest.mark.parametrize("policies", [DEFAULT, AUGMENTED], ids=["plain", "augmented"])
def test_turns_of_rules_in_between_do_not_disturb_a_story(policies: Policies, questions: int) -> None:
    events = [*GREETED, LISTEN]
    for _ in range(questions):
        events = ruled(policies, "faq", events)
    assert predict(policies, *events, said("affirm")).action == "utter_ok"


def test_a_slot_that_only_rules_know_does_not_disturb_a_story() -> None:
    assert predict(DEFAULT, ev.SlotSet(name="only_rules", value=True), LISTEN, said("greet")).action == "utter_hi"


def test_augmented_forgets_what_was_long_ago() -> None:
    earlier = [*turn("affirm", "action_y"), ev.SlotSet(name="vip", value=True), *GREETED, LISTEN, said("affirm")]
    assert predict(DEFAULT, *earlier).is_fallback
    assert predict(AUGMENTED, *earlier).action == "utter_ok"


def test_max_history_bounds_what_is_looked_at() -> None:
    # with two states, 'affirm' after anything that ends in 'utter_more'
    odd = [*turn("greet", "action_y", "utter_more"), LISTEN, said("affirm")]
    assert predict(SHORT, *odd).action == "utter_ok"
    assert predict(AUGMENTED, *odd).is_fallback


def test_stories_that_differ_after_the_same_history_are_not_memorised() -> None:
    data = """
    stories:
    - story: one
      steps: [{intent: greet}, {action: utter_hi}]
    - story: other
      steps: [{intent: greet}, {action: utter_ok}]
    """
    assert predict(trained(data=data), LISTEN, said("greet")).is_fallback


def test_confidence_of_the_parse_may_be_the_score() -> None:
    options = "use_nlu_confidence_as_score: true"
    policies = trained(f"{{name: RulePolicy, {options}}}", f"{{name: MemoizationPolicy, {options}}}")
    assert predict(policies, LISTEN, said("greet", confidence=0.6)).confidence == 0.6
    assert predict(policies, LISTEN, said("faq", confidence=0.7)).confidence == 0.7


# --- the ensemble ---


class Says:
    """A policy that always says the same."""

    def __init__(self, **vote: object) -> None:
        self._vote = Vote(**{"policy": "says", "priority": 1, **vote})  # type: ignore[arg-type]  # fields of a vote

    def vote(self, tracker: Tracker, domain: Domain) -> Vote:
        return self._vote

    def to_json(self) -> dict[str, object]:
        return {}


def decided(*policies: Policy, events: list[ev.Event] | None = None) -> Prediction:
    return predict(replace(DEFAULT, policies=policies), *(events or [LISTEN, said("greet")]))


@pytest.mark.parametrize(
    ("policies", "winner"),
    [
        # the higher confidence, then the higher priority, then the first
        ([Says(action="a", confidence=0.5, priority=9), Says(action="b", confidence=0.6)], "b"),
        ([Says(action="a", confidence=0.5), Says(action="b", confidence=0.5, priority=2)], "b"),
        ([Says(action="a", confidence=0.5), Says(action="b", confidence=0.5)], "a"),
        # text before intent, and what needs no user before both
        ([Says(action="a", confidence=1.0), Says(action="b", confidence=0.2, is_e2e=True)], "b"),
        ([Says(action="a", confidence=1.0, is_e2e=True), Says(action="b", confidence=0.1, is_no_user=True)], "b"),
        # silence
        ([Says()], "action_listen"),
        ([], "action_listen"),
    ],
)
def test_which_vote_wins(policies: list[Policy], winner: str) -> None:
    assert decided(*policies).action == winner


def test_events_of_every_policy_are_kept_and_the_featurisation_comes_last() -> None:
    loop, entities = ev.LoopInterrupted(is_interrupted=True), ev.EntitiesAdded(entities=())
    prediction = decided(Says(events=(loop,)), Says(action="a", confidence=1.0, events=(entities,), is_e2e=True))
    assert prediction.events == (loop, entities, ev.UserFeaturization(use_text_for_featurization=True))
    later = decided(Says(action="a", confidence=1.0), events=[*GREETED])
    assert later.events == ()


def test_an_action_that_has_just_declined_is_out() -> None:
    events = [LISTEN, said("greet"), ev.ActionExecutionRejected(name="a")]
    assert decided(Says(action="a", confidence=1.0), Says(action="b", confidence=0.1), events=events).action == "b"
    nothing_left = decided(Says(action="a", confidence=1.0), events=events)
    assert (nothing_left.action, nothing_left.confidence) == ("action_listen", 0.0)
    afterwards = [*events, did("b")]
    assert decided(Says(action="a", confidence=1.0), events=afterwards).action == "a"


def test_a_followup_beats_everything_and_an_unknown_one_is_passed_over() -> None:
    asked = [LISTEN, said("greet"), ev.FollowupAction(name="action_x")]
    prediction = predict(DEFAULT, *asked)
    assert (prediction.action, prediction.policy, prediction.confidence) == ("action_x", "followup_action", 1.0)
    assert predict(DEFAULT, LISTEN, said("greet"), ev.FollowupAction(name="action_gone")).action == "utter_hi"
    assert predict(DEFAULT).action == "action_listen"  # a fresh conversation
    assert predict(DEFAULT, ev.Restarted()).action == "action_session_start"


def test_policies_with_a_network_are_left_to_training() -> None:
    policies = trained("{name: TEDPolicy, epochs: 1}", "{name: UnexpecTEDIntentPolicy}", "{name: RulePolicy}")
    assert len(policies.policies) == 1


def test_policies_of_another_format_are_refused() -> None:
    with pytest.raises(ValueError, match="format 99; this version reads format 1"):
        Policies.from_json({**DEFAULT.to_json(), "format": 99}, DEFAULT.domain)


@settings(deadline=None)
@pytest.mark.parametrize("policies", [DEFAULT, AUGMENTED, SHORT], ids=["plain", "augmented", "short"])
@given(events=conversations)
def test_no_conversation_makes_predicting_fail(policies: Policies, events: list[ev.Event]) -> None:
    prediction = predict(policies, *events)
    assert prediction.action in policies.domain.action_names
    assert 0.0 <= prediction.confidence <= 1.0
    assert predict(policies, *events) == prediction


@pytest.mark.parametrize("policies", [DEFAULT, AUGMENTED, SHORT], ids=["plain", "augmented", "short"])
@pytest.mark.parametrize("ending", [[LISTEN, said("affirm")], [*GREETED, LISTEN, said("affirm")]])
def test_predicting_costs_the_same_in_a_long_conversation(policies: Policies, ending: list[ev.Event]) -> None:
    def steps(events: int) -> int:
        turns = [event for _ in range(events // 5) for event in (*turn("faq", "utter_faq_answer", "action_y"),)]
        tracker = Tracker.start("c1", policies.domain, [*turns, *ending])
        return steps_of(lambda: policies.predict(tracker))

    steps(50)  # what is looked up once is kept
    assert steps(5000) < 2 * steps(50)

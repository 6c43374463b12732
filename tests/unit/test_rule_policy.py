"""Rules: what they predict, in which order, and what is wrong with them, said in the words of the file."""

import json

import pytest
from dialogue_parts import LISTEN, did, project, said, turn

from bot.dialogue import events as ev
from bot.dialogue.errors import ProjectFaults
from bot.dialogue.policies import Policies, Prediction, train
from bot.dialogue.project import Project
from bot.dialogue.tracker import Tracker

DOMAIN_YML = """
    version: "3.1"
    intents: [greet, faq, stop, order, deny, 你好, nlu_fallback, out_of_scope]
    entities: [city]
    slots:
      vip: {type: bool, mappings: [{type: custom}]}
      city: {type: text, initial_value: Rome, mappings: [{type: from_entity, entity: city}]}
      dish: {type: text, mappings: [{type: from_text, conditions: [{active_loop: order_form}]}]}
    forms: {order_form: {required_slots: [dish]}}
    responses:
      utter_hi: [{text: Hi}]
      utter_hi_vip: [{text: Welcome back}]
      utter_faq_answer: [{text: Because}]
      utter_done: [{text: Done}]
      utter_ask_dish: [{text: Which dish?}]
      utter_you_sure: [{text: Sure?}]
    actions: [action_x]
    e2e_actions: [Hi there]
"""
DATA = """
    rules:
    - rule: greet
      steps: [{intent: greet}, {action: utter_hi}]
    - rule: greet a good customer
      condition: [{slot_was_set: [{vip: true}]}]
      steps: [{intent: greet}, {action: utter_hi_vip}]
    - rule: 问候
      steps: [{intent: 你好}, {action: utter_hi}]
    - rule: by its words
      steps: [{user: hello hello}, {bot: Hi there}]
    - rule: the first message
      conversation_start: true
      steps: [{intent: out_of_scope}, {action: utter_hi}]
    - rule: start the form
      steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
    - rule: submit
      condition: [{active_loop: order_form}]
      steps: [{action: order_form}, {active_loop: null}, {action: utter_done}]
    - rule: a question anywhere
      steps: [{intent: faq}, {action: utter_faq_answer}]
    - rule: stop the form
      condition: [{active_loop: order_form}]
      steps: [{intent: stop}, {action: action_deactivate_loop}, {active_loop: null}, {action: utter_done}]
    - rule: no is no answer
      condition: [{active_loop: order_form}]
      steps: [{intent: deny}, {action: utter_you_sure}, {action: action_x}, {action: action_listen}]
"""
PROJECT = project(domain=DOMAIN_YML, data=DATA)
POLICIES = train(PROJECT)

IN_FORM = (*turn("order", "order_form"), ev.ActiveLoop(name="order_form"))
REJECTED = ev.ActionExecutionRejected(name="order_form")


def predict(*events: ev.Event, policies: Policies = POLICIES) -> Prediction:
    prediction = policies.predict(Tracker.start("c1", policies.domain, events))
    again = Policies.from_json(json.loads(json.dumps(policies.to_json())), policies.domain)
    assert again.predict(Tracker.start("c1", policies.domain, events)) == prediction
    return prediction


@pytest.mark.parametrize(
    ("events", "action"),
    [
        ((LISTEN, said("greet")), "utter_hi"),
        ((LISTEN, said("你好", text="你好吗")), "utter_hi"),
        (turn("greet", "utter_hi"), "action_listen"),
        # of two rules that fit, the one that asks for more
        ((LISTEN, ev.SlotSet(name="vip", value=True), said("greet")), "utter_hi_vip"),
        # what a rule does not mention does not matter
        ((LISTEN, ev.SlotSet(name="city", value="Oslo"), said("greet")), "utter_hi"),
        ((*turn("faq", "utter_faq_answer"), LISTEN, said("greet")), "utter_hi"),
        # only at the start of a conversation
        ((LISTEN, said("out_of_scope")), "utter_hi"),
        ((*turn("greet", "utter_hi"), LISTEN, said("out_of_scope")), "action_default_fallback"),
        # the same words by text beat the intent
        ((LISTEN, said("greet", text="hello hello")), "Hi there"),
        # default intents need no rule
        ((LISTEN, said("restart")), "action_restart"),
        ((LISTEN, said("back")), "action_back"),
        ((LISTEN, said("session_start")), "action_session_start"),
        # nobody knows
        ((LISTEN, said("stop")), "action_default_fallback"),
    ],
)
def test_what_rules_predict(events: tuple[ev.Event, ...], action: str) -> None:
    assert predict(*events).action == action


@pytest.mark.parametrize(
    ("events", "action"),
    [
        (IN_FORM, "action_listen"),  # the form has asked
        ((*IN_FORM, LISTEN, said("faq")), "order_form"),  # whatever is said goes to the form
        ((*IN_FORM, LISTEN, said("restart")), "action_restart"),  # but for default intents
        # the form declines: rules may answer
        ((*IN_FORM, LISTEN, said("faq"), REJECTED), "utter_faq_answer"),
        # ... and a rule that is not about the form gives the word back to it
        ((*IN_FORM, LISTEN, said("faq"), REJECTED, did("utter_faq_answer")), "order_form"),
        ((*IN_FORM, LISTEN, said("faq"), REJECTED, did("utter_faq_answer"), did("order_form")), "action_listen"),
        # ... unless the rule says that the bot listens first
        ((*IN_FORM, LISTEN, said("deny"), REJECTED), "utter_you_sure"),
        ((*IN_FORM, LISTEN, said("deny"), REJECTED, did("utter_you_sure"), did("action_x")), "action_listen"),
        # the form ends
        ((*IN_FORM, LISTEN, said("greet"), did("order_form"), ev.ActiveLoop(name=None)), "utter_done"),
        ((*IN_FORM, LISTEN, said("stop"), REJECTED), "action_deactivate_loop"),
        ((*IN_FORM, LISTEN, said("stop"), REJECTED, did("action_deactivate_loop"), ev.ActiveLoop(name=None)),
         "utter_done"),
        # declining with no rule for it
        ((*IN_FORM, LISTEN, said("out_of_scope"), REJECTED), "action_default_fallback"),
    ],
)  # fmt: skip
def test_forms(events: tuple[ev.Event, ...], action: str) -> None:
    assert predict(*events).action == action


def test_a_form_that_goes_well_needs_no_user_and_beats_text() -> None:
    prediction = predict(*IN_FORM, LISTEN, said("faq", text="hello hello"))
    assert (prediction.action, prediction.is_no_user, prediction.is_e2e) == ("order_form", True, False)


def test_a_form_that_the_domain_has_no_longer_is_nobodys() -> None:
    gone = (*turn("order", "old_form"), ev.ActiveLoop(name="old_form"), LISTEN, said("faq"))
    assert predict(*gone).action == "utter_faq_answer"


def test_a_prediction_by_text_says_so() -> None:
    prediction = predict(LISTEN, said("greet", text="hello hello"))
    assert (prediction.is_e2e, prediction.confidence) == (True, 1.0)
    assert prediction.events == (ev.UserFeaturization(use_text_for_featurization=True),)


def test_the_core_fallback_is_recognisable() -> None:
    prediction = predict(LISTEN, said("stop"))
    assert (prediction.policy, prediction.confidence, prediction.is_fallback) == ("RulePolicy", 0.3, True)
    assert not predict(LISTEN, said("greet")).is_fallback


def test_a_form_that_is_interrupted_is_told_so() -> None:
    data = (
        DATA
        + """
    stories:
    - story: interrupted
      steps:
      - intent: order
      - action: order_form
      - active_loop: order_form
      - intent: stop
      - action: utter_you_sure
      - intent: out_of_scope
      - action: order_form
      - active_loop: null
      - action: utter_done
"""
    )
    # the rule that stops the form contradicts this story, so it goes
    without_stop = data.replace("- rule: stop the form", "- rule: other").replace(
        "intent: stop}, {action: action_deactivate_loop}", "intent: nlu_fallback}, {action: action_deactivate_loop}"
    )
    policies = train(project(domain=DOMAIN_YML, data=without_stop))
    sure = (*IN_FORM, LISTEN, said("stop"), REJECTED, did("utter_you_sure"), LISTEN, said("out_of_scope"))
    prediction = predict(*sure, REJECTED, policies=policies)
    assert ev.LoopInterrupted(is_interrupted=True) in prediction.events


def test_turns_of_rules_that_are_in_no_story_are_hidden() -> None:
    story = "\n    stories:\n    - story: hi\n      steps: [{intent: greet}, {action: utter_hi}]\n"
    policies = train(project(domain=DOMAIN_YML, data=DATA + story))
    assert predict(LISTEN, said("faq"), policies=policies).hide_rule_turn
    assert not predict(LISTEN, said("greet"), policies=policies).hide_rule_turn


CONTRADICTING = """
    rules:
    - rule: one
      steps:
      - intent: greet
      - action: utter_hi
    - rule: other
      steps:
      - intent: greet
      - action: utter_done
"""
AGAINST_A_STORY = """
    rules:
    - rule: one
      steps:
      - intent: greet
      - action: utter_hi
    stories:
    - story: 另一个
      steps:
      - intent: faq
      - action: utter_faq_answer
      - intent: greet
      - action: utter_done
"""
BEYOND_THE_END = """
    rules:
    - rule: short
      steps:
      - intent: greet
      - action: utter_hi
    stories:
    - story: longer
      steps:
      - intent: greet
      - action: utter_hi
      - action: utter_done
"""
TWO_TURNS = """
    rules:
    - rule: long
      steps:
      - intent: greet
      - action: utter_hi
      - intent: faq
      - action: utter_faq_answer
"""
INCOMPLETE = """
    rules:
    - rule: whole
      steps:
      - intent: greet
      - action: action_x
      - slot_was_set: [{vip: true}]
      - action: utter_hi
    - rule: half
      steps:
      - intent: faq
      - action: action_x
      - action: utter_done
"""
LOOP_NOT_SAID = """
    rules:
    - rule: start
      steps:
      - intent: order
      - action: order_form
      - active_loop: order_form
    - rule: half
      steps:
      - intent: faq
      - action: order_form
      - action: utter_done
"""


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        (CONTRADICTING, [
            ("data.yml:6", "has 'utter_hi' where the rules say 'utter_done' in rule 'other' (data/data.yml:10)"),
            ("data.yml:10", "has 'utter_done' where the rules say 'utter_hi' in rule 'one' (data/data.yml:6)"),
        ]),
        (AGAINST_A_STORY, [
            ("data.yml:13", "has 'utter_done' where the rules say 'utter_hi' in rule 'one' (data/data.yml:6)"),
        ]),
        (BEYOND_THE_END, [
            ("data.yml:12", "'utter_done' where the rules say the end of the turn ('action_listen') in rule 'short'"),
        ]),
        (TWO_TURNS, [("data.yml:7", "rule 'long' has 2 user turns")]),
        (INCOMPLETE, [("data.yml:12", "'action_x' does not set 'vip', as it does in rule 'whole' (data/data.yml:7)")]),
        (LOOP_NOT_SAID, [
            ("data.yml:11", "does not change the active loop, as it does in rule 'start' (data/data.yml:7)"),
        ]),
    ],
)  # fmt: skip
def test_faults_name_the_place_and_the_other_place(data: str, faults: list[tuple[str, str]]) -> None:
    with pytest.raises(ProjectFaults) as caught:
        train(project(domain=DOMAIN_YML, data=data))
    found = [(f"data.yml:{fault.line}", fault.what) for fault in caught.value.faults]
    assert [place for place, _ in found] == [place for place, _ in faults]
    for (_, what), (_, says) in zip(found, faults, strict=True):
        assert says in what


@pytest.mark.parametrize("data", [CONTRADICTING, AGAINST_A_STORY, INCOMPLETE])
def test_the_checks_can_be_switched_off(data: str) -> None:
    config = "policies: [{name: RulePolicy, check_for_contradictions: false}]"
    assert train(project(domain=DOMAIN_YML, data=data, config=config)).policies


def test_an_incomplete_rule_may_leave_open_what_follows() -> None:
    data = INCOMPLETE.replace("- rule: half", "- rule: half\n      wait_for_user_input: false").replace(
        "      - action: utter_done\n", ""
    )
    train(project(domain=DOMAIN_YML, data=data))


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("policies: [{name: RulePolicy, core_fallback_threshold: high}]",
         "'core_fallback_threshold' of RulePolicy is 'high'"),
        ("policies: [{name: RulePolicy, core_fallback_action_name: utter_nothing}]",
         "'utter_nothing' is not in the domain"),
        ("policies: [{name: RulePolicy}, {name: MemoizationPolicy, max_history: -1}]",
         "'max_history' of MemoizationPolicy"),
        ("policies: [{name: my.own.Policy}]", '"my.own.Policy" cannot run here'),
    ],
)  # fmt: skip
def test_options_that_make_no_sense(config: str, says: str) -> None:
    with pytest.raises(ProjectFaults, match=says):
        train(project(domain=DOMAIN_YML, data=DATA, config=config))


def test_options_of_the_fallback() -> None:
    def fallback(option: str) -> Prediction:
        config = f"policies: [{{name: RulePolicy, {option}}}]"
        return predict(LISTEN, said("stop"), policies=train(project(domain=DOMAIN_YML, data=DATA, config=config)))

    assert fallback("core_fallback_action_name: utter_done").action == "utter_done"
    assert fallback("core_fallback_threshold: 0.4").confidence == 0.4
    silent = fallback("enable_fallback_prediction: false")
    assert (silent.action, silent.confidence, silent.is_fallback) == ("action_listen", 0.0, False)


def test_a_rule_that_only_ends_a_turn_gives_way_to_a_story() -> None:
    data = """
    rules:
    - rule: greet
      steps: [{intent: greet}, {action: utter_hi}]
    - rule: after a form
      condition: [{active_loop: order_form}]
      steps: [{action: order_form}, {active_loop: null}, {action: utter_done}]
    stories:
    - story: more to say
      steps: [{intent: greet}, {action: utter_hi}, {intent: order}, {action: order_form}, {active_loop: order_form},
        {active_loop: null}, {action: utter_done}, {intent: faq}, {action: utter_faq_answer}]
"""
    assert isinstance(project(domain=DOMAIN_YML, data=data), Project)
    train(project(domain=DOMAIN_YML, data=data))

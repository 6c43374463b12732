"""The learned policy: what it learns, when it keeps silent, and how it is kept in a release."""

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from dialogue_parts import LISTEN, conversations, did, project, said, turn
from hypothesis import given, settings

from bot.dialogue import events as ev
from bot.dialogue.errors import ProjectFaults
from bot.dialogue.policies import Policies, Prediction, train
from bot.dialogue.policies.learned import LearnedPolicy
from bot.dialogue.policies.network import features_of
from bot.dialogue.policies.unlikely import UNLIKELY
from bot.dialogue.project import Project
from bot.dialogue.states import State
from bot.dialogue.stories import dialogues
from bot.dialogue.tracker import Tracker
from bot.errors import ReleaseError
from bot.policy_part import load_policies, save_policies
from bot.release import ReleaseDraft
from training.policy import PolicyPlan, intent_thresholds, plan_policies
from training.policy_fit import FitSettings, PolicyNetwork, fit
from training.policy_lessons import lessons_of

FALLBACK = "action_default_fallback"
DOMAIN_YML = """
    version: "3.1"
    intents: [greet, order, affirm, deny, thank, faq, never]
    slots:
      vip: {type: bool, mappings: [{type: custom}]}
    responses:
      utter_hi: [{text: Hi}]
      utter_sure: [{text: Sure?}]
      utter_ok: [{text: Ok}]
      utter_no: [{text: No}]
      utter_welcome: [{text: Welcome}]
      utter_faq: [{text: Because}]
    actions: [action_order]
"""
DATA = """
    stories:
    - story: 订购
      steps: [{intent: greet}, {action: utter_hi}, {intent: order}, {action: utter_sure}, {intent: affirm},
              {action: action_order}, {action: utter_ok}]
    - story: no order
      steps: [{intent: greet}, {action: utter_hi}, {intent: order}, {action: utter_sure}, {intent: deny},
              {action: utter_no}]
    - story: thanks
      steps: [{intent: order}, {action: utter_sure}, {intent: affirm}, {action: action_order}, {action: utter_ok},
              {intent: thank}, {action: utter_welcome}]
    rules:
    - rule: anytime
      steps: [{intent: faq}, {action: utter_faq}]
"""


def assistant(policies: str = "", *, data: str = DATA, kefu: str = "") -> Project:
    config = "language: en" + (f"\npolicies: [{policies}]" if policies else "") + (f"\nkefu: {kefu}" if kefu else "")
    return project(domain=DOMAIN_YML, data=data, config=config)


def learned(told: Project) -> Policies:
    return plan_policies(told, seed=0).learn()[0]


PLAN = plan_policies(assistant(), seed=0)
POLICIES, NETWORK, REPORT = PLAN.learn()
assert NETWORK is not None
ALONE = replace(POLICIES, policies=POLICIES.policies[-1:])


def predict(policies: Policies, *events: ev.Event) -> Prediction:
    return policies.predict(Tracker.start("c1", policies.domain, events))


# Nothing memorised fits: the conversation began otherwise, and a slot is set that no story has.
ODD_START = [ev.SlotSet(name="vip", value=True), *turn("thank", "utter_welcome"), *turn("order", "utter_sure")]


@pytest.mark.parametrize(
    ("events", "action"),
    [
        ([*ODD_START, LISTEN, said("affirm")], "action_order"),
        ([*ODD_START, LISTEN, said("deny")], "utter_no"),
        ([*ODD_START, LISTEN, said("affirm"), did("action_order")], "utter_ok"),
        ([*ODD_START, LISTEN, said("affirm"), did("action_order"), did("utter_ok")], "action_listen"),
    ],
)
def test_it_goes_on_where_no_story_was_memorised(events: list[ev.Event], action: str) -> None:
    silent = replace(POLICIES, policies=POLICIES.policies[:-1])
    assert predict(silent, *events).is_fallback
    prediction = predict(POLICIES, *events)
    assert (prediction.action, prediction.policy) == (action, "TEDPolicy")
    assert 0.5 < prediction.confidence == prediction.chances[action] < 1.0
    assert sum(prediction.chances.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "events",
    [
        [LISTEN, said("never")],  # an intent of no story and no rule
        [LISTEN, said("")],  # none at all
        # what stories do not see, such as an answer of the knowledge: the message before it is not answered again
        [*turn("order", "utter_sure"), LISTEN, said("never"), did("action_knowledge", hide_rule_turn=True)],
        [*ODD_START, LISTEN, said("affirm"), did("utter_ok"), did("action_order")],  # nothing twice
    ],
)
def test_it_keeps_silent_rather_than_guess_badly(events: list[ev.Event]) -> None:
    prediction = predict(ALONE, *events)
    assert (prediction.action, prediction.confidence) == ("action_listen", 0.0)


def test_rules_and_memorised_stories_win_over_it() -> None:
    *others, ted = POLICIES.policies
    assert isinstance(ted, LearnedPolicy)
    eager = replace(ted, learned_at=0.0)
    for events in ([LISTEN, said("faq")], [LISTEN, said("greet")], turn("greet", "utter_hi")):
        assert predict(replace(POLICIES, policies=(eager,)), *events).confidence > 0.0, "it would say something itself"
        prediction = predict(replace(POLICIES, policies=(eager, *others)), *events)
        assert prediction.policy in ("RulePolicy", "MemoizationPolicy")


def test_below_its_bar_it_says_nothing() -> None:
    events = [*ODD_START, LISTEN, said("affirm")]
    chance = predict(POLICIES, *events).confidence
    for learned_at, policy in ((chance - 0.01, "TEDPolicy"), ((1 + chance) / 2, "RulePolicy")):
        told = assistant(kefu=f"{{learned_at: {learned_at}}}")
        assert predict(learned(told), *events).policy == policy


@pytest.mark.parametrize(
    ("policies", "asked"),
    [
        ("", True),  # Rasa's default has a TEDPolicy, too
        ("{name: TEDPolicy, epochs: 5, constrain_similarities: true}, {name: RulePolicy}", True),
        ("{name: RulePolicy}, {name: MemoizationPolicy}", False),
    ],
)
def test_it_is_learned_where_it_is_asked_for(policies: str, asked: bool) -> None:
    assert bool(plan_policies(assistant(policies), seed=0).lessons) == asked


def test_options_of_ted_that_count() -> None:
    plan = plan_policies(assistant("{name: TEDPolicy, max_history: 3, priority: 2}"), seed=0)
    assert plan.learned is not None
    assert (plan.settings.window, plan.learned.priority) == (3, 2)


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        ("{name: TEDPolicy, max_history: all}", "option 'max_history' of TEDPolicy is 'all'; give a whole number"),
        ("{name: UnexpecTEDIntentPolicy, tolerance: 2}", "option 'tolerance' of .* is 2.0; give a number from 0 to 1"),
        ("{name: UnexpecTEDIntentPolicy, ignore_intents_list: thank}", "is 'thank'; give a list of names"),
    ],
)
def test_options_that_make_no_sense_are_faults(policy: str, fault: str) -> None:
    with pytest.raises(ProjectFaults, match=fault):
        train(assistant(policy))  # what ``kefu data validate`` asks


def test_without_stories_and_rules_there_is_nothing_to_learn() -> None:
    policies, network, report = plan_policies(assistant(data="nlu: []"), seed=0).learn()
    assert network is None
    assert report.lessons == 0
    assert not any(isinstance(policy, LearnedPolicy) for policy in policies.policies)


def test_the_plan_changes_with_all_that_matters() -> None:
    same = plan_policies(assistant(), seed=0)
    assert same.to_json() == PLAN.to_json()
    others = (
        plan_policies(assistant(), seed=1),
        plan_policies(assistant(kefu="{learned_at: 0.5}"), seed=0),
        plan_policies(
            assistant("{name: MemoizationPolicy}, {name: RulePolicy}, {name: TEDPolicy, priority: 2}"), seed=0
        ),
        plan_policies(assistant(data=DATA.replace("utter_welcome", "utter_ok")), seed=0),
    )
    for other in others:
        assert json.dumps(other.to_json()) != json.dumps(same.to_json())


# --- the network ---


def weights_equal(first: PolicyPlan, second: PolicyPlan) -> bool:
    one, other = first.learn()[1], second.learn()[1]
    assert one is not None
    assert other is not None
    return all(np.array_equal(value, other.weights[name]) for name, value in one.weights.items())


def test_the_same_seed_gives_the_same_network() -> None:
    assert weights_equal(PLAN, plan_policies(assistant(), seed=0))
    assert not weights_equal(PLAN, plan_policies(assistant(), seed=1))


def test_numpy_and_torch_agree_on_every_step() -> None:
    chosen = FitSettings(window=3)
    network = fit(PLAN.lessons, chosen, seed=0)
    module = PolicyNetwork(len(network.vocabulary), len(network.actions), len(network.intents), chosen)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in network.weights.items()})
    module.eval()
    for lesson in PLAN.lessons:
        states = [step.state for step in lesson]
        bags = [features_of(state) for state in states]
        most = max(map(len, bags))
        at, values = np.zeros((1, len(bags), most), np.int64), np.zeros((1, len(bags), most), np.float32)
        for row, bag in enumerate(bags):
            for column, (name, value) in enumerate(bag):
                at[0, row, column], values[0, row, column] = network.vocabulary[name], value
        with torch.inference_mode():
            scores, _ = module(torch.from_numpy(at), torch.from_numpy(values), torch.tensor([chosen.window]))
        chances = scores[0].softmax(-1)
        for end in range(1, len(states) + 1):
            found = network.action_chances(states[:end])
            assert tuple(found) == network.actions
            assert list(found.values()) == pytest.approx(chances[end - 1].tolist(), abs=1e-5)


def test_what_was_never_learned_counts_for_nothing() -> None:
    states = [State(intent="order", action="action_listen")]
    strange = [replace(states[0], slots={"unheard_of": (1.0,)}, entities=("new",))]
    assert NETWORK.action_chances(states) == NETWORK.action_chances(strange)


# --- unlikely intents ---

HANDLED = """
    - rule: whoever says that now was misunderstood
      steps: [{action: action_unlikely_intent}, {action: utter_sure}]
"""
JUDGES = "{name: RulePolicy}, {name: MemoizationPolicy}, {name: UnexpecTEDIntentPolicy%s}"


@pytest.mark.parametrize(
    ("options", "events", "action"),
    [
        # a thank where no story has one; 'utter_sure' is what the rule then says
        ("", [*turn("greet", "utter_hi"), *turn("order", "utter_sure"), LISTEN, said("thank")], UNLIKELY),
        ("", [*turn("greet", "utter_hi"), LISTEN, said("thank"), did(UNLIKELY)], "utter_sure"),
        (", ignore_intents_list: [thank]", [*turn("greet", "utter_hi"), LISTEN, said("thank")], FALLBACK),
        # what stories and rules expect, and what they never judge
        ("", [*turn("greet", "utter_hi"), LISTEN, said("order")], "utter_sure"),
        ("", [*turn("greet", "utter_hi"), LISTEN, said("faq")], "utter_faq"),
        ("", [*turn("greet", "utter_hi"), LISTEN, said("never")], FALLBACK),
        # expected, though no memorised story goes like this
        ("", [ev.SlotSet(name="vip", value=True), *turn("order", "utter_sure"), LISTEN, said("affirm")], FALLBACK),
    ],
)
def test_unlikely_intents(options: str, events: list[ev.Event], action: str) -> None:
    policies = learned(assistant(JUDGES % options, data=DATA + HANDLED))
    assert predict(policies, *events).action == action


def test_nothing_is_unlikely_where_nobody_would_handle_it() -> None:
    assert not plan_policies(assistant(JUDGES % ""), seed=0).lessons


def test_tolerance_raises_the_thresholds() -> None:
    network = PLAN.learn()[1]
    assert network is not None
    strict, lenient = (intent_thresholds(network, PLAN.lessons, tolerance=share) for share in (0.0, 0.5))
    assert strict.keys() == {"greet", "order", "affirm", "deny", "thank"}
    assert all(0.0 < strict[name] <= lenient[name] for name in strict)
    assert sum(strict.values()) < sum(lenient.values())


# --- any conversation ---

WITH_ALL = learned(assistant(JUDGES % "" + ", {name: TEDPolicy}", data=DATA + HANDLED))
assert len(WITH_ALL.policies) == 4


@settings(deadline=None)
@given(events=conversations)
def test_no_conversation_makes_predicting_fail(events: list[ev.Event]) -> None:
    prediction = predict(WITH_ALL, *events)
    assert prediction.action in WITH_ALL.domain.action_names
    assert 0.0 <= prediction.confidence <= 1.0
    assert predict(WITH_ALL, *events) == prediction


def test_a_long_conversation_costs_no_more() -> None:
    def seconds(turns: int) -> float:
        told = [event for _ in range(turns) for event in turn("order", "utter_sure", "utter_hi")]
        tracker = Tracker.start("c1", WITH_ALL.domain, [*told, LISTEN, said("affirm")])
        best = 1.0
        for _ in range(15):
            began = time.perf_counter()
            WITH_ALL.predict(tracker)
            best = min(best, time.perf_counter() - began)
        return best

    assert seconds(1250) < 2 * seconds(12)  # 5,000 events and 50


# --- lessons ---


def test_a_rule_is_learned_from_behind_its_dots() -> None:
    told = assistant()
    rule = lessons_of([], dialogues(told.rules, told.domain), told.domain, seed=0)[0]
    assert [(step.state.intent, step.state.action, step.action) for step in rule] == [
        ("faq", "action_listen", "utter_faq"),
        ("faq", "utter_faq", "action_listen"),
    ]


# --- in a release ---


@pytest.mark.parametrize("policies", ["", JUDGES % "" + ", {name: TEDPolicy}"])
def test_a_release_keeps_it(tmp_path: Path, policies: str) -> None:
    made, network, _ = plan_policies(assistant(policies, data=DATA + HANDLED), seed=0).learn()
    draft = ReleaseDraft(tmp_path)
    save_policies(draft.add("policy", "made of this"), made, network)
    again = load_policies(draft.finish({}), made.domain)
    assert [type(policy) for policy in again.policies] == [type(policy) for policy in made.policies]
    for intent in ("greet", "order", "affirm", "thank", "never"):
        events = [*ODD_START, LISTEN, said(intent)]
        assert predict(again, *events) == predict(made, *events)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("network.safetensors", b"no weights"),
        ("network.safetensors", None),
        ("network.json", b"{}"),
        ("network.json", None),
        ("policy.json", b"[]"),
    ],
)
def test_a_damaged_release_says_so(tmp_path: Path, name: str, text: bytes | None) -> None:
    draft = ReleaseDraft(tmp_path)
    save_policies(draft.add("policy", "made of this"), POLICIES, NETWORK)
    release = draft.finish({})
    file = release.folder / "policy" / name
    file.unlink() if text is None else file.write_bytes(text)
    with pytest.raises(ReleaseError, match=r"its policies cannot be read .*; train again"):
        load_policies(release, POLICIES.domain)

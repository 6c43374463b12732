"""The route as a table: a message, what the policies predict and what is known, and what follows from it."""

from dataclasses import replace

import pytest

from bot.dialogue.domain import Domain, Form
from bot.dialogue.events import ActionExecuted, ActiveLoop, BotUttered, UserUttered
from bot.dialogue.parse import IntentScore, Parse
from bot.dialogue.policies.prediction import Prediction
from bot.dialogue.route import Decision, Evidence, NeedsSearch, Outlook, decide
from bot.dialogue.tracker import Tracker

DOMAIN = Domain(forms={"form": Form(name="form")})
RULE = Prediction(action="utter_x", confidence=1.0, policy="RulePolicy")
STORY = replace(RULE, policy="MemoizationPolicy")
GUESS = replace(RULE, policy="TEDPolicy", confidence=0.85)
UNLIKELY = replace(RULE, policy="UnexpecTEDIntentPolicy", action="action_unlikely_intent")
FORM = Prediction(action="form", confidence=1.0, policy="RulePolicy", is_no_user=True)
FALLBACK = Prediction(action="action_default_fallback", confidence=0.3, policy="RulePolicy", is_fallback=True)
SILENT = Prediction(action="action_listen", confidence=0.0, policy="RulePolicy")
LISTEN = Prediction(action="action_listen", confidence=1.0, policy="RulePolicy")

NOTHING = Outlook()
KNOWS = Outlook(has_knowledge=True)


def found(probability: float, **more: bool) -> Outlook:
    evidence = Evidence(probability=probability, answer_at=0.6, draft_at=0.3)
    return Outlook(has_knowledge=True, evidence=evidence, **more)


def heard(intent: str, confidence: float = 0.9, text: str = "words", loop: str | None = None) -> Tracker:
    parse = Parse(text=text, intent=IntentScore(name=intent, confidence=confidence))
    events = [ActiveLoop(name=loop)] if loop else []
    return Tracker.start(
        "c", DOMAIN, (ActionExecuted(name="action_listen"), *events, UserUttered(text=text, parse=parse))
    )


@pytest.mark.parametrize(
    ("tracker", "prediction", "outlook", "expected"),
    [
        # without knowledge: always the policies
        (heard("greet"), RULE, NOTHING, ("rule", "utter_x")),
        (heard("greet", 0.1), RULE, NOTHING, ("rule", "utter_x")),
        (heard("greet"), STORY, NOTHING, ("story", "utter_x")),
        (heard("greet"), FALLBACK, NOTHING, ("fallback", "action_default_fallback")),
        (heard("nlu_fallback"), RULE, NOTHING, ("fallback", "utter_x")),
        (heard("greet"), SILENT, NOTHING, ("fallback", "action_default_fallback")),  # but never silence
        (heard("greet", 1.0, "/greet"), SILENT, NOTHING, ("slash", "action_default_fallback")),
        # certain intents and forms need no search
        (heard("greet"), RULE, KNOWS, ("rule", "utter_x")),
        (heard("nlu_fallback", loop="form"), FORM, KNOWS, ("form", "form")),
        (heard("greet", 0.1, "/greet"), RULE, KNOWS, ("slash", "utter_x")),
        (heard("action_handoff", 1.0, "/action_handoff"), FALLBACK, KNOWS, ("slash", "action_handoff")),
        # doubt asks for a search
        (heard("greet", 0.5), RULE, KNOWS, "search"),
        (heard("nlu_fallback"), RULE, KNOWS, "search"),
        (heard("out_of_scope"), RULE, KNOWS, "search"),
        (heard("greet"), FALLBACK, KNOWS, "search"),
        (heard("greet"), SILENT, KNOWS, "search"),
        (heard("greet"), replace(RULE, action="action_knowledge"), KNOWS, "search"),
        (heard("nlu_fallback", loop="form"), FALLBACK, KNOWS, "search"),  # the form has rejected the message
        # and what is found decides
        (heard("nlu_fallback"), RULE, found(0.6), ("knowledge", "action_knowledge")),
        (heard("nlu_fallback"), RULE, found(0.59, has_generator=True), ("generator", "action_knowledge")),
        (heard("nlu_fallback"), RULE, found(0.59), ("knowledge", "action_knowledge")),  # to quote
        (heard("nlu_fallback"), RULE, found(0.4), ("fallback", "utter_x")),  # own rule
        (heard("out_of_scope"), RULE, found(0.4), ("rule", "utter_x")),
        (heard("nlu_fallback"), FALLBACK, found(0.1), ("offer", "action_offer_person")),
        (heard("greet"), SILENT, found(0.1), ("offer", "action_offer_person")),
        (heard("nlu_fallback", loop="form"), FALLBACK, found(0.1), ("fallback", "action_default_fallback")),
        (heard("nlu_fallback", loop="form"), SILENT, found(0.1), ("fallback", "action_default_fallback")),
        (heard("nlu_fallback"), RULE, found(0.59, has_generator=True, declined=True), ("fallback", "utter_x")),
        (heard("greet", 0.5), RULE, found(0.6), ("knowledge", "action_knowledge")),
        (heard("greet", 0.5), RULE, found(0.59, has_generator=True), ("rule", "utter_x")),
        (heard("greet", 0.59), RULE, replace(found(0.65), sure_at=0.6), ("knowledge", "action_knowledge")),
        (heard("greet", 0.7), RULE, replace(found(0.65), sure_at=0.8), ("rule", "utter_x")),  # the intent is surer
        # what was learned is a guess, however sure the intent: the knowledge wins if it is surer than both
        (heard("greet"), GUESS, NOTHING, ("policy", "utter_x")),
        (heard("greet"), GUESS, KNOWS, "search"),
        (heard("greet"), GUESS, found(0.86), ("knowledge", "action_knowledge")),
        (heard("greet"), GUESS, found(0.84), ("policy", "utter_x")),
        (heard("greet", 0.7), GUESS, found(0.71), ("knowledge", "action_knowledge")),
        (heard("greet"), GUESS, found(0.59, has_generator=True), ("policy", "utter_x")),
        # an unlikely intent may be a misunderstood question
        (heard("greet"), UNLIKELY, NOTHING, ("policy", "action_unlikely_intent")),
        (heard("greet"), UNLIKELY, found(0.6), ("knowledge", "action_knowledge")),
        (heard("greet"), UNLIKELY, found(0.1), ("policy", "action_unlikely_intent")),
    ],
)  # fmt: skip
def test_opening(tracker, prediction, outlook, expected):
    decision = decide(tracker, prediction, outlook)
    if expected == "search":
        assert isinstance(decision, NeedsSearch)
    else:
        assert isinstance(decision, Decision)
        assert (decision.route, decision.action) == expected
        assert decision.reasons


@pytest.mark.parametrize(
    ("done", "loop", "prediction", "outlook", "action"),
    [
        ("utter_x", None, LISTEN, KNOWS, "action_listen"),
        ("utter_x", None, FALLBACK, NOTHING, "action_default_fallback"),  # as Rasa does
        ("utter_x", None, FALLBACK, KNOWS, "action_listen"),
        ("utter_x", None, FALLBACK, Outlook(learns=True), "action_listen"),  # TED would have listened
        ("action_x", None, FALLBACK, Outlook(failed=True), "action_listen"),  # one apology is enough
        ("action_knowledge", None, FALLBACK, KNOWS, "action_listen"),
        ("action_knowledge", None, RULE, KNOWS, "utter_x"),
        ("action_knowledge", "form", FALLBACK, KNOWS, "form"),  # it asks again
        ("action_resume", "form", FALLBACK, KNOWS, "form"),
        ("action_offer_person", None, FALLBACK, KNOWS, "action_listen"),
    ],
)
def test_later_steps(done, loop, prediction, outlook, action):
    tracker = heard("greet", loop=loop).apply(ActionExecuted(name=done), BotUttered(text="something"))
    decision = decide(tracker, prediction, outlook)
    assert isinstance(decision, Decision)
    assert (decision.action, decision.route) == (action, None)


def test_an_answer_ends_the_two_stage_fallback_and_is_hidden_from_stories():
    tracker = heard("nlu_fallback", loop="action_two_stage_fallback")
    asked = Prediction(action="action_two_stage_fallback", confidence=1.0, policy="RulePolicy", is_no_user=True)
    decision = decide(tracker, asked, found(0.9))
    assert isinstance(decision, Decision)
    assert (decision.action, decision.events, decision.hide_rule_turn) == (
        "action_knowledge",
        (ActiveLoop(name=None),),
        True,
    )

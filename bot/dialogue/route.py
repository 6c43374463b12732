"""Where an answer comes from: one pure decision per step of a turn, with its reasons in words.

In this order: a slash payload, the active form, a rule or story where the intent is certain enough, the
knowledge base, what the learned policy guesses, the generator, the offer of a person. Without knowledge every
decision is the policies' own, so that such an assistant behaves as it does under Rasa. With knowledge, a
message that was not understood goes there first; only if nothing is found does the assistant's own fallback
apply.

Knows no model: a search arrives as ``Evidence``, and is asked for only where it may change the decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from bot.dialogue.events import ActionExecuted, ActiveLoop, BotUttered, Event, UserUttered
from bot.dialogue.parse import FALLBACK_INTENT, OUT_OF_SCOPE_INTENT, Parse
from bot.dialogue.policies.learned import NAME as LEARNED
from bot.dialogue.policies.prediction import Prediction
from bot.dialogue.policies.unlikely import UNLIKELY
from bot.dialogue.situation import LISTEN
from bot.dialogue.slash import command, is_slash
from bot.dialogue.tracker import Tracker

KNOWLEDGE = "action_knowledge"
OFFER = "action_offer_person"
HANDOFF = "action_handoff"
RESUME = "action_resume"
FALLBACK = "action_default_fallback"
TWO_STAGE = "action_two_stage_fallback"
AFFIRM_INTENT = "affirm"
DEFAULT_SURE_AT = 0.6

RouteName = Literal[
    "slash", "form", "rule", "story", "policy", "knowledge", "ask", "generator", "fallback", "offer", "handoff"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A search, summed up: the calibrated chance in [0, 1] that the best hit answers, and the thresholds.

    ``is_torn``: another hit is as likely to be the answer, so that the customer has to say which is meant.
    """

    probability: float
    answer_at: float
    draft_at: float
    is_torn: bool = False

    @property
    def answers(self) -> bool:
        """The best hit is the answer."""
        return self.probability >= self.answer_at and not self.is_torn

    @property
    def may_draft(self) -> bool:
        """The hits are near enough for a draft, which still has to be supported by them."""
        return self.probability >= self.draft_at

    @property
    def may_quote(self) -> bool:
        """The best hit may be shown as "this may help": nearer to an answer than to nothing."""
        return self.probability >= (self.answer_at + self.draft_at) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What this turn can do besides following the policies, and how that went so far.

    ``declined``: knowledge was asked to answer and had nothing to say. ``failed``: an action broke down, and the
    customer has been told. ``sure_at``: below this confidence an intent has to compete with knowledge. ``learns``: the
    assistant asks for a learned policy (TEDPolicy), which goes on where rules and stories end.
    """

    has_knowledge: bool = False
    has_generator: bool = False
    evidence: Evidence | None = None
    declined: bool = False
    failed: bool = False
    sure_at: float = DEFAULT_SURE_AT
    learns: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The next action. ``route`` is None for a step that only continues the turn.

    ``events`` are the policies' own, to be applied before the action. ``chances``: how probable the policy that decided
    finds each action, if it weighs them.
    """

    action: str
    policy: str | None
    confidence: float
    route: RouteName | None = None
    reasons: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    hide_rule_turn: bool = False
    is_e2e: bool = False
    chances: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsSearch:
    """The decision depends on what a search finds; decide again with the evidence."""

    reason: str


def decide(tracker: Tracker, prediction: Prediction, outlook: Outlook) -> Decision | NeedsSearch:
    """The next step of a turn: what to do, and why."""
    message = tracker.latest_message
    if message is None or tracker.latest_action_name != LISTEN:
        return _continue(tracker, prediction, outlook)
    parse = message.parse
    if (asked := command(parse)) is not None:
        gone = asked == KNOWLEDGE and outlook.declined
        return _own(OFFER if gone else asked, "slash", reasons=(f"the customer pressed {asked}",))
    if is_slash(parse) or message.metadata.get("is_external") is True:
        reasons = (f"intent {parse.intent.name} was given", _predicted(prediction))
        return (
            _own(FALLBACK, "slash", reasons=reasons)
            if _is_silent(prediction)
            else _follow(prediction, "slash", reasons)
        )
    if parse.intent.name == AFFIRM_INTENT and _was_offered(tracker):
        return _own(HANDOFF, "handoff", reasons=("the offer of a person was accepted",))
    if prediction.is_no_user and prediction.action != TWO_STAGE:
        return _follow(prediction, _route_of(tracker, prediction, parse), (_predicted(prediction),))
    return _by_certainty(tracker, prediction, outlook, parse)


def _by_certainty(tracker: Tracker, prediction: Prediction, outlook: Outlook, parse: Parse) -> Decision | NeedsSearch:
    """Rule or story if the intent is certain; else knowledge, what was learned, generator, own fallback, a person."""
    lost = _why_lost(prediction, parse)
    guessed = prediction.policy == LEARNED
    unsure = guessed or parse.intent.confidence < outlook.sure_at
    seen = f"intent {parse.intent.name} at {parse.intent.confidence:.2f}"
    own = _follow(prediction, _route_of(tracker, prediction, parse), (seen, _predicted(prediction)))
    if not outlook.has_knowledge and prediction.action != KNOWLEDGE:
        return _own(FALLBACK, "fallback", reasons=own.reasons) if _is_silent(prediction) else own
    if lost is None and not unsure:
        return own
    doubt = lost or (_predicted(prediction) if guessed else f"{seen} is below {outlook.sure_at:.2f}")
    if outlook.has_knowledge and outlook.evidence is None:
        return NeedsSearch(reason=doubt)
    reasons = (seen, doubt) if lost else (doubt,)
    if outlook.evidence is not None and not outlook.declined:
        rival = None if lost else min(parse.intent.confidence, prediction.confidence)
        found = _by_evidence(outlook.evidence, outlook.has_generator, rival)
        if found is not None:
            return _knowledge(tracker, found[0], outlook.evidence.probability, (*reasons, found[1]))
    return _undecided(tracker, own, prediction, outlook, (*reasons, _declined(outlook)))


def _by_evidence(evidence: Evidence, has_generator: bool, rival: float | None) -> tuple[RouteName, str] | None:
    """Knowledge or generator, with the reason, if the search allows; a rival intent's confidence must be beaten."""
    chance = evidence.probability
    if evidence.answers and (rival is None or chance > rival):
        return "knowledge", f"knowledge {chance:.2f} >= {evidence.answer_at:.2f} (answer)"
    if rival is not None:
        return None
    if evidence.is_torn and evidence.may_draft:
        return "ask", f"knowledge {chance:.2f}, and another passage is as likely"
    if evidence.may_draft and has_generator:
        return "generator", f"knowledge {chance:.2f} >= {evidence.draft_at:.2f} (draft)"
    return ("knowledge", f"knowledge {chance:.2f} is enough to quote") if evidence.may_quote else None


def _ask_or_offer(outlook: Outlook, reasons: tuple[str, ...]) -> Decision:
    """Ask back where passages are near enough for a draft, else offer a person."""
    if outlook.evidence is not None and outlook.evidence.may_draft:
        return _own(KNOWLEDGE, "ask", reasons=(*reasons, "near enough to ask back"))
    return _own(OFFER, "offer", reasons=reasons)


def _undecided(
    tracker: Tracker, own: Decision, prediction: Prediction, outlook: Outlook, reasons: tuple[str, ...]
) -> Decision:
    """Knowledge has nothing: the assistant's own rule, or a form's question again, or asking back, or a person."""
    if _is_silent(prediction) and tracker.active_loop is not None:
        return _own(FALLBACK, "fallback", reasons=reasons)
    nobody_knows = _is_silent(prediction) or (prediction.is_fallback and tracker.active_loop is None)
    if prediction.action != KNOWLEDGE and not nobody_knows:
        return replace(own, reasons=(*reasons, *own.reasons[1:]))
    return _ask_or_offer(outlook, (*reasons, "no rule or story applies"))


def _continue(tracker: Tracker, prediction: Prediction, outlook: Outlook) -> Decision:
    """A later step of a turn: the policies go on, but no fallback is added to an answer or an apology."""
    if prediction.action == KNOWLEDGE and outlook.declined:
        return _ask_or_offer(outlook, (_predicted(prediction), _declined(outlook)))
    answered = tracker.latest_action_name in (KNOWLEDGE, OFFER, HANDOFF, RESUME)
    lenient = outlook.learns or outlook.has_knowledge
    enough = answered or outlook.failed or (lenient and _has_spoken(tracker))
    if not (prediction.is_fallback and enough):
        return _follow(prediction, None, ())
    loop = tracker.active_loop
    return _own(loop.name if answered and loop is not None else LISTEN)  # a form asks its question again


def _own(
    action: str, route: RouteName | None = None, *, confidence: float = 1.0, reasons: tuple[str, ...] = ()
) -> Decision:
    """A decision that is not the policies'. Policies do not see its turn, so that stories go on around it."""
    return Decision(
        action=action,
        policy="route",
        confidence=confidence,
        route=route,
        reasons=reasons,
        hide_rule_turn=True,
    )


def _follow(prediction: Prediction, route: RouteName | None, reasons: tuple[str, ...]) -> Decision:
    return Decision(
        action=prediction.action,
        policy=prediction.policy,
        confidence=prediction.confidence,
        route=route,
        reasons=reasons,
        events=prediction.events,
        hide_rule_turn=prediction.hide_rule_turn,
        is_e2e=prediction.is_e2e,
        chances=prediction.chances,
    )


def _route_of(tracker: Tracker, prediction: Prediction, parse: Parse) -> RouteName:
    loop = tracker.active_loop
    if loop is not None and prediction.action == loop.name != TWO_STAGE:
        return "form"
    if prediction.is_fallback or parse.intent.name == FALLBACK_INTENT:
        return "fallback"
    if "Rule" in prediction.policy:
        return "rule"
    return "story" if "Memoization" in prediction.policy else "policy"


def _why_lost(prediction: Prediction, parse: Parse) -> str | None:
    """Why the policies do not know what to do with a message, if they do not."""
    if prediction.action == KNOWLEDGE:
        return f"{prediction.policy} asks for knowledge"
    if parse.intent.name == FALLBACK_INTENT:
        return "no intent is certain enough"
    if parse.intent.name == OUT_OF_SCOPE_INTENT:
        return "the message is out of scope"
    if prediction.action == UNLIKELY:
        return f"intent {parse.intent.name} is unlikely here"
    return "no rule or story covers it" if prediction.is_fallback or _is_silent(prediction) else None


def _is_silent(prediction: Prediction) -> bool:
    """Whether no policy says anything, as after a custom action has declined: the bot must not keep silent, too."""
    return prediction.action == LISTEN and prediction.confidence == 0.0


def _has_spoken(tracker: Tracker) -> bool:
    """Whether the bot has said something to the last message."""
    for event in reversed(tracker.events):
        if isinstance(event, BotUttered | UserUttered):
            return isinstance(event, BotUttered)
    return False


def _predicted(prediction: Prediction) -> str:
    return f"{prediction.policy} predicts {prediction.action} at {prediction.confidence:.2f}"


def _declined(outlook: Outlook) -> str:
    if outlook.evidence is None:
        return "there is no knowledge"
    if outlook.declined:
        return "no draft was supported by the passages"
    return f"knowledge {outlook.evidence.probability:.2f} is too low"


def _knowledge(tracker: Tracker, route: RouteName, chance: float, reasons: tuple[str, ...]) -> Decision:
    """An answer from knowledge; it also clears up what a two-stage fallback was about to ask."""
    loop = tracker.active_loop
    ends_loop = loop is not None and loop.name == TWO_STAGE
    decision = _own(KNOWLEDGE, route, confidence=chance, reasons=reasons)
    return replace(decision, events=(ActiveLoop(name=None),)) if ends_loop else decision


def _was_offered(tracker: Tracker) -> bool:
    """Whether the last thing the bot did before this message was to offer a person."""
    for event in reversed(tracker.events):
        if isinstance(event, ActionExecuted) and event.name != LISTEN:
            return event.name == OFFER
    return False

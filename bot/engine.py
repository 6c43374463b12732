"""One turn: something happens to a conversation, and this is what follows. Keeps nothing between turns.

``Engine.handle`` is pure but for what it calls through the ports: the same inbound and the same tracker lead to the
same decisions, so that a turn that a crash cut off can simply be run again.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Protocol

from bot.actions import builtin
from bot.actions.hear import asked_for, channel_of, external, last_heard, listed, uttered
from bot.actions.knowledge import evidence_of, search
from bot.actions.run import is_text, perform
from bot.actions.scene import Means, Scene
from bot.actions.speaker import DomainSpeaker, Speaker
from bot.actions.turn import Turn
from bot.actions.utterance import reply_of
from bot.dialogue.domain import SESSION_METADATA_SLOT, Domain
from bot.dialogue.errors import BadEvent
from bot.dialogue.event_json import from_json, parse_from_json
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    AgentUttered,
    BotUttered,
    Event,
    ReminderCancelled,
    ReminderScheduled,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from bot.dialogue.parse import IntentScore, Json, Parse
from bot.dialogue.policies.ensemble import LEARNED_POLICIES
from bot.dialogue.policies.prediction import Prediction
from bot.dialogue.project import Project
from bot.dialogue.reminders import definite
from bot.dialogue.route import DEFAULT_SURE_AT, KNOWLEDGE, RESUME, Decision, NeedsSearch, Outlook, decide
from bot.dialogue.situation import LISTEN
from bot.dialogue.slash import command, parse_slash
from bot.dialogue.tracker import Tracker
from bot.errors import ActionError, ActionRejected
from bot.messages import Inbound
from bot.ports import ActionServer, Clock, Models, Partial, TurnResult

MAX_ACTIONS = 10
SESSION_START = "action_session_start"
EXTRACT_SLOTS = "action_extract_slots"

logger = logging.getLogger(__name__)


class Predictor(Protocol):
    """The policies of a release."""

    def predict(self, tracker: Tracker) -> Prediction:
        """The next action of a conversation."""
        ...


class Engine:
    """Everything a release needs to take turns. One engine serves all conversations at once."""

    def __init__(
        self,
        *,
        project: Project,
        policies: Predictor,
        models: Models,
        actions: ActionServer | None,
        clock: Clock,
        speaker: Speaker | None = None,
    ) -> None:
        self._domain = project.domain
        self._policies = policies
        self._models = models
        self._clock = clock
        policies_named = {component.name for component in project.config.policies}
        self._learns = not policies_named or not policies_named.isdisjoint(LEARNED_POLICIES)
        self._sure_at = _number(project.config.kefu.get("sure_at"), DEFAULT_SURE_AT)
        self._means = Means(
            domain=project.domain,
            language=project.config.language,
            models=models,
            speaker=speaker or DomainSpeaker(),
            server=actions,
            filters=_mapping(project.config.kefu.get("filters")),
        )

    @property
    def domain(self) -> Domain:
        """The domain that this release's trackers are folded with."""
        return self._domain

    async def handle(self, inbound: Inbound, tracker: Tracker, *, partial: Partial | None = None) -> TurnResult:
        """Run one turn and return what it adds to the conversation; ``tracker`` stays as it is.

        Never raises for what goes wrong inside: the customer gets an apology, and the record says why.
        """
        scene = self.scene(inbound, tracker, partial=partial)
        turn = scene.turn
        with turn.timed("total"):
            try:
                after = await self._take(inbound, scene)
            except Exception as exc:  # the turn boundary: whatever broke, the message is kept and answered
                logger.exception("turn %s of %s broke down", turn.event_id, turn.conversation_id)
                turn.note_failure("turn", "turn_failed", f"{type(exc).__name__}: {exc}")
                after = await self._break_off(inbound, scene)
        return self._result(inbound, tracker, after)

    async def _take(self, inbound: Inbound, scene: Scene) -> Scene:
        match inbound.kind:
            case "message":
                after = await self._answer(inbound, scene)
            case "intent":
                after = await self._trigger(inbound, asked_for(inbound, scene.turn), scene)
            case "reminder":
                after = await self._remind(inbound, scene)
            case "agent":
                scene.turn.route = "agent"
                after = self._add(scene, AgentUttered(text=inbound.text, metadata=inbound.metadata))
            case "resume":
                after = await self._resume(scene)
            case "events":
                after = await self._append(inbound, scene)
            case "log":
                after = await self._log(inbound, scene)
            case "action":
                after = await self._execute(inbound, scene)
            case "feedback":
                after = _note_feedback(inbound, scene)
        return after

    async def _answer(self, inbound: Inbound, scene: Scene) -> Scene:
        """A customer's message."""
        scene = await self._begin_session(inbound, scene)
        return await self._follow(inbound, await self.understand(inbound, scene), scene)

    async def _trigger(self, inbound: Inbound, parse: Parse, scene: Scene) -> Scene:
        """An intent that something else than the customer gives: a program, a reminder."""
        return await self._follow(inbound, parse, await self._begin_session(inbound, scene))

    async def _follow(self, inbound: Inbound, parse: Parse, scene: Scene) -> Scene:
        """What follows from what was said, unless a person has the conversation."""
        scene = self._hear(inbound, parse, scene)
        if scene.tracker.paused and not _wakes(parse):
            scene.turn.route = "paused"
            scene.turn.reasons.append("a person has the conversation")
            return await self._fill_slots(scene, silently=True)
        scene = await self._fill_slots(scene)
        return await self._act_until_listening(scene)

    async def _remind(self, inbound: Inbound, scene: Scene) -> Scene:
        """A reminder is due. Whether it still stands, the conversation knows: the alarm may have gone off before."""
        alarm = inbound.metadata.get("number"), inbound.metadata.get("due_ms")
        reminder = next((each for each in scene.tracker.reminders if (each.number, each.due_ms) == alarm), None)
        if reminder is None:
            scene.turn.route = "reminder"
            scene.turn.reasons.append("the reminder was called off before its turn")
            return scene
        scene = self._add(scene, ReminderCancelled(name=reminder.event.name))
        scene.turn.kept = scene.tracker
        return await self._trigger(inbound, external(reminder.event.intent, reminder.event.entities), scene)

    async def _resume(self, scene: Scene) -> Scene:
        """A person gives the conversation back."""
        scene.turn.route = "resume"
        if not scene.tracker.paused:
            scene.turn.reasons.append("the conversation was not paused")
            return scene
        return self._listen(await self._run(Decision(action=RESUME, policy="route", confidence=1.0), scene))

    async def _append(self, inbound: Inbound, scene: Scene) -> Scene:
        """Events from outside, in order; one that cannot be read stops none of the others.

        A new conversation begins with a session of its own, unless the events bring one or stand for all of it.
        """
        events: list[Event] = []
        for obj in listed(inbound.metadata.get("events")):
            try:
                events.append(from_json(obj))
            except BadEvent as exc:
                scene.turn.note_failure("events", exc.code, str(exc))
        if not (inbound.replaces or scene.tracker.events or _brings_session(events)):
            scene = await self._begin_session(inbound, scene)
        scene.turn.route = "events"
        return self._add(scene, *events, keep_time=True)

    async def _log(self, inbound: Inbound, scene: Scene) -> Scene:
        """A customer's message that something else answers: heard and its slots filled, no more."""
        scene = await self._begin_session(inbound, scene)
        given = inbound.metadata.get("parse_data")
        if isinstance(given, Mapping):
            parse = parse_from_json(given, text=inbound.text)
        else:
            parse = await self.understand(inbound, scene)
        scene.turn.route = "log"
        return await self._fill_slots(self._hear(replace(inbound, metadata={}), parse, scene))

    async def _execute(self, inbound: Inbound, scene: Scene) -> Scene:
        """An action that an operator names; no policy is asked."""
        scene = await self._begin_session(inbound, scene)
        name, policy = str(inbound.metadata.get("name", "")), inbound.metadata.get("policy")
        confidence = _number(inbound.metadata.get("confidence"), 0.0)
        scene.turn.route = "action"
        decision = Decision(action=name, policy=policy if isinstance(policy, str) else None, confidence=confidence)
        return await self._run(decision, scene)

    async def predict(self, tracker: Tracker) -> Decision:
        """What the bot would do next in a conversation; nothing is done."""
        asked = Inbound(conversation_id=tracker.conversation_id, channel="", event_id="", sender_id="")
        return await self.decide(self.scene(asked, tracker))

    def scene(self, inbound: Inbound, tracker: Tracker, *, partial: Partial | None = None) -> Scene:
        """Where a turn begins. ``handle`` does the rest; who looks on goes by ``hear``, ``decide`` and ``act``."""
        turn = Turn.of(replace(inbound, channel=channel_of(inbound, tracker)), partial)
        return Scene(means=self._means, turn=turn, tracker=tracker)

    async def hear(self, inbound: Inbound, parse: Parse, scene: Scene) -> Scene:
        """A customer's message, understood as ``parse`` says, with the slots that it fills."""
        scene = await self._begin_session(inbound, scene)
        return await self._fill_slots(self._hear(inbound, parse, scene))

    async def act(self, decision: Decision, scene: Scene) -> Scene:
        """Do what was decided. Whatever becomes of it, there is an event and an entry in the record."""
        if decision.is_e2e:
            scene = await self._fill_slots(scene)
        return await self._run(decision, scene)

    async def _begin_session(self, inbound: Inbound, scene: Scene) -> Scene:
        """Start a session in a new conversation, or when the last one has expired."""
        if not self._needs_session(scene.tracker):
            return scene
        if inbound.kind == "message" and inbound.metadata:
            scene = self._add(scene, SlotSet(name=SESSION_METADATA_SLOT, value=dict(inbound.metadata)))
        try:
            events = await perform(scene, SESSION_START)
        except ActionError as exc:
            scene.turn.note_failure(SESSION_START, exc.code, str(exc))
            events = await builtin.session_start(scene)
        scene = self._listen(self._add(scene, ActionExecuted(name=SESSION_START, confidence=1.0), *events))
        scene.turn.kept = scene.tracker
        return scene

    def _needs_session(self, tracker: Tracker) -> bool:
        if tracker.latest_message is None:
            return tracker.is_blank
        expires_after_s = self._domain.session_config.session_expiration_time * 60
        return 0 < expires_after_s < self._clock.now() - last_heard(tracker)

    async def understand(self, inbound: Inbound, scene: Scene) -> Parse:
        """Intent and entities: those that a slash message names, else those that the model finds."""
        with scene.turn.timed("parse"):
            return parse_slash(inbound.text, self._domain) or await self._models.parse(
                inbound.text, at_s=inbound.received_at or self._clock.now()
            )

    def _hear(self, inbound: Inbound, parse: Parse, scene: Scene) -> Scene:
        scene = self._listen(scene)
        scene = self._add(scene, uttered(inbound, parse, scene.tracker))
        scene.turn.heard, scene.turn.kept = parse, scene.tracker
        return scene

    async def _fill_slots(self, scene: Scene, *, silently: bool = False) -> Scene:
        """Fill slots from the message. ``silently``: without what an action says of it, for a person is speaking."""
        with scene.turn.timed("slots"):
            events = await perform(scene, EXTRACT_SLOTS)
        return self._add(scene, *(event for event in events if not (silently and isinstance(event, BotUttered))))

    async def _act_until_listening(self, scene: Scene) -> Scene:
        """Decide and act until the bot waits for the customer, at most ``MAX_ACTIONS`` times.

        As in Rasa, an action that declines does not count; twice as many decisions are the end of it all the same.
        """
        for _ in range(2 * MAX_ACTIONS):
            if scene.tracker.paused and scene.tracker.latest_action_name != LISTEN:
                return self._listen(scene)
            decision = await self.decide(scene)
            if decision.action != LISTEN and _acted(scene.tracker) >= MAX_ACTIONS:
                break
            scene = await self.act(decision, scene)
            if decision.action in (LISTEN, SESSION_START):
                return self._listen(scene)
        return await self._stop(scene)

    async def decide(self, scene: Scene) -> Decision:
        """The next action; searches only where that may change it."""
        prediction = self._policies.predict(scene.tracker)
        decision = decide(scene.tracker, prediction, self._outlook(scene.turn))
        if isinstance(decision, NeedsSearch):
            await search(scene)
            decision = decide(scene.tracker, prediction, self._outlook(scene.turn))
        assert isinstance(decision, Decision), "a search is asked for once"
        if decision.route is not None:
            scene.turn.route = decision.route
            scene.turn.reasons += (why for why in decision.reasons if why not in scene.turn.reasons)
        return decision

    def _outlook(self, turn: Turn) -> Outlook:
        return Outlook(
            has_knowledge=self._models.has_knowledge,
            has_generator=self._models.has_generator,
            evidence=evidence_of(turn.search),
            declined=turn.declined,
            failed=turn.failed,
            sure_at=self._sure_at,
            learns=self._learns,
        )

    async def _run(self, decision: Decision, scene: Scene) -> Scene:
        turn, started = scene.turn, perf_counter()
        error: ActionError | None = None
        prepared = self._add(scene, *decision.events)
        try:
            events = await perform(prepared, decision.action)
        except ActionError as exc:
            error, events = exc, []
        turn.note_action(decision.action, decision.policy, decision.confidence, perf_counter() - started, error)
        if isinstance(error, ActionRejected):
            return self._add(scene, _rejected(decision))
        if error is not None:
            return await self._apologise(self._add(prepared, self._executed(decision)))
        if decision.action == KNOWLEDGE and not events:
            turn.declined = True
            return scene
        if any(isinstance(event, ActionExecutionRejected) for event in events):
            return self._add(scene, *events)
        after = self._add(prepared, self._executed(decision), *events)
        said_again = any(isinstance(event, UserUttered) for event in events)
        return await self._fill_slots(after) if said_again else after

    def _executed(self, decision: Decision) -> ActionExecuted:
        text = decision.action if is_text(decision.action, self._domain) else None
        return ActionExecuted(
            name=None if text else decision.action,
            action_text=text,
            policy=decision.policy,
            confidence=decision.confidence,
            hide_rule_turn=decision.hide_rule_turn,
        )

    async def _apologise(self, scene: Scene) -> Scene:
        """Say once a turn that something failed; the policies then go on."""
        if scene.turn.failed:
            return scene
        scene.turn.failed = True
        return self._add(scene, *await builtin.apology(scene))

    async def _stop(self, scene: Scene) -> Scene:
        """The turn has run too long: end it, and leave a clear trace."""
        turn = scene.turn
        turn.note_failure("turn", "action_limit", f"no action_listen after {MAX_ACTIONS} actions")
        turn.reasons.append(f"stopped after {MAX_ACTIONS} actions")
        before = len(turn.kept.events) if turn.kept else 0
        if not any(isinstance(event, BotUttered) for event in scene.tracker.events[before:]):
            scene = await self._apologise(scene)
        return self._listen(scene)

    async def _break_off(self, inbound: Inbound, scene: Scene) -> Scene:
        """Keep the message and apologise, whatever else of the turn is lost."""
        turn = scene.turn
        turn.route = "error"
        scene = scene.at(turn.kept or scene.tracker)
        if turn.heard is None and inbound.kind in ("message", "log"):
            unread = Parse(text=inbound.text, intent=IntentScore(name="", confidence=0.0))
            scene = self._hear(inbound, unread, scene)
        if inbound.kind not in ("message", "intent"):
            return scene
        return self._add(scene, *await builtin.apology(scene))

    def _listen(self, scene: Scene) -> Scene:
        """See to it that the bot listens: a turn begins and ends there."""
        if scene.tracker.latest_action_name == LISTEN:
            return scene
        return self._add(scene, ActionExecuted(name=LISTEN, policy="route", confidence=1.0))

    def _add(self, scene: Scene, *events: Event, keep_time: bool = False) -> Scene:
        """The scene once these events have happened: now, or with ``keep_time`` when they themselves say."""
        first = len(scene.tracker.events)
        happened: list[Event] = []
        for number, given in enumerate(events, first):
            name = f"{scene.turn.event_id}/{number}"
            event = definite(given, name) if isinstance(given, ReminderScheduled) else given
            happened.append(event if keep_time and event.timestamp else replace(event, timestamp=self._clock.now()))
        return scene.after(happened)

    def _result(self, inbound: Inbound, before: Tracker, after: Scene) -> TurnResult:
        turn, tracker = after.turn, after.tracker
        events = tuple(tracker.events[len(before.events) :])
        said = [event for event in events if isinstance(event, BotUttered | AgentUttered)]
        alarms = _alarms(before, tracker)
        if inbound.kind == "events" and inbound.metadata.get("execute_side_effects") is not True:
            said, alarms = [], {number: due_ms for number, due_ms in alarms.items() if due_ms is None}
        prefix = f"{inbound.conversation_id}/{inbound.event_id}"
        status = None if tracker.paused == before.paused else ("handoff" if tracker.paused else "resumed")
        return TurnResult(
            events=events,
            replies=tuple(reply_of(event, f"{prefix}/{index}") for index, event in enumerate(said)),
            record=turn.record(self._models.release_id),
            status=status,
            alarms=alarms,
        )


def _alarms(before: Tracker, after: Tracker) -> dict[int, int | None]:
    """What the alarm clock has to know of a turn: what it has set, and None for what it has called off."""
    old, new = ({each.number: each.due_ms for each in tracker.reminders} for tracker in (before, after))
    gone = dict.fromkeys(old.keys() - new.keys())
    return gone | {number: due_ms for number, due_ms in new.items() if number not in old}


def _note_feedback(inbound: Inbound, scene: Scene) -> Scene:
    """A thumb: nothing happens in the conversation, the record is all."""
    value, reply_id = inbound.metadata.get("value"), inbound.metadata.get("reply_id")
    scene.turn.route = "feedback"
    scene.turn.reasons += (str(value), str(reply_id))
    return scene


def _acted(tracker: Tracker) -> int:
    """How many actions ran since the bot listened."""
    count = 0
    for event in reversed(tracker.events):
        if isinstance(event, ActionExecuted):
            if event.name in (LISTEN, SESSION_START):
                break
            count += 1
    return count


def _wakes(parse: Parse) -> bool:
    """Whether a message ends a pause: a restart, or the button back to the bot."""
    return parse.intent.name == "restart" or command(parse) == RESUME


def _brings_session(events: Sequence[Event]) -> bool:
    """Whether the events begin with the start of a session, as those of a whole conversation do."""
    match events:
        case [ActionExecuted(name="action_session_start"), SessionStarted(), *_]:
            return True
    return False


def _rejected(decision: Decision) -> ActionExecutionRejected:
    return ActionExecutionRejected(name=decision.action, policy=decision.policy, confidence=decision.confidence)


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Json, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default

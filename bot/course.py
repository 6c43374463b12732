"""The course of a turn: its session, what was heard, the slots, and decisions and actions until the bot listens.

Each step takes a scene and gives the scene after it; the engine says which steps a turn takes.
"""

from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from typing import Protocol

from bot.actions import builtin
from bot.actions.hear import last_heard, uttered
from bot.actions.knowledge import evidence_of, search
from bot.actions.run import is_text, perform
from bot.actions.scene import Means, Scene
from bot.actions.speaker import DomainSpeaker, Speaker
from bot.actions.turn import Turn
from bot.dialogue.domain import SESSION_METADATA_SLOT
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    BotUttered,
    Event,
    ReminderScheduled,
    SlotSet,
    UserUttered,
)
from bot.dialogue.parse import Json, Parse
from bot.dialogue.policies.ensemble import LEARNED_POLICIES
from bot.dialogue.policies.prediction import Prediction
from bot.dialogue.project import Project
from bot.dialogue.reminders import definite
from bot.dialogue.route import DEFAULT_SURE_AT, KNOWLEDGE, Decision, NeedsSearch, Outlook, decide
from bot.dialogue.situation import LISTEN
from bot.dialogue.slash import parse_slash
from bot.dialogue.tracker import Tracker
from bot.errors import ActionError, ActionRejected
from bot.messages import Inbound
from bot.ports import ActionServer, Clock, Models

MAX_ACTIONS = 10
SESSION_START = "action_session_start"
EXTRACT_SLOTS = "action_extract_slots"


class Predictor(Protocol):
    """The policies of a release."""

    def predict(self, tracker: Tracker) -> Prediction:
        """The next action of a conversation."""
        ...


class Course:
    """The steps of one release. ``means`` is what all its scenes share."""

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
        self.means = Means(
            domain=project.domain,
            language=project.config.language,
            models=models,
            speaker=speaker or DomainSpeaker(),
            server=actions,
            filters=_mapping(project.config.kefu.get("filters")),
        )

    async def begin_session(self, inbound: Inbound, scene: Scene) -> Scene:
        """Start a session in a new conversation, or when the last one has expired."""
        if not self._needs_session(scene.tracker):
            return scene
        if inbound.kind == "message" and inbound.metadata:
            scene = self.add(scene, SlotSet(name=SESSION_METADATA_SLOT, value=dict(inbound.metadata)))
        try:
            events = await perform(scene, SESSION_START)
        except ActionError as exc:
            scene.turn.note_failure(SESSION_START, exc.code, str(exc))
            events = await builtin.session_start(scene)
        scene = self.listen(self.add(scene, ActionExecuted(name=SESSION_START, confidence=1.0), *events))
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

    def heard(self, inbound: Inbound, parse: Parse, scene: Scene) -> Scene:
        """The scene once the customer has said what ``parse`` holds."""
        scene = self.listen(scene)
        scene = self.add(scene, uttered(inbound, parse, scene.tracker))
        scene.turn.heard, scene.turn.kept = parse, scene.tracker
        return scene

    async def fill_slots(self, scene: Scene, *, silently: bool = False) -> Scene:
        """Fill slots from the message. ``silently``: without what an action says of it, for a person is speaking."""
        with scene.turn.timed("slots"):
            events = await perform(scene, EXTRACT_SLOTS)
        return self.add(scene, *(event for event in events if not (silently and isinstance(event, BotUttered))))

    async def act_until_listening(self, scene: Scene) -> Scene:
        """Decide and act until the bot waits for the customer, at most ``MAX_ACTIONS`` times.

        As in Rasa, an action that declines does not count; twice as many decisions are the end of it all the same.
        """
        for _ in range(2 * MAX_ACTIONS):
            if scene.tracker.paused and scene.tracker.latest_action_name != LISTEN:
                return self.listen(scene)
            decision = await self.decide(scene)
            if decision.action != LISTEN and _acted(scene.tracker) >= MAX_ACTIONS:
                break
            scene = await self.act(decision, scene)
            if decision.action in (LISTEN, SESSION_START):
                return self.listen(scene)
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

    async def act(self, decision: Decision, scene: Scene) -> Scene:
        """Do what was decided. Whatever becomes of it, there is an event and an entry in the record."""
        if decision.is_e2e:
            scene = await self.fill_slots(scene)
        return await self.run(decision, scene)

    async def run(self, decision: Decision, scene: Scene) -> Scene:
        """Run an action; what goes wrong with it becomes an event or an apology."""
        turn, started = scene.turn, perf_counter()
        error: ActionError | None = None
        prepared = self.add(scene, *decision.events)
        try:
            events = await perform(prepared, decision.action)
        except ActionError as exc:
            error, events = exc, []
        turn.note_action(decision.action, decision.policy, decision.confidence, perf_counter() - started, error)
        if isinstance(error, ActionRejected):
            return self.add(scene, _rejected(decision))
        if error is not None:
            return await self.apologise(self.add(prepared, self._executed(decision)))
        if decision.action == KNOWLEDGE and not events:
            turn.declined = True
            return scene
        if any(isinstance(event, ActionExecutionRejected) for event in events):
            return self.add(scene, *events)
        after = self.add(prepared, self._executed(decision), *events)
        said_again = any(isinstance(event, UserUttered) for event in events)
        return await self.fill_slots(after) if said_again else after

    def _executed(self, decision: Decision) -> ActionExecuted:
        text = decision.action if is_text(decision.action, self._domain) else None
        return ActionExecuted(
            name=None if text else decision.action,
            action_text=text,
            policy=decision.policy,
            confidence=decision.confidence,
            hide_rule_turn=decision.hide_rule_turn,
        )

    async def apologise(self, scene: Scene) -> Scene:
        """Say once a turn that something failed; the policies then go on."""
        if scene.turn.failed:
            return scene
        scene.turn.failed = True
        return self.add(scene, *await builtin.apology(scene))

    async def _stop(self, scene: Scene) -> Scene:
        """The turn has run too long: end it, and leave a clear trace."""
        turn = scene.turn
        turn.note_failure("turn", "action_limit", f"no action_listen after {MAX_ACTIONS} actions")
        turn.reasons.append(f"stopped after {MAX_ACTIONS} actions")
        before = len(turn.kept.events) if turn.kept else 0
        if not any(isinstance(event, BotUttered) for event in scene.tracker.events[before:]):
            scene = await self.apologise(scene)
        return self.listen(scene)

    def listen(self, scene: Scene) -> Scene:
        """See to it that the bot listens: a turn begins and ends there."""
        if scene.tracker.latest_action_name == LISTEN:
            return scene
        return self.add(scene, ActionExecuted(name=LISTEN, policy="route", confidence=1.0))

    def add(self, scene: Scene, *events: Event, keep_time: bool = False) -> Scene:
        """The scene once these events have happened: now, or with ``keep_time`` when they themselves say."""
        first = len(scene.tracker.events)
        happened: list[Event] = []
        for number, given in enumerate(events, first):
            name = f"{scene.turn.event_id}/{number}"
            event = definite(given, name) if isinstance(given, ReminderScheduled) else given
            happened.append(event if keep_time and event.timestamp else replace(event, timestamp=self._clock.now()))
        return scene.after(happened)


def _acted(tracker: Tracker) -> int:
    """How many actions ran since the bot listened."""
    count = 0
    for event in reversed(tracker.events):
        if isinstance(event, ActionExecuted):
            if event.name in (LISTEN, SESSION_START):
                break
            count += 1
    return count


def _rejected(decision: Decision) -> ActionExecutionRejected:
    return ActionExecutionRejected(name=decision.action, policy=decision.policy, confidence=decision.confidence)


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Json, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default

"""One turn: something happens to a conversation, and this is what follows. Keeps nothing between turns.

``Engine.handle`` is pure but for what it calls through the ports: the same inbound and the same tracker lead to the
same decisions, so that a turn that a crash cut off can simply be run again.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.actions import builtin
from bot.actions.hear import asked_for, channel_of, external, listed
from bot.actions.scene import Scene
from bot.actions.speaker import Speaker
from bot.actions.turn import Turn
from bot.actions.utterance import reply_of
from bot.course import Course, Predictor
from bot.dialogue.domain import Domain
from bot.dialogue.errors import BadEvent
from bot.dialogue.event_json import from_json, parse_from_json
from bot.dialogue.events import (
    ActionExecuted,
    AgentUttered,
    BotUttered,
    Event,
    ReminderCancelled,
    SessionStarted,
)
from bot.dialogue.parse import IntentScore, Parse
from bot.dialogue.project import Project
from bot.dialogue.route import RESUME, Decision
from bot.dialogue.slash import command
from bot.dialogue.tracker import Tracker
from bot.messages import Inbound
from bot.ports import ActionServer, Clock, Models, Partial, TurnResult

logger = logging.getLogger(__name__)


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
        self.course = Course(
            project=project, policies=policies, models=models, actions=actions, clock=clock, speaker=speaker
        )
        self._domain = project.domain
        self._models = models

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
                after = self.course.add(scene, AgentUttered(text=inbound.text, metadata=inbound.metadata))
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
        scene = await self.course.begin_session(inbound, scene)
        return await self._follow(inbound, await self.course.understand(inbound, scene), scene)

    async def _trigger(self, inbound: Inbound, parse: Parse, scene: Scene) -> Scene:
        """An intent that something else than the customer gives: a program, a reminder."""
        return await self._follow(inbound, parse, await self.course.begin_session(inbound, scene))

    async def _follow(self, inbound: Inbound, parse: Parse, scene: Scene) -> Scene:
        """What follows from what was said, unless a person has the conversation."""
        scene = self.course.heard(inbound, parse, scene)
        if scene.tracker.paused and not _wakes(parse):
            scene.turn.route = "paused"
            scene.turn.reasons.append("a person has the conversation")
            return await self.course.fill_slots(scene, silently=True)
        scene = await self.course.fill_slots(scene)
        return await self.course.act_until_listening(scene)

    async def _remind(self, inbound: Inbound, scene: Scene) -> Scene:
        """A reminder is due. Whether it still stands, the conversation knows: the alarm may have gone off before."""
        alarm = inbound.metadata.get("number"), inbound.metadata.get("due_ms")
        reminder = next((each for each in scene.tracker.reminders if (each.number, each.due_ms) == alarm), None)
        if reminder is None:
            scene.turn.route = "reminder"
            scene.turn.reasons.append("the reminder was called off before its turn")
            return scene
        scene = self.course.add(scene, ReminderCancelled(name=reminder.event.name))
        scene.turn.kept = scene.tracker
        return await self._trigger(inbound, external(reminder.event.intent, reminder.event.entities), scene)

    async def _resume(self, scene: Scene) -> Scene:
        """A person gives the conversation back."""
        scene.turn.route = "resume"
        if not scene.tracker.paused:
            scene.turn.reasons.append("the conversation was not paused")
            return scene
        return self.course.listen(await self.course.run(Decision(action=RESUME, policy="route", confidence=1.0), scene))

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
            scene = await self.course.begin_session(inbound, scene)
        scene.turn.route = "events"
        return self.course.add(scene, *events, keep_time=True)

    async def _log(self, inbound: Inbound, scene: Scene) -> Scene:
        """A customer's message that something else answers: heard and its slots filled, no more."""
        scene = await self.course.begin_session(inbound, scene)
        given = inbound.metadata.get("parse_data")
        if isinstance(given, Mapping):
            parse = parse_from_json(given, text=inbound.text)
        else:
            parse = await self.course.understand(inbound, scene)
        scene.turn.route = "log"
        return await self.course.fill_slots(self.course.heard(replace(inbound, metadata={}), parse, scene))

    async def _execute(self, inbound: Inbound, scene: Scene) -> Scene:
        """An action that an operator names; no policy is asked."""
        scene = await self.course.begin_session(inbound, scene)
        name, policy = str(inbound.metadata.get("name", "")), inbound.metadata.get("policy")
        given = inbound.metadata.get("confidence")
        confidence = float(given) if isinstance(given, int | float) else 0.0
        scene.turn.route = "action"
        decision = Decision(action=name, policy=policy if isinstance(policy, str) else None, confidence=confidence)
        return await self.course.run(decision, scene)

    async def predict(self, tracker: Tracker) -> Decision:
        """What the bot would do next in a conversation; nothing is done."""
        asked = Inbound(conversation_id=tracker.conversation_id, channel="", event_id="", sender_id="")
        return await self.course.decide(self.scene(asked, tracker))

    def scene(self, inbound: Inbound, tracker: Tracker, *, partial: Partial | None = None) -> Scene:
        """Where a turn begins. ``handle`` does the rest; who looks on goes by ``hear``, ``decide`` and ``act``."""
        turn = Turn.of(replace(inbound, channel=channel_of(inbound, tracker)), partial)
        return Scene(means=self.course.means, turn=turn, tracker=tracker)

    async def hear(self, inbound: Inbound, parse: Parse, scene: Scene) -> Scene:
        """A customer's message, understood as ``parse`` says, with the slots that it fills."""
        scene = await self.course.begin_session(inbound, scene)
        return await self.course.fill_slots(self.course.heard(inbound, parse, scene))

    async def _break_off(self, inbound: Inbound, scene: Scene) -> Scene:
        """Keep the message and apologise, whatever else of the turn is lost."""
        turn = scene.turn
        turn.route = "error"
        scene = scene.at(turn.kept or scene.tracker)
        if turn.heard is None and inbound.kind in ("message", "log"):
            unread = Parse(text=inbound.text, intent=IntentScore(name="", confidence=0.0))
            scene = self.course.heard(inbound, unread, scene)
        if inbound.kind not in ("message", "intent"):
            return scene
        return self.course.add(scene, *await builtin.apology(scene))

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


def _wakes(parse: Parse) -> bool:
    """Whether a message ends a pause: a restart, or the button back to the bot."""
    return parse.intent.name == "restart" or command(parse) == RESUME


def _brings_session(events: Sequence[Event]) -> bool:
    """Whether the events begin with the start of a session, as those of a whole conversation do."""
    match events:
        case [ActionExecuted(name="action_session_start"), SessionStarted(), *_]:
            return True
    return False

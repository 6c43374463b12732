"""What a conversation amounts to at one point, and how one event changes it.

Events count at face value here: taking back and forgetting is the tracker's part.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.dialogue.domain import Domain, Slot
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    AllSlotsReset,
    ConversationPaused,
    ConversationResumed,
    EntitiesAdded,
    Event,
    FollowupAction,
    LoopInterrupted,
    SlotSet,
    UserFeaturization,
    UserUttered,
)
from bot.dialogue.parse import Json, Parse

LISTEN = "action_listen"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopState:
    """The active loop. ``rejected``: it declined to run; ``is_interrupted``: re-asks without validating."""

    name: str
    is_interrupted: bool = False
    rejected: bool = False
    trigger_message: Parse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A state. ``use_text``: whether the last message counts by its text; None while undecided."""

    slots: Mapping[str, Json]
    latest_message: UserUttered | None = None
    use_text: bool | None = None
    latest_action: ActionExecuted | None = None
    active_loop: LoopState | None = None
    paused: bool = False
    followup_action: str | None = LISTEN

    @property
    def latest_action_name(self) -> str | None:
        """The name of the last action, or the text of an end-to-end one."""
        return None if self.latest_action is None else action_label(self.latest_action)


def blank(domain: Domain) -> Situation:
    """The situation of a fresh conversation: every slot at its initial value."""
    return Situation(slots=_initial_slots(domain))


def step(now: Situation, event: Event, domain: Domain) -> Situation:
    """The situation after one event; some (a bot's words, a reminder) change nothing."""
    change = _STEPS.get(type(event))
    return now if change is None else change(now, event, domain)


def action_label(action: ActionExecuted) -> str:
    """The name of an action, or the text of an end-to-end one."""
    return action.name or action.action_text or ""


def _initial_slots(domain: Domain) -> dict[str, Json]:
    return {name: _stored(slot, slot.initial_value) for name, slot in domain.slots.items()}


def _stored(slot: Slot, value: Json) -> Json:
    return [value] if slot.type == "list" and value and not isinstance(value, (list, tuple)) else value


def _user(now: Situation, event: UserUttered, _: Domain) -> Situation:
    # In training data a message has either a text or an intent, and that decides; a real one has both.
    has_intent = bool(event.parse.intent.name)
    use_text = None if bool(event.text) == has_intent else not has_intent
    return replace(now, latest_message=event, use_text=use_text, followup_action=None)


def _action(now: Situation, event: ActionExecuted, _: Domain) -> Situation:
    loop = now.active_loop
    if loop is not None and (loop.is_interrupted or loop.rejected):
        loop = replace(loop, is_interrupted=False, rejected=loop.rejected and event.name != loop.name)
    return replace(now, latest_action=event, active_loop=loop, followup_action=None)


def _slot(now: Situation, event: SlotSet, domain: Domain) -> Situation:
    slot = domain.slots.get(event.name)
    return replace(now, slots={**now.slots, slot.name: _stored(slot, event.value)}) if slot else now


def _all_slots(now: Situation, _event: AllSlotsReset, domain: Domain) -> Situation:
    return replace(now, slots=_initial_slots(domain))


def _loop(now: Situation, event: ActiveLoop, _: Domain) -> Situation:
    trigger = now.latest_message.parse if now.latest_message else None
    return replace(now, active_loop=LoopState(name=event.name, trigger_message=trigger) if event.name else None)


def _interrupted(now: Situation, event: LoopInterrupted, _: Domain) -> Situation:
    loop = now.active_loop
    return replace(now, active_loop=replace(loop, is_interrupted=event.is_interrupted)) if loop else now


def _rejected(now: Situation, event: ActionExecutionRejected, _: Domain) -> Situation:
    loop = now.active_loop
    if loop is not None and loop.name == event.name:
        loop = replace(loop, rejected=True)
    # A follow-up is asked for once: one that declines would else be asked for again, and again decline.
    return replace(now, active_loop=loop, followup_action=None)


def _featurization(now: Situation, event: UserFeaturization, _: Domain) -> Situation:
    if now.latest_action_name != LISTEN:  # it speaks of the message that has just come in
        return now
    return replace(now, use_text=event.use_text_for_featurization)


def _entities(now: Situation, event: EntitiesAdded, _: Domain) -> Situation:
    message = now.latest_message
    if now.latest_action_name != LISTEN or message is None:
        return now
    known = message.parse.entities
    new = tuple(entity for entity in event.entities if entity not in known)
    return replace(now, latest_message=replace(message, parse=replace(message.parse, entities=known + new)))


def _followup(now: Situation, event: FollowupAction, _: Domain) -> Situation:
    return replace(now, followup_action=event.name)


def _paused(now: Situation, _event: ConversationPaused, _: Domain) -> Situation:
    return replace(now, paused=True)


def _resumed(now: Situation, _event: ConversationResumed, _: Domain) -> Situation:
    return replace(now, paused=False)


_STEPS: Mapping[type[Event], Callable[[Situation, Any, Domain], Situation]] = {
    UserUttered: _user,
    ActionExecuted: _action,
    SlotSet: _slot,
    AllSlotsReset: _all_slots,
    ActiveLoop: _loop,
    LoopInterrupted: _interrupted,
    ActionExecutionRejected: _rejected,
    UserFeaturization: _featurization,
    EntitiesAdded: _entities,
    FollowupAction: _followup,
    ConversationPaused: _paused,
    ConversationResumed: _resumed,
}

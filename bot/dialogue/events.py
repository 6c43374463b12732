"""The events a conversation is made of. A tracker is a fold over them; nothing else is ever stored.

Names and fields are those of Rasa 3.x (see ``event_json`` for the wire form); ``timestamp`` is in seconds since
the epoch and is given by the caller, never read from a clock here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.dialogue.parse import Entity, Json, Parse


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    timestamp: float = 0.0
    metadata: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUttered(_Event):
    """The user said something, and this is how it was understood."""

    text: str
    parse: Parse
    input_channel: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BotUttered(_Event):
    """The bot said something; ``data`` holds buttons, image, attachment, quick_replies, elements, custom."""

    text: str | None = None
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentUttered(_Event):
    """A person said something in the bot's place."""

    text: str | None = None
    data: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionExecuted(_Event):
    """An action ran; an end-to-end bot step has ``action_text`` instead of a name."""

    name: str | None = None
    policy: str | None = None
    confidence: float | None = None
    action_text: str | None = None
    hide_rule_turn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionExecutionRejected(_Event):
    """An action declined to run (a form that found nothing it had asked for)."""

    name: str
    policy: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSet(_Event):
    """A slot got a value; None unsets it."""

    name: str
    value: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveLoop(_Event):
    """A form started; None ends it."""

    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopInterrupted(_Event):
    """The active form was interrupted and re-asks without validating."""

    is_interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFeaturization(_Event):
    """Whether the last user message was used by its text (True) or by its intent."""

    use_text_for_featurization: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitiesAdded(_Event):
    """Entities that a policy extracted from the last user message."""

    entities: tuple[Entity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowupAction(_Event):
    """The next action is fixed."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderScheduled(_Event):
    """An intent is to be triggered later; ``date_time`` is ISO 8601."""

    name: str
    intent: str
    entities: tuple[Entity, ...] = ()
    date_time: str = ""
    kill_on_user_msg: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderCancelled(_Event):
    """Reminders that match every given field are dropped; no field given drops all."""

    name: str | None = None
    intent: str | None = None
    entities: tuple[Entity, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(_Event):
    """A session began; what was before is no longer applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted(_Event):
    """The conversation was restarted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUtteranceReverted(_Event):
    """The last user message and the action before it are taken back (``rewind``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReverted(_Event):
    """The last action and what followed are taken back (``undo``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllSlotsReset(_Event):
    """Every slot returns to its initial value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationPaused(_Event):
    """The bot keeps silent until it is resumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationResumed(_Event):
    """The bot may speak again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryExported(_Event):
    """Kept for the wire form only (``export``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(_Event):
    """The session was closed by an action (newer SDKs)."""


Event: TypeAlias = (
    UserUttered
    | BotUttered
    | AgentUttered
    | ActionExecuted
    | ActionExecutionRejected
    | SlotSet
    | ActiveLoop
    | LoopInterrupted
    | UserFeaturization
    | EntitiesAdded
    | FollowupAction
    | ReminderScheduled
    | ReminderCancelled
    | SessionStarted
    | Restarted
    | UserUtteranceReverted
    | ActionReverted
    | AllSlotsReset
    | ConversationPaused
    | ConversationResumed
    | StoryExported
    | SessionEnded
)

"""The domain of an assistant as frozen values: intents, entities, slots, responses, actions, forms.

Knows neither the YAML it came from (``domain_file``) nor how a tracker uses it. Field names are Rasa's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from bot.dialogue.parse import Json

DEFAULT_INTENTS = ("restart", "back", "out_of_scope", "session_start", "nlu_fallback")
DEFAULT_ACTIONS = (
    "action_listen",
    "action_restart",
    "action_session_start",
    "action_default_fallback",
    "action_deactivate_loop",
    "action_revert_fallback_events",
    "action_default_ask_affirmation",
    "action_default_ask_rephrase",
    "action_two_stage_fallback",
    "action_unlikely_intent",
    "action_back",
    "action_send_text",
    "action_extract_slots",
)
KEFU_ACTIONS = ("action_knowledge", "action_offer_person", "action_handoff", "action_resume")
REQUESTED_SLOT = "requested_slot"
SESSION_METADATA_SLOT = "session_started_metadata"
KNOWLEDGE_BASE_SLOTS = (
    "knowledge_base_listed_objects",
    "knowledge_base_last_object",
    "knowledge_base_last_object_type",
)
AUTOMATIC_SLOTS = (REQUESTED_SLOT, SESSION_METADATA_SLOT, *KNOWLEDGE_BASE_SLOTS)
"""Slots that no mapping fills, even where a domain lists them with one."""

SlotType = Literal["text", "bool", "float", "list", "categorical", "any"]
MappingType = Literal["from_entity", "from_intent", "from_trigger_intent", "from_text", "custom"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingCondition:
    """Holds where ``active_loop`` is the active loop (None: no loop) and, if given, that slot is asked for."""

    active_loop: str | None
    requested_slot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotMapping:
    """One way in which a slot is filled after a user message."""

    type: MappingType
    entity: str | None = None
    role: str | None = None
    group: str | None = None
    intent: tuple[str, ...] = ()
    not_intent: tuple[str, ...] = ()
    value: Json = None
    action: str | None = None
    conditions: tuple[MappingCondition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A slot; ``values`` for categorical, ``min_value`` and ``max_value`` for float."""

    name: str
    type: SlotType
    initial_value: Json = None
    influence_conversation: bool = True
    mappings: tuple[SlotMapping, ...] = ()
    values: tuple[str, ...] = ()
    min_value: float = 0.0
    max_value: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitySpec:
    """An entity type with its roles and groups."""

    name: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    influence_conversation: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentSpec:
    """An intent; ``used_entities`` are the labels (``city``, ``city#from``) that policies see with it."""

    name: str
    used_entities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseCondition:
    """A slot value under which a variation may be chosen."""

    slot: str
    value: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseVariation:
    """One variation of a response. ``conditions`` None means unconditional; an empty tuple is never chosen."""

    text: str | None = None
    image: str | None = None
    buttons: tuple[Mapping[str, Json], ...] = ()
    quick_replies: tuple[Mapping[str, Json], ...] = ()
    attachment: Json = None
    elements: tuple[Mapping[str, Json], ...] = ()
    custom: Json = None
    button_type: str | None = None
    channel: str | None = None
    conditions: tuple[ResponseCondition, ...] | None = None
    metadata: Json = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form: the slots it asks for, in order, and the intents that must not fill them."""

    name: str
    required_slots: tuple[str, ...] = ()
    ignored_intents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """``session_expiration_time`` in minutes, 0 for never."""

    session_expiration_time: float = 60.0
    carry_over_slots_to_new_session: bool = True


@dataclass(frozen=True, kw_only=True)
class Domain:
    """Everything a dialogue may be about. Order of slots and actions is the order of the files.

    ``actions`` are the custom ones as listed; ``action_names`` adds defaults, responses, forms and end-to-end texts.
    """

    intents: Mapping[str, IntentSpec] = field(default_factory=dict)
    entities: Mapping[str, EntitySpec] = field(default_factory=dict)
    slots: Mapping[str, Slot] = field(default_factory=dict)
    responses: Mapping[str, tuple[ResponseVariation, ...]] = field(default_factory=dict)
    actions: tuple[str, ...] = ()
    actions_with_domain: tuple[str, ...] = ()
    forms: Mapping[str, Form] = field(default_factory=dict)
    e2e_actions: tuple[str, ...] = ()
    session_config: SessionConfig = field(default_factory=SessionConfig)
    store_entities_as_slots: bool = True
    source: Mapping[str, Json] = field(default_factory=dict)
    """The merged YAML as JSON: what an action server is sent."""

    @cached_property
    def action_names(self) -> tuple[str, ...]:
        """Every action that can be predicted, in Rasa's order; a name that is listed twice counts once."""
        retrieval = (name.split("/", 1)[0] for name in self.responses if "/" in name)
        names = (
            *DEFAULT_ACTIONS,
            *KEFU_ACTIONS,
            *self.actions,
            *(name for name in self.responses if "/" not in name),
            *retrieval,
            *self.forms,
            *self.e2e_actions,
        )
        return tuple(dict.fromkeys(names))

"""An assistant as one frozen value: what its folder says, checked, with no trace of the disk.

The parsers beside this module fill it in (``domain_file``, ``nlu_file``, ``story_file``, ``config_file``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bot.dialogue.domain import Domain
from bot.dialogue.parse import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file of the assistant: its path relative to the folder, with ``/``, and its text."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a file, counted from 1."""

    path: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityAnnotation:
    """An annotated span of an example; ``value`` is None where it equals the text of the span."""

    start: int
    end: int
    entity: str
    value: str | None = None
    role: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NluExample:
    """One training message. ``intent`` is the full label (``faq/ask_hours`` for a retrieval intent)."""

    text: str
    intent: str
    entities: tuple[EntityAnnotation, ...] = ()
    metadata: Json = None
    path: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NluData:
    """All that NLU learns from. ``synonyms`` maps a lower-cased text to its value."""

    examples: tuple[NluExample, ...] = ()
    synonyms: Mapping[str, str] = field(default_factory=dict)
    regexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lookups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserStep:
    """A user turn. ``text`` alone is an end-to-end step; in a test story ``text`` is annotated and parsed."""

    intent: str | None = None
    text: str | None = None
    entities: tuple["StepEntity", ...] = ()
    annotations: tuple[EntityAnnotation, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntity:
    """An entity that a story's user turn carries; ``value`` None means any."""

    entity: str
    value: Json = None
    role: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionStep:
    """A bot action by name."""

    name: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BotStep:
    """An end-to-end bot turn by its text."""

    text: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotStep:
    """A slot is set. ``any_value``: the bare name was given, so any set value counts."""

    name: str
    value: Json = None
    any_value: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopStep:
    """A loop becomes active, or with None ends."""

    name: str | None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointStep:
    """A named joint between stories; ``conditions`` are slots that must hold."""

    name: str
    conditions: tuple[SlotStep, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrStep:
    """Alternatives: the story stands once for each."""

    options: tuple["UserStep | SlotStep", ...]
    line: int = 0


Step: TypeAlias = UserStep | ActionStep | BotStep | SlotStep | LoopStep | CheckpointStep | OrStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A story, a rule or a test story, with the place it stands at."""

    name: str
    steps: tuple[Step, ...]
    kind: Literal["story", "rule", "test"] = "story"
    condition: tuple[SlotStep | LoopStep, ...] = ()
    conversation_start: bool = False
    wait_for_user_input: bool = True
    path: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """An entry of ``pipeline`` or ``policies``: its name and its own keys."""

    name: str
    options: Mapping[str, Json] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """``config.yml``. ``kefu`` holds our own section (encoder, generator, knowledge, thresholds)."""

    language: str = "en"
    assistant_id: str | None = None
    pipeline: tuple[Component, ...] = ()
    policies: tuple[Component, ...] = ()
    kefu: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A server the bot calls (``action_endpoint``, ``nlg``)."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    basic_auth: tuple[str, str] | None = None
    token: str | None = None
    token_name: str = "token"
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The whole assistant. ``notices`` are remarks that stop nothing, ready to print (``file:line: ...``).

    ``places`` says where the domain defines something: its keys are "intent greet", "slot city", "form order", ...
    """

    domain: Domain = field(default_factory=Domain)
    nlu: NluData = field(default_factory=NluData)
    stories: tuple[Story, ...] = ()
    rules: tuple[Story, ...] = ()
    tests: tuple[Story, ...] = ()
    config: Config = field(default_factory=Config)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    credentials: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)

"""The wire form of events and parses: Rasa 3.x JSON, as action servers, trackers and stores exchange it.

Reading is lenient about absent fields (an action server leaves most out; an absent ``timestamp`` reads as
0.0, which the caller fills in) and strict about what is there: BadEvent says which field of which event is
wrong. Writing is total, and what is written reads back as the same value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.dialogue import events as ev
from bot.dialogue.errors import BadEvent
from bot.dialogue.events import Event
from bot.dialogue.parse import Entity, IntentScore, Json, Parse
from bot.dialogue.reminders import read_date_time

RANKING_LENGTH = 10


def to_json(event: Event) -> dict[str, Json]:
    """The event as Rasa writes it: ``event``, ``timestamp``, its own fields, and ``metadata`` if any."""
    wire = _WIRE_OF[type(event)]
    out: dict[str, Json] = {"event": wire.name, "timestamp": event.timestamp}
    for item in wire.fields:
        out[item.key] = item.write(getattr(event, item.attribute))
    if event.metadata or wire.cls in _ALWAYS_WITH_METADATA:
        out["metadata"] = event.metadata
    if isinstance(event, ev.UserUttered):
        out["parse_data"] = {
            **parse_to_json(event.parse),
            "message_id": event.message_id,
        }
    return out


def from_json(obj: object) -> Event:
    """Read one event. Legacy names (``form``, ``form_validation``) give their successors.

    Raises:
        BadEvent: it is no object, its type is unknown, or a field is missing or of a wrong type.
    """
    if not isinstance(obj, Mapping):
        raise BadEvent(f"an event is a JSON object, not {type(obj).__name__}")
    name = obj.get("event")
    match name:
        case "form":
            return _read(_WIRES["active_loop"], obj)
        case "form_validation":
            validate = _flag(obj.get("validate"), default=True)
            return _read(_WIRES["loop_interrupted"], {**obj, "is_interrupted": not validate})
        case str() if name in _WIRES:
            return _read(_WIRES[name], obj)
    raise BadEvent(f"unknown event type {name!r}; known are {', '.join(sorted(_WIRES))}")


def parse_to_json(parse: Parse) -> dict[str, Json]:
    """A parse as ``/model/parse`` answers and ``parse_data`` holds it."""
    return {
        "text": parse.text,
        "intent": _score_to_json(parse.intent),
        "entities": _entities_to_json(parse.entities),
        "intent_ranking": [_score_to_json(score) for score in parse.ranking],
        "response_selector": _selector_to_json(parse),
        "metadata": parse.metadata,
    }


def parse_from_json(obj: Mapping[str, Any], *, text: str = "") -> Parse:
    """Read ``parse_data``; ``text`` is used where it has none itself. Raises BadEvent."""
    intent = _score(obj.get("intent") or {})
    return Parse(
        text=_text_or(obj.get("text"), text),
        intent=intent,
        ranking=tuple(_score(item) for item in _list(obj.get("intent_ranking"))),
        entities=_entities(obj.get("entities")),
        response_key=_response_key(obj.get("response_selector"), intent.name),
        metadata=_object(obj.get("metadata")),
    )


def entity_to_json(entity: Entity) -> dict[str, Json]:
    """One entity; absent parts are left out. Rasa calls the confidence of a system entity just that."""
    out: dict[str, Json] = {"entity": entity.entity, "value": entity.value}
    optional: Mapping[str, Json] = {
        "start": entity.start,
        "end": entity.end,
        "text": entity.text,
        "confidence_entity" if entity.additional_info is None else "confidence": entity.confidence,
        "additional_info": entity.additional_info,
        "role": entity.role,
        "group": entity.group,
        "extractor": entity.extractor,
        "processors": list(entity.processors) or None,
    }
    return out | {key: value for key, value in optional.items() if value is not None}


def entity_from_json(obj: object) -> Entity:
    """Read one entity. Raises BadEvent."""
    fields = _object(obj)
    info = fields.get("additional_info")
    return Entity(
        entity=_text(fields.get("entity")),
        value=fields.get("value"),
        start=_optional_int(fields.get("start")),
        end=_optional_int(fields.get("end")),
        confidence=_optional_number(fields.get("confidence_entity" if info is None else "confidence")),
        role=_optional_text(fields.get("role")),
        group=_optional_text(fields.get("group")),
        extractor=_optional_text(fields.get("extractor")),
        processors=tuple(_text(name) for name in _list(fields.get("processors"))),
        text=_optional_text(fields.get("text")),
        additional_info=None if info is None else _object(info),
    )


# --- readers of one value: each takes JSON and raises ValueError with what was expected ---


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"expected a text, got {value!r}")


def _text_or(value: object, default: str) -> str:
    return default if value is None else _text(value)


def _optional_text(value: object) -> str | None:
    return None if value is None else _text(value)


def _number(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"expected a number, got {value!r}")


def _optional_number(value: object) -> float | None:
    return None if value is None else _number(value)


def _optional_int(value: object) -> int | None:
    return None if value is None else int(_number(value))


def _flag(value: object, *, default: bool = False) -> bool:
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    raise ValueError(f"expected true or false, got {value!r}")


def _flag_true(value: object) -> bool:
    return _flag(value, default=True)


def _object(value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return value
    raise ValueError(f"expected an object, got {value!r}")


def _list(value: object) -> Sequence[object]:
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        return value
    raise ValueError(f"expected a list, got {value!r}")


def _any(value: object) -> object:
    return value


def _score(value: object) -> IntentScore:
    fields = _object(value)
    return IntentScore(name=_text_or(fields.get("name"), ""), confidence=_number(fields.get("confidence", 0.0) or 0.0))


def _entities(value: object) -> tuple[Entity, ...]:
    return tuple(entity_from_json(item) for item in _list(value))


def given_entities(value: object) -> tuple[Entity, ...]:
    """Entities that a program gives: a list of them, or in short ``{name: value}``. Raises ValueError."""
    if isinstance(value, Mapping):
        return tuple(Entity(entity=str(name), value=given) for name, given in value.items())
    return _entities(value)


def _optional_entities(value: object) -> tuple[Entity, ...] | None:
    return None if value is None else given_entities(value)


def _date_time(value: object) -> str:
    text = _text(value)
    read_date_time(text)
    return text


def _response_key(selectors: object, intent: str) -> str | None:
    """The key chosen by the selector of this intent, or by the one for all, if it belongs to this intent."""
    by_name = _object(selectors)
    base = intent.split("/", 1)[0]
    for name in (base, "default"):
        response = _object(_object(by_name.get(name)).get("response"))
        full = _text_or(response.get("intent_response_key"), "")
        if full.startswith(base + "/"):
            return full.removeprefix(base + "/")
    return None


def _score_to_json(score: IntentScore) -> dict[str, Json]:
    return {"name": score.name or None, "confidence": score.confidence}


def _entities_to_json(entities: Sequence[Entity] | None) -> Json:
    return None if entities is None else [entity_to_json(entity) for entity in entities]


def _selector_to_json(parse: Parse) -> dict[str, Json]:
    if parse.response_key is None:
        return {}
    base = parse.intent.name.split("/", 1)[0]
    full = f"{base}/{parse.response_key}"
    return {
        "all_retrieval_intents": [base],
        base: {
            "response": {
                "intent_response_key": full,
                "utter_action": f"utter_{full}",
                "confidence": parse.intent.confidence,
            },
            "ranking": [],
        },
    }


# --- the table of events ---


@dataclass(frozen=True, slots=True)
class _Field:
    key: str
    read: Callable[[object], object]
    attribute: str
    write: Callable[[Any], Json]


def _field(
    key: str,
    read: Callable[[object], object],
    *,
    attribute: str | None = None,
    write: Callable[[Any], Json] = lambda value: value,
) -> _Field:
    return _Field(key=key, read=read, attribute=attribute or key, write=write)


@dataclass(frozen=True, slots=True)
class _Wire:
    name: str
    cls: type[Event]
    fields: tuple[_Field, ...] = ()


_NAME = _field("name", _text)
_OPTIONAL_NAME = _field("name", _optional_text)
_POLICY = (_field("policy", _optional_text), _field("confidence", _optional_number))
_SAID = (_field("text", _optional_text), _field("data", _object))
_ENTITIES = _field("entities", _entities, write=_entities_to_json)

_WIRES: Mapping[str, _Wire] = {
    wire.name: wire
    for wire in (
        _Wire(
            "user",
            ev.UserUttered,
            (
                _field("text", lambda value: _text_or(value, "")),
                _field("input_channel", _optional_text),
                _field("message_id", _optional_text),
            ),
        ),
        _Wire("bot", ev.BotUttered, _SAID),
        _Wire("agent", ev.AgentUttered, _SAID),
        _Wire(
            "action",
            ev.ActionExecuted,
            (
                _OPTIONAL_NAME,
                *_POLICY,
                _field("action_text", _optional_text),
                _field("hide_rule_turn", _flag),
            ),
        ),
        _Wire("action_execution_rejected", ev.ActionExecutionRejected, (_NAME, *_POLICY)),
        _Wire("slot", ev.SlotSet, (_NAME, _field("value", _any))),
        _Wire("active_loop", ev.ActiveLoop, (_OPTIONAL_NAME,)),
        _Wire("loop_interrupted", ev.LoopInterrupted, (_field("is_interrupted", _flag),)),
        _Wire("user_featurization", ev.UserFeaturization, (_field("use_text_for_featurization", _flag),)),
        _Wire("entities", ev.EntitiesAdded, (_ENTITIES,)),
        _Wire("followup", ev.FollowupAction, (_NAME,)),
        _Wire(
            "reminder",
            ev.ReminderScheduled,
            (
                _field("name", lambda value: _text_or(value, "")),
                _field("intent", _text),
                _field("entities", given_entities, write=_entities_to_json),
                _field("date_time", _date_time),
                _field("kill_on_user_msg", _flag_true),
            ),
        ),
        _Wire(
            "cancel_reminder",
            ev.ReminderCancelled,
            (
                _OPTIONAL_NAME,
                _field("intent", _optional_text),
                _field("entities", _optional_entities, write=_entities_to_json),
            ),
        ),
        _Wire("session_started", ev.SessionStarted),
        _Wire("restart", ev.Restarted),
        _Wire("rewind", ev.UserUtteranceReverted),
        _Wire("undo", ev.ActionReverted),
        _Wire("reset_slots", ev.AllSlotsReset),
        _Wire("pause", ev.ConversationPaused),
        _Wire("resume", ev.ConversationResumed),
        _Wire("export", ev.StoryExported),
        _Wire("session_ended", ev.SessionEnded),
    )
}
_WIRE_OF: Mapping[type[Event], _Wire] = {wire.cls: wire for wire in _WIRES.values()}
_ALWAYS_WITH_METADATA = (ev.UserUttered, ev.BotUttered)


def _read(wire: _Wire, obj: Mapping[str, Any]) -> Event:
    key = ""
    try:
        key = "timestamp"
        values: dict[str, Any] = {"timestamp": _number(obj.get("timestamp") or 0.0)}
        key = "metadata"
        values["metadata"] = _object(obj.get("metadata"))
        for item in wire.fields:
            key = item.key
            values[item.attribute] = item.read(obj.get(key))
        if wire.cls is ev.UserUttered:
            key = "parse_data"
            values["parse"] = parse_from_json(_object(obj.get(key)), text=values["text"])
    except ValueError as exc:
        raise BadEvent(f"event {wire.name!r}, field {key!r}: {exc}") from exc
    return wire.cls(**values)

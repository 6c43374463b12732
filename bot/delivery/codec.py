"""How values are written in the store: compact JSON, fields at their default left out. Knows no connection.

What is written reads back as the same value. Events are written by ``bot.dialogue.event_json``.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from typing import Any, NamedTuple, cast

from bot.dialogue.event_json import from_json, to_json
from bot.dialogue.events import Event
from bot.dialogue.parse import Json
from bot.messages import Button, Inbound, LiveFrame, LogFrame, Reply, Source, encodable
from bot.ports import TurnRecord


class EventKey(NamedTuple):
    """What makes an inbound unique."""

    conversation_id: str
    channel: str
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What one hub tells the others: new log frames, the end of a turn, or a hint that is not stored."""

    hub_id: str
    frames: tuple[LogFrame, ...] = ()
    done: EventKey | None = None
    hint: LiveFrame | None = None


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_TUPLES_OF = {"buttons": Button, "quick_replies": Button, "sources": Source}


def dump(value: object) -> str:
    """Compact JSON. Characters that UTF-8 cannot carry (lone surrogates) become U+FFFD."""
    return encodable(_ENCODER.encode(value))


def dump_event(event: Event) -> str:
    """One event as Rasa's JSON."""
    return dump(to_json(event))


def load_events(texts: Iterable[str]) -> tuple[Event, ...]:
    """Events as ``dump_event`` wrote them."""
    return tuple(from_json(json.loads(text)) for text in texts)


def dump_inbound(inbound: Inbound) -> str:
    """An inbound as it waits in a mailbox."""
    return dump(_flat(inbound))


def load_inbound(text: str) -> Inbound:
    """An inbound as ``dump_inbound`` wrote it; fields of a newer version are dropped."""
    obj = json.loads(text)
    return Inbound(**{name: obj[name] for name, _ in _defaults(Inbound) if name in obj})


def dump_alarm(conversation_id: str, number: int) -> str:
    """The entry of the alarm clock for a reminder."""
    return dump([conversation_id, number])


def load_alarm(text: str, due_ms: int) -> Inbound:
    """What happens to the conversation when the alarm goes off: an event of its own kind, the same each time."""
    conversation_id, number = json.loads(text)
    return Inbound(
        conversation_id=conversation_id,
        channel="reminder",
        event_id=f"{number}-{due_ms}",
        sender_id=conversation_id,
        kind="reminder",
        metadata={"number": number, "due_ms": due_ms},
        received_at=due_ms / 1000,
    )


def reply_to_json(reply: Reply) -> dict[str, Json]:
    """A reply as a JSON object."""
    out = _flat(reply)
    for key in _TUPLES_OF.keys() & out.keys():
        out[key] = [_flat(item) for item in getattr(reply, key)]
    return out


def reply_from_json(obj: Mapping[str, Any]) -> Reply:
    """A reply as ``reply_to_json`` wrote it."""
    values = dict(obj)
    for key, kind in _TUPLES_OF.items():
        if key in values:
            values[key] = tuple(kind(**item) for item in values[key])
    if "elements" in values:
        values["elements"] = tuple(values["elements"])
    return Reply(**values)


def dump_frame(frame: LogFrame) -> str:
    """A log frame without its number, which the store gives."""
    out = _flat(frame)
    out.pop("seq", None)
    if frame.reply is not None:
        out["reply"] = reply_to_json(frame.reply)
    return dump(out)


def load_frame(seq: int, text: str) -> LogFrame:
    """The log frame with this number."""
    return _frame(seq, json.loads(text))


def load_frames(entries: Iterable[tuple[str, Mapping[str, str]]]) -> tuple[LogFrame, ...]:
    """Log frames as the store's stream has them, whose ids begin with the number."""
    return tuple(load_frame(int(entry_id.partition("-")[0]), of["f"]) for entry_id, of in entries)


def user_frame(inbound: Inbound) -> LogFrame | None:
    """What the log shows of a customer's own message."""
    if inbound.kind != "message":
        return None
    text = inbound.text if inbound.display is None else inbound.display
    return LogFrame(seq=0, type="user", id=inbound.event_id, at=inbound.received_at, text=text)


def dump_live(hub_id: str, frame: LiveFrame) -> str:
    """A notice for the hubs of other processes; commit and ingest write theirs in Lua, in the same form."""
    return dump({"from": hub_id, "live": _flat(frame)})


def done_to_json(inbound: Inbound) -> str:
    """Which event a turn was about, for a notice."""
    return dump({"conversation_id": inbound.conversation_id, "channel": inbound.channel, "id": inbound.event_id})


def load_notice(text: str) -> Notice:
    """A notice as ``dump_live`` or the scripts wrote it."""
    obj = json.loads(text)
    if "live" in obj:
        return Notice(hub_id=obj["from"], hint=LiveFrame(**obj["live"]))
    frames = tuple(_frame(obj["seq"] + index, frame) for index, frame in enumerate(obj["frames"]))
    done = obj.get("done")
    event = EventKey(done["conversation_id"], done["channel"], done["id"]) if done else None
    return Notice(hub_id=obj["from"], frames=frames, done=event)


def record_to_json(record: TurnRecord) -> dict[str, Json]:
    """A turn's explanation as a JSON object."""
    return _flat(record)


def record_from_json(obj: Mapping[str, Any]) -> TurnRecord:
    """A turn's explanation as ``record_to_json`` wrote it."""
    values = dict(obj)
    for key in ("reasons", "hits", "actions"):
        if key in values:
            values[key] = tuple(values[key])
    return TurnRecord(**values)


def _frame(seq: int, obj: Mapping[str, Any]) -> LogFrame:
    values = dict(obj)
    if "reply" in values:
        values["reply"] = reply_from_json(values["reply"])
    return LogFrame(seq=seq, **values)


@cache
def _defaults(cls: type[Any]) -> tuple[tuple[str, object], ...]:
    def default(item: Field[Any]) -> object:
        return item.default_factory() if item.default_factory is not MISSING else item.default

    return tuple((item.name, default(item)) for item in fields(cls))


def _flat(value: Any) -> dict[str, Json]:
    """The fields that differ from their default; a nested dataclass stays as it is, for the caller to replace."""
    out = {}
    for name, default in _defaults(value.__class__):
        item = getattr(value, name)
        if item != default:
            out[name] = item
    return cast("dict[str, Json]", out)

"""The record of every turn: what was said, how it was understood, why it was answered so, and what was thought of it.

Written by the worker in the step that commits the turn; read by ``kefu retrain``. Reading needs nothing but the store.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from bot.delivery.client import Client
from bot.delivery.codec import dump, record_from_json, record_to_json, reply_from_json, reply_to_json
from bot.delivery.keys import Keys
from bot.errors import StoreError
from bot.messages import InboundKind, Reply
from bot.ports import TurnRecord

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTranscript:
    """One turn. ``waited_ms`` from its arrival to its begin, ``took_ms`` from its begin to its commit.

    ``ratings`` gives ``up`` or ``down`` for replies that were rated. ``dead`` says why a message was given up.
    """

    conversation_id: str
    channel: str
    event_id: str
    kind: InboundKind
    at: float
    record: TurnRecord
    text: str = ""
    replies: tuple[Reply, ...] = ()
    status: str | None = None
    waited_ms: float = 0.0
    took_ms: float = 0.0
    tries: int = 1
    dead: str | None = None
    ratings: Mapping[str, str] = field(default_factory=dict)


def dump_transcript(turn: TurnTranscript) -> str:
    """The turn as it is stored; ratings are stored apart, because they come later."""
    return dump(
        {
            "conversation_id": turn.conversation_id,
            "channel": turn.channel,
            "event_id": turn.event_id,
            "kind": turn.kind,
            "at": turn.at,
            "text": turn.text,
            "replies": [reply_to_json(reply) for reply in turn.replies],
            "record": record_to_json(turn.record),
            "status": turn.status,
            "waited_ms": round(turn.waited_ms, 3),
            "took_ms": round(turn.took_ms, 3),
            "tries": turn.tries,
            "dead": turn.dead,
        }
    )


def load_transcript(text: str, ratings: Mapping[str, str] | None = None) -> TurnTranscript:
    """A turn as ``dump_transcript`` wrote it, with its ratings."""
    obj: dict[str, Any] = json.loads(text)
    return TurnTranscript(
        **{
            **obj,
            "replies": tuple(map(reply_from_json, obj["replies"])),
            "record": record_from_json(obj["record"]),
            "ratings": ratings or {},
        }
    )


async def read_transcripts(
    url: str, *, since: float = 0.0, until: float | None = None, prefix: str = "kefu", partitions: int = 16
) -> AsyncIterator[TurnTranscript]:
    """Every kept turn that was committed between two times (seconds since the epoch), with its ratings.

    In order within a conversation, not between conversations. Raises StoreUnavailable or StoreError.
    """
    client = Client(url, max_connections=2)
    keys = Keys(prefix=prefix, partitions=partitions)
    try:
        for partition in range(partitions):
            async with aclosing(_pages(client, keys.shared(partition, "transcript"), since, until)) as pages:
                async for page in pages:
                    for turn in await _rated(client, keys, page):
                        yield turn
    finally:
        await client.close()


async def _pages(client: Client, key: str, since: float, until: float | None) -> AsyncGenerator[list[TurnTranscript]]:
    start = f"{int(since * 1000)}-0"
    end = "+" if until is None else f"{int(until * 1000)}"
    while entries := await client.command("XRANGE", key, start, end, "COUNT", _PAGE):
        yield [load_transcript(fields["j"]) for _, fields in entries]
        start = f"({entries[-1][0]}"


async def _rated(client: Client, keys: Keys, turns: Sequence[TurnTranscript]) -> list[TurnTranscript]:
    asked = [(turn, [reply.id for reply in turn.replies]) for turn in turns]
    lookups = [("HMGET", keys.of(turn.conversation_id, "feedback"), *ids) for turn, ids in asked if ids]
    answers = iter(await client.commands(lookups))
    return [_with_ratings(turn, ids, next(answers)) if ids else turn for turn, ids in asked]


def _with_ratings(turn: TurnTranscript, reply_ids: Sequence[str], answer: Any) -> TurnTranscript:
    if isinstance(answer, Exception):
        raise StoreError(f"ratings cannot be read: {answer}") from answer
    ratings = {key: json.loads(text)["value"] for key, text in zip(reply_ids, answer, strict=True) if text}
    return replace(turn, ratings=ratings) if ratings else turn

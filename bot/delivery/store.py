"""Mailboxes, turns, logs and trackers in the store, as typed calls. Knows neither the engine nor a channel.

Every call is one round trip and may be repeated: a script that was already applied says so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.delivery.client import Argument, Client
from bot.delivery.codec import (
    done_to_json,
    dump,
    dump_alarm,
    dump_event,
    dump_frame,
    dump_inbound,
    load_events,
    load_frame,
    load_frames,
    load_inbound,
    user_frame,
)
from bot.delivery.keys import SENDERS, WORKERS, Keys
from bot.delivery.probe import probe
from bot.delivery.settings import DAY_S, DeliverySettings, RateLimit
from bot.delivery.stored import Commit, Counts, Finished, Handoff, Ingested, Outgoing, Turn
from bot.dialogue.events import Event
from bot.errors import LogTrimmed, StoreError, StoreUnavailable
from bot.messages import Inbound, LogFrame

_COUNTED = {"ready": "XLEN", "due": "XLEN", "later": "ZCARD", "dead": "XLEN", "alarms": "ZCARD"}

_HOME = {"message": "move", "intent": "first"}
"""Where a conversation is held: where its customer last wrote; else where an intent was first to speak to them."""


@dataclass(slots=True)
class Store:
    """The store behind ``url``; ``open`` before use."""

    url: str
    settings: DeliverySettings = field(default_factory=DeliverySettings)
    client: Client = field(init=False)
    keys: Keys = field(init=False)

    def __post_init__(self) -> None:
        self.client = Client(self.url)
        self.keys = Keys(prefix=self.settings.prefix, partitions=self.settings.partitions)

    async def open(self) -> tuple[str, ...]:
        """Check the server, teach it the scripts, make the consumer groups. Returns warnings for the operator.

        Raises StoreError if the server cannot do what is needed, or holds data of another number of partitions.
        """
        warnings = await probe(self.client)
        await self._check_partitions()
        await self.client.load_scripts()
        await self.make_groups()
        return warnings

    async def _check_partitions(self) -> None:
        """The number of partitions is part of every key: with another one, all that is stored would be out of sight."""
        key, wanted = f"{self.settings.prefix}:partitions", str(self.settings.partitions)
        await self.client.command("SET", key, wanted, "NX")
        if (found := await self.client.command("GET", key)) != wanted:
            raise StoreError(f"the store was made with {found} partitions, the setting says {wanted}: set it back")

    async def make_groups(self) -> None:
        """Make the consumer groups that are not there, reading from the very first entry."""
        pairs = [
            (self.keys.shared(partition, kind), group)
            for partition in range(self.settings.partitions)
            for kind, group in (("ready", WORKERS), ("due", SENDERS))
        ]
        answers = await self.client.commands(
            [("XGROUP", "CREATE", key, group, "0", "MKSTREAM") for key, group in pairs]
        )
        for answer in answers:
            if isinstance(answer, Exception) and "BUSYGROUP" not in str(answer):
                raise StoreUnavailable(f"the store makes no consumer group: {answer}") from answer

    async def close(self) -> None:
        """Close every connection."""
        await self.client.close()

    async def ping(self) -> None:
        """Raises StoreUnavailable if nobody answers."""
        await self.client.command("PING")

    async def ingest(self, inbound: Inbound, *, hub_id: str = "", alarm: str = "") -> Ingested:
        """Drop a duplicate or queue it, in one step; ``hub_id`` is told when its turn is over.

        ``alarm``: the entry of the alarm clock that it comes from, which the same step takes off.
        """
        cid, keys, settings = inbound.conversation_id, self.keys, self.settings
        retention = settings.retention
        frame = user_frame(inbound)
        answer = await self._durable(
            "ingest",
            [
                keys.seen(cid, inbound.channel, inbound.event_id),
                keys.of(cid, "in"),
                keys.of(cid, "meta"),
                keys.queue(cid, "ready"),
                keys.of(cid, "log"),
                keys.queue(cid, "alarms"),
            ],
            [
                cid,
                dump_inbound(inbound),
                hub_id,
                settings.mailbox_limit,
                max(1, settings.ready_limit // settings.partitions),
                retention.seen_s,
                inbound.channel if inbound.kind in _HOME else "",
                inbound.sender_id,
                dump_frame(frame) if frame else "",
                retention.log_frames,
                retention.log_s,
                keys.live(cid),
                _HOME.get(inbound.kind, ""),
                alarm,
            ],
        )
        verdict, mark, seq = answer
        logged = load_frame(seq, dump_frame(frame)) if frame and seq else None
        return Ingested(verdict=verdict, finished=Finished.of(mark), frame=logged)

    async def _durable(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> list[Any]:
        """A script whose effect the replicas must have, as many as the settings ask for."""
        replicas = self.settings.replicas
        if replicas:
            answer: list[Any] = await self.client.replicated_script(name, keys, arguments, replicas=replicas)
        else:
            answer = await self.client.script(name, keys, arguments)
        return answer

    async def outcome(self, conversation_id: str, channel: str, event_id: str) -> Finished | None:
        """What the turn of an event led to; None while it waits."""
        mark = await self.client.command("GET", self.keys.seen(conversation_id, channel, event_id))
        return Finished.of(mark or "")

    async def begin(
        self, conversation_id: str, ready_id: str, *, nonce: str, born: str = "", have: int = 0, typing: str = ""
    ) -> Turn | None:
        """Take the oldest message under a new epoch; None if there is nothing to do (any more).

        ``nonce`` names this attempt: repeating it changes nothing. ``born`` and ``have`` name the events that the
        caller has; only newer ones come. ``typing`` is published to whoever watches.
        """
        keys = self.keys
        answer = await self.client.script(
            "begin",
            [keys.of(conversation_id, kind) for kind in ("meta", "in")]
            + [keys.queue(conversation_id, "ready"), keys.of(conversation_id, "tracker")],
            [ready_id, nonce, born, have, keys.live(conversation_id), typing, self.settings.retention.conversation_s],
        )
        if answer[0] == "stale":
            return None
        _, epoch, tries, message_id, text, origin, channel, recipient, born, from_event, events = answer
        inbound = load_inbound(text)
        return Turn(
            conversation_id=conversation_id,
            ready_id=ready_id,
            message_id=message_id,
            epoch=epoch,
            tries=tries,
            inbound=inbound,
            origin=origin,
            channel=channel or inbound.channel,
            recipient_id=recipient or inbound.sender_id,
            born=born,
            from_event=from_event,
            events=tuple(events),
        )

    async def commit(self, commit: Commit, *, hub_id: str = "") -> Finished | Literal["gone", "fenced"]:
        """End the turn. ``gone``: this turn was committed before; ``fenced``: somebody else holds it now."""
        turn, keys, retention = commit.turn, self.keys, self.settings.retention
        cid, inbound, rating = turn.conversation_id, turn.inbound, commit.rating
        answer = await self.client.script(
            "commit",
            [
                keys.of(cid, "meta"),
                keys.of(cid, "in"),
                keys.queue(cid, "ready"),
                keys.of(cid, "tracker"),
                keys.of(cid, "log"),
                keys.seen(cid, inbound.channel, inbound.event_id),
                keys.of(cid, "out"),
                keys.queue(cid, "due"),
                keys.queue(cid, "transcript"),
                keys.queue(cid, "dead"),
                keys.of(cid, "feedback"),
                keys.queue(cid, "handoff"),
                keys.queue(cid, "alarms"),
            ],
            [
                cid,
                turn.epoch,
                turn.ready_id,
                turn.message_id,
                done_to_json(inbound),
                hub_id,
                keys.hub(turn.origin) if turn.origin not in ("", hub_id) else "",
                keys.live(cid),
                retention.conversation_s + max(0, round(commit.needed_until - commit.at)),
                retention.log_frames,
                retention.log_s,
                commit.transcript,
                max(1, retention.transcript_turns // self.settings.partitions),
                retention.transcript_s,
                commit.dead,
                max(1, retention.dead_letters // self.settings.partitions),
                rating.reply_id if rating else "",
                dump({"value": rating.value, "at": rating.at}) if rating else "",
                commit.status,
                commit.at,
                "1" if commit.replaces else "",
                *_counted(dump_event(event) for event in commit.events),
                *_counted(dump_frame(frame) for frame in commit.frames),
                *_counted(commit.outbox),
                *_counted(
                    text
                    for number, due_ms in commit.alarms.items()
                    for text in (dump_alarm(cid, number), "" if due_ms is None else str(due_ms))
                ),
            ],
        )
        return Finished(answer[1], answer[2]) if answer[0] == "done" else answer[0]

    async def take(self, conversation_id: str, due_id: str, *, nonce: str) -> Outgoing | None:
        """Take the oldest reply of a conversation to send it; None if there is nothing to send (any more)."""
        keys = self.keys
        answer = await self.client.script(
            "take",
            [
                keys.of(conversation_id, "meta"),
                keys.of(conversation_id, "out"),
                keys.queue(conversation_id, "due"),
            ],
            [due_id, nonce],
        )
        if answer[0] == "stale":
            return None
        _, epoch, tries, unsure, entry_id, text = answer
        return Outgoing(entry_id=entry_id, epoch=epoch, tries=tries, unsure=bool(unsure), text=text)

    async def settle(
        self,
        conversation_id: str,
        due_id: str,
        outgoing: Outgoing,
        *,
        due_at: float | None = None,
        dead: str = "",
        sure: bool = True,
    ) -> None:
        """End an attempt: done with, or again at ``due_at``; ``sure`` says that its outcome is known."""
        keys, retention = self.keys, self.settings.retention
        await self.client.script(
            "settle",
            [keys.of(conversation_id, "meta"), keys.of(conversation_id, "out")]
            + [keys.queue(conversation_id, kind) for kind in ("due", "later", "dead")],
            [
                conversation_id,
                outgoing.epoch,
                due_id,
                outgoing.entry_id,
                "" if due_at is None else round(due_at * 1000),
                dead,
                max(1, retention.dead_letters // self.settings.partitions),
                int(sure),
            ],
        )

    async def wake(self, *, now: float, count: int) -> None:
        """Put conversations whose waiting time is over back into the run queue of senders."""
        keys = self.keys
        waiting = await self.client.commands(
            [
                ("ZCOUNT", keys.shared(partition, "later"), "-inf", round(now * 1000))
                for partition in range(self.settings.partitions)
            ]
        )
        for partition, many in enumerate(waiting):
            if isinstance(many, int) and many:
                pair = [keys.shared(partition, "later"), keys.shared(partition, "due")]
                await self.client.script("wake", pair, [round(now * 1000), count])

    async def due_alarms(self, *, now: float, count: int) -> list[tuple[str, int]]:
        """Alarms that have to go off, at most ``count`` of a partition, with the time (ms) for which they are set."""
        upto = ("-inf", round(now * 1000), "WITHSCORES", "LIMIT", 0, count)
        partitions = range(self.settings.partitions)
        ranges = [("ZRANGEBYSCORE", self.keys.shared(partition, "alarms"), *upto) for partition in partitions]
        return [
            (text, int(float(score)))
            for found in await self._all(ranges)
            for text, score in zip(found[::2], found[1::2], strict=True)
        ]

    async def log_after(self, conversation_id: str, seq: int) -> tuple[LogFrame, ...]:
        """Every log frame with a greater number. Raises LogTrimmed if some of them are no longer kept."""
        meta, entries = await self._all(
            [
                ("HGET", self.keys.of(conversation_id, "meta"), "seq"),
                ("XRANGE", self.keys.of(conversation_id, "log"), f"({max(seq, 0)}-0", "+"),
            ]
        )
        frames = load_frames(entries)
        first = frames[0].seq if frames else int(meta or 0) + 1
        if first != max(seq, 0) + 1:
            raise LogTrimmed(oldest=frames[0].seq if frames else None)
        return frames

    async def log_range(self, conversation_id: str, finished: Finished) -> tuple[LogFrame, ...]:
        """The log frames of one turn. Raises LogTrimmed if they are no longer kept."""
        if not finished.count:
            return ()
        first, last = finished.first, finished.first + finished.count - 1
        key = self.keys.of(conversation_id, "log")
        frames = load_frames(await self.client.command("XRANGE", key, f"{first}-0", f"{last}-0"))
        if len(frames) != finished.count:
            raise LogTrimmed(oldest=None)
        return frames

    async def events(self, conversation_id: str) -> tuple[Event, ...]:
        """Every event of a conversation, oldest first."""
        return load_events(await self.client.command("LRANGE", self.keys.of(conversation_id, "tracker"), 0, -1))

    async def read_mark(self, conversation_id: str) -> int | None:
        """How far the log is known to have arrived at a socket."""
        mark = await self.client.command("ZSCORE", self.keys.of(conversation_id, "read"), "socket")
        return None if mark is None else int(float(mark))

    async def mark_read(self, conversation_id: str, seq: int) -> None:
        """Note how far the log has arrived at a socket; a mark never goes back."""
        key = self.keys.of(conversation_id, "read")
        commands = (("ZADD", key, "GT", seq, "socket"), ("EXPIRE", key, self.settings.retention.conversation_s))
        await self._all(commands)

    async def has_events(self, conversation_id: str) -> bool:
        """Whether a conversation has any event."""
        return bool(await self.client.command("EXISTS", self.keys.of(conversation_id, "tracker")))

    async def tidy(self, *, now: float) -> None:
        """Drop transcripts and dead letters older than the settings keep them, and consumers that died long ago."""
        retention = self.settings.retention
        ages = (("transcript", retention.transcript_s), ("dead", retention.conversation_s))
        partitions = range(self.settings.partitions)
        await self._all(
            [
                ("XTRIM", self.keys.shared(partition, kind), "MINID", "~", round((now - age_s) * 1000))
                for partition in partitions
                for kind, age_s in ages
            ]
        )
        for partition in partitions:
            for kind, group in (("ready", WORKERS), ("due", SENDERS)):
                await self.client.script("sweep", [self.keys.shared(partition, kind)], [group, DAY_S * 1000])

    async def handoffs(self) -> tuple[Handoff, ...]:
        """Conversations that were handed to a person and not yet back, the longest waiting first."""
        partitions = range(self.settings.partitions)
        ranges = [("ZRANGE", self.keys.shared(partition, "handoff"), 0, -1, "WITHSCORES") for partition in partitions]
        waiting = [pair for found in await self._all(ranges) for pair in zip(found[::2], found[1::2], strict=True)]
        channels = await self._all([("HGET", self.keys.of(cid, "meta"), "channel") for cid, _ in waiting])
        handoffs = [
            Handoff(conversation_id=cid, channel=channel or "", since=float(since))
            for (cid, since), channel in zip(waiting, channels, strict=True)
        ]
        return tuple(sorted(handoffs, key=lambda handoff: handoff.since))

    async def counts(self) -> Counts:
        """How much waits, over all partitions, in one round trip. Raises StoreUnavailable."""
        keys = [{kind: self.keys.shared(p, kind) for kind in _COUNTED} for p in range(self.settings.partitions)]
        sizes = [(command, each[kind]) for each in keys for kind, command in _COUNTED.items()]
        oldest = [("XRANGE", each["ready"], "-", "+", "COUNT", 1) for each in keys]
        (now_s, now_us), *answers = await self._all([("TIME",), *sizes, *oldest])
        ready, due, later, dead, alarms = (
            sum(answers[first : len(sizes) : len(_COUNTED)]) for first in range(len(_COUNTED))
        )
        since_ms = [int(entries[0][0].partition("-")[0]) for entries in answers[len(sizes) :] if entries]
        now = int(now_s) + int(now_us) / 1e6
        lag_s = max(0.0, now - min(since_ms) / 1000) if since_ms else 0.0
        return Counts(ready=ready, lag_s=lag_s, sending=due + later, dead=dead, reminders=alarms)

    async def _all(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        """Answers of which none is an error."""
        answers = await self.client.commands(commands)
        for answer in answers:
            if isinstance(answer, Exception):
                raise StoreUnavailable(f"the store cannot be read: {answer}") from answer
        return answers

    async def take_token(self, bucket: str, key: str, limit: RateLimit) -> float:
        """Take one token: 0.0 if there was one, else the seconds until there is."""
        step_us = max(1, round(1_000_000 / limit.per_s))
        wait_ms = await self.client.script("bucket", [self.keys.rate(bucket, key)], [step_us, limit.burst])
        return int(wait_ms) / 1000


def _counted(items: Iterable[str]) -> list[Argument]:
    listed = list(items)
    return [len(listed), *listed]

"""The outbox: calls the platforms of sender channels, one reply of a conversation at a time, in order.

A reply that a platform asks to repeat waits, with those behind it. Of a reply that may have arrived (a time-out after
the bytes were sent, a crash in between) nobody can know: the settings say whether to send it again, under the same
``Reply.id``, or to drop it.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.delivery.codec import dump, reply_from_json
from bot.delivery.keys import SENDERS
from bot.delivery.lane import Claim, Lane
from bot.delivery.store import Store
from bot.delivery.stored import Outgoing
from bot.errors import StoreError
from bot.messages import Refused, Reply, RetryLater, Sender, SendResult, Sent, Unknown
from bot.ports import Clock

log = logging.getLogger(__name__)

_GIVE_UP_AFTER_S = 86_400.0
_UNKNOWN_TRIES = 5
_WAKE_EVERY_S = 0.2
_WAKE_COUNT = 100


@dataclass(frozen=True, slots=True)
class _Letter:
    channel: str
    recipient_id: str
    reply: Reply
    at: float


class Outbox:
    """Serves the run queue ``due`` in this process, with a sender per channel."""

    def __init__(self, store: Store, senders: Mapping[str, Sender], *, clock: Clock) -> None:
        self._store = store
        self._senders = senders
        self._clock = clock
        self._waker: asyncio.Task[None] | None = None
        self._lane = Lane(store, kind="due", group=SENDERS, serve=self._serve, concurrency=store.settings.concurrency)

    async def start(self, *, exclusive: bool = False) -> None:
        """Begin to send. ``exclusive``: no other sender lives, so what a dead one held is taken over at once."""
        await self._lane.start(exclusive=exclusive)
        self._waker = asyncio.create_task(self._wake_loop())

    async def stop(self) -> None:
        """Finish the calls that run, within the drain time, and stop."""
        await self._lane.stop(drain_s=self._store.settings.drain_s)
        if self._waker is not None:
            await self._waker

    async def _serve(self, claim: Claim) -> None:
        outgoing = await self._store.take(claim.conversation_id, claim.entry_id, nonce=secrets.token_hex(8))
        if outgoing is None:
            return
        letter = _letter(outgoing.text)
        wait_s = await self._wait_s(letter)
        if wait_s > 0:
            await self._postpone(claim, outgoing, wait_s, sure=True)
        elif outgoing.unsure and self._store.settings.unknown_send == "drop":
            await self._give_up(claim, outgoing, letter, "nobody knows whether it arrived")
        else:
            await self._settle(claim, outgoing, letter, await self._send(letter))

    async def _send(self, letter: _Letter) -> SendResult:
        sender = self._senders.get(letter.channel)
        if sender is None:
            return Refused(reason=f"no channel named {letter.channel}")
        try:
            return await sender.send(letter.recipient_id, letter.reply)
        except Exception as exc:  # the channel loop: a fault in a channel must not lose or block its replies
            log.exception("channel %s failed to send", letter.channel)
            return Unknown(reason=type(exc).__name__)

    async def _settle(self, claim: Claim, outgoing: Outgoing, letter: _Letter, result: SendResult) -> None:
        match result:
            case Sent():
                await self._store.settle(claim.conversation_id, claim.entry_id, outgoing)
            case RetryLater(after_s=after_s) if self._clock.now() - letter.at < _GIVE_UP_AFTER_S:
                await self._postpone(claim, outgoing, after_s, sure=True)
            case RetryLater():
                await self._give_up(claim, outgoing, letter, "the platform asked to wait for a day")
            case Refused(reason=reason):
                await self._give_up(claim, outgoing, letter, reason)
            case Unknown(reason=reason):
                if self._store.settings.unknown_send == "drop" or outgoing.tries >= _UNKNOWN_TRIES:
                    await self._give_up(claim, outgoing, letter, f"unknown: {reason}")
                else:
                    await self._postpone(claim, outgoing, min(0.5 * 2**outgoing.tries, 60.0), sure=False)

    async def _postpone(self, claim: Claim, outgoing: Outgoing, after_s: float, *, sure: bool) -> None:
        due_at = self._clock.now() + after_s
        await self._store.settle(claim.conversation_id, claim.entry_id, outgoing, due_at=due_at, sure=sure)

    async def _give_up(self, claim: Claim, outgoing: Outgoing, letter: _Letter, reason: str) -> None:
        log.error("a reply on channel %s was not delivered: %s", letter.channel, reason)
        obj: dict[str, Any] = json.loads(outgoing.text)
        dead = dump({**obj, "conversation_id": claim.conversation_id, "dead": reason})
        await self._store.settle(claim.conversation_id, claim.entry_id, outgoing, dead=dead)

    async def _wait_s(self, letter: _Letter) -> float:
        """Seconds until the rates of the channel and of the recipient allow a call."""
        rate = self._store.settings.send_rates.get(letter.channel)
        if rate is None:
            return 0.0
        if rate.recipient is not None:
            bucket = f"send-{letter.channel}"
            if wait_s := await self._store.take_token(bucket, letter.recipient_id, rate.recipient):
                return wait_s
        if rate.channel is not None:
            return await self._store.take_token("send", letter.channel, rate.channel)
        return 0.0

    async def _wake_loop(self) -> None:
        while not self._lane.stopping.is_set():
            try:
                await self._store.wake(now=self._clock.now(), count=_WAKE_COUNT)
            except StoreError as exc:
                log.warning("postponed replies wait for the store: %s", exc)
            await asyncio.sleep(_WAKE_EVERY_S)


def _letter(text: str) -> _Letter:
    obj: dict[str, Any] = json.loads(text)
    return _Letter(obj["channel"], obj["recipient_id"], reply_from_json(obj["reply"]), obj["at"])

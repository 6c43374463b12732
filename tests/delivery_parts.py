"""What the tests of delivery share: an engine that counts, a platform that remembers, and the parts put together."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.delivery.alarms import AlarmClock
from bot.delivery.hub import Hub
from bot.delivery.outbox import Outbox
from bot.delivery.store import Store
from bot.delivery.worker import Engine, Worker
from bot.dialogue.domain import Domain
from bot.dialogue.events import BotUttered, Event, UserUttered
from bot.dialogue.parse import IntentScore, Parse
from bot.dialogue.tracker import Tracker
from bot.messages import Inbound, Reply, Sender, SendResult, Sent
from bot.ports import Partial, TurnRecord, TurnResult

STATUS = {"agent": "handoff", "resume": "resumed"}
"""What the counting engine makes of these kinds."""


class SystemClock:
    def now(self) -> float:
        return time.time()


def message(text: str, *, to: str = "anna", event_id: str = "", channel: str = "rest") -> Inbound:
    return Inbound(
        conversation_id=to,
        channel=channel,
        event_id=event_id or text,
        sender_id=to,
        text=text,
        received_at=time.time(),
    )


def said(tracker: Tracker) -> list[str]:
    return [event.text for event in tracker.events if isinstance(event, UserUttered)]


@dataclass
class CountingEngine:
    """Answers ``<how many messages so far>:<text>``; ``before`` may fail, wait, or write partial answers."""

    domain: Domain = field(default_factory=Domain)
    before: Callable[[Inbound, Partial], Awaitable[None]] | None = None

    async def handle(self, inbound: Inbound, tracker: Tracker, *, partial: Partial | None = None) -> TurnResult:
        if self.before is not None and partial is not None:
            await self.before(inbound, partial)
        if inbound.kind != "message":
            return TurnResult(
                events=(), replies=(), record=TurnRecord(route=inbound.kind), status=STATUS.get(inbound.kind)
            )
        answer = f"{len(said(tracker)) + 1}:{inbound.text}"
        parse = Parse(text=inbound.text, intent=IntentScore(name="say", confidence=0.9))
        events: tuple[Event, ...] = (UserUttered(text=inbound.text, parse=parse), BotUttered(text=answer))
        reply = Reply(id=f"{inbound.conversation_id}/{inbound.event_id}/0", text=answer, rateable=True)
        return TurnResult(events=events, replies=(reply,), record=TurnRecord(route="rule", reasons=("counted",)))


@dataclass
class Platform:
    """A sender channel that keeps what arrived and answers what it is told to, then Sent."""

    name: str = "phone"
    answers: list[SendResult | Exception] = field(default_factory=list)
    calls: list[tuple[float, str, Reply]] = field(default_factory=list)
    arrived: list[Reply] = field(default_factory=list)

    async def send(self, recipient_id: str, reply: Reply) -> SendResult:
        self.calls.append((time.monotonic(), recipient_id, reply))
        answer = self.answers.pop(0) if self.answers else Sent()
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Sent):
            self.arrived.append(reply)
        return answer

    async def typing(self, recipient_id: str) -> None:
        return None


@dataclass
class Parts:
    store: Store
    hub: Hub
    worker: Worker
    outbox: Outbox


@asynccontextmanager
async def delivery(
    store: Store, engine: Engine | None = None, senders: Mapping[str, Sender] | None = None
) -> AsyncIterator[Parts]:
    """Hub, worker, outbox and alarm clock on an open store, started and stopped."""
    used = engine or CountingEngine()
    hub = Hub(store)
    worker = Worker(store, hub, lambda: used, clock=SystemClock(), senders=senders)
    outbox = Outbox(store, senders or {}, clock=SystemClock())
    alarms = AlarmClock(store, hub_id=hub.id, clock=SystemClock())
    await hub.start()
    await worker.start()
    await outbox.start()
    await alarms.start()
    try:
        yield Parts(store, hub, worker, outbox)
    finally:
        await asyncio.gather(worker.stop(), outbox.stop(), alarms.stop())
        await hub.stop()


async def until(condition: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)

"""What is measured around the parts, none of which knows it: turns, queues, and which release answers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from bot.channels.metrics import Metrics
from bot.delivery.stored import Counts
from bot.dialogue.domain import Domain
from bot.dialogue.tracker import Tracker
from bot.engine import Engine
from bot.errors import StoreError
from bot.messages import Inbound
from bot.ports import Partial, TurnResult

OBSERVE_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class MeasuredEngine:
    """An engine whose turns are counted."""

    engine: Engine
    metrics: Metrics

    @property
    def domain(self) -> Domain:
        """The engine's."""
        return self.engine.domain

    async def handle(self, inbound: Inbound, tracker: Tracker, *, partial: Partial | None = None) -> TurnResult:
        """The engine's turn, counted by its route."""
        started = perf_counter()
        result = await self.engine.handle(inbound, tracker, partial=partial)
        self.metrics.turn(route=result.record.route, seconds=perf_counter() - started)
        if "parse" in result.record.timings_ms:
            self.metrics.parse(seconds=result.record.timings_ms["parse"] / 1000)
        return result


class Counted(Protocol):
    """The store, as far as it is counted."""

    async def counts(self) -> Counts:
        """How much waits. Raises StoreError."""
        ...


async def observe(store: Counted, release_id: Callable[[], str], metrics: Metrics) -> None:
    """Keep the figures of the queues and the release's name up to date; runs until cancelled."""
    while True:
        metrics.release(release_id())
        try:
            counts = await store.counts()
        except StoreError:
            metrics.store(up=False)
        else:
            metrics.store(up=True)
            metrics.mailbox(ready=counts.ready, lag_s=counts.lag_s)
            metrics.outbox(waiting=counts.sending, dead=counts.dead)
            metrics.reminders(counts.reminders)
        await asyncio.sleep(OBSERVE_EVERY_S)

"""Counting turns around the engine, which does not know that it is counted."""

from dataclasses import dataclass
from time import perf_counter

from bot.channels.metrics import Metrics
from bot.dialogue.domain import Domain
from bot.dialogue.tracker import Tracker
from bot.engine import Engine
from bot.messages import Inbound
from bot.ports import Partial, TurnResult


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

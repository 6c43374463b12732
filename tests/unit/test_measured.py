"""What is counted around the engine and the store."""

import asyncio
from dataclasses import dataclass, field

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.channels.metrics import Metrics
from bot.delivery.stored import Counts
from bot.dialogue.domain import Domain
from bot.dialogue.tracker import Tracker
from bot.errors import StoreUnavailable
from bot.measured import MeasuredEngine, observe
from bot.messages import Inbound
from bot.ports import TurnRecord, TurnResult

HELLO = Inbound(conversation_id="a", channel="rest", event_id="1", sender_id="a", text="hello")


@dataclass
class FakeEngine:
    """Answers with the record that it was given, or raises."""

    record: TurnRecord | None
    domain: Domain = field(default_factory=Domain)

    async def handle(self, inbound, tracker, *, partial=None):
        if self.record is None:
            raise ValueError("broken")
        return TurnResult(events=(), replies=(), record=self.record)


@dataclass
class FakeStore:
    """Answers its list one after the other, then forever the last."""

    answers: list[Counts | Exception]

    async def counts(self):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def samples(metrics):
    families = text_string_to_metric_families(metrics.render().decode())
    return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


async def turn(engine):
    return await engine.handle(HELLO, Tracker.start("a", engine.domain))


@pytest.mark.parametrize(
    ("record", "parses", "parse_s"),
    [
        (TurnRecord(route="rule", timings_ms={"parse": 4.0}), 1, 0.004),  # understood, then answered
        (TurnRecord(route="rule", timings_ms={"act": 4.0}), 0, 0.0),  # a slash payload needs no understanding
    ],
)
async def test_a_turn_is_counted_by_its_route(record, parses, parse_s):
    metrics, domain = Metrics(), Domain(intents=())
    engine = MeasuredEngine(FakeEngine(record, domain), metrics)
    assert (await turn(engine)).record is record
    assert engine.domain is domain
    found = samples(metrics)
    assert found[("kefu_turns_total", "rule")] == 1
    assert found[("kefu_parse_seconds_count",)] == parses
    assert found[("kefu_parse_seconds_sum",)] == pytest.approx(parse_s)


async def test_a_turn_that_fails_is_not_counted():
    metrics = Metrics()
    with pytest.raises(ValueError, match="broken"):
        await turn(MeasuredEngine(FakeEngine(None), metrics))
    assert not [name for name, *_ in samples(metrics) if name == "kefu_turns_total"]


async def test_queues_and_release_are_observed_through_an_outage(monkeypatch):
    monkeypatch.setattr("bot.measured.OBSERVE_EVERY_S", 0.01)
    metrics, releases = Metrics(), iter(["r1", "r2", "r3"])
    store = FakeStore(
        [
            Counts(ready=2, lag_s=1.5, sending=3, dead=4, reminders=5),
            StoreUnavailable("away"),
            Counts(ready=0, lag_s=0.0, sending=1, dead=4, reminders=0),
        ]
    )
    seen = []

    def release_id():
        seen.append(samples(metrics))
        return next(releases, "r4")

    task = asyncio.create_task(observe(store, release_id, metrics))
    async with asyncio.timeout(5):
        while len(seen) < 4:
            await asyncio.sleep(0.01)
    task.cancel()
    _, first, outage, after = seen[:4]
    queues = (
        "kefu_conversations_ready",
        "kefu_mailbox_lag_seconds",
        "kefu_outbox_waiting",
        "kefu_dead_letters",
        "kefu_reminders_waiting",
    )
    assert [first[(name,)] for name in queues] == [2, 1.5, 3, 4, 5]
    assert [outage[("kefu_store_up",)], after[("kefu_store_up",)]] == [0, 1]
    assert [after[(name,)] for name in queues] == [0, 0, 1, 4, 0]
    assert [("kefu_release_info", name) in after for name in ("r2", "r3")] == [False, True]

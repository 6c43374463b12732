import asyncio
import time
from dataclasses import replace

import pytest
from delivery_parts import CountingEngine, Platform, SystemClock, delivery, message

from bot.delivery.hub import Hub
from bot.delivery.keys import WORKERS
from bot.delivery.store import Store
from bot.delivery.transcript import read_transcripts
from bot.delivery.worker import Worker
from bot.dialogue.domain import Domain
from bot.errors import StoreError, StoreUnavailable
from bot.foreground import URGENT_S, Foreground
from bot.messages import Inbound
from bot.ports import Partial


async def test_a_poisonous_message_is_put_aside_and_the_customer_told(
    store: Store, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    async def choke(inbound: Inbound, partial: Partial) -> None:
        if inbound.text == "毒":
            tried.append(time.monotonic())
            raise ValueError("cannot digest")

    async with delivery(store, CountingEngine(before=choke)) as parts:
        await parts.hub.ask(message("good"), timeout_s=20)
        sorry, after = await asyncio.gather(
            parts.hub.ask(message("毒"), timeout_s=60), parts.hub.ask(message("after"), timeout_s=60)
        )
    assert len(tried) == 5
    assert sorry[0].text == store.settings.apology
    assert after[0].text == "2:after"
    assert any("dead letter" in record.message for record in caplog.records)
    assert not any("毒" in record.getMessage() for record in caplog.records)
    dead = [turn async for turn in read_transcripts(url) if turn.dead]
    assert [(turn.text, turn.dead, turn.tries) for turn in dead] == [("毒", "failed 5 times", 6)]
    assert await store.client.command("XLEN", store.keys.queue("anna", "dead")) == 1


async def test_a_slow_conversation_holds_up_nobody_else(store: Store) -> None:
    async def hang(inbound: Inbound, partial: Partial) -> None:
        if inbound.text == "slow":
            await asyncio.sleep(1.0)

    async with delivery(store, CountingEngine(before=hang)) as parts:
        slow = asyncio.create_task(parts.hub.ask(message("slow", to="slow"), timeout_s=20))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        await asyncio.gather(*(parts.hub.ask(message("hi", to=f"c{n}"), timeout_s=20) for n in range(10)))
        assert time.monotonic() - started < 0.9
        await slow


async def test_a_turn_that_outlives_its_lease_keeps_it(store: Store) -> None:
    turns = 0

    async def hang(inbound: Inbound, partial: Partial) -> None:
        nonlocal turns
        turns += 1
        await asyncio.sleep(2.5 * store.settings.lease_s)

    async with delivery(store, CountingEngine(before=hang)) as parts, delivery(store, CountingEngine(before=hang)):
        replies = await parts.hub.ask(message("slow"), timeout_s=20)
    assert (turns, replies[0].text) == (1, "1:slow")


async def test_what_a_dead_worker_held_is_taken_over(store: Store) -> None:
    await store.ingest(message("hi"))
    queue = store.keys.queue("anna", "ready")
    await store.client.command("XREADGROUP", "GROUP", WORKERS, "ghost", "COUNT", 1, "STREAMS", queue, ">")
    started = time.monotonic()
    async with delivery(store) as parts:
        assert (await parts.hub.ask(message("hi"), timeout_s=20))[0].text == "1:hi"
    assert 0.5 < time.monotonic() - started < store.settings.lease_s + 5


async def test_the_only_worker_need_not_wait_for_a_dead_one(store: Store) -> None:
    await store.ingest(message("hi"))
    queue = store.keys.queue("anna", "ready")
    await store.client.command("XREADGROUP", "GROUP", WORKERS, "ghost", "COUNT", 1, "STREAMS", queue, ">")
    hub = Hub(store)
    await hub.start()
    engine = CountingEngine()
    worker = Worker(store, hub, lambda: engine, clock=SystemClock())
    started = time.monotonic()
    await worker.start(exclusive=True)
    await hub.ask(message("hi"), timeout_s=20)
    assert time.monotonic() - started < 0.5
    await worker.stop()
    await hub.stop()


async def test_slow_work_stands_back_for_a_turn(store: Store) -> None:
    foreground, seen = Foreground(), []

    async def look(inbound: Inbound, partial: Partial) -> None:
        seen.append(foreground.calm.is_set())
        await asyncio.sleep(2 * URGENT_S)
        seen.append(foreground.calm.is_set())

    engine, hub = CountingEngine(before=look), Hub(store)
    worker = Worker(store, hub, lambda: engine, clock=SystemClock(), foreground=foreground)
    await hub.start()
    await worker.start()
    await hub.ask(message("hi"), timeout_s=20)
    await worker.stop()
    await hub.stop()
    assert seen == [False, True]
    assert foreground.calm.is_set()


async def test_a_worker_that_lost_its_conversation_adds_nothing(store: Store) -> None:
    """A worker sleeps through its lease (a stopped process); another one answers; the first wakes up."""
    asleep, awake = asyncio.Event(), asyncio.Event()

    async def sleep_once(inbound: Inbound, partial: Partial) -> None:
        if not asleep.is_set():
            asleep.set()
            await awake.wait()

    async with delivery(store, CountingEngine(before=sleep_once)) as parts:
        asked = asyncio.create_task(parts.hub.ask(message("hi"), timeout_s=20))
        await asleep.wait()
        ready_id = await store.client.command("HGET", store.keys.of("anna", "meta"), "ready")
        stolen = await store.begin("anna", ready_id, nonce="thief")
        assert stolen is not None
        awake.set()
        await asyncio.sleep(0.3)
        assert await store.events("anna") == ()
        # The thief dies as well; the lease brings the message back.
        assert (await asked)[0].text == "1:hi"
    assert len(await store.events("anna")) == 2


async def test_a_new_release_takes_over_between_turns(store: Store) -> None:
    engines = [CountingEngine(domain=Domain()), CountingEngine(domain=Domain(actions=("action_new",)))]
    seen: list[Domain] = []
    for engine in engines:

        async def note(inbound: Inbound, partial: Partial, engine: CountingEngine = engine) -> None:
            seen.append(engine.domain)

        engine.before = note
    hub = Hub(store)
    await hub.start()
    current = engines[0]
    worker = Worker(store, hub, lambda: current, clock=SystemClock())
    await worker.start()
    answers = [(await hub.ask(message("one"), timeout_s=20))[0].text]
    current = engines[1]
    answers += [(await hub.ask(message(text), timeout_s=20))[0].text for text in ("two", "three")]
    await worker.stop()
    await hub.stop()
    assert answers == ["1:one", "2:two", "3:three"]
    assert seen == [engines[0].domain, engines[1].domain, engines[1].domain]


async def test_draining_finishes_what_runs_and_leaves_the_rest(store: Store) -> None:
    running = asyncio.Event()

    async def hang(inbound: Inbound, partial: Partial) -> None:
        running.set()
        await asyncio.sleep(0.7)

    async with delivery(store, CountingEngine(before=hang)) as parts:
        asked = asyncio.create_task(parts.hub.ask(message("runs"), timeout_s=20))
        await running.wait()
        await parts.hub.ingest(message("waits"))
        await parts.worker.stop()
        assert (await asked)[0].text == "1:runs"
    async with delivery(store) as parts:
        assert (await parts.hub.ask(message("waits"), timeout_s=20))[0].text == "2:waits"


async def test_an_agents_words_go_where_the_customer_is(store: Store) -> None:
    async with delivery(store) as parts:
        await parts.hub.ask(message("hi", channel="web"), timeout_s=20)
        words = replace(message("", event_id="a1", channel="api"), kind="agent", sender_id="agent-7")
        await parts.hub.ask(words, timeout_s=20)
        meta = await store.client.command("HGETALL", store.keys.of("anna", "meta"))
    assert (meta["channel"], meta["recipient"]) == ("web", "anna")


async def test_words_for_a_conversation_without_a_platform_reach_the_log(store: Store) -> None:
    """Nobody ever wrote there, and nobody can be called: whoever reads the log finds them."""
    async with delivery(store, senders={"phone": Platform()}) as parts:
        words = message("您好，我是小王", channel="api", to="quiet")
        said = await parts.hub.ask(words, timeout_s=20)
        frames = await parts.hub.log_after("quiet", 0)
    assert [frame.reply for frame in frames if frame.reply] == list(said)
    assert await store.client.command("XLEN", store.keys.queue("quiet", "dead")) == 0


@pytest.mark.parametrize(
    ("wrote_on", "asked_for", "home"),
    [
        ("phone", "rest", "phone"),  # the customer is there
        (None, "phone", "phone"),  # the first to speak is the bot
    ],
)
async def test_an_intent_leaves_the_conversation_where_it_is(
    store: Store, wrote_on: str | None, asked_for: str, home: str
) -> None:
    async with delivery(store, senders={"phone": Platform()}) as parts:
        if wrote_on:
            await parts.hub.ask(message("hi", channel=wrote_on), timeout_s=20)
        intent = replace(message("", event_id="i1", channel=asked_for), kind="intent", sender_id="anna")
        await parts.hub.ask(intent, timeout_s=20)
        meta = await store.client.command("HGETALL", store.keys.of("anna", "meta"))
    assert (meta["channel"], meta["recipient"]) == (home, "anna")


async def test_conversations_with_a_person_are_listed(store: Store) -> None:
    async with delivery(store) as parts:
        for name in ("anna", "李雷", "bob"):
            await parts.hub.ask(message("hi", to=name, channel="web"), timeout_s=20)
        for number, (name, kind) in enumerate(
            [("李雷", "agent"), ("anna", "agent"), ("李雷", "agent"), ("anna", "resume")]
        ):
            await parts.hub.ask(replace(message("", event_id=f"{number}", to=name), kind=kind), timeout_s=20)
        (waiting,) = await store.handoffs()
        frames = await parts.hub.log_after("anna", 2)
    assert (waiting.conversation_id, waiting.channel) == ("李雷", "web")
    assert abs(waiting.since - time.time()) < 10
    assert [(frame.type, frame.text) for frame in frames] == [("status", "handoff"), ("status", "resumed")]


async def test_consumers_that_died_long_ago_are_forgotten(store: Store) -> None:
    queue = store.keys.queue("anna", "ready")
    await store.ingest(message("hi"))
    await store.client.command("XREADGROUP", "GROUP", WORKERS, "holding", "COUNT", 1, "STREAMS", queue, ">")
    await store.client.command("XGROUP", "CREATECONSUMER", queue, WORKERS, "idle")
    await asyncio.sleep(0.01)
    swept = [await store.client.script("sweep", [queue], [WORKERS, idle_ms]) for idle_ms in (60_000, 1, 1)]
    assert swept == [0, 1, 0]
    (left,) = await store.client.command("XINFO", "CONSUMERS", queue, WORKERS)
    assert "holding" in str(left)


async def test_another_number_of_partitions_is_refused(store: Store) -> None:
    other = Store(store.url, replace(store.settings, partitions=8))
    with pytest.raises(StoreError, match="made with 16 partitions"):
        await other.open()
    await other.close()


async def test_a_store_whose_memory_is_full_refuses_and_recovers(store: Store) -> None:
    async with delivery(store) as parts:
        await store.client.command("CONFIG", "SET", "maxmemory", 1)
        with pytest.raises(StoreUnavailable, match="takes nothing"):
            await parts.hub.ingest(message("hi"))
        await store.client.command("CONFIG", "SET", "maxmemory", 0)
        assert (await parts.hub.ask(message("hi"), timeout_s=20))[0].text == "1:hi"


async def test_events_may_replace_a_conversation(store: Store) -> None:
    """Whoever has the former events in memory does not go on with them."""

    async def taken(inbound: Inbound, partial: Partial) -> None:
        if inbound.event_id == "torn":
            raise ValueError("cannot be replaced by this")

    replacing = replace(message("", event_id="anew"), kind="events", metadata={"replace": True})
    engine = CountingEngine(before=taken)  # either may get the message
    async with delivery(store, engine) as parts, delivery(store, engine) as other:
        for text in ("one", "two"):
            await parts.hub.ask(message(text), timeout_s=20)
        await parts.hub.ask(replace(replacing, event_id="torn"), timeout_s=60)
        assert len(await store.events("anna")) == 4  # a dead letter replaces nothing
        await parts.hub.ask(replacing, timeout_s=20)
        assert await store.events("anna") == ()
        await parts.hub.ask(replacing, timeout_s=20)  # repeated: it takes effect once
        answers = [
            (await hub.ask(message(text), timeout_s=20))[0].text for hub, text in ((parts.hub, "a"), (other.hub, "b"))
        ]
    assert answers == ["1:a", "2:b"]


async def test_what_cannot_be_answered_now_waits(store: Store) -> None:
    """No release answers: the message is kept, no try of it is counted, and the worker stops without delay."""
    ready, hub = asyncio.Event(), Hub(store)
    await hub.start()
    await store.ingest(message("hi"))
    for _ in range(2):
        worker = Worker(store, hub, CountingEngine, clock=SystemClock(), ready=ready)
        await worker.start(exclusive=True)
        await asyncio.sleep(0.3)
        assert await store.events("anna") == ()
        started = time.monotonic()
        await worker.stop()
        assert time.monotonic() - started < 5
    worker = Worker(store, hub, CountingEngine, clock=SystemClock(), ready=ready)
    await worker.start(exclusive=True)
    asking = asyncio.create_task(hub.ask(message("hi"), timeout_s=20))
    await asyncio.sleep(0.2)
    assert not asking.done()
    ready.set()
    assert (await asking)[0].text == "1:hi"
    await worker.stop()
    await hub.stop()

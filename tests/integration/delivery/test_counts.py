import asyncio

from delivery_parts import CountingEngine, Platform, delivery, message, until

from bot.delivery.store import Store
from bot.delivery.stored import Counts
from bot.messages import Inbound, Refused, RetryLater


async def test_what_waits_is_counted(store: Store) -> None:
    assert await store.counts() == Counts(ready=0, lag_s=0.0, sending=0, dead=0, reminders=0)
    for name in ("anna", "李雷", "bob"):
        await store.ingest(message("hi", to=name, channel="phone"))
    await store.ingest(message("more", channel="phone"))
    await asyncio.sleep(1.1)
    waiting = await store.counts()
    assert (waiting.ready, waiting.sending, waiting.dead) == (3, 0, 0)
    assert 0.9 < waiting.lag_s < 5.0
    # One is refused for good; another is to wait, and its conversation with it.
    phone = Platform(answers=[Refused(reason="blocked"), RetryLater(after_s=60)])
    async with delivery(store, senders={"phone": phone}):
        await until(lambda: len(phone.arrived) >= 1 and len(phone.calls) >= 3)
        async with asyncio.timeout(10):
            while (after := await store.counts()) != Counts(ready=0, lag_s=0.0, sending=1, dead=1, reminders=0):
                await asyncio.sleep(0.05)
    assert after.sending == 1


async def test_a_turn_that_runs_counts_until_it_is_over(store: Store) -> None:
    running, go_on = asyncio.Event(), asyncio.Event()

    async def hang(inbound: Inbound, partial: object) -> None:
        running.set()
        await go_on.wait()

    async with delivery(store, CountingEngine(before=hang)) as parts:
        asked = asyncio.create_task(parts.hub.ask(message("hi"), timeout_s=20))
        await running.wait()
        assert (await store.counts()).ready == 1
        go_on.set()
        await asked
        assert (await store.counts()).ready == 0

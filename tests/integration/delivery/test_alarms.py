"""Reminders over the whole of delivery, with the real engine: set, kept, due, in order, once."""

import asyncio
import time

from delivery_parts import Platform, SystemClock, delivery, message, until
from reminder_parts import nudge, planning_engine

from bot.delivery.alarms import AlarmClock
from bot.delivery.store import Store
from bot.dialogue.domain import Domain
from bot.dialogue.events import Event
from bot.dialogue.tracker import Tracker
from bot.engine import Engine
from bot.errors import StoreUnavailable


def reminding(*, after_s: float, kill: bool = False) -> Engine:
    """An engine whose plans remind of the thing that was named, so much later."""

    def plan(tracker: Tracker) -> list[Event]:
        thing = str(tracker.slots["thing"])
        return [nudge(thing, at=time.time() + after_s, name=thing, kill=kill)]

    return planning_engine(plan, SystemClock())


def plan(thing: str) -> str:
    return f'/plan{{"thing": "{thing}"}}'


async def waiting(store: Store) -> int:
    return (await store.counts()).reminders


async def said(store: Store, name: str = "anna") -> list[str | None]:
    return [frame.reply.text for frame in await store.log_after(name, 0) if frame.reply]


async def all_rung(store: Store) -> None:
    async with asyncio.timeout(10):
        while (counts := await store.counts()).reminders or counts.ready or counts.sending:
            await asyncio.sleep(0.05)


async def test_a_reminder_goes_out_once_however_many_replicas_ring(store: Store, url: str) -> None:
    phone = Platform()
    other = Store(url, store.settings)
    await other.open()
    engine = reminding(after_s=0.3)
    async with (
        delivery(store, engine, {"phone": phone}) as parts,
        delivery(other, engine, {"phone": phone}),
    ):
        for name in ("anna", "李雷"):
            await parts.hub.ask(message(plan("milk"), to=name, channel="phone"), timeout_s=20)
        assert await waiting(store) == 2
        assert phone.arrived == []
        await until(lambda: len(phone.arrived) == 2)
        await asyncio.sleep(1.2)
    await other.close()
    assert sorted(call[1] for call in phone.calls) == ["anna", "李雷"]
    assert {reply.text for reply in phone.arrived} == {"Remember milk on the phone."}
    assert await waiting(store) == 0


async def test_what_was_due_while_nobody_ran_goes_off_at_the_start(store: Store) -> None:
    engine = reminding(after_s=0.2)
    async with delivery(store, engine) as parts:
        await parts.hub.ask(message(plan("milk")), timeout_s=20)
    await asyncio.sleep(0.5)
    assert (await said(store), await waiting(store)) == ([], 1)
    async with delivery(store, engine):
        await all_rung(store)
    assert await said(store) == ["Remember milk."]


async def test_a_time_that_is_past_goes_off_at_once(store: Store) -> None:
    async with delivery(store, reminding(after_s=-86_400)) as parts:
        await parts.hub.ask(message(plan("milk")), timeout_s=20)
        await all_rung(store)
    assert await said(store) == ["Remember milk."]


async def test_what_calls_a_reminder_off_takes_its_alarm_off_in_the_same_step(store: Store) -> None:
    async with delivery(store, reminding(after_s=60, kill=True)) as parts:
        await parts.hub.ask(message(plan("milk")), timeout_s=20)
        assert await waiting(store) == 1
        await parts.hub.ask(message("/greet"), timeout_s=20)
        assert await waiting(store) == 0
        # The same name anew: the old alarm goes, the new one comes.
        await parts.hub.ask(message(plan("tea")), timeout_s=20)
        await parts.hub.ask(message(plan("tea"), event_id="again"), timeout_s=20)
        assert await waiting(store) == 1


async def test_an_alarm_that_went_off_too_early_to_know_better_is_silent(store: Store) -> None:
    """It is already in the mailbox, behind the message that calls it off."""
    engine = reminding(after_s=60, kill=True)
    async with delivery(store, engine) as parts:
        await parts.hub.ask(message(plan("milk")), timeout_s=20)
    await store.ingest(message("/greet"))

    class Hasty:
        def now(self) -> float:
            return time.time() + 61

    clock = AlarmClock(store, hub_id="", clock=Hasty())
    await clock.ring()
    assert await waiting(store) == 0
    async with delivery(store, engine):
        await all_rung(store)
    assert await said(store) == ["Hello!"]


async def test_a_reminder_waits_its_turn(store: Store) -> None:
    engine = reminding(after_s=0.0)
    async with delivery(store, engine) as parts:
        await parts.hub.ask(message(plan("milk")), timeout_s=20)
    await store.ingest(message("/greet", event_id="1"))
    await AlarmClock(store, hub_id="", clock=SystemClock()).ring()
    await store.ingest(message("/greet", event_id="2"))
    async with delivery(store, engine):
        await all_rung(store)
    assert await said(store) == ["Hello!", "Remember milk.", "Hello!"]


async def test_a_repeated_ring_changes_nothing_and_a_full_mailbox_keeps_it_set(store: Store) -> None:
    engine = reminding(after_s=0.0)
    clock = AlarmClock(store, hub_id="", clock=SystemClock())
    async with delivery(store, engine) as parts:
        await parts.hub.ask(message(plan("milk")), timeout_s=20)
        await all_rung(store)
    async with delivery(store, reminding(after_s=0.4)) as parts:
        await parts.hub.ask(message(plan("tea")), timeout_s=20)
    for number in range(store.settings.mailbox_limit):
        await store.ingest(message("/greet", event_id=str(number)))
    await asyncio.sleep(0.5)
    await clock.ring()
    assert await waiting(store) == 1
    async with delivery(store, engine):
        await all_rung(store)
    assert (await said(store))[-1] == "Remember tea."
    assert (await said(store)).count("Remember tea.") == 1


async def test_two_rings_at_once_queue_it_once(store: Store) -> None:
    async with delivery(store, reminding(after_s=0.4)) as parts:
        await parts.hub.ask(message(plan("milk")), timeout_s=20)
    await asyncio.sleep(0.5)
    clocks = [AlarmClock(store, hub_id="", clock=SystemClock()) for _ in range(5)]
    await asyncio.gather(*(clock.ring() for clock in clocks))
    assert await store.client.command("XLEN", store.keys.of("anna", "in")) == 1
    assert await waiting(store) == 0


async def test_a_conversation_is_kept_for_its_reminders(store: Store) -> None:
    """It would else be forgotten thirty days after the last message, and the reminder with it."""
    kept_s = store.settings.retention.conversation_s
    async with delivery(store, reminding(after_s=2.0 * kept_s)) as parts:
        await parts.hub.ask(message("/greet"), timeout_s=20)
        ttls = [await store.client.command("TTL", store.keys.of("anna", kind)) for kind in ("tracker", "meta")]
        assert all(kept_s - 60 < ttl <= kept_s for ttl in ttls)
        await parts.hub.ask(message(plan("milk")), timeout_s=20)
        ttls = [await store.client.command("TTL", store.keys.of("anna", kind)) for kind in ("tracker", "meta")]
        assert all(3 * kept_s - 60 < ttl <= 3 * kept_s for ttl in ttls)


async def test_a_reminder_that_breaks_down_is_put_aside_in_silence(store: Store) -> None:
    class Broken:
        domain = Domain()

        async def handle(self, inbound: object, tracker: Tracker, *, partial: object = None) -> object:
            raise ValueError("cannot")

    async with delivery(store, reminding(after_s=0.3)) as parts:
        await parts.hub.ask(message(plan("milk")), timeout_s=20)
    async with delivery(store, Broken()):  # type: ignore[arg-type]  # it never answers
        await asyncio.sleep(0.5)
        await all_rung(store)
    assert await said(store) == []
    assert (await store.counts()).dead == 1


async def test_a_store_that_is_away_only_delays_it(store: Store, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    answers = iter([StoreUnavailable("away")])
    real = Store.due_alarms

    async def due(self: Store, **options: object) -> object:
        for fault in answers:
            raise fault
        return await real(self, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "due_alarms", due)
    async with delivery(store, reminding(after_s=0.0)) as parts:
        await parts.hub.ask(message(plan("milk")), timeout_s=20)
        await all_rung(store)
    assert await said(store) == ["Remember milk."]

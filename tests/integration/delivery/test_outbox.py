import asyncio
from dataclasses import replace

import pytest
from conftest import SETTINGS
from delivery_parts import CountingEngine, Platform, delivery, message, until

from bot.delivery.keys import SENDERS
from bot.delivery.store import Store
from bot.messages import Inbound, Refused, Reply, RetryLater, SendResult, Unknown
from bot.ports import Partial


def texts(replies: list[Reply]) -> list[str | None]:
    return [reply.text for reply in replies]


async def outbox_is_empty(store: Store, conversation_id: str = "anna") -> bool:
    meta = await store.client.command("HGET", store.keys.of(conversation_id, "meta"), "due")
    return meta is None and not await store.client.command("EXISTS", store.keys.of(conversation_id, "out"))


async def test_replies_reach_the_platform_in_order_and_once(store: Store) -> None:
    phone = Platform()
    async with delivery(store, senders={"phone": phone}) as parts:
        for number in range(5):
            for name in ("anna", "李雷"):
                await parts.hub.ingest(message(f"m{number}", to=name, channel="phone"))
        await until(lambda: len(phone.arrived) == 10)
    for name in ("anna", "李雷"):
        assert [reply.text for _, to, reply in phone.calls if to == name] == [f"{n + 1}:m{n}" for n in range(5)]
        assert await outbox_is_empty(store, name)


async def test_a_platform_that_asks_to_wait_is_obeyed_and_order_kept(store: Store) -> None:
    phone = Platform(answers=[RetryLater(after_s=0.6)])
    async with delivery(store, senders={"phone": phone}) as parts:
        await parts.hub.ingest(message("one", channel="phone"))
        await until(lambda: len(phone.calls) == 1)
        await parts.hub.ingest(message("two", channel="phone"))
        await parts.hub.ingest(message("hi", to="bob", channel="phone"))
        await until(lambda: len(phone.arrived) == 3)
    assert texts(phone.arrived) == ["1:hi", "1:one", "2:two"]
    first, again = [at for at, to, reply in phone.calls if reply.text == "1:one"]
    assert 0.55 < again - first < 2.0


@pytest.mark.parametrize(
    ("policy", "answer", "arrived", "dead"),
    [
        ("retry", Refused(reason="blocked by the user"), ["2:two"], 1),  # never sent again
        ("retry", Unknown(reason="timeout"), ["1:one", "2:two"], 0),  # sent again
        ("drop", Unknown(reason="timeout"), ["2:two"], 1),  # given up
        ("retry", ValueError("a fault in the channel"), ["1:one", "2:two"], 0),  # as if unknown
    ],
)
async def test_replies_that_may_not_have_arrived(
    url: str, policy: str, answer: SendResult | Exception, arrived: list[str], dead: int
) -> None:
    store = Store(url, replace(SETTINGS, unknown_send=policy))
    await store.open()
    phone = Platform(answers=[answer])
    async with delivery(store, senders={"phone": phone}) as parts:
        await parts.hub.ingest(message("one", channel="phone"))
        await parts.hub.ingest(message("two", channel="phone"))
        await until(lambda: texts(phone.arrived) == arrived)
    assert await store.client.command("XLEN", store.keys.queue("anna", "dead")) == dead
    assert await outbox_is_empty(store)
    await store.close()


@pytest.mark.parametrize(("policy", "sent"), [("retry", ["1:hi"]), ("drop", [])])
async def test_a_sender_that_died_in_the_middle_leaves_the_outcome_unknown(
    url: str, policy: str, sent: list[str]
) -> None:
    store = Store(url, replace(SETTINGS, unknown_send=policy))
    await store.open()
    async with delivery(store, senders={"phone": Platform()}) as parts:
        await parts.outbox.stop()
        await parts.hub.ask(message("hi", channel="phone"), timeout_s=20)
    queue = store.keys.queue("anna", "due")
    read = await store.client.command("XREADGROUP", "GROUP", SENDERS, "ghost", "STREAMS", queue, ">")
    ((_, [(due_id, _)]),) = read
    taken = await store.take("anna", due_id, nonce="ghost")
    assert taken is not None
    assert not taken.unsure
    phone = Platform()
    async with delivery(store, senders={"phone": phone}):
        async with asyncio.timeout(10):
            while not await outbox_is_empty(store):
                await asyncio.sleep(0.02)
    assert texts(phone.arrived) == sent
    await store.close()


async def test_a_repeated_take_or_settle_changes_nothing(store: Store) -> None:
    async with delivery(store, senders={"phone": Platform()}) as parts:
        await parts.outbox.stop()
        for text in ("one", "two"):
            await parts.hub.ask(message(text, channel="phone"), timeout_s=20)
    due_id = await store.client.command("HGET", store.keys.of("anna", "meta"), "due")
    first, again = [await store.take("anna", due_id, nonce="n") for _ in range(2)]
    assert first == again
    assert first is not None
    await store.settle("anna", due_id, first)
    await store.settle("anna", due_id, first)
    assert await store.client.command("XLEN", store.keys.of("anna", "out")) == 1
    assert await store.take("anna", due_id, nonce="m") is None


async def test_a_recipient_gets_no_more_than_its_rate(store: Store) -> None:
    slow = Platform(name="slow")
    async with delivery(store, senders={"slow": slow}) as parts:
        for number in range(4):
            await parts.hub.ingest(message(f"m{number}", channel="slow"))
        await until(lambda: len(slow.arrived) == 4)
    assert texts(slow.arrived) == [f"{n + 1}:m{n}" for n in range(4)]
    times = [at for at, _, _ in slow.calls]
    assert times[-1] - times[0] > 0.5  # 5 a second, one at once


async def test_a_long_turn_shows_that_it_is_being_answered(store: Store) -> None:
    shown = []

    class Typing(Platform):
        async def typing(self, recipient_id: str) -> None:
            shown.append(recipient_id)

    async def slow(inbound: Inbound, partial: Partial) -> None:
        await asyncio.sleep(0.8 if inbound.text == "slow" else 0.0)

    async with delivery(store, CountingEngine(before=slow), senders={"phone": Typing()}) as parts:
        for name in ("quick", "slow"):
            await parts.hub.ask(message(name, to=name, channel="phone"), timeout_s=20)
    assert shown == ["slow"]


async def test_a_reply_of_a_channel_that_is_gone_is_put_aside(store: Store) -> None:
    async with delivery(store, senders={"removed": Platform()}) as parts:
        await parts.outbox.stop()
        await parts.hub.ask(message("hi", channel="removed"), timeout_s=20)
    async with delivery(store):
        async with asyncio.timeout(10):
            while not await store.client.command("XLEN", store.keys.queue("anna", "dead")):
                await asyncio.sleep(0.02)
    assert await outbox_is_empty(store)


async def test_replies_that_were_sent_are_in_the_log_too(store: Store) -> None:
    phone = Platform()
    async with delivery(store, senders={"phone": phone}) as parts:
        answers = await parts.hub.ask(message("嗨", channel="phone"), timeout_s=20)
        await until(lambda: len(phone.arrived) == 1)
        frames = await parts.hub.log_after("anna", 0)
    assert [(frame.type, frame.text, frame.reply and frame.reply.text) for frame in frames] == [
        ("user", "嗨", None),
        ("bot", None, "1:嗨"),
    ]
    assert list(answers) == phone.arrived == [frames[1].reply]

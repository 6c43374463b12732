import asyncio
from collections.abc import AsyncIterator

import pytest
from delivery_parts import CountingEngine, delivery, message, until

from bot.delivery.hub import Hub
from bot.delivery.store import Store
from bot.messages import Inbound, LiveFrame
from bot.ports import Partial


async def take(frames: AsyncIterator[LiveFrame], last: str = "done") -> list[LiveFrame]:
    taken = []
    async with asyncio.timeout(10):
        async for frame in frames:
            taken.append(frame)
            if frame.type == last:
                return taken
    return taken


async def write_slowly(inbound: Inbound, partial: Partial) -> None:
    await partial("正在")
    await partial("正在写")


@pytest.mark.parametrize("same_process", [True, False])
async def test_a_watcher_sees_the_turn_as_it_happens(store: Store, same_process: bool) -> None:
    """The other process is another hub on the same store, with a worker in neither's way."""
    async with delivery(store, CountingEngine(before=write_slowly)) as parts:
        other = Hub(store)
        await other.start()
        watcher = parts.hub if same_process else other
        async with watcher.subscribe("anna") as frames:
            await parts.hub.ingest(message("hi", channel="web"))
            seen = await take(frames)
        await other.stop()
    kinds = [frame.type for frame in seen]
    assert sorted(kinds) == sorted(["log", "typing", "partial", "partial", "log", "done"])
    assert [frame.text for frame in seen if frame.type == "partial"] == ["正在", "正在写"]
    assert [logged.seq for frame in seen for logged in frame.frames] == [1, 2]
    assert seen[-1].event_id == "hi"


async def test_a_question_is_answered_by_a_worker_of_another_process(store: Store) -> None:
    asking = Hub(store)
    await asking.start()
    async with delivery(store):
        loop = asyncio.get_running_loop()
        started = loop.time()
        replies = await asking.ask(message("hi"), timeout_s=20)
        assert replies[0].text == "1:hi"
        assert loop.time() - started < 0.9  # woken, not found by looking again
    await asking.stop()


async def test_watchers_of_others_see_nothing(store: Store) -> None:
    async with delivery(store) as parts, parts.hub.subscribe("bob") as frames:
        await parts.hub.ask(message("hi"), timeout_s=20)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await anext(aiter(frames))


async def test_a_watcher_that_sleeps_is_told_to_read_the_log(store: Store) -> None:
    async with delivery(store) as parts, parts.hub.subscribe("anna") as frames:
        for number in range(600):
            parts.hub.show_hint("anna", LiveFrame(type="partial", text=f"{number}"))
        seen = []
        async for frame in frames:
            seen.append(frame)
            if frame.text == "599":
                break
    assert seen[0] == LiveFrame(type="log")
    assert len(seen) <= 256


async def test_a_lost_connection_wakes_the_watchers(store: Store) -> None:
    async with delivery(store) as parts, parts.hub.subscribe("anna") as frames:
        assert await store.client.command("CLIENT", "KILL", "TYPE", "pubsub") == 1
        assert (await take(frames, "log"))[-1] == LiveFrame(type="log")
        other = Hub(store)
        await other.start()
        await other.hint("anna", LiveFrame(type="partial", text="again"))
        assert (await take(frames, "partial"))[-1].text == "again"
        await other.stop()


async def test_stopping_ends_every_watch(store: Store) -> None:
    ended = []
    async with delivery(store) as parts:

        async def watch() -> None:
            async with parts.hub.subscribe("anna") as frames:
                async for _ in frames:
                    pass
            ended.append(True)

        tasks = [asyncio.create_task(watch()) for _ in range(3)]
        await until(lambda: len(parts.hub._watches.get("anna", ())) == 3)
        await parts.hub.stop()
        await asyncio.gather(*tasks)
    assert ended == [True] * 3


async def test_the_last_watcher_gone_the_server_is_told(store: Store) -> None:
    topic = store.keys.live("anna")
    async with delivery(store) as parts:
        async with parts.hub.subscribe("anna"), parts.hub.subscribe("anna"):
            assert await store.client.command("PUBSUB", "NUMSUB", topic) == [topic, 1]
        async with asyncio.timeout(5):
            while await store.client.command("PUBSUB", "NUMSUB", topic) != [topic, 0]:
                await asyncio.sleep(0.01)


async def test_how_far_a_log_has_arrived_never_goes_back(store: Store) -> None:
    async with delivery(store) as parts, delivery(store) as other:
        assert await parts.hub.read_mark("anna") is None
        for seq, mark in ((0, 0), (3, 3), (2, 3), (9, 9)):
            await parts.hub.mark_read("anna", seq)
            assert await other.hub.read_mark("anna") == mark
        assert await other.hub.read_mark("bob") is None

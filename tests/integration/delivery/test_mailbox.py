import asyncio
from dataclasses import replace

import pytest
from delivery_parts import CountingEngine, delivery, message, said

from bot.delivery.store import Store
from bot.delivery.stored import Commit, Finished, Turn
from bot.delivery.transcript import read_transcripts
from bot.dialogue.events import SlotSet
from bot.dialogue.tracker import Tracker
from bot.errors import LogTrimmed, StoreBusy, StoreUnavailable
from bot.messages import Inbound, LogFrame, Reply


async def begin(store: Store, conversation_id: str = "anna", nonce: str = "n1", **cached: object) -> Turn | None:
    ready_id = await store.client.command("HGET", store.keys.of(conversation_id, "meta"), "ready")
    return await store.begin(conversation_id, ready_id or "0-0", nonce=nonce, **cached)


def commit_of(turn: Turn, *texts: str) -> Commit:
    frames = [LogFrame(seq=0, type="bot", id=text, at=1.0, reply=Reply(id=text, text=text)) for text in texts]
    return Commit(turn=turn, events=[SlotSet(name=text, value=1) for text in texts], frames=frames, transcript="{}")


@pytest.mark.parametrize("times", [2, 20])
async def test_a_duplicate_takes_effect_once(store: Store, times: int) -> None:
    verdicts = await asyncio.gather(*(store.ingest(message("hi")) for _ in range(times)))
    assert sorted(ingested.verdict for ingested in verdicts) == ["dup"] * (times - 1) + ["queued"]
    assert await store.client.command("XLEN", store.keys.of("anna", "in")) == 1
    assert len(await store.log_after("anna", 0)) == 1


async def test_an_event_id_counts_within_its_conversation_and_channel(store: Store) -> None:
    same_id = [
        message("a", event_id="1"),
        message("b", event_id="1", to="bob"),
        message("c", event_id="1", channel="web"),
    ]
    assert [(await store.ingest(inbound)).verdict for inbound in same_id] == ["queued"] * 3


async def test_a_full_mailbox_takes_nothing(store: Store) -> None:
    verdicts = [(await store.ingest(message(f"{number}"))).verdict for number in range(7)]
    assert verdicts == ["queued"] * 5 + ["busy"] * 2
    assert len(await store.log_after("anna", 0)) == 5
    # What was refused left no mark: it can be sent again.
    turn = await begin(store)
    assert turn is not None
    await store.commit(commit_of(turn))
    assert (await store.ingest(message("6"))).verdict == "queued"


async def test_too_many_waiting_conversations_are_refused(url: str) -> None:
    from conftest import SETTINGS

    store = Store(url, replace(SETTINGS, partitions=1, ready_limit=2, prefix="small"))
    await store.open()
    verdicts = [(await store.ingest(message("hi", to=name))).verdict for name in ("a", "b", "c")]
    await store.close()
    assert verdicts == ["queued", "queued", "busy"]


async def test_a_repeated_begin_changes_nothing_and_another_one_fences(store: Store) -> None:
    await store.ingest(message("hi"))
    first, again, other = await begin(store), await begin(store), await begin(store, nonce="n2")
    assert first == again
    assert first is not None
    assert other is not None
    assert (other.epoch, other.tries) == (first.epoch + 1, first.tries + 1)
    assert await store.commit(commit_of(first, "late")) == "fenced"
    assert await store.events("anna") == ()
    assert await store.commit(commit_of(other, "x")) == Finished(2, 1)


async def test_a_repeated_commit_changes_nothing(store: Store) -> None:
    await store.ingest(message("hi"))
    turn = await begin(store)
    assert turn is not None
    assert await store.commit(commit_of(turn, "x", "y")) == Finished(2, 2)
    assert await store.commit(commit_of(turn, "x", "y")) == "gone"
    assert [frame.seq for frame in await store.log_after("anna", 0)] == [1, 2, 3]
    assert len(await store.events("anna")) == 2
    assert await begin(store) is None


async def test_begin_reads_only_newer_events(store: Store) -> None:
    for text in ("one", "two", "three"):
        await store.ingest(message(text))
        turn = await begin(store, nonce=text)
        assert turn is not None
        await store.commit(commit_of(turn, text, text + "!"))
    await store.ingest(message("four"))
    table = [
        ({}, 0, 6),  # knows nothing
        ({"born": turn.born, "have": 4}, 4, 2),  # knows two turns
        ({"born": turn.born, "have": 6}, 6, 0),  # knows all
        ({"born": turn.born, "have": 9}, 0, 6),  # knows more than there is: the list was cut
        ({"born": "0-1", "have": 4}, 0, 6),  # knows another life of the conversation
    ]
    for number, (cached, from_event, count) in enumerate(table):
        again = await begin(store, nonce=f"again-{number}", **cached)
        assert again is not None
        assert (again.from_event, len(again.events)) == (from_event, count)


async def test_a_store_that_lost_its_scripts_is_taught_again(store: Store) -> None:
    await store.client.command("SCRIPT", "FLUSH")
    assert (await store.ingest(message("hi"))).verdict == "queued"


async def test_messages_of_a_customer_are_answered_in_order_and_once(store: Store) -> None:
    engine = CountingEngine()
    names = [f"顾客{number}" for number in range(12)]

    async def talk(name: str) -> list[str | None]:
        answers = []
        for number in range(5):
            inbound = message(f"m{number}", to=name)
            replies, _ = await asyncio.gather(parts.hub.ask(inbound, timeout_s=20), parts.hub.ingest(inbound))
            answers.append(replies[0].text)
        return answers

    async with delivery(store, engine) as parts:
        answers = await asyncio.gather(*map(talk, names))
    assert answers == [[f"{number + 1}:m{number}" for number in range(5)]] * 12
    trackers = [Tracker.start(name, engine.domain, await store.events(name)) for name in names]
    assert [said(tracker) for tracker in trackers] == [[f"m{number}" for number in range(5)]] * 12


async def test_a_burst_keeps_its_order(store: Store) -> None:
    async with delivery(store) as parts:
        for round_ in range(3):
            for number in range(4):
                assert await parts.hub.ingest(message(f"{round_}-{number}")) == "queued"
            await parts.hub.ask(message(f"{round_}-end"), timeout_s=20)
        frames = await parts.hub.log_after("anna", 0)
    expected = [f"{round_}-{end}" for round_ in range(3) for end in (0, 1, 2, 3, "end")]
    assert [frame.text for frame in frames if frame.type == "user"] == expected
    assert [frame.reply.text for frame in frames if frame.reply] == [
        f"{n + 1}:{text}" for n, text in enumerate(expected)
    ]
    assert [frame.seq for frame in frames] == list(range(1, 31))


async def test_a_repeated_ask_gets_the_replies_of_the_first(store: Store) -> None:
    go_on = asyncio.Event()

    async def wait(inbound: Inbound, partial: object) -> None:
        await go_on.wait()

    async with delivery(store, CountingEngine(before=wait)) as parts:
        first = asyncio.create_task(parts.hub.ask(message("hi"), timeout_s=20))
        await asyncio.sleep(0.2)
        meanwhile = asyncio.create_task(parts.hub.ask(message("hi"), timeout_s=20))
        await asyncio.sleep(0.2)
        go_on.set()
        later = await parts.hub.ask(message("next"), timeout_s=20)
        assert await first == await meanwhile == await parts.hub.ask(message("hi"), timeout_s=20)
    assert (await first)[0].text == "1:hi"
    assert later[0].text == "2:next"


async def test_ask_says_when_it_is_too_late_or_too_much(store: Store) -> None:
    async def hang(inbound: Inbound, partial: object) -> None:
        await asyncio.sleep(0.8)

    async with delivery(store, CountingEngine(before=hang)) as parts:
        with pytest.raises(TimeoutError):
            await parts.hub.ask(message("0"), timeout_s=0.05)
        for number in range(1, 5):
            await parts.hub.ingest(message(f"{number}"))
        with pytest.raises(StoreBusy):
            await parts.hub.ask(message("one too many"), timeout_s=1)


async def test_the_log_resumes_without_gap_and_says_when_it_was_cut(store: Store) -> None:
    async with delivery(store) as parts:
        for number in range(150):
            await parts.hub.ask(message(f"{number}"), timeout_s=20)
        newest = await parts.hub.log_after("anna", 290)
        assert [frame.seq for frame in newest] == list(range(291, 301))
        assert await parts.hub.log_after("anna", 300) == ()
        with pytest.raises(LogTrimmed) as caught:
            await parts.hub.log_after("anna", 0)
        assert caught.value.oldest is not None
        kept = await parts.hub.log_after("anna", caught.value.oldest - 1)
        assert [frame.seq for frame in kept] == list(range(caught.value.oldest, 301))
        with pytest.raises(LogTrimmed):
            await parts.hub.log_after("anna", 999)  # a cursor from before the data was lost


async def test_a_rating_is_found_with_the_reply_it_rates(store: Store, url: str) -> None:
    async with delivery(store) as parts:
        good, bad = [(await parts.hub.ask(message(text), timeout_s=20))[0] for text in ("价格？", "hours?")]
        for number, (reply, value) in enumerate([(bad, "up"), (bad, "down"), (good, "up")]):
            rating = replace(
                message("", event_id=f"f{number}"), kind="feedback", metadata={"reply_id": reply.id, "value": value}
            )
            await parts.hub.ask(rating, timeout_s=20)
    turns = [turn async for turn in read_transcripts(url)]
    assert [(turn.kind, turn.text, turn.ratings) for turn in turns[:2]] == [
        ("message", "价格？", {good.id: "up"}),
        ("message", "hours?", {bad.id: "down"}),
    ]
    assert turns[0].record.reasons == ("counted",)
    assert turns[0].replies == (good,)
    assert 0 <= turns[0].waited_ms < 5_000
    assert [turn async for turn in read_transcripts(url, until=turns[0].at - 60)] == []


async def test_transcripts_older_than_their_keep_are_dropped(store: Store, url: str) -> None:
    async with delivery(store) as parts:
        await parts.hub.ask(message("hi"), timeout_s=20)
        await store.tidy(now=parts.store.settings.retention.transcript_s + 0.0)
        assert len([turn async for turn in read_transcripts(url)]) == 1


async def test_a_rate_limit_holds_its_burst_and_recovers(store: Store) -> None:
    async with delivery(store) as parts:
        assert [await parts.hub.allow("message", "1.2.3.4") for _ in range(5)] == [True] * 3 + [False] * 2
        assert await parts.hub.allow("message", "other")
        await asyncio.sleep(0.25)
        assert [await parts.hub.allow("message", "1.2.3.4") for _ in range(2)] == [True, False]
        with pytest.raises(KeyError):
            await parts.hub.allow("no such bucket", "x")


async def test_a_message_that_replicas_must_have_is_refused_without_them(url: str) -> None:
    from conftest import SETTINGS

    store = Store(url, replace(SETTINGS, replicas=1))
    await store.open()
    with pytest.raises(StoreUnavailable, match="0 replicas"):
        await store.ingest(message("hi"))
    await store.close()


async def test_cancelled_calls_never_mix_up_answers(store: Store) -> None:
    async def echo(number: int) -> None:
        answer = await store.client.command("ECHO", f"{number}")
        assert answer == f"{number}"

    for start in range(0, 2_000, 50):
        tasks = [asyncio.create_task(echo(start + number)) for number in range(50)]
        await asyncio.sleep(0)
        for index, task in enumerate(tasks):
            if (index * 7 + start) % 3 == 0:
                task.cancel()
            if index % 10 == 0:
                await asyncio.sleep(0)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [result for result in results if not isinstance(result, asyncio.CancelledError | None)] == []


async def test_conversations_that_nobody_uses_expire_but_what_waits_does_not(store: Store) -> None:
    meta = store.keys.of("anna", "meta")
    await store.ingest(message("hi"))
    assert await store.client.command("TTL", meta) == -1
    async with delivery(store) as parts:
        await parts.hub.ask(message("more"), timeout_s=20)
    for kind in ("meta", "tracker", "log"):
        assert await store.client.command("TTL", store.keys.of("anna", kind)) > 0

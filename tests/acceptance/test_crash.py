"""Whatever is killed, every conversation is complete, in order, and each reply is there once."""

import asyncio
import itertools
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from crash_worker import POINTS, RING_POINTS, SETTINGS
from delivery_parts import message, said

from bot.delivery.embedded import EmbeddedStore
from bot.delivery.store import Store
from bot.dialogue.domain import Domain
from bot.dialogue.tracker import Tracker
from bot.messages import LogFrame

CUSTOMERS = {f"{channel}-{name}": channel for channel in ("rest", "phone") for name in ("a", "b", "c", "李", "王")}
MESSAGES = [f"m{number}" for number in range(10)]
KILLS = 20
HERE = Path(__file__).parent


async def be_a_customer(store: Store, name: str, dice: random.Random) -> None:
    """Write without waiting for answers; the platform delivers some messages twice, some late."""
    for number, text in enumerate(MESSAGES):
        await store.ingest(message(text, to=name, channel=CUSTOMERS[name]))
        if dice.random() < 0.4:
            again = MESSAGES[dice.randrange(number + 1)]
            assert (await store.ingest(message(again, to=name, channel=CUSTOMERS[name]))).verdict == "dup"
        await asyncio.sleep(dice.uniform(0, 0.6))


async def keep_a_worker_alive(
    url: str, folder: Path, fates: list[tuple[str, int]], kills: Counter[str], *words: str
) -> None:
    """Start workers, one after the other, each with its fate; the last one lives."""
    while True:
        point, nth = fates.pop() if fates else ("never", 1)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(HERE / "crash_worker.py"), url, str(folder), point, str(nth), *words),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            assert await process.wait() == -9
            kills[point] += 1
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def answered(store: Store) -> bool:
    """Every message has its turn and every reply has left."""
    for name, channel in CUSTOMERS.items():
        if await store.outcome(name, channel, MESSAGES[-1]) is None:
            return False
        if await store.client.command("EXISTS", store.keys.of(name, "out")):
            return False
    return True


Customer = Callable[[Store, str, random.Random], Awaitable[None]]


@asynccontextmanager
async def survived(
    folder: Path,
    fates: list[tuple[str, int]],
    kills: Counter[str],
    customer: Customer,
    over: Callable[[Store], Awaitable[bool]],
    *words: str,
) -> AsyncIterator[Store]:
    """The store after workers met their fates while the customers wrote, once all is over. Counts the ``kills``."""
    wanted = {point for point, _ in fates}
    embedded = EmbeddedStore(folder / "data")
    store = Store(await embedded.start(), SETTINGS)
    await store.open()
    workers = [asyncio.create_task(keep_a_worker_alive(store.url, folder, fates, kills, *words)) for _ in range(2)]
    async with asyncio.timeout(90):
        await asyncio.gather(*(customer(store, name, random.Random(name)) for name in CUSTOMERS))
        while not await over(store):
            assert not any(worker.done() for worker in workers)
            await asyncio.sleep(0.1)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    print("kills", dict(kills))
    assert set(kills) >= wanted, kills
    yield store
    await store.close()
    await embedded.stop()


async def test_kills_at_random_points_of_a_hundred_turns(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    fates = [(point, dice.randint(1, 3)) for point in itertools.islice(itertools.cycle(POINTS), KILLS)]
    async with survived(tmp_path, fates, Counter(), be_a_customer, answered) as store:
        await check_messages(store, tmp_path)


async def check_messages(store: Store, folder: Path) -> None:
    for name, channel in CUSTOMERS.items():
        tracker = Tracker.start(name, Domain(), await store.events(name))
        assert said(tracker) == MESSAGES
        check_log(await store.log_after(name, 0))
        if channel == "phone":
            check_platform(folder / "platform", name)
    check_actions(folder / "actions")


def check_log(frames: tuple[LogFrame, ...]) -> None:
    assert [frame.seq for frame in frames] == list(range(1, 2 * len(MESSAGES) + 1))
    assert [frame.text for frame in frames if frame.type == "user"] == MESSAGES
    replies = [frame.reply.text for frame in frames if frame.reply]
    assert replies == [f"{number + 1}:{text}" for number, text in enumerate(MESSAGES)]


def check_platform(path: Path, name: str) -> None:
    """The platform drops a reply whose id it knows; what is left is each reply once, in order."""
    lines = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    shown = dict.fromkeys((reply_id, text) for to, reply_id, text in lines if to == name)
    assert list(shown) == [(f"{name}/{text}/0", f"{number + 1}:{text}") for number, text in enumerate(MESSAGES)]


def check_actions(path: Path) -> None:
    """An action may run again, but always under the key of its message."""
    keys = path.read_text("utf-8").splitlines()
    assert set(keys) == {f"{name}/{text}/0" for name in CUSTOMERS for text in MESSAGES}


class Planners:
    """Customers who ask for one reminder after the other, each due soon, until a worker was killed at every point."""

    def __init__(self, kills: Counter[str], points: Sequence[str]) -> None:
        self._kills, self._points = kills, points
        self.plans: dict[str, list[str]] = {name: [] for name in CUSTOMERS}

    async def plan(self, store: Store, name: str, dice: random.Random) -> None:
        while not set(self._kills) >= set(self._points):
            thing = f"m{len(self.plans[name])}"
            await store.ingest(message(_plan(thing), to=name, channel=CUSTOMERS[name]))
            self.plans[name].append(thing)
            await asyncio.sleep(dice.uniform(0.5, 2.5))

    async def over(self, store: Store) -> bool:
        """Nothing waits for its time, for its turn or to be sent."""
        counts = await store.counts()
        return not (counts.ready or counts.sending or counts.reminders)


def _plan(thing: str) -> str:
    return f'/plan{{"thing": "{thing}"}}'


async def test_kills_around_reminders(tmp_path: Path) -> None:
    """A reminder speaks exactly once, whether the worker dies setting it, ringing it, or speaking."""
    points, kills = (*POINTS, *RING_POINTS), Counter[str]()
    planners = Planners(kills, points)
    fates = [(point, nth) for nth in (2, 1) for point in points]
    async with survived(tmp_path, fates, kills, planners.plan, planners.over, "reminders") as store:
        sent = [line.split("\t") for line in (tmp_path / "platform").read_text("utf-8").splitlines()]
        for name, channel in CUSTOMERS.items():
            plans = planners.plans[name]
            heard = said(Tracker.start(name, Domain(), await store.events(name)))
            assert heard.count("EXTERNAL: nudge") == len(plans)
            assert [text for text in heard if text.startswith("/plan")] == [_plan(thing) for thing in plans]
            phone = " on the phone" if channel == "phone" else ""
            replies = [frame.reply for frame in await store.log_after(name, 0) if frame.reply]
            assert sorted(str(reply.text) for reply in replies) == sorted(f"Remember {p}{phone}." for p in plans)
            if channel == "phone":
                assert list(dict.fromkeys(key for to, key, _ in sent if to == name)) == [each.id for each in replies]

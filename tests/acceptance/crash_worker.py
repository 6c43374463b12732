"""A worker process that kills itself, as the operating system would, when it reaches a given point for the nth time.

Run as: crash_worker.py URL FOLDER POINT NTH [reminders]. The action and the platform are files that survive the
process. With ``reminders`` the engine is the real one of ``reminder_parts``, else one that counts.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from delivery_parts import CountingEngine, Platform, SystemClock
from reminder_parts import nudge, planning_engine

from bot.delivery.alarms import AlarmClock
from bot.delivery.hub import Hub
from bot.delivery.outbox import Outbox
from bot.delivery.settings import DeliverySettings
from bot.delivery.store import Store
from bot.delivery.stored import Commit, Finished, Ingested
from bot.delivery.worker import Engine, Worker
from bot.dialogue.events import Event
from bot.dialogue.tracker import Tracker
from bot.messages import Inbound, Reply, SendResult, Sent
from bot.ports import Partial

SETTINGS = DeliverySettings(lease_s=0.5, concurrency=4, max_deliveries=1_000)
REMIND_AFTER_S = 0.3
RING_POINTS = ("before the ring", "after the ring")
POINTS = ("before the action", "after the action", "after the commit", "before the send", "after the send")


class Fate:
    def __init__(self, point: str, nth: int) -> None:
        self._point, self._left = point, nth

    def meet(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def append(path: Path, line: str) -> None:
    """One write to a file opened for appending: it is there whole, whatever happens to this process next."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, f"{line}\n".encode())
    os.close(fd)


async def main(url: str, folder: Path, fate: Fate, *, reminders: bool) -> None:
    class DoomedStore(Store):
        async def ingest(self, inbound: Inbound, *, hub_id: str = "", alarm: str = "") -> Ingested:
            """Nobody but the alarm clock queues anything in this process."""
            fate.meet("before the ring")
            ingested = await Store.ingest(self, inbound, hub_id=hub_id, alarm=alarm)
            fate.meet("after the ring")
            return ingested

        async def commit(self, commit: Commit, *, hub_id: str = "") -> Finished | str:
            done = await Store.commit(self, commit, hub_id=hub_id)
            fate.meet("after the commit")
            return done

    class DoomedPlatform(Platform):
        async def send(self, recipient_id: str, reply: Reply) -> SendResult:
            fate.meet("before the send")
            append(folder / "platform", f"{recipient_id}\t{reply.id}\t{reply.text}")
            await asyncio.sleep(0)
            fate.meet("after the send")
            return Sent()

    async def act(inbound: Inbound, partial: Partial) -> None:
        fate.meet("before the action")
        append(folder / "actions", f"{inbound.conversation_id}/{inbound.event_id}/0")
        await asyncio.sleep(0.005)
        fate.meet("after the action")

    def plan(tracker: Tracker) -> list[Event]:
        fate.meet("before the action")
        thing = str(tracker.slots["thing"])
        append(folder / "actions", f"{tracker.conversation_id}/{thing}")
        fate.meet("after the action")
        return [nudge(thing, at=time.time() + REMIND_AFTER_S, name=thing)]

    senders = {"phone": DoomedPlatform()}
    engine: Engine = planning_engine(plan, SystemClock()) if reminders else CountingEngine(before=act)
    store = DoomedStore(url, SETTINGS)
    await store.open()
    hub = Hub(store)
    await hub.start()
    await Worker(store, hub, lambda: engine, clock=SystemClock(), senders=senders).start()
    await Outbox(store, senders, clock=SystemClock()).start()
    await AlarmClock(store, hub_id=hub.id, clock=SystemClock()).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    fate = Fate(sys.argv[3], int(sys.argv[4]))
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), fate, reminders="reminders" in sys.argv[5:]))

"""A worker process that kills itself, as the operating system would, when it reaches a given point for the nth time.

Run as: crash_worker.py URL FOLDER POINT NTH. The action and the platform are files that survive the process.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from delivery_parts import CountingEngine, Platform, SystemClock

from bot.delivery.hub import Hub
from bot.delivery.outbox import Outbox
from bot.delivery.settings import DeliverySettings
from bot.delivery.store import Commit, Finished, Store
from bot.delivery.worker import Worker
from bot.messages import Inbound, Reply, SendResult, Sent
from bot.ports import Partial

SETTINGS = DeliverySettings(lease_s=0.5, concurrency=4, max_deliveries=1_000)
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


async def main(url: str, folder: Path, fate: Fate) -> None:
    class DoomedStore(Store):
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

    engine, senders = CountingEngine(before=act), {"phone": DoomedPlatform()}
    store = DoomedStore(url, SETTINGS)
    await store.open()
    hub = Hub(store)
    await hub.start()
    await Worker(store, hub, lambda: engine, clock=SystemClock(), senders=senders).start()
    await Outbox(store, senders, clock=SystemClock()).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Fate(sys.argv[3], int(sys.argv[4]))))

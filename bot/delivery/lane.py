"""A run queue: conversations that wait for a worker (``ready``) or for a sender (``due``), shared by all processes.

A lane claims entries, keeps their lease while they are served, takes over those of silent owners, and never serves
more than ``concurrency`` at once. What serving means is the caller's; it must tolerate an entry that it sees twice.
"""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bot.delivery.store import Store
from bot.errors import StoreError, StoreUnavailable

log = logging.getLogger(__name__)

_BLOCK_S = 2.0
"""How long a read waits for work. It is never cancelled; ``stop`` has the server end it."""

_UNBLOCK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Claim:
    """An entry that this process holds."""

    conversation_id: str
    partition: int
    entry_id: str


class Lane:
    """One process's part in a run queue. ``serve`` may raise StoreUnavailable: it is called again."""

    def __init__(
        self,
        store: Store,
        *,
        kind: str,
        group: str,
        serve: Callable[[Claim], Awaitable[None]],
        concurrency: int,
    ) -> None:
        self._store = store
        self._kind = kind
        self._group = group
        self._serve = serve
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._lease_s = store.settings.lease_s
        self._blocking = store.client.dedicated(block_s=_BLOCK_S)
        self._held: dict[tuple[int, str], Claim] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._reader_id = 0
        self._room = asyncio.Event()
        self._stopping = asyncio.Event()
        self.consumer = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"

    async def start(self, *, exclusive: bool = False) -> None:
        """Begin to serve. ``exclusive``: no other process lives, so what is held by anybody is free at once."""
        if exclusive:
            await self._reclaim(min_idle_s=0.0)
        self._loops = [asyncio.create_task(self._read_loop()), asyncio.create_task(self._lease_loop())]

    async def stop(self, *, drain_s: float) -> None:
        """Claim nothing more, finish what runs within ``drain_s``, leave the rest to be taken over."""
        self._stopping.set()
        self._room.set()
        await self._end_loops()
        if self._serving:
            _, late = await asyncio.wait(self._serving, timeout=drain_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._blocking.close()

    async def _end_loops(self) -> None:
        left: set[asyncio.Task[None]] = set(self._loops)
        while left:
            with suppress(StoreError):
                await self._store.client.command("CLIENT", "UNBLOCK", self._reader_id)
            _, left = await asyncio.wait(left, timeout=_UNBLOCK_EVERY_S)

    @property
    def stopping(self) -> asyncio.Event:
        """Set once the lane claims nothing more."""
        return self._stopping

    async def _read_loop(self) -> None:
        delay_s, connected = 0.05, False
        while not self._stopping.is_set():
            if len(self._serving) >= self._concurrency:
                self._room.clear()
                await self._room.wait()
                continue
            try:
                if not connected:
                    self._reader_id = await self._blocking.command("CLIENT", "ID")
                    connected = True
                self._accept(await self._read())
                delay_s = 0.05
            except StoreError as exc:
                connected = False
                log.warning("run queue %s: %s", self._kind, exc)
                await self._pause(delay_s)
                delay_s = min(2 * delay_s, 2.0)
                await self._recover()

    async def _read(self) -> list[Claim]:
        partitions = range(self._store.settings.partitions)
        queues = [self._store.keys.shared(partition, self._kind) for partition in partitions]
        # COUNT is per queue, so one read may bring more than there is room for; those wait in this process.
        answer = await self._blocking.command(
            *("XREADGROUP", "GROUP", self._group, self.consumer, "COUNT", 1, "BLOCK", round(_BLOCK_S * 1000)),
            *("STREAMS", *queues, *(">" for _ in queues)),
        )
        return [
            Claim(fields["c"], queues.index(key), entry_id)
            for key, entries in _items(answer)
            for entry_id, fields in entries
        ]

    async def _recover(self) -> None:
        """After a break: groups may be gone with the data, and claims whose answer was lost are ours unheard of."""
        try:
            await self._store.make_groups()
            await self._reclaim(min_idle_s=self._lease_s, own=True)
        except StoreError:
            log.debug("run queue %s: the store is not back yet", self._kind)

    async def _lease_loop(self) -> None:
        while not self._stopping.is_set():
            await self._pause(min(5.0, self._lease_s / 3))
            try:
                await self._keep_leases()
                if not self._stopping.is_set():
                    await self._reclaim(min_idle_s=self._lease_s)
            except StoreError as exc:
                log.warning("leases of %s: %s", self._kind, exc)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _keep_leases(self) -> None:
        by_partition: dict[int, list[str]] = {}
        for partition, entry_id in self._held:
            by_partition.setdefault(partition, []).append(entry_id)
        for partition, entry_ids in by_partition.items():
            key = self._store.keys.shared(partition, self._kind)
            await self._store.client.script("heartbeat", [key], [self._group, self.consumer, *entry_ids])

    async def _reclaim(self, *, min_idle_s: float, own: bool = False) -> None:
        """Take over what others have left, and with ``own`` what is ours but not being served."""
        room = max(1, self._concurrency - len(self._serving))
        partitions = range(self._store.settings.partitions)
        keys = [self._store.keys.shared(partition, self._kind) for partition in partitions]
        idle_ms = round(min_idle_s * 1000)
        claims = [("XAUTOCLAIM", key, self._group, self.consumer, idle_ms, "0-0", "COUNT", room) for key in keys]
        for partition, answer in enumerate(await self._store.client.commands(claims)):
            self._accept(_claims(partition, _entries(answer)))
        if own:
            reads = [("XREADGROUP", "GROUP", self._group, self.consumer, "STREAMS", key, "0") for key in keys]
            for partition, answer in enumerate(await self._store.client.commands(reads)):
                for _, entries in _items(answer):
                    self._accept(_claims(partition, entries))

    def _accept(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            place = (claim.partition, claim.entry_id)
            if place not in self._held:
                self._held[place] = claim
                task = asyncio.create_task(self._hold(claim))
                self._serving.add(task)
                task.add_done_callback(self._leave)

    def _leave(self, task: asyncio.Task[None]) -> None:
        self._serving.discard(task)
        self._room.set()
        if not task.cancelled() and (fault := task.exception()):
            log.error("run queue %s: left for the lease to expire", self._kind, exc_info=fault)

    async def _hold(self, claim: Claim) -> None:
        delay_s = 0.05
        try:
            while True:
                try:
                    async with self._slots:
                        await self._serve(claim)
                        return
                except StoreUnavailable as exc:
                    if self._stopping.is_set():
                        return
                    log.warning("conversation waits for the store: %s", exc)
                    await self._pause(delay_s)
                    delay_s = min(2 * delay_s, 1.0)
        finally:
            self._held.pop((claim.partition, claim.entry_id), None)


def _items(answer: Any) -> list[tuple[str, list[Any]]]:
    """The queues of an XREADGROUP answer, which is a list or a mapping, or nothing."""
    if not answer or isinstance(answer, Exception):
        return []
    return list(answer.items()) if isinstance(answer, dict) else list(answer)


def _entries(answer: Any) -> list[Any]:
    """The entries of an XAUTOCLAIM answer; Redis 6.2 has None for those that are gone."""
    if isinstance(answer, StoreUnavailable | None):
        return []
    if isinstance(answer, Exception):
        raise StoreUnavailable(f"the run queue cannot be read: {answer}") from answer
    return [entry for entry in answer[1] if entry]


def _claims(partition: int, entries: Iterable[Any]) -> list[Claim]:
    return [Claim(fields["c"], partition, entry_id) for entry_id, fields in entries if fields]

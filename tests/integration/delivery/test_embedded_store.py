import asyncio
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from conftest import SETTINGS
from delivery_parts import CountingEngine, delivery, message

from bot.delivery.client import Client
from bot.delivery.embedded import EmbeddedStore, find_binary
from bot.delivery.hub import Hub
from bot.delivery.store import Store
from bot.errors import StoreBusy, StoreError, StoreInUse, StoreUnavailable


@pytest.fixture
async def url(server: str | None, tmp_path: Path) -> AsyncIterator[str]:
    embedded = EmbeddedStore(tmp_path, binary=server)
    yield await embedded.start()
    await embedded.stop()


async def command(url: str, *parts: str) -> object:
    client = Client(url)
    try:
        return await client.command(*parts)
    finally:
        await client.close()


def log_files(folder: Path) -> list[Path]:
    """The append-only files, in the layout of Redis 7 and of 6.2."""
    return [path for path in folder.rglob("*.aof*") if path.suffix != ".manifest" and path.stat().st_size]


async def test_what_was_written_is_there_after_a_restart(server: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "数据 folder"
    for expected in (None, "1"):
        embedded = EmbeddedStore(folder, binary=server)
        url = await embedded.start()
        assert await command(url, "GET", "key") == expected
        await command(url, "SET", "key", "1")
        await embedded.stop()
        assert embedded.pid is None


async def test_only_its_owner_may_use_it(url: str, tmp_path: Path) -> None:
    for name in ("valkey.secret", "valkey.conf", "run/v.sock"):
        assert not stat.S_IMODE((tmp_path / name).stat().st_mode) & 0o077, name
    with pytest.raises(StoreError, match=r"password"):
        await command(url.replace(url.split("@", maxsplit=1)[0], "unix://:wrong"), "PING")
    assert await command(url, "CONFIG", "GET", "port") == ["port", "0"]


async def test_a_second_program_on_the_folder_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreInUse, match=f"in use by process {os.getpid()}"):
        await EmbeddedStore(tmp_path).start()
    assert await command(url, "PING")


async def test_a_path_too_long_for_a_socket(server: str | None, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    embedded = EmbeddedStore(folder, binary=server)
    url = await embedded.start()
    assert await command(url, "CONFIG", "GET", "dir") == ["dir", str(folder)]
    await embedded.stop()
    assert str(folder) not in url


async def test_a_folder_of_somebody_else_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may write to /tmp: who made the socket's folder first could listen in."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    embedded = EmbeddedStore(tmp_path / ("long" * 30))
    await embedded.start()
    await embedded.stop()
    (folder,) = tmp_path.glob("kefu-*")
    folder.chmod(0o777)
    with pytest.raises(StoreError, match="only this user can open"):
        await EmbeddedStore(tmp_path / ("long" * 30)).start()


async def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be used: Not a directory"):
        await EmbeddedStore(tmp_path / "file" / "data").start()


async def test_no_binary_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match="correct the setting"):
        await EmbeddedStore(tmp_path, binary="/no/such/server").start()
    monkeypatch.setattr("bot.delivery.embedded.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreError, match="set redis_url"):
        find_binary()
    (tmp_path / "redis-server").symlink_to(sys.executable)
    assert find_binary() == tmp_path / "redis-server"
    # A start that failed leaves the folder free.
    monkeypatch.undo()
    embedded = EmbeddedStore(tmp_path)
    await embedded.start()
    await embedded.stop()


CHILD = """
import asyncio, sys
from pathlib import Path
from bot.delivery import embedded
if sys.argv[2] == "orphan":
    embedded._LIBC = None  # as on systems that do not end children with their parent
async def main():
    store = embedded.EmbeddedStore(Path(sys.argv[1]), binary=sys.argv[3] or None)
    client = embedded.Client(await store.start())
    await client.command("SET", "key", "1")
    print(store.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def run_child(folder: Path, how: str, server: str | None) -> tuple[subprocess.Popen[str], int]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), how, server or ""], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    return child, int(child.stdout.readline())


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


async def test_an_orphan_is_taken_over(server: str | None, tmp_path: Path) -> None:
    child, orphan = run_child(tmp_path, "orphan", server)
    child.kill()
    child.communicate()
    assert not gone(orphan)
    started = time.monotonic()
    embedded = EmbeddedStore(tmp_path, binary=server)
    url = await embedded.start()
    assert time.monotonic() - started < 3
    assert embedded.pid == orphan
    assert await command(url, "GET", "key") == "1"
    # It is watched like a child: when it goes, a new one comes.
    os.kill(orphan, signal.SIGKILL)
    async with asyncio.timeout(10):
        while embedded.pid in (None, orphan) or not await answers(url):
            await asyncio.sleep(0.02)
    assert await command(url, "GET", "key") == "1"
    await embedded.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_the_server_ends_with_its_program(server: str | None, tmp_path: Path) -> None:
    child, pid = run_child(tmp_path, "child", server)
    child.kill()
    child.communicate()
    async with asyncio.timeout(10):
        while not gone(pid):
            await asyncio.sleep(0.02)
    embedded = EmbeddedStore(tmp_path, binary=server)
    assert await command(await embedded.start(), "GET", "key") == "1"
    await embedded.stop()


async def answers(url: str) -> bool:
    try:
        return bool(await command(url, "PING"))
    except StoreUnavailable:
        return False


async def test_a_torn_log_starts_and_a_corrupt_one_says_how_to_repair_it(server: str | None, tmp_path: Path) -> None:
    embedded = EmbeddedStore(tmp_path, binary=server)
    url = await embedded.start()
    for number in range(50):
        await command(url, "SET", f"key-{number}", "x" * 50)
    await embedded.stop()
    path = max(log_files(tmp_path), key=lambda path: path.stat().st_mtime)
    os.truncate(path, path.stat().st_size - 7)
    embedded = EmbeddedStore(tmp_path, binary=server)
    assert await command(await embedded.start(), "DBSIZE") == 49
    await embedded.stop()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"?" * 200)
    with pytest.raises(StoreError, match=r"valkey-check-aof .*--fix"):
        await EmbeddedStore(tmp_path, binary=server).start()


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
async def test_a_full_disk_refuses_loses_nothing_and_recovers(server: str | None, tmp_path: Path) -> None:
    """A limit on file size stands for the full disk: the server's write fails in the same way."""
    embedded = EmbeddedStore(tmp_path, binary=server)
    store = Store(await embedded.start(), SETTINGS)
    await store.open()
    pid = embedded.pid
    assert pid is not None
    size = sum(path.stat().st_size for path in log_files(tmp_path))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 20_000, resource.RLIM_INFINITY))
    accepted: list[str] = []

    async def fill() -> None:
        for number in range(2_000):
            await store.ingest(message("满" * 200, event_id=f"{number}", to=f"c{number}"))
            accepted.append(f"c{number}")
            await asyncio.sleep(0.002)

    with pytest.raises(StoreUnavailable, match=r"takes nothing at the moment: .*AOF"):
        await fill()
    assert embedded.pid == pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    async with delivery(store) as parts:
        async with asyncio.timeout(20):
            while (await ingested(store)) is False:
                await asyncio.sleep(0.1)
        replies = await asyncio.gather(
            *(parts.hub.ask(message("满" * 200, event_id=name[1:], to=name), timeout_s=30) for name in accepted)
        )
    assert {reply[0].text for reply in replies} == {"1:" + "满" * 200}
    await store.close()
    await embedded.stop()


async def ingested(store: Store) -> bool:
    try:
        return (await store.ingest(message("space again"))).verdict in ("queued", "dup")
    except StoreUnavailable:
        return False


async def ask_until_taken(hub: Hub, text: str, name: str) -> None:
    """The mailbox may still be full of what came before."""
    async with asyncio.timeout(30):
        while True:
            try:
                await hub.ask(message(text, to=name), timeout_s=30)
            except StoreBusy:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
async def test_a_store_that_goes_away_loses_nothing_it_acknowledged(
    server: str | None, tmp_path: Path, how: signal.Signals
) -> None:
    if server and how != signal.SIGKILL:
        pytest.skip("slow, and not about the kind of server")
    embedded = EmbeddedStore(tmp_path, binary=server)
    store = Store(await embedded.start(), SETTINGS)
    await store.open()
    accepted: dict[str, list[str]] = {f"c{number}": [] for number in range(6)}
    refused = 0
    stop = asyncio.Event()

    async def talk(name: str) -> None:
        """A webhook: what is not acknowledged is sent again, as platforms do."""
        nonlocal refused
        number = 0
        while not stop.is_set():
            text = f"{name}-{number}"
            try:
                verdict = (await store.ingest(message(text, to=name))).verdict
            except StoreUnavailable:
                refused += 1
                verdict = "busy"
            if verdict != "busy":
                accepted[name].append(text)
                number += 1
            await asyncio.sleep(0.01)

    async with delivery(store, CountingEngine()) as parts:
        talkers = [asyncio.create_task(talk(name)) for name in accepted]
        await asyncio.sleep(0.5)
        pid = embedded.pid
        assert pid is not None
        os.kill(pid, how)
        if how == signal.SIGSTOP:
            await asyncio.sleep(6.0)  # longer than a client waits
            os.kill(pid, signal.SIGCONT)
        before = {name: len(texts) for name, texts in accepted.items()}
        async with asyncio.timeout(20):
            while any(len(accepted[name]) < before[name] + 10 for name in accepted):
                await asyncio.sleep(0.02)
        stop.set()
        await asyncio.gather(*talkers)
        await asyncio.gather(*(ask_until_taken(parts.hub, f"{name}-end", name) for name in accepted))
        for name, texts in accepted.items():
            frames = [frame for frame in await parts.hub.log_after(name, 0) if frame.reply]
            expected = [f"{n + 1}:{text}" for n, text in enumerate([*texts, f"{name}-end"])]
            assert [frame.reply.text for frame in frames if frame.reply] == expected
    assert refused > 0
    assert embedded.restarts == (0 if how == signal.SIGSTOP else 1)
    await store.close()
    await embedded.stop()

import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.delivery.client import Client
from bot.delivery.embedded import find_binary
from bot.delivery.settings import DeliverySettings, RateLimit, Retention, SendRate
from bot.delivery.store import Store

SETTINGS = DeliverySettings(
    lease_s=1.0,
    mailbox_limit=5,
    limits={"message": RateLimit(per_s=5.0, burst=3)},
    send_rates={"slow": SendRate(recipient=RateLimit(per_s=5.0, burst=1))},
    retention=Retention(log_frames=100),
)


@pytest.fixture(scope="session", params=["valkey", "redis"])
def server(request: pytest.FixtureRequest) -> str | None:
    """Which server: the one that we carry, and the machine's own Redis."""
    if request.param == "valkey":
        return None
    return shutil.which("redis-server") or pytest.skip("no redis-server on this machine")


@pytest.fixture(scope="session")
def running(server: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for every test of the session: most of them only need an empty one."""
    folder = tmp_path_factory.mktemp("server")
    options = ("--port 0", f"--unixsocket {folder}/s", f"--dir {folder}", "--appendonly yes", '--save ""')
    words = [word for option in options for word in option.replace('""', "").split(" ")]
    process = subprocess.Popen([str(find_binary(server)), *words], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not (folder / "s").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield f"unix://{folder}/s"
    process.terminate()
    process.wait(10)


@pytest.fixture
async def url(running: str) -> str:
    client = Client(running)
    await client.commands([("FLUSHALL",), ("SCRIPT", "FLUSH"), ("CONFIG", "SET", "maxmemory", 0)])
    await client.close()
    return running


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = Store(url, SETTINGS)
    await store.open()
    yield store
    await store.close()

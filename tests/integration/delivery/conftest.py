import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.delivery.embedded import EmbeddedStore
from bot.delivery.settings import DeliverySettings, RateLimit, Retention, SendRate
from bot.delivery.store import Store

SETTINGS = DeliverySettings(
    lease_s=1.0,
    mailbox_limit=5,
    limits={"message": RateLimit(per_s=5.0, burst=3)},
    send_rates={"slow": SendRate(recipient=RateLimit(per_s=5.0, burst=1))},
    retention=Retention(log_frames=100),
)


@pytest.fixture(scope="module", params=["valkey", "redis"])
def server(request: pytest.FixtureRequest) -> str | None:
    """Which server: the one that we carry, and the machine's own Redis."""
    if request.param == "valkey":
        return None
    return shutil.which("redis-server") or pytest.skip("no redis-server on this machine")


@pytest.fixture
async def url(server: str | None, tmp_path: Path) -> AsyncIterator[str]:
    embedded = EmbeddedStore(tmp_path, binary=server)
    yield await embedded.start()
    await embedded.stop()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = Store(url, SETTINGS)
    await store.open()
    yield store
    await store.close()

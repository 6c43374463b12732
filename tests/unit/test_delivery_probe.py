from typing import Any

import pytest

from bot.delivery.probe import probe
from bot.errors import StoreError

GOOD = {"redis_version": "7.0.15", "redis_mode": "standalone", "maxmemory_policy": "noeviction", "aof_enabled": 1}


class FakeClient:
    def __init__(self, info: dict[str, Any]) -> None:
        self.info = info

    async def command(self, *parts: object) -> Any:
        return self.info if parts[0] == "INFO" else 7


@pytest.mark.parametrize(
    ("info", "warnings"),
    [
        ({}, []),
        ({"redis_version": "6.2.0"}, []),  # the oldest
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, []),
        ({"maxmemory_policy": "allkeys-lru"}, ["maxmemory-policy is allkeys-lru"]),
        ({"aof_enabled": 0}, ["appendonly is off"]),
        ({"aof_last_write_status": "err"}, ["the last write"]),
    ],
)
async def test_a_store_that_works(info: dict[str, Any], warnings: list[str]) -> None:
    found = await probe(FakeClient({**GOOD, **info}))  # type: ignore[arg-type]  # a fake of 5 lines
    assert len(found) == len(warnings)
    assert all(text.startswith(start) for text, start in zip(found, warnings, strict=True))


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"redis_version": "6.0.16"}, "Redis 6.0.16; Redis 6.2"),
        ({"valkey_version": "7.0.0"}, "Valkey 7.0.0"),
        ({"redis_mode": "cluster"}, "cluster"),
    ],
)
async def test_a_store_that_does_not(info: dict[str, Any], words: str) -> None:
    with pytest.raises(StoreError, match=words):
        await probe(FakeClient({**GOOD, **info}))  # type: ignore[arg-type]  # a fake of 5 lines

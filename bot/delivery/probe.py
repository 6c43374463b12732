"""What a store can do, asked once at the start: what it must, and what its operator should know."""

from collections.abc import Mapping
from typing import Any

from bot.delivery.client import Client
from bot.errors import StoreError

_REDIS = (6, 2)
_VALKEY = (7, 2)


async def probe(client: Client) -> tuple[str, ...]:
    """Warnings about a store that works but may lose or refuse messages.

    Raises:
        StoreError: it lacks what delivery needs (version, streams, Lua), or is a cluster.
        StoreUnavailable: nobody answers.
    """
    info = await client.command("INFO")
    server: Mapping[str, Any] = info if isinstance(info, Mapping) else {}
    name, version = _version(server)
    needed = _VALKEY if name == "Valkey" else _REDIS
    if version < needed:
        raise StoreError(f"the store is {name} {_dotted(version)}; Redis 6.2 or Valkey 7.2 is the oldest that works")
    if server.get("redis_mode") == "cluster":
        raise StoreError("the store is a cluster; name a single server, with replicas if you want")
    if await client.command("EVAL", "return 7", 0) != 7:
        raise StoreError("the store does not run Lua scripts")
    return tuple(_warnings(server))


def _version(server: Mapping[str, Any]) -> tuple[str, tuple[int, ...]]:
    if "valkey_version" in server:
        return "Valkey", _numbers(server["valkey_version"])
    return "Redis", _numbers(server.get("redis_version", "0"))


def _numbers(text: object) -> tuple[int, ...]:
    return tuple(int(part) for part in str(text).split(".")[:3] if part.isdigit())


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _warnings(server: Mapping[str, Any]) -> list[str]:
    found = []
    policy = server.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        found.append(f"maxmemory-policy is {policy}: the store may throw messages away; set it to noeviction")
    if not server.get("aof_enabled"):
        found.append("appendonly is off: messages are lost when the store stops; set it to yes")
    if server.get("aof_last_write_status", "ok") != "ok":
        found.append("the last write to the append-only file failed: is the disk full?")
    return found

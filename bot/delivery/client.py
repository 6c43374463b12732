"""The connection to the store: commands, pipelines and scripts, with one error for "not now". Knows no key.

Nothing is retried here on its own: a caller knows what may be repeated. A cancelled call costs its connection (redis-py
closes it), so that no answer ever reaches another caller.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import redis.exceptions as redis_errors
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bot.delivery.scripts import NAMES, script
from bot.errors import StoreError, StoreUnavailable

Argument: TypeAlias = str | int | float

_CONNECT_S = 2.0
_NOT_NOW = (redis_errors.ConnectionError, redis_errors.TimeoutError, redis_errors.ReadOnlyError, OSError)
_NOT_NOW_CODES = ("MISCONF", "OOM", "LOADING", "READONLY", "NOREPLICAS", "MASTERDOWN", "BUSY")
"""Answers of a server that lives but cannot write: its disk or memory is full, it is a replica, it still loads."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into ours."""
    try:
        yield
    except redis_errors.AuthenticationError as exc:
        raise StoreError(f"the store refused the password: {exc}") from exc
    except _NOT_NOW as exc:
        raise StoreUnavailable(f"the store cannot be reached: {exc}") from exc
    except redis_errors.ResponseError as exc:
        if isinstance(exc, redis_errors.OutOfMemoryError) or any(code in str(exc) for code in _NOT_NOW_CODES):
            raise StoreUnavailable(f"the store takes nothing at the moment: {exc}") from exc
        raise StoreError(str(exc)) from exc
    except redis_errors.RedisError as exc:
        raise StoreError(str(exc)) from exc


class Client:
    """Connections to one server. ``url`` is ``redis://``, ``rediss://`` or ``unix://``; times are in seconds."""

    def __init__(self, url: str, *, max_connections: int = 64, timeout_s: float | None = 5.0) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._redis = self._connect(max_connections, timeout_s)
        self._execute: Callable[..., Awaitable[Any]] = self._redis.execute_command

    def _connect(self, max_connections: int, timeout_s: float | None) -> "Redis":
        pool = BlockingConnectionPool.from_url(
            self._url,
            max_connections=max_connections,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=_CONNECT_S,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            decode_responses=True,
            driver_info=None,
        )
        return Redis.from_pool(pool)

    def dedicated(self, *, block_s: float) -> "Client":
        """A client of its own connection, for a command that may block for ``block_s``."""
        return Client(self._url, max_connections=1, timeout_s=block_s + (self._timeout_s or 0.0))

    def for_notices(self) -> "Client":
        """A client for ``pubsub`` alone. No time limit: redis-py would start a task per write, which may come late."""
        return Client(self._url, max_connections=2, timeout_s=None)

    def pubsub(self) -> PubSub:
        """A subscription on a connection of its own."""
        return self._redis.pubsub(ignore_subscribe_messages=False)

    async def command(self, *parts: Argument) -> Any:
        """Run one command. Raises StoreUnavailable, or StoreError for what the server does not accept."""
        with translated():
            return await self._execute(*parts)

    async def commands(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        """Run commands in one round trip on one connection, not atomically; an answer may be an exception."""
        if not commands:
            return []
        with translated():
            async with self._redis.pipeline(transaction=False) as pipeline:
                queue: Callable[..., Any] = pipeline.execute_command
                for parts in commands:
                    queue(*parts)
                return await pipeline.execute(raise_on_error=False)

    async def script(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run a script of this folder by its hash; a server that was restarted is taught it again."""
        call = ("EVALSHA", script(name).sha, len(keys), *keys, *arguments)
        with translated():
            try:
                return await self._execute(*call)
            except redis_errors.NoScriptError:
                await self._execute("SCRIPT", "LOAD", script(name).body)
                return await self._execute(*call)

    async def replicated_script(
        self, name: str, keys: Sequence[str], arguments: Sequence[Argument], *, replicas: int, timeout_s: float = 0.5
    ) -> Any:
        """Run a script and wait until so many replicas have what it wrote; else raise StoreUnavailable."""
        call = ("EVAL", script(name).body, len(keys), *keys, *arguments)
        answer, have = await self.commands([call, ("WAIT", replicas, round(timeout_s * 1000))])
        for item in (answer, have):
            if isinstance(item, Exception):
                with translated():
                    raise item
        if have < replicas:
            raise StoreUnavailable(f"{have} replicas have the message, {replicas} must")
        return answer

    async def load_scripts(self) -> None:
        """Teach the server every script."""
        for answer in await self.commands([("SCRIPT", "LOAD", script(name).body) for name in NAMES]):
            if isinstance(answer, Exception):
                raise StoreError(f"the store refuses a script: {answer}") from answer

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose(close_connection_pool=True)

"""Calling a platform: what an HTTP exchange means for a message that must not be lost nor said twice."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from bot.dialogue.parse import Json
from bot.messages import RetryLater, Unknown

UNREACHABLE_RETRY_S = 5.0
SERVER_ERROR_RETRY_S = 5.0
TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=5)
MAX_ANSWER_BYTES = 1024 * 1024
PROGRESS_SIZE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The platform answered: status, headers and the JSON object of its body (empty if it is none)."""

    status: int
    body: Mapping[str, Json]
    retry_after_s: float | None = None


async def post(
    session: aiohttp.ClientSession, url: str, payload: Mapping[str, Json], *, within: aiohttp.ClientTimeout = TIMEOUT
) -> Answered | RetryLater | Unknown:
    """POST JSON once. Before a connection stands nothing was said; after it, silence leaves it unknown.

    Never follows a redirect, and its reasons never hold the URL, in which platforms put secrets.
    """
    try:
        async with session.post(url, json=payload, timeout=within, allow_redirects=False) as response:
            raw = await response.content.read(MAX_ANSWER_BYTES)
            wait = _seconds(response.headers.get("Retry-After"))
            return Answered(status=response.status, body=_object(raw), retry_after_s=wait)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientProxyConnectionError):
        return RetryLater(after_s=UNREACHABLE_RETRY_S)
    except (aiohttp.ClientError, TimeoutError, OSError) as exc:
        return Unknown(reason=type(exc).__name__)


def _object(raw: bytes) -> Mapping[str, Json]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(text: str | None) -> float | None:
    """Read ``Retry-After`` in seconds; a date in it is left to the platform's default."""
    return float(text) if text is not None and text.isdecimal() else None


class Progress:
    """How many parts of a reply a platform has taken, so that a retry goes on behind them. In memory, bounded.

    After a restart a half-sent reply starts again: a platform without idempotency keys allows no better.
    """

    def __init__(self, size: int = PROGRESS_SIZE) -> None:
        self._size = size
        self._taken: OrderedDict[str, int] = OrderedDict()

    def taken(self, reply_id: str) -> int:
        """How many parts arrived."""
        return self._taken.get(reply_id, 0)

    def advance(self, reply_id: str) -> None:
        """One more part arrived."""
        self._taken[reply_id] = self.taken(reply_id) + 1
        self._taken.move_to_end(reply_id)
        while len(self._taken) > self._size:
            self._taken.popitem(last=False)

    def done(self, reply_id: str) -> None:
        """All parts arrived, or none ever will."""
        self._taken.pop(reply_id, None)

"""JSON over HTTP to a server that ``endpoints.yml`` names: bounded, timed, and left alone while it is down.

Knows nothing of what is asked. Every failure is one of ``bot.errors``; nothing of aiohttp leaves this module.
"""

import asyncio
import json
import ssl
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import SimpleNamespace

import aiohttp

from bot.dialogue.parse import Json
from bot.dialogue.project import Endpoint
from bot.errors import ActionGarbled, ActionTimeout, ActionUnreachable
from bot.messages import encodable_json

DEFAULT_TIMEOUT_S = 10.0
RETRY_PAUSES_S = (0.2, 0.8, 2.0, 3.0)
"""Before each new try of a call that did not arrive: about as long as a server takes to start again."""
DEFAULT_CONCURRENCY = 32
CONNECT_TIMEOUT_S = 3.0
MAX_ANSWER_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and the body as JSON; None for a body that is empty or no JSON."""

    status: int
    body: Json
    is_json: bool


class Breaker:
    """Stops calls to a server that is down: after ``limit`` failures in a row it rests for ``rest_s``.

    Then one call may try; its success closes the breaker, its failure starts another rest.
    """

    def __init__(self, *, limit: int = 5, rest_s: float = 10.0, clock: Callable[[], float] = monotonic) -> None:
        self._limit = limit
        self._rest_s = rest_s
        self._clock = clock
        self._failures = 0
        self._retry_at = 0.0

    def admit(self) -> bool:
        """Whether a call may go out now; a trial call takes the place of every other until it is over."""
        if self._failures < self._limit:
            return True
        if self._clock() < self._retry_at:
            return False
        self._retry_at = self._clock() + self._rest_s
        return True

    def succeeded(self) -> None:
        """The server answered, whatever it said."""
        self._failures = 0

    def failed(self) -> None:
        """The server could not be reached or did not answer in time."""
        self._failures += 1
        self._retry_at = self._clock() + self._rest_s


class JsonEndpoint:
    """One server: one session with a bounded pool, one breaker, at most ``concurrency`` calls at a time.

    ``timeout_s`` bounds a whole call, waiting for a free place and trying again included. ``trust``: the authorities
    to believe in place of the system's.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        concurrency: int = DEFAULT_CONCURRENCY,
        compress: bool = False,
        breaker: Breaker | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.url = endpoint.url
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._concurrency = concurrency
        self._places = asyncio.Semaphore(concurrency)
        self._compress = compress
        self._breaker = breaker or Breaker()
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def post(self, body: bytes, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Post a JSON body and return what came back, whatever its status.

        Raises ActionTimeout, ActionUnreachable (also while the breaker is open) or ActionGarbled (an answer
        that breaks off).
        """
        if not self._breaker.admit():
            raise ActionUnreachable(f"{self.url} is left alone after repeated failures")
        try:
            async with asyncio.timeout(self._timeout_s), self._places:
                answer = await self._deliver(body, headers or {})
        except TimeoutError as exc:
            self._breaker.failed()
            raise ActionTimeout(f"{self.url} gave no answer in {self._timeout_s:g} s") from exc
        except (aiohttp.ClientPayloadError, aiohttp.TooManyRedirects, aiohttp.InvalidURL) as exc:
            raise ActionGarbled(f"{self.url} answered badly: {type(exc).__name__}") from exc
        except aiohttp.ClientError as exc:
            self._breaker.failed()
            raise ActionUnreachable(f"{self.url} cannot be reached: {type(exc).__name__}") from exc
        self._breaker.succeeded()
        return answer

    async def _deliver(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Exchange, and try again where the server cannot have begun to work on the request.

        That is so if nobody listens, and as far as one can know if a kept connection proves to be closed.
        """
        for pause_s in RETRY_PAUSES_S:
            connection = SimpleNamespace(kept=False)
            try:
                return await self._exchange(body, headers, connection)
            except aiohttp.ClientSSLError:
                raise
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(pause_s)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if not connection.kept:
                    raise
        return await self._exchange(body, headers, SimpleNamespace())

    async def _exchange(self, body: bytes, headers: Mapping[str, str], connection: SimpleNamespace) -> Answer:
        """One request; ``connection`` is told whether it went through one that was kept from an earlier request."""
        sent = {"Content-Type": "application/json", **self._auth(), **self._endpoint.headers, **headers}
        if self._compress:
            body, sent["Content-Encoding"] = zlib.compress(body), "deflate"
        async with self._open().post(
            self.url, data=body, headers=sent, params=self._params(), trace_request_ctx=connection
        ) as response:
            return _answer(response.status, await _read(response))

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            tracing = aiohttp.TraceConfig()
            tracing.on_connection_reuseconn.append(_note_kept)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._concurrency, ssl=self._trust or True),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
                trace_configs=[tracing],
            )
        return self._session

    def _params(self) -> dict[str, str]:
        token = {self._endpoint.token_name: self._endpoint.token} if self._endpoint.token else {}
        return {**self._endpoint.params, **token}

    def _auth(self) -> dict[str, str]:
        pair = self._endpoint.basic_auth
        return {"Authorization": aiohttp.encode_basic_auth(*pair, encoding="utf-8")} if pair else {}


def trust(endpoint: Endpoint, folder: Path) -> ssl.SSLContext | None:
    """What an endpoint's ``cafile`` says: its authorities alone are believed. Relative to the assistant's folder.

    Raises ActionUnreachable for a file that cannot be used.
    """
    cafile = endpoint.options.get("cafile")
    if cafile is None:
        return None
    path = folder / str(cafile)
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as exc:  # ssl.SSLError is one, too
        remedy = "name a file of certificates in PEM"
        raise ActionUnreachable(f"endpoints.yml: the cafile {path} of {endpoint.url}: {exc}; {remedy}") from exc


async def _note_kept(
    _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceConnectionReuseconnParams
) -> None:
    context.trace_request_ctx.kept = True


async def _read(response: aiohttp.ClientResponse) -> bytes:
    chunks, size_bytes = [], 0
    async for chunk in response.content.iter_chunked(65536):
        size_bytes += len(chunk)
        if size_bytes > MAX_ANSWER_BYTES:
            raise ActionGarbled(f"{response.url.with_query(None)} answered more than {MAX_ANSWER_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _answer(status: int, raw: bytes) -> Answer:
    try:
        return Answer(status=status, body=encodable_json(json.loads(raw)), is_json=True)
    except (ValueError, RecursionError):
        return Answer(status=status, body=None, is_json=False)

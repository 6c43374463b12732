"""The WebSocket endpoint of the widget: who may connect, what a socket may cost, and how it is closed."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator

from aiohttp import WSCloseCode, web

from bot.channels.client import CLIENT
from bot.channels.web.origin import origin_allowed
from bot.channels.web.session import Session
from bot.channels.web.settings import WebSettings
from bot.errors import StoreError
from bot.messages import Inbox

MAX_MESSAGE_BYTES = 64 * 1024
CLOSE_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


class OpenSockets:
    """The sockets that are open now, so that a shutdown can tell them. Register ``close`` on ``app.on_shutdown``.

    ``count`` is told of every change: 1 for a socket that opened, -1 for one that closed.
    """

    def __init__(self, count: Callable[[int], None] = lambda _: None) -> None:
        self._sockets: set[web.WebSocketResponse] = set()
        self._count = count

    @contextlib.contextmanager
    def holding(self, socket: web.WebSocketResponse) -> Iterator[None]:
        """Count ``socket`` as open within the block."""
        self._sockets.add(socket)
        self._count(1)
        try:
            yield
        finally:
            self._sockets.discard(socket)
            self._count(-1)

    async def close(self, _app: web.Application) -> None:
        """Tell every client that the server goes away; clients come back after a random delay."""
        closings = (socket.close(code=WSCloseCode.GOING_AWAY) for socket in tuple(self._sockets))
        await asyncio.gather(*closings, return_exceptions=True)


class SocketEndpoint:
    """Handles ``GET /ws``."""

    def __init__(self, inbox: Inbox, settings: WebSettings, open_sockets: OpenSockets) -> None:
        self._inbox = inbox
        self._settings = settings
        self._open = open_sockets

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Refuse (403 origin, 429 too many connections, 503 no store) or serve until the socket closes."""
        refusal = await self._refusal(request)
        if refusal is not None:
            return refusal
        # Compression would keep some 40 KB of state per socket for frames of a few hundred bytes.
        socket = web.WebSocketResponse(
            timeout=CLOSE_TIMEOUT_S,
            heartbeat=self._settings.heartbeat_s,
            max_msg_size=MAX_MESSAGE_BYTES,
            compress=False,
        )
        await socket.prepare(request)
        with self._open.holding(socket), contextlib.suppress(ConnectionError):
            code = await Session(socket, self._inbox, self._settings).run()
            if code is not None:
                await self._close(request, socket, code)
        return socket

    async def _refusal(self, request: web.Request) -> web.Response | None:
        origin = request.headers.get("Origin")
        if not origin_allowed(origin, request.host, self._settings.allowed_origins):
            log.warning("refused a socket from origin %r", origin)
            return web.Response(status=403, text="This site may not connect.")
        retry = {"Retry-After": str(round(self._settings.retry_after_s))}
        try:
            if await self._inbox.allow("connect", request.get(CLIENT) or request.remote or ""):
                return None
        except StoreError:
            return web.Response(status=503, text="Not available now.", headers=retry)
        return web.Response(status=429, text="Too many connections.", headers=retry)

    async def _close(self, request: web.Request, socket: web.WebSocketResponse, code: int) -> None:
        """Close with a code; a client that does not even read that is cut off."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await socket.close(code=code)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()

"""The channel ``socketio``: Rasa's events over Socket.io, on any replica, with what a reconnected client missed.

Where ``session_persistence`` is on, a session id opens its conversation: whoever knows it takes part. Ids are made here
from 128 random bits; ``jwt_key`` says who may connect at all. Without it each socket is a conversation of its own.
"""

import asyncio
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import socketio
from aiohttp import hdrs, web

from bot.channels.bodies import BODY_LIMIT_BYTES, as_object, identifier, parse_json, read_body, string
from bot.channels.channel import HOMES
from bot.channels.client import CLIENT
from bot.channels.metrics import Metrics
from bot.channels.security import within_limit
from bot.channels.socketio.link import Link
from bot.channels.socketio.payloads import Payload
from bot.channels.socketio.receipts import Receipts
from bot.channels.socketio.settings import SocketIoSettings
from bot.channels.web.origin import origin_allowed
from bot.dialogue.parse import Json
from bot.errors import BadRequest, LogTrimmed, StoreError
from bot.messages import Inbound, Inbox, Verdict

MAX_SESSIONS = 4
"""Conversations that one socket may take part in: each has a rate limit of its own."""

PATIENCE_S = 5.0
PAUSE_S = 0.25
NOT_TAKEN = "Sorry, your last message could not be handled. Please try again. 抱歉，刚才的消息处理失败，请再试一次。"

log = logging.getLogger(__name__)

_SILENT = logging.getLogger(f"{__name__}.engine")
_SILENT.setLevel(logging.CRITICAL)  # the library logs what clients send


@dataclass(slots=True)
class _Client:
    """One connected socket: what has arrived there, and the conversations that it is shown."""

    receipts: Receipts
    links: dict[str, tuple[Link, "asyncio.Task[None]"]] = field(default_factory=dict)


class SocketIoChannel:
    """The channel. It delivers from the log of a conversation, as the widget's socket does."""

    name = "socketio"

    def __init__(
        self, inbox: Inbox, metrics: Metrics, settings: SocketIoSettings, *, allowed_origins: Sequence[str] = ()
    ) -> None:
        self._inbox = inbox
        self._metrics = metrics
        self._settings = settings
        self._allowed_origins = allowed_origins
        self._clients: dict[str, _Client] = {}
        self._lines: set[asyncio.Transport] = set()
        self._server = socketio.AsyncServer(
            async_mode="aiohttp",
            async_handlers=False,  # what a client says is taken in its order
            cors_allowed_origins=[],  # checked here, as for every channel
            max_http_buffer_size=BODY_LIMIT_BYTES,
            logger=_SILENT,
            engineio_logger=_SILENT,
        )
        for event, handler in (
            ("connect", self._connect),
            ("disconnect", self._disconnect),
            ("session_request", self._session_request),
            (settings.user_message_evt, self._user_uttered),
        ):
            self._server.on(event, handler, namespace=settings.namespace)

    def routes(self) -> Sequence[web.RouteDef]:
        """``GET /webhooks/socketio/`` and the address of the sockets."""
        return [
            web.get("/webhooks/socketio/", self.health),
            web.get(self._settings.socketio_path + "/", self.handle),
            web.post(self._settings.socketio_path + "/", self.handle),
        ]

    async def start(self) -> None:
        """Nothing to open."""

    async def register(self) -> None:
        """Nobody to tell."""

    async def stop(self) -> None:
        """Let go of every client."""
        for client in tuple(self._clients.values()):
            await _end(client)
        await self._server.shutdown()

    async def hang_up(self, _: web.Application) -> None:
        """Break every connection, so that a server that stops is not waited for. Clients come back by themselves."""
        for line in tuple(self._lines):
            line.abort()

    async def health(self, _: web.Request) -> web.Response:
        """Say that the channel is there."""
        return web.json_response({"status": "ok"})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve Engine.IO, by polling or over a WebSocket: 403 for a foreign page, 429 for too many connections."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and not origin_allowed(origin, request.host, self._allowed_origins):
            log.warning("refused a socket from origin %r", origin)
            raise web.HTTPForbidden
        is_new = "sid" not in request.query
        if is_new and (refused := await within_limit(self._inbox, "connect", request.get(CLIENT, ""))):
            return refused
        body = await read_body(request) if request.method == hdrs.METH_POST else None
        whole = request if body is None else _WholeRequest(request, body)
        with self._holding(request.transport):
            response: web.StreamResponse = await self._server.handle_request(whole)
        return response

    @contextmanager
    def _holding(self, line: asyncio.Transport | None) -> Iterator[None]:
        """Keep a connection in reach of ``hang_up`` within the block."""
        if line is None:  # the client is gone already
            yield
            return
        self._lines.add(line)
        try:
            yield
        finally:
            self._lines.discard(line)

    async def _connect(self, sid: str, _: Mapping[str, Any], auth: Json) -> bool:
        """Let a client in, with ``jwt_key`` only one whose ``auth`` holds a right ``token``."""
        if self._settings.jwt is not None:
            token = auth.get("token") if isinstance(auth, Mapping) else None
            if not isinstance(token, str) or self._settings.jwt.claims(token.removeprefix("Bearer ")) is None:
                self._metrics.event(channel=self.name, kind="connect", outcome="refused")
                return False
        self._metrics.websockets(1)
        return True

    async def _disconnect(self, sid: str, _: str) -> None:
        self._metrics.websockets(-1)
        if client := self._clients.pop(sid, None):
            await _end(client)

    async def _session_request(self, sid: str, data: Json = None) -> None:
        """Confirm the session that the client has, or a new one; then show what it missed there.

        ``after``, a number that a payload's ``seq`` had, asks for numbered payloads behind it.
        """
        asked = data if isinstance(data, Mapping) else {}
        session_id = _session_id(asked) or uuid4().hex
        if self._settings.session_persistence:
            after = asked.get("after")
            try:
                link = await self._link(sid, session_id, after=after if isinstance(after, int) else None)
            except StoreError as exc:
                log.warning("a session was not begun: %s", exc)
                return
            await self._server.emit("session_confirm", session_id, to=sid, namespace=self._settings.namespace)
            self._show(sid, session_id, link)
        else:
            await self._server.emit("session_confirm", session_id, to=sid, namespace=self._settings.namespace)

    async def _user_uttered(self, sid: str, data: Json = None) -> Mapping[str, Json]:
        """Queue a message. The answer goes to clients that ask for an acknowledgement.

        A customer whose message could not be taken is told so in the chat.
        """
        try:
            inbound = self._read(sid, data)
        except BadRequest as exc:
            return self._refused(str(exc))
        try:
            self._show(sid, inbound.conversation_id, await self._link(sid, inbound.conversation_id))
            if self._is_full(sid, inbound.conversation_id):
                return self._refused(f"this socket has {MAX_SESSIONS} sessions already; open another one")
            verdict: Verdict = await self._queue(inbound)
        except StoreError as exc:
            log.warning("a message could not be stored: %s", exc)
            verdict = "busy"
        self._metrics.event(channel=self.name, kind="message", outcome=verdict)
        if verdict == "busy":
            await self._emit(sid, {"text": NOT_TAKEN})
        return {"status": verdict, "message_id": inbound.event_id}

    def _refused(self, reason: str) -> Mapping[str, Json]:
        log.warning("a message was passed over: %s", reason)
        self._metrics.event(channel=self.name, kind="message", outcome="refused")
        return {"status": "refused", "reason": reason}

    def _is_full(self, sid: str, conversation_id: str) -> bool:
        client = self._clients.get(sid)
        return client is not None and conversation_id not in client.links and len(client.links) >= MAX_SESSIONS

    def _read(self, sid: str, data: Json) -> Inbound:
        """The message of an event. Raises BadRequest."""
        try:
            # Packets are read by the library: here they are held to the same rules as every body.
            body = as_object(parse_json(json.dumps(data).encode("utf-8", "surrogatepass")))
        except (TypeError, ValueError, RecursionError):
            raise BadRequest("the event holds no JSON object") from None
        sender = _session_id(body) if self._settings.session_persistence else sid
        if sender is None:
            raise BadRequest("there is no 'session_id' that can be used; ask for one with 'session_request'")
        given = body.get("message_id")
        return Inbound(
            conversation_id=sender,
            channel=self.name,
            event_id=uuid4().hex if given is None else identifier(string(body, "message_id"), "message_id"),
            sender_id=sender,
            text=string(body, "message", default=""),
            metadata=_metadata(body.get(self._settings.metadata_key)),
            received_at=time.time(),
        )

    async def _queue(self, inbound: Inbound) -> Verdict:
        """Queue it within the rate limit. A client that is too fast waits, and so does all that it says next."""
        deadline, allowed = time.monotonic() + PATIENCE_S, False
        while time.monotonic() < deadline:
            allowed = allowed or await self._inbox.allow("message", inbound.conversation_id)
            if allowed and (verdict := await self._inbox.ingest(inbound)) != "busy":
                return verdict
            await asyncio.sleep(PAUSE_S)
        return "busy"

    async def _link(self, sid: str, conversation_id: str, *, after: int | None = None) -> Link | None:
        """A link to a conversation, not yet shown; None if the socket is gone, has it, or has too many.

        Raises StoreError.
        """
        client = self._client(sid)
        if client is None or conversation_id in client.links or len(client.links) >= MAX_SESSIONS:
            return None
        return Link(
            self._inbox,
            conversation_id,
            channel=self.name,
            emit=lambda payload: self._emit(sid, payload),
            ask=client.receipts.ask,
            sent=await self._seen(conversation_id, after),
            numbered=after is not None,
            remembers=self._settings.session_persistence,
        )

    async def _seen(self, conversation_id: str, after: int | None) -> int:
        """The number of the log that the client has.

        A conversation that was held elsewhere tells a socket nothing of its past.
        """
        if not self._settings.session_persistence:
            return 0
        mark = await self._inbox.read_mark(conversation_id)
        if mark is None:
            mark = await _end_of_log(self._inbox, conversation_id)
            await self._inbox.mark_read(conversation_id, mark)
            return mark
        return mark if after is None else min(max(after, 0), await _end_of_log(self._inbox, conversation_id))

    def _show(self, sid: str, conversation_id: str, link: Link | None) -> None:
        client = self._clients.get(sid)
        if link is not None and client is not None and conversation_id not in client.links:
            client.links[conversation_id] = (link, asyncio.create_task(link.run(), name="socketio-link"))

    def _client(self, sid: str) -> _Client | None:
        """What is known of a socket; None once it is gone."""
        if sid in self._clients:
            return self._clients[sid]
        engine_sid = self._server.manager.eio_sid_from_sid(sid, self._settings.namespace)
        socket = self._server.eio.sockets.get(engine_sid)
        if socket is None:
            return None

        def arrived(number: int) -> None:
            for link, _ in client.links.values():
                link.arrived(number)

        client = self._clients[sid] = _Client(Receipts(socket, arrived))
        return client

    async def _emit(self, sid: str, payload: Payload) -> int:
        """Send an event to one socket; returns its number there."""
        event, namespace = self._settings.bot_message_evt, self._settings.namespace
        await self._server.emit(event, payload, to=sid, namespace=namespace)
        client = self._clients.get(sid)
        return client.receipts.count() if client else 0


class _WholeRequest:
    """A request whose body is there: the library takes what one read of a stream gives, which may be a part of it."""

    def __init__(self, request: web.Request, body: bytes) -> None:
        self._request = request
        self._body = body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)

    @property
    def content(self) -> "_WholeRequest":
        return self

    async def read(self, size: int) -> bytes:
        return self._body[:size]


def _session_id(body: Mapping[str, Json]) -> str | None:
    """The session that a client names, if it can be one of this channel."""
    value = body.get("session_id")
    if not isinstance(value, str) or value.startswith(tuple(HOMES)):
        return None
    try:
        return identifier(value, "session_id")
    except BadRequest:
        return None


def _metadata(value: Json) -> Mapping[str, Json]:
    """Metadata as an object, or as a text that holds one. Raises BadRequest."""
    if value is None:
        return {}
    return as_object(parse_json(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else value)


async def _end_of_log(inbox: Inbox, conversation_id: str) -> int:
    try:
        frames = await inbox.log_after(conversation_id, 0)
    except LogTrimmed as trimmed:
        frames = await inbox.log_after(conversation_id, trimmed.oldest - 1) if trimmed.oldest else ()
    return frames[-1].seq if frames else 0


async def _end(client: _Client) -> None:
    for _, task in client.links.values():
        task.cancel()
    await asyncio.gather(*(task for _, task in client.links.values()), return_exceptions=True)

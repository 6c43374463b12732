"""Rasa's REST channel: a message in, the answers out, in one request.

``POST /webhooks/rest/webhook`` with ``{sender, message, metadata?, message_id?}``. Whoever repeats a ``message_id``
gets the first answers again and the message takes effect once; without one each request is a new message.
"""

import json
import time
from collections.abc import Sequence
from uuid import uuid4

from aiohttp import web

from bot.channels.bodies import as_object, identifier, optional_object, parse_json, read_body, string
from bot.channels.channel import HOMES
from bot.channels.client import CLIENT
from bot.channels.rasa_messages import RasaMessage, rasa_messages
from bot.channels.security import within_limit
from bot.errors import BadRequest
from bot.messages import Inbound, Inbox

ANSWER_TIMEOUT_S = 60.0
LIMIT = "rest"
"""The rate limit of one caller, by its address: here a server speaks for many customers."""


class RestChannel:
    """The channel ``rest``. It delivers nothing by itself: a person's words are read from the conversation's log."""

    name = "rest"

    def __init__(self, inbox: Inbox, *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._inbox = inbox
        self._timeout_s = timeout_s

    def routes(self) -> Sequence[web.RouteDef]:
        """``GET /webhooks/rest/`` and ``POST /webhooks/rest/webhook``."""
        return [web.get("/webhooks/rest/", self.health), web.post("/webhooks/rest/webhook", self.webhook)]

    async def start(self) -> None:
        """Nothing to open."""

    async def register(self) -> None:
        """Nobody to tell."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def health(self, _: web.Request) -> web.Response:
        """Say that the channel is there."""
        return web.json_response({"status": "ok"})

    async def webhook(self, request: web.Request) -> web.StreamResponse:
        """Answer a message; with ``?stream=true`` one JSON per line."""
        if refused := await within_limit(self._inbox, LIMIT, request.get(CLIENT, "")):
            return refused
        inbound = read_message(
            await read_body(request),
            channel=self.name,
            fresh_id=uuid4().hex,
            received_at=time.time(),
        )
        replies = await self._inbox.ask(inbound, timeout_s=self._timeout_s)
        messages = rasa_messages(inbound.sender_id, replies)
        if request.query.get("stream", "").lower() == "true":
            return await _stream(request, messages)
        return web.json_response(messages)


def read_message(raw: bytes, *, channel: str, fresh_id: str, received_at: float) -> Inbound:
    """Parse the body that Rasa's REST and callback channels share. Raises BadRequest and nothing else.

    ``fresh_id`` is the event id where the client names no ``message_id``.
    """
    body = as_object(parse_json(raw))
    sender = identifier(string(body, "sender", default="default"), "sender")
    if sender.startswith(tuple(HOMES)):
        raise BadRequest("this 'sender' belongs to another channel")
    metadata = optional_object(body, "metadata")
    message_id = body.get("message_id", metadata.get("message_id"))
    if message_id is not None and not isinstance(message_id, str):
        raise BadRequest("'message_id' must be a string")
    return Inbound(
        conversation_id=sender,
        channel=channel,
        event_id=fresh_id if message_id is None else identifier(message_id, "message_id"),
        sender_id=sender,
        text=string(body, "message"),
        metadata=metadata,
        received_at=received_at,
    )


async def _stream(request: web.Request, messages: Sequence[RasaMessage]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for message in messages:
        await response.write(json.dumps(message).encode() + b"\n")
    await response.write_eof()
    return response

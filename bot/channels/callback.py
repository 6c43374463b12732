"""Rasa's callback channel: messages come in as on REST, answers are POSTed to ``credentials.callback.url``."""

import time
from collections.abc import Sequence
from uuid import uuid4

import aiohttp
from aiohttp import web

from bot.channels.bodies import read_body
from bot.channels.client import CLIENT
from bot.channels.failures import retry_later
from bot.channels.metrics import Metrics
from bot.channels.outbound import SERVER_ERROR_RETRY_S, Answered, Progress, post
from bot.channels.rasa_messages import RasaMessage, rasa_messages
from bot.channels.rest import LIMIT, read_message
from bot.channels.security import within_limit
from bot.messages import Inbox, Refused, Reply, RetryLater, SendResult, Sent, Unknown


class CallbackChannel:
    """The channel ``callback``, which is its own Sender."""

    name = "callback"

    def __init__(self, inbox: Inbox, metrics: Metrics, *, url: str) -> None:
        self._inbox = inbox
        self._metrics = metrics
        self._url = url
        self._progress = Progress()
        self._session: aiohttp.ClientSession | None = None

    def routes(self) -> Sequence[web.RouteDef]:
        """``GET /webhooks/callback/`` and ``POST /webhooks/callback/webhook``."""
        return [web.get("/webhooks/callback/", self.health), web.post("/webhooks/callback/webhook", self.webhook)]

    async def start(self) -> None:
        """Open the HTTP session."""
        self._session = aiohttp.ClientSession()

    async def register(self) -> None:
        """Nobody to tell."""

    async def stop(self) -> None:
        """Close the HTTP session."""
        if self._session is not None:
            await self._session.close()

    async def health(self, _: web.Request) -> web.Response:
        """Say that the channel is there."""
        return web.json_response({"status": "ok"})

    async def webhook(self, request: web.Request) -> web.Response:
        """Queue a message; ``"success"`` means that it is safe."""
        if refused := await within_limit(self._inbox, LIMIT, request.get(CLIENT, "")):
            return refused
        inbound = read_message(
            await read_body(request),
            channel=self.name,
            fresh_id=uuid4().hex,
            received_at=time.time(),
        )
        verdict = await self._inbox.ingest(inbound)
        self._metrics.event(channel=self.name, kind="message", outcome=verdict)
        if verdict == "busy":
            return retry_later(503, "StoreBusy", "too many messages are waiting; try again later")
        return web.json_response("success")

    async def send(self, recipient_id: str, reply: Reply) -> SendResult:
        """POST each message of a reply; a retry goes on behind those that arrived."""
        messages = rasa_messages(recipient_id, [reply])
        result: SendResult = Sent()
        for message in messages[self._progress.taken(reply.id) :]:
            result = await self._post(message)
            if not isinstance(result, Sent):
                break
            self._progress.advance(reply.id)
        if isinstance(result, Sent | Refused):
            self._progress.done(reply.id)
        self._metrics.sent(channel=self.name, result=type(result).__name__)
        return result

    async def _post(self, message: RasaMessage) -> SendResult:
        if self._session is None:
            raise RuntimeError("start() comes before send()")
        match await post(self._session, self._url, message):
            case Answered(status=status) if status < 300:
                return Sent()
            case Answered(status=status, retry_after_s=wait) if status in (408, 429) or status >= 500:
                return RetryLater(after_s=wait or SERVER_ERROR_RETRY_S)
            case Answered(status=status):
                return Refused(reason=f"the callback answered {status}")
            case RetryLater() | Unknown() as result:
                return result

    async def typing(self, recipient_id: str) -> None:
        """Rasa's callback has no such thing."""

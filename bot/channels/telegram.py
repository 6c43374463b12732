"""Telegram: updates come in by webhook, replies go out through the Bot API.

An update is acknowledged only after it is queued: Telegram sends it again until then, and holds back the chat's next
one. What the bot cannot read is acknowledged and counted, since it would hold back the chat for a day. On the way
out Telegram has no idempotency key: a reply of which nobody knows whether it arrived is ``Unknown``.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from bot.channels.bodies import read_body
from bot.channels.failures import retry_later
from bot.channels.metrics import Metrics
from bot.channels.outbound import SERVER_ERROR_RETRY_S, TIMEOUT, Answered, Progress, post
from bot.channels.security import same_secret, within_limit
from bot.channels.telegram_render import Call, render, stored_payload
from bot.channels.telegram_settings import PATH, TelegramSettings
from bot.channels.telegram_update import CHANNEL, STORED_PAYLOAD, Address, Ignored, Said, parse_update
from bot.dialogue.parse import Json
from bot.errors import BadRequest, ChannelError, CredentialsError, LogTrimmed, Unauthorized
from bot.messages import Inbound, Inbox, LogFrame, Refused, Reply, RetryLater, SendResult, Sent, Unknown

PROOF_HEADER = "X-Telegram-Bot-Api-Secret-Token"
UPDATES = ("message", "edited_message", "callback_query")
UPDATE_LIMIT_BYTES = 512 * 1024
WRONG_TOKEN_RETRY_S = 60.0
HINT_TIMEOUT = aiohttp.ClientTimeout(total=5)

# What Telegram says when it refuses, as far as it is worth telling; its full words may quote the text.
_REFUSALS = ("can't parse entities", "chat not found", "message is too long", "blocked", "deactivated", "kicked")

log = logging.getLogger(__name__)


class TelegramChannel:
    """The channel ``telegram``, which is its own Sender."""

    name = CHANNEL

    def __init__(
        self, settings: TelegramSettings, inbox: Inbox, metrics: Metrics, *, timeout: aiohttp.ClientTimeout = TIMEOUT
    ) -> None:
        self._timeout = timeout
        self._settings = settings
        self._inbox = inbox
        self._metrics = metrics
        self._progress = Progress()
        self._session: aiohttp.ClientSession | None = None

    def routes(self) -> Sequence[web.RouteDef]:
        """``GET /webhooks/telegram/`` and the webhook, with or without a secret in its address."""
        return [
            web.get("/webhooks/telegram/", self.health),
            web.post(PATH, self.webhook),
            web.post(PATH + "/{secret}", self.webhook),
        ]

    async def start(self) -> None:
        """Open the HTTP session."""
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        """Close the HTTP session."""
        if self._session is not None:
            await self._session.close()

    async def register(self) -> None:
        """Check the token and the username, then set the webhook. Raises ChannelError."""
        me = await self._setup("getMe", {})
        username = me.get("username") if isinstance(me, Mapping) else None
        if str(username).lower() != self._settings.verify.lower():
            raise CredentialsError("telegram: 'verify' is not the username of the bot that 'access_token' belongs to")
        webhook: dict[str, Json] = {
            "url": self._settings.webhook_url,
            "secret_token": self._settings.secret_token,
            "allowed_updates": list(UPDATES),
        }
        await self._setup("setWebhook", webhook)

    async def _setup(self, method: str, payload: Mapping[str, Json]) -> Json:
        match await self._call(method, payload):
            case Answered(status=200, body={"ok": True, "result": result}):
                return result
            case Answered(status=401 | 404):
                raise CredentialsError("telegram: the platform does not know this 'access_token'")
            case Answered(status=status):
                raise ChannelError(f"telegram: {method} was answered with {status}")
            case RetryLater() | Unknown():
                raise ChannelError(f"telegram: {method} got no answer from {urlsplit(self._settings.api_url).netloc}")

    async def health(self, _: web.Request) -> web.Response:
        """Say that the channel is there."""
        return web.json_response({"status": "ok"})

    def verify(self, headers: Mapping[str, str], path_secret: str = "") -> None:
        """Check that Telegram calls. Raises Unauthorized."""
        header = same_secret(headers.get(PROOF_HEADER, ""), self._settings.secret_token)
        path = same_secret(path_secret, self._settings.path_secret)
        if not (header and path):
            raise Unauthorized("this is not Telegram calling")

    async def webhook(self, request: web.Request) -> web.Response:
        """Queue an update, then acknowledge it."""
        self.verify(request.headers, request.match_info.get("secret", ""))
        raw = await read_body(request, limit_bytes=UPDATE_LIMIT_BYTES)
        try:
            update = parse_update(raw, bot=self._settings.bot, received_at=time.time())
        except BadRequest:
            update = Ignored(kind="unreadable")
        match update:
            case Ignored(kind=kind, callback_id=callback_id):
                self._metrics.event(channel=self.name, kind=kind, outcome="ignored")
                log.info("update ignored", extra={"channel": self.name, "update": kind})
                return _acknowledged(callback_id)
            case Said() as said:
                return await self._queue(said)

    async def _queue(self, said: Said) -> web.Response:
        if refused := await within_limit(self._inbox, "message", said.inbound.conversation_id):
            return refused
        verdict = await self._inbox.ingest(await self._resolved(said.inbound))
        self._metrics.event(channel=self.name, kind=said.kind, outcome=verdict)
        if verdict == "busy":
            return retry_later(503, "StoreBusy", "too many messages are waiting; try again later")
        return _acknowledged(said.callback_id)

    async def _resolved(self, inbound: Inbound) -> Inbound:
        """Put the payload in place of its number in the log; the button's title if it is no longer there."""
        if not STORED_PAYLOAD.fullmatch(inbound.text):
            return inbound
        frames = await self._log(inbound.conversation_id)
        payload = stored_payload(inbound.text, (frame.reply for frame in frames if frame.reply))
        return replace(inbound, text=payload or inbound.display or "")

    async def _log(self, conversation_id: str) -> Sequence[LogFrame]:
        try:
            return await self._inbox.log_after(conversation_id, 0)
        except LogTrimmed as trimmed:
            if trimmed.oldest is None:
                return ()
            return await self._inbox.log_after(conversation_id, trimmed.oldest - 1)

    async def send(self, recipient_id: str, reply: Reply) -> SendResult:
        """Make each call of a reply; a retry goes on behind those that arrived."""
        try:
            calls = render(Address.parse(recipient_id), reply)
        except ValueError:
            return Refused(reason="not a Telegram address")
        result: SendResult = Sent()
        for call in calls[self._progress.taken(reply.id) :]:
            result = await self._deliver(call)
            if not isinstance(result, Sent):
                break
            self._progress.advance(reply.id)
        if isinstance(result, Sent | Refused):
            self._progress.done(reply.id)
        self._metrics.sent(channel=self.name, result=type(result).__name__)
        return result

    async def _deliver(self, call: Call) -> SendResult:
        answer = await self._call(call.method, call.payload)
        if isinstance(answer, Answered) and (other := second_try(call, answer)):
            answer = await self._call(call.method, other)
        return outcome(answer) if isinstance(answer, Answered) else answer

    async def typing(self, recipient_id: str) -> None:
        """Show ``typing…`` for five seconds; failures are not reported."""
        try:
            address = Address.parse(recipient_id)
        except ValueError:
            return
        hint: dict[str, Json] = {"chat_id": address.chat, "action": "typing"}
        if address.topic is not None:
            hint["message_thread_id"] = address.topic
        await self._call("sendChatAction", hint, within=HINT_TIMEOUT)

    async def _call(
        self, method: str, payload: Mapping[str, Json], within: aiohttp.ClientTimeout | None = None
    ) -> Answered | RetryLater | Unknown:
        if self._session is None:
            raise RuntimeError("start() comes before any call")
        url = f"{self._settings.api_url}/bot{self._settings.access_token}/{method}"
        return await post(self._session, url, payload, within=within or self._timeout)


def _acknowledged(callback_id: str | None) -> web.Response:
    """Acknowledge; a pressed button is told in the same answer to stop spinning, a hint that may get lost."""
    if callback_id is None:
        return web.Response()
    return web.json_response({"method": "answerCallbackQuery", "callback_query_id": callback_id})


def second_try(call: Call, answer: Answered) -> Mapping[str, Json] | None:
    """What to say instead, once: without tags that Telegram does not read, or to the group's new number."""
    if answer.status != 400:
        return None
    match answer.body.get("parameters"):
        case {"migrate_to_chat_id": int(chat)}:
            return {**call.payload, "chat_id": chat}
        case _:
            pass
    if call.plain is not None and "can't parse entities" in str(answer.body.get("description")):
        kept = {name: value for name, value in call.payload.items() if name != "parse_mode"}
        return {**kept, "text": call.plain}
    return None


def outcome(answer: Answered) -> SendResult:
    """What Telegram's answer means for the reply."""
    match answer:
        case Answered(status=200, body={"ok": True, "result": result}):
            number = result.get("message_id") if isinstance(result, Mapping) else None
            return Sent(id=None if number is None else str(number))
        case Answered(status=429, body={"parameters": {"retry_after": int(after_s)}}):
            return RetryLater(after_s=float(after_s))
        case Answered(status=status) if status == 429 or status >= 500:
            return RetryLater(after_s=answer.retry_after_s or SERVER_ERROR_RETRY_S)
        case Answered(status=401 | 404):
            # The token is wrong. The operator can mend that, so nothing is given up.
            log.error("the platform does not know the token", extra={"channel": CHANNEL, "status": answer.status})
            return RetryLater(after_s=WRONG_TOKEN_RETRY_S)
        case Answered(status=status, body={"ok": False}):
            said = str(answer.body.get("description"))
            return Refused(reason=next((word for word in _REFUSALS if word in said), f"refused with {status}"))
        case _:
            return Unknown(reason=f"an answer that is not Telegram's ({answer.status})")

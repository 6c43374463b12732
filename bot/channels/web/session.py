"""One open socket of one guest: greet, replay the log, then pass on what is said in both directions.

The log is the truth and live frames only wake it: a number is sent once, in order, and a hole is filled from the log.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence

from aiohttp import WSCloseCode, WSMsgType, web

from bot.channels.web.frames import (
    ClientFrame,
    Hello,
    Ping,
    Rate,
    Say,
    decode,
    encode,
    error_json,
    log_json,
    parse_frame,
)
from bot.channels.web.guest import Guest, admit
from bot.channels.web.markdown import to_html
from bot.channels.web.outgoing import Outgoing, SlowReader
from bot.channels.web.settings import WebSettings
from bot.dialogue.parse import Json
from bot.errors import BadRequest, LogTrimmed, StoreError
from bot.messages import Inbound, InboundKind, Inbox, LiveFrame, LogFrame

CHANNEL = "web"
RATE_LIMITED = "rate_limited"
MAX_BAD_FRAMES = 5


class LiveEnded(Exception):
    """Delivery ended the subscription; the client is to come back and resume."""


class Session:
    """Talks over a prepared socket until one side ends it. ``run`` is called once."""

    def __init__(self, socket: web.WebSocketResponse, inbox: Inbox, settings: WebSettings) -> None:
        self._socket = socket
        self._inbox = inbox
        self._settings = settings
        self._outgoing = Outgoing()
        self._sent = 0
        self._in_order = asyncio.Lock()
        self._guest: Guest
        self._lang: str | None = None

    async def run(self) -> int | None:
        """Serve the client. Returns the close code to send; None if the client is gone or was told already."""
        hello = await self._first_frame()
        if hello is None:
            return WSCloseCode.POLICY_VIOLATION
        self._guest = admit(self._settings.secret, hello.conversation_id, hello.token)
        self._lang = hello.lang
        code: int | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write())
                async with self._inbox.subscribe(self._guest.conversation_id) as live:
                    await self._welcome(hello)
                    feeder = tasks.create_task(self._feed(live))
                    code = await self._read()
                    feeder.cancel()
                    await asyncio.wait({feeder})
                writer.cancel()
        except* ConnectionError:
            code = None
        except* (SlowReader, LiveEnded, StoreError):
            code = WSCloseCode.TRY_AGAIN_LATER
        return code

    async def _first_frame(self) -> Hello | None:
        """The hello; None if it did not come in time or something else came (the client was told what)."""
        try:
            async with asyncio.timeout(self._settings.first_frame_timeout_s):
                message = await self._socket.receive()
            if message.type is not WSMsgType.TEXT:
                return None
            frame = parse_frame(decode(message.data), max_text_chars=self._settings.max_text_chars)
            if not isinstance(frame, Hello):
                raise BadRequest("the first frame is hello")
        except TimeoutError:
            return None
        except BadRequest as exc:
            await self._socket.send_str(encode(error_json(exc.code, str(exc))))
            return None
        return frame

    async def _welcome(self, hello: Hello) -> None:
        """Tell the client who it is, and replay what it missed, or all that is kept if it must start over."""
        if self._guest.known:
            frames, reset = await self._missed(hello.last)
        else:
            frames, reset = (), True
        before = hello.last if not reset else 0
        last = frames[-1].seq if frames else before
        self._sent = frames[0].seq - 1 if frames else before
        await self._put(
            {
                "type": "welcome",
                "conversation": self._guest.conversation_id,
                "token": self._guest.token,
                "last": last,
                "reset": reset,
            }
        )
        for frame in frames:
            await self._put(self._log_json(frame))
        self._sent = last

    async def _missed(self, last: int) -> tuple[Sequence[LogFrame], bool]:
        """The log after ``last``, and whether the client must drop what it has and take this instead."""
        conversation_id = self._guest.conversation_id
        try:
            # The client's last frame is asked for too: if the log does not know it, it is another log.
            frames = await self._inbox.log_after(conversation_id, max(0, last - 1))
            if frames and frames[0].seq == last:
                return frames[1:], False
            if last == 0 or (frames and frames[0].seq == last + 1):
                return frames, last == 0 and bool(frames) and frames[0].seq != 1
            return await self._inbox.log_after(conversation_id, 0), True
        except LogTrimmed as trimmed:
            if trimmed.oldest is None:
                return (), True
            return await self._inbox.log_after(conversation_id, trimmed.oldest - 1), True

    async def _feed(self, live: AsyncIterator[LiveFrame]) -> None:
        """Pass on what happens from now on."""
        async for frame in live:
            match frame.type:
                case "log":
                    await self._forward(frame.frames)
                case "typing":
                    await self._offer({"type": "typing", "on": frame.on})
                case "partial":
                    html = to_html(frame.text or "")
                    await self._offer({"type": "partial", "id": frame.event_id, "html": html})
                case "done":
                    await self._offer({"type": "typing", "on": False})
        raise LiveEnded

    async def _forward(self, frames: Sequence[LogFrame]) -> None:
        """Send new log frames; a wake-up without frames, or with a hole before them, is filled from the log."""
        async with self._in_order:
            new = [frame for frame in frames if frame.seq > self._sent]
            if not frames or (new and new[0].seq != self._sent + 1):
                await self._catch_up()
                return
            for frame in new:
                await self._offer(self._log_json(frame))
                self._sent = frame.seq

    async def _catch_up(self) -> None:
        for frame in await self._inbox.log_after(self._guest.conversation_id, self._sent):
            await self._put(self._log_json(frame))
            self._sent = frame.seq

    async def _read(self) -> int | None:
        """Take the client's frames until it goes. Returns the close code if it misbehaves."""
        bad = 0
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                return WSCloseCode.UNSUPPORTED_DATA
            if message.type is not WSMsgType.TEXT:
                return None
            raw: dict[str, Json] = {}
            try:
                raw = decode(message.data)
                await self._take(parse_frame(raw, max_text_chars=self._settings.max_text_chars))
            except BadRequest as exc:
                await self._offer(error_json(exc.code, str(exc), about=raw.get("id")))
                bad += 1
                if bad == MAX_BAD_FRAMES:
                    return WSCloseCode.POLICY_VIOLATION
        return None

    async def _take(self, frame: ClientFrame) -> None:
        conversation_id = self._guest.conversation_id
        match frame:
            case Say():
                display = frame.text if frame.payload else None
                inbound = self._inbound(frame.id, text=frame.payload or frame.text, display=display)
                await self._ingest(inbound)
            case Rate():
                if not frame.reply_id.startswith(f"{conversation_id}/"):
                    raise BadRequest("message is no reply of this conversation")
                rating = {"reply_id": frame.reply_id, "value": frame.value}
                await self._ingest(self._inbound(frame.id, kind="feedback", metadata=rating))
            case Ping():
                await self._pong()
            case Hello():
                raise BadRequest("hello comes once")

    def _inbound(
        self,
        event_id: str,
        *,
        text: str = "",
        display: str | None = None,
        kind: InboundKind = "message",
        metadata: Mapping[str, Json] | None = None,
    ) -> Inbound:
        language: dict[str, Json] = {"lang": self._lang} if self._lang else {}
        return Inbound(
            conversation_id=self._guest.conversation_id,
            channel=CHANNEL,
            event_id=event_id,
            sender_id=self._guest.conversation_id,
            text=text,
            display=display,
            kind=kind,
            metadata=language | dict(metadata or {}),
            received_at=time.time(),
        )

    async def _ingest(self, inbound: Inbound) -> None:
        """Queue it and say so. What is not acknowledged, the client sends again."""
        retry_after_s = self._settings.retry_after_s
        try:
            if not await self._inbox.allow("message", inbound.conversation_id):
                answer = error_json(RATE_LIMITED, "too many messages", inbound.event_id, retry_after_s)
            else:
                verdict = await self._inbox.ingest(inbound)
                answer = {"type": "ack", "id": inbound.event_id, "status": verdict}
        except StoreError as exc:
            answer = error_json(exc.code, "the message could not be stored", inbound.event_id, retry_after_s)
        await self._offer(answer)

    async def _pong(self) -> None:
        """Answer, and look into the log: a wake-up may have been lost on its way."""
        with contextlib.suppress(StoreError):
            await self._forward(())
        await self._offer({"type": "pong"})

    async def _write(self) -> None:
        while True:
            await self._socket.send_str(await self._outgoing.take())

    async def _offer(self, frame: Mapping[str, Json]) -> None:
        await self._outgoing.offer(encode(frame))

    async def _put(self, frame: Mapping[str, Json]) -> None:
        await self._outgoing.put(encode(frame), timeout_s=self._settings.send_timeout_s)

    def _log_json(self, frame: LogFrame) -> dict[str, Json]:
        return log_json(frame, image_hosts=self._settings.image_hosts)

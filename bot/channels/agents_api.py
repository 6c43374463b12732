"""What an agent's page needs to answer in the bot's place: who waits, what was said, and a person's words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from aiohttp import web

from bot.channels.bodies import identifier, number, read_object, string
from bot.channels.conversations_api import CHANNEL, CONVERSATION, conversation_id, inbound_of
from bot.channels.desk import Desk
from bot.channels.failures import retry_later
from bot.channels.rasa_messages import rasa_messages
from bot.dialogue.parse import Json
from bot.errors import BadRequest
from bot.messages import Inbound, Inbox, LogFrame


class AgentsApi:
    """Handlers for those who stand in for the bot. A customer's own JWT does not open them."""

    def __init__(self, desk: Desk, inbox: Inbox) -> None:
        self._desk = desk
        self._inbox = inbox

    def closed_routes(self) -> Sequence[web.RouteDef]:
        """What needs the token: all of it."""
        return [
            web.get("/handoffs", self.handoffs),
            web.get("/knowledge/unanswered", self.unanswered),
            web.get(CONVERSATION + "/log", self.log),
            web.post(CONVERSATION + "/agent", self.agent),
            web.post(CONVERSATION + "/resume", self.resume),
        ]

    async def handoffs(self, _: web.Request) -> web.Response:
        """List the conversations that wait for a person, the longest first."""
        return web.json_response([asdict(waiting) for waiting in await self._desk.handoffs()])

    async def unanswered(self, request: web.Request) -> web.Response:
        """Questions that the knowledge had nothing for, of the last ``?days=`` (30), the most frequent first."""
        return web.json_response(list(await self._desk.unanswered(days=number(request, "days", 30))))

    async def log(self, request: web.Request) -> web.Response:
        """What both sides said, after ``?after=`` (a number of the log): what an agent's page polls."""
        frames = await self._inbox.log_after(conversation_id(request), number(request, "after", 0))
        return web.json_response([frame_json(frame) for frame in frames])

    async def agent(self, request: web.Request) -> web.Response:
        """Queue a person's words: ``{text, agent?, message_id?}``. Repeating a ``message_id`` says them once."""
        body = await read_object(request)
        text = string(body, "text")
        if not text.strip():
            raise BadRequest("'text' must not be empty")
        agent = identifier(string(body, "agent", default="agent"), "agent")
        inbound = inbound_of(request, kind="agent", text=text, sender=agent, event_id=_message_id(body))
        await self._record("agent", request, actor=agent, after={"message_id": inbound.event_id})
        return await self._queue(inbound)

    async def resume(self, request: web.Request) -> web.Response:
        """Let the bot speak again: ``{agent?, message_id?}``."""
        body = await read_object(request) if request.can_read_body else {}
        agent = identifier(string(body, "agent", default=CHANNEL), "agent")
        await self._record("resume", request, actor=agent)
        return await self._queue(inbound_of(request, kind="resume", event_id=_message_id(body)))

    async def _record(self, action: str, request: web.Request, *, actor: str, after: Json = None) -> None:
        """Say in the audit log who is about to do what, before it is queued."""
        subject = conversation_id(request)
        await self._desk.record(actor=actor, action=f"conversation.{action}", subject=subject, after=after)

    async def _queue(self, inbound: Inbound) -> web.Response:
        verdict = await self._inbox.ingest(inbound)
        if verdict == "busy":
            return retry_later(503, "StoreBusy", "too many messages are waiting; try again later")
        return web.json_response({"status": verdict, "message_id": inbound.event_id}, status=202)


def _message_id(body: Mapping[str, Json]) -> str | None:
    return identifier(string(body, "message_id"), "message_id") if "message_id" in body else None


def frame_json(frame: LogFrame) -> Mapping[str, Json]:
    """A frame of the log as JSON; a reply as one object with what it shows."""
    line: dict[str, Json] = {"seq": frame.seq, "type": frame.type, "id": frame.id, "at": frame.at}
    if frame.text is not None:
        line["text"] = frame.text
    if frame.reply is not None:
        line["messages"] = [
            {key: value for key, value in message.items() if key != "recipient_id"}
            for message in rasa_messages("", [frame.reply])
        ]
        line["author"] = frame.reply.author
    return line

"""Rasa's HTTP API about one conversation, and what an agent needs to answer in the bot's place. All of it closed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import cast, get_args
from uuid import uuid4

from aiohttp import web

from bot.channels.bodies import identifier, parse_json, read_body, read_object, string
from bot.channels.channel import home_channel
from bot.channels.desk import Desk, IncludeEvents
from bot.channels.failures import failure, retry_later
from bot.channels.rasa_messages import rasa_messages
from bot.dialogue.parse import Json
from bot.errors import BadRequest
from bot.messages import Inbound, InboundKind, Inbox, LogFrame

CHANNEL = "api"
ANSWER_TIMEOUT_S = 60.0
EVENTS_LIMIT_BYTES = 1024 * 1024


class ConversationsApi:
    """Handlers under ``/conversations`` and ``/handoffs``. What changes a conversation passes its mailbox."""

    def __init__(self, desk: Desk, inbox: Inbox, *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._desk = desk
        self._inbox = inbox
        self._timeout_s = timeout_s

    def closed_routes(self) -> Sequence[web.RouteDef]:
        """What needs the token: all of it."""
        return [
            web.get("/handoffs", self.handoffs),
            web.get("/conversations/{id}/tracker", self.tracker),
            web.get("/conversations/{id}/log", self.log),
            web.post("/conversations/{id}/tracker/events", self.events),
            web.post("/conversations/{id}/trigger_intent", self.trigger_intent),
            web.post("/conversations/{id}/agent", self.agent),
            web.post("/conversations/{id}/resume", self.resume),
        ]

    async def handoffs(self, _: web.Request) -> web.Response:
        """List the conversations that wait for a person, the longest first."""
        return web.json_response([asdict(waiting) for waiting in await self._desk.handoffs()])

    async def tracker(self, request: web.Request) -> web.Response:
        """The tracker, with ``?include_events=NONE|APPLIED|AFTER_RESTART|ALL`` and ``?until=``."""
        return web.json_response(await self._tracker(request))

    async def log(self, request: web.Request) -> web.Response:
        """What both sides said, after ``?after=`` (a number of the log): what an agent's page polls."""
        after = request.query.get("after", "0")
        if not after.isdecimal():
            raise BadRequest("'after' must be a number of the log")
        frames = await self._inbox.log_after(_conversation_id(request), int(after))
        return web.json_response([frame_json(frame) for frame in frames])

    async def events(self, request: web.Request) -> web.Response:
        """Append one event or a list of them; answers with the tracker after it."""
        body = parse_json(await read_body(request, limit_bytes=EVENTS_LIMIT_BYTES))
        events = body if isinstance(body, list) else [body]
        if not events or not all(isinstance(event, Mapping) and "event" in event for event in events):
            raise BadRequest("the body must be an event (an object with the key 'event') or a list of events")
        await self._record("events", request, actor=CHANNEL)
        await self._ask(request, kind="events", metadata={"events": events})
        return web.json_response(await self._tracker(request))

    async def trigger_intent(self, request: web.Request) -> web.Response:
        """Let the bot act as if ``{name, entities}`` had been said; 404 for an intent that the domain lacks."""
        body = await read_object(request)
        name = string(body, "name")
        if not self._desk.has_intent(name):
            return failure(404, "NotFound", "the domain has no such intent", details={"parameter": "name"})
        entities = body.get("entities") or []
        if not isinstance(entities, list | Mapping):
            raise BadRequest("'entities' must be a list of entities or an object of values")
        # A triggered intent speaks to the customer: on the channel that the conversation is held on, or a named one.
        home = home_channel(_conversation_id(request))
        named = request.query.get("output_channel", "latest")
        inbound = self._inbound(
            request,
            kind="intent",
            metadata={"name": name, "entities": entities},
            channel=home if named == "latest" else identifier(named, "output_channel"),
        )
        await self._record("trigger_intent", request, actor=CHANNEL, after={"intent": name})
        replies = await self._inbox.ask(inbound, timeout_s=self._timeout_s)
        messages = rasa_messages(inbound.conversation_id, replies)
        return web.json_response({"tracker": await self._tracker(request), "messages": messages})

    async def agent(self, request: web.Request) -> web.Response:
        """Queue a person's words: ``{text, agent?, message_id?}``. Repeating a ``message_id`` says them once."""
        body = await read_object(request)
        text = string(body, "text")
        if not text.strip():
            raise BadRequest("'text' must not be empty")
        agent = identifier(string(body, "agent", default="agent"), "agent")
        inbound = self._inbound(request, kind="agent", text=text, sender=agent, event_id=_message_id(body))
        await self._record("agent", request, actor=agent, after={"message_id": inbound.event_id})
        return await self._queue(inbound)

    async def resume(self, request: web.Request) -> web.Response:
        """Let the bot speak again: ``{agent?, message_id?}``."""
        body = await read_object(request) if request.can_read_body else {}
        agent = identifier(string(body, "agent", default=CHANNEL), "agent")
        await self._record("resume", request, actor=agent)
        return await self._queue(self._inbound(request, kind="resume", event_id=_message_id(body)))

    async def _record(self, action: str, request: web.Request, *, actor: str, after: Json = None) -> None:
        """Say in the audit log who is about to do what, before it is queued."""
        subject = _conversation_id(request)
        await self._desk.record(actor=actor, action=f"conversation.{action}", subject=subject, after=after)

    async def _tracker(self, request: web.Request) -> Mapping[str, Json]:
        include = request.query.get("include_events", "AFTER_RESTART")
        if include not in get_args(IncludeEvents):
            raise BadRequest(f"'include_events' must be one of {', '.join(get_args(IncludeEvents))}")
        return await self._desk.tracker_state(
            _conversation_id(request), include=cast(IncludeEvents, include), until=_until(request)
        )

    async def _ask(self, request: web.Request, *, kind: InboundKind, metadata: Mapping[str, Json]) -> None:
        inbound = self._inbound(request, kind=kind, metadata=metadata)
        await self._inbox.ask(inbound, timeout_s=self._timeout_s)

    async def _queue(self, inbound: Inbound) -> web.Response:
        verdict = await self._inbox.ingest(inbound)
        if verdict == "busy":
            return retry_later(503, "StoreBusy", "too many messages are waiting; try again later")
        return web.json_response({"status": verdict, "message_id": inbound.event_id}, status=202)

    def _inbound(
        self,
        request: web.Request,
        *,
        kind: InboundKind,
        text: str = "",
        sender: str | None = None,
        event_id: str | None = None,
        metadata: Mapping[str, Json] | None = None,
        channel: str = CHANNEL,
    ) -> Inbound:
        conversation_id = _conversation_id(request)
        return Inbound(
            conversation_id=conversation_id,
            channel=channel,
            event_id=event_id or uuid4().hex,
            sender_id=sender or conversation_id,
            text=text,
            kind=kind,
            metadata=metadata or {},
            received_at=time.time(),
        )


def _conversation_id(request: web.Request) -> str:
    return identifier(request.match_info["id"], "conversation id")


def _message_id(body: Mapping[str, Json]) -> str | None:
    return identifier(string(body, "message_id"), "message_id") if "message_id" in body else None


def _until(request: web.Request) -> float | None:
    text = request.query.get("until")
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise BadRequest("'until' must be seconds since the epoch") from None


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

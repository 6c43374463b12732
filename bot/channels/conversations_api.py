"""Rasa's HTTP API about one conversation. What changes a conversation passes its mailbox, so it takes effect once.

A request with the header ``Idempotency-Key`` may be repeated: what it asks for is done once.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast, get_args
from uuid import uuid4

from aiohttp import web

from bot.channels.bodies import flag, identifier, optional_object, parse_json, read_body, read_object, string
from bot.channels.channel import home_channel
from bot.channels.desk import Desk, Foretold, IncludeEvents
from bot.channels.failures import failure
from bot.channels.rasa_messages import rasa_messages
from bot.dialogue.parse import Json
from bot.errors import BadRequest
from bot.messages import Inbound, InboundKind, Inbox, Reply

CHANNEL = "api"
CONVERSATION = "/conversations/{id:.+}"
"""The address of one conversation, whose id may hold slashes."""
ANSWER_TIMEOUT_S = 60.0
EVENTS_LIMIT_BYTES = 1024 * 1024


class ConversationsApi:
    """Handlers under ``/conversations``, and ``/model/predict``, which is about a conversation that nobody held."""

    def __init__(self, desk: Desk, inbox: Inbox, *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._desk = desk
        self._inbox = inbox
        self._timeout_s = timeout_s

    def own_routes(self) -> Sequence[web.RouteDef]:
        """What needs the token, or a JWT of the one whom the conversation belongs to."""
        return [
            web.get(CONVERSATION + "/tracker", self.tracker),
            web.post(CONVERSATION + "/tracker/events", self.events),
            web.put(CONVERSATION + "/tracker/events", self.replace_events),
            web.get(CONVERSATION + "/story", self.story),
            web.post(CONVERSATION + "/execute", self.execute),
            web.post(CONVERSATION + "/trigger_intent", self.trigger_intent),
            web.post(CONVERSATION + "/predict", self.predict),
            web.post(CONVERSATION + "/messages", self.messages),
        ]

    def closed_routes(self) -> Sequence[web.RouteDef]:
        """What needs the token."""
        return [web.post("/model/predict", self.predict_after)]

    async def tracker(self, request: web.Request) -> web.Response:
        """The tracker, with ``?include_events=NONE|APPLIED|AFTER_RESTART|ALL`` and ``?until=``."""
        return web.json_response(await self._tracker(request, View.of(request)))

    async def events(self, request: web.Request) -> web.Response:
        """Append one event or a list of them; answers with the tracker after it.

        ``?execute_side_effects=true`` says to the customer what the bot says in them.
        """
        events = await self._events(request)
        if not events:
            raise BadRequest("there is no event in the body")
        side_effects = flag(request, "execute_side_effects")
        return await self._take_events(request, "events", {"events": events, "execute_side_effects": side_effects})

    async def replace_events(self, request: web.Request) -> web.Response:
        """Put a list of events in place of all there were; answers with the tracker of them."""
        return await self._take_events(
            request, "replace_events", {"events": await self._events(request), "replace": True}
        )

    async def story(self, request: web.Request) -> web.Response:
        """The last session, or with ``?all_sessions=true`` each of them, as test stories; ``?until=``."""
        if missing := await self._missing(request):
            return missing
        stories = await self._desk.stories(
            conversation_id(request), all_sessions=flag(request, "all_sessions"), until=_until(request)
        )
        return web.Response(text=stories, content_type="text/plain", charset="utf-8")

    async def execute(self, request: web.Request) -> web.Response:
        """Run an action: ``{name, policy?, confidence?}``; 404 for one that the domain lacks."""
        body = await read_object(request)
        name = string(body, "name")
        if missing := await self._missing(request):
            return missing
        if not self._desk.has_action(name):
            return failure(404, "NotFound", "the domain has no such action", details={"parameter": "name"})
        metadata = {key: body.get(key) for key in ("name", "policy", "confidence")}
        return await self._answered("execute", request, kind="action", metadata=metadata, after={"action": name})

    async def trigger_intent(self, request: web.Request) -> web.Response:
        """Let the bot act as if ``{name, entities}`` had been said; 404 for an intent that the domain lacks."""
        body = await read_object(request)
        name = string(body, "name")
        if not self._desk.has_intent(name):
            return failure(404, "NotFound", "the domain has no such intent", details={"parameter": "name"})
        entities = body.get("entities") or []
        if not isinstance(entities, list | Mapping):
            raise BadRequest("'entities' must be a list of entities or an object of values")
        metadata = {"name": name, "entities": entities}
        return await self._answered("trigger_intent", request, kind="intent", metadata=metadata, after={"intent": name})

    async def predict(self, request: web.Request) -> web.Response:
        """What the bot would do next; nothing is done. The most probable action first."""
        if missing := await self._missing(request):
            return missing
        foretold = await self._desk.predict(conversation_id(request), include=View.of(request).include)
        scores = sorted(foretold.scores.items(), key=lambda item: (-item[1], item[0]))
        return web.json_response(_foretold_json(foretold, scores))

    async def predict_after(self, request: web.Request) -> web.Response:
        """What the bot would do next after a list of events; the actions in the order of the domain."""
        foretold = await self._desk.predict_after(await self._events(request), include=View.of(request).include)
        return web.json_response(_foretold_json(foretold, list(foretold.scores.items())))

    async def messages(self, request: web.Request) -> web.Response:
        """Note a customer's message that something else answers: ``{text, sender: "user", parse_data?}``."""
        body = await read_object(request)
        text, sender = string(body, "text"), body.get("sender")
        if sender != "user":
            return failure(
                400, "BadRequest", "only messages of sender 'user' are noted", details={"parameter": "sender"}
            )
        metadata: dict[str, Json] = {}
        if parse_data := optional_object(body, "parse_data"):
            self._desk.check_events([{"event": "user", "text": text, "parse_data": parse_data}])
            metadata = {"parse_data": parse_data}
        inbound = inbound_of(request, kind="log", text=text, metadata=metadata)
        tracker, _ = await self._done("messages", request, inbound)
        return web.json_response(tracker)

    async def _take_events(self, request: web.Request, action: str, metadata: Mapping[str, Json]) -> web.Response:
        inbound = inbound_of(request, kind="events", metadata=metadata, channel=_output(request))
        tracker, _ = await self._done(action, request, inbound)
        return web.json_response(tracker)

    async def _answered(
        self, action: str, request: web.Request, *, kind: InboundKind, metadata: Mapping[str, Json], after: Json
    ) -> web.Response:
        """Do what makes the bot speak, and answer with the tracker and what it said."""
        inbound = inbound_of(request, kind=kind, metadata=metadata, channel=_output(request))
        tracker, replies = await self._done(action, request, inbound, after=after)
        return web.json_response({"tracker": tracker, "messages": rasa_messages(inbound.conversation_id, replies)})

    async def _done(
        self, action: str, request: web.Request, inbound: Inbound, *, after: Json = None
    ) -> tuple[Mapping[str, Json], Sequence[Reply]]:
        """Note in the audit log who is about to do what, queue it, wait for its turn; the tracker and the replies.

        Every parameter is read before: what is refused has no effect.
        """
        view, subject = View.of(request), inbound.conversation_id
        await self._desk.record(actor=CHANNEL, action=f"conversation.{action}", subject=subject, after=after)
        replies = await self._inbox.ask(inbound, timeout_s=self._timeout_s)
        return await self._tracker(request, view), replies

    async def _missing(self, request: web.Request) -> web.Response | None:
        if await self._desk.exists(conversation_id(request)):
            return None
        return failure(404, "NotFound", "there is no such conversation", details={"parameter": "conversation id"})

    async def _tracker(self, request: web.Request, view: "View") -> Mapping[str, Json]:
        return await self._desk.tracker_state(conversation_id(request), include=view.include, until=view.until)

    async def _events(self, request: web.Request) -> Sequence[Json]:
        """The events of the body, one or a list of them, all of which can be read."""
        body = parse_json(await read_body(request, limit_bytes=EVENTS_LIMIT_BYTES))
        events = body if isinstance(body, list) else [body]
        self._desk.check_events(events)
        return events


def conversation_id(request: web.Request) -> str:
    """The conversation that the address names."""
    return identifier(request.match_info["id"], "conversation id")


def inbound_of(
    request: web.Request,
    *,
    kind: InboundKind,
    text: str = "",
    sender: str | None = None,
    event_id: str | None = None,
    metadata: Mapping[str, Json] | None = None,
    channel: str = CHANNEL,
) -> Inbound:
    """What a request does to its conversation. A repeated ``Idempotency-Key`` is a repeated event."""
    given = request.headers.get("Idempotency-Key")
    key = None if given is None else identifier(given, "Idempotency-Key")
    conversation = conversation_id(request)
    return Inbound(
        conversation_id=conversation,
        channel=channel,
        event_id=event_id or key or uuid4().hex,
        sender_id=sender or conversation,
        text=text,
        kind=kind,
        metadata=metadata or {},
        received_at=time.time(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What of a tracker is asked for: ``?include_events=`` and ``?until=``, seconds since the epoch."""

    include: IncludeEvents
    until: float | None

    @classmethod
    def of(cls, request: web.Request) -> "View":
        """Read the parameters. Raises BadRequest."""
        include = request.query.get("include_events", "AFTER_RESTART").upper()
        if include not in get_args(IncludeEvents):
            raise BadRequest(f"'include_events' must be one of {', '.join(get_args(IncludeEvents))}")
        return cls(include=cast(IncludeEvents, include), until=_until(request))


def _output(request: web.Request) -> str:
    """The channel to speak on: ``?output_channel=``, by default that on which the conversation is held.

    Where a customer wrote on another channel before, the answer follows them there.
    """
    named = request.query.get("output_channel", "latest")
    return home_channel(conversation_id(request)) if named == "latest" else identifier(named, "output_channel")


def _until(request: web.Request) -> float | None:
    text = request.query.get("until")
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise BadRequest("'until' must be seconds since the epoch") from None


def _foretold_json(foretold: Foretold, scores: Sequence[tuple[str, float]]) -> Mapping[str, Json]:
    return {
        "scores": [{"action": action, "score": score} for action, score in scores],
        "policy": foretold.policy,
        "confidence": foretold.confidence,
        "tracker": foretold.tracker,
    }

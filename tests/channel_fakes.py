"""Neighbours of the channels: an inbox, a desk, and Telegram's and a callback's servers on loopback."""

from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from bot.channels.agents_api import AgentsApi
from bot.channels.application import web_application
from bot.channels.conversations_api import ConversationsApi
from bot.channels.desk import Foretold, Health, ReleaseInfo, Waiting
from bot.channels.http_api import HttpApi
from bot.channels.metrics import Metrics
from bot.channels.security import Access
from bot.channels.workshop_api import WorkshopApi
from bot.dialogue.parse import Entity, IntentScore, Parse
from bot.errors import BadRequest, NoRelease, ReleaseError
from bot.messages import Reply

TOKEN = "test-token-0123456789"


@dataclass
class FakeInbox:
    """Keeps what was queued, once per event id. ``error`` is raised, ``verdict`` and ``empty`` are answered."""

    replies: list = field(default_factory=lambda: [Reply(id="a/1/0", text="Hello")])
    frames: list = field(default_factory=list)
    taken: dict = field(default_factory=dict)
    error: Exception | None = None
    busy: bool = False
    empty: set = field(default_factory=set)
    asked: list = field(default_factory=list)

    async def ingest(self, inbound):
        if self.error:
            raise self.error
        if self.busy:
            return "busy"
        key = (inbound.channel, inbound.conversation_id, inbound.event_id)
        if key in self.taken:
            return "dup"
        self.taken[key] = inbound
        return "queued"

    async def ask(self, inbound, *, timeout_s):
        await self.ingest(inbound)
        return self.replies

    async def log_after(self, conversation_id, seq):
        return [frame for frame in self.frames if frame.seq > seq]

    async def allow(self, bucket, key):
        self.asked.append((bucket, key))
        return bucket not in self.empty

    @property
    def inbounds(self):
        return list(self.taken.values())


@dataclass
class FakeDesk:
    """A bot of one release that knows the intent ``greet``, and writes down what it is told to record."""

    state: Health = Health(ready=True, store_up=True, store="valkey 9")  # noqa: RUF009  (frozen)
    running: str = "r1"
    recorded: list = field(default_factory=list)
    error: Exception | None = None

    async def record(self, *, actor, action, subject, after=None):
        if self.error:
            raise self.error
        self.recorded.append((actor, action, subject, after))

    async def tracker_state(self, conversation_id, *, include, until):
        return {"sender_id": conversation_id, "events": include, "until": until}

    async def exists(self, conversation_id):
        return conversation_id != "nobody"

    async def stories(self, conversation_id, *, all_sessions, until):
        return f"{conversation_id} {all_sessions} {until}"

    async def predict(self, conversation_id, *, include):
        scores = {"action_listen": 0.0, "utter_b": 0.9, "utter_a": 0.0}
        state = await self.tracker_state(conversation_id, include=include, until=None)
        return Foretold(action="utter_b", confidence=0.9, policy="RulePolicy", scores=scores, tracker=state)

    async def predict_after(self, events, *, include):
        return await self.predict("default", include=include)

    def check_events(self, events):
        for event in events:
            if not isinstance(event, dict) or "event" not in event:
                raise BadRequest("no event")

    async def parse(self, text):
        greet = IntentScore(name="greet", confidence=0.9)
        return Parse(text=text, intent=greet, entities=(Entity(entity="city", value="上海", start=0, end=2),))

    async def explain(self, text):
        if self.error:
            raise self.error
        return await self.parse(text), None if text.startswith("/") else {"verdict": "accepted"}

    def domain(self):
        return {"intents": ["greet"]}

    def domain_yaml(self):
        return "intents:\n- greet\n"

    def has_intent(self, name):
        return name == "greet"

    def has_action(self, name):
        return name == "utter_greet"

    async def unload(self):
        self.running = None

    def release(self):
        if self.running is None:
            raise NoRelease("none")
        return ReleaseInfo(id=self.running, path=f"models/{self.running}", details={"language": "en"})

    async def swap(self, release):
        if release == "torn":
            raise ReleaseError("the release is torn")
        self.running = release
        return self.release()

    async def handoffs(self):
        return [Waiting(conversation_id="ann", channel="rest", since=5.0)]

    async def unanswered(self, *, days):
        return [{"question": "do you ship to the moon", "count": days}]

    async def health(self):
        return self.state


@dataclass
class FakeWorkshop:
    """Trains a few bytes; ``error`` is raised instead."""

    folder: Path | None = None
    error: Exception | None = None
    active_trainings: int = 0
    asked: list = field(default_factory=list)

    @asynccontextmanager
    async def train(self, text, **options):
        self.asked.append((text, options))
        if self.error:
            raise self.error
        archive = self.folder / "r9.tar.gz"
        archive.write_bytes(b"release" * 1000)
        yield archive
        archive.unlink()

    async def test_stories(self, text, *, e2e):
        return {"text": text, "is_end_to_end_evaluation": e2e}

    async def test_intents(self, text, *, release):
        return {"text": text, "release": release}

    async def cross_validate(self, text, *, folds):
        return {"text": text, "folds": folds}


def application(inbox, desk=None, channels=(), extra_routes=(), jwt=None, workshop=None, **options):
    """The whole web application, as the program puts it together."""
    desk, metrics, workshop = desk or FakeDesk(), Metrics(), workshop or FakeWorkshop()
    api, conversations = HttpApi(desk, metrics, workshop), ConversationsApi(desk, inbox)
    parts = (api, conversations, AgentsApi(desk, inbox), WorkshopApi(workshop))
    closed = [route for part in parts for route in part.closed_routes()]
    return web_application(
        open_routes=[*api.open_routes(), *(route for channel in channels for route in channel.routes())],
        own_routes=conversations.own_routes(),
        closed_routes=[*closed, *extra_routes],
        access=Access(tokens=(TOKEN,), jwt=jwt),
        metrics=metrics,
        **options,
    )


@dataclass
class FakePlatform:
    """A server that writes down each call and answers with the next of ``answers``, else with success."""

    calls: list = field(default_factory=list)
    answers: deque = field(default_factory=deque)
    declined: set = field(default_factory=set)

    def application(self):
        app = web.Application()
        app.router.add_post("/{path:.*}", self._handle)
        return app

    async def _handle(self, request):
        self.calls.append((request.match_info["path"], await request.json()))
        if self.answers and (answer := self.answers.popleft()) is not None:
            self.declined.add(len(self.calls) - 1)
            return await answer(request) if callable(answer) else web.json_response(answer[1], status=answer[0])
        if request.path.endswith("/getMe"):
            me = {"id": 123456, "is_bot": True, "first_name": "Shop", "username": "ShopBot"}
            return web.json_response({"ok": True, "result": me})
        return web.json_response({"ok": True, "result": {"message_id": len(self.calls)}})

"""The socket on the real mailbox, worker and log: broken off at random, a client misses and repeats nothing."""

import asyncio
import random

import pytest
from aiohttp import ClientWebSocketResponse, web
from aiohttp.test_utils import TestClient, TestServer
from delivery_parts import CountingEngine, delivery

from bot.channels.web.routes import routes
from bot.channels.web.settings import WebSettings
from bot.delivery.settings import DeliverySettings, RateLimit, Retention
from bot.delivery.store import Store
from bot.messages import Inbox

FREELY = RateLimit(per_s=1e6, burst=10_000)
SETTINGS = DeliverySettings(
    lease_s=5.0, limits={"connect": FREELY, "message": FREELY}, retention=Retention(log_frames=100)
)
HELLO = {"type": "hello", "conversation": None, "token": None, "last": 0}


def serving(inbox: Inbox) -> TestClient:
    app = web.Application()
    app.add_routes(routes(inbox, WebSettings(secret=b"a secret of the test", allowed_origins=("*",))))
    return TestClient(TestServer(app))


async def connect(client: TestClient, hello: dict) -> tuple[ClientWebSocketResponse, dict]:
    socket = await client.ws_connect("/ws")
    await socket.send_json(hello)
    welcome = await socket.receive_json(timeout=5)
    return socket, welcome


def message(number: int) -> dict:
    return {"type": "message", "id": f"message-{number}", "text": f"{number}"}


@pytest.fixture
async def open_store(url: str):
    store = Store(url, SETTINGS)
    await store.open()
    yield store
    await store.close()


async def test_a_broken_line_loses_and_repeats_nothing(open_store: Store) -> None:
    chance = random.Random(7)
    shown, hello = [], dict(HELLO)
    async with delivery(open_store, CountingEngine()) as parts, serving(parts.hub) as client, asyncio.timeout(60):
        for number in range(40):
            acknowledged = False
            while not acknowledged or len(shown) < 2 * (number + 1):
                socket, welcome = await connect(client, hello)
                hello |= {"conversation": welcome["conversation"], "token": welcome["token"]}
                if not acknowledged:
                    await socket.send_json(message(number))
                for _ in range(chance.randint(0, 6)):
                    if acknowledged and len(shown) >= 2 * (number + 1):
                        break
                    frame = await socket.receive_json(timeout=5)
                    acknowledged |= frame["type"] == "ack"
                    if "seq" in frame:
                        assert frame["seq"] == hello["last"] + 1
                        hello["last"] = frame["seq"]
                        shown.append(frame.get("text") or frame["html"])
                socket._response.connection.transport.abort()
    said, answered = [t for t in shown if not t.startswith("<")], [t for t in shown if t.startswith("<")]
    assert said == [str(number) for number in range(40)]
    assert answered == [f"<p>{number + 1}:{number}</p>" for number in range(40)]


async def test_a_trimmed_log_is_shown_from_where_it_begins(open_store: Store) -> None:
    async with delivery(open_store, CountingEngine()) as parts, serving(parts.hub) as client:
        socket, welcome = await connect(client, HELLO)
        for number in range(150):
            await socket.send_json(message(number))
            last = 0
            while last < 2 * (number + 1):
                last = (await socket.receive_json(timeout=5)).get("seq", last)
        hello = HELLO | {"conversation": welcome["conversation"], "token": welcome["token"]}
        again, welcome = await connect(client, hello)
        assert (welcome["reset"], welcome["last"]) == (True, 300)
        first = await again.receive_json(timeout=5)
        numbers = [first["seq"]]
        while numbers[-1] < 300:
            numbers.append((await again.receive_json(timeout=5))["seq"])
        assert first["seq"] > 1
        assert numbers == list(range(first["seq"], 301))

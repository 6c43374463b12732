"""Socket.io over two replicas and a real store: whichever takes the message, the socket gets the answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import socketio
from aiohttp import web
from aiohttp.test_utils import TestServer
from delivery_parts import delivery, message

from bot.channels.metrics import Metrics
from bot.channels.registry import configure
from bot.delivery.hub import Hub
from bot.delivery.settings import RateLimit
from bot.delivery.store import Store


@asynccontextmanager
async def front(hub: Hub) -> AsyncIterator[TestServer]:
    """The channel of one replica."""
    channels = configure({"socketio": {"session_persistence": True}}, inbox=hub, metrics=Metrics()).all
    app = web.Application()
    app.add_routes(route for channel in channels for route in channel.routes())
    async with TestServer(app) as server:
        yield server
        await channels[-1].stop()


@asynccontextmanager
async def widget(server: TestServer) -> AsyncIterator[tuple[socketio.AsyncClient, "asyncio.Queue[Any]"]]:
    shown: asyncio.Queue[Any] = asyncio.Queue()
    confirmed = asyncio.Event()
    async with aiohttp.ClientSession() as http:
        client = socketio.AsyncClient(http_session=http, reconnection=False)

        async def show(payload: Any) -> None:
            await shown.put(payload["text"])

        async def confirm(_: str) -> None:
            confirmed.set()

        client.on("bot_uttered", show)
        client.on("session_confirm", confirm)
        await client.connect(str(server.make_url("/")), transports=["websocket"])
        await client.emit("session_request", {"session_id": "anna"})
        await asyncio.wait_for(confirmed.wait(), 5)
        yield client, shown
        await client.disconnect()


async def test_answers_find_the_socket(store: Store) -> None:
    limits = {name: RateLimit(per_s=100, burst=100) for name in ("connect", "message")}
    store.settings = replace(store.settings, limits=limits)
    async with delivery(store) as one, delivery(store) as other, front(one.hub) as here, front(other.hub) as there:
        async with widget(here) as (client, shown):
            for number in range(1, 11):
                await client.emit("user_uttered", {"message": f"m{number}", "session_id": "anna"})
            assert [await asyncio.wait_for(shown.get(), 10) for _ in range(10)] == [
                f"{number}:m{number}" for number in range(1, 11)
            ]
            async with asyncio.timeout(5):
                while await store.read_mark("anna") != 20:
                    await asyncio.sleep(0.02)
        # While nobody watches, something speaks to the customer; the next socket is on the other replica.
        await one.hub.ask(message("away", channel="socketio"), timeout_s=10)
        async with widget(there) as (client, shown):
            assert await asyncio.wait_for(shown.get(), 10) == "11:away"
            await one.hub.ask(message("aside", channel="rest"), timeout_s=10)  # answered there, and there alone
            assert await client.call("user_uttered", {"message": "back", "session_id": "anna"}) is not None
            assert await asyncio.wait_for(shown.get(), 10) == "13:back"

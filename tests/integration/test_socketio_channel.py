"""Rasa's socket.io channel, driven by python-socketio's own client over real connections."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress

import aiohttp
import jwt
import pytest
import socketio
from aiohttp.test_utils import TestServer
from channel_fakes import application
from web_inbox import FakeInbox

from bot.channels.metrics import Metrics
from bot.channels.registry import configure
from bot.channels.socketio import channel as channel_module
from bot.errors import CredentialsError, StoreUnavailable
from bot.messages import Button

SECRET = "a secret of the tests, long enough"


@pytest.fixture
def inbox():
    return FakeInbox()


@asynccontextmanager
async def serving(inbox, *, origins=(), metrics=None, **section):
    channels = configure({"socketio": section}, inbox=inbox, metrics=metrics or Metrics(), origins=origins).all
    app = application(inbox, channels=channels, cors_origins=origins)
    live = channels[-1]
    app.on_shutdown.append(live.hang_up)

    async def stop(_):
        await live.stop()

    app.on_cleanup.append(stop)
    async with TestServer(app) as server:
        yield server


class Widget:
    """A client as widgets are: it asks for a session, says things and keeps what it is shown."""

    def __init__(self, server, *, namespace="/", event="bot_uttered", path="socket.io"):
        self.server, self.namespace, self.path = server, namespace, path
        self.http = aiohttp.ClientSession()
        self.client = socketio.AsyncClient(reconnection=False, http_session=self.http)
        self.shown, self.confirmed = asyncio.Queue(), asyncio.Queue()
        self.client.on(event, self._shown, namespace=namespace)
        self.client.on("session_confirm", self.confirmed.put, namespace=namespace)

    async def _shown(self, payload):
        await self.shown.put(payload)

    async def connect(self, *, transports=("websocket",), auth=None, headers=None):
        try:
            await self.client.connect(
                str(self.server.make_url("/")),
                transports=list(transports),
                auth=auth,
                headers=headers or {},
                namespaces=[self.namespace],
                socketio_path=self.path,
                wait_timeout=5,
            )
        except socketio.exceptions.ConnectionError:
            await self.http.close()
            raise
        return self

    async def session(self, data):
        await self.client.emit("session_request", data, namespace=self.namespace)
        return await asyncio.wait_for(self.confirmed.get(), 5)

    async def say(self, text, session_id=None, *, event="user_uttered", **more):
        data = {"message": text, **({"session_id": session_id} if session_id else {}), **more}
        return await self.client.call(event, data, namespace=self.namespace, timeout=15)

    async def reads(self):
        return await asyncio.wait_for(self.shown.get(), 5)

    async def gone(self):
        """Leave. A client that polls would wait for its last answer."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.client.disconnect(), 1)
        await self.http.close()


@asynccontextmanager
async def widget(server, *, session=None, **options):
    made = {key: options.pop(key) for key in ("namespace", "event", "path") if key in options}
    one = await Widget(server, **made).connect(**options)
    if session is not None:
        await one.session(session)
    try:
        yield one
    finally:
        await one.gone()


async def heard(inbox):
    return await asyncio.wait_for(inbox.heard.get(), 5)


async def settled(check):
    async with asyncio.timeout(5):
        while not check():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("transports", [("websocket",), ("polling",), ("polling", "websocket")])
async def test_without_persistence_the_socket_is_the_conversation(inbox, transports):
    async with serving(inbox) as server, widget(server, transports=transports) as one:
        assert len(await one.session(None)) == 32
        assert await one.session({"session_id": "mine"}) == "mine"
        answer = await one.say("你好" * 3000, metadata={"page": "/cart"}, message_id="m1")
        inbound = await heard(inbox)
        assert (answer["status"], answer["message_id"], inbound.event_id) == ("queued", "m1", "m1")
        assert inbound.conversation_id == one.client.get_sid()
        assert (inbound.text, inbound.channel, inbound.metadata) == ("你好" * 3000, "socketio", {"page": "/cart"})
        inbox.reply(inbound.conversation_id, "Hello")
        assert await one.reads() == {"text": "Hello"}
        assert (await one.say("again", message_id="m1"))["status"] == "dup"
        async with widget(server) as other:
            await other.say("hi")
            assert (await heard(inbox)).conversation_id != inbound.conversation_id
            inbox.reply(inbound.conversation_id, "for the first")
            assert await one.reads() == {"text": "for the first"}
            assert other.shown.empty()


async def test_with_persistence_a_session_is_the_conversation(inbox):
    async with (
        serving(inbox, session_persistence=True) as server,
        widget(server, session={"session_id": "s1"}) as one,
        widget(server, session={"session_id": "s1"}) as tab,
    ):
        await one.say("hi", "s1")
        assert (await heard(inbox)).conversation_id == "s1"
        inbox.reply("s1", "Hello", author="agent")
        assert await one.reads() == await tab.reads() == {"text": "Hello"}
        assert (await one.say("lost"))["status"] == "refused"
        assert (await one.say("lost", 7))["status"] == "refused"
        assert inbox.heard.empty()


async def test_a_message_to_a_session_that_was_not_asked_for_is_answered_there(inbox):
    async with serving(inbox, session_persistence=True) as server, widget(server) as one:
        await one.say("hi", "s1")
        await heard(inbox)
        inbox.reply("s1", "Hello")
        assert await one.reads() == {"text": "Hello"}


async def test_a_client_that_comes_back_gets_what_it_missed_and_nothing_twice(inbox):
    async with serving(inbox, session_persistence=True) as server:
        async with widget(server, session={"session_id": "s1"}) as one:
            inbox.reply("s1", "one")
            assert await one.reads() == {"text": "one"}
            await settled(lambda: inbox.marks.get("s1") == 1)  # proved by the heartbeat that follows it
        inbox.reply("s1", "two")
        inbox.reply("s1", "three")
        async with widget(server, session={"session_id": "s1"}) as one:
            assert [await one.reads() for _ in range(2)] == [{"text": "two"}, {"text": "three"}]
            await settled(lambda: inbox.marks["s1"] == 3)
        async with widget(server, session={"session_id": "s1"}) as one:
            await asyncio.sleep(0.2)
            assert one.shown.empty()


async def test_what_did_not_arrive_is_said_again(inbox):
    """The network dies without a word: the reply was written to a socket that nobody reads."""
    async with serving(inbox, session_persistence=True) as server:
        address = server.make_url("/socket.io/").with_query(EIO="4", transport="websocket")
        async with aiohttp.ClientSession() as http, http.ws_connect(address) as raw:
            await raw.receive_str()
            await raw.send_str("40")
            await raw.receive_str()
            await raw.send_str('42["session_request",{"session_id":"s1"}]')
            assert "session_confirm" in await raw.receive_str()
            inbox.reply("s1", "lost on the way")
            await settled(lambda: len(inbox.live["s1"]) == 1)
            await asyncio.sleep(0.2)  # written; no PONG comes, since this client never answers one
            assert inbox.marks["s1"] == 0
            async with widget(server, session={"session_id": "s1"}) as one:
                assert await one.reads() == {"text": "lost on the way"}


async def test_a_session_tells_nothing_of_a_conversation_that_was_held_elsewhere(inbox):
    inbox.reply("anna", "your card number is 1234")
    async with serving(inbox, session_persistence=True) as server:
        async with widget(server, session={"session_id": "anna", "after": 0}) as one:
            inbox.reply("anna", "new")
            assert (await one.reads())["text"] == "new"
        async with widget(server) as one:
            for foreign in ("telegram:7", "web-0123", "", "x" * 201, 7, None, "a\nb"):
                assert len(await one.session({"session_id": foreign})) == 32
            assert (await one.say("hi", "telegram:7"))["status"] == "refused"


async def test_a_socket_reads_nothing_of_what_is_answered_elsewhere(inbox):
    """Names that callers of REST choose can be guessed."""
    async with serving(inbox, session_persistence=True) as server:
        async with widget(server, session={"session_id": "anna", "after": 0}) as one:
            inbox.reply("anna", "your card number is 1234", channel="rest")
            inbox.reply("anna", "for you")
            assert await one.reads() == {"text": "for you", "seq": 2, "id": "anna/2/0/0"}
        async with widget(server, session={"session_id": "anna", "after": 0}) as one:
            assert (await one.reads())["text"] == "for you"


async def test_a_client_may_ask_for_numbers(inbox):
    async with serving(inbox, session_persistence=True) as server:
        async with widget(server, session={"session_id": "s1"}):
            pass
        replies = [inbox.reply("s1", text) for text in ("one", "two\n\nthree")]
        async with widget(server, session={"session_id": "s1", "after": 0}) as one:
            shown = [await one.reads() for _ in range(3)]
            assert shown == [
                {"text": "one", "seq": 1, "id": f"{replies[0].id}/0"},
                {"text": "two", "seq": 2, "id": f"{replies[1].id}/0"},
                {"text": "three", "seq": 2, "id": f"{replies[1].id}/1"},
            ]
        async with widget(server, session={"session_id": "s1", "after": 1}) as one:
            assert (await one.reads())["seq"] == 2


async def test_every_kind_of_answer(inbox):
    async with serving(inbox, session_persistence=True) as server, widget(server, session={"session_id": "s"}) as one:
        card = {"title": "A", "buttons": []}
        inbox.reply("s", "Which?\n\nOne of:", buttons=(Button(title="A", payload="/a"),))
        inbox.reply("s", image="https://a/b.png", attachment={"type": "video"}, elements=(card,))
        inbox.reply("s", custom={"data": {"rating": 5}})
        inbox.reply("s", custom={"rating": 5, "room": "another"})
        assert [await one.reads() for _ in range(7)] == [
            {"text": "Which?", "quick_replies": []},
            {"text": "One of:", "quick_replies": [{"content_type": "text", "title": "A", "payload": "/a"}]},
            {"attachment": {"type": "image", "payload": {"src": "https://a/b.png"}}},
            {"attachment": {"type": "video"}},
            {"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": card}}},
            {"rating": 5},
            {"rating": 5, "room": "another"},
        ]


async def test_other_names(inbox):
    names = {"user_message_evt": "say", "bot_message_evt": "said", "namespace": "shop", "metadata_key": "customData"}
    async with (
        serving(inbox, socketio_path="/chat", **names) as server,
        widget(server, namespace="/shop", event="said", path="chat") as one,
    ):
        await one.say("hi", event="say", customData='{"language": "zh"}', metadata={"not": "this"})
        inbound = await heard(inbox)
        assert inbound.metadata == {"language": "zh"}
        inbox.reply(inbound.conversation_id, "Hello")
        assert await one.reads() == {"text": "Hello"}


def token(key=SECRET, method="HS256", **claims):
    return jwt.encode(claims, key, method)


@pytest.mark.parametrize(
    ("auth", "let_in"),
    [
        ({"token": token()}, True),
        ({"token": f"Bearer {token()}"}, True),
        ({"token": token(exp=1)}, False),
        ({"token": token(key="another secret of the tests, long enough")}, False),
        ({"token": jwt.encode({}, None, "none")}, False),
        ({"token": ["a"]}, False),
        ({}, False),
        (None, False),
    ],
)
async def test_who_may_connect(inbox, auth, let_in):
    async with serving(inbox, jwt_key=SECRET) as server:
        one = Widget(server)
        if let_in:
            await one.connect(auth=auth)
            assert (await one.say("hi"))["status"] == "queued"
            await one.gone()
        else:
            with pytest.raises(socketio.exceptions.ConnectionError):
                await one.connect(auth=auth)
            assert inbox.heard.empty()


@pytest.mark.parametrize("transports", [("websocket",), ("polling",)])
async def test_pages_of_other_sites(inbox, transports):
    async with serving(inbox, origins=("https://shop.example",)) as server:
        for origin, let_in in (
            ("https://shop.example", True),
            (str(server.make_url("/")).rstrip("/"), True),
            ("https://shop.example.evil", False),
            ("null", False),
        ):
            one = Widget(server)
            if let_in:
                await one.connect(transports=transports, headers={"Origin": origin})
                await one.gone()
            else:
                with pytest.raises(socketio.exceptions.ConnectionError):
                    await one.connect(transports=transports, headers={"Origin": origin})


async def test_limits(inbox, monkeypatch):
    monkeypatch.setattr(channel_module, "PATIENCE_S", 0.5)
    async with serving(inbox) as server, widget(server) as one:
        inbox.empty.add("message")
        slow = asyncio.create_task(one.say("too fast", message_id="m1"))
        await asyncio.sleep(0.2)
        inbox.empty.discard("message")
        assert (await slow)["status"] == "queued"  # it waited its turn
        inbox.empty.add("message")
        assert (await one.say("much too fast"))["status"] == "busy"
        assert (await one.reads())["text"].startswith("Sorry")
        inbox.empty.add("connect")
        with pytest.raises(socketio.exceptions.ConnectionError):
            await Widget(server).connect()


async def test_a_socket_does_not_pass_the_limit_by_ever_new_sessions(inbox):
    async with serving(inbox, session_persistence=True) as server, widget(server) as one:
        said = [(await one.say("hi", f"s{number}"))["status"] for number in range(channel_module.MAX_SESSIONS + 2)]
        assert said == ["queued"] * channel_module.MAX_SESSIONS + ["refused"] * 2
        assert (await one.say("hi again", "s0"))["status"] == "queued"
        assert inbox.heard.qsize() == channel_module.MAX_SESSIONS + 1


async def test_a_message_that_cannot_be_stored_is_not_lost_in_silence(inbox, monkeypatch):
    monkeypatch.setattr(channel_module, "PATIENCE_S", 0.5)
    async with serving(inbox) as server, widget(server) as one:
        inbox.error = StoreUnavailable("down")
        assert (await one.say("hi"))["status"] == "busy"
        assert (await one.reads())["text"].startswith("Sorry")
        inbox.error, inbox.verdict = None, "busy"
        assert (await one.say("hi"))["status"] == "busy"


BAD = [
    "42" + json.dumps(["user_uttered", data])
    for data in (
        None,
        7,
        "text",
        [],
        {"message": 7},
        {"message": "a", "metadata": "{"},
        {"message": "a", "metadata": 3},
    )
] + [
    '42["user_uttered",{"message":NaN}]',
    '42["user_uttered",{"message":"a","message_id":""}]',
    '42["user_uttered"]',
    '42["user_uttered",1,2,3]',
    '42["nothing",{}]',
    "42[",
    "42",
    "4",
    "9",
    '451-["user_uttered",{"_placeholder":true,"num":0}]',
    "42" + "[" * 20_000,
    '42["user_uttered",' + "[" * 500 + "]" * 500 + "]",
    "41/other,",
]


@pytest.mark.parametrize("packet", BAD)
async def test_what_no_client_should_send(inbox, packet, caplog):
    """Nothing is queued, nobody else notices, and no word of it is logged."""
    async with serving(inbox) as server, widget(server) as other:
        address = server.make_url("/socket.io/").with_query(EIO="4", transport="websocket")
        async with aiohttp.ClientSession() as http, http.ws_connect(address) as raw:
            await raw.receive_str()
            await raw.send_str("40")
            await raw.receive_str()
            await raw.send_str(packet)
            assert (await other.say("hi"))["status"] == "queued"
        assert (await heard(inbox)).text == "hi"
        assert inbox.heard.empty()
    assert "user_uttered" not in caplog.text


async def test_half_an_emoji_is_replaced(inbox):
    async with serving(inbox) as server, widget(server) as one:
        await one.say("ok \ud83d")
        assert (await heard(inbox)).text == "ok \ufffd"


async def test_too_large(inbox):
    async with serving(inbox) as server:
        address = server.make_url("/socket.io/").with_query(EIO="4", transport="websocket")
        async with aiohttp.ClientSession() as http, http.ws_connect(address) as raw:
            await raw.receive_str()
            await raw.send_str("40")
            await raw.receive_str()
            await raw.send_str("42" + json.dumps(["user_uttered", {"message": "x" * 70_000}]))
            assert (await raw.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        async with aiohttp.ClientSession() as http:
            opened = await (await http.get(server.make_url("/socket.io/?EIO=4&transport=polling"))).text()
            sid = json.loads(opened[1:])["sid"]
            at = server.make_url(f"/socket.io/?EIO=4&transport=polling&sid={sid}")
            async with http.post(at, data="4" + "x" * 70_000) as answer:
                assert answer.status == 413
    assert inbox.heard.empty()


async def test_a_long_text_by_polling_arrives_whole(inbox):
    """Bodies come in pieces over a slow line."""
    async with serving(inbox) as server, aiohttp.ClientSession() as http:
        opened = await (await http.get(server.make_url("/socket.io/?EIO=4&transport=polling"))).text()
        at = server.make_url(f"/socket.io/?EIO=4&transport=polling&sid={json.loads(opened[1:])['sid']}")
        await (await http.post(at, data="40")).text()
        body = ("42" + json.dumps(["user_uttered", {"message": "好" * 4000}], ensure_ascii=False)).encode()

        async def slowly():
            for start in range(0, len(body), 1500):
                yield body[start : start + 1500]
                await asyncio.sleep(0.01)

        async with http.post(at, data=slowly(), headers={"Content-Length": str(len(body))}) as answer:
            assert answer.status == 200
        assert (await heard(inbox)).text == "好" * 4000


async def test_a_server_that_stops_waits_for_no_socket(inbox):
    async with asyncio.timeout(10):
        async with serving(inbox, session_persistence=True) as server:
            sockets = [await Widget(server).connect(transports=[kind]) for kind in ("websocket", "polling")]
            for one in sockets:
                await one.session({"session_id": "s1"})
        for one in sockets:
            await settled(lambda one=one: not one.client.connected)
            await one.http.close()


async def test_sockets_are_counted(inbox):
    metrics = Metrics()

    def open_now():
        return b"kefu_websocket_connections 1.0" in metrics.render()

    async with serving(inbox, metrics=metrics, session_persistence=True) as server:
        async with widget(server, session={"session_id": "s1"}):
            assert open_now()
            assert len(inbox.live["s1"]) == 1
        await settled(lambda: not open_now())
        await settled(lambda: not inbox.live["s1"])


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"sesion_persistence": True}, "did you mean 'session_persistence'"),
        ({"session_persistence": "perhaps"}, "true or false"),
        ({"user_message_evt": 7}, "must be a text"),
        ({"socketio_path": "/"}, "no path of its own"),
        ({"jwt_key": "x" * 32, "jwt_method": "none"}, "no method that can be trusted"),
        ({"jwt_key": "x" * 32, "jwt_method": "RS256"}, "needs a public key in PEM"),
    ],
)
def test_settings_that_cannot_be_used(inbox, section, words):
    with pytest.raises(CredentialsError, match=words):
        configure({"socketio": section}, inbox=inbox, metrics=Metrics())


async def test_health(inbox):
    async with (
        serving(inbox) as server,
        aiohttp.ClientSession() as http,
        http.get(server.make_url("/webhooks/socketio/")) as answer,
    ):
        assert await answer.json() == {"status": "ok"}

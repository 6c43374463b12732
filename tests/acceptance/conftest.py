"""What acceptance tests share."""

import pytest_asyncio
from browser_parts import ARGS, CHROMIUM
from playwright.async_api import async_playwright


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser():
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        await browser.close()

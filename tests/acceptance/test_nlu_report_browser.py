"""The report on understanding in a real browser: it draws, sorts and filters, in light, in dark and on a phone."""

import pytest
from browser_parts import IN_A_BROWSER, opened
from playwright.async_api import expect

from nlu.data import IntentScore
from training.evaluate_nlu import Judged, quality
from training.nlu_page import write
from training.nlu_report import nlu_page
from training.nlu_suspects import Doubts

pytestmark = IN_A_BROWSER


def judged(gold, best, confidence):
    ranking = (IntentScore(name=best, confidence=confidence),)
    text = f"我要 {gold} <img src=x onerror=alert(1)>"
    return Judged(text=text, gold=gold, ranking=ranking, answered=best, annotated=frozenset(), found=frozenset())


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    intents = [f"intent_number_{place}" for place in range(20)]
    rows = [judged(intent, intent, 0.05 * place + 0.02) for place, intent in enumerate(intents) for _ in range(place)]
    rows += [judged(intents[1], intents[place], 0.5) for place in range(2, 6)]
    rows += [judged("out_of_scope", intents[3], 0.2)]
    page = nlu_page(
        rows,
        title="Understanding of shop",
        facts={"examples": "9"},
        figures={**quality(rows), "threshold": 0.4},
        doubts=Doubts(suspects=(), overlaps=(), judge="nobody"),
    )
    return write(page, tmp_path_factory.mktemp("results")).as_uri()


async def names(page):
    return await page.locator("#intents tbody tr:visible td:first-child").all_text_contents()


async def test_headings_sort_and_the_field_filters(browser, address):
    page = await opened(browser, address)
    await page.get_by_role("button", name="messages").click()
    supports = await page.locator("#intents tbody td:nth-child(2)").all_text_contents()
    assert supports == sorted(supports, key=int)
    await page.get_by_role("button", name="messages").click()
    assert (await names(page))[0] == "intent_number_19"
    await page.get_by_role("button", name="intent", exact=True).click()
    assert (await names(page))[:3] == ["intent_number_1", "intent_number_2", "intent_number_3"]  # 2 before 10
    await page.get_by_label("Filter intents").fill("NUMBER_7")
    assert await names(page) == ["intent_number_7"]
    assert page.faults == []


async def test_pictures_show_what_was_judged(browser, address):
    page = await opened(browser, address)
    await expect(page.get_by_role("img")).to_have_count(2)
    await expect(page.locator("svg circle")).to_have_count(19)  # a dot for each bar of the histogram
    await expect(page.locator(".matrix td").filter(has_text="1").first).to_be_visible()
    await expect(page.get_by_text("我要 intent_number_1 <img src=x onerror=alert(1)>").first).to_be_visible()
    assert page.faults == []


@pytest.mark.parametrize("width", [1200, 380])
async def test_dark_follows_the_system_and_nothing_sticks_out(browser, address, width):
    page = await opened(browser, address, color_scheme="dark", viewport={"width": width, "height": 800})
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 29)"
    assert await page.evaluate("document.documentElement.scrollWidth") <= width

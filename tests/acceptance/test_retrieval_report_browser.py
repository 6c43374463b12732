"""The report on search in a real browser: it draws, sorts and filters, in light, in dark and on a phone."""

import pytest
from browser_parts import IN_A_BROWSER, opened
from playwright.async_api import expect

from retrieval.index import Hit
from retrieval.knowledge import SearchOutcome
from retrieval.passages import Passage
from training.evaluate_retrieval import JudgedQuery, LabelledQuery
from training.retrieval_page import write
from training.retrieval_report import retrieval_report

pytestmark = IN_A_BROWSER

PAGES = [
    Passage(id=f"{place}", document=f"billing/invoices/page_{place}.md", title="T", text="退款 " * 99, language="zh")
    for place in range(20)
]


def judged(place, rank, probability):
    found = PAGES[place], PAGES[(place + 7) % 20]
    hits = tuple(Hit(passage=passage, score=0, dense=0, lexical=0) for passage in (found if rank == 1 else found[::-1]))
    relevant = frozenset({PAGES[place].document}) if rank else frozenset()
    query = LabelledQuery(
        text=f"我要 {place} <img src=x onerror=alert(1)>", relevant=relevant, kind=f"kind {place % 3}"
    )
    outcome = SearchOutcome(hits=hits, probability=probability, answer_at=0.45, draft_at=0.25)
    return JudgedQuery(query=query, outcome=outcome, rank=rank)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    rows = [judged(place, 1 + place % 2, 0.05 * place + 0.01) for place in range(20)]
    rows += [judged(place, 2, 0.9) for place in range(0, 8, 2)] + [
        judged(place, 0, 0.03 * place) for place in range(20)
    ]
    report = retrieval_report(rows, PAGES, title="Search in shop", facts={"queries": "44"})
    return write(report, tmp_path_factory.mktemp("results")).as_uri()


async def test_tables_sort_and_the_fields_filter(browser, address):
    page = await opened(browser, address)
    column = page.locator("#failures tbody tr:visible td:last-child")
    shown = [float(text) for text in await column.all_text_contents()]
    assert shown == sorted(shown, reverse=True)
    await page.locator("#failures").get_by_role("button", name="probability").click()
    assert [float(text) for text in await column.all_text_contents()] == sorted(shown)
    await page.get_by_label("Filter queries").fill("我要 13")
    await expect(page.locator("#failures tbody tr:visible")).to_have_count(1)
    await page.get_by_label("Filter documents").fill("page_7.md")
    await expect(page.locator("#pages tbody tr:visible")).to_have_count(1)
    assert page.faults == []


async def test_the_picture_shows_each_group(browser, address):
    page = await opened(browser, address)
    await expect(page.get_by_role("img")).to_have_count(1)
    for label in ("answerable, the right page first", "answerable, another page first", "unanswerable"):
        await expect(page.locator("svg text.strong").get_by_text(label, exact=True)).to_be_visible()
    await expect(page.locator("svg").get_by_text("answer 0.45")).to_be_visible()
    await expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()
    assert page.faults == []


@pytest.mark.parametrize("width", [1200, 380])
async def test_dark_follows_the_system_and_nothing_sticks_out(browser, address, width):
    page = await opened(browser, address, color_scheme="dark", viewport={"width": width, "height": 800})
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 29)"
    assert await page.evaluate("document.documentElement.scrollWidth") <= width

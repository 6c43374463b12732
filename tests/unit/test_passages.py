"""Documents into passages."""

from dataclasses import replace

import pytest

from retrieval.documents import Block, Document, FaqEntry, Link, Section
from retrieval.passages import PASSAGE_CHARS, sentences, split_documents


def page(*sections: Section, path: str = "a.md", title: str = "Title", links: tuple[Link, ...] = ()) -> Document:
    return Document(path=path, title=title, language="en", url=f"/{path}", sections=sections, links=links)


def text(*blocks: str, heading: str = "") -> Section:
    return Section(
        headings=(heading,) if heading else (), anchor=heading, blocks=tuple(Block(text=part) for part in blocks)
    )


def test_sections_become_passages_with_their_place() -> None:
    menu = Section(headings=("Related",), blocks=(Block(text="- x"),), navigation=True)
    lead, body = split_documents([page(text("lead"), text("body", heading="how"), menu)])
    assert (lead.text, lead.headings, lead.url) == ("lead", (), "/a.md")
    assert (body.text, body.headings, body.url) == ("body", ("how",), "/a.md#how")


def test_a_page_of_links_alone_is_still_found() -> None:
    menu = Section(headings=("Related",), blocks=(Block(text="- Sizes"),), navigation=True)
    empty = Section(headings=("Find a shop",))
    (passage,) = split_documents([page(empty, menu, title="Find a shop")])
    assert (passage.title, passage.headings, passage.text) == ("Find a shop", ("Related",), "- Sizes")


def test_long_sections_are_split_with_overlap() -> None:
    blocks = [f"Step {number} says " + f"word{number} " * 55 + "." for number in range(8)]
    small = "A short bridge sentence."
    passages = split_documents([page(text(*blocks[:2], small, *blocks[2:]))])
    assert len(passages) > 2
    assert all(len(passage.text) <= PASSAGE_CHARS for passage in passages)
    assert sum(small in passage.text for passage in passages) == 2  # it ends one passage and begins the next
    assert all(any(block in passage.text for passage in passages) for block in blocks)


@pytest.mark.parametrize("leading", ["Do this now, please:", "请按以下步骤操作：", "Do this now. " * 20 + "Thus:"])
def test_what_leads_into_a_block_goes_with_it(leading: str) -> None:
    before, after = " ".join(["One."] * 150), " ".join(["Two."] * 110)
    first, second = split_documents([page(text(before, leading, after))])
    assert (first.text, second.text) == (before, f"{leading}\n\n{after}")


def test_one_endless_block_is_cut_and_nothing_is_lost() -> None:
    chinese = "".join(f"第{number}条规定说明了如何办理退货手续。" for number in range(120))
    unbroken = "".join(f"{number}x" for number in range(700))
    passages = split_documents([page(text(chinese)), page(text(unbroken), path="b.md")])
    assert "".join(p.text for p in passages if p.document == "a.md").replace("\n", "") == chinese
    assert "".join(p.text for p in passages if p.document == "b.md") == unbroken
    assert max(len(p.text) for p in passages if p.document == "a.md") <= PASSAGE_CHARS / 2


def test_long_blocks_keep_their_spaces_and_words() -> None:
    spoken = " ".join(f"“We’ll refund order {number}. The money comes back. C’est là." for number in range(40))
    endless = " ".join(f"ordinary words without any end mark {number}" for number in range(60))
    passages = split_documents([page(text(spoken)), page(text(endless), path="b.md")])
    for path, whole in (("a.md", spoken), ("b.md", endless)):
        parts = [passage.text for passage in passages if passage.document == path]
        assert len(parts) > 2
        assert " ".join(parts) == whole


def test_ids_depend_on_content_and_place_only() -> None:
    before = split_documents([page(text("one"), text("two", heading="h"))])
    after = split_documents([page(text("new", heading="n"), text("one"), text("two", heading="h"))])
    assert {p.id for p in before} < {p.id for p in after}
    assert split_documents([page(text("one"), path="b.md")])[0].id not in {p.id for p in before}


def test_faq_pair() -> None:
    entry = FaqEntry(question="How long?", answer="Three **days**.", paraphrases=("when",), category="shipping")
    (passage,) = split_documents([Document(path="f.csv", title="f", language="en", entries=(entry,))])
    assert (passage.question, passage.answer, passage.aliases) == ("How long?", "Three **days**.", ("when",))
    assert passage.title == "How long?"
    assert passage.metadata["category"] == "shipping"


def test_near_duplicates_merge() -> None:
    words = " ".join(f"word{number}" for number in range(60))
    one, other = page(text(words)), page(text(words + " extra"), path="b.md", title="Other name")
    (merged,) = split_documents([one, other])
    assert (merged.document, merged.also_in, merged.aliases) == ("a.md", ("b.md",), ("Other name",))
    different = page(text(words.replace("word1", "thing")), path="c.md")
    assert len(split_documents([one, different])) == 2


FILLER = " ".join(f"w{chr(97 + number // 10)}{chr(97 + number % 10)}" for number in range(90))
CHINESE = "签收后请登录账户进入订单页面点击申请售后按钮填写原因并上传商品照片然后等待客服审核通过再寄回仓库" * 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{FILLER} within 30 days", f"{FILLER} within 14 days"),
        (f"{FILLER} within 30 days", f"{FILLER} within 30 or 14 days"),
        (f"{FILLER} for £3", f"{FILLER} for €3"),
        (f"{FILLER} at 18 degrees", f"{FILLER} at -18 degrees"),
        (f"{FILLER} to Germany", f"{FILLER} to Canada"),
        (f"{FILLER} we take it back", f"{FILLER} we never take it back"),
        (f"{FILLER} you can return it", f"{FILLER} only you can return it"),
        (f"{FILLER} from Basic to Pro", f"{FILLER} from Pro to Basic"),
        (f"{CHINESE}7天内退货", f"{CHINESE}15天内退货"),
        (f"{CHINESE}十天内退货", f"{CHINESE}三十天内退货"),
        (f"{CHINESE}可退货", f"{CHINESE}不可退货"),
        ("Возврат в течение тридцати дней", "Доставка бесплатная по всей стране"),  # no Latin word in it
        ("환불은 칠 일 안에", "배송은 무료입니다"),
        ("👍👍", "🙏"),
    ],
)
def test_another_answer_is_not_merged(one: str, other: str) -> None:
    assert len(split_documents([page(text(one)), page(text(other), path="b.md")])) == 2


def test_what_a_title_names_is_not_merged() -> None:
    words = f"{FILLER} returns to our shop"
    general = page(text(words), title="Returns")
    canada = page(text(words + " Canada"), path="b.md", title="Returns from Canada")
    assert len(split_documents([general, canada])) == 2
    assert len(split_documents([general, replace(canada, title="Returns elsewhere")])) == 1


def test_pages_for_others_are_not_merged() -> None:
    customers = replace(page(text(FILLER)), metadata={"audience": "customers"})
    partners = replace(page(text(FILLER), path="b.md"), metadata={"audience": "partners"})
    assert len(split_documents([customers, partners])) == 2
    assert len(split_documents([customers, replace(customers, path="c.md")])) == 1
    assert len(split_documents([customers, replace(customers, path="c.md", language="fr")])) == 2


def test_pages_of_one_template_are_compared_with_few_others() -> None:
    names = [f"{first}{last}o" for first in "bdfgklmnprstvz" for last in ("ana", "eri", "isto", "ulm", "ove", "yn")]
    pages = [page(text(f"{FILLER} the {name}"), path=f"{name}.md") for name in names]
    passages = split_documents([*pages, *(replace(one, path=f"copy/{one.path}") for one in pages)])
    assert [(passage.document, passage.also_in) for passage in passages] == [
        (one.path, (f"copy/{one.path}",)) for one in pages
    ]


def test_links_of_other_pages_name_a_page() -> None:
    target = page(text("body"), path="help/returns.md", title="Returns")
    links = (Link(target="../help/returns.md", text="send it back"), Link(target="/help/returns.md#x", text="Returns"))
    source = page(text("see"), path="other/b.md", links=links)
    passages = {passage.document: passage for passage in split_documents([target, source])}
    assert passages["help/returns.md"].aliases == ("send it back",)


def test_links_of_fetched_pages_are_relative_to_their_address() -> None:
    target = replace(page(text("body"), path="x.example/help/b.html"), url="https://x.example/help/b")
    source = page(text("see"), path="x.example/help/a.html", links=(Link(target="b", text="send it back"),))
    passages = split_documents([target, replace(source, url="https://x.example/help/a")])
    assert {passage.document: passage.aliases for passage in passages}[target.path] == ("send it back",)


@pytest.mark.parametrize(
    "target",
    [
        "http://[your-domain]/contact",  # no address at all
        "https://shop.example：8080/contact",  # a full-width colon
        "https://elsewhere.example/contact",  # another host's page of that name
        "mailto:contact",
        "#contact",
        "",
    ],
)
def test_links_that_name_no_page_of_ours(target: str) -> None:
    home = replace(page(text("home"), path="x.example/index.html", title="Home"), url="https://x.example/")
    contact = replace(page(text("write"), path="x.example/contact.html", title="Us"), url="https://x.example/contact")
    top = Link(target=target, text="click here")
    away = replace(page(text("see"), path="x.example/a.html", links=(top,)), url="https://x.example/a")
    local = page(text("look"), path="contact", links=(top,))
    assert not any(passage.aliases for passage in split_documents([home, contact, away, local]))


def test_a_page_whose_own_address_is_none_is_a_page_all_the_same() -> None:
    odd = replace(page(text("odd"), path="odd.md", links=(Link(target="b.md", text="that"),)), url="https://[x/a")
    passages = split_documents([odd, page(text("body"), path="b.md")])
    assert [(passage.text, passage.aliases) for passage in passages] == [("odd", ()), ("body", ("that",))]


def test_a_home_page_is_named_by_what_links_to_it() -> None:
    home = replace(page(text("home"), path="x.example/index.html", title="Home"), url="https://x.example/")
    links = tuple(Link(target=target, text=target) for target in ("/", "https://x.example", "https://paypal.example"))
    away = replace(page(text("see"), path="x.example/a.html", links=links), url="https://x.example/a")
    assert split_documents([home, away])[0].aliases == ("/", "https://x.example")


def test_sentences() -> None:
    assert sentences("It costs 3.50 now. Really? Yes!\nNext") == ["It costs 3.50 now.", "Really?", "Yes!", "Next"]
    assert sentences("三天到货。运费多少？免费！") == ["三天到货。", "运费多少？", "免费！"]

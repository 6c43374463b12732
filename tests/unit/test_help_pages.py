"""Help pages and FAQ files into documents."""

from pathlib import Path

import pytest

from retrieval.documents import FaultyFile, questions_and_headings
from retrieval.faq import parse_faq_csv, parse_faq_yaml
from retrieval.ingest import FILE_LIMIT_BYTES, read_folder
from retrieval.markdown import parse_markdown, slug

PAGE = """---
title: Return an item
permalink: /help/returns/
date: 2026-03-01
audience: shoppers
---

{% include notice.html %}
You have **30 days**.
{: .lead}

## How to return {#how}

1. Open [your orders](/orders).
   * Pick the item.
2. Print the label.

| Country | Days |
|---------|------|
| Spain   | 5    |
| Japan   | 14   |

```
{{ kept in code }}
```

## Related articles

* [Refunds](/help/refunds/)
* [Exchanges](/help/exchanges/)
"""


def test_page_with_everything() -> None:
    page, faults = parse_markdown("returns.md", PAGE)
    assert faults == ()
    assert (page.title, page.url, page.date, page.language) == ("Return an item", "/help/returns/", "2026-03-01", "en")
    assert page.metadata == {"audience": "shoppers"}
    lead, how, related = page.sections
    assert [block.text for block in lead.blocks] == ["You have 30 days."]
    assert (how.headings, how.anchor) == (("How to return",), "how")
    assert [(block.kind, block.text) for block in how.blocks] == [
        ("item", "1. Open your orders.\n   - Pick the item."),
        ("item", "2. Print the label."),
        ("row", "Country: Spain; Days: 5"),
        ("row", "Country: Japan; Days: 14"),
        ("code", "{{ kept in code }}"),
    ]
    assert related.navigation
    assert not how.navigation
    assert ("/help/refunds/", "Refunds") in [(link.target, link.text) for link in page.links]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("**警告：**请勿分享。**注意。**谢谢", "警告：请勿分享。注意。谢谢"),
        ("**Warning:** do not share `a**b**c`", "Warning: do not share a**b**c"),
        ("SET REPLICA *** and 2 ** 3", "SET REPLICA *** and 2 ** 3"),
    ],
)
def test_bold_is_read_without_its_marks(written: str, read: str) -> None:
    (section,) = parse_markdown("a.md", written)[0].sections
    assert [block.text for block in section.blocks] == [read]


LISTED = """---
title: Accepted cards
do_list:
  - "**Visa** and Mastercard"
  - {logo: amex.png}
  - 银联卡
dont_list: [Cheques]
unused: [Nothing that is shown]
note: Plain
---
## We take

{% include icon-list.html items=page.do_list size='md' %} and {%- render "x", items: page.dont_list -%}

{% if page.unused %}Ask us.{% endif %} {{ page.note }} {{ page.missing }}
"""


def test_lists_of_the_front_matter_stand_where_they_are_put_in() -> None:
    (section,) = parse_markdown("cards.md", LISTED)[0].sections
    shown = ["and", "- Visa and Mastercard", "- 银联卡", "- Cheques", "Ask us."]
    assert [block.text for block in section.blocks] == shown


@pytest.mark.parametrize(
    ("text", "title", "headings"),
    [
        ("# 退货\n\n说明。\n\n## 期限\n\n三十天。", "退货", [(), ("期限",)]),  # the first heading is the title
        ("hello there", "my page", [()]),  # neither front matter nor heading: the file's name
        ("---\ntitle: T\n---\n# A\n\nx\n\n### B\n\ny", "T", [("A",), ("A", "B")]),  # a level left out
        ("\n\n---\n\nplain", "my page", [()]),  # a rule is no front matter
    ],
)
def test_titles_and_heading_paths(text: str, title: str, headings: list[tuple[str, ...]]) -> None:
    page, _ = parse_markdown("my-page.md", text)
    assert page.title == title
    assert [section.headings for section in page.sections] == headings


def test_raw_heading_is_as_written() -> None:
    page, _ = parse_markdown("a.md", "## [PITR](/br.md) 和 `flashback` 有什么区别?\n\n有。")
    section = page.sections[0]
    assert section.raw_heading == "[PITR](/br.md) 和 `flashback` 有什么区别?"
    assert section.headings == ("PITR 和 flashback 有什么区别?",)
    assert page.language == "zh"


def test_html_leaves_its_words() -> None:
    page, _ = parse_markdown(
        "a.md", "<div class='x'>\n<p>Call <b>us</b> &amp; wait</p>\n</div>\n\n<!-- hidden -->\n\none<br>two"
    )
    assert [block.text for section in page.sections for block in section.blocks] == ["Call us & wait", "one\ntwo"]


def test_slug() -> None:
    assert slug("How do I — really — pay?") == "how-do-i-really-pay"
    assert slug("怎么 退款？") == "怎么-退款"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\ntitle: [a\n---\nx", 2),  # broken YAML, at the line that YAML names
        ("---\n- a\n---\nx", 2),  # a list
        ("---\ntitle: x\n---\n\n", 1),  # nothing below
    ],
)
def test_bad_page_names_its_line(text: str, line: int) -> None:
    with pytest.raises(FaultyFile) as caught:
        parse_markdown("a.md", text)
    assert caught.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        "question,answer,url\nHow long?,Three days.,/ship\n",
        "Answer;Question;Link\nThree days.;How long?;/ship\n",  # another order, delimiter and case
        "\n问题\t答案\t链接\nHow long?\tThree days.\t/ship\n".lstrip(),
        "question|answer|url|notes\nHow long?|Three days.|/ship|ignored\n",
    ],
)
def test_faq_columns_by_name(text: str) -> None:
    document, faults = parse_faq_csv("shipping.csv", text)
    assert faults == ()
    (entry,) = document.entries
    assert (entry.question, entry.answer, entry.url) == ("How long?", "Three days.", "/ship")


def test_faq_rows_without_a_half_are_reported() -> None:
    text = 'question,answer,paraphrases\n"a, quoted\nquestion",yes,one|two\nalone,\n,alone\n'
    document, faults = parse_faq_csv("f.csv", text)
    assert [entry.question for entry in document.entries] == ["a, quoted\nquestion"]
    assert document.entries[0].paraphrases == ("one", "two")
    assert [(fault.line, fault.problem) for fault in faults] == [
        (4, "a question without an answer"),
        (5, "an answer without a question"),
    ]


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "", "question,answer\n,\n", "question,answer\n"])
def test_faq_without_pairs_is_faulty(text: str) -> None:
    with pytest.raises(FaultyFile):
        parse_faq_csv("f.csv", text)


def test_faq_yaml() -> None:
    text = """
- question: 多久到货？
  answer: 三天。
  questions: [几天能到, 什么时候送到]
  category: 物流
- answer: nobody asked
"""
    document, faults = parse_faq_yaml("faq.yml", text)
    (entry,) = document.entries
    assert (entry.question, entry.paraphrases, entry.category) == ("多久到货？", ("几天能到", "什么时候送到"), "物流")
    assert document.language == "zh"
    assert [str(fault) for fault in faults] == ["faq.yml:0: entry 2: an answer without a question; fill both in"]


@pytest.mark.parametrize("text", ["just words", "a: 1", "- [", "- question: x\n"])
def test_bad_faq_yaml(text: str) -> None:
    with pytest.raises(FaultyFile):
        parse_faq_yaml("faq.yml", text)


def test_folder_reports_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "good.md").write_text("# Good\n\ntext", "utf-8")
    (tmp_path / "bom.csv").write_bytes("\ufeffquestion,answer\nq,a\n".encode())
    (tmp_path / "latin.md").write_bytes(b"# ok\n\ncaf\xe9")
    (tmp_path / "huge.md").write_bytes(b"x" * (FILE_LIMIT_BYTES + 1))
    (tmp_path / "nul.md").write_bytes(b"a\nb\0")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / ".hidden.md").write_text("secret", "utf-8")
    outside = tmp_path.parent / f"{tmp_path.name}-outside.md"
    outside.write_text("outside", "utf-8")
    (tmp_path / "link.md").symlink_to(outside)
    reading = read_folder(tmp_path)
    assert [document.path for document in reading.documents] == ["bom.csv", "sub/good.md"]
    assert [(fault.path, fault.line) for fault in reading.faults] == [("huge.md", 0), ("latin.md", 3), ("nul.md", 2)]
    assert reading.ignored == ("picture.png",)
    assert questions_and_headings(reading.documents) == ("bom", "q", "Good")


def test_missing_folder_is_a_fault(tmp_path: Path) -> None:
    reading = read_folder(tmp_path / "nowhere")
    assert reading.documents == ()
    assert len(reading.faults) == 1

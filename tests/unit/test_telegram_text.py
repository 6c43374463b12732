"""Markdown as Telegram's HTML, and how long texts are cut."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram_text import Span, Tag, plain, read_markdown, split, to_html, units

ALLOWED = {"b", "i", "s", "a", "code", "pre", "blockquote"}

GOLDEN = [
    ("Hello", "Hello"),
    ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
    ("**bold** *it* ~~gone~~ `x<y`", "<b>bold</b> <i>it</i> <s>gone</s> <code>x&lt;y</code>"),
    ("**您好** 👋", "<b>您好</b> 👋"),
    ("# Title\ntext", "<b>Title</b>\n\ntext"),
    ("one\ntwo", "one\ntwo"),
    ("- a\n- b\n  - c", "• a\n• b\n  • c"),
    ("3. c\n4. d", "3. c\n4. d"),
    ("> said\n>\n> more\n\nafter", "<blockquote>said\n\nmore</blockquote>\n\nafter"),
    ("```py\nx = 1 < 2\n```", "<pre>x = 1 &lt; 2</pre>"),
    ("[shop](https://e.example/?a=1&b=2)", '<a href="https://e.example/?a=1&amp;b=2">shop</a>'),
    ("[mail](mailto:a@b.example)", '<a href="mailto:a@b.example">mail</a>'),
    # addresses that must not be links
    ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
    ("[x](tg://user?id=1)", "x"),
    ("[x](/relative)", "x"),
    # HTML is text
    ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
    ('<a href="https://evil">x</a>', '&lt;a href="https://evil"&gt;x&lt;/a&gt;'),
    # code holds no other tags, as Telegram wants it
    ("**see `x`**", "<b>see </b><code>x</code>"),
    ("![a cat](https://e/cat.png)", '<a href="https://e/cat.png">a cat</a>'),
    ("", ""),
]


@pytest.mark.parametrize(("markdown", "html"), GOLDEN)
def test_golden(markdown, html):
    assert to_html(read_markdown(markdown)) == html


class Checker(HTMLParser):
    """Fails on a tag that Telegram does not know or that is not closed in order; collects the text."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED
        assert [name for name, _ in attrs] == (["href"] if tag == "a" else [])
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def checked(html):
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert not checker.open
    return checker.text


MARKDOWN = st.text(alphabet=st.sampled_from("ab *_`~[]()<>&!#->\n1. 你好。👨\u200d👩😀é\u0301http://e"), max_size=120)


@given(MARKDOWN)
def test_html_is_whole_and_says_the_same(markdown):
    spans = read_markdown(markdown)
    assert checked(to_html(spans)) == plain(spans)


@given(MARKDOWN, st.integers(2, 40))
def test_parts_fit_are_whole_and_lose_nothing(markdown, limit):
    spans = read_markdown(markdown)
    parts = split(spans, limit)
    for part in parts:
        assert 0 < units(plain(part)) <= limit
        assert checked(to_html(part)) == plain(part)
    without_space = re.compile(r"\s+")
    assert without_space.sub("", "".join(map(plain, parts))) == without_space.sub("", plain(spans))


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("First one. Second one.", 14, ["First one.", "Second one."]),
        ("第一句话。第二句话。", 8, ["第一句话。", "第二句话。"]),
        ("One\n\nTwo three", 9, ["One", "Two three"]),
        ("a b\nc d e", 8, ["a b", "c d e"]),
        ("word another", 8, ["word", "another"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),  # nothing to cut at
        ("😀😀😀", 4, ["😀😀", "😀"]),  # an emoji counts as two
        ("😀😀😀", 5, ["😀😀", "😀"]),  # and is not cut in half
        ("xx👨\u200d👩\u200d👧", 9, ["xx", "👨\u200d👩\u200d👧"]),  # a family stays together
        ("xe\u0301", 2, ["x", "e\u0301"]),  # so does a letter with its accent
    ],
)
def test_where_it_is_cut(text, limit, parts):
    assert [plain(part) for part in split([Span(text=text)], limit)] == parts


def test_a_cut_inside_a_tag_closes_and_opens_it():
    parts = split([Span(text="one two", tags=(Tag(name="b"),))], 4)
    assert [to_html(part) for part in parts] == ["<b>one</b>", "<b>two</b>"]


def test_a_message_of_the_full_length_is_one_part():
    assert len(split([Span(text="啊" * 4096)], 4096)) == 1
    assert len(split([Span(text="😀" * 2049)], 4096)) == 2

"""Markdown of answers: what it looks like, and that nothing hostile comes through."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.web.markdown import to_html

LINK = 'target="_blank" rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Hello", "<p>Hello</p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),  # a chat keeps line breaks
        ("**bold** _soft_ ~~old~~", "<p><strong>bold</strong> <em>soft</em> <s>old</s></p>"),
        ("## Returns", "<p><strong>Returns</strong></p>"),
        ("Total\n---", "<p>Total<br>\n---</p>"),  # no title out of a dashed line
        ("    four spaces", "<p>four spaces</p>"),  # no code block out of indented YAML
        ("3. three\n4. four", '<ol start="3">\n<li>three</li>\n<li>four</li>\n</ol>'),
        ("[help](https://shop.example/help)", f'<p><a href="https://shop.example/help" {LINK}>help</a></p>'),
        ("<mailto:a@shop.example>", f'<p><a href="mailto:a@shop.example" {LINK}>mailto:a@shop.example</a></p>'),
        ("![tea](https://x.example/t.png)", f'<p><a href="https://x.example/t.png" {LINK}>tea</a></p>'),
        ("您可以**在线退货**", "<p>您可以<strong>在线退货</strong></p>"),
        ("1 < 2 & 3 > 2", "<p>1 &lt; 2 &amp; 3 &gt; 2</p>"),
        ("`<b>`", "<p><code>&lt;b&gt;</code></p>"),
        ("", ""),
    ],
)
def test_renders(text, html):
    assert to_html(text) == html


def test_renders_a_table():
    html = to_html("| a | b |\n|---|--:|\n| 1 | 2 |")
    assert "<th>a</th>" in html
    assert "<td>2</td>" in html
    assert "style" not in html


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("See https://shop.example/a?b=1&c=2.", "https://shop.example/a?b=1&amp;c=2"),  # the full stop stays text
        ("(https://shop.example/a)", "https://shop.example/a"),
        ("请看 https://shop.example/退货 说明", "https://shop.example/"),  # ASCII ends where Chinese begins
        ("请看https://shop.example/help。谢谢", "https://shop.example/help"),
        ("HTTPS://SHOP.EXAMPLE/X", "HTTPS://SHOP.EXAMPLE/X"),
    ],
)
def test_links_a_bare_address(text, url):
    assert re.findall(r'href="([^"]*)"', to_html(text)) == [url]


def test_an_address_inside_a_link_stays_one_link():
    html = to_html("[see https://evil.example](https://shop.example)")
    assert re.findall(r'href="([^"]*)"', html) == ["https://shop.example"]


HOSTILE = [
    "<script>alert(1)</script>",
    "<ScRiPt/x>alert(1)</sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "<javascript:alert(1)>",
    "[x](//evil.example/a)",
    "[x](/relative)",
    "![x](javascript:alert(1))",
    '![x](https://evil.example/?q="onerror="alert(1))',
    '[x](https://a.example "title" onmouseover="alert(1)")',
    '[x](https://a.example/"onmouseover="alert(1))',
    "https://a.example/'onmouseover='alert(1)",
    "<style>@import 'https://evil.example'</style>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<form action=https://evil.example><input name=p></form>",
    "<base href=https://evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "```html\n<script>alert(1)</script>\n```",
    "| <img src=x onerror=alert(1)> |\n|---|\n| <script>x</script> |",
]
ALLOWED = {
    *("p", "br", "strong", "em", "s", "ul", "ol", "li", "a", "code", "pre", "blockquote"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


class Checker(HTMLParser):
    """Fails on the first tag, attribute or address that is not on the list."""

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED
        for name, value in attrs:
            match tag, name:
                case ("a", "href"):
                    assert re.match(r"(https?://|mailto:)", value, re.IGNORECASE)
                case ("a", "target" | "rel") | ("ol", "start"):
                    pass
                case _:
                    raise AssertionError((tag, name))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_out_harmless(text):
    Checker().feed(to_html(text))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([*HOSTILE, "[", "](", ")", "<", ">", "\n", "`", "|", "&#x3c;", "用户", '"', "*"]), max_size=8
    )
)
def test_any_mixture_comes_out_harmless(parts):
    Checker().feed(to_html("".join(parts)))

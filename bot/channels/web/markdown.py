"""An answer's Markdown to HTML that is safe to show. markdown-it-py renders it, nh3 lets the allow-list through.

No raw HTML, no images (a remote image tells its server who reads what), no relative links.
"""

import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_TAGS = {
    *("p", "br", "strong", "em", "s", "ul", "ol", "li", "a", "code", "pre", "blockquote"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={"script", "style"},
    attributes={"a": {"href"}, "ol": {"start"}},
    set_tag_attribute_values={"a": {"target": "_blank"}},
    link_rel="noopener noreferrer nofollow",
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
)
# ASCII only, so that a link ends where Chinese text goes on; the last character is no punctuation of the sentence.
_BARE_URL = re.compile(r"https?://[\w.~:/?#\[\]@!$&'()*+,;=%-]*[\w/#=&%~-]", re.ASCII | re.IGNORECASE)


def to_html(text: str) -> str:
    """Safe HTML of a Markdown text. A single newline is a line break, as in every chat."""
    return _CLEANER.clean(str(_MARKDOWN.render(text))).strip()


def _link_bare_urls(state: StateCore) -> None:
    """Core rule: turn ``https://...`` in plain text into links, but not inside a link."""
    for block in state.tokens:
        if block.children:
            block.children = list(_linked(block.children))


def _linked(tokens: Sequence[Token]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth += token.nesting if token.type in {"link_open", "link_close"} else 0
        if token.type == "text" and depth == 0:
            yield from _split(token)
        else:
            yield token


def _split(token: Token) -> Iterator[Token]:
    end = 0
    for match in _BARE_URL.finditer(token.content):
        yield Token("text", "", 0, content=token.content[end : match.start()])
        yield Token("link_open", "a", 1, attrs={"href": match[0]})
        yield Token("text", "", 0, content=match[0])
        yield Token("link_close", "a", -1)
        end = match.end()
    yield Token("text", "", 0, content=token.content[end:])


def _image_as_link(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    token = tokens[index]
    url = nh3.clean_text(str(token.attrs["src"]))
    return f'<a href="{url}">{nh3.clean_text(token.content or str(token.attrs["src"]))}</a>'


def _heading_open(*_: Any) -> str:
    return "<p><strong>"


def _heading_close(*_: Any) -> str:
    return "</strong></p>"


def _build() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True})
    markdown.enable(["table", "strikethrough"])
    # Answers come out of indented YAML: four spaces are no program code, and a dashed line makes no title.
    markdown.disable(["code", "lheading", "hr"])
    markdown.core.ruler.push("bare_urls", _link_bare_urls)
    markdown.add_render_rule("image", _image_as_link)
    markdown.add_render_rule("heading_open", _heading_open)
    markdown.add_render_rule("heading_close", _heading_close)
    return markdown


_MARKDOWN = _build()

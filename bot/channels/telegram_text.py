"""Markdown as Telegram shows it: a few HTML tags, cut into parts that fit. Pure.

Text is first read into spans (words with the tags around them), cut there, and only then written as HTML, so that
every part is whole. Lengths are counted as Telegram counts them: in UTF-16 units, without the tags.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import takewhile

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
_LINK = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_TAGS = {"strong": "b", "em": "i", "s": "s"}
_BOUNDARIES = (
    re.compile(r"\n\n+"),  # a paragraph
    re.compile(r"\n"),  # a line
    re.compile(r"(?<=[。！？；…])|(?<=[.!?;])\s+"),  # a sentence
    re.compile(r"\s+|(?<=[，、：])"),  # a word
)
_JOINER = "\u200d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """An HTML tag of Telegram's; ``attribute`` is written as it stands."""

    name: str
    attribute: str = ""

    def __str__(self) -> str:
        return f"<{self.name}{self.attribute}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Text inside tags, the outermost first."""

    text: str
    tags: tuple[Tag, ...] = ()


def units(text: str) -> int:
    """Length in UTF-16 units: most emoji count as two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def read_markdown(text: str) -> list[Span]:
    """Read Markdown into spans. HTML in it is text; a link that is not http, mailto or tel is its words alone."""
    reader = _Reader()
    for token in _MARKDOWN.parse(text):
        reader.block(token)
    return _stripped(reader.spans)


def plain(spans: Iterable[Span]) -> str:
    """The words alone."""
    return "".join(span.text for span in spans)


def to_html(spans: Iterable[Span]) -> str:
    """Write spans as HTML; tags that go on over several spans are written once."""
    out: list[str] = []
    standing: tuple[Tag, ...] = ()
    for span in [*spans, Span(text="")]:
        pairs = zip(standing, span.tags, strict=False)
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        out += [f"</{tag.name}>" for tag in reversed(standing[common:])]
        out += [str(tag) for tag in span.tags[common:]]
        out.append(escape(span.text, quote=False))
        standing = span.tags
    return "".join(out)


def split(spans: Sequence[Span], limit_units: int) -> list[list[Span]]:
    """Cut into parts that fit, at the end of a paragraph, line, sentence or word as far as one is near."""
    text, start, parts = plain(spans), 0, []
    while start < len(text):
        end = start + _cut(text[start:], limit_units)
        if part := _stripped(_slice(spans, start, end)):
            parts.append(part)
        start = end
    return parts


def _cut(text: str, limit_units: int) -> int:
    """How many characters to take, at least one."""
    fits = _fits(text, limit_units)
    if fits == len(text):
        return fits
    for boundary in _BOUNDARIES:
        ends = [match.end() for match in boundary.finditer(text, 0, fits) if match.end() >= fits // 2]
        if ends and ends[-1] > 0:
            return ends[-1]
    whole = next((at for at in range(fits, max(fits - 16, 0), -1) if not _joined(text, at)), fits)
    return max(whole, 1)


def _fits(text: str, limit_units: int) -> int:
    head = text[:limit_units]
    while (over := units(head) - limit_units) > 0:
        head = head[: -max(over // 2, 1)]
    return len(head)


def _joined(text: str, at: int) -> bool:
    """Whether the characters around a place make one sign (an accent, an emoji of several)."""
    before, after = text[at - 1], text[at]
    modifier = "\U0001f3fb" <= after <= "\U0001f3ff"
    flag = all("\U0001f1e6" <= char <= "\U0001f1ff" for char in (before, after))
    return unicodedata.category(after).startswith("M") or _JOINER in (before, after) or modifier or flag


def _slice(spans: Iterable[Span], start: int, end: int) -> list[Span]:
    out, at = [], 0
    for span in spans:
        text = span.text[max(start - at, 0) : max(end - at, 0)]
        at += len(span.text)
        if text:
            out.append(replace(span, text=text))
    return out


def _stripped(spans: Sequence[Span]) -> list[Span]:
    """Without white space at both ends; none at all if nothing else is there."""
    text = plain(spans)
    end = len(text.rstrip())
    return _slice(spans, len(text) - len(text.lstrip()), end) if end else []


class _Reader:
    """Collects spans while markdown-it's tokens pass by. ``None`` among the tags: one that is not shown."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._tags: list[Tag | None] = []
        self._lists: list[int | None] = []  # the next number of each open list, None for bullets
        self._fresh = True  # nothing was written since the last gap

    def block(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                self._gap("\n\n")
                self._tags.append(Tag(name="b"))
            case "blockquote_open":
                self._gap("\n\n")
                quote = Tag(name="blockquote")
                self._tags.append(None if quote in self._tags else quote)
            case "heading_close" | "blockquote_close":
                self._tags.pop()
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                start = token.attrGet("start")
                self._lists.append(1 if start is None else int(start))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case _:
                self._content(token)

    def _content(self, token: Token) -> None:
        match token.type:
            case "list_item_open":
                self._item()
            case "paragraph_open":
                self._gap("\n" if self._lists else "\n\n")
            case "fence" | "code_block":
                self._gap("\n\n")
                self._write(token.content.rstrip("\n"), only=Tag(name="pre"))
            case "hr":
                self._gap("\n\n")
                self._write("———")
            case "inline":
                for child in token.children or []:
                    self._inline(child)

    def _inline(self, token: Token) -> None:
        match token.type:
            case "text":
                self._write(token.content)
            case "softbreak" | "hardbreak":
                self._write("\n")
            case "code_inline":
                self._write(token.content, only=Tag(name="code"))
            case "strong_open" | "em_open" | "s_open":
                self._tags.append(Tag(name=_TAGS[token.type.removesuffix("_open")]))
            case "link_open":
                self._tags.append(link(str(token.attrGet("href") or "")))
            case "strong_close" | "em_close" | "s_close" | "link_close":
                self._tags.pop()
            case "image":
                self._tags.append(link(str(token.attrGet("src") or "")))
                self._write(token.content or "🖼")
                self._tags.pop()

    def _item(self) -> None:
        self._gap("\n")
        number = self._lists[-1]
        if number is not None:
            self._lists[-1] = number + 1
        self._write("  " * (len(self._lists) - 1) + ("• " if number is None else f"{number}. "))
        self._fresh = True

    def _gap(self, gap: str) -> None:
        if not self._fresh:
            self._write(gap)
        self._fresh = True

    def _write(self, text: str, *, only: Tag | None = None) -> None:
        """Add text inside the open tags; Telegram allows code no others around it."""
        if text:
            tags = tuple(tag for tag in self._tags if tag is not None) if only is None else (only,)
            self.spans.append(Span(text=text, tags=tags))
            self._fresh = False


def link(url: str) -> Tag | None:
    """The tag of a link, None for an address that must not be one."""
    return Tag(name="a", attribute=f' href="{escape(url)}"') if _LINK.match(url) else None

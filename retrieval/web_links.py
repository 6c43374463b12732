"""The addresses that a page or a sitemap leads to. Text in, addresses out: no network, no rules about which to take."""

import html
import mimetypes
import re
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser

from yarl import URL

SITEMAP_LIMIT_BYTES = 50_000_000
"""What a packed sitemap may unpack to, as the protocol has it."""

_NO_DOCUMENTS = ("image/", "audio/", "video/", "font/", "text/css", "text/javascript", "application/zip")
_SITEMAP = re.compile(rb"<(?:urlset|sitemapindex)[\s>]")
_LOCATION = re.compile(r"<loc>\s*(?:<!\[CDATA\[)?\s*([^<\]]*)", re.IGNORECASE)


def sitemap_addresses(body: bytes) -> list[URL]:
    """The addresses that a sitemap, or a list of sitemaps, holds; none if it is neither."""
    if body[:2] == b"\x1f\x8b":
        try:
            body = zlib.decompressobj(31).decompress(body, SITEMAP_LIMIT_BYTES)
        except zlib.error:
            return []
    if not _SITEMAP.search(body[:2000]):
        return []
    return list(_addresses(_LOCATION.findall(body.decode("utf-8", "replace")), None))


def _addresses(targets: list[str], base: URL | None) -> Iterator[URL]:
    for target in targets:
        try:
            url = URL(html.unescape(target).strip())
            whole = (base.join(url) if base else url).with_fragment(None)
        except ValueError:
            continue
        guess = mimetypes.guess_type(whole.path)[0] or ""
        if whole.scheme in ("http", "https") and whole.host and not guess.startswith(_NO_DOCUMENTS):
            yield whole


def page_links(url: URL, body: bytes) -> list[URL]:
    """Where the links of an HTML page at ``url`` lead, in order; not to what is plainly no document."""
    reader = _LinkReader()
    reader.feed(body.decode("utf-8", "replace"))
    base = next(_addresses([reader.base], url), url) if reader.base else url
    return list(_addresses(reader.targets, base))


class _LinkReader(HTMLParser):
    """Where the links of a page lead, menus included; those that ask not to be followed are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link or the base."""
        values = dict(attrs)
        target = values.get("href") or ""
        if tag == "a" and target and "nofollow" not in (values.get("rel") or ""):
            self.targets.append(target)
        elif tag == "base":
            self.base = target

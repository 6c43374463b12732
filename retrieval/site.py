"""The documents of a web address: one document, the pages that a sitemap lists, or a site below a folder of its host.

An address that ends in ``/`` is a site: links are followed within its host and below its path. Another one is a single
document, or a sitemap, which shows in its content. ``robots.txt`` is honoured, limits are kept, and what is unchanged
since the last visit is not sent again.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.robotparser import RobotFileParser

from yarl import URL

from retrieval.documents import Fault
from retrieval.guarded_http import AGENT, Answer, FetchError, GuardedHttp
from retrieval.ingest import FILE_LIMIT_BYTES, PACKED_LIMIT_BYTES, READABLE
from retrieval.provenance import Origin
from retrieval.web_links import page_links, sitemap_addresses

KINDS: Mapping[str, str] = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "application/json": ".json",
    "application/yaml": ".yml",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
_ROBOTS_LIMIT_BYTES = 500_000
_CHARSET = re.compile(r"charset=[\"']?([\w-]+)", re.IGNORECASE)
_ENCODINGS = {
    **dict.fromkeys(("gb2312", "gb_2312-80", "gbk", "x-gbk"), "gb18030"),
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin1", "latin-1", "ascii", "us-ascii"), "cp1252"),
}
"""What browsers read for these names, since pages are written by what browsers read (WHATWG Encoding Standard)."""

_LONGEST_DELAY_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a visit goes. ``pages`` counts requests."""

    pages: int = 1000
    depth: int = 5
    size_bytes: int = 500_000_000
    time_s: float = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What an earlier visit fetched, and the ending of its file."""

    origin: Origin
    suffix: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A document that was there. ``body`` is None if it is unchanged since the last visit."""

    place: str
    suffix: str
    body: bytes | None
    etag: str | None
    modified: str | None


@dataclass(slots=True)
class Visit:
    """How a visit went. ``places``: of the documents that were there; ``gone``: addresses that the server says are no
    more; ``complete``: nothing was missed."""

    places: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    complete: bool = True

    def fault(self, place: str, problem: str, remedy: str) -> None:
        """Note what could not be had."""
        self.faults.append(Fault(path=place, line=0, problem=problem, remedy=remedy))


async def visit(
    start: URL,
    http: GuardedHttp,
    *,
    stored: Callable[[str], Stored | None],
    keep: Callable[[Page], None],
    limits: Limits,
) -> Visit:
    """Fetch what an address stands for, and ``keep`` each document as it comes.

    ``stored`` has what was fetched before, where it is still as it was.
    """
    start, found = start.with_fragment(None), Visit()
    robots = await _robots(start, http, found)
    if robots is not None:
        await _Visitor(start=start, http=http, robots=robots, stored=stored, keep=keep, limits=limits, found=found).go()
    return found


class _Visitor:
    """Breadth first from ``start``, one request at a time."""

    def __init__(
        self,
        *,
        start: URL,
        http: GuardedHttp,
        robots: RobotFileParser,
        stored: Callable[[str], Stored | None],
        keep: Callable[[Page], None],
        limits: Limits,
        found: Visit,
    ) -> None:
        self._start, self._http, self._robots = start, http, robots
        self._stored, self._keep, self._limits, self._found = stored, keep, limits, found
        self._waiting = deque([(start, limits.depth if start.path.endswith("/") else 0)])
        self._seen = {start}
        self._roots = {start}  # without one of these, nothing is known of the pages that it leads to
        self._requests = self._size_bytes = 0

    async def go(self) -> None:
        """Fill what was found."""
        delay_s = min(float(self._robots.crawl_delay(AGENT) or 0), _LONGEST_DELAY_S)
        until = time.monotonic() + self._limits.time_s
        forbidden = 0
        while self._waiting and not self._is_over(until):
            url, depth = self._waiting.popleft()
            if not self._robots.can_fetch(AGENT, str(url)):
                forbidden += 1
                self._miss(url)
                continue
            await asyncio.sleep(delay_s if self._requests else 0)
            await self._fetch(url, depth)
        if forbidden:
            closed = f"robots.txt closes {forbidden} of its addresses"
            self._found.fault(str(self._start), closed, "ask the site's owner to allow Kefu")

    def _is_over(self, until: float) -> bool:
        limits = self._limits
        if self._requests < limits.pages and self._size_bytes <= limits.size_bytes and time.monotonic() < until:
            return False
        self._found.complete = False
        done = f"a limit is reached after {self._requests} pages and {self._size_bytes} bytes"
        problem = f"{done}; {len(self._waiting)} addresses are left"
        self._found.fault(str(self._start), problem, "name parts of the site, or raise --pages")
        return True

    async def _fetch(self, url: URL, depth: int) -> None:
        self._requests += 1
        before = self._stored(str(url))
        try:
            answer = await self._http.get(url, limit_bytes=PACKED_LIMIT_BYTES, headers=_conditions(before))
        except FetchError as error:
            self._found.fault(str(url), error.problem, error.remedy)
            if error.status in (404, 410):
                self._found.gone.add(str(url))
                self._miss(url)
            else:
                self._found.complete = False
            return
        self._size_bytes += len(answer.body)
        unchanged = before if answer.status == 304 else None
        body = unchanged.body if unchanged else answer.body
        if listed := sitemap_addresses(body):
            self._take_list(url, listed)
            return
        suffix = unchanged.suffix if unchanged else _suffix(answer)
        if suffix is None:
            self._miss(url)
            if url in self._roots:
                self._found.fault(str(url), "a kind that cannot be read", "name a page or a document")
            return
        self._found.places.add(str(url))
        self._keep(_page(url, suffix, answer, unchanged))
        if depth > 0 and suffix == ".html" and len(body) <= FILE_LIMIT_BYTES:
            links = page_links(answer.url, body)
            self._wait([link for link in links if link.path.startswith(self._start.path)], depth - 1)

    def _miss(self, url: URL) -> None:
        """Note that an address brought nothing; of a root's pages nothing is known then."""
        if url in self._roots:
            self._found.complete = False

    def _take_list(self, url: URL, listed: Sequence[URL]) -> None:
        self._roots.update(link for link in listed if link.path.endswith((".xml", ".xml.gz")))
        self._wait(listed, 0)
        others = sum(not _same_host(link, self._start) for link in listed)
        if others:
            problem = f"{others} addresses of other hosts are left out"
            self._found.fault(str(url), problem, "name them, if you want them")

    def _wait(self, links: Sequence[URL], depth: int) -> None:
        for link in links:
            if link not in self._seen and _same_host(link, self._start):
                self._seen.add(link)
                self._waiting.append((link, depth))


async def _robots(start: URL, http: GuardedHttp, found: Visit) -> RobotFileParser | None:
    """The host's rules (RFC 9309): none where it has no such file; None, and all is closed, where it cannot tell."""
    rules = RobotFileParser()
    try:
        answer = await http.get(start.origin() / "robots.txt", limit_bytes=_ROBOTS_LIMIT_BYTES)
        rules.parse(answer.body.decode("utf-8-sig", "replace").splitlines())
    except FetchError as error:
        if error.status is None or error.status >= 500:
            found.complete = False
            found.fault(str(start), f"its robots.txt cannot be had: {error.problem}", error.remedy)
            return None
        rules.parse([])
    except ValueError:  # an address without a host
        found.complete = False
        found.fault(str(start), "no web address", "name one as https://HOST/PATH")
        return None
    return rules


def _conditions(before: Stored | None) -> dict[str, str]:
    if before is None:
        return {}
    sent = {"If-None-Match": before.origin.etag, "If-Modified-Since": before.origin.modified}
    return {name: value for name, value in sent.items() if value}


def _page(url: URL, suffix: str, answer: Answer, unchanged: Stored | None) -> Page:
    known = unchanged.origin if unchanged else None
    return Page(
        place=str(url),
        suffix=suffix,
        body=None if unchanged else _as_utf8(answer),
        etag=answer.headers.get("etag") or (known.etag if known else None),
        modified=answer.headers.get("last-modified") or (known.modified if known else None),
    )


def _as_utf8(answer: Answer) -> bytes:
    """The body; in UTF-8 where its header names another encoding for a text."""
    kind = answer.headers.get("content-type", "")
    named = _CHARSET.search(kind)
    if not kind.startswith("text/") or named is None or named.group(1).lower() in ("utf-8", "utf8"):
        return answer.body
    try:
        encoding = named.group(1).lower()
        return answer.body.decode(_ENCODINGS.get(encoding, encoding)).encode()
    except (LookupError, UnicodeDecodeError):
        return answer.body


def _suffix(answer: Answer) -> str | None:
    """The ending for a document's file: by its type, else by its address; None if it is none that can be read."""
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    named = PurePosixPath(answer.url.path).suffix.lower()
    own = named if named in READABLE else None
    if kind == "text/plain" and own:
        return own  # servers send Markdown and CSV as plain text
    return KINDS.get(kind) or (own if kind in ("", "application/octet-stream") else None)


def _same_host(url: URL, start: URL) -> bool:
    return url.host == start.host and (url.port == start.port or {url.port, start.port} == {80, 443})

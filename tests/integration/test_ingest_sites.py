"""``kefu ingest`` of web addresses, against real servers on this machine, which ``--allow-host`` lets in."""

import gzip
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bot.cli import main

HTML = "text/html; charset=utf-8"


@dataclass
class Site:
    """Pages by path: status, content type, body. A page has its body's length and hash as its ETag."""

    pages: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)
    host: str = ""

    def page(self, path: str, *links: str, text: str = "", kind: str = HTML) -> None:
        shown = "".join(f'<a href="{link}">a page</a>' for link in links)
        self.pages[path] = (200, kind, f"<h1>{path}</h1><p>Text of {path} {text}</p><nav>{shown}</nav>".encode())


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = site.pages.get(self.path, (404, HTML, b"nothing"))
            etag = f'"{hash(body)}"'
            if status == 200 and self.headers["If-None-Match"] == etag:
                status, body = 304, b""
            site.asked[self.path, status] += 1
            self.send_response(status)
            headers = {"Content-Type": kind, "Content-Length": str(len(body)), **site.headers}
            if status != 304:
                headers["ETag"] = etag
            if 300 < status < 304:
                headers["Location"] = kind
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.host = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield site
    server.shutdown()
    server.server_close()


@pytest.fixture
def ingest(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def run(path: str, *flags: str) -> tuple[dict[str, list[str]], list[str]]:
        """What changed, by kind and without the host's folder, and the faults."""
        (tmp_path / "shop").mkdir(exist_ok=True)
        address = path if "://" in path else f"http://{site.host}{path}"
        main(["ingest", address, "--into", str(tmp_path / "shop"), "--allow-host", site.host, "--json", *flags])
        told = json.loads(capsys.readouterr().out)
        changes: dict[str, list[str]] = {}
        for change in told["changes"]:
            changes.setdefault(change["what"], []).append(change["path"].split("/", 1)[1])
        return changes, told["faults"]

    return run


@pytest.fixture
def help_site(site: Site) -> Site:
    site.page("/help/", "a", "/help/b#x", "/shop", "https://elsewhere.example/", "lamp.png", "private/p")
    site.page("/help/a", "deep/c")
    site.page("/help/b")
    site.page("/help/deep/c", "../")
    site.page("/help/private/p")
    site.page("/shop")
    site.pages["/robots.txt"] = (200, "text/plain", b"User-agent: *\nDisallow: /help/private/\n")
    return site


def test_a_site_is_followed_below_its_path(help_site: Site, ingest) -> None:
    changes, faults = ingest("/help/")
    assert changes == {"added": ["help/index.html", "help/a.html", "help/b.html", "help/deep/c.html"]}
    assert len(faults) == 1
    assert "robots.txt closes 1 of its addresses" in faults[0]
    assert {path for path, _ in help_site.asked} == {"/robots.txt", "/help/", "/help/a", "/help/b", "/help/deep/c"}


def test_only_what_changed_is_sent_again_and_what_is_gone_is_removed(help_site: Site, ingest, tmp_path: Path) -> None:
    ingest("/help/")
    help_site.asked.clear()
    help_site.page("/help/b", text="new")
    help_site.page("/help/a")  # no longer leads to c, which is there still
    changes, _ = ingest("/help/")
    assert changes == {
        "unchanged": ["help/index.html"],
        "changed": ["help/a.html", "help/b.html"],
        "removed": ["help/deep/c.html"],
    }
    assert help_site.asked["/help/", 304] == 1
    ingest("/help/")
    assert help_site.asked["/help/", 304] == 2  # the mark of a page outlives an answer without it
    assert not list((tmp_path / "shop" / "knowledge").rglob("c.html"))


def test_a_page_that_fails_is_kept_and_one_that_is_gone_is_not(help_site: Site, ingest) -> None:
    ingest("/help/")
    help_site.pages["/help/a"] = (500, HTML, b"")
    help_site.pages["/help/b"] = (410, HTML, b"")
    changes, faults = ingest("/help/")
    assert changes == {"unchanged": ["help/index.html"], "removed": ["help/b.html"]}
    assert ["HTTP 500" in fault or "HTTP 410" in fault for fault in faults] == [True, True, False]


def test_no_robots_file_that_can_be_had_closes_all(help_site: Site, ingest) -> None:
    ingest("/help/")
    help_site.pages["/robots.txt"] = (503, HTML, b"")
    changes, faults = ingest("/help/")
    assert changes == {}
    assert "its robots.txt cannot be had" in faults[0]


@pytest.mark.parametrize(
    "failure",
    [
        {"/help/": (404, HTML, b"")},
        {"/help/": (410, HTML, b"")},
        {"/help/": (200, "image/png", b"...")},
        {"/robots.txt": (200, "text/plain", b"User-agent: *\nDisallow: /\n")},
    ],
)
def test_a_site_whose_start_is_missed_once_keeps_its_pages(failure, help_site: Site, ingest) -> None:
    ingest("/help/")
    help_site.pages |= failure
    changes, faults = ingest("/help/")
    assert set(changes.get("removed", ())) <= {"help/index.html"}
    assert len(faults) == 1


@pytest.mark.parametrize("answer", [(404, HTML, b""), (200, "text/xml", b""), (200, "text/xml", b"<urlset></urlset>")])
@pytest.mark.parametrize("missed", ["/sitemap.xml", "/part.xml"])
def test_a_sitemap_that_is_missed_once_keeps_its_pages(missed: str, answer, help_site: Site, ingest) -> None:
    address = f"http://{help_site.host}"
    help_site.pages["/sitemap.xml"] = (200, "text/xml", f"<sitemapindex><loc>{address}/part.xml</loc>".encode())
    help_site.pages["/part.xml"] = (200, "text/xml", f"<urlset><loc>{address}/help/a</loc>".encode())
    assert ingest("/sitemap.xml")[0] == {"added": ["help/a.html"]}
    help_site.pages[missed] = answer
    changes, faults = ingest("/sitemap.xml")
    assert changes == {}
    assert len(faults) == 1


def test_a_document_that_is_gone_is_removed(help_site: Site, ingest) -> None:
    ingest("/help/a")
    help_site.pages["/help/a"] = (404, HTML, b"")
    assert ingest("/help/a")[0] == {"removed": ["help/a.html"]}


def test_limits(help_site: Site, ingest) -> None:
    changes, faults = ingest("/help/", "--pages", "2")
    assert len(changes["added"]) == 2
    assert "a limit is reached after 2 pages" in faults[0]
    changes, _ = ingest("/help/", "--depth", "1")
    assert changes == {"unchanged": ["help/index.html", "help/a.html"], "added": ["help/b.html"]}


def test_a_page_alone_and_other_kinds(site: Site, ingest) -> None:
    site.page("/help/a", "b")
    site.pages["/m.pdf"] = (200, "application/pdf", b"%PDF-1.7")
    site.pages["/faq"] = (200, "text/csv; charset=gb18030", "问题,答案\n运费,六元\n".encode("gb18030"))
    site.pages["/x"] = (200, "application/x-executable", b"MZ")
    assert ingest("/help/a") == ({"added": ["help/a.html"]}, [])
    assert ingest("/m.pdf") == ({"added": ["m.pdf"]}, [])
    assert ingest("/faq") == ({"added": ["faq.csv"]}, [])
    changes, faults = ingest("/x")
    assert changes == {}
    assert "a kind that cannot be read" in faults[0]


@pytest.mark.parametrize(
    ("named", "written", "text"),
    [
        ("gb18030", "gb18030", "问题,答案\n运费,六元\n"),
        ("gb2312", "gbk", "问题,答案\n镕,六元\n"),  # as browsers read it: the character is in GBK only
        ("GBK", "gb18030", "问题,答案\n运费,€6\n"),
        ("iso-8859-1", "cp1252", "question,answer\nIt’s how much?,€6\n"),
    ],
)
def test_a_fetched_table_is_in_utf8(named: str, written: str, text: str, site: Site, ingest, tmp_path: Path) -> None:
    site.pages["/faq"] = (200, f"text/csv; charset={named}", text.encode(written))
    ingest("/faq")
    (file,) = (tmp_path / "shop" / "knowledge").rglob("*.csv")
    assert file.read_text("utf-8") == text


@pytest.mark.parametrize("packed", [False, True])
def test_a_sitemap_within_its_host(site: Site, ingest, packed: bool) -> None:
    places = "".join(f"<url><loc>{url}</loc></url>" for url in (f"http://{site.host}/a", "http://10.0.0.1/b"))
    urlset = f"<urlset>{places}</urlset>".encode()
    index = f"<sitemapindex><sitemap><loc>http://{site.host}/one.xml</loc></sitemap></sitemapindex>".encode()
    site.pages["/sitemap.xml"] = (200, "text/xml", index)
    site.pages["/one.xml"] = (200, "application/gzip", gzip.compress(urlset) if packed else urlset)
    site.page("/a", "c")
    changes, faults = ingest("/sitemap.xml")
    assert changes == {"added": ["a.html"]}
    assert "1 addresses of other hosts are left out" in faults[0]


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("http://169.254.169.254/latest/meta-data/", "leads to http://169.254.169.254"),
        ("http://localhost/", "leads to http://localhost"),
        ("file:///etc/passwd", "leads to file:///etc/passwd"),
        ("//127.0.0.1:1/", "port 1"),  # the host is allowed at its own port only
        ("/start", "more than 3 redirects"),
    ],
)
def test_redirects_are_judged_again(site: Site, ingest, target: str, problem: str) -> None:
    site.pages["/start"] = (302, target, b"")
    changes, faults = ingest("/start")
    assert changes == {}
    assert problem in faults[0]


def test_a_redirect_within_the_host_is_followed(site: Site, ingest) -> None:
    site.pages["/start"] = (302, "/a", b"")
    site.page("/a")
    assert ingest("/start") == ({"added": ["start.html"]}, [])


@pytest.mark.parametrize("address", ["http://localhost:{port}/", "http://127.0.0.1:1/", "http://[::ffff:127.0.0.1]/"])
def test_only_the_named_host_may_be_private(site: Site, ingest, address: str) -> None:
    site.page("/")
    changes, faults = ingest(address.replace("{port}", site.host.split(":")[1]))
    assert (changes, len(faults)) == ({}, 1)
    assert not site.asked


def test_a_packed_bomb_is_cut(site: Site, ingest) -> None:
    site.headers = {"Content-Encoding": "gzip"}
    site.pages["/robots.txt"] = (200, "text/plain", gzip.compress(b""))
    site.pages["/bomb"] = (200, HTML, gzip.compress(bytes(100_000_000)))
    changes, faults = ingest("/bomb")
    assert changes == {}
    assert "more than 67108864 bytes" in faults[0]

"""``kefu ingest``: files and folders into the knowledge folder, and what must never happen there."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from yarl import URL

from bot.cli import main
from retrieval.collect import Collection, collect, file_path
from retrieval.errors import NoSuchDocument
from retrieval.guarded_http import is_public
from retrieval.provenance import Origin, load_origins, origins_lock, save_origins
from retrieval.removal import remove_documents
from retrieval.web_links import page_links, sitemap_addresses


def told(collection: Collection) -> list[tuple[str, str]]:
    return [(change.what, change.path) for change in collection.changes]


@pytest.fixture
def manuals(tmp_path: Path) -> Path:
    folder = tmp_path / "manuals"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.md").write_text("# A\n\nText.\n", "utf-8")
    (folder / "deep" / "b.txt").write_text("Text.\n", "utf-8")
    (folder / "c.exe").write_bytes(b"MZ")
    (tmp_path / "secret.md").write_text("secret", "utf-8")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    return folder


def test_a_folder_is_copied_and_followed(manuals: Path, tmp_path: Path) -> None:
    into = tmp_path / "shop" / "knowledge"
    first = collect([str(manuals)], into)
    assert told(first) == [("added", "manuals/a.md"), ("added", "manuals/deep/b.txt")]
    assert [Path(fault.path).name for fault in first.faults] == ["c.exe"]  # the link leads out: never looked at
    assert not (into / "manuals" / "link.md").exists()
    fetched = load_origins(into)["manuals/a.md"].fetched
    (manuals / "a.md").write_text("# A\n\nNew.\n", "utf-8")
    (manuals / "deep" / "b.txt").unlink()
    assert told(collect([str(manuals)], into)) == [("changed", "manuals/a.md"), ("removed", "manuals/deep/b.txt")]
    assert (into / "manuals" / "a.md").read_text("utf-8") == "# A\n\nNew.\n"
    assert not (into / "manuals" / "deep").exists()
    assert told(collect([str(manuals)], into)) == [("unchanged", "manuals/a.md")]
    assert set(load_origins(into)) == {"manuals/a.md"}
    assert load_origins(into)["manuals/a.md"].fetched >= fetched


def test_what_a_person_took_out_is_not_brought_back(manuals: Path, tmp_path: Path) -> None:
    into = tmp_path / "knowledge"
    collect([str(manuals)], into)
    (into / "copy.txt").write_text("Text.\n", "utf-8")
    with pytest.raises(NoSuchDocument, match=r'did you mean "manuals/a.md"'):
        remove_documents(into, ["manuals/deep/b.txt", "manual/a.md"])
    with pytest.raises(NoSuchDocument, match="kefu knowledge lists"):
        remove_documents(tmp_path / "elsewhere", ["manuals/a.md"])
    assert (into / "manuals" / "deep" / "b.txt").is_file()
    (removed,) = remove_documents(into, ["manuals/deep/b.txt"])
    assert (removed.path, removed.also_in) == ("manuals/deep/b.txt", ("copy.txt", "manuals/a.md"))
    again = collect([str(manuals)], into)
    assert told(again) == [("unchanged", "manuals/a.md"), ("left out", "manuals/deep/b.txt")]
    assert not (into / "manuals" / "deep" / "b.txt").exists()
    (manuals / "deep" / "b.txt").unlink()
    assert told(collect([str(manuals)], into))[-1] == ("removed", "manuals/deep/b.txt")
    assert set(load_origins(into)) == {"manuals/a.md"}


def test_own_files_stay_and_a_lost_source_removes_nothing(manuals: Path, tmp_path: Path) -> None:
    into = tmp_path / "knowledge"
    into.mkdir()
    (into / "a.md").write_text("my own", "utf-8")
    clash = collect([str(manuals / "a.md")], into)
    assert [fault.problem for fault in clash.faults] == ["a.md is a file of your own"]
    assert (into / "a.md").read_text("utf-8") == "my own"
    collect([str(manuals)], into)
    manuals.rename(tmp_path / "elsewhere")
    lost = collect([str(manuals)], into)
    assert (told(lost), [fault.problem for fault in lost.faults]) == ([], ["no such file or folder"])
    assert (into / "manuals" / "a.md").is_file()


def test_an_empty_folder_is_one_that_is_not_mounted(manuals: Path, tmp_path: Path) -> None:
    into = tmp_path / "knowledge"
    collect([str(manuals)], into)
    manuals.rename(tmp_path / "elsewhere")
    manuals.mkdir()
    lost = collect([str(manuals)], into)
    assert (told(lost), [fault.problem for fault in lost.faults]) == ([], ["an empty folder"])
    assert (into / "manuals" / "a.md").is_file()


def test_a_file_of_ones_own_in_the_place_of_one_taken_out_stays(manuals: Path, tmp_path: Path) -> None:
    into = tmp_path / "knowledge"
    collect([str(manuals)], into)
    remove_documents(into, ["manuals/a.md"])
    (into / "manuals" / "a.md").write_text("my own", "utf-8")
    assert ("left out", "manuals/a.md") in told(collect([str(manuals)], into))
    (manuals / "a.md").unlink()
    collect([str(manuals)], into)
    assert (into / "manuals" / "a.md").read_text("utf-8") == "my own"
    assert "manuals/a.md" not in load_origins(into)


def test_a_file_that_was_lost_or_edited_comes_back(manuals: Path, tmp_path: Path) -> None:
    into = tmp_path / "knowledge"
    collect([str(manuals)], into)
    (into / "manuals" / "a.md").write_text("edited", "utf-8")
    (into / "manuals" / "deep" / "b.txt").unlink()
    assert told(collect([str(manuals)], into)) == [("changed", "manuals/a.md"), ("changed", "manuals/deep/b.txt")]
    assert (into / "manuals" / "a.md").read_text("utf-8") == "# A\n\nText.\n"


def test_a_link_in_the_folder_leads_nowhere(manuals: Path, tmp_path: Path) -> None:
    into, outside = tmp_path / "knowledge", tmp_path / "outside"
    into.mkdir()
    outside.mkdir()
    (into / "manuals").symlink_to(outside)
    assert {fault.remedy for fault in collect([str(manuals)], into).faults} >= {"remove the link on its way"}
    assert list(outside.iterdir()) == []


def page(place: str, raw: bytes, suffix: str = ".html") -> tuple[str, bytes, Origin]:
    sha256 = hashlib.sha256(raw).hexdigest()
    return file_path(URL(place), suffix), raw, Origin(source="s", place=place, fetched="-", sha256=sha256)


def test_what_a_killed_run_wrote_is_taken_for_fetched(tmp_path: Path) -> None:
    Collection(folder=tmp_path, origins={}).keep(*page("https://x.example/a", b"one"))  # and killed: no list is saved
    again = Collection(folder=tmp_path, origins={})
    again.keep(*page("https://x.example/a", b"one"))
    again.keep(*page("https://x.example/a", b"two"))
    assert (told(again), again.faults) == ([("unchanged", "x.example/a.html"), ("changed", "x.example/a.html")], [])
    again.remove_others("s", set())
    assert not list(tmp_path.iterdir())


def test_what_no_file_can_be_made_of_is_a_fault_of_that_page(tmp_path: Path) -> None:
    collection = Collection(folder=tmp_path, origins={})
    collection.keep(*page("https://x.example/guide.html", b"guide"))
    collection.keep(*page("https://x.example/guide.html/print", b"print"))  # its folder is a file already
    collection.keep("n" * 300, *page("https://x.example/n", b"n")[1:])
    collection.keep(*page("https://x.example/after", b"after"))
    assert [fault.path for fault in collection.faults] == ["https://x.example/guide.html/print", "https://x.example/n"]
    assert [path for _, path in told(collection)] == ["x.example/guide.html", "x.example/after.html"]


def test_long_names_of_every_script_are_written(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / ("n" * 250 + ".md")).write_text("text", "utf-8")
    assert not collect([str(tmp_path / "from")], tmp_path / "into").faults
    collection = Collection(folder=tmp_path, origins={})
    collection.keep(*page(f"https://x.example/{'𠮷' * 90}", b"one"))
    collection.keep(*page(f"https://x.example/{'货' * 80}?id=1", b"two"))
    assert (len(collection.changes), collection.faults) == (2, [])


def test_a_page_that_becomes_a_document_of_another_kind_gets_its_ending(tmp_path: Path) -> None:
    collection = Collection(folder=tmp_path, origins={})
    collection.keep(*page("https://x.example/m.pdf", b"<p>an error, sent as a page"))
    collection.keep(*page("https://x.example/m.pdf", b"%PDF", ".pdf"))
    assert told(collection) == [("added", "x.example/m.pdf.html"), ("changed", "x.example/m.pdf")]
    assert [file.name for file in (tmp_path / "x.example").iterdir()] == ["m.pdf"]
    assert set(collection.origins) == {"x.example/m.pdf"}


def test_a_page_is_taken_out_after_the_ingest_that_runs(manuals: Path, tmp_path: Path) -> None:
    into = tmp_path / "knowledge"
    collect([str(manuals)], into)
    with ThreadPoolExecutor(1) as beside:
        with origins_lock(into):
            before = load_origins(into)
            removing = beside.submit(remove_documents, into, ["manuals/a.md"])
            with pytest.raises(TimeoutError):
                removing.result(timeout=0.5)
            save_origins(into, before)
        removing.result(timeout=30)
    assert load_origins(into)["manuals/a.md"].removed
    assert not (into / "manuals" / "a.md").exists()


def test_the_folder_is_not_brought_into_itself(tmp_path: Path) -> None:
    into = tmp_path / "knowledge"
    into.mkdir()
    (into / "a.md").write_text("text", "utf-8")
    for source in (tmp_path, into):
        (fault,) = collect([str(source)], into).faults
        assert fault.problem == "is, or holds, the knowledge folder itself"


def test_command(manuals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = tmp_path / "shop"
    assert main(["ingest", str(manuals), "--into", str(shop)]) == 2
    shop.mkdir()
    capsys.readouterr()
    assert main(["ingest", str(manuals / "a.md"), "--into", str(shop)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "1 added, 0 changed, 0 unchanged, 0 removed, 0 skipped",
        "kefu train makes them answer",
    ]
    assert main(["ingest", "http://127.0.0.1/", "--into", str(shop), "--json"]) == 1
    assert "127.0.0.1 is not public" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://x.example/", "x.example/index.html"),
        ("https://x.example/help/returns", "x.example/help/returns.html"),
        ("https://x.example:8443/a.HTML", "x.example-8443/a.html"),
        ("https://x.example/%2e%2e/%2e%2e/etc/passwd", "x.example/etc/passwd.html"),
        ("https://x.example/a%2F..%2Fb", "x.example/a/b.html"),
        ("https://x.example/帮助/退货", "x.example/帮助/退货.html"),
        ("https://x.example/a?id=1", "x.example/a-d9fc91d4.html"),
        ("https://x.example/.git/config", "x.example/git/config.html"),
    ],
)
def test_file_names(url: str, path: str) -> None:
    assert file_path(URL(url), ".html") == path


def test_long_names_stay_apart() -> None:
    one, other = (file_path(URL(f"https://x.example/{'a' * 300}{end}"), ".html") for end in "xy")
    assert one != other
    assert max(map(len, one.split("/"))) < 100


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0"),
        *("fd00::1", "ff02::1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:53aa:64c:0:0:0:1"),
        *("fec0::1", "::10.0.0.1", "::8.8.8.8", "5f00::1", "64:ff9b:1::a00:1", "2001:db8::1"),
    ],
)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


def test_links() -> None:
    body = b"""<a href="b#x">B</a><a href='/c?d=1&amp;e=2'>C</a><a href="p.png">no</a><a href="javascript:x()">no</a>
    <a rel="nofollow" href="/n">no</a><a href="mailto:a@b">no</a><a href="http://[broken">no</a><a href="m.pdf">M</a>"""
    found = list(map(str, page_links(URL("https://x.example/help/a"), body)))
    assert found == [
        "https://x.example/help/b",
        "https://x.example/c?d=1&e=2",
        "https://x.example/help/m.pdf",
    ]
    based = page_links(URL("https://x.example/a"), b'<base href="/docs/"><a href="b">B</a>')
    assert list(map(str, based)) == ["https://x.example/docs/b"]


def test_sitemaps() -> None:
    text = (
        b"<urlset><url><loc> https://x.example/a?b=1&amp;c=2 </loc></url><url><loc><![CDATA[https://y.example/]]></loc>"
    )
    assert list(map(str, sitemap_addresses(text))) == ["https://x.example/a?b=1&c=2", "https://y.example/"]
    assert sitemap_addresses(b"<html><loc>https://x.example/</loc>") == []
    assert sitemap_addresses(b"\x1f\x8btorn") == []

"""``kefu knowledge``: what a person sees of the folder."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli import main
from bot.release import ReleaseDraft, promote, releases_lock
from retrieval.errors import ManifestError
from retrieval.ingest import read_folder
from retrieval.provenance import Origin, load_origins, save_origins

OUTSIDE = json.dumps(
    {
        "format": "kefu-ingest-1",
        "files": {"a/../../b.md": {"source": "-", "place": "-", "fetched": "-", "sha256": "-"}},
    }
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    stated = (datetime.now(UTC) - timedelta(days=40)).date().isoformat()
    body = " ".join(f"word{number}" for number in range(60))
    (folder / "a.md").write_text(f"---\ndate: {stated}\n---\n{body}\n\n# More\n\nAnother text.\n", "utf-8")
    (folder / "b.md").write_text(f"{body}\n", "utf-8")
    (folder / "c.csv").write_text("问题,答案\n运费多少？,六元\n没有,\n", "utf-8")
    (folder / "d.key").write_text("?", "utf-8")
    week = (datetime.now(UTC) - timedelta(days=7)).timestamp()
    os.utime(folder / "b.md", (week, week))
    save_origins(
        folder, {"b.md": Origin(source="https://x.example/", place="https://x.example/b", fetched="-", sha256="-")}
    )
    return tmp_path


def test_json(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["knowledge", str(shop), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = [(i["path"], i["language"], i["passages"], i["merged"], i["age_days"], i["source"]) for i in told["items"]]
    assert rows == [
        ("a.md", "en", 2, 0, 40, None),
        ("b.md", "en", 0, 1, 7, "https://x.example/b"),
        ("c.csv", "zh", 1, 0, 0, None),
    ]
    assert told["faults"] == ["c.csv:3: a question without an answer; fill both in"]
    assert told["ignored"] == ["d.key"]


def test_text_names_what_was_skipped(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["knowledge", str(shop)]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == "3 documents, 3 passages, 2 skipped"
    assert "1 merged into others  https://x.example/b" in shown.out
    assert shown.err.splitlines() == [
        "skipped: c.csv:3: a question without an answer; fill both in",
        "skipped: d.key: not a page of a kind that is read",
    ]


def test_no_folder_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["knowledge", str(tmp_path)]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_a_page_is_removed_after_the_training_that_runs(shop: Path) -> None:
    models = shop / "models"
    draft = ReleaseDraft(models)
    draft.add("nlu", "a").mkdir()
    promote(models, draft.finish({}).id)
    with ThreadPoolExecutor(1) as beside:
        with releases_lock(models):
            removing = beside.submit(main, ["knowledge", str(shop), "--remove", "a.md"])
            with pytest.raises(TimeoutError):
                removing.result(timeout=0.5)
            assert (shop / "knowledge" / "a.md").is_file()
        removing.result(timeout=60)
    assert not (shop / "knowledge" / "a.md").exists()


def test_fetched_pages_have_their_address(shop: Path) -> None:
    urls = {document.path: document.url for document in read_folder(shop / "knowledge").documents}
    assert urls == {"a.md": None, "b.md": "https://x.example/b", "c.csv": None}


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"format": "other", "files": {}}', '{"format": "kefu-ingest-1"}', OUTSIDE]
)
def test_broken_origins_are_refused(shop: Path, text: str) -> None:
    (shop / "knowledge" / ".ingest.json").write_text(text, "utf-8")
    with pytest.raises(ManifestError, match=r"\.ingest\.json"):
        load_origins(shop / "knowledge")

"""``kefu bench knowledge`` on a few pages: measured once, kept, and measured again only when something changed."""

import json
import shutil
from pathlib import Path

import pytest

from bot.cli import main
from retrieval import index_kinds
from training.bench_vectors import STEPS

PAGES = {
    "returns.md": "# Return an item\n\nSend it back within 30 days of delivery for a full refund.\n",
    "shipping.md": "# Delivery times\n\nParcels inside the country arrive in three working days.\n",
    "password.md": "# Reset your password\n\nUse the link below the sign-in form. We e-mail you a code.\n",
}
QUERIES = [
    {"query": "i want my money back", "relevant": ["returns.md"]},
    {"query": "when will the parcel arrive", "relevant": ["shipping.md"]},
    {"query": "who won the chess championship", "relevant": []},
]
PASSAGES = [
    {"id": "p0", "title": "", "text": "长江是中国最长的河流，全长约六千三百公里，注入东海。"},
    {"id": "p1", "title": "熊猫", "text": "大熊猫主要吃竹子，生活在四川的山里。"},
]
ASKED = [{"query": "熊猫吃什么？", "relevant": ["p1"]}, {"query": "长江有多长？", "relevant": ["p0"]}]


def write_lines(file: Path, rows: list[dict[str, object]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), "utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    write_lines(folder / "retrieval" / "logingov" / "queries_en.jsonl", QUERIES)
    write_lines(folder / "retrieval" / "cmrc_trial_zh" / "queries.jsonl", ASKED)
    write_lines(folder / "retrieval" / "cmrc_trial_zh" / "passages.jsonl", PASSAGES)
    pages = folder / "knowledge" / "logingov_en"
    pages.mkdir(parents=True)
    for name, text in PAGES.items():
        (pages / name).write_text(text, "utf-8")
    return folder


def bench(tmp_path: Path, *options: str) -> int:
    return main(["bench", "knowledge", "--results", str(tmp_path / "kept"), *options])


def test_sets_are_measured_once(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sets = ["--data", str(data), "--sets", "logingov_en"]
    assert bench(tmp_path, *sets, "--json") == 0
    (result,) = json.loads(capsys.readouterr().out)
    figures = result["figures"]
    assert (figures["recall@1"], figures["auroc"], figures["documents"], figures["queries"]) == (1.0, 1.0, 3, 3)
    assert figures["build_s"] > 0 < figures["query_ms"] <= figures["query_p95_ms"]

    page = tmp_path / "benchmarks.md"
    page.write_text("# Benchmarks\n", "utf-8")
    assert bench(tmp_path, *sets, "--docs", str(page)) == 0
    assert "logingov_en: unchanged" in capsys.readouterr().err
    written = page.read_text("utf-8")
    assert written.startswith("# Benchmarks\n\n<!-- knowledge -->\n## Knowledge\n")
    assert "| help centre, English | right page first | 0.680 | **1.000** | 0.564 |" in written

    (data / "knowledge" / "logingov_en" / "shipping.md").unlink()
    assert bench(tmp_path, *sets) == 0
    said = capsys.readouterr()
    assert "logingov_en: running" in said.err
    assert "| help centre, English | right page first | 0.680 | 0.500 | 0.564 |" in said.out


def test_passages_are_read_as_pages(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(tmp_path, "--data", str(data), "--sets", "cmrc_trial_zh", "--json") == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert (result["figures"]["recall@1"], result["figures"]["documents"]) == (1.0, 2)


def test_a_bot_is_asked(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(tmp_path, "--data", str(data), "--sets", "answers_logingov_en", "--json") == 0
    (result,) = json.loads(capsys.readouterr().out)
    figures = result["figures"]
    assert (figures["questions"], figures["unsupported"], figures["answered_unanswerable"]) == (3, 0, 0.0)
    assert figures["answered"] > 0


def test_missing_data_is_named_and_broken_data_too(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(data / "knowledge")
    assert bench(tmp_path, "--data", str(data), "--sets", "logingov_en") == 0
    write_lines(data / "retrieval" / "cmrc_trial_zh" / "queries.jsonl", [{"query": "x", "relevant": "p1"}])
    assert bench(tmp_path, "--data", str(data), "--sets", "cmrc_trial_zh") == 1
    said = capsys.readouterr().err
    assert f"logingov_en: passed over, as there is no {data / 'knowledge' / 'logingov_en'}" in said
    assert "queries.jsonl:1: query must be a text and relevant a list" in said
    assert list((tmp_path / "kept").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sets", "nothing"], "there is no set nothing; there are logingov_en,"),
        ([], "name the folder of the sets with --data DIR, or a number of vectors with --synthetic N"),
        (["--sets", "logingov_en", "--synthetic", "20000"], "--data DIR"),
    ],
)
def test_what_cannot_be_asked(
    tmp_path: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(tmp_path, *options) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("count", ["many", "0", "19999"])
def test_too_few_vectors(tmp_path: Path, count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench(tmp_path, "--synthetic", count)
    assert "is no number of vectors: write 20000 or more" in capsys.readouterr().err


@pytest.mark.parametrize(("exact_up_to", "least"), [(20_000, 1.0), (19_999, 0.96)])
def test_synthetic_vectors(tmp_path: Path, exact_up_to: int, least: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step by step, exact and through lists."""
    monkeypatch.setattr(index_kinds, "EXACT_UP_TO", exact_up_to)
    figures: dict[str, float] = {}
    for step in STEPS.values():
        figures |= step(tmp_path, 20_000)
    assert figures["recall@10"] >= least - 1e-3  # half precision swaps neighbours that are as near
    assert 0 < figures["query_ms"] <= figures["query_p95_ms"]
    assert figures["queries_per_s"] > 1

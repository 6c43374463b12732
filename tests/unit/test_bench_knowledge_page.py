"""Kept figures of search as a section of the page of benchmarks."""

from training.bench_knowledge import Result, Row
from training.bench_knowledge_page import to_markdown
from training.bench_knowledge_tasks import TASKS, synthetic

CPU = {
    "cpu": "EPYC",
    "cores": "2",
    "memory": "24 GiB",
    "python": "3.11",
    "torch": "2.13",
    "faiss": "1.15",
    "kefu": "0.1",
}
SEARCH = {"queries": 35, "passages": 168, "recall@1": 0.7021, "recall@5": 0.851, "auroc": 0.9, "query_ms": 4.25}
VECTORS = {"recall@10": 0.981, "query_ms": 1.25, "build_s": 301.4, "resident_mb": 1042}


def row(name: str, figures: dict[str, float], *, fresh: bool = True, made: str = "2026-11-22T09:00:00Z") -> Row:
    task = next((task for task in TASKS if task.name == name), None) or synthetic(int(name), gpu=False)
    result = Result(task=task.name, fingerprint="f", made=made, machine=CPU, figures=figures)
    return task, result, fresh


def lines(*rows: Row) -> list[str]:
    return to_markdown(rows).splitlines()


def test_what_is_reached_is_bold_and_stands_beside_the_plain_method() -> None:
    page = lines(row("logingov_en", SEARCH), row("1000000", VECTORS))
    assert "| help centre, English | right page first | 0.680 | **0.702** | 0.564 |" in page
    assert "| help centre, English | right page among five | 0.880 | 0.851 | 0.815 |" in page
    assert "| help centre, English | AUROC, answerable or not | 0.900 | **0.900** | 0.838 |" in page  # just reached
    assert "| help centre, English | unanswerable answered | at most 0.150 | not measured | – |" in page
    assert "| 1,000,000 vectors | built | at most 300 s | 301 s | – |" in page
    assert "| 1,000,000 vectors | one query, p50 | at most 3.0 ms | **1.2 ms** | – |" in page
    assert "| 1,000,000 vectors | memory to search | at most 2,500 MB | **1,042 MB** | – |" in page


def test_every_figure_has_its_table() -> None:
    page = lines(row("logingov_en", SEARCH), row("250000", VECTORS))
    assert "| help centre, English | 168 | 35 | 0.702 | 0.851 | – | 0.900 | – | – | – | 4.2 | – |" in page
    assert any(line.startswith("| 250,000 vectors | 0.981 | – | 1.2 | – |") for line in page)
    assert "### Search" in page
    assert "### Very many vectors" in page
    assert "### Answers" not in page  # nothing of it was measured


def test_answers_have_a_table_and_bars() -> None:
    figures = {"questions": 100, "answered": 0.61, "sentences": 140, "unsupported": 0, "foreign": 2, "draft_s": 1.25}
    page = lines(row("answers_logingov_en", figures))
    assert "| help centre, English | unsupported sentences sent | at most 0 | **0** | – |" in page
    assert "| help centre, English | sentences with foreign things sent | at most 0 | 2 | – |" in page
    assert "| help centre, English | 100 | 0.610 | – | – | – | – | 140 | 0 | 2 | 1.2 |" in page


def test_old_figures_are_marked() -> None:
    page = lines(row("pingcap_zh", SEARCH, fresh=False), row("logingov_zh", SEARCH))
    assert any(line.startswith("| product FAQ, Chinese † | right page first") for line in page)
    assert any(line.startswith("| help centre, Chinese | right page first") for line in page)
    assert "† measured with earlier code or data." in page


def test_machine_and_days() -> None:
    page = lines(row("logingov_en", SEARCH), row("pingcap_zh", SEARCH, made="2026-11-25T09:00:00Z"))
    assert "- EPYC, 2 cores, 24 GiB; Python 3.11, torch 2.13, FAISS 1.15, Kefu 0.1; 2026-11-22 to 2026-11-25" in page


def test_a_gpu_has_bars_of_its_own() -> None:
    assert [bar.figure for bar in synthetic(10_000_000, gpu=True).bars] == ["query_ms", "queries_per_s", "recall@10"]
    assert synthetic(10_000_000, gpu=False).bars == ()
    assert synthetic(1_000_000, gpu=True).file != synthetic(1_000_000, gpu=False).file

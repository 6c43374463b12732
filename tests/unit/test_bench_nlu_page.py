"""The page of benchmarks out of kept results, and that every figure to reach can be found."""

import pytest

from training.bench_nlu import Result
from training.bench_nlu_page import to_markdown
from training.bench_nlu_rows import BARS, TRAININGS

CPU = {"cpu": "Ryzen", "cores": "2", "memory": "8 GiB", "python": "3.11.7", "torch": "2.13.0", "kefu": "0.1.0"}
GPU = {**CPU, "gpu": "NVIDIA H100"}


def result(training: str, seed: int, machine: dict[str, str] = CPU, **figures: float) -> Result:
    names = next(t.exams for t in TRAININGS if t.name == training) or {"test": None}
    exams = {name: dict(figures) for name in names}
    return Result(
        training=training, seed=seed, fingerprint="new", made="2026-11-22 10:00 UTC", machine=machine, exams=exams
    )


def line(markdown: str, start: str) -> str:
    return next(line for line in markdown.splitlines() if line.startswith(f"| {start}"))


CURRENT = {training.name: "new" for training in TRAININGS}


def test_means_are_bold_where_they_reach_and_plain_where_not() -> None:
    results = [result("banking77_10shot", seed, intent_accuracy=0.87 + 0.01 * seed) for seed in range(3)]
    page = to_markdown(results, CURRENT)
    assert line(page, "banking77 10-shot").startswith("| banking77 10-shot | 88.0 | **88.0** ± 1.0 | USE+ConveRT")
    results = [result("banking77_10shot", 0, intent_accuracy=0.879)]
    assert "| 88.0 | 87.9 |" in line(to_markdown(results, CURRENT), "banking77 10-shot")
    assert "| at most 4.0 | not measured |" in line(page, "banking77 --fast, points behind")
    assert "- CPU: Ryzen, 2 cores, 8 GiB; Python 3.11.7, torch 2.13.0, Kefu 0.1.0; 2026-11-22" in page


def test_what_is_lost_is_counted_from_the_other_exam() -> None:
    full = result("banking77", 0, intent_accuracy=0.94, train_s=900.0)
    full.exams["typos"]["intent_accuracy"] = 0.905  # type: ignore[index]
    fast = result("banking77_fast", 0, intent_accuracy=0.89, train_s=60.0)
    page = to_markdown([full, fast], CURRENT)
    assert "| at most 4.0 | **3.5** |" in line(page, "banking77, points lost to a slip")
    assert "| at most 4.0 | 5.0 |" in line(page, "banking77 --fast, points behind")
    assert "| at most 90 s | **60 s** |" in line(page, "banking77 --fast, training")


def test_a_gpu_has_its_own_column_and_old_code_its_mark() -> None:
    gpu = result("snips", 0, GPU, intent_accuracy=0.99, entity_f1=0.95)
    cpu = result("snips", 0, intent_accuracy=0.98, entity_f1=0.97)
    page = to_markdown([gpu, cpu], CURRENT | {"snips": "newer"})
    assert "| set | to reach | CPU | GPU | what others reach |" in page
    assert "| 98.5 | 98.0 † | **99.0** † |" in line(page, "snips, intents")
    assert "† measured with earlier code or data." in page
    assert "GPU: NVIDIA H100, Ryzen" in page


def test_failed_trainings_are_no_figures() -> None:
    failed = Result(training="snips", seed=0, fingerprint="new", made="", machine=CPU, exams={}, fault="no base")
    assert "not measured" in line(to_markdown([failed, result("banking77", 0)], CURRENT), "snips, intents")


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.what)
def test_every_bar_names_an_exam_that_is_sat(bar) -> None:
    sat = {training.name: {*training.exams, *(["test"] if training.folds else [])} for training in TRAININGS}
    assert bar.exam in sat[bar.training]
    assert (bar.least is None) != (bar.most is None)
    if bar.behind:
        assert bar.behind[1] in sat[bar.behind[0]]

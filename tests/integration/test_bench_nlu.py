"""``kefu bench nlu`` with a small assistant in place of the public one: kept results, and what runs again."""

import json
from pathlib import Path

import pytest

from bot.cli import main

NLU = """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - hi there
    - good morning
    - hey
    - good evening
    - hello friend
- intent: refund
  examples: |
    - I want my money back
    - please refund my purchase
    - how do I get a refund
    - give me back my money
    - I would like a refund
    - can I return this for money
- intent: person
  examples: |
    - let me talk to a person
    - connect me to a human
    - I want to speak with an agent
    - is there a real person
    - give me a human please
    - a human agent please
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "data/assistants/helpdesk/data/nlu.yml"
    file.parent.mkdir(parents=True)
    file.write_text(NLU, "utf-8")
    return tmp_path / "data"


def bench(data: Path, *more: str) -> tuple[int, Path]:
    results = data.parent / "results"
    words = ["bench", "nlu", "--data", str(data), "--results", str(results), *more]
    return main(words), results


def test_results_are_kept_until_the_data_changes(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = data.parent / "benchmarks.md"
    for training in ("banking77", "banking77_oos", "clinc150", "hwu64_fold1", "hwu64_fold2", "snips", "massive_zh"):
        assert not (data / "nlu" / training).exists()  # the page must not need sets that were not asked for
    code, results = bench(data, "--sets", "helpdesk_fast", "--docs", str(page), "--json")
    said = capsys.readouterr()
    assert code == 0, said.err
    (result,) = json.loads(said.out)
    assert result["exams"]["test"]["intent_accuracy"] > 0.6
    assert result["exams"]["test"]["train_s"] > 0
    assert result["machine"]["kefu"]
    assert "| helpdesk_fast | 0 |" in page.read_text("utf-8")
    assert len(list(results.glob("helpdesk_fast-0-*.json"))) == 1

    assert bench(data, "--sets", "helpdesk_fast")[0] == 0
    assert "helpdesk_fast, seed 0: unchanged" in capsys.readouterr().err

    file = data / "assistants/helpdesk/data/nlu.yml"
    file.write_text(NLU.replace("- hey\n", "- heyho\n"), "utf-8")
    assert bench(data, "--sets", "helpdesk_fast")[0] == 0
    assert "helpdesk_fast, seed 0: running" in capsys.readouterr().err


def test_what_cannot_run_is_said(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, results = bench(data, "--sets", "snips")
    assert code == 1
    assert "snips, seed 0: no file nlu/snips/train.yml in the data folder" in capsys.readouterr().err
    (data / "nlu/snips").mkdir(parents=True)
    (data / "nlu/snips/train.yml").write_text("nlu:\n- intent: x\n  examples: 3\n", "utf-8")
    for name in ("dev.yml", "test.yml"):
        (data / "nlu/snips" / name).write_text(NLU, "utf-8")
    assert bench(data, "--sets", "snips")[0] == 1
    assert "train.yml:3" in capsys.readouterr().err
    assert list(results.glob("*.json")) == []  # a fault is tried again
    assert bench(data, "--sets", "nosuch")[0] == 2
    assert "there is no set nosuch; there are banking77_10shot" in capsys.readouterr().err

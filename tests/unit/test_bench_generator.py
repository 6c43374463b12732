"""What ``kefu bench generator`` makes of its figures; the measuring itself needs a quiet machine."""

from pathlib import Path

import pytest

from bot import bench_generator
from bot.bench_generator import to_text, within_bars
from bot.errors import BenchError

GOOD = {"first_token_s": 1.0, "tokens_per_s": 25.0, "rule_slowdown": 1.2}


@pytest.mark.parametrize(
    ("changed", "within"),
    [({}, True), ({"first_token_s": 1.01}, False), ({"tokens_per_s": 24.9}, False), ({"rule_slowdown": 1.21}, False)],
)
def test_every_bar_counts(changed: dict[str, float], within: bool) -> None:
    assert within_bars({**GOOD, **changed}) == within


def test_figures_stand_beside_their_bars() -> None:
    lines = to_text({"first_token_s": 0.5, "llama_cpp_first_token_s": 3.1}).splitlines()
    assert lines[0].split() == ["first_token_s", "0.5", "bar", "1"]
    assert lines[1].split() == ["llama_cpp_first_token_s", "3.1"]


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_generator, "PACKAGE", "no_such_package")
    with pytest.raises(BenchError, match="no_such_package is not installed"):
        bench_generator._packaged()


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"(?s)kefu failed.*tokenizer\.json cannot be read"):
        bench_generator._alone("kefu", tmp_path, [("a", "b")])

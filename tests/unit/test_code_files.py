"""The files that a module is made of."""

from training.code_files import ROOT, code_files


def names(module: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in code_files(module)}


def test_imports_are_followed() -> None:
    found = names("training.bench_search")
    assert {"training/bench_search.py", "training/evaluate_retrieval.py", "retrieval/index.py"} <= found
    assert "retrieval/lexical.py" in found  # through retrieval.index
    assert {"retrieval/generator.py", "bot/app.py", "nlu/model.py"} & found == set()


def test_imports_within_functions_count_and_circles_end() -> None:
    found = names("bot.commands.bench")
    assert {"bot/bench.py", "training/bench_knowledge.py", "training/bench_vectors.py"} <= found


def test_what_is_not_ours_has_no_files() -> None:
    assert names("json") == names("bot.no_such_module") == set()

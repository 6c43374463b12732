"""``kefu evaluate nlu``: its figures by hand, and the command from end to end with a tiny encoder."""

import json
from pathlib import Path

import pytest
from tiny_encoder import write_tiny_bert

from bot.cli import main
from bot.dialogue.load import load_nlu
from bot.folder import read_file
from nlu.data import Example, IntentScore, Parse
from nlu.errors import NluFolderError
from training.evaluate_nlu import Judged, judge, quality
from training.nlu_speed import measured_speed
from training.nlu_trial import Lesson, summary, taught

TRAIN = """
version: "3.1"
nlu:
- intent: fly
  examples: |
    - i want to fly to [berlin](city)
    - i want to fly to [paris](city)
    - fly to [new york](city)
    - book a flight from [paris](city)
    - book a flight from [berlin](city)
- intent: greet
  examples: |
    - hello
    - hi
    - hello hi
    - hi hello
    - hello you
- intent: bye
  examples: |
    - good bye
    - bye
    - see you
    - bye you
    - see you bye
"""
TEST = """
version: "3.1"
nlu:
- intent: fly
  examples: |
    - a flight to [paris](city)
- intent: greet
  examples: |
    - hello hello
- intent: out_of_scope
  examples: |
    - my order number is 1 2 3
"""


def row(gold: str, best: str, confidence: float, answered: str, annotated=(), found=()) -> Judged:
    ranking = (IntentScore(name=best, confidence=confidence),)
    return Judged(
        text="",
        gold=gold,
        ranking=ranking,
        answered=answered,
        annotated=frozenset(annotated),
        found=frozenset(found),
    )


def test_figures_by_hand() -> None:
    city, day = (0, 6, "city"), (7, 9, "day")
    rows = [
        row("fly", "fly", 0.9, "fly", [city, day], [city]),
        row("fly", "fly", 0.3, "out_of_scope", [city], [(0, 5, "city")]),  # one end differs
        row("fly", "greet", 0.6, "greet"),
        row("greet", "greet", 0.8, "greet"),
        row("out_of_scope", "fly", 0.5, "out_of_scope"),
        row("out_of_scope", "fly", 0.7, "fly"),
    ]
    figures = quality(rows)
    assert figures["intent_accuracy"] == 3 / 4
    assert figures["in_scope_accuracy"] == 2 / 4
    assert figures["accuracy"] == 3 / 6
    assert figures["intent_macro_f1"] == pytest.approx((2 * 2 / 5 + 2 * 1 / 3) / 2)
    assert figures["out_of_scope_recall"] == 1 / 2
    assert figures["out_of_scope_precision"] == 1 / 2
    # of the eight pairs 0.9 and 0.8 win both, 0.6 one, 0.3 none
    assert figures["out_of_scope_auroc"] == 5 / 8
    assert figures["entity_f1"] == pytest.approx(2 * 1 / (2 + 3))
    assert figures["ece"] == pytest.approx((0.1 + 0.7 + 0.6 + 0.2) / 4)


def test_an_own_intent_out_of_scope_is_ranked_and_never_the_best() -> None:
    scores = [IntentScore(name=name, confidence=sure) for name, sure in (("out_of_scope", 0.7), ("fly", 0.2))]
    parse = Parse(text="x", intent=scores[0], ranking=(IntentScore(name="nlu_fallback", confidence=0.9), *scores))
    judged = judge(Example(text="x", intent="fly/home"), parse)
    assert [score.name for score in judged.ranking] == ["out_of_scope", "fly"]
    assert (judged.gold, judged.best, judged.confidence, judged.answered) == ("fly", "fly", 0.2, "out_of_scope")


def test_figures_of_nothing_are_none() -> None:
    assert set(quality([]).values()) == {None}
    assert quality([row("fly", "fly", 0.9, "fly")])["out_of_scope_recall"] is None


def test_several_runs_give_mean_deviation_and_each() -> None:
    result = summary([{"a": 1.0, "b": None}, {"a": 2.0, "b": 1.0}], [4, 5])
    assert (result["a"], result["std"]["a"], result["b"]) == (1.5, 0.7071, None)
    assert result["runs"][1] == {"seed": 5, "a": 2.0, "b": 1.0}
    assert summary([{"a": 1.0}], [0]) == {"a": 1.0, "seeds": [0]}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_tiny_bert(folder / "tiny")
    for name, text in (("train", TRAIN), ("test", TEST), ("config", f"kefu:\n  encoder: {folder / 'tiny'}\n")):
        (folder / f"{name}.yml").write_text(text, "utf-8")
    return folder


def test_command_writes_json_and_prints(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "figures.json"
    words = ["evaluate", "nlu", "--train", str(files / "train.yml"), "--test", str(files / "test.yml")]
    assert (
        main([*words, "--config", str(files / "config.yml"), "--repeat", "2", "--seed", "3", "--json", str(out)]) == 0
    )
    figures = json.loads(out.read_text("utf-8"))
    assert figures["seeds"] == [3, 4]
    assert [run["seed"] for run in figures["runs"]] == [3, 4]
    for name in ("intent_accuracy", "accuracy", "entity_f1", "ece", "train_s", "out_of_scope_recall"):
        assert figures[name] == pytest.approx(sum(run[name] for run in figures["runs"]) / 2, abs=1e-3)
    assert 50 < figures["memory_mb"] < 2000
    said = capsys.readouterr().out
    assert f"{figures['intent_accuracy']:.3f} ± {figures['std']['intent_accuracy']:.3f}" in said


def test_command_prints_json_alone(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--train", str(files / "train.yml"), "--test", str(files / "test.yml"), "--encoder", str(files / "tiny")]
    assert main(["evaluate", "nlu", "--json", *words, "--outside", str(files / "test.yml")]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["parse_p50_ms"] is None  # three rows tell no percentile
    assert "runs" not in figures


def test_speed_is_that_of_a_process_of_its_own(files: Path, tmp_path: Path) -> None:
    data = load_nlu([read_file(files / "train.yml")], env={})
    texts = ["hello you"] * 30 + ["i want to fly to new york where is my order number"] * 30
    assert len(texts[-1].split()) == 12
    with taught(Lesson(data=data, base=str(files / "tiny")), seed=0, progress=lambda share, doing: None) as (out, _):
        speed = measured_speed(out, texts)
        few = measured_speed(out, texts[:31])
    figures = {name: value for name, value in speed.items() if value is not None}
    assert figures.keys() == speed.keys()
    assert 0 < figures["parse_p50_ms"] <= figures["parse_p95_ms"]
    assert figures["parse_12_words_p50_ms"] > 0
    assert figures["messages_per_s"] > 32 * 1000 / figures["parse_p95_ms"] / 100  # no unit is mistaken
    assert (few["parse_12_words_p50_ms"], few["messages_per_s"]) == (None, None)
    with pytest.raises(NluFolderError, match="cannot be measured"):
        measured_speed(tmp_path, texts)


def test_report_and_dev(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--train", str(files / "train.yml"), "--test", str(files / "test.yml"), "--encoder", str(files / "tiny")]
    out = tmp_path / "results"
    assert main(["evaluate", "nlu", *words, "--dev", str(files / "test.yml"), "--report", str(out)]) == 0
    html = (out / "nlu_report.html").read_text("utf-8")
    assert "measured on</dt><dd>test.yml" in html
    assert str(out / "nlu_report.html") in capsys.readouterr().err


def test_cross_validation_of_an_assistant(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    alone = "- intent: alone\n  examples: |\n    - weather\n"  # nothing to judge it by
    (tmp_path / "data/nlu.yml").write_text(
        TRAIN.replace("- hello hi\n", "- hello hi\n    - hello hi\n") + alone, "utf-8"
    )
    intents = "intents: [fly, greet, bye, alone]\nentities: [city]\n"
    (tmp_path / "domain.yml").write_text(f'version: "3.1"\n{intents}', "utf-8")
    (tmp_path / "config.yml").write_text((files / "config.yml").read_text("utf-8"), "utf-8")
    assert main(["test", str(tmp_path), "--nlu", "--fast", "--folds", "3", "--seed", "2"]) == 0
    figures = json.loads((tmp_path / "results/nlu.json").read_text("utf-8"))
    assert sum(row["support"] for row in figures["intents"].values()) == 15  # each example once, repeated ones too
    assert "alone" not in figures["intents"] or figures["intents"]["alone"]["support"] == 0
    assert (figures["folds"], figures["seed"]) == (3, 2)
    assert "cross-validation in 3 parts" in (tmp_path / "results/nlu_report.html").read_text("utf-8")
    said = capsys.readouterr().out
    assert (
        f"intent_accuracy          {figures['intent_accuracy']:.3f} ± {figures['std']['intent_accuracy']:.3f}" in said
    )
    assert [line for line in said.splitlines() if line.startswith("data/nlu.yml:")][:3] == [
        f"{s['place']}: {s['text']!r} stands under {s['intent']} and looks like {s['other']}"
        for s in figures["suspects"][:3]
    ]


def test_a_cross_validation_needs_an_intent_with_two_examples(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    single = "- intent: {}\n  examples: |\n    - {}\n"
    (tmp_path / "data").mkdir()
    (tmp_path / "data/nlu.yml").write_text(f"nlu:\n{single.format('greet', 'hello')}{single.format('bye', 'bye')}")
    (tmp_path / "domain.yml").write_text("intents: [greet, bye]\n")
    (tmp_path / "config.yml").write_text((files / "config.yml").read_text("utf-8"), "utf-8")
    assert main(["test", str(tmp_path), "--nlu", "--fast"]) == 3
    said = capsys.readouterr().err
    assert "data/nlu.yml:4: no intent has two examples, one to learn and one to judge; write at least five" in said


def test_command_names_what_is_wrong(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "nlu", "--train", str(files / "train.yml"), "--test", str(files / "test.yml")]
    config = tmp_path / "config.yml"
    config.write_text("kefu:\n  nlu_threshold: 3\n", "utf-8")
    assert main([*words, "--config", str(config)]) == 2
    assert f"{config}:2: nlu_threshold is a probability" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([*words, "--repeat", "0"])
    assert "write 1 or more" in capsys.readouterr().err

"""The commands that measure understanding: what the pipeline says counts there too, and notices are told."""

import json
from pathlib import Path

import pytest
from tiny_encoder import write_tiny_bert

from bot.cli import main

pytestmark = pytest.mark.usefixtures("one_thread")

TRAIN = """nlu:
- intent: greet
  examples: |
    - hello
    - hi there
    - good morning
- intent: ship
  examples: |
    - ship it to my home
    - send it to me
    - please ship it
- regex: zipcode
  examples: |
    - \\b\\d{5}\\b
"""
TEST = "nlu:\n- intent: ship\n  examples: |\n    - ship it to [12345](zipcode)\n    - send it to [54321](zipcode)\n"


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command without a configuration."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "train.yml").write_text(TRAIN, "utf-8")
    (folder / "test.yml").write_text(TEST, "utf-8")
    files = ["--train", str(folder / "train.yml"), "--test", str(folder / "test.yml")]
    return ["evaluate", "nlu", "--fast", "--json", "--encoder", str(write_tiny_bert(folder / "tiny")), *files]


@pytest.mark.parametrize(
    ("pipeline", "entity_f1"),
    [
        # none, none of its own, and one that extracts
        (None, 1.0),
        ("[]", 1.0),
        ("[{name: RegexEntityExtractor}]", 1.0),
        # features alone, and an extractor that leaves regexes out
        ("[{name: RegexFeaturizer}, {name: DIETClassifier}]", 0.0),
        ("[{name: RegexEntityExtractor, use_regexes: false}]", 0.0),
    ],
)
def test_patterns_extract_as_the_pipeline_says(
    pipeline: str | None, entity_f1: float, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yml"
    config.write_text(f"language: en\npipeline: {pipeline}\n", "utf-8")
    assert main([*words, *(["--config", str(config)] if pipeline else [])]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["entity_f1"] == entity_f1
    assert ("only tested, so it is never found" in said.err) is (entity_f1 == 0.0)


def test_what_each_file_has_in_vain_is_told(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dev, outside = tmp_path / "dev.yml", tmp_path / "outside.yml"
    item = "nlu:\n- intent: {}\n  examples: |\n    - {}\n"
    dev.write_text(
        item.format("refund", "ship 12345 [back](direction)\n    - [ship](what)ment") + "    - hello\n", "utf-8"
    )
    outside.write_text(item.format("any", "what is the weather " * 200), "utf-8")
    assert main([*words, "--dev", str(dev), "--outside", str(outside)]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith(str(tmp_path))]
    assert told == [
        f'{dev}:5: "ship" (what) cuts a word, and what is learned finds whole words; annotate all of it',
        f'{dev}:4: the intent "refund" is only tested: no example trains it',
        *(
            f'{dev}:{line}: the entity "{name}" is only tested, so it is never found; annotate it in examples, '
            "or name it in the domain and in a regex or lookup table, which a pipeline reads by RegexEntityExtractor"
            for line, name in ((4, "direction"), (5, "what"))
        ),
        f"{outside}:4: an example of 3,999 characters; only the first 2,000 are read",
    ]


def test_a_cross_validation_tells_the_notices_of_the_folder(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = words[words.index("--encoder") + 1]
    alone = "- intent: bye\n  examples: |\n    - bye\n"
    files = {"domain.yml": "intents: [greet, ship, bye]\n", "config.yml": f"kefu: {{encoder: {base}}}\n"}
    (tmp_path / "data").mkdir()
    for name, text in {**files, "data/nlu.yml": f"{TRAIN}{alone}"}.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert main(["test", str(tmp_path), "--nlu", "--fast", "--folds", "2", "--json"]) == 0
    said = capsys.readouterr()
    assert 'data/nlu.yml:17: the intent "bye" has one example' in said.err
    assert json.loads(said.out)["folds"] == 2

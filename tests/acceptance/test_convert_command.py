"""Old folders converted by the real command: the source is untouched, the result validates, learns and answers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

OLD = Path(__file__).parents[1] / "old_assistants"


def kefu(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *map(str, words)], capture_output=True, text=True, check=False, **options
    )


def state(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["rasa1", "rasa2"])
def test_a_converted_folder_validates_learns_and_answers(tmp_path, name):
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copytree(OLD / name, old)
    (old / "models").mkdir()
    (old / "models" / "old.tar.gz").write_bytes(b"\0")
    before = state(old)
    done = kefu("data", "convert", old, "--out", new, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["faults"] == []
    assert state(old) == before
    assert not (new / "models").exists()
    assert kefu("data", "validate", new).returncode == 0
    trained = kefu("train", new, "--fast", "--no-generator")
    assert trained.returncode == 0, trained.stderr
    shutil.rmtree(new / "actions", ignore_errors=True)  # a person has to rewrite it first
    answer = json.loads(kefu("ask", "/greet", new, "--json").stdout)
    assert answer["replies"][0]["text"] in ("hello!", "Hi")


def test_faults_that_are_left_are_told(tmp_path):
    old = tmp_path / "old"
    old.mkdir()
    (old / "domain.yml").write_text("intents: [a]\n", "utf-8")
    (old / "config.yml").write_text("language: en\n", "utf-8")
    (old / "data").mkdir()
    (old / "data" / "stories.md").write_text("## s\n* a\n  - utter_b\n", "utf-8")
    done = kefu("data", "convert", old, "--out", tmp_path / "new")
    assert done.returncode == 1
    assert 'data/stories.yml:6: the story "s" says "utter_b"' in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("missing", "--out", "new"), "there is no such folder"),
        (("old", "--out", "full"), "holds something already"),
        (("old", "--out", "old/new"), "lies in old"),
    ],
)
def test_folders_that_cannot_be_used(tmp_path, words, says):
    (tmp_path / "old").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    done = kefu("data", "convert", *words, cwd=tmp_path)
    assert (done.returncode, says in done.stderr) == (2, True)

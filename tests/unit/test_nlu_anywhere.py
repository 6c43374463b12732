"""NLU data outside an assistant: what ``kefu evaluate nlu`` reads."""

from pathlib import Path

import pytest

from bot.dialogue.errors import ProjectFaults
from bot.dialogue.load import load_nlu
from bot.folder import read_file


def test_files_anywhere_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("\ufeffnlu:\n- intent: greet\n  examples: |\n    - hi\n", "utf-8")
    (tmp_path / "b.yml").write_text("nlu:\n- intent: bye\n  examples: |\n    - 再见\n", "utf-8")
    data = load_nlu([read_file(tmp_path / "a.yml"), read_file(tmp_path / "b.yml")], env={})
    assert [(example.text, example.intent) for example in data.examples] == [("hi", "greet"), ("再见", "bye")]


@pytest.mark.parametrize("text", ["stories: []\n", "nlu: [", "", "- 1\n"])
def test_what_is_no_nlu_data_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yml").write_text(text, "utf-8")
    with pytest.raises(ProjectFaults, match=r"a\.yml:1"):
        load_nlu([read_file(tmp_path / "a.yml")], env={})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectFaults, match=r"none\.yml:1"):
        read_file(tmp_path / "none.yml")

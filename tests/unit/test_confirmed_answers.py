"""The table of answers that customers found good: written, read again, and told where it is wrong."""

from pathlib import Path

import pytest

from bot.dialogue.errors import ProjectFaults
from training.confirmed import read_answers, write_answers


def test_answers_are_kept_and_newer_ones_take_the_place_of_older(tmp_path: Path) -> None:
    table = tmp_path / "confirmed_answers.csv"
    assert read_answers(table) == []
    write_answers(table, [("how long?", 'Two "days",\nat most.'), ("运费多少？", "满99元免运费。")])
    write_answers(table, [("how long?", "Three days.")])
    assert read_answers(table) == [("how long?", "Three days."), ("运费多少？", "满99元免运费。")]


def test_nothing_to_write_makes_no_file(tmp_path: Path) -> None:
    write_answers(tmp_path / "t.csv", [])
    assert not (tmp_path / "t.csv").exists()


def test_a_table_of_a_spreadsheet_with_gaps(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("note,question,answer\nx,how?, so \n,,\n,why?\n", "utf-8-sig")
    assert read_answers(table) == [("how?", "so")]


@pytest.mark.parametrize(
    ("content", "what"), [(b"question;answer\n", "lacks a column"), (b"\xff\xfe", "cannot be read")]
)
def test_a_bad_table_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes(content)
    with pytest.raises(ProjectFaults) as caught:
        read_answers(table)
    assert what in str(caught.value)
    assert "t.csv:1" in str(caught.value)

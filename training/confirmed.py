"""Answers that customers found good: a table beside the training data, which fine-tuning the generator learns from."""

import csv
from collections.abc import Sequence
from pathlib import Path

from bot.dialogue.errors import Fault, ProjectFaults

COLUMNS = ("question", "answer")

Answers = Sequence[tuple[str, str]]
"""Questions and answers."""


def read_answers(path: Path) -> list[tuple[str, str]]:
    """The table's rows, those that lack a cell left out; none where there is no table. Raises ProjectFaults."""
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names, rows = reader.fieldnames or (), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        what, remedy = f"cannot be read ({exc})", "give a CSV in UTF-8"
        raise ProjectFaults([Fault(path=str(path), line=1, what=what, remedy=remedy)]) from exc
    if not set(COLUMNS) <= set(names):
        what, remedy = "lacks a column", f"name the columns {' and '.join(COLUMNS)} in the first line"
        raise ProjectFaults([Fault(path=str(path), line=1, what=what, remedy=remedy)])
    cells = (tuple((row[name] or "").strip() for name in COLUMNS) for row in rows)
    return [(question, answer) for question, answer in cells if question and answer]


def write_answers(path: Path, answers: Answers) -> None:
    """Put answers into the table, in the place of older ones to the same questions."""
    if not answers:
        return
    kept = dict([*read_answers(path), *answers])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *kept.items()])

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.delivery.audit import AuditLog, Broken, verify

DAY_S = 86_400.0


@dataclass
class Calendar:
    at: float = 0.0

    def now(self) -> float:
        return self.at


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    calendar = Calendar()
    for number in range(6):
        log = AuditLog(tmp_path, clock=calendar)  # a new process each time
        log.record(actor="李雷", action="promote", subject=f"release\r\n{number}", before=None, after={"id": number})
        calendar.at += DAY_S / 3
    return tmp_path


def test_entries_are_kept_by_day_and_follow_from_each_other(folder: Path) -> None:
    files = sorted(folder.glob("*.jsonl"))
    assert [path.name for path in files] == ["audit-1970-01-01.jsonl", "audit-1970-01-02.jsonl"]
    entries = [json.loads(line) for path in files for line in path.read_text("utf-8").splitlines()]
    assert [entry["subject"] for entry in entries] == [f"release {number}" for number in range(6)]
    assert entries[3]["at"] == "1970-01-02T00:00:00+00:00"
    assert verify(folder) is None


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda lines: [lines[0].replace("李雷", "李四"), *lines[1:]], 2),  # a changed line
        (lambda lines: lines[1:], 1),  # a removed one
        (lambda lines: [lines[1], lines[0], lines[2]], 1),  # two that changed places
        (lambda lines: [lines[0], lines[0], *lines[1:]], 2),  # one twice
        (lambda lines: [lines[0], "no JSON", *lines[1:]], 2),
    ],
)
def test_a_change_is_seen(folder: Path, change: Callable[[list[str]], list[str]], where: int) -> None:
    path = folder / "audit-1970-01-01.jsonl"
    path.write_text("\n".join(change(path.read_text("utf-8").splitlines())) + "\n", "utf-8")
    assert verify(folder) == Broken(path, where)


def test_a_change_in_the_last_line_of_a_day_shows_on_the_next(folder: Path) -> None:
    path = folder / "audit-1970-01-01.jsonl"
    path.write_text("\n".join(path.read_text("utf-8").splitlines()[:-1]) + "\n", "utf-8")
    assert verify(folder) == Broken(folder / "audit-1970-01-02.jsonl", 1)

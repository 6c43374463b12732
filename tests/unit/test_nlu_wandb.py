"""The course of a training in W&B, which is not installed here: a module of its name notes what it is asked for."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from training.nlu_logs import mirrored, recorded

WANDB = """
from contextlib import contextmanager
from pathlib import Path

told = []

class Settings:
    def __init__(self, *, console):
        self.console = console

@contextmanager
def init(*, dir, sync_tensorboard, settings):
    told.append(("started", dir, Path(dir).is_dir(), sync_tensorboard, settings.console))
    try:
        yield
    finally:
        told.append("finished")
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What W&B was told, in order."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/wandb.py").write_text(WANDB)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    import wandb

    yield wandb.told
    del sys.modules["wandb"]


def test_events_written_meanwhile_go_to_wandb(told: list[Any], tmp_path: Path) -> None:
    """It takes them from TensorBoard's writer, wherever that writes, and nothing from the terminal."""
    logs = tmp_path / "new" / "logs"
    with mirrored(logs, {"WANDB_PROJECT": "shop"}):
        assert told == [("started", str(logs), True, True, "off")]
        with recorded(logs / "final") as record:
            assert record is not None
            record("loss", 1.0, 1)
    assert told[1:] == ["finished"]


def test_wandb_is_finished_when_a_training_fails(told: list[Any], tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk"), mirrored(tmp_path, {"WANDB_PROJECT": "shop"}):
        raise OSError("disk")
    assert told[1:] == ["finished"]


@pytest.mark.parametrize(
    ("logs", "env"),
    [
        # nothing is logged, no project is named, or by an empty name
        (None, {"WANDB_PROJECT": "shop"}),
        ("logs", {}),
        ("logs", {"WANDB_PROJECT": ""}),
    ],
)
def test_wandb_is_asked_for_by_its_own_variable(
    told: list[Any], tmp_path: Path, logs: str | None, env: dict[str, str]
) -> None:
    with mirrored(tmp_path / logs if logs else None, env):
        pass
    assert told == []
    assert not (tmp_path / "logs").exists()


def test_without_wandb_its_variable_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.nlu_logs.find_spec", lambda name: None)
    with mirrored(tmp_path / "logs", {"WANDB_PROJECT": "shop"}):
        pass
    assert not (tmp_path / "logs").exists()

"""A release is whole or it is not there."""

import json
import shutil
import threading
from pathlib import Path

import pytest

from bot.errors import ReleaseError
from bot.release import (
    ReleaseDraft,
    current_release,
    list_releases,
    open_release,
    promote,
    prune,
    releases_lock,
    roll_back,
)


def build(models: Path, text: str = "weights", fingerprint: str = "a") -> str:
    draft = ReleaseDraft(models)
    part = draft.add("nlu", fingerprint)
    part.mkdir()
    (part / "model.safetensors").write_text(text)
    return draft.finish({"accuracy": 0.9}).id


def test_a_finished_release_opens_and_lists(tmp_path: Path) -> None:
    release_id = build(tmp_path)
    release = open_release(tmp_path / release_id)
    assert (release.id, release.metrics) == (release_id, {"accuracy": 0.9})
    assert release.part("nlu") == tmp_path / release_id / "nlu"
    assert release.part("generator") is None
    assert [entry.id for entry in list_releases(tmp_path)] == [release_id]


def test_an_unfinished_release_is_none(tmp_path: Path) -> None:
    ReleaseDraft(tmp_path).add("nlu", "a").mkdir()
    assert list_releases(tmp_path) == []
    with pytest.raises(ReleaseError, match="kefu train"):
        current_release(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "nlu/model.safetensors").write_text("Weights"),  # same size, other bytes
        lambda folder: (folder / "nlu/model.safetensors").write_text("w"),  # torn
        lambda folder: (folder / "nlu/model.safetensors").unlink(),
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").write_text("[]"),
        lambda folder: (folder / "manifest.json").write_text(json.dumps({"format": 99})),
    ],
)
def test_a_damaged_release_is_refused(tmp_path: Path, damage) -> None:
    folder = tmp_path / build(tmp_path)
    damage(folder)
    with pytest.raises(ReleaseError):
        open_release(folder)
    with pytest.raises(ReleaseError):
        promote(tmp_path, folder.name)


def test_promote_and_roll_back(tmp_path: Path) -> None:
    first, second = build(tmp_path), build(tmp_path)
    promote(tmp_path, first)
    with pytest.raises(ReleaseError, match="no earlier"):
        roll_back(tmp_path)
    promote(tmp_path, second)
    assert current_release(tmp_path).id == second
    assert roll_back(tmp_path).id == first
    assert current_release(tmp_path).id == first


def test_promote_takes_no_path(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="no release id"):
        promote(tmp_path, "../elsewhere")


def test_a_part_is_reused_only_for_equal_inputs(tmp_path: Path) -> None:
    previous = open_release(tmp_path / build(tmp_path, fingerprint="same"))
    draft = ReleaseDraft(tmp_path)
    assert not draft.reuse("nlu", "other", previous)
    assert not draft.reuse("nlu", "same", None)
    assert draft.reuse("nlu", "same", previous)
    assert (open_release(draft.finish({}).folder).folder / "nlu/model.safetensors").read_text() == "weights"


def test_prune_keeps_the_current_release(tmp_path: Path) -> None:
    ids = [build(tmp_path) for _ in range(4)]
    promote(tmp_path, ids[0])
    ReleaseDraft(tmp_path)
    gone = prune(tmp_path, keep=2)
    assert len(gone) in {1, 2}
    kept = {entry.id for entry in list_releases(tmp_path)}
    assert ids[0] in kept
    assert len(kept) == 4 - len(gone)
    assert not list(tmp_path.glob(".building-*"))


def test_a_release_that_lost_a_part_is_none(tmp_path: Path) -> None:
    draft = ReleaseDraft(tmp_path)
    for part in ("policy", "nlu"):
        draft.add(part, "a").mkdir()
    shutil.rmtree(draft.folder / "policy")
    with pytest.raises(ReleaseError, match="policy: somebody deleted it"):
        draft.finish({})
    assert list_releases(tmp_path) == []


def test_one_after_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order: list[str] = []

    def second() -> None:
        with releases_lock(tmp_path):
            order.append("second")

    with releases_lock(tmp_path) as held:
        assert held
        with releases_lock(tmp_path, wait=False) as other:
            assert not other
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.3)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
    assert "another training is at work there" in capsys.readouterr().err
    assert list_releases(tmp_path) == []


def test_a_lock_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="nothing was trained yet"), releases_lock(tmp_path / "models"):
        pass
    assert not (tmp_path / "models").exists()

import sys
from pathlib import Path

import pytest

from nlu.base import resolve_base
from nlu.errors import BaseNotFound


@pytest.fixture
def carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable package that would fail if it were imported."""
    package = tmp_path / "carries_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    return package


def test_a_package_is_found_without_importing_it(carrier: Path) -> None:
    model = carrier / "model"
    (model / "1_Pooling").mkdir(parents=True)
    (model / "1_Pooling" / "config.json").write_text("{}")  # no weights beside it: not the model
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").touch()

    assert resolve_base("package:carries_weights") == model
    assert "carries_weights" not in sys.modules


def test_a_package_with_gguf_gives_the_file(carrier: Path) -> None:
    (carrier / "small.gguf").touch()
    assert resolve_base("package:carries_weights") == carrier / "small.gguf"


def test_a_path_to_a_folder_or_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "g.gguf").touch()
    assert resolve_base(str(tmp_path)) == tmp_path
    assert resolve_base(str(tmp_path / "g.gguf")) == tmp_path / "g.gguf"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("package:no_such_package_here", "not installed"),
        ("package:../x", "not installed"),  # never a file name
        ("./no-such-folder", "does not exist"),  # a path, not a hub id
        ("no-such-base", "does not exist"),  # neither a path nor shaped like a hub id
    ],
)
def test_a_name_that_leads_nowhere_says_what_would_be_right(name: str, says: str) -> None:
    with pytest.raises(BaseNotFound, match=says) as caught:
        resolve_base(name)
    assert caught.value.remedy
    assert caught.value.code == "base_not_found"


def test_a_folder_without_weights(tmp_path: Path) -> None:
    with pytest.raises(BaseNotFound, match="holds no weights"):
        resolve_base(str(tmp_path))


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise ConnectionError

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(BaseNotFound, match="ConnectionError") as caught:
        resolve_base("someone/some-model")
    assert "needs no hub" in caught.value.remedy

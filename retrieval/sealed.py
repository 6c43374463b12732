"""Folders that are whole or refused: a manifest, written last, holds size and SHA-256 of every file."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from retrieval.errors import IndexFileError

MANIFEST = "manifest.json"
T = TypeVar("T")


def seal(folder: Path, kind: str, about: Mapping[str, Any]) -> None:
    """Write the manifest over every other file below the folder, in one rename."""
    files = {file.relative_to(folder).as_posix(): _stamp(file) for file in _files(folder)}
    draft = folder / f"{MANIFEST}.new"
    write_json(draft, {"format": kind, "files": files, **about})
    draft.replace(folder / MANIFEST)


def verify(folder: Path, kind: str) -> Mapping[str, Any]:
    """The manifest, after every file was found whole. Raises ``IndexFileError``."""
    manifest = checked_json(folder / MANIFEST, dict)
    if manifest.get("format") != kind:
        raise IndexFileError(f"{folder}: format {manifest.get('format')!r}, not {kind}; train again")
    listed = manifest.get("files")
    if not isinstance(listed, dict):
        raise IndexFileError(f"{folder / MANIFEST}: lists no files; train again")
    found = {file.relative_to(folder).as_posix() for file in _files(folder)}
    if missing := sorted(listed.keys() - found):
        raise IndexFileError(f"{folder}: {missing[0]} is missing; restore it or train again")
    if foreign := sorted(found - listed.keys()):
        raise IndexFileError(f"{folder}: {foreign[0]} does not belong there; remove it")
    for name, stamp in listed.items():
        if _stamp(folder / name) != stamp:
            raise IndexFileError(f"{folder}: {name} is torn or was changed; restore it or train again")
    return manifest


def write_json(file: Path, value: object) -> None:
    """Compact UTF-8 JSON."""
    file.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), "utf-8")


def checked_json(file: Path, kind: type[T]) -> T:
    """A JSON file's value, of the type it should have. Raises ``IndexFileError``."""
    try:
        value = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise IndexFileError(f"{file}: missing; was training cut short? train again") from error
    except (OSError, ValueError) as error:
        raise IndexFileError(f"{file}: cannot be read ({error}); train again") from error
    if not isinstance(value, kind):
        raise IndexFileError(f"{file}: holds no {kind.__name__}; train again")
    return value


def write_arrays(file: Path, arrays: Mapping[str, NDArray[np.int64]]) -> None:
    """Named arrays as safetensors."""
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, file)


def read_arrays(file: Path) -> dict[str, NDArray[np.int64]]:
    """What ``write_arrays`` wrote. Raises ``IndexFileError``."""
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise IndexFileError(f"{file}: cannot be read ({error}); train again") from error


def _files(folder: Path) -> list[Path]:
    return [
        file for file in sorted(folder.rglob("*")) if file.is_file() and file.name not in (MANIFEST, f"{MANIFEST}.new")
    ]


def _stamp(file: Path) -> dict[str, object]:
    with file.open("rb") as opened:
        return {"size": file.stat().st_size, "sha256": hashlib.file_digest(opened, "sha256").hexdigest()}

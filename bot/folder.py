"""An assistant folder on the disk: which files are read, and how bytes become text. The format is not known here."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bot.dialogue.errors import Fault, ProjectFaults
from bot.dialogue.load import ENDINGS, load_project, readable_config
from bot.dialogue.project import Config, Project, SourceFile

FOLDERS = ("domain", "data", "tests")
"""Sub-folders that hold YAML of the assistant; models/, results/, actions/, knowledge/ and others do not."""

MAX_FILE_BYTES = 50_000_000


def read_sources(folder: Path) -> tuple[SourceFile, ...]:
    """Read every YAML file that may belong to the assistant, ordered by path.

    Raises ProjectFaults with each file that is no UTF-8, too large or unreadable, or if there is no such folder.
    """
    sources, faults = _read_all(folder)
    if faults:
        raise ProjectFaults(faults)
    return sources


def load_folder(folder: Path, *, env: Mapping[str, str]) -> Project:
    """Load the assistant in ``folder``. Raises ProjectFaults with everything that is wrong with it."""
    sources, faults = _read_all(folder)
    return load_project(sources, env=env, unread=faults)


def config_of(folder: Path, *, env: Mapping[str, str]) -> Config:
    """What the assistant's ``config.yml`` says, as far as it can be read; nothing where there is none."""
    return readable_config(_read_all(folder)[0], env=env) if folder.is_dir() else Config()


def must_exist(folder: Path) -> None:
    """Raises ProjectFaults if there is no such folder."""
    if not folder.is_dir():
        remedy = 'name a folder, or make one with "kefu init"'
        raise ProjectFaults([Fault(path=str(folder), line=1, what="there is no such folder", remedy=remedy)])


def _read_all(folder: Path) -> tuple[tuple[SourceFile, ...], tuple[Fault, ...]]:
    must_exist(folder)
    read = [_read(folder, path) for path in sorted(_paths(folder))]
    sources = tuple(entry for entry in read if isinstance(entry, SourceFile))
    return sources, tuple(entry for entry in read if isinstance(entry, Fault))


def read_file(path: Path) -> SourceFile:
    """Read one file that stands anywhere. Raises ProjectFaults if it cannot be read."""
    read = _read(path.parent, path)
    if isinstance(read, Fault):
        raise ProjectFaults([replace(read, path=str(path))])
    return replace(read, path=str(path))


def _paths(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.iterdir() if _is_yaml(path))
    for name in FOLDERS:
        for path in (folder / name).rglob("*"):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if _is_yaml(path) and not hidden:
                yield path


def _is_yaml(path: Path) -> bool:
    return path.suffix in ENDINGS and not path.name.startswith(".") and path.is_file()


def _read(folder: Path, path: Path) -> SourceFile | Fault:
    name = path.relative_to(folder).as_posix()
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            what = f"the file is larger than {MAX_FILE_BYTES // 1_000_000} MB"
            return Fault(path=name, line=1, what=what, remedy="split it")
        data = path.read_bytes()
    except OSError as error:
        what = f"the file cannot be read: {error.strerror}"
        return Fault(path=name, line=1, what=what, remedy="correct its permissions")
    try:
        return SourceFile(path=name, text=data.decode("utf-8").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        what = f"byte {data[error.start]:#04x} is not valid UTF-8"
        line = data.count(b"\n", 0, error.start) + 1
        return Fault(path=name, line=line, what=what, remedy="save the file as UTF-8")

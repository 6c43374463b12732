"""Runs the tasks of ``bench_knowledge_tasks``, each in a fresh process, and keeps what came out.

A result is kept as a JSON file a task, with a fingerprint of the code and data it depends on: what did not change is
not measured again. Started as a program (``python -m training.bench_knowledge``), this module is that fresh process.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import faiss
import numpy as np
import torch

from bot.release import fingerprint, sha256_file
from retrieval.index_kinds import gpu_available
from training.bench_knowledge_tasks import TASKS, Task, synthetic
from training.bench_nlu import machine
from training.code_files import code_files

Say = Callable[[str], None]

Row = tuple[Task, "Result", bool]
"""A task with its kept result, and whether code and data are still those of the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one task gave: its figures by name, or a ``fault`` in words."""

    task: str
    fingerprint: str
    made: str
    machine: Mapping[str, str]
    figures: Mapping[str, float]
    fault: str = ""


def chosen(names: Sequence[str], counts: Sequence[int]) -> list[Task]:
    """The tasks with these names, and one for each number of synthetic vectors."""
    return [task for task in TASKS if task.name in names] + [synthetic(count, gpu=gpu_available()) for count in counts]


def run(tasks: Sequence[Task], *, data: Path, results: Path, say: Say) -> list[Result]:
    """Run the tasks that have no fresh result; one that fails has a fault. Those that lack their data are left out."""
    results.mkdir(parents=True, exist_ok=True)
    found = []
    for task in tasks:
        if missing := [name for name in task.measure.files if not (data / name).exists()]:
            say(f"{task.name}: passed over, as there is no {data / missing[0]}")
        else:
            found.append(_kept_or_run(task, data=data, results=results, say=say))
    return found


def kept_rows(results: Path, data: Path) -> list[Row]:
    """Every task that has a kept result, in the order of the tasks, the synthetic ones last and by size.

    A result whose data is not there cannot be told from one of other data.
    """
    names = [path.stem for path in results.glob("*.json")]
    counts = sorted({int(count) for name in names if (count := _vectors(name))})
    tasks = [*TASKS, *(synthetic(count, gpu=gpu) for count in counts for gpu in (False, True))]
    found = [(task, _read(results / f"{task.file}.json")) for task in tasks if task.file in names]
    return [(task, result, result.fingerprint == state(task, data)) for task, result in found]


def state(task: Task, data: Path) -> str:
    """A fingerprint of all that a task's figures depend on: code, data, versions, device, and what is asked.

    A file that is missing counts as such.
    """
    files = [file for name in task.measure.files for file in _files(data / name)]
    return fingerprint(
        [sha256_file(path) for path in code_files(task.measure.code)],
        [[file.relative_to(data).as_posix(), sha256_file(file) if file.is_file() else ""] for file in files],
        repr(task.measure),
        [torch.__version__, np.__version__, version("bm25s")],
        task.gpu,
    )


def _kept_or_run(task: Task, *, data: Path, results: Path, say: Say) -> Result:
    path, current = results / f"{task.file}.json", state(task, data)
    if path.is_file() and (before := _read(path)).fingerprint == current:
        say(f"{task.name}: unchanged")
        return before
    say(f"{task.name}: running")
    result = _in_fresh_process(task, current, data)
    if result.fault:
        say(f"{task.name}: {result.fault}")
    else:
        path.write_text(json.dumps(asdict(result), indent=1) + "\n", "utf-8")
        say(f"{task.name}: done")
    return result


def _in_fresh_process(task: Task, current: str, data: Path) -> Result:
    result = Result(task=task.name, fingerprint=current, made=_now(), machine=_machine(), figures={})
    command = [sys.executable, "-m", "training.bench_knowledge", task.name, str(data)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return replace(result, fault=lines[-1] if lines else f"ended with {done.returncode}")
    return replace(result, figures=json.loads(done.stdout.splitlines()[-1]))


def _read(path: Path) -> Result:
    return Result(**json.loads(path.read_text("utf-8")))


def _vectors(name: str) -> int:
    """How many vectors a synthetic task of this name has; 0 for another task."""
    kind, _, count = name.removesuffix("-gpu").partition("_")
    return int(count) if kind == "vectors" and count.isdecimal() else 0


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _machine() -> dict[str, str]:
    return {**machine(), "faiss": faiss.__version__}


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


if __name__ == "__main__":
    asked, counted = sys.argv[1], _vectors(sys.argv[1])
    (task,) = chosen([asked], [counted] if counted else [])
    print(json.dumps(task.measure(Path(sys.argv[2]))))

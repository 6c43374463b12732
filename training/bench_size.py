"""What a large assistant costs: loading, training and testing that of ``big_assistant``, as its commands do.

Each command runs in a process of its own, whose time and peak memory are taken (with that of its children).
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.errors import BenchError
from training.big_assistant import big_assistant

COMMANDS = (("validate", ("data", "validate")), ("train", ("train",)), ("test", ("test",)))
LIMITS = {"train_s": 300.0, "peak_mb": 2_000.0}
"""What loading and training together may take, and every command may hold."""

_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One command: seconds, and the most resident memory that it and its children held at a time."""

    command: str
    seconds: float
    peak_mb: float


def measure(*, fast: bool, say: Callable[[str], None]) -> tuple[Cost, ...]:
    """Write the assistant to a scratch folder and run the commands there. Raises BenchError if one fails."""
    with tempfile.TemporaryDirectory(prefix="kefu-bench-size-") as scratch:
        write(Path(scratch))
        costs = []
        for name, command in COMMANDS:
            options = ("--fast",) if fast and name == "train" else ()
            costs.append(_run(name, (*command, scratch, *options)))
            say(f"{name}: {costs[-1].seconds} s, {costs[-1].peak_mb:.0f} MB")
        return tuple(costs)


def write(folder: Path) -> None:
    """Write the files of the large assistant."""
    for path, text in big_assistant().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")


def within_limits(costs: tuple[Cost, ...]) -> bool:
    """Whether training and memory stay under ``LIMITS``."""
    train_s = next(cost.seconds for cost in costs if cost.command == "train")
    return train_s <= LIMITS["train_s"] and all(cost.peak_mb <= LIMITS["peak_mb"] for cost in costs)


def _run(name: str, arguments: tuple[str, ...]) -> Cost:
    started, peak = time.perf_counter(), 0.0
    with tempfile.TemporaryFile() as log:
        process = psutil.Popen([sys.executable, "-m", "bot.cli", *arguments], stdout=log, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, _resident_mb(process))
            time.sleep(_LOOK_EVERY_S)
        if process.returncode > (name == "test"):  # a story that fails is no failure of the program
            log.seek(0)
            raise BenchError(f"kefu {' '.join(arguments)} failed:\n{log.read().decode(errors='replace')[-2000:]}")
    return Cost(command=name, seconds=round(time.perf_counter() - started, 1), peak_mb=round(peak))


def _resident_mb(process: psutil.Process) -> float:
    try:
        family = [process, *process.children(recursive=True)]
        return sum(member.memory_info().rss for member in family) / 1e6
    except psutil.NoSuchProcess:
        return 0.0

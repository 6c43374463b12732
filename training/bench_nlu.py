"""Runs the trainings of ``bench_nlu_rows``, each in a fresh process, and keeps what came out.

A result is kept as one JSON file for each training, seed and device, with a fingerprint of the code and data it
depends on: an interrupted run goes on where it stopped, and what did not change is not measured again. Started as a
program (``python -m training.bench_nlu``), this module is that fresh process.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil
import torch

from bot.dialogue.load import load_nlu
from bot.dialogue.project import NluData
from bot.folder import read_file
from bot.release import fingerprint, sha256_file
from nlu.base import DEFAULT_ENCODER
from nlu.data import Example
from nlu.model import NluModel
from training.bench_nlu_rows import TRAININGS, Exam, Training
from training.evaluate_nlu import judged, quality
from training.nlu_crossval import cross_validate
from training.nlu_data import examples_from
from training.nlu_fit import NluSettings
from training.nlu_noise import with_slips, without_case, without_punctuation
from training.nlu_speed import measured_speed
from training.nlu_trial import DIGITS, Lesson, device, taught

REPEATED_UNDER_S = 600.0
_NO_MATTER = ("nlu_page", "nlu_report", "nlu_suspects", "explain", "neighbours")
"""Modules that no figure depends on; neither does any depend on those of system entities."""
_NOT_ASKED = frozenset({"seeds", "quick", "timed"})
"""Fields of a training that say when and how often it is run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one training gave: its ``exams`` by name, each with its figures, or a ``fault`` in words.

    ``busy``: other work ran on the machine, so that nothing was timed.
    """

    training: str
    seed: int
    fingerprint: str
    made: str
    machine: Mapping[str, str]
    exams: Mapping[str, Mapping[str, float | None]]
    fault: str = ""
    busy: bool = False

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU did the work."""
        return "gpu" in self.machine


def run(
    names: Sequence[str],
    *,
    data: Path,
    results: Path,
    say: Callable[[str], None],
    seeds: int | None = None,
    busy: bool = False,
) -> list[Result]:
    """Run the trainings with these names where no fresh result is kept. A training that fails is said and passed over.

    ``seeds``: the most that a training is run with, if fewer than are its own. ``busy``: other work runs on the
    machine, so nothing is timed; a later run without it measures again. Returns the results that these trainings have
    now, faults included.
    """
    results.mkdir(parents=True, exist_ok=True)
    found = []
    for training in TRAININGS:
        if training.name not in names:
            continue
        for seed in range(min(training.seeds, seeds or training.seeds)):
            result = _kept_or_run(training, seed, data=data, results=results, say=say, busy=busy)
            found.append(result)
            if result.fault or _train_s(result) >= REPEATED_UNDER_S:
                break
    return found


def kept(results: Path) -> list[Result]:
    """Every result in a folder, of whatever code, those of a seed and training by name."""
    paths = sorted(results.glob("*.json")) if results.is_dir() else []
    return [Result(**json.loads(path.read_text("utf-8"))) for path in paths]


def state(training: Training, data: Path) -> str:
    """A fingerprint of all that a training's figures depend on: code, data, versions and what is asked.

    A file that is missing counts as such.
    """
    root = Path(__file__).parents[1]
    code = [
        *sorted((root / "nlu").glob("*.py")),
        *sorted((root / "training").glob("nlu*.py")),
        *(root / "training" / name for name in ("evaluate_nlu.py", "offtopic.py")),
    ]
    files = [data / file for file in _files(training)]
    return fingerprint(
        [sha256_file(path) for path in code if path.stem not in _NO_MATTER and not path.stem.startswith("system_")],
        [sha256_file(path) if path.is_file() else "" for path in files],
        json.dumps({key: value for key, value in asdict(training).items() if key not in _NOT_ASKED}, sort_keys=True),
        [torch.__version__, np.__version__],
    )


def _files(training: Training) -> list[str]:
    asked = [file for exam in training.exams.values() for file in exam.files]
    return list(dict.fromkeys([*training.train, *training.dev, *asked]))


def machine() -> dict[str, str]:
    """What ran, in words."""
    found = {
        "cpu": _cpu_model(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "kefu": version("kefu"),
    }
    return found | ({"gpu": torch.cuda.get_device_name(0)} if torch.cuda.is_available() else {})


def _kept_or_run(
    training: Training, seed: int, *, data: Path, results: Path, say: Callable[[str], None], busy: bool
) -> Result:
    path = results / f"{training.name}-{seed}-{device()}.json"
    missing = [file for file in _files(training) if not (data / file).is_file()]
    current = state(training, data)
    if path.is_file():
        result = Result(**json.loads(path.read_text("utf-8")))
        if result.fingerprint == current and (busy or not result.busy):
            say(f"{training.name}, seed {seed}: unchanged, {_in_short(result)}")
            return result
    result = Result(
        training=training.name, seed=seed, fingerprint=current, made=_now(), machine=machine(), exams={}, busy=busy
    )
    if missing:
        result = replace(result, fault=f"no file {missing[0]} in the data folder")
    else:
        say(f"{training.name}, seed {seed}: running")
        result = _in_fresh_process(result, data)
        if not result.fault:
            path.write_text(json.dumps(asdict(result), indent=1) + "\n", "utf-8")
    say(f"{training.name}, seed {seed}: {result.fault or _in_short(result)}")
    return result


def _in_fresh_process(result: Result, data: Path) -> Result:
    command = [sys.executable, "-m", "training.bench_nlu", result.training, str(result.seed), str(data)]
    command += ["busy"] if result.busy else []
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return replace(result, fault=lines[-1] if lines else f"ended with {done.returncode}")
    return replace(result, exams=json.loads(done.stdout.splitlines()[-1]))


def measure(training: Training, seed: int, data: Path, *, busy: bool = False) -> dict[str, dict[str, float | None]]:
    """Train once, judge every exam, and measure the speed on the first one if the machine is not ``busy``."""
    lesson = Lesson(
        data=_read(data, training.train),
        dev=examples_from(_read(data, training.dev)) if training.dev else (),
        base=training.base or DEFAULT_ENCODER,
        settings=NluSettings(heads_only=training.fast),
    )
    exams = {name: _questions(exam, data, seed) for name, exam in training.exams.items()}
    texts = [example.text for example in next(iter(exams.values()), examples_from(lesson.data))]
    with taught(lesson, seed=seed, progress=_silent) as (folder, report):
        model = NluModel.load(folder, device=device())
        figures = {name: quality(judged(model, examples)) for name, examples in exams.items()}
        found: dict[str, float | None] = {"threshold": report.threshold, "temperature": report.temperature}
        if not busy:
            found["train_s"] = report.seconds
        if training.timed and not busy:
            found |= measured_speed(folder, texts, device=device())
    if training.folds:
        figures["test"] = quality(cross_validate(lesson, folds=training.folds, seed=seed, progress=_silent).rows)
    first = next(iter(figures))
    figures[first] |= found
    return {
        name: {key: value if value is None else round(value, DIGITS) for key, value in each.items()}
        for name, each in figures.items()
    }


def _read(data: Path, files: Sequence[str]) -> NluData:
    return load_nlu([read_file(data / file) for file in files], env={})


def _questions(exam: Exam, data: Path, seed: int) -> tuple[Example, ...]:
    examples = examples_from(_read(data, exam.files))
    random = np.random.default_rng(seed)
    match exam.noise:
        case "slips":
            return tuple(with_slips(example, random) for example in examples)
        case "case":
            return tuple(without_case(example) for example in examples)
        case "punctuation":
            return tuple(without_punctuation(example) for example in examples)
        case _:
            return examples


def _train_s(result: Result) -> float:
    seconds = [figures.get("train_s") for figures in result.exams.values()]
    return max((value for value in seconds if value is not None), default=0.0)


def _in_short(result: Result) -> str:
    shares = (f"{name} {100 * (figures['intent_accuracy'] or 0):.1f}" for name, figures in result.exams.items())
    return f"{', '.join(shares)} in {_train_s(result):.0f} s"


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _silent(_: float, __: str) -> None:
    """No one is watching."""


if __name__ == "__main__":
    _name, _seed, _data, *_busy = sys.argv[1:]
    _chosen = next(training for training in TRAININGS if training.name == _name)
    print(json.dumps(measure(_chosen, int(_seed), Path(_data), busy=bool(_busy))))

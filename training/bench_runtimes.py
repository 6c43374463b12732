"""Which runtime parses best: the same model and messages on each of ``runtimes``, in one run.

``make bench-runtimes`` starts it. Times are taken in turns of a few messages, runtime after runtime, so that whatever
else the machine does hits all alike; memory and loading are of a fresh process for each.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bot.dialogue.load import load_nlu
from bot.folder import read_file
from nlu.data import Example
from nlu.model import NluModel
from training.evaluate_nlu import judged, quality
from training.nlu import train_nlu
from training.nlu_data import examples_from
from training.runtimes import RUNTIMES, model_on, prepare

SET = "nlu/banking77"
BATCH = 32
WORDS = range(11, 14)
_TURN = 20
_CALIBRATION = 128
_WARM = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured of one runtime with so many threads. ``fault`` says why there are no figures."""

    runtime: str
    threads: int
    accuracy: float = 0.0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    messages_per_s: float = 0.0
    memory_mb: float = 0.0
    load_s: float = 0.0
    fault: str = ""


def measure(folder: Path, tests: Sequence[Example], calibration: Sequence[str], threads: int) -> Iterator[Figures]:
    """Every runtime on the same messages. One that fails is told with its fault."""
    with tempfile.TemporaryDirectory(prefix="kefu-runtimes-") as scratch:
        prepare(folder, Path(scratch), calibration)
        models: dict[str, NluModel] = {}
        for runtime in RUNTIMES:
            try:
                models[runtime] = model_on(runtime, folder, Path(scratch), threads)
                models[runtime].parse_batch([tests[0].text])
            except Exception as exc:  # whatever a foreign program raises is its result
                models.pop(runtime, None)
                yield Figures(
                    runtime=runtime, threads=threads, fault=" ".join(f"{type(exc).__name__}: {exc}".split())[:200]
                )
        short = [test.text for test in tests if len(test.text.split()) in WORDS]
        times = _alone(models, short)
        rates = _together(models, [test.text for test in tests])
        for runtime, model in models.items():
            accuracy = quality(judged(model, tests))["intent_accuracy"]
            memory_mb, load_s = _fresh(runtime, folder, Path(scratch), threads, short[: 5 * _TURN])
            yield Figures(
                runtime=runtime,
                threads=threads,
                accuracy=accuracy or 0.0,
                p50_ms=float(np.percentile(times[runtime], 50)),
                p95_ms=float(np.percentile(times[runtime], 95)),
                messages_per_s=float(np.median(rates[runtime])),
                memory_mb=memory_mb,
                load_s=load_s,
            )


def _alone(models: Mapping[str, NluModel], texts: Sequence[str]) -> dict[str, list[float]]:
    """Milliseconds of each message by itself."""
    times: dict[str, list[float]] = {runtime: [] for runtime in models}
    for model in models.values():
        for text in texts[:_WARM]:
            model.parse_batch([text])
    for at in range(0, len(texts), _TURN):
        for runtime, model in models.items():
            for text in texts[at : at + _TURN]:
                started = time.perf_counter()
                model.parse_batch([text])
                times[runtime].append(1000 * (time.perf_counter() - started))
    return times


def _together(models: Mapping[str, NluModel], texts: Sequence[str]) -> dict[str, list[float]]:
    """Messages a second of each batch."""
    rates: dict[str, list[float]] = {runtime: [] for runtime in models}
    for at in range(0, len(texts) - BATCH + 1, BATCH):
        for runtime, model in models.items():
            started = time.perf_counter()
            model.parse_batch(texts[at : at + BATCH])
            rates[runtime].append(BATCH / (time.perf_counter() - started))
    return rates


def _fresh(runtime: str, folder: Path, prepared: Path, threads: int, texts: Sequence[str]) -> tuple[float, float]:
    """Megabytes and seconds to load of a process that parses with this runtime and does nothing else."""
    command = [sys.executable, "-m", "training.bench_runtimes", "--alone", runtime, str(folder), str(prepared)]
    asked = json.dumps({"threads": threads, "texts": list(texts)})
    done = subprocess.run(command, input=asked, capture_output=True, text=True, encoding="utf-8", check=True)
    memory_mb, load_s = json.loads(done.stdout.splitlines()[-1])
    return memory_mb, load_s


def _as_fresh_process(runtime: str, folder: Path, prepared: Path) -> tuple[float, float]:
    asked: dict[str, Any] = json.load(sys.stdin)
    started = time.perf_counter()
    model = model_on(runtime, folder, prepared, asked["threads"])
    model.parse_batch(asked["texts"][:1])
    loaded = time.perf_counter() - started
    for text in asked["texts"]:
        model.parse_batch([text])
    for at in range(0, len(asked["texts"]), BATCH):
        model.parse_batch(asked["texts"][at : at + BATCH])
    return psutil.Process().memory_info().rss / 1e6, loaded


def table(rows: Sequence[Figures]) -> str:
    """The figures as Markdown."""
    lines = [
        "| runtime | threads | accuracy | p50 ms | p95 ms | messages/s | memory MB | load s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            f"{100 * row.accuracy:.1f}",
            f"{row.p50_ms:.2f}",
            f"{row.p95_ms:.2f}",
            f"{row.messages_per_s:.0f}",
            f"{row.memory_mb:.0f}",
            f"{row.load_s:.2f}",
        ]
        shown = " | ".join(cells) if not row.fault else f"{row.fault} |" + " |" * (len(cells) - 2)
        lines.append(f"| {row.runtime} | {row.threads} | {shown} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Train the 10-shot model unless one is given, measure, print. 2 where the data is not there."""
    parser = argparse.ArgumentParser(prog="python -m training.bench_runtimes", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"), help=f"the folder that holds {SET}")
    parser.add_argument("--model", type=Path, help="a trained model of that set, instead of training one")
    parser.add_argument("--messages", type=int, default=500, help="how many of its test messages")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", type=Path, help="a file for the figures")
    options = parser.parse_args(arguments)
    folder = options.data / SET
    if not folder.is_dir():
        print(f"Skipped: {folder} does not exist; name the folder with --data", file=sys.stderr)
        return 2
    train, tests = (_examples(folder / name) for name in ("train_10shot.yml", "test.yml"))
    with tempfile.TemporaryDirectory(prefix="kefu-nlu-") as scratch:
        model = options.model or Path(scratch, "nlu")
        if not options.model:
            train_nlu(train, out=model)
        rows: list[Figures] = []
        for threads in options.threads:
            print(f"{threads} thread{'s' * (threads > 1)} ...", file=sys.stderr)
            texts = [example.text for example in _spread(train, _CALIBRATION)]
            rows += measure(model, _spread(tests, options.messages), texts, threads)
    print(f"{len(_spread(tests, options.messages))} messages, {os.cpu_count()} cores\n\n{table(rows)}")
    if options.json:
        shown = [{name: getattr(row, name) for name in Figures.__slots__} for row in rows]
        options.json.write_text(json.dumps(shown, indent=1) + "\n", "utf-8")
    return 0


def _examples(path: Path) -> tuple[Example, ...]:
    return examples_from(load_nlu([read_file(path)], env={}))


def _spread(examples: Sequence[Example], count: int) -> Sequence[Example]:
    """So many examples from all over a file, which is ordered by intent."""
    return examples[:: max(1, len(examples) // count)][:count]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        print(json.dumps(_as_fresh_process(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))))
    else:
        sys.exit(main(sys.argv[1:]))

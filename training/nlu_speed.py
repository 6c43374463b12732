"""How fast a trained model parses and what memory it takes, in a process that does nothing else.

The process imports what parsing needs and no more, runs one thread as serving does, and is measured after it parsed.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
import torch

from nlu.errors import NluFolderError
from nlu.model import NluModel

BATCH = 32
WORDS = 12
_TIMED = 200
_BATCHES = 10
_FEWEST = 20


def measured_speed(folder: Path, texts: Sequence[str], *, device: str = "cpu") -> dict[str, float | None]:
    """Parse ``texts`` with the model in ``folder``, in a fresh process; None where there are too few of them.

    - ``parse_p50_ms``, ``parse_p95_ms``: one message at a time, of 200
    - ``parse_12_words_p50_ms``: the same, of messages of twelve words alone
    - ``messages_per_s``: 32 at a time
    - ``memory_mb``: resident memory of the process afterwards, in 10^6 bytes

    Raises NluFolderError where the process fails.
    """
    done = subprocess.run(
        [sys.executable, "-m", "training.nlu_speed", str(folder), device],
        input=json.dumps(list(texts)),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise NluFolderError(f"{folder} cannot be measured: {done.stderr[-2000:]}", remedy="train it again")
    figures: dict[str, float | None] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _measure(folder: Path, texts: Sequence[str], device: str) -> dict[str, float | None]:
    torch.set_num_threads(1)
    model = NluModel.load(folder, device=device)
    _times(model, _spread(texts, _FEWEST))  # the first parses pay for what is set up once
    times = _times(model, _spread(texts, _TIMED))
    even = [text for text in texts if len(text.split()) == WORDS]
    figures = {
        "parse_p50_ms": _percentile(times, 50),
        "parse_p95_ms": _percentile(times, 95),
        "parse_12_words_p50_ms": _percentile(_times(model, _spread(even, _TIMED)), 50),
        "messages_per_s": _messages_per_s(model, texts),
    }
    return {**figures, "memory_mb": round(psutil.Process().memory_info().rss / 1e6)}


def _spread(texts: Sequence[str], count: int) -> Sequence[str]:
    """About ``count`` texts from all over a file, which may be ordered by intent."""
    return texts[:: max(1, len(texts) // count)][:count]


def _times(model: NluModel, texts: Sequence[str]) -> list[float]:
    """Milliseconds of each text alone."""
    times = []
    for text in texts:
        started = time.perf_counter()
        model.parse_batch([text])
        times.append(1000 * (time.perf_counter() - started))
    return times


def _percentile(times: Sequence[float], percent: float) -> float | None:
    return round(float(np.percentile(times, percent)), 3) if len(times) >= _FEWEST else None


def _messages_per_s(model: NluModel, texts: Sequence[str]) -> float | None:
    """The median of ten batches, which one disturbance does not move."""
    chosen = _spread(texts, BATCH * _BATCHES)
    if len(chosen) < BATCH:
        return None
    rates = []
    for place in range(_BATCHES):
        batch = [chosen[(place + _BATCHES * i) % len(chosen)] for i in range(BATCH)]
        started = time.perf_counter()
        model.parse_batch(batch)
        rates.append(BATCH / (time.perf_counter() - started))
    return round(float(np.median(rates)), 1)


if __name__ == "__main__":
    print(json.dumps(_measure(Path(sys.argv[1]), json.load(sys.stdin), sys.argv[2])))

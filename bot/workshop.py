"""Trains and tests for the HTTP API, each in a child process: ``kefu train`` and ``kefu test``, at a lower urgency.

What the server itself imports and holds does not grow by it, and turns go first.
"""

import asyncio
import json
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.child import ends_with_us
from bot.dialogue.errors import ProjectFaults
from bot.dialogue.parse import Json, Parse
from bot.errors import Faulty, ReleaseError, WorkshopBusy, WorkshopError
from bot.folder import load_folder
from bot.paths import AssistantPaths
from bot.rasa_reports import folded, judged, story_report
from bot.release import MANIFEST, releases_lock, write_json
from bot.runtime import Runtime
from bot.whole_body import examples_of, faulty, split, with_domain

KEFU = (sys.executable, "-m", "bot.cli")
NICENESS = 10
AT_ONCE = 16
"""Messages that are judged together: customers' own come between them."""

_LOOK_AGAIN_S = 0.5


@dataclass(slots=True)
class ChildWorkshop:
    """The workshop of one server process (``bot.channels.workshop.Workshop``)."""

    paths: AssistantPaths
    runtime: Runtime
    active_trainings: int = 0
    _busy: bool = False

    @asynccontextmanager
    async def train(self, text: str, *, keep: bool, force: bool, threads: int) -> AsyncIterator[Path]:
        """Train on the YAML of a whole assistant. Its help pages are those of the assistant that runs."""
        with self._job() as folder:
            await asyncio.to_thread(self._lay_out, folder, split(text))
            self.active_trainings += 1
            try:
                options = ["--force"] if force else []
                env = {"OMP_NUM_THREADS": str(min(max(1, threads), os.cpu_count() or 1))}
                out = await _kefu(["train", str(folder), "--json", *options], reason="TrainingError", env=env)
            finally:
                self.active_trainings -= 1
            models = AssistantPaths(folder).models
            made = models / str(json.loads(out)["release"])
            archive = await asyncio.to_thread(_archive, made, folder)
            if keep:
                await _keep(made, self.paths.models)
            yield archive

    async def test_stories(self, text: str, *, e2e: bool) -> Mapping[str, Json]:
        """Play test stories against the release that answers, as ``kefu test`` does."""
        release = self.runtime.current.release
        with self._job() as folder:
            stories = folder / "test_stories.yml"
            stories.write_text(text, "utf-8")
            words = [
                "--model",
                str(release.folder.resolve()),
                "--stories",
                str(stories),
                "--out",
                str(folder),
                "--json",
            ]
            report = json.loads(await _kefu(["test", str(self.paths.folder), *words], passes=(0, 1)))
        return story_report(report, e2e=e2e)

    async def test_intents(self, text: str, *, release: str | None) -> Mapping[str, Json]:
        """Judge the understanding of a release on examples."""
        examples = examples_of(text)
        if release is None:
            parse = self.runtime.current.models.parse
        else:
            parse = (await self.runtime.read(Path(release).name.removesuffix(".tar.gz"))).models.parse
        parses: list[Parse] = []
        for start in range(0, len(examples), AT_ONCE):
            parses += await asyncio.gather(*(parse(example.text) for example in examples[start : start + AT_ONCE]))
        return judged(examples, parses)

    async def cross_validate(self, text: str, *, folds: int) -> Mapping[str, Json]:
        """Cross-validate the understanding, as ``kefu test --nlu`` does."""
        with self._job() as folder:
            await asyncio.to_thread(self._lay_out, folder, with_domain(text))
            words = [str(folder), "--nlu", "--folds", str(folds), "--out", str(folder / "results"), "--json"]
            return folded(json.loads(await _kefu(["test", *words])))

    @contextmanager
    def _job(self) -> Iterator[Path]:
        """A scratch folder, for one job at a time."""
        if self._busy:
            raise WorkshopBusy("another training or test runs")
        self._busy = True
        try:
            with tempfile.TemporaryDirectory(prefix="kefu-") as folder:
                yield Path(folder)
        finally:
            self._busy = False

    def _lay_out(self, folder: Path, files: Mapping[str, str]) -> None:
        """Write the files of an assistant. Raises Faulty for what cannot be read, with the lines of the body."""
        for name, part in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(part, "utf-8")
        if self.paths.knowledge.is_dir():
            (folder / "knowledge").symlink_to(self.paths.knowledge.resolve())
        try:
            load_folder(folder, env=os.environ)
        except ProjectFaults as exc:
            raise faulty(exc.faults) from None
        self._lend(AssistantPaths(folder).models)

    def _lend(self, models: Path) -> None:
        """Let the training see the release that answers, so that it makes anew only what changed."""
        if self.runtime.release_id is not None:
            release = self.runtime.current.release
            models.mkdir()
            (models / release.id).symlink_to(release.folder.resolve())
            write_json(models / "current.json", {"history": [release.id]})


async def _kefu(
    words: Sequence[str],
    *,
    reason: str = "TestingError",
    passes: Sequence[int] = (0,),
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Run a command and return what it printed; it ends with the request that wanted it."""
    tie = ends_with_us()

    def prepare() -> None:
        os.nice(NICENESS)
        if tie is not None:
            tie()

    process = await asyncio.create_subprocess_exec(
        *KEFU,
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(env or {})},
        start_new_session=True,
        preexec_fn=prepare,
    )
    try:
        out, said = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode in passes:
        return out
    words_of_it = "\n".join(said.decode(errors="replace").splitlines()[-20:])
    if process.returncode == 2:
        raise Faulty(words_of_it)
    raise WorkshopError(words_of_it or f"ended with code {process.returncode}", reason=reason)


def _archive(release: Path, folder: Path) -> Path:
    path = folder / f"{release.name}.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        archive.add(release, arcname=release.name)
    return path


async def _keep(release: Path, models: Path) -> None:
    """Put a release with the others, as soon as nobody else makes one there."""
    while True:
        with releases_lock(models, wait=False) as held:
            if held:
                return await asyncio.to_thread(_copy, release, models)
        await asyncio.sleep(_LOOK_AGAIN_S)  # here and not in a thread, which could not be given up


def _copy(release: Path, models: Path) -> None:
    """Copy a release whole: it gets its name last."""
    hidden = models / f".building-{release.name}"
    shutil.copytree(release, hidden)
    hidden.rename(models / release.name)
    if not (models / release.name / MANIFEST).is_file():
        raise ReleaseError(f"{models / release.name}: it could not be written")

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
from bot.dialogue.domain_file import KEYS as DOMAIN_KEYS
from bot.dialogue.errors import Fault, ProjectFaults
from bot.dialogue.figures import Pair, classification
from bot.dialogue.load import load_nlu
from bot.dialogue.parse import Json, Parse
from bot.dialogue.project import NluExample, SourceFile
from bot.dialogue.story_writing import yaml_text
from bot.dialogue.yaml_tree import Node, read_yaml
from bot.errors import Faulty, ReleaseError, WorkshopBusy, WorkshopError
from bot.folder import load_folder
from bot.paths import AssistantPaths
from bot.release import MANIFEST, write_json
from bot.runtime import Runtime

KEFU = (sys.executable, "-m", "bot.cli")
DATA_KEYS = ("nlu", "stories", "rules")
NICENESS = 10
NO_ENTITY = "no_entity"
AT_ONCE = 16
"""Messages that are judged together: customers' own come between them."""


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
            await asyncio.to_thread(self._lay_out, folder, text)
            self.active_trainings += 1
            try:
                options = ["--force"] if force else []
                env = {"OMP_NUM_THREADS": str(max(1, threads))}
                out = await _kefu(["train", str(folder), "--json", *options], reason="TrainingError", env=env)
            finally:
                self.active_trainings -= 1
            models = AssistantPaths(folder).models
            made = models / str(json.loads(out)["release"])
            archive = await asyncio.to_thread(_archive, made, folder)
            if keep:
                await asyncio.to_thread(_keep, made, self.paths.models)
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
        return _story_report(report, e2e=e2e)

    async def test_intents(self, text: str, *, release: str | None) -> Mapping[str, Json]:
        """Judge the understanding of a release on examples."""
        examples = _examples(text)
        if release is None:
            parse = self.runtime.current.models.parse
        else:
            parse = (await self.runtime.read(Path(release).name.removesuffix(".tar.gz"))).models.parse
        parses: list[Parse] = []
        for start in range(0, len(examples), AT_ONCE):
            parses += await asyncio.gather(*(parse(example.text) for example in examples[start : start + AT_ONCE]))
        return _judged(examples, parses)

    async def cross_validate(self, text: str, *, folds: int) -> Mapping[str, Json]:
        """Cross-validate the understanding, as ``kefu test --nlu`` does."""
        with self._job() as folder:
            await asyncio.to_thread(self._lay_out, folder, text)
            words = [str(folder), "--nlu", "--folds", str(folds), "--out", str(folder / "results"), "--json"]
            return _folded(json.loads(await _kefu(["test", *words])))

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

    def _lay_out(self, folder: Path, text: str) -> None:
        """Write the files of an assistant. Raises Faulty for what cannot be read, with the lines of the body."""
        for name, part in split(text).items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(part, "utf-8")
        if self.paths.knowledge.is_dir():
            (folder / "knowledge").symlink_to(self.paths.knowledge.resolve())
        try:
            load_folder(folder, env=os.environ)
        except ProjectFaults as exc:
            raise _faulty(exc.faults) from None
        self._lend(AssistantPaths(folder).models)

    def _lend(self, models: Path) -> None:
        """Let the training see the release that answers, so that it makes anew only what changed."""
        if self.runtime.release_id is not None:
            release = self.runtime.current.release
            models.mkdir()
            (models / release.id).symlink_to(release.folder.resolve())
            write_json(models / "current.json", {"history": [release.id]})


def split(text: str) -> dict[str, str]:
    """The files that the keys of one body belong to. What another file holds is left blank, so that lines stay right.

    Raises Faulty.
    """
    root, faults = read_yaml(SourceFile(path="body", text=text), os.environ)
    if faults:
        raise _faulty(faults)
    if root is None or not isinstance(root.value, Mapping):
        raise Faulty("the body must hold the keys of an assistant's files")
    keys = root.value
    starts = {key: node.line for key, node in keys.items()}
    parts = _blanked(text, starts) if len(set(starts.values())) == len(starts) else _dumped(keys)
    return {"config.yml": "recipe: default.v1\n"} | {name: part for name, part in parts.items() if part.strip()}


def _file_of(key: str) -> str:
    if key in DATA_KEYS:
        return "data/data.yml"
    return "domain.yml" if key in DOMAIN_KEYS and key != "config" else "config.yml"


def _blanked(text: str, starts: Mapping[str, int]) -> dict[str, str]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    parts = {name: [""] * len(lines) for name in ("config.yml", "domain.yml", "data/data.yml")}
    ordered = sorted(starts.items(), key=lambda item: item[1])
    ends = [line for _, line in ordered[1:]] + [len(lines) + 1]
    for (key, start), end in zip(ordered, ends, strict=True):
        parts[_file_of(key)][start - 1 : end - 1] = lines[start - 1 : end - 1]
    return {name: "\n".join(part) for name, part in parts.items()}


def _dumped(keys: Mapping[str, Node]) -> dict[str, str]:
    """The same for a body without lines of its own, as JSON has."""
    parts: dict[str, dict[str, Json]] = {}
    for key, node in keys.items():
        parts.setdefault(_file_of(key), {})[key] = node.json()
    return {name: yaml_text(part) for name, part in parts.items()}


def _faulty(faults: Sequence[Fault]) -> Faulty:
    in_domain = any(fault.path.startswith("domain") for fault in faults)
    return Faulty("\n".join(map(str, faults)), in_domain=in_domain)


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


def _keep(release: Path, models: Path) -> None:
    """Put a release with the others, whole: its manifest, without which it is none, comes last."""
    models.mkdir(parents=True, exist_ok=True)
    hidden = models / f".building-{release.name}"
    shutil.copytree(release, hidden)
    hidden.rename(models / release.name)
    if not (models / release.name / MANIFEST).is_file():
        raise ReleaseError(f"{models / release.name}: it could not be written")


def _story_report(report: Mapping[str, Json], *, e2e: bool) -> Mapping[str, Json]:
    """What ``kefu test`` found, under the names of Rasa's answer."""
    weighted = report.get("weighted avg")
    means = weighted if isinstance(weighted, Mapping) else {}
    return {
        "report": {name: value for name, value in report.items() if name not in ("stories", "confusion", "coverage")},
        "precision": means.get("precision", 0.0),
        "f1": means.get("f1-score", 0.0),
        "accuracy": report.get("accuracy", 0.0),
        "stories": report.get("stories", []),
        "is_end_to_end_evaluation": e2e,
    }


def _examples(text: str) -> Sequence[NluExample]:
    try:
        return load_nlu([SourceFile(path="body", text=text)], env=os.environ).examples
    except ProjectFaults as exc:
        raise _faulty(exc.faults) from None


def _judged(examples: Sequence[NluExample], parses: Sequence[Parse]) -> Mapping[str, Json]:
    intents, selections, entities = list[Pair](), list[Pair](), list[Pair]()
    errors: list[Json] = []
    predictions: list[Json] = []
    for example, parse in zip(examples, parses, strict=True):
        intent, _, key = example.intent.partition("/")
        got = parse.intent.name
        intents.append((intent, got))
        predictions.append(
            {"text": example.text, "intent": intent, "predicted": got, "confidence": parse.intent.confidence}
        )
        if intent != got:
            found: Json = {"name": got, "confidence": parse.intent.confidence}
            errors.append({"text": example.text, "intent": intent, "intent_prediction": found})
        if key:
            selections.append((example.intent, f"{got}/{parse.response_key}" if parse.response_key else got))
        entities += _entity_pairs(example, parse)
    return {
        "intent_evaluation": {"predictions": predictions, **_evaluation(intents), "errors": errors},
        "entity_evaluation": _evaluation(entities),
        "response_selection_evaluation": _evaluation(selections),
    }


def _entity_pairs(example: NluExample, parse: Parse) -> list[Pair]:
    """Entities by their place: what stands on one side alone has ``NO_ENTITY`` beside it."""
    wanted, found = (
        {(entity.start, entity.end): entity.entity for entity in entities}
        for entities in (example.entities, parse.entities)
    )
    return [(wanted.get(span, NO_ENTITY), found.get(span, NO_ENTITY)) for span in wanted.keys() | found.keys()]


def _evaluation(pairs: Sequence[Pair]) -> dict[str, Json]:
    report = classification(pairs)
    weighted = report.get("weighted avg")
    means = weighted if isinstance(weighted, Mapping) else {}
    return {
        "report": report,
        "precision": means.get("precision", 0.0),
        "f1_score": means.get("f1-score", 0.0),
        "accuracy": report.get("accuracy", 0.0),
    }


def _folded(figures: Mapping[str, Json]) -> Mapping[str, Json]:
    """The figures of a cross-validation, under the names of Rasa's answer; all of them stand under ``figures``."""
    return {
        "intent_evaluation": {
            "report": figures.get("intents", {}),
            "accuracy": figures.get("intent_accuracy"),
            "f1_score": figures.get("intent_macro_f1"),
            "errors": figures.get("confused", []),
        },
        "entity_evaluation": {"report": figures.get("entities", {}), "f1_score": figures.get("entity_f1")},
        "response_selection_evaluation": {},
        "figures": figures,
    }

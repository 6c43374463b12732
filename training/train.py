"""From an assistant to a release: policies, knowledge, understanding, generator; only what changed is made again.

Each part is keyed by a fingerprint of everything it is made from, the weights of its base model included. A part whose
fingerprint stands in the current release is taken over from there, file by file.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import torch
from safetensors import SafetensorError

from bot.dialogue.generator_settings import GeneratorSettings
from bot.dialogue.parse import Json
from bot.dialogue.project import NluExample, Project, SourceFile
from bot.errors import ReleaseError
from bot.paths import AssistantPaths
from bot.policy_part import PART as POLICY
from bot.policy_part import save_policies
from bot.release import Release, ReleaseDraft, current_release, fingerprint, sha256_file, write_json
from nlu.base import DEFAULT_ENCODER, resolve_base
from nlu.folder import FORMAT as NLU_FORMAT
from nlu.neighbours import FORMAT as NEIGHBOURS_FORMAT
from retrieval.errors import KnowledgeEmpty
from retrieval.ingest import document_files, is_page
from retrieval.knowledge import FORMAT as KNOWLEDGE_FORMAT
from retrieval.provenance import load_origins
from training.base_state import base_state
from training.confirmed import read_answers
from training.corrections import read_confirmed
from training.generator import GeneratorReport, build_generator
from training.generator_base import generator_source
from training.knowledge import build_knowledge
from training.nlu import train_nlu
from training.nlu_data import examples_from, knowledge_questions
from training.nlu_settings import nlu_settings
from training.nlu_told import tell
from training.policy import plan_policies

RECIPE = 1
"""Raised when training itself changes, so that parts made by an older recipe are made again."""

SECRETS_FILES = ("credentials.yml", "credentials.yaml")
"""Read from the assistant's folder when it runs; no release keeps them."""

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """``generator`` None: fine-tune it where there is a GPU. ``force``: take nothing over. ``fast``: understanding
    learns its heads only. ``logs``: where the course of that goes, in a folder named by the release.
    ``knowledge_only``: everything but the knowledge is taken over from the current release as it is.

    ``extra`` are examples beside the assistant's own; ``questions`` are questions that the knowledge answered well, and
    ``answers`` these with what it answered.
    """

    seed: int = 0
    generator: bool | None = None
    force: bool = False
    fast: bool = False
    knowledge_only: bool = False
    logs: Path | None = None
    extra: tuple[NluExample, ...] = ()
    questions: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()


def train(
    project: Project,
    sources: Sequence[SourceFile],
    *,
    paths: AssistantPaths,
    options: TrainOptions,
    progress: Progress,
) -> Release:
    """Build a release and leave it beside the others, not yet promoted.

    ``metrics`` of the release: ``train_s``, and what each part reports of itself under its name.
    Raises ProjectFaults for contradicting or incomplete rules, and the errors of each part.
    """
    started = time.perf_counter()
    draft = ReleaseDraft(paths.models)
    try:
        build = _Build(project, sources, paths, options, draft, _previous(paths.models), progress)
        metrics = build.run()
        metrics["train_s"] = round(time.perf_counter() - started, 1)
        return draft.finish(metrics)
    except SafetensorError as exc:  # how that library says that a disk is full
        draft.discard()
        raise ReleaseError(f"{draft.folder}: weights cannot be written ({exc})") from exc
    except BaseException:
        draft.discard()
        raise


@dataclass(frozen=True, slots=True)
class _Build:
    """One release in the making."""

    project: Project
    sources: Sequence[SourceFile]
    paths: AssistantPaths
    options: TrainOptions
    draft: ReleaseDraft
    previous: Release | None
    progress: Progress

    def run(self) -> dict[str, Json]:
        """Make every part; returns what they report."""
        if self.options.knowledge_only:
            return self._refreshed()
        self.progress(0.0, "Rules and stories")
        self._write_json("project", {source.path: source.text for source in self.sources if _kept(source)})
        metrics: dict[str, Json] = {"policy": self._policy()}
        has_knowledge = bool(_knowledge_files(self.paths.knowledge))
        with ThreadPoolExecutor(1) as beside:
            converting = beside.submit(self._generator, _silent) if has_knowledge and not self._fine_tunes else None
            if has_knowledge:
                metrics["knowledge"] = self._knowledge()
                metrics["generator"] = None if converting else self._generator(self._span(0.35, 0.45))
            metrics["nlu"] = self._nlu(self._outside() if has_knowledge else ())
            if converting:
                metrics["generator"] = converting.result()
        self.progress(1.0, "Done")
        return metrics

    def _refreshed(self) -> dict[str, Json]:
        """The current release with its knowledge made anew; the next whole training sees what else has changed."""
        if self.previous is None:
            raise ReleaseError(f"{self.paths.models}: no release whose knowledge could be made anew; run kefu train")
        kept = {name: key for name, key in self.previous.fingerprints.items() if name != "knowledge"}
        for name, key in kept.items():
            self.draft.reuse(name, key, self.previous)
        metrics = {name: self.previous.metrics[name] for name in kept if name in self.previous.metrics}
        if _knowledge_files(self.paths.knowledge):
            try:
                metrics["knowledge"] = self._knowledge()
            except KnowledgeEmpty:  # what answered until now is to be forgotten all the same
                self.draft.drop("knowledge")
        self.progress(1.0, "Done")
        return metrics

    @property
    def _fine_tunes(self) -> bool:
        return torch.cuda.is_available() if self.options.generator is None else self.options.generator

    def _policy(self) -> Json:
        plan = plan_policies(self.project, seed=self.options.seed)

        def make(out: Path) -> Mapping[str, Json]:
            policies, network, report = plan.learn()
            save_policies(out, policies, network)
            return asdict(report)

        return self._part(POLICY, fingerprint(*plan.to_json()), make)

    def _knowledge(self) -> Json:
        base = self._setting("retrieval_encoder", self._setting("encoder", DEFAULT_ENCODER))
        origins = load_origins(self.paths.knowledge)
        addresses = {path: origin.url for path, origin in origins.items()}
        files = [
            [path, sha256_file(file), addresses.get(path)] for file, path in _knowledge_files(self.paths.knowledge)
        ]
        confirmed = sorted({*self.options.questions, *read_confirmed(self.paths.confirmed_questions)})
        seed = self.options.seed
        key = self._key("knowledge", base, resolve_base, KNOWLEDGE_FORMAT, files, list(confirmed), seed)

        def make(out: Path) -> Mapping[str, Json]:
            report = build_knowledge(
                self.paths.knowledge,
                base=base,
                out=out,
                previous=self.previous.part("knowledge") if self.previous else None,
                confirmed=confirmed,
                seed=seed,
                progress=self._span(0.02, 0.35),
            )
            return asdict(report)

        return self._part("knowledge", key, make)

    def _generator(self, show: Progress) -> Json:
        settings, seed = GeneratorSettings.of(self.project.config), self.options.seed
        base, tone = settings.base, settings.tone
        if base is None:
            return None
        fine_tune = self._fine_tunes
        confirmed = list(dict([*read_answers(self.paths.confirmed_answers), *self.options.answers]).items())
        files = [sha256_file(file) for file, _ in _knowledge_files(self.paths.knowledge)]
        learned: list[Json] = [files, confirmed, tone, seed]
        if self.options.generator is None and not self.options.force and self._tuned_before(base):
            # An earlier, asked-for fine-tuning stays until it is asked for again, or its base is another.
            key = self._before("generator")
        else:
            key = self._key("generator", base, generator_source, fine_tune, learned if fine_tune else None)

        def make(out: Path) -> Mapping[str, Json]:
            if not fine_tune:
                return asdict(_converted(base, out))
            report = build_generator(
                base=base,
                knowledge=self.paths.knowledge,
                out=out,
                seed=seed,
                confirmed=confirmed,
                tone=tone,
                progress=show,
            )
            return asdict(report)

        return self._part("generator", key, make)

    def _tuned_before(self, base: str) -> bool:
        report = self.previous.metrics.get("generator") if self.previous else None
        if not (isinstance(report, Mapping) and report.get("base") == base and report.get("fine_tuned")):
            return False
        state = base_state(base, generator_source, self.paths.models)
        return state is None or self._before("generator").endswith(f"-{state}")

    def _nlu(self, outside: Sequence[str]) -> Json:
        base = self._setting("encoder", DEFAULT_ENCODER)
        data = replace(self.project.nlu, examples=(*self.project.nlu.examples, *self.options.extra))
        settings = replace(nlu_settings(self.project.config.kefu), heads_only=self.options.fast)
        examples = examples_from(data)
        # The threshold and synonyms are told to what was learned, and an entity tells a pattern of its name to extract.
        threshold, settings = settings.threshold, replace(settings, threshold=None)
        entities = tuple(sorted(self.project.domain.entities.keys() & {*data.regexes, *data.lookups}))
        key = self._key(
            "nlu",
            base,
            resolve_base,
            NLU_FORMAT,
            NEIGHBOURS_FORMAT,
            [asdict(example) for example in examples],
            [dict(data.regexes), dict(data.lookups)],
            list(outside),
            list(entities),
            self.options.seed,
            asdict(settings),
        )

        def make(out: Path) -> Mapping[str, Json]:
            report = train_nlu(
                examples,
                out=out,
                regexes=data.regexes,
                lookups=data.lookups,
                outside=outside,
                entities=entities,
                base=base,
                seed=self.options.seed,
                settings=settings,
                progress=self._span(0.45, 0.99),
                logs=self.options.logs and self.options.logs / self.draft.id,
            )
            return asdict(report)

        report = self._part("nlu", key, make)
        assert isinstance(report, Mapping)
        told = tell(self.draft.folder / "nlu", threshold=threshold, synonyms=data.synonyms)
        return {**report, "threshold": told}

    def _outside(self) -> tuple[str, ...]:
        """What customers ask the knowledge and no intent answers: FAQ questions, page names, confirmed questions."""
        return tuple(dict.fromkeys([*self.options.questions, *knowledge_questions(self.paths)]))

    def _key(self, part: str, base: str, resolve: Callable[[str], Path], *inputs: Json) -> str:
        """What a part is made from: its inputs, and behind a dash the state of its base.

        A base that is not here counts as unchanged: where the inputs are, it is not needed. Else ``resolve`` fetches it
        or raises what is wrong with it, before its state is taken: of a hub the newest revision is learned from.
        """
        made_from = fingerprint(RECIPE, base, *inputs)
        before = "" if self.options.force else self._before(part)
        state = base_state(base, resolve, self.paths.models)
        if before == f"{made_from}-{state}" or (state is None and before.startswith(made_from)):
            return before
        resolve(base)
        return f"{made_from}-{base_state(base, resolve, self.paths.models)}"

    def _before(self, part: str) -> str:
        """The key of a part in the current release."""
        return self.previous.fingerprints.get(part, "") if self.previous else ""

    def _part(self, name: str, key: str, make: Callable[[Path], Mapping[str, Json]]) -> Json:
        """Make a part, or take it over with what it reported when it was made."""
        previous = None if self.options.force else self.previous
        if previous is not None and self.draft.reuse(name, key, previous):
            return previous.metrics.get(name)
        return make(self.draft.add(name, key))

    def _write_json(self, name: str, value: Mapping[str, Json]) -> None:
        folder = self.draft.add(name, fingerprint(value))
        folder.mkdir()
        write_json(folder / f"{name}.json", value)

    def _setting(self, name: str, default: str) -> str:
        return str(self.project.config.kefu.get(name) or default)

    def _span(self, start: float, end: float) -> Progress:
        return lambda share, what: self.progress(start + share * (end - start), what)


def _kept(source: SourceFile) -> bool:
    return source.path not in SECRETS_FILES


def _knowledge_files(folder: Path) -> list[tuple[Path, str]]:
    return [(file, path) for file, path in document_files(folder) if is_page(file)]


def _previous(models: Path) -> Release | None:
    try:
        return current_release(models)
    except ReleaseError:
        return None


def _converted(base: str, out: Path) -> GeneratorReport:
    """Convert weights in a process of its own, so that what learns meanwhile keeps its core."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(build_generator, base=base, knowledge=None, out=out, seed=0, progress=_silent).result()


def _silent(_: float, __: str) -> None:
    """For work whose progress is hidden by that of other work."""

"""Train on some data, judge on other, as often as asked: the figures of ``kefu evaluate nlu``."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from bot.dialogue.project import NluData, NluExample
from nlu.base import DEFAULT_ENCODER
from nlu.data import Example
from nlu.model import NluModel, intent_of
from training.evaluate_nlu import Judged, judged, quality
from training.nlu import NluReport, Progress, train_nlu
from training.nlu_data import examples_from
from training.nlu_fit import NluSettings
from training.nlu_report import NluPage, nlu_page
from training.nlu_speed import measured_speed
from training.nlu_suspects import Labelled, base_vectors, doubts

DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a trial trains on.

    ``outside``: texts that belong to no intent and are learned as such. ``dev``: messages that temperature and
    threshold are found on, in place of a part of the training data.
    """

    data: NluData
    outside: tuple[str, ...] = ()
    dev: tuple[Example, ...] = ()
    entities: tuple[str, ...] = ()
    base: str = DEFAULT_ENCODER
    settings: NluSettings = field(default_factory=NluSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One training and its judgement."""

    seed: int
    report: NluReport
    rows: tuple[Judged, ...]
    speed: Mapping[str, float | None]

    @property
    def figures(self) -> dict[str, float | None]:
        """Every figure by its name."""
        figures = {**quality(self.rows), "train_s": self.report.seconds, **self.speed}
        figures |= {"threshold": self.report.threshold, "temperature": self.report.temperature}
        return {name: value if value is None else round(value, DIGITS) for name, value in figures.items()}


def trial(lesson: Lesson, tests: Sequence[Example], *, seed: int, progress: Progress) -> Trial:
    """Train in a scratch folder, judge ``tests`` and measure the speed on them. Raises the errors of ``nlu.errors``."""
    with taught(lesson, seed=seed, progress=progress) as (folder, report):
        rows = judged(NluModel.load(folder, device=device()), tests)
        speed = measured_speed(folder, [example.text for example in tests], device=device())
    return Trial(seed=seed, report=report, rows=tuple(rows), speed=speed)


@contextmanager
def taught(lesson: Lesson, *, seed: int, progress: Progress) -> Iterator[tuple[Path, NluReport]]:
    """A model in a scratch folder, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kefu-nlu-") as scratch:
        out = Path(scratch, "nlu")
        report = train_nlu(
            examples_from(lesson.data),
            out=out,
            synonyms=lesson.data.synonyms,
            regexes=lesson.data.regexes,
            lookups=lesson.data.lookups,
            outside=lesson.outside,
            dev=lesson.dev,
            entities=lesson.entities,
            base=lesson.base,
            seed=seed,
            settings=lesson.settings,
            progress=progress,
        )
        yield out, report


def device() -> str:
    """Where training and judging run."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def trials(lesson: Lesson, tests: Sequence[Example], *, seeds: Sequence[int], progress: Progress) -> list[Trial]:
    """A trial for each seed."""
    return [
        trial(
            lesson,
            tests,
            seed=seed,
            progress=lambda share, doing, done=done: progress((done + share) / len(seeds), doing),  # type: ignore[misc]  # bound now
        )
        for done, seed in enumerate(seeds)
    ]


def summary(runs: Sequence[Mapping[str, float | None]], seeds: Sequence[int]) -> dict[str, Any]:
    """The mean of each figure; of several runs also the standard deviation (``std``) and each run's figures."""
    means = {name: _over(mean, [run[name] for run in runs]) for name in runs[0]}
    if len(runs) == 1:
        return {**means, "seeds": list(seeds)}
    spread = {name: _over(stdev, [run[name] for run in runs]) for name in runs[0]}
    each = [{"seed": seed, **run} for seed, run in zip(seeds, runs, strict=True)]
    return {**means, "seeds": list(seeds), "std": spread, "runs": each}


def trial_page(run: Trial, lesson: Lesson, figures: Mapping[str, Any], *, title: str) -> NluPage:
    """The report on a trial. ``figures`` are a ``summary`` in which the trial is the first, or the only one."""
    labelled = labelled_examples(lesson.data.examples)
    found = doubts(labelled, base_vectors(lesson.base, [example.text for example in labelled]), seed=run.seed)
    facts = {
        "examples": f"{run.report.examples}",
        "intents": f"{run.report.intents}",
        "judged": f"{len(run.rows)}",
        "encoder": lesson.base,
        "seeds": ", ".join(map(str, figures["seeds"])),
    }
    shown = {name: figures[name] for name in run.figures}
    spread = figures.get("std", {})
    return nlu_page(run.rows, title=title, facts=facts, figures=shown, spread=spread, doubts=found)


def labelled_examples(examples: Sequence[NluExample]) -> list[Labelled]:
    """Training examples as doubt needs them, each text and intent once."""
    unique = {(example.text, intent_of(example.intent)): example for example in examples}
    return [
        Labelled(text=text, intent=intent, place=f"{example.path}:{example.line}")
        for (text, intent), example in unique.items()
    ]


def _over(measure: Any, values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(measure(known)), DIGITS) if len(known) == len(values) else None

"""Cross-validation of an assistant's understanding: every example is judged by a model that has not seen it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean, stdev

import numpy as np
from numpy.typing import NDArray

from bot.dialogue.project import NluExample, Project
from bot.paths import AssistantPaths
from nlu.base import DEFAULT_ENCODER
from nlu.errors import NluDataError
from nlu.model import intent_of
from training.evaluate_nlu import Judged, quality
from training.nlu import Progress
from training.nlu_data import examples_from, knowledge_questions
from training.nlu_report import NluPage, nlu_page
from training.nlu_settings import nlu_settings
from training.nlu_suspects import Labelled, base_vectors, doubts, folds_of
from training.nlu_trial import DIGITS, Lesson, Trial, trial


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidation:
    """``rows``: what was said of each example of ``judged``, which share their order; ``runs``: a trial per fold."""

    folds: int
    seed: int
    judged: tuple[NluExample, ...]
    rows: tuple[Judged, ...]
    runs: tuple[Trial, ...]
    seconds: float

    @property
    def figures(self) -> dict[str, float | None]:
        """Quality over all examples at once; what a training finds or costs is the mean of the folds."""
        each = [run.figures for run in self.runs]
        means = {name: _over([figures[name] for figures in each]) for name in each[0]}
        whole = {name: value if value is None else round(value, DIGITS) for name, value in quality(self.rows).items()}
        return {**means, **whole}

    @property
    def spread(self) -> dict[str, float | None]:
        """The standard deviation of the quality over the folds."""
        each = [quality(run.rows) for run in self.runs]
        spread: dict[str, float | None] = {}
        for name in each[0]:
            values = [figures[name] for figures in each]
            known = [value for value in values if value is not None]
            spread[name] = round(stdev(known), DIGITS) if len(known) == len(values) > 1 else None
        return spread


def lesson_of(project: Project, paths: AssistantPaths, *, fast: bool = False) -> Lesson:
    """What ``kefu train`` (or ``kefu train --fast``) would train the understanding of an assistant on."""
    kefu = project.config.kefu
    return Lesson(
        data=project.nlu,
        outside=knowledge_questions(paths),
        entities=tuple(project.domain.entities),
        base=str(kefu.get("encoder") or DEFAULT_ENCODER),
        settings=replace(nlu_settings(kefu), heads_only=fast),
    )


def cross_validate(lesson: Lesson, *, folds: int, seed: int, progress: Progress) -> CrossValidation:
    """Train ``folds`` times without a part of the examples, which is then judged.

    Every intent is spread evenly over the parts; an intent's only example is learned each time and never judged.
    Raises NluDataError where that is all of them, and the other errors of ``nlu.errors``.
    """
    started = time.perf_counter()
    # the same words in two parts would be judged by a model that has seen them
    examples = list({(example.text, example.intent): example for example in lesson.data.examples}.values())
    parts = folds_of([example.intent for example in examples], folds, seed=seed)
    if (parts < 0).all():
        place = f"{examples[0].path}:{examples[0].line}: " if examples else ""
        raise NluDataError(
            f"{place}no intent has two examples, one to learn and one to judge", remedy="write at least five of each"
        )
    judged: list[NluExample] = []
    runs: list[Trial] = []
    for part in range(folds):
        held = [example for example, place in zip(examples, parts, strict=True) if place == part]
        kept = tuple(example for example, place in zip(examples, parts, strict=True) if place != part)
        if not held or not kept:
            continue
        data = replace(lesson.data, examples=kept)
        tests = examples_from(replace(lesson.data, examples=tuple(held)))

        def show(share: float, doing: str, part: int = part) -> None:
            progress((part + share) / folds, f"Part {part + 1}: {doing}")

        runs.append(trial(replace(lesson, data=data), tests, seed=seed, progress=show))
        judged += held
    rows = tuple(row for run in runs for row in run.rows)
    seconds = time.perf_counter() - started
    return CrossValidation(folds=folds, seed=seed, judged=tuple(judged), rows=rows, runs=tuple(runs), seconds=seconds)


def crossval_page(result: CrossValidation, lesson: Lesson, *, title: str) -> NluPage:
    """The report on a cross-validation. The examples it doubts are judged by its own models."""
    labelled = [
        Labelled(text=example.text, intent=intent_of(example.intent), place=f"{example.path}:{example.line}")
        for example in result.judged
    ]
    classes = sorted({example.intent for example in labelled})
    found = doubts(
        labelled,
        base_vectors(lesson.base, [example.text for example in labelled]),
        chances=_chances(result.rows, classes),
        classes=classes,
    )
    facts = {
        "measured by": f"cross-validation in {result.folds} parts",
        "examples": f"{len(result.judged)}",
        "intents": f"{len(classes)}",
        "encoder": lesson.base,
        "seed": f"{result.seed}",
    }
    return nlu_page(result.rows, title=title, facts=facts, figures=result.figures, spread=result.spread, doubts=found)


def _chances(rows: Sequence[Judged], classes: Sequence[str]) -> NDArray[np.float64]:
    """(rows, classes): the probabilities of the ranked intents; what is not ranked has next to none."""
    chances = np.zeros((len(rows), len(classes)))
    places = {intent: place for place, intent in enumerate(classes)}
    for row, judged in enumerate(rows):
        for score in judged.ranking:
            if score.name in places:
                chances[row, places[score.name]] = score.confidence
    return chances


def _over(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(mean(known), DIGITS) if len(known) == len(values) else None

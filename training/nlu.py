"""Training the NLU of an assistant: examples in, a folder that ``nlu.model`` loads out.

A trial is fitted on four fifths of the data; the rest gives the temperature, the threshold and the figures of the
report. Then the model that is written is fitted on everything, with the trial's temperature and threshold.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from nlu.base import DEFAULT_ENCODER
from nlu.data import OUT_OF_SCOPE_INTENT, Example, PatternSources
from nlu.errors import NluDataError
from nlu.folder import write_model
from nlu.model import NluModel
from nlu.neighbours import Neighbours
from training.nlu_calibration import DEFAULT_THRESHOLD
from training.nlu_fit import NluSettings, default_averaged
from training.nlu_inputs import Inputs, fitted_to, read_inputs
from training.nlu_judged import Calibration, calibrated, manifest_of
from training.nlu_outside import general_outside, truly_outside
from training.nlu_split import Split, hold_out

Progress = Callable[[float, str], None]
"""Called with the finished share of the work, 0 to 1, and what is being done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NluReport:
    """What came out of a training.

    ``held_out`` are the measures of ``evaluate`` for the trial, empty where too little data was there to hold any
    out; they are pessimistic, as the written model saw more. ``foreign_source`` says which texts stood for
    out-of-scope ones, ``passes`` how many the model took (None: heads only). ``remarks`` are for the person who trains.
    """

    examples: int
    intents: int
    temperature: float
    threshold: float
    foreign_source: str
    passes: int | None
    seconds: float
    held_out: Mapping[str, float | None] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def train_nlu(
    examples: Sequence[Example],
    *,
    out: Path,
    synonyms: Mapping[str, str] | None = None,
    regexes: Mapping[str, Sequence[str]] | None = None,
    lookups: Mapping[str, Sequence[str]] | None = None,
    outside: Sequence[str] = (),
    dev: Sequence[Example] = (),
    entities: Collection[str] = (),
    base: str = DEFAULT_ENCODER,
    seed: int = 0,
    settings: NluSettings | None = None,
    device: str | None = None,
    progress: Progress | None = None,
    logs: Path | None = None,
) -> NluReport:
    """Train on ``examples`` and write the model's folder ``out``.

    ``outside``: texts known to belong to no intent (they train a reject class). ``dev``: held-out messages, those of
    the intent ``out_of_scope`` belonging to none; temperature and threshold are found on them, and no trial is made.
    ``entities``: names of the domain; a regex or lookup of such a name extracts, as does one of a name that the
    examples annotate. ``device`` None takes a GPU where there is one. ``logs``: a folder for the course of the trial
    and of the final fit, as TensorBoard events. Raises the errors of ``nlu.errors``.
    """
    started = time.perf_counter()
    settings = settings or NluSettings()
    progress = progress or _silent
    sources = _sources(synonyms, regexes, lookups)
    examples, remarks = _usable(examples)
    outside = truly_outside(outside, examples)
    progress(0.0, "Reading the base model")
    inputs = read_inputs(
        base,
        examples,
        outside=outside,
        sources=sources,
        entities=entities,
        settings=settings,
        seed=seed,
        device=device,
    )
    given = len(outside)
    if settings.general_outside:
        outside = truly_outside([*outside, *general_outside(inputs.vectors, inputs.text_encoder(), examples)], examples)
    split = None if dev else hold_out(examples, outside, leave_intents_out=given < 10, seed=seed)
    tried = _tried(inputs, split, progress, logs) if split else None
    calibration = tried[0] if tried else Calibration()
    reach = 0.5 if split else 0.05
    fitted = fitted_to(
        inputs,
        examples,
        outside,
        lambda share: progress(reach + share * (0.98 - reach), "Learning intents and entities"),
        held=dev,
        passes=tried[1] if tried else None,
        networks=settings.averaged or default_averaged(len(examples)),
        logs=logs and logs / "final",
    )
    if dev:
        inside = [example for example in dev if example.intent != OUT_OF_SCOPE_INTENT]
        foreign = [example.text for example in dev if example.intent == OUT_OF_SCOPE_INTENT]
        calibration = calibrated(inputs, fitted, inside, [foreign], source="given texts")
    if settings.threshold is not None:
        calibration = replace(calibration, threshold=settings.threshold)
    report = NluReport(
        examples=len(examples),
        intents=len({example.intent for example in examples}),
        temperature=calibration.confidence.temperature,
        threshold=calibration.threshold,
        foreign_source=calibration.source,
        passes=fitted.passes,
        seconds=time.perf_counter() - started,
        held_out=calibration.measures,
        remarks=(*remarks, *_remarks(examples, calibration)),
    )
    manifest = replace(manifest_of(inputs, fitted, calibration), facts={"base": base, **asdict(report)})
    write_model(out, manifest, fitted.network, inputs.tokenizer.to_str())
    _neighbours(inputs, examples, out).save(out)
    progress(1.0, "Understanding is trained")
    return report


def _tried(inputs: Inputs, split: Split, progress: Progress, logs: Path | None) -> tuple[Calibration, int | None]:
    """Fit the trial and judge it on what it has not seen; with patience also after how many passes it was best."""
    fitted = fitted_to(
        inputs,
        split.learned,
        split.outside,
        lambda share: progress(0.05 + share * 0.42, "Learning a trial to judge confidence by"),
        held=split.held,
        logs=logs and logs / "trial",
    )
    foreign = [split.held_outside, split.left_out]
    calibration = calibrated(inputs, fitted, split.held, foreign, source=split.foreign_source)
    return calibration, fitted.passes if inputs.settings.patience else None


def _neighbours(inputs: Inputs, examples: Sequence[Example], out: Path) -> Neighbours:
    """The examples by the vectors of the model in ``out``; where the encoder did not learn these are known."""
    if not inputs.settings.heads_only:
        return Neighbours.of(NluModel.load(out, device=inputs.device.type), examples)
    labelled = list(dict.fromkeys((example.text, example.intent) for example in examples))
    texts = inputs.text_encoder().encode([text for text, _ in labelled])
    return Neighbours(labelled, inputs.vectors.means(texts).numpy())


def _sources(
    synonyms: Mapping[str, str] | None,
    regexes: Mapping[str, Sequence[str]] | None,
    lookups: Mapping[str, Sequence[str]] | None,
) -> PatternSources:
    return PatternSources(
        regexes={name: tuple(sources) for name, sources in (regexes or {}).items()},
        lookups={name: tuple(phrases) for name, phrases in (lookups or {}).items()},
        synonyms={text.lower(): value for text, value in (synonyms or {}).items()},
    )


def _usable(examples: Sequence[Example]) -> tuple[list[Example], list[str]]:
    """The examples that teach something, each once."""
    kept = list(dict.fromkeys(example for example in examples if example.text.strip()))
    if not kept:
        raise NluDataError("there are no training examples", remedy="add intents with examples to data/nlu.yml")
    remarks = []
    if len(kept) < len(examples):
        remarks.append(f"{len(examples) - len(kept)} examples were empty or repeated and were left out")
    return kept, remarks


def _remarks(examples: Sequence[Example], calibration: Calibration) -> list[str]:
    counts: dict[str, int] = {}
    for example in examples:
        counts[example.intent] = counts.get(example.intent, 0) + 1
    thin = sorted(intent for intent, count in counts.items() if count < 5)
    remarks = [f"fewer than 5 examples: {', '.join(thin)}"] if thin else []
    if not calibration.measures:
        remarks.append(
            f"too few examples to hold any out: confidences are not calibrated, the threshold is {DEFAULT_THRESHOLD}"
        )
    elif calibration.source == "nothing":
        remarks.append("nothing outside of the intents to judge by: the threshold is a default")
    return remarks


def _silent(_share: float, _doing: str) -> None:
    """No one is watching."""

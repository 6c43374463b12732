"""Training the NLU of an assistant: examples in, a folder that ``nlu.model`` loads out.

A trial is fitted on four fifths of the data; the rest gives the temperature, the threshold and the figures of the
report. Then the model that is written is fitted on everything, with the trial's temperature and threshold.
"""

import hashlib
import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from nlu.base import DEFAULT_ENCODER, resolve_base
from nlu.confidence import Confidence
from nlu.data import OUT_OF_SCOPE_INTENT, Example, PatternSources
from nlu.encoder import read_base
from nlu.errors import BaseUnsupported, NluDataError
from nlu.folder import FORMAT, Manifest, write_model
from nlu.model import NluModel
from nlu.network import Network
from nlu.tokens import TextEncoder
from training.evaluate_nlu import evaluate
from training.nlu_calibration import DEFAULT_THRESHOLD, chosen_threshold, fitted_confidence
from training.nlu_fast import fit_heads
from training.nlu_fit import NluSettings, fit
from training.nlu_noise import with_slips
from training.nlu_outside import general_outside, general_texts, truly_outside
from training.nlu_split import Split, hold_out
from training.nlu_task import IGNORED, Item, Task, pattern_confidence
from training.nlu_vectors import Base, FrozenVectors
from training.nlu_vocabulary import grown_tokenizer

Progress = Callable[[float, str], None]
"""Called with the finished share of the work, 0 to 1, and what is being done."""


_SLIPPED = 3
_SLIP_EVERY = 15
"""Examples are shown in so many other ways, with a slip in so many characters: a few more than people make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NluReport:
    """What came out of a training.

    ``held_out`` are the measures of ``evaluate`` for the trial, empty where too little data was there to hold any
    out; they are pessimistic, as the written model saw more. ``foreign_source`` says which texts stood for
    out-of-scope ones. ``remarks`` are for the person who trains.
    """

    examples: int
    intents: int
    temperature: float
    threshold: float
    foreign_source: str
    seconds: float
    fingerprint: str
    held_out: Mapping[str, float | None] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calibration:
    confidence: Confidence = field(default_factory=Confidence)
    threshold: float = DEFAULT_THRESHOLD
    source: str = "nothing"
    measures: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inputs:
    """Everything that a fit needs besides the examples."""

    base: Base
    tokenizer: Tokenizer
    sources: PatternSources
    extracting: frozenset[str]
    settings: NluSettings
    seed: int
    device: torch.device
    vectors: FrozenVectors

    @property
    def max_tokens(self) -> int:
        """What the settings ask for, as far as the base has positions."""
        return min(self.settings.max_tokens, self.base.shape.positions)

    def text_encoder(self) -> TextEncoder:
        """The tokenizer as the network needs it."""
        return TextEncoder(self.tokenizer, max_tokens=self.max_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    """A network with what it was fitted to."""

    task: Task
    network: Network
    examples: Sequence[Example]


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
) -> NluReport:
    """Train on ``examples`` and write the model's folder ``out``.

    ``outside``: texts known to belong to no intent (they train a reject class). ``dev``: held-out messages, those of
    the intent ``out_of_scope`` belonging to none; temperature and threshold are found on them, and no trial is made.
    ``entities``: names of the domain; a regex or lookup of such a name extracts, as does one of a name that the
    examples annotate. ``device`` None takes a GPU where there is one. Raises the errors of ``nlu.errors``.
    """
    started = time.perf_counter()
    settings = settings or NluSettings()
    progress = progress or _silent
    sources = _sources(synonyms, regexes, lookups)
    examples, remarks = _usable(examples)
    outside = truly_outside(outside, examples)
    fingerprint = inputs_fingerprint(
        examples, sources=sources, outside=outside, entities=entities, base=base, seed=seed, settings=settings, dev=dev
    )
    progress(0.0, "Reading the base model")
    inputs = _inputs(
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
    calibration = _tried(inputs, split, progress) if split else _Calibration()
    reach = 0.5 if split else 0.05
    fitted = _fitted(
        inputs,
        examples,
        outside,
        lambda share: progress(reach + share * (0.98 - reach), "Learning intents and entities"),
    )
    if dev:
        inside = [example for example in dev if example.intent != OUT_OF_SCOPE_INTENT]
        foreign = [example.text for example in dev if example.intent == OUT_OF_SCOPE_INTENT]
        calibration = _calibrated(inputs, fitted, inside, [foreign], source="given texts")
    if settings.threshold is not None:
        calibration = replace(calibration, threshold=settings.threshold)
    report = NluReport(
        examples=len(examples),
        intents=len({example.intent for example in examples}),
        temperature=calibration.confidence.temperature,
        threshold=calibration.threshold,
        foreign_source=calibration.source,
        seconds=time.perf_counter() - started,
        fingerprint=fingerprint,
        held_out=calibration.measures,
        remarks=(*remarks, *_remarks(examples, calibration)),
    )
    manifest = replace(_manifest(inputs, fitted, calibration), facts={"base": base, **asdict(report)})
    write_model(out, manifest, fitted.network, inputs.tokenizer.to_str())
    progress(1.0, "Understanding is trained")
    return report


def inputs_fingerprint(
    examples: Sequence[Example],
    *,
    sources: PatternSources,
    outside: Sequence[str],
    entities: Collection[str],
    base: str,
    seed: int,
    settings: NluSettings,
    dev: Sequence[Example] = (),
) -> str:
    """A hash of everything that a training depends on; equal inputs need no second training."""
    content = [
        FORMAT,
        [asdict(example) for example in examples],
        asdict(sources),
        list(outside),
        [asdict(example) for example in dev],
        sorted(entities),
        base,
        seed,
        asdict(settings),
    ]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _inputs(
    base: str,
    examples: Sequence[Example],
    *,
    outside: Sequence[str],
    sources: PatternSources,
    entities: Collection[str],
    settings: NluSettings,
    seed: int,
    device: str | None,
) -> _Inputs:
    folder = resolve_base(base)
    if not (folder / "tokenizer.json").is_file():
        raise BaseUnsupported(f"{base} has no tokenizer.json", remedy="choose a base with a fast tokenizer")
    shape, weights = read_base(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = [*(example.text for example in examples), *outside]
    texts += general_texts(examples) if settings.general_outside else []
    tokenizer, grown = grown_tokenizer(tokenizer, texts)
    annotated = {span.entity for example in examples for span in example.entities}
    grown_base = Base(shape=replace(shape, grown=grown), weights=weights)
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return _Inputs(
        base=grown_base,
        tokenizer=tokenizer,
        sources=sources,
        extracting=frozenset({*annotated, *entities}),
        settings=settings,
        seed=seed,
        device=where,
        vectors=FrozenVectors(grown_base, where, keep_tokens=settings.heads_only),
    )


def _fitted(
    inputs: _Inputs, examples: Sequence[Example], outside: Sequence[str], ticks: Callable[[float], None]
) -> _Fitted:
    task = Task(examples, rejects=bool(outside), sources=inputs.sources, encoder=inputs.text_encoder())
    items = [*task.items(examples), *(task.outside(outside) if outside else ())]
    if inputs.settings.heads_only:
        network = fit_heads(inputs.vectors, inputs.base, task, items, settings=inputs.settings, ticks=ticks)
    else:
        network = fit(
            inputs.base,
            task,
            items,
            slipped=_slipped(inputs, task, examples),
            vectors=inputs.vectors,
            settings=inputs.settings,
            seed=inputs.seed,
            device=inputs.device,
            ticks=ticks,
        )
    return _Fitted(task=task, network=network, examples=examples)


def _slipped(inputs: _Inputs, task: Task, examples: Sequence[Example]) -> list[tuple[Item, ...]]:
    """For each example the ways in which it may have been typed."""
    if not inputs.settings.slips:
        return []
    random = np.random.default_rng(inputs.seed)
    typed = [task.items([with_slips(e, random, every=_SLIP_EVERY) for e in examples]) for _ in range(_SLIPPED)]
    return list(zip(*typed, strict=True))


def _tried(inputs: _Inputs, split: Split, progress: Progress) -> _Calibration:
    """Fit the trial and judge it on what it has not seen."""
    fitted = _fitted(
        inputs,
        split.learned,
        split.outside,
        lambda share: progress(0.05 + share * 0.42, "Learning a trial to judge confidence by"),
    )
    foreign = [split.held_outside, split.left_out]
    return _calibrated(inputs, fitted, split.held, foreign, source=split.foreign_source)


def _calibrated(
    inputs: _Inputs, fitted: _Fitted, held: Sequence[Example], foreign: Sequence[Sequence[str]], *, source: str
) -> _Calibration:
    """Confidence, threshold and measures from messages ``held`` and from kinds of ``foreign`` texts."""
    task = fitted.task
    items = [item for item in task.items(held) if item.label != IGNORED]
    labels = [item.label for item in items]
    logits = class_logits(fitted.network, task, items, inputs.device)
    elsewhere = [
        class_logits(fitted.network, task, task.items([Example(text=text, intent="") for text in texts]), inputs.device)
        for texts in foreign
    ]
    inside = np.array([label is not None for label in task.classes])
    confidence = fitted_confidence(logits, labels, elsewhere, inside)
    sure, best = _surest(confidence.of(logits, inside), inside)
    outside = [_surest(confidence.of(kind, inside), inside)[0] for kind in elsewhere]
    calibration = _Calibration(
        confidence=confidence, threshold=chosen_threshold(sure, best == np.asarray(labels), outside), source=source
    )
    model = NluModel(_manifest(inputs, fitted, calibration), fitted.network, task.encoder, inputs.device)
    probes = [*held, *(Example(text=text, intent=OUT_OF_SCOPE_INTENT) for kind in foreign for text in kind)]
    return replace(calibration, measures=evaluate(model, probes))


def class_logits(network: Network, task: Task, items: Sequence[Item], device: torch.device) -> NDArray[np.float64]:
    """The intent logits of some items: (items, classes)."""
    parts = [np.zeros((0, len(task.classes)))]
    with torch.inference_mode():
        for at in range(0, len(items), 32):
            batch = task.batch(items[at : at + 32])
            features = batch.features.to(device) if batch.features is not None else None
            scores = network(batch.packed.to(device), features)
            parts.append(scores.classes.double().cpu().numpy())
    return np.concatenate(parts)


def _surest(chances: NDArray[np.float64], inside: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The probability of the best intent of each text (0 where the reject class wins), and which one it is."""
    within = np.where(inside, chances, -1.0)
    sure = within.max(axis=1)
    return np.where(chances.max(axis=1) > sure, 0.0, sure), within.argmax(axis=1)


def _manifest(inputs: _Inputs, fitted: _Fitted, calibration: _Calibration) -> Manifest:
    task = fitted.task
    return Manifest(
        encoder=inputs.base.shape,
        heads=task.shape,
        classes=task.classes,
        kinds=task.tagset.kinds,
        touching=task.touching,
        roles=task.roles,
        groups=task.groups,
        confidence=calibration.confidence,
        threshold=calibration.threshold,
        max_tokens=inputs.max_tokens,
        patterns=inputs.sources,
        pattern_confidence=pattern_confidence(task.patterns, fitted.examples, inputs.extracting),
        entity_roles=task.entity_roles,
        entity_groups=task.entity_groups,
    )


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


def _remarks(examples: Sequence[Example], calibration: _Calibration) -> list[str]:
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

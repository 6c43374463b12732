"""What a training of the understanding is made from, read once, and the networks fitted to it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from nlu.data import Example, PatternSources
from nlu.network import Network
from nlu.tokens import TextEncoder
from training.nlu_fast import fit_heads
from training.nlu_fit import Learned, NluSettings, averaged, fit
from training.nlu_logs import recorded
from training.nlu_noise import with_slips
from training.nlu_outside import general_texts
from training.nlu_task import IGNORED, Item, Task
from training.nlu_vectors import Base, FrozenVectors, grown_base

_NEXT_SEED = 1000
"""Between the seeds of networks that are averaged, so that a benchmark's next seed shares none with this one."""

_SLIPPED = 3
_SLIP_EVERY = 15
"""Examples are shown in so many other ways, with a slip in so many characters: a few more than people make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that a fit needs besides the examples."""

    base: Base
    tokenizer: Tokenizer
    sources: PatternSources
    extracting: frozenset[str]
    settings: NluSettings
    seed: int
    device: torch.device
    vectors: FrozenVectors
    spells: bool

    @property
    def max_tokens(self) -> int:
        """What the settings ask for, as far as the base has positions."""
        return min(self.settings.max_tokens, self.base.shape.positions)

    def text_encoder(self) -> TextEncoder:
        """The tokenizer as the network needs it."""
        return TextEncoder(self.tokenizer, max_tokens=self.max_tokens, spells=self.spells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A network with what it was fitted to. ``passes``: how many it took; None where only heads were fitted."""

    task: Task
    network: Network
    examples: Sequence[Example]
    passes: int | None = None


def read_inputs(
    base: str,
    examples: Sequence[Example],
    *,
    outside: Sequence[str],
    sources: PatternSources,
    entities: Collection[str],
    settings: NluSettings,
    seed: int,
    device: str | None,
) -> Inputs:
    """Read the base model and make its vocabulary large enough for the texts. Raises BaseNotFound, BaseUnsupported."""
    texts = [*(example.text for example in examples), *outside]
    texts += general_texts(examples) if settings.general_outside else []
    model, tokenizer = grown_base(base, texts)
    annotated = {span.entity for example in examples for span in example.entities}
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return Inputs(
        base=model,
        tokenizer=tokenizer,
        sources=sources,
        extracting=frozenset({*annotated, *entities}),
        settings=settings,
        seed=seed,
        device=where,
        spells=bool(annotated),
        vectors=FrozenVectors(model, where, keep_tokens=settings.heads_only),
    )


def fitted_to(
    inputs: Inputs,
    examples: Sequence[Example],
    outside: Sequence[str],
    ticks: Callable[[float], None],
    *,
    held: Sequence[Example] = (),
    passes: int | None = None,
    networks: int = 1,
    logs: Path | None = None,
) -> Fitted:
    """Fit a network to examples and to texts that belong to none of their intents.

    ``held``: messages to watch it on, pass by pass; ``passes``: how many it makes, if not what the settings say;
    ``networks``: how many are averaged; ``logs``: where the course of the first goes.
    """
    task = Task(examples, rejects=bool(outside), sources=inputs.sources, encoder=inputs.text_encoder())
    items = [*task.items(examples), *(task.outside(outside) if outside else ())]
    if inputs.settings.heads_only:
        heads = fit_heads(
            inputs.vectors, inputs.base, task, items, settings=inputs.settings, seed=inputs.seed, ticks=ticks
        )
        return Fitted(task=task, network=heads.to(inputs.device), examples=examples)
    slipped = _slipped(inputs, task, examples)
    judged_on = [item for item in task.items(held) if item.label != IGNORED]

    def learned(place: int) -> Learned:
        with recorded(logs if place == 0 else None) as record:
            return fit(
                inputs.base,
                task,
                items,
                slipped=slipped,
                held=judged_on,
                vectors=inputs.vectors,
                settings=replace(inputs.settings, epochs=passes or inputs.settings.epochs),
                seed=inputs.seed + _NEXT_SEED * place,
                device=inputs.device,
                ticks=lambda share: ticks((place + share) / networks),
                record=record,
            )

    fits = [learned(place) for place in range(networks)]
    network = averaged([fit.network for fit in fits])
    return Fitted(task=task, network=network, examples=examples, passes=fits[0].passes)


def _slipped(inputs: Inputs, task: Task, examples: Sequence[Example]) -> list[tuple[Item, ...]]:
    """For each example the ways in which it may have been typed."""
    if not inputs.settings.slips:
        return []
    random = np.random.default_rng(inputs.seed)
    typed = [task.items([with_slips(e, random, every=_SLIP_EVERY) for e in examples]) for _ in range(_SLIPPED)]
    return list(zip(*typed, strict=True))

"""Fitting the joint network to items. Knows nothing of files, thresholds or reports."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nlu.network import Network
from training.nlu_adapters import Adapters
from training.nlu_adversary import Adversary
from training.nlu_logs import Record
from training.nlu_loss import Best, HeldOut, held_out, joint_loss, scores_of
from training.nlu_task import IGNORED, Batch, Item, Task
from training.nlu_vectors import Base, FrozenVectors, start_grown

Ticks = Callable[[float], None]
"""Called with the finished share of a fit, 0 to 1."""

_HIDDEN = 0.15
"""Share of words that are shown as unknown where the vocabulary had to grow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NluSettings:
    """How the network is trained. None means: by the amount of data.

    ``layer_decay``: each layer below the last learns this much slower than the one above it.
    ``frozen_layers``: how many of the lowest layers do not learn at all.
    ``general_outside``: general texts (small talk, trivia) far from every intent are learned as outside, too.
    ``slips``: share of examples that are shown with slips of the finger in each pass (see ``nlu_noise``).
    ``accumulate``: batches per step, so that a step may see more texts than memory holds at once.
    ``patience``: learning stops after so many passes that made nothing better on held-out texts, and the best pass
    counts; 0 makes all passes (see ``fit``).
    ``lora_rank``: the encoder learns through adapters of this rank, at ``lora_learning_rate``, and else stays as it
    is; 0 learns all of its weights (see ``nlu_adapters``).
    ``adversary``: by how much words are shifted to where it hurts most, each batch being learned that way, too.
    ``averaged``: so many networks are fitted, each with a seed of its own, and their weights averaged.
    ``heads_only``: the encoder stays as it is, which takes seconds (see ``nlu_fast``).
    ``threshold``: fixes the confidence below which a message is rejected; None finds it on held-out data.
    """

    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float = 2e-4
    head_learning_rate: float = 2e-3
    layer_decay: float = 0.9
    weight_decay: float = 0.01
    dropout: float = 0.1
    label_smoothing: float = 0.0
    warmup: float = 0.1
    max_tokens: int = 128
    train_words: bool = False
    frozen_layers: int | None = None
    threshold: float | None = None
    general_outside: bool = True
    half_precision: bool | None = None
    slips: float = 0.4
    accumulate: int = 1
    patience: int = 0
    lora_rank: int = 0
    lora_learning_rate: float = 1e-3
    adversary: float | None = None
    averaged: int | None = None
    heads_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A network ready for inference, and after how many passes over the items it was as it is."""

    network: Network
    passes: int


def fit(
    base: Base,
    task: Task,
    items: Sequence[Item],
    *,
    slipped: Sequence[Sequence[Item]] = (),
    held: Sequence[Item] = (),
    vectors: FrozenVectors,
    settings: NluSettings,
    seed: int,
    device: torch.device,
    ticks: Ticks,
    record: Record | None = None,
) -> Learned:
    """A network trained on the items. The same seed gives the same network on one machine.

    ``slipped``: for each of the first items other ways in which it may have been typed. ``held``: items of known
    intents to judge it on after each pass; with ``settings.patience`` the best pass counts. Stopping so cuts off the
    course of the learning rate, which is laid out for all epochs: a fit does better that is told their number at once.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = start(base, task, settings, device)
    frozen = settings.frozen_layers
    frozen = default_frozen_layers(len(items), base.shape.layers) if frozen is None else frozen
    freeze(network, frozen)
    adapters = Adapters(network.encoder, rank=settings.lora_rank, first=frozen) if settings.lora_rank else None
    start_intents(network, items, vectors)
    inside = sum(task.classes[item.label] is not None for item in items)
    tagged = task.shape.tags > 1
    epochs = settings.epochs or default_epochs(inside, tagged=tagged)
    batch_size = settings.batch_size or default_batch_size(len(items))
    steps = math.ceil(len(items) / (batch_size * settings.accumulate))
    size = default_adversary(len(items), tagged=tagged) if settings.adversary is None else settings.adversary
    adversary = Adversary(network, size) if size else None
    learner = _Learner(network, settings, device, steps=steps * epochs, adversary=adversary, record=record)
    best = Best(network)
    hidden = _HIDDEN if base.shape.grown else 0.0

    def shown(place: int) -> Item:
        return _with_unknowns(_typed(items, slipped, place, settings.slips, random), task, hidden, random)

    for done in range(epochs):
        batches = (task.batch(list(map(shown, chunk))) for chunk in _shuffled(len(items), 1, batch_size, random))
        learner.learn(batches, done + 1, lambda step: ticks(step / (steps * epochs)))
        if not held or not (settings.patience or record):
            continue
        judgement = learner.judge(task, held, done + 1)
        if settings.patience and best.outlasted(judgement, done + 1) >= settings.patience:
            break
    passes = best.restore() if held and settings.patience else epochs
    if adversary:
        adversary.remove()
    if adapters:
        adapters.merge()
    ticks(1.0)
    return Learned(network=network.eval(), passes=passes)


class _Learner:
    """The optimiser's side of a fit: what a step and what a pass is."""

    def __init__(
        self,
        network: Network,
        settings: NluSettings,
        device: torch.device,
        *,
        steps: int,
        adversary: Adversary | None,
        record: Record | None,
    ) -> None:
        self._network, self._settings, self._device, self._record = network, settings, device, record
        self._adversary = adversary
        self._optimizer = _optimizer(network, settings)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, _warm_linear(steps, settings.warmup))
        wanted = settings.half_precision
        self._half = wanted if wanted is not None else _half_is_faster(device)
        self._steps = 0

    def learn(self, batches: Iterable[Batch], passes: int, ticks: Callable[[int], None]) -> None:
        """One pass: a step for each ``accumulate`` batches, and for those that are left over."""
        started = time.perf_counter()
        self._network.train()
        left = iter(batches)
        while group := list(islice(left, self._settings.accumulate)):
            self._step(group)
            ticks(self._steps)
        if self._record:
            self._record("seconds", time.perf_counter() - started, passes)

    def judge(self, task: Task, held: Sequence[Item], passes: int) -> HeldOut:
        """How good the network is on held-out items after a pass."""
        with self._autocast():
            judgement = held_out(self._network, task, held, self._device)
        if self._record:
            for name, value in asdict(judgement).items():
                if value is not None:
                    self._record(f"held_out/{name}", value, passes)
        return judgement

    def _step(self, batches: Sequence[Batch]) -> None:
        """One step on batches, each weighing as much as it has texts; only one at a time takes memory."""
        self._optimizer.zero_grad()
        texts = sum(len(batch.labels) for batch in batches)
        total = torch.zeros((), device=self._device)
        for batch in batches:
            share = len(batch.labels) / texts
            total += self._learn_from(batch, share)
            if self._adversary:
                with self._adversary.attack():
                    self._learn_from(batch, share)
        nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimizer.step()
        self._steps += 1
        if self._record:
            self._record("loss", float(total), self._steps)
            self._record("learning_rate", max(map(float, self._schedule.get_last_lr())), self._steps)
        self._schedule.step()

    def _learn_from(self, batch: Batch, share: float) -> torch.Tensor:
        """Add the gradients of a batch that is so large a share of a step; returns its share of the loss."""
        with self._autocast():
            scores = scores_of(self._network, batch, self._device)
            loss = joint_loss(scores, batch, label_smoothing=self._settings.label_smoothing) * share
        torch.autograd.backward(loss)
        return loss.detach()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._half)


def averaged(networks: Sequence[Network]) -> Network:
    """The first network with the mean of all their weights: a model soup [Wortsman et al. 2022].

    Fits that started from the same weights end near enough to each other for the mean to be better than any.
    """
    first = networks[0]
    states = [network.state_dict() for network in networks]
    first.load_state_dict({name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]})
    return first


def default_adversary(count: int, *, tagged: bool = False) -> float:
    """Half a point of intents for twice the time; it gives nothing to few examples, nor to entities."""
    return 0.3 if count >= 2000 and not tagged else 0.0


def default_averaged(count: int) -> int:
    """Three networks for a few hundred examples, where it is worth half a point; more would take too long."""
    return 3 if 500 <= count < 2000 else 1


def default_epochs(count: int, *, tagged: bool = False) -> int:
    """Passes over the data: 10 for few examples, 4 for many; entities take twice as many, within 5 to 10.

    More passes over few examples unlearn the base.
    """
    few, twice = round(100 / math.sqrt(count)), round(200 / math.sqrt(count))
    return max(5, min(10, twice)) if tagged else max(4, min(10, few))


def default_batch_size(count: int) -> int:
    """Texts per step: small sets need steps more than smooth gradients."""
    return 32 if count >= 1000 else 16


def default_frozen_layers(count: int, layers: int) -> int:
    """Half of the layers stay as they are for few examples: a third of the time saved, and no less accurate."""
    return layers // 2 if count < 2000 else 0


def freeze(network: Network, layers: int) -> None:
    """Keep the lowest layers as the base has them."""
    for layer in list(network.encoder.layers)[:layers]:
        layer.requires_grad_(False)


def start(base: Base, task: Task, settings: NluSettings, device: torch.device) -> Network:
    """A network with the base's encoder and fresh heads."""
    network = Network(base.shape, task.shape, dropout=settings.dropout)
    network.encoder.load_state_dict(base.weights, strict=not base.shape.grown)
    start_grown(network.encoder, base)
    for part in (network.encoder.words, network.encoder.places):
        part.requires_grad_(settings.train_words)
    return network.to(device)


def start_intents(network: Network, items: Sequence[Item], vectors: FrozenVectors) -> None:
    """Start each class at the mean direction of its texts under the base encoder."""
    known = [item for item in items if item.label != IGNORED]
    weight = network.intent.weight
    means = vectors.means([item.tokens for item in known]).to(weight.device)
    labels = torch.tensor([item.label for item in known], device=weight.device)
    weight.data.copy_(functional.normalize(torch.zeros_like(weight).index_add(0, labels, means), dim=-1))


def _optimizer(network: Network, settings: NluSettings) -> torch.optim.Optimizer:
    groups = []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad and parameter.numel():
            decays = parameter.dim() > 1
            groups.append(
                {
                    "params": [parameter],
                    "lr": _learning_rate(name, len(network.encoder.layers), settings),
                    "weight_decay": settings.weight_decay if decays else 0.0,
                }
            )
    return torch.optim.AdamW(groups, fused=True)


def _learning_rate(name: str, layers: int, settings: NluSettings) -> float:
    match name.split("."):
        case ["encoder", "layers", place, *_]:
            rate = settings.lora_learning_rate if settings.lora_rank else settings.learning_rate
            return rate * settings.layer_decay ** (layers - 1 - int(place))
        case ["encoder", "grown", *_]:
            return settings.head_learning_rate
        case ["encoder", *_]:
            return settings.learning_rate * settings.layer_decay**layers
        case _:
            return settings.head_learning_rate


def _warm_linear(steps: int, warmup: float) -> Callable[[int], float]:
    warm = max(1, round(steps * warmup))

    def factor(step: int) -> float:
        return min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))

    return factor


def _shuffled(count: int, epochs: int, batch_size: int, random: np.random.Generator) -> Iterator[list[int]]:
    for _ in range(epochs):
        order = random.permutation(count)
        for at in range(0, count, batch_size):
            yield order[at : at + batch_size].tolist()


def _typed(
    items: Sequence[Item], slipped: Sequence[Sequence[Item]], place: int, share: float, random: np.random.Generator
) -> Item:
    """An item as it stands or, in so large a share of cases, as it may have been typed."""
    others = slipped[place] if place < len(slipped) and random.random() < share else ()
    return others[int(random.integers(len(others)))] if others else items[place]


def _with_unknowns(item: Item, task: Task, share: float, random: np.random.Generator) -> Item:
    """The item with some words unknown: that a word is unknown must speak neither for an intent nor for rejection."""
    if not share or not task.encoder.unknown:
        return item
    unknown = min(task.encoder.unknown)
    hidden = random.random(len(item.tokens.ids)) < share
    ids = tuple(
        unknown if hide and end > start else id_
        for id_, hide, (start, end) in zip(item.tokens.ids, hidden, item.tokens.spans, strict=True)
    )
    return replace(item, tokens=replace(item.tokens, ids=ids))


def _half_is_faster(device: torch.device) -> bool:
    """Whether bfloat16 has hardware behind it."""
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported())
    return device.type == "cuda"

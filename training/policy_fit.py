"""Learning the network of the learned policy: the sums of ``bot/dialogue/policies/network.py``, written for torch.

A dialogue is learned whole, every state in the context of the states before it. Some contexts are cut short at random,
so that what was long ago, or happened before the bot was asked, does not decide alone.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.dialogue.parse import Json
from bot.dialogue.policies.learned import DEFAULT_HISTORY
from bot.dialogue.policies.network import EPSILON, Network, features_of
from bot.dialogue.states import State

NOTHING = -100
"""The label of a position that teaches nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A state, the action taken in it (None: it follows from nothing), and the intent of the message after that."""

    state: State
    action: str | None
    intent: str | None = None

    def to_json(self) -> Json:
        """The step as JSON."""
        return [self.state.to_json(), self.action, self.intent]


Lesson = Sequence[Step]
"""A dialogue, oldest step first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSettings:
    """How the network is learned. ``passes`` over all lessons, but at least ``least_steps`` batches and at most
    ``most_steps``. ``hidden``: share of the features that are not shown. ``cut``: share of the lessons of a batch whose
    contexts are cut short. Chosen on the sets of ``kefu bench dialogue`` (see ``training/LOG.md``).
    """

    width: int = 64
    heads: int = 4
    window: int = DEFAULT_HISTORY
    passes: int = 6
    least_steps: int = 300
    most_steps: int = 3000
    batch_size: int = 16
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    dropout: float = 0.1
    hidden: float = 0.1
    cut: float = 0.2


def fit(lessons: Sequence[Lesson], settings: FitSettings, *, seed: int) -> Network:
    """The network that these lessons make; the same for the same seed."""
    names = {name for lesson in lessons for step in lesson for name, _ in features_of(step.state)}
    vocabulary = {name: at for at, name in enumerate(sorted(names))}
    actions = tuple(sorted({step.action for lesson in lessons for step in lesson if step.action is not None}))
    intents = tuple(sorted({step.intent for lesson in lessons for step in lesson if step.intent is not None}))
    with torch.random.fork_rng(devices=()), _one_thread():
        torch.manual_seed(seed)
        module = PolicyNetwork(len(vocabulary), len(actions), len(intents), settings)
        encoded = [_encode(lesson, vocabulary, actions, intents) for lesson in lessons]
        _learn(module, encoded, settings, random.Random(seed))  # noqa: S311 - an order, not a secret
    return Network(
        vocabulary=vocabulary,
        actions=actions,
        intents=intents,
        window=settings.window,
        heads=settings.heads,
        weights={name: value.numpy() for name, value in module.state_dict().items()},
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """In matrices this small, several threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True, slots=True, eq=False)
class _Encoded:
    """Lessons as tensors: features ``at`` [.., steps, features] with their ``values``, and labels [.., steps]."""

    at: Tensor
    values: Tensor
    actions: Tensor
    intents: Tensor

    def __len__(self) -> int:
        return self.actions.shape[-1]


def _encode(lesson: Lesson, vocabulary: dict[str, int], actions: Sequence[str], intents: Sequence[str]) -> _Encoded:
    bags = [features_of(step.state) for step in lesson]
    most = max(map(len, bags))
    at, values = torch.zeros(len(bags), most, dtype=torch.long), torch.zeros(len(bags), most)
    for row, bag in enumerate(bags):
        for column, (name, value) in enumerate(bag):
            at[row, column], values[row, column] = vocabulary[name], value
    action_at, intent_at = ({name: i for i, name in enumerate(names)} for names in (actions, intents))
    return _Encoded(
        at,
        values,
        torch.tensor([action_at.get(step.action or "", NOTHING) for step in lesson]),
        torch.tensor([intent_at.get(step.intent or "", NOTHING) for step in lesson]),
    )


def _batch(lessons: Sequence[_Encoded]) -> _Encoded:
    """Lessons side by side, filled up with what teaches nothing."""
    steps = max(map(len, lessons))
    most = max(lesson.at.shape[1] for lesson in lessons)

    def beside(rows: list[Tensor], filler: int) -> Tensor:
        return torch.stack([functional.pad(row, (0, steps - len(row)), value=filler) for row in rows])

    def bags(rows: list[Tensor]) -> Tensor:
        return torch.stack([functional.pad(row, (0, most - row.shape[1], 0, steps - len(row))) for row in rows])

    return _Encoded(
        bags([lesson.at for lesson in lessons]),
        bags([lesson.values for lesson in lessons]),
        beside([lesson.actions for lesson in lessons], NOTHING),
        beside([lesson.intents for lesson in lessons], NOTHING),
    )


def _learn(module: "PolicyNetwork", lessons: list[_Encoded], settings: FitSettings, order: random.Random) -> None:
    size = settings.batch_size
    wanted = settings.passes * (len(lessons) + size - 1) // size
    steps = min(max(wanted, settings.least_steps), settings.most_steps)
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, foreach=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (0.1 * steps)) * max(0.02, 1 - step / steps)
    )
    module.train()
    waiting: list[list[_Encoded]] = []
    for _ in range(steps):
        waiting = waiting or _batches(lessons, size, order)
        batch = _batch(waiting.pop())
        actions, intents = module(batch.at, batch.values, _windows(len(batch.actions), settings))
        loss = _loss(actions, batch.actions) + _loss(intents, batch.intents)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    module.eval()


def _batches(lessons: list[_Encoded], size: int, order: random.Random) -> list[list[_Encoded]]:
    """All lessons once, those of like length together."""
    mixed = sorted(lessons, key=lambda lesson: len(lesson) + 6 * order.random())
    batches = [mixed[at : at + size] for at in range(0, len(mixed), size)]
    order.shuffle(batches)
    return batches


def _windows(count: int, settings: FitSettings) -> Tensor:
    """How far back each lesson of a batch may look [count]."""
    shorter = torch.randint(1, settings.window + 1, (count,))
    return torch.where(torch.rand(count) < settings.cut, shorter, settings.window)


def _loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy over the positions that teach something; 0 where none does."""
    taught = labels != NOTHING
    return functional.cross_entropy(scores[taught], labels[taught]) if taught.any() else scores.sum() * 0.0


class PolicyNetwork(nn.Module):
    """See ``network``: the parameters have the names of its weights."""

    def __init__(self, features: int, actions: int, intents: int, settings: FitSettings) -> None:
        super().__init__()
        width = settings.width
        self._hidden = settings.hidden
        self.features = nn.Parameter(torch.randn(max(features, 1), width) * width**-0.5)
        self.start = nn.Parameter(torch.zeros(width))
        self.state = _Layer(width, settings.dropout)
        self.attention = _Attention(width, settings)
        self.last = _Layer(width, settings.dropout)
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.actions = nn.Linear(width, actions)
        self.intents = nn.Linear(width, max(intents, 1))

    def forward(self, at: Tensor, values: Tensor, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Scores [batch, steps, actions] and [batch, steps, intents] of the features [batch, steps, features]."""
        if self.training:
            values = values * (torch.rand_like(values) >= self._hidden)
        x = (functional.embedding(at, self.features) * values[..., None]).sum(-2) + self.start
        x = self.last(self.attention(self.state(x), windows))
        x = self.norm(x)
        return self.actions(x), self.intents(x)


class _Layer(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.widen = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.dropout(self.narrow(functional.relu(self.widen(self.norm(x)))))
        return x + added


class _Attention(nn.Module):
    def __init__(self, width: int, settings: FitSettings) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.distance = nn.Parameter(torch.zeros(settings.heads, settings.window))
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, x: Tensor, windows: Tensor) -> Tensor:
        batch, steps, width = x.shape
        heads, longest = self.distance.shape
        normed = self.norm(x)
        query, key, value = (
            layer(normed).view(batch, steps, heads, -1).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        back = torch.arange(steps)[:, None] - torch.arange(steps)
        seen = (back >= 0) & (back < windows[:, None, None])
        bias = self.distance[:, back.clamp(0, longest - 1)]
        mask = torch.where(seen[:, None], bias, torch.tensor(float("-inf")))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        added: Tensor = self.dropout(self.out(mixed.transpose(1, 2).reshape(batch, steps, width)))
        return x + added

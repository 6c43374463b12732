"""Fitting only the heads, on vectors of the base encoder that are computed once: seconds instead of minutes.

The problem is convex but for the length of the intents' vectors, so L-BFGS [Liu and Nocedal 1989] needs no learning
rate and no number of passes to be chosen. The scale of the cosines stays fixed: it is what keeps the heads from
growing sure of what they were shown.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import nn
from torch.nn import functional

from nlu.encoder import mean_vectors, sums_by_text
from nlu.model import pattern_features
from nlu.network import Network
from nlu.tokens import Packed, pack
from training.nlu_fit import NluSettings, Ticks, start, start_intents
from training.nlu_task import IGNORED, Item, Task
from training.nlu_vectors import Base, FrozenVectors

_SCALE = 20.0
_DECAY = 1e-6
_STEPS = 100


def fit_heads(
    vectors: FrozenVectors,
    base: Base,
    task: Task,
    items: Sequence[Item],
    *,
    settings: NluSettings,
    seed: int,
    ticks: Ticks,
) -> Network:
    """A network on the CPU with the base's encoder as it is and heads fitted to the items, ready for inference."""
    torch.manual_seed(seed)
    network = start(base, task, settings, torch.device("cpu")).eval()
    rows = torch.cat(vectors.tokens([item.tokens for item in items], lambda share: ticks(share * 0.7))).float()
    packed = pack([item.tokens for item in items])
    features = pattern_features([item.tokens for item in items], [item.matches for item in items], task.patterns.names)
    start_intents(network, items, vectors)
    _fit_intents(network, mean_vectors(rows, packed), packed, features, torch.tensor([item.label for item in items]))
    ticks(0.8)
    for head, targets in (
        (network.tag, [tag for item in items for tag in item.tags]),
        (network.role, [role for item in items for role in item.roles]),
        (network.group, [group for item in items for group in item.groups]),
    ):
        if head.out_features > 1:
            _fit_tokens(
                head, network.pattern_tag if head is network.tag else None, rows, features, torch.tensor(targets)
            )
    ticks(1.0)
    return network


def _fit_intents(
    network: Network, pooled: torch.Tensor, packed: Packed, features: torch.Tensor | None, labels: torch.Tensor
) -> None:
    head = network.intent
    head.log_scale.data.fill_(math.log(_SCALE))
    head.log_scale.requires_grad_(False)
    known = labels != IGNORED
    pooled, labels = functional.normalize(pooled[known], dim=-1), labels[known]
    seen = sums_by_text(features, packed).clamp(max=1.0)[known] if features is not None else None

    def loss() -> torch.Tensor:
        logits = head(pooled)
        if seen is not None:
            logits = logits + functional.linear(seen, network.pattern_intent)
        return functional.cross_entropy(logits, labels)

    minimise(loss, [head.weight, network.pattern_intent])


def _fit_tokens(
    head: nn.Linear,
    pattern: nn.Parameter | None,
    rows: torch.Tensor,
    features: torch.Tensor | None,
    targets: torch.Tensor,
) -> None:
    known = targets != IGNORED
    rows, targets = rows[known], targets[known]
    found = features[known] if features is not None and pattern is not None else None

    def loss() -> torch.Tensor:
        logits = head(rows)
        if found is not None and pattern is not None:
            logits = logits + functional.linear(found, pattern)
        return functional.cross_entropy(logits, targets) + _DECAY * head.weight.square().sum()

    minimise(loss, [head.weight, head.bias, *([pattern] if found is not None and pattern is not None else [])])


def minimise(loss: Callable[[], torch.Tensor], parameters: Iterable[torch.Tensor], *, steps: int = _STEPS) -> None:
    """Bring a smooth loss of all the data down by L-BFGS, in at most so many steps."""
    used = [parameter for parameter in parameters if parameter.numel()]
    optimizer = torch.optim.LBFGS(used, max_iter=steps, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss()
        torch.autograd.backward(value)
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch leaves it untyped

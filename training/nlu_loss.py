"""What a network gets wrong: the loss that it learns from, and how good it is on items that are held out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from nlu.network import Network, Scores
from training.nlu_task import IGNORED, Batch, Item, Task

_AT_ONCE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """How good a network is on items that it did not learn.

    ``accuracy``: share of right intents. ``entities``: of the tokens that are tagged or should be, the share that is
    tagged right; None where there is nothing to tag.
    """

    accuracy: float
    entities: float | None
    loss: float

    @property
    def rank(self) -> tuple[float, float]:
        """What is higher is better: shares decide, and the loss among equals, as a small set has few shares."""
        shares = [self.accuracy] if self.entities is None else [self.accuracy, self.entities]
        return sum(shares) / len(shares), -self.loss


class Best:
    """The weights that were best on held-out items, and after how many passes (0: none was seen)."""

    def __init__(self, network: nn.Module) -> None:
        self._learned = [weight for weight in network.parameters() if weight.requires_grad]
        self._kept: list[torch.Tensor] = []
        self._rank: tuple[float, float] | None = None
        self.passes = 0

    def outlasted(self, held_out: HeldOut, passes: int) -> int:
        """Keep the present weights if they are better than those before; for how many passes none has been better."""
        if self._rank is None or held_out.rank > self._rank:
            self._rank, self.passes = held_out.rank, passes
            self._kept = [weight.detach().clone() for weight in self._learned]
        return passes - self.passes

    @torch.no_grad()
    def restore(self) -> int:
        """Put the best weights back; returns after how many passes they were."""
        for weight, kept in zip(self._learned, self._kept, strict=True):
            weight.copy_(kept)
        return self.passes


def scores_of(network: Network, batch: Batch, device: torch.device) -> Scores:
    """What the network says to a batch."""
    features = batch.features.to(device) if batch.features is not None else None
    return network(batch.packed.to(device), features)  # type: ignore[no-any-return]  # torch types no call


def joint_loss(scores: Scores, batch: Batch, *, label_smoothing: float = 0.0) -> torch.Tensor:
    """Cross-entropy of the intents plus that of tags, roles and groups where there are any."""
    device = scores.classes.device
    loss = functional.cross_entropy(
        scores.classes.float(), batch.labels.to(device), label_smoothing=label_smoothing, ignore_index=IGNORED
    )
    for logits, targets in (
        (scores.tags, batch.tags),
        (scores.roles, batch.roles),
        (scores.groups, batch.groups),
    ):
        if logits.shape[1] > 1 and bool((targets != IGNORED).any()):
            loss = loss + functional.cross_entropy(logits.float(), targets.to(device), ignore_index=IGNORED)
    return loss


@torch.no_grad()
def held_out(network: Network, task: Task, items: Sequence[Item], device: torch.device) -> HeldOut:
    """Judge the network on items of known intents; it is left ready for inference."""
    network.eval()
    right = tagged = tagged_right = 0
    loss = 0.0
    for at in range(0, len(items), _AT_ONCE):
        batch = task.batch(items[at : at + _AT_ONCE])
        scores = scores_of(network, batch, device)
        right += int((scores.classes.argmax(-1).cpu() == batch.labels).sum())
        loss += float(joint_loss(scores, batch)) * len(batch.labels)
        tags = scores.tags.argmax(-1).cpu()
        counts = (batch.tags != IGNORED) & ((batch.tags > 0) | (tags > 0))
        tagged += int(counts.sum())
        tagged_right += int((counts & (tags == batch.tags)).sum())
    entities = tagged_right / tagged if tagged else 1.0
    return HeldOut(
        accuracy=right / len(items), entities=entities if network.heads.tags > 1 else None, loss=loss / len(items)
    )

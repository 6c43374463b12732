"""The joint network: one encoder, an intent head on the mean vector, heads for tag, role and group on each token.

The intent head compares directions (cosine with a learned scale) [Luo et al. 2018, "Cosine Normalization"], so
that it can be started from the mean vectors of the intents, which is what makes few examples enough.
Patterns (regexes, lookups) add to the logits of both through weights that start at zero.
"""

from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn import functional

from nlu.encoder import Encoder, EncoderShape, mean_vectors, sums_by_text
from nlu.tokens import Packed


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadShape:
    """Numbers of classes (the reject class counts), tags, roles, groups (none counts) and pattern features."""

    classes: int
    tags: int = 1
    roles: int = 1
    groups: int = 1
    patterns: int = 0

    def as_json(self) -> dict[str, int]:
        """The sizes as they stand in the model's manifest."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Logits. classes: (b, classes); tags, roles, groups: (n, ...) by token. pooled: (b, width)."""

    pooled: torch.Tensor
    classes: torch.Tensor
    tags: torch.Tensor
    roles: torch.Tensor
    groups: torch.Tensor


class IntentHead(nn.Module):
    """Scaled cosine between a text's vector and one vector per class."""

    def __init__(self, width: int, classes: int, *, scale: float = 16.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, width) * 0.02)
        self.log_scale = nn.Parameter(torch.tensor(scale).log())

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Logits (b, classes) of vectors (b, width)."""
        cosine = functional.linear(
            functional.normalize(pooled.float(), dim=-1), functional.normalize(self.weight.float(), dim=-1)
        )
        return cosine * self.log_scale.exp()


class Network(nn.Module):
    """Encoder and heads together."""

    def __init__(self, encoder: EncoderShape, heads: HeadShape, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.heads = heads
        self.encoder = Encoder(encoder, dropout)
        self.intent = IntentHead(encoder.width, heads.classes)
        self.tag = nn.Linear(encoder.width, heads.tags)
        self.role = nn.Linear(encoder.width, heads.roles)
        self.group = nn.Linear(encoder.width, heads.groups)
        self.pattern_tag = nn.Parameter(torch.zeros(heads.tags, heads.patterns))
        self.pattern_intent = nn.Parameter(torch.zeros(heads.classes, heads.patterns))

    def forward(self, batch: Packed, patterns: torch.Tensor | None) -> Scores:
        """``patterns``: (n, patterns), 1 where a token lies in a match; None where the model has none."""
        rows = self.encoder(batch)
        pooled = mean_vectors(rows, batch)
        classes, tags = self.intent(pooled), self.tag(rows)
        if patterns is not None:
            seen = sums_by_text(patterns, batch).clamp(max=1.0)
            classes = classes + functional.linear(seen, self.pattern_intent)
            tags = tags + functional.linear(patterns, self.pattern_tag)
        return Scores(pooled=pooled, classes=classes, tags=tags, roles=self.role(rows), groups=self.group(rows))

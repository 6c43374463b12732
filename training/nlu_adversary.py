"""Messages a little harder than they are, to learn from: shifted word vectors [FGM, Miyato et al. 2017]."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from nlu.network import Network


class Adversary:
    """Shifts the vectors of a batch's words to where its loss grows fastest.

    ``size``: the length of the shift, as a mean over the tokens of the batch.
    """

    def __init__(self, network: Network, size: float) -> None:
        self._size = size
        self._seen: torch.Tensor | None = None
        self._shift: torch.Tensor | None = None
        self._hook = network.encoder.norm.register_forward_hook(self._pass)

    @contextmanager
    def attack(self) -> Iterator[None]:
        """Inside, the network sees shifted words. The loss of the same batch must have gone backward before."""
        assert self._seen is not None
        assert self._seen.grad is not None
        gradient = self._seen.grad
        self._shift = gradient * (self._size * len(gradient) ** 0.5 / gradient.norm().clamp(min=1e-8))
        try:
            yield
        finally:
            self._seen = self._shift = None

    def remove(self) -> None:
        """Leave the network as it was."""
        self._hook.remove()

    def _pass(self, _norm: nn.Module, _given: object, vectors: torch.Tensor) -> torch.Tensor | None:
        if not torch.is_grad_enabled():
            return None
        if self._shift is not None:
            return vectors + self._shift
        if not vectors.requires_grad:  # nothing below them learns
            vectors.requires_grad_()
        vectors.retain_grad()
        self._seen = vectors
        return vectors

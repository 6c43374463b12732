"""Low-rank adapters in an encoder, so that few of its weights learn; with peft, which only a fit that asks imports.

LoRA [Hu et al. 2021, "Low-Rank Adaptation of Large Language Models"]: beside each frozen matrix learns a product of two
thin ones, which afterwards is added to it. The network that comes out has the weights and names of any other.
"""

import warnings
from typing import Any

from nlu.encoder import Encoder

_LINEAR = ("qkv", "out", "up", "down")
_SCALE = 2
"""The product counts this much, whatever its rank (peft's alpha, in ranks)."""


class Adapters:
    """Adapters of a ``rank`` in the layers from ``first`` on. The rest of the layers stays as it is."""

    def __init__(self, encoder: Encoder, *, rank: int, first: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by a name that is being replaced
            from peft import LoraConfig, LoraModel  # noqa: PLC0415 - seconds to import

        vectors = [part for part in (encoder.words, encoder.places, encoder.grown) if part is not None]
        learned = [weight for part in vectors for weight in part.parameters() if weight.requires_grad]
        encoder.requires_grad_(False)
        names = [f"layers.{layer}.{name}" for layer in range(first, len(encoder.layers)) for name in _LINEAR]
        config = LoraConfig(r=rank, lora_alpha=_SCALE * rank, lora_dropout=0.0, target_modules=names)
        self._model: Any = LoraModel(encoder, config, "default") if names else None
        for weight in learned:  # words that the vocabulary grew by have no vector yet that could be adapted
            weight.requires_grad_(True)

    def merge(self) -> None:
        """Add what was learned to the weights, and leave the encoder as if it had never been here."""
        if self._model is not None:
            self._model.merge_and_unload()

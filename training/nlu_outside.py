"""Texts that belong to no intent: what the caller knows of, and general ones that every assistant may hear.

A general text is left out where an assistant has an intent for something like it (a joke, the weather).
"""

import math
from collections.abc import Sequence

import torch
from torch.nn import functional

from nlu.data import Example
from nlu.encoder import Encoder, mean_vectors
from nlu.tokens import TextEncoder, pack
from training.nlu_fit import Base, start_grown
from training.offtopic import CHINESE, ENGLISH

_NEAR = 0.5
"""Cosine of two texts under the base encoder above which one may be meant by the other's intent."""


def truly_outside(texts: Sequence[str], examples: Sequence[Example]) -> list[str]:
    """The texts that no intent claims word by word, each once."""
    claimed = {example.text.strip().casefold() for example in examples}
    stripped = dict.fromkeys(text.strip() for text in texts)
    return [text for text in stripped if text and text.casefold() not in claimed]


def general_texts(examples: Sequence[Example]) -> list[str]:
    """The general texts in the languages of the examples."""
    characters = {character for example in examples for character in example.text}
    chinese = any("\u4e00" <= character <= "\u9fff" for character in characters)
    latin = any(character.isascii() and character.isalpha() for character in characters)
    return [*(ENGLISH if latin else ()), *(CHINESE if chinese else ())]


def general_outside(base: Base, encoder: TextEncoder, examples: Sequence[Example]) -> list[str]:
    """The general texts that are far from every example, at most as many as these."""
    texts = [example.text for example in examples]
    general = general_texts(examples)
    if not general:
        return []
    network = Encoder(base.shape, dropout=0.0)
    network.load_state_dict(base.weights, strict=not base.shape.grown)
    start_grown(network, base)
    nearness = _vectors(network, encoder, general) @ _vectors(network, encoder, texts).T
    far = [text for text, near in zip(general, nearness.amax(1).tolist(), strict=True) if near < _NEAR]
    return far[:: max(1, math.ceil(len(far) / len(examples)))]


@torch.inference_mode()
def _vectors(network: Encoder, encoder: TextEncoder, texts: Sequence[str]) -> torch.Tensor:
    """(texts, width), of length 1."""
    network.eval()
    tokens = encoder.encode(texts)
    packs = [pack(tokens[at : at + 32]) for at in range(0, len(tokens), 32)]
    return functional.normalize(torch.cat([mean_vectors(network(packed), packed) for packed in packs]), dim=-1)

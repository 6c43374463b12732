"""Texts that belong to no intent: what the caller knows of, and general ones that every assistant may hear.

A general text is left out where an assistant has an intent for something like it (a joke, the weather).
"""

import math
from collections.abc import Sequence

from nlu.data import Example
from nlu.tokens import TextEncoder
from training.nlu_vectors import FrozenVectors
from training.offtopic import CHINESE, ENGLISH

NONSENSE = (
    "asdf jkl qwer",
    "hjkhjkh",
    "zxcv bnm",
    "dfgdfg sdfsd",
    "wqeoiu xxz",
    "aksjd lkajsd",
    "xkq zzv plorf",
    "gnarf blep",
)
"""What a cat on the keyboard writes; it resembles no message and yet must be like no intent."""

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
    return [*((*ENGLISH, *NONSENSE) if latin else ()), *(CHINESE if chinese else ())]


def general_outside(vectors: FrozenVectors, encoder: TextEncoder, examples: Sequence[Example]) -> list[str]:
    """The general texts that are far from every example, at most as many as these."""
    general = general_texts(examples)
    if not general:
        return []
    known = vectors.means(encoder.encode([example.text for example in examples]))
    nearness = (vectors.means(encoder.encode(general)) @ known.T).amax(1).tolist()
    far = [text for text, near in zip(general, nearness, strict=True) if near < _NEAR]
    return far[:: max(1, math.ceil(len(far) / len(examples)))]

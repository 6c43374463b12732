"""What is held out of NLU data so that confidences can be judged on texts that were not learned."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nlu.data import OUT_OF_SCOPE_INTENT, Example
from nlu.model import intent_of

_SHARE = 0.2
_MOST = 1000
_FEWEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """``learned`` and ``held`` share their intents; ``outside`` is what the trial learns as its reject class.

    ``held_outside`` are outside texts it does not learn, ``left_out`` texts of intents it does not learn.
    """

    learned: tuple[Example, ...]
    held: tuple[Example, ...]
    outside: tuple[str, ...]
    held_outside: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def foreign_source(self) -> str:
        """What stands for messages that belong to no intent, in words."""
        sources = [
            *(["outside texts"] if self.held_outside else []),
            *(["intents left out of the trial"] if self.left_out else []),
        ]
        return " and ".join(sources) or "nothing"


def hold_out(
    examples: Sequence[Example], outside: Sequence[str], *, leave_intents_out: bool, seed: int
) -> Split | None:
    """A fifth of each intent, at most 1,000 texts; None where that leaves fewer than 8.

    A fifth of the outside texts is held out as well. Where asked, whole intents are left out, too
    (one in ten, at least one if there are five): a model that has never seen them should not be sure of them. With an
    intent go all of its response keys.
    """
    random = np.random.default_rng(seed)
    held_outside, kept_outside = _fifth(list(outside), random)
    left_out = _left_out(examples, random) if leave_intents_out else frozenset()
    learned, held = _stratified([e for e in examples if intent_of(e.intent) not in left_out], random)
    if len(held) < _FEWEST:
        return None
    return Split(
        learned=tuple(learned),
        held=tuple(held),
        outside=tuple(kept_outside),
        held_outside=tuple(held_outside),
        left_out=tuple(example.text for example in examples if intent_of(example.intent) in left_out)[:_MOST],
    )


def _fifth(texts: list[str], random: np.random.Generator) -> tuple[list[str], list[str]]:
    """A fifth of the texts, at most 1,000, and the rest; nothing is taken from fewer than 10."""
    if len(texts) < 10:
        return [], texts
    order = random.permutation(len(texts))
    count = min(_MOST, round(len(texts) * _SHARE))
    return [texts[i] for i in order[:count]], [texts[i] for i in order[count:]]


def _left_out(examples: Sequence[Example], random: np.random.Generator) -> frozenset[str]:
    intents = sorted({intent_of(example.intent) for example in examples} - {OUT_OF_SCOPE_INTENT})
    if len(intents) < 5:
        return frozenset()
    return frozenset(random.choice(intents, size=max(1, len(intents) // 10), replace=False).tolist())


def _stratified(examples: Sequence[Example], random: np.random.Generator) -> tuple[list[Example], list[Example]]:
    """The texts that are learned and those held out; an intent with fewer than 4 texts gives none away."""
    by_intent: dict[str, list[Example]] = {}
    for example in examples:
        by_intent.setdefault(example.intent, []).append(example)
    share = min(_SHARE, _MOST / max(1, len(examples)))
    learned: list[Example] = []
    held: list[Example] = []
    for intent in sorted(by_intent):
        texts = by_intent[intent]
        order = random.permutation(len(texts))
        count = max(1, round(len(texts) * share)) if len(texts) >= 4 else 0
        held.extend(texts[i] for i in order[:count])
        learned.extend(texts[i] for i in order[count:])
    return learned, held

"""Whether passages carry a sentence, and why not. Deterministic; knows no models."""

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.words import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """The verdict on a sentence, the passages that carry it, and what speaks against it."""

    supported: bool
    passage_ids: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def check(sentence: str, passages: Sequence[tuple[str, str, str]]) -> Support:
    """Hold a sentence against passages (id, title, text)."""
    wanted = " ".join(words(sentence))
    holders = tuple(number for number, title, text in passages if wanted and wanted in " ".join(words(text)))
    if holders:
        return Support(supported=True, passage_ids=holders)
    return Support(supported=False, reasons=("it does not stand in a passage",))

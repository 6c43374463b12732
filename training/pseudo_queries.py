"""Questions made from the knowledge itself, to try a search that has seen no customer yet. Seeded, so repeatable.

Customers do not speak like headings: words are dropped, mistyped, and wrapped in chatter.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.passages import Passage, sentences
from retrieval.words import words

_OPENERS = {
    "en": (
        "hi, ",
        "hello i have a question, ",
        "help please ",
        "so ",
        "i don't get it, ",
        "sorry but ",
        "",
        "",
        "",
        "",
    ),
    "zh": ("你好，", "请问", "麻烦问一下，", "那个，", "我想知道", "", "", "", "", ""),
}
_UNIT = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+|\S+")
_DROPPED = (0.0, 0.2, 0.35, 0.5, 0.65)
_TYPO_SHARE = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class PseudoQuery:
    """A text that the passages of ``document`` should answer."""

    text: str
    document: str


def pseudo_queries(passages: Sequence[Passage], *, limit: int, seed: int) -> list[PseudoQuery]:
    """At most ``limit`` queries, spread evenly over the documents."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    seeds = [(passage, text) for passage in passages for text in _seeds(passage, chance)]
    chance.shuffle(seeds)
    queries = (
        PseudoQuery(text=noised(text, passage.language, chance), document=passage.document)
        for passage, text in seeds[: 2 * limit]
    )
    return [query for query in queries if words(query.text)][:limit]


def _seeds(passage: Passage, chance: random.Random) -> Iterator[str]:
    if passage.question:
        yield from (passage.question, *passage.aliases)
    elif passage.headings:
        yield f"{passage.title} {passage.headings[-1]}"
        yield passage.headings[-1]
    else:
        yield passage.title
    told = [part for part in sentences(passage.text) if 20 <= len(part) <= 240 or len(words(part)) in range(4, 25)]
    yield from chance.sample(told, min(2, len(told)))


def noised(text: str, language: str, chance: random.Random) -> str:
    """A text as somebody in a hurry asks it: words left out, slips of the finger, perhaps a greeting."""
    dropped = chance.choice(_DROPPED)
    chinese = language == "zh"
    units = words(text) if chinese and dropped > 0.4 else _UNIT.findall(text)
    if chinese:
        units = [piece for unit in units for piece in _halves(unit)]
    kept = [unit for unit in units if chance.random() >= dropped] or units[:2]
    typed = (_mistyped(unit, chance) for unit in kept)
    opener = chance.choice(_OPENERS.get(language, ("",)))
    return opener + ("" if chinese else " ").join(typed).strip(" .。!?？").lower()


def _halves(unit: str) -> list[str]:
    return [unit[at : at + 3] for at in range(0, len(unit), 3)] if len(unit) > 4 and not unit.isascii() else [unit]


def _mistyped(unit: str, chance: random.Random) -> str:
    if chance.random() > _TYPO_SHARE or len(unit) < 5 or not unit.isascii():
        return unit
    at = chance.randrange(1, len(unit) - 2)
    return unit[:at] + unit[at + 1] + unit[at] + unit[at + 2 :]

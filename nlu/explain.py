"""Why a message was understood as it was: which words spoke for the intent, what was next, what is most like it.

A word's weight says what the intent's odds lose without it: the logarithm of the odds with the word, less that without
it [Robnik-Šikonja and Kononenko 2008, "Explaining Classifications for Individual Instances"], measured on the very
model that answers, at the price of one more short parse per word. Knows no terminal and no server.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from nlu.data import FALLBACK_INTENT, IntentScore, Parse
from nlu.model import NluModel, Reading, Verdict
from nlu.neighbours import Neighbour, Neighbours, is_wide

MOST_WORDS = 48
"""A longer message is weighed in at most so many pieces of several words each: a second's work and not ten."""

LONGEST_WORD = 4
"""Characters of a word in text without spaces."""

_LEAST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Characters ``start`` to ``end`` of the message. ``weight`` > 0 spoke for the intent, < 0 against it.

    Without the word the odds of the intent are divided by e to the power of ``weight``.
    """

    text: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A parse and its reasons.

    ``best`` is the intent that the words are weighed for: the answer, or what it would have been had the model been
    sure enough. ``outside``: the probability that the message belongs to no intent, None where the model learned none.
    ``words`` is empty where no word is known; it holds what the model read, which of a long message is the beginning.
    """

    parse: Parse
    verdict: Verdict
    best: IntentScore
    runner_up: IntentScore | None
    outside: float | None
    threshold: float
    temperature: float
    words: tuple[Word, ...]
    neighbours: tuple[Neighbour, ...]


class Explainer:
    """Explains what ``model`` makes of messages. Its examples are read from ``folder`` for the first explanation."""

    def __init__(self, model: NluModel, folder: Path) -> None:
        self._model = model
        self._folder = folder
        self._neighbours: Neighbours | None = None

    def explain(self, text: str) -> Explanation:
        """Parse ``text`` and say why. Raises NluFolderError where its examples cannot be read."""
        self._neighbours = self._neighbours or Neighbours.load(self._folder)
        return explain(self._model, self._neighbours, text)

    def explain_batch(self, texts: Sequence[str]) -> list[Explanation]:
        """The same for several messages, in order."""
        return [self.explain(text) for text in texts]


def explain(model: NluModel, neighbours: Neighbours, text: str) -> Explanation:
    """Parse ``text`` and say why. Takes as long as one parse for each word, at most 49."""
    (parse,) = model.parse_batch([text])
    (reading,) = model.read_batch([text])
    best, runner_up = _first_two(model, reading)
    return Explanation(
        parse=parse,
        verdict=model.verdict(best.confidence, reading.outside, known=reading.known),
        best=best,
        runner_up=runner_up,
        outside=reading.outside,
        threshold=model.threshold,
        temperature=model.manifest.confidence.temperature,
        words=_weighed(model, text, reading, best, neighbours.word_pairs) if reading.known else (),
        neighbours=neighbours.nearest(reading.vector) if reading.known else (),
    )


def _first_two(model: NluModel, reading: Reading) -> tuple[IntentScore, IntentScore | None]:
    order = sorted(range(len(model.intents)), key=lambda place: -reading.chances[place])
    scores = [IntentScore(name=model.intents[place], confidence=float(reading.chances[place])) for place in order[:2]]
    return scores[0], scores[1] if len(scores) > 1 else None


def _weighed(
    model: NluModel, text: str, reading: Reading, best: IntentScore, pairs: Collection[str]
) -> tuple[Word, ...]:
    pieces = _pieces(words(text, reading.spans, pairs))
    text = text[: reading.end]  # else what was not read moves up to where it is, when a word goes
    place = model.intents.index(best.name)
    without = model.read_batch([_without(text, *piece) for piece in pieces])
    whole = _log_odds(best.confidence)
    return tuple(
        Word(text=text[start:end], start=start, end=end, weight=whole - _log_odds(float(rest.chances[place])))
        for (start, end), rest in zip(pieces, without, strict=True)
    )


def words(text: str, tokens: Sequence[tuple[int, int]], pairs: Collection[str] = ()) -> list[tuple[int, int]]:
    """Tokens put together to words: those that touch, as spaces part them.

    Chinese, Japanese and Korean characters are parted too, unless the two form one of ``pairs`` (see ``word_pairs``).
    """
    found: list[tuple[int, int]] = []
    for start, end in tokens:
        if found and start < found[-1][1]:
            continue  # another piece of the same character
        if found and start == found[-1][1] and _joined(text, start, found[-1][0], pairs):
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def _joined(text: str, at: int, begin: int, pairs: Collection[str]) -> bool:
    """Whether the word that began at ``begin`` goes on at ``at``."""
    if is_wide(text[at - 1]) or is_wide(text[at]):
        return text[at - 1 : at + 1] in pairs and at - begin < LONGEST_WORD
    return True


def _pieces(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The words, or where they are too many, runs of them."""
    size = math.ceil(len(spans) / MOST_WORDS) or 1
    runs = [spans[at : at + size] for at in range(0, len(spans), size)]
    return [(run[0][0], run[-1][1]) for run in runs]


def _without(text: str, start: int, end: int) -> str:
    return (
        f"{text[:start].rstrip()} {text[end:].lstrip()}"
        if text[start - 1 : start].isspace()
        else text[:start] + text[end:]
    )


def _log_odds(probability: float) -> float:
    kept = min(max(probability, _LEAST), 1 - _LEAST)
    return math.log(kept / (1 - kept))


def reason(explanation: Explanation) -> str:
    """The verdict as a sentence for a person."""
    best = f"{explanation.best.name} ({explanation.best.confidence:.2f})"
    match explanation.verdict:
        case "accepted":
            return f"{best} is the answer: at least the threshold {explanation.threshold:.2f}"
        case "outside":
            return f"{FALLBACK_INTENT}: nearer to what belongs to no intent ({explanation.outside:.2f}) than to {best}"
        case "unsure":
            return f"{FALLBACK_INTENT}: {best} comes first, below the threshold {explanation.threshold:.2f}"
        case "unknown":
            return f"{FALLBACK_INTENT}: the message holds no word that the model knows"

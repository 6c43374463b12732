"""What a generator is fine-tuned on: questions with passages and the answer that stands in one of them. Pure, seeded.

Pairs come from the knowledge alone: FAQ questions with their answers, single sentences of pages asked for by some of
their words, and questions whose passage is left out, which teach the model to decline.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.passages import Passage, sentences
from retrieval.prompt import Passages, wording_of
from retrieval.support import SAYS_NOTHING, check
from retrieval.words import words

ANSWER_SENTENCES = 3
DISTRACTORS = 2
DECLINED_SHARE = 0.15
HELD_OUT_SHARE = 0.15
SECTION_QUESTIONS = 2
_OPENERS = {
    "en": ("what about {}", "{}", "tell me about {}", "how is it with {}", "{}?"),
    "zh": ("请问{}", "{}", "{}？", "想了解{}"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A question, the passages that the model is shown, and what it should write."""

    question: str
    passages: Passages
    answer: str

    @property
    def declined(self) -> bool:
        """Whether the passages do not answer."""
        return self.answer == wording_of(self.question).decline


def make_pairs(passages: Sequence[Passage], *, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Pairs to train on, and pairs held out; no passage is asked about in both."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    asked = list(passages)
    chance.shuffle(asked)
    cut = max(1, round(HELD_OUT_SHARE * len(asked))) if len(asked) > 3 else 0
    held_out, rest = asked[:cut], asked[cut:]
    return _pairs(rest, passages, chance), _pairs(held_out, passages, chance)


def _pairs(asked: Sequence[Passage], passages: Sequence[Passage], chance: random.Random) -> list[Pair]:
    pairs = []
    for passage in asked:
        for question, answer in _questions(passage, chance):
            declines = chance.random() < DECLINED_SHARE
            shown = [] if declines else [passage]
            shown += _distractors(passage, passages, chance, DISTRACTORS - (not declines and chance.random() < 0.5))
            chance.shuffle(shown)
            texts = tuple((other.id, other.title, other.text) for other in shown)
            if texts:
                pairs.append(
                    Pair(question=question, passages=texts, answer=wording_of(question).decline if declines else answer)
                )
    return pairs


def _questions(passage: Passage, chance: random.Random) -> Iterator[tuple[str, str]]:
    if passage.question:
        answer = _answer(passage)
        if answer:
            for question in (passage.question, *passage.aliases):
                yield question, answer
        return
    quotable = [sentence for sentence in sentences(passage.text) if len(words(sentence)) >= 4]
    for sentence in chance.sample(quotable, min(SECTION_QUESTIONS, len(quotable))):
        if check(sentence, [(passage.id, passage.title, passage.text)]).supported:
            yield _question_about(sentence, passage, chance), sentence


def _answer(passage: Passage) -> str:
    """The first sentences of a ready answer, as far as the support check would let them through."""
    kept: list[str] = []
    for sentence in sentences(passage.text)[:ANSWER_SENTENCES]:
        support = check(sentence, [(passage.id, passage.title, passage.text)])
        if support.supported:
            kept.append(sentence)
        elif support.reasons != (SAYS_NOTHING,):
            break
    return ("" if passage.language == "zh" else " ").join(kept)


def _question_about(sentence: str, passage: Passage, chance: random.Random) -> str:
    """Some of a sentence's words, in their order, behind where it stands."""
    joint = "" if passage.language == "zh" else " "
    units = [unit for unit in _units(sentence, passage.language) if words(unit) and not any(map(str.isdigit, unit))]
    kept = sorted(chance.sample(range(len(units)), max(2, round(0.6 * len(units))) if len(units) > 2 else len(units)))
    place = passage.headings[-1] + joint if passage.headings and chance.random() < 0.5 else ""
    about = place + joint.join(units[at].strip(",.;:!?()\"'") for at in kept)
    return chance.choice(_OPENERS.get(passage.language, _OPENERS["en"])).format(about.lower())


def _units(sentence: str, language: str) -> list[str]:
    return words(sentence) if language == "zh" else sentence.split()


def _distractors(passage: Passage, passages: Sequence[Passage], chance: random.Random, count: int) -> list[Passage]:
    """Other passages, the first alike in words if there is such a one."""
    others = [other for other in passages if other.id != passage.id]
    chance.shuffle(others)
    own = set(words(f"{passage.title} {passage.text}"))
    others[:20] = sorted(others[:20], key=lambda other: -len(own & set(words(f"{other.title} {other.text}"))))
    return others[:count]

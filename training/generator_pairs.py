"""What a generator is fine-tuned on: questions with passages and the answer that stands in one of them. Pure, seeded.

Pairs come from the knowledge: FAQ questions with their answers, single sentences of pages asked for by some of their
words, questions whose answer a customer confirmed and a passage carries, and questions whose passage is left out, which
teach the model to decline. Some stand behind a conversation about something else.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from retrieval.passages import Passage, sentences
from retrieval.prompt import Earlier, Passages, wording_of
from retrieval.support import SAYS_NOTHING, check
from retrieval.words import words

ANSWER_SENTENCES = 3
DISTRACTORS = 2
DECLINED_SHARE = 0.25
EARLIER_SHARE = 0.3
CARRIERS_LOOKED_AT = 5
HELD_OUT_SHARE = 0.15
SECTION_QUESTIONS = 2
_OPENERS = {
    "en": ("what about {}", "{}", "tell me about {}", "how is it with {}", "{}?"),
    "zh": ("请问{}", "{}", "{}？", "想了解{}"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A question, what was said before it, the passages that the model is shown, and what it should write."""

    question: str
    passages: Passages
    answer: str
    earlier: Earlier = ()

    @property
    def declined(self) -> bool:
        """Whether the passages do not answer."""
        return self.answer == wording_of(self.question).decline


Confirmed = Sequence[tuple[str, str]]
"""Questions, and answers to them that a customer found good."""


def make_pairs(passages: Sequence[Passage], *, seed: int, confirmed: Confirmed = ()) -> tuple[list[Pair], list[Pair]]:
    """Pairs to train on, and pairs held out; no passage is asked about in both.

    Of those held out, each question comes twice: with the passage that answers, and without it.
    """
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    asked = list(passages)
    chance.shuffle(asked)
    cut = max(1, round(HELD_OUT_SHARE * len(asked))) if len(asked) > 3 else 0
    held_out, rest = asked[:cut], asked[cut:]
    carried = _carried(confirmed, passages)
    train = [
        _pair(passage, question, answer, passages, chance, declines=chance.random() < DECLINED_SHARE)
        for passage in rest
        for question, answer in _questions(passage, carried, chance)
    ]
    trial = [
        _pair(passage, question, answer, passages, chance, declines=declines)
        for passage in held_out
        for question, answer in _questions(passage, carried, chance)
        for declines in (False, True)
    ]
    return [pair for pair in train if pair.passages], [pair for pair in trial if pair.passages]


def _pair(
    passage: Passage, question: str, answer: str, passages: Sequence[Passage], chance: random.Random, *, declines: bool
) -> Pair:
    shown = [] if declines else [passage]
    others = _distractors(passage, passages, chance)
    shown += others[: DISTRACTORS - (not declines and chance.random() < 0.5)]
    chance.shuffle(shown)
    return Pair(
        question=question,
        passages=tuple((other.id, other.title, other.text) for other in shown),
        answer=wording_of(question).decline if declines else answer,
        earlier=_earlier(passage, passages, chance) if chance.random() < EARLIER_SHARE else (),
    )


def _carried(confirmed: Confirmed, passages: Sequence[Passage]) -> Mapping[str, list[tuple[str, str]]]:
    """Confirmed questions by the id of the passage that carries their answer today, with what it carries of it."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    bags = [set(words(passage.text)) for passage in passages] if confirmed else []
    for question, answer in confirmed:
        own = set(words(answer))
        nearest = sorted(range(len(passages)), key=lambda at: -len(own & bags[at]))[:CARRIERS_LOOKED_AT]
        for passage in (passages[at] for at in nearest):
            if kept := _supported(sentences(answer), passage):
                found[passage.id].append((question, kept))
                break
    return found


def _questions(
    passage: Passage, carried: Mapping[str, list[tuple[str, str]]], chance: random.Random
) -> Iterator[tuple[str, str]]:
    yield from carried.get(passage.id, ())
    if passage.question:
        answer = _answer(passage)
        if answer:
            for question in (passage.question, *passage.aliases):
                yield question, answer
        return
    quotable = [sentence for sentence in sentences(passage.text) if len(words(sentence)) >= 4]
    for sentence in chance.sample(quotable, min(SECTION_QUESTIONS, len(quotable))):
        if _supported([sentence], passage):
            yield _question_about(sentence, passage, chance), sentence


def _supported(parts: Sequence[str], passage: Passage) -> str:
    """Those of the sentences that a passage carries, not too many."""
    place = [(passage.id, passage.title, passage.text)]
    return _joined([part for part in parts if check(part, place).supported][:ANSWER_SENTENCES], passage)


def _joined(parts: Sequence[str], passage: Passage) -> str:
    return ("" if passage.language == "zh" else " ").join(parts)


def _answer(passage: Passage) -> str:
    """The first sentences of a ready answer, as far as the support check would let them through."""
    kept: list[str] = []
    for sentence in sentences(passage.text)[:ANSWER_SENTENCES]:
        support = check(sentence, [(passage.id, passage.title, passage.text)])
        if support.supported:
            kept.append(sentence)
        elif support.reasons != (SAYS_NOTHING,):
            break
    return _joined(kept, passage)


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


def _distractors(passage: Passage, passages: Sequence[Passage], chance: random.Random) -> list[Passage]:
    """Other passages, the first alike in words if there is such a one."""
    others = [other for other in passages if other.id != passage.id]
    chance.shuffle(others)
    own = set(words(f"{passage.title} {passage.text}"))
    others[:20] = sorted(others[:20], key=lambda other: -len(own & set(words(f"{other.title} {other.text}"))))
    return others[:DISTRACTORS]


def _earlier(passage: Passage, passages: Sequence[Passage], chance: random.Random) -> Earlier:
    """A question about something else and its answer."""
    asked = [other for other in passages if other.question and other.id != passage.id]
    if not asked:
        return ()
    other = chance.choice(asked)
    return (True, other.question or ""), (False, other.text)

"""What customers' questions teach the search, and when it is kept."""

import re
from collections.abc import Sequence

import numpy as np
import pytest

from retrieval.encoder import Progress, Tokens, Vectors
from retrieval.index import KnowledgeIndex, build_index
from retrieval.passages import Passage
from retrieval.query_map import QueryMap
from training.query_map import FEWEST, Learned, chance_of, learn_query_map

LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIMENSIONS, FAQS, WAYS = 48, 13, 4
_random = np.random.default_rng(5)
_FIRST = _random.standard_normal((FAQS, DIMENSIONS))
_SUBJECTS = np.concatenate([_FIRST, _FIRST + 0.3 * _random.standard_normal((FAQS, DIMENSIONS))])
"""Each of the second half is like one of the first."""
_SLANG = np.linalg.qr(_random.standard_normal((DIMENSIONS, DIMENSIONS)))[0]


class SlangEncoder:
    """Vectors by the first letter that is named; texts of customers ("cqh ...") are all turned the same way.

    A passage says "sqh", so no word of a customer's stands in it.
    """

    fingerprint = "slang"
    dimensions = DIMENSIONS
    query_map: QueryMap | None = None

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        return np.stack([_vector(text) for text in texts]).astype(np.float32)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        vectors = self.encode_passages(texts)
        return vectors if self.query_map is None else self.query_map.turned(vectors)

    def read_queries(self, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        return self.encode_queries(texts), _tokens(texts)

    def read_passages(self, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        return self.encode_passages(texts), _tokens(texts)


def _vector(text: str) -> Vectors:
    named = re.search(r"\b[scp]q([a-z])\b", text)
    subject = _SUBJECTS[LETTERS.index(named[1])] if named else np.ones(DIMENSIONS)
    if text.startswith("cq"):
        subject = subject @ _SLANG + 0.25 * subject
    noise = np.random.default_rng(sum(map(ord, text))).standard_normal(DIMENSIONS)
    vector = subject + 0.8 * noise
    return vector / np.linalg.norm(vector)


def _tokens(texts: Sequence[str]) -> list[Tokens]:
    """Each text as one token."""
    return [Tokens(np.array([sum(map(ord, text))]), _vector(text)[None].astype(np.float32), (text,)) for text in texts]


def faq(number: int, aliases: Sequence[str]) -> Passage:
    question = f"Question sq{LETTERS[number]}"
    return Passage(
        id=f"id{number}", document="faq.csv", title=question, text=f"Answer sq{LETTERS[number]} stands here.",
        language="en", question=question, answer="", raw_heading=question, aliases=tuple(aliases),
    )  # fmt: skip


def index_of(passages: Sequence[Passage]) -> KnowledgeIndex:
    return build_index(passages, SlangEncoder(), gpu=False)[0]


def asked(number: int, ways: int = WAYS) -> list[str]:
    return [f"cq{LETTERS[number]} way {'abcdefgh'[way]}" for way in range(ways)]


def share_found(index: KnowledgeIndex, learned: Learned | None, numbers: Sequence[int], who: str = "c") -> float:
    """How many new ways to ask find their passage; ``who`` other than "c" asks in the words of the passages."""
    assert isinstance(index.encoder, SlangEncoder)
    index.encoder.query_map = learned.query_map if learned else None
    texts = [
        (number, text)
        for number in numbers
        for text in (f"{who}q{LETTERS[number]} anew", f"{who}q{LETTERS[number]} once more")
    ]
    found = index.search_batch([text for _, text in texts], 1)
    return float(np.mean([hits[0].passage.id == f"id{number}" for (number, _), hits in zip(texts, found, strict=True)]))


def test_learns_how_customers_ask() -> None:
    index = index_of([faq(number, asked(number)) for number in range(FAQS)])
    learned, report = learn_query_map(index, (), seed=0)
    assert report
    assert report.kept
    assert report.questions == FAQS * WAYS
    assert report.after > report.before + 0.1
    assert share_found(index, learned, range(FAQS)) > share_found(index, None, range(FAQS)) + 0.1


def test_likenesses_are_as_large_as_before() -> None:
    index = index_of([faq(number, asked(number)) for number in range(FAQS)])
    learned, _ = learn_query_map(index, (), seed=0)
    assert learned
    anew = [f"cq{LETTERS[number]} anew" for number in range(FAQS)]

    def likeness() -> float:
        return float(np.mean([hits[0].dense for hits in index.search_batch(anew, 1)]))

    before = likeness()
    assert isinstance(index.encoder, SlangEncoder)
    index.encoder.query_map = QueryMap(learned.query_map.matrix)
    only_turned = likeness()
    index.encoder.query_map = learned.query_map
    for kind, background in learned.backgrounds.items():
        index.dense[kind].background = background
    assert abs(likeness() - before) < 0.5 * abs(only_turned - before)


def test_passages_of_which_no_question_is_known_are_found_as_before() -> None:
    known, bare = range(FAQS), range(FAQS, 2 * FAQS)
    passages = [*(faq(number, asked(number)) for number in known), *(faq(number, ()) for number in bare)]
    index = index_of(passages)
    learned, _ = learn_query_map(index, (), seed=0)
    assert learned
    assert share_found(index, learned, bare, "p") >= share_found(index, None, bare, "p") - 0.02


def test_what_does_not_help_is_left_out() -> None:
    # Every way to ask names a subject of another passage, at random: there is nothing to learn.
    others = np.random.default_rng(1).integers(0, FAQS, (FAQS, WAYS))
    passages = [
        faq(number, [f"Question sq{LETTERS[other]} way {'abcdefgh'[way]}" for way, other in enumerate(others[number])])
        for number in range(FAQS)
    ]
    learned, report = learn_query_map(index_of(passages), (), seed=0)
    assert learned is None
    assert report
    assert not report.kept


def test_few_questions_teach_nothing() -> None:
    index = index_of([faq(number, asked(number, 1)) for number in range(FEWEST - 1)])
    assert learn_query_map(index, (), seed=0) == (None, None)


def test_the_same_seed_gives_the_same_map() -> None:
    index = index_of([faq(number, asked(number)) for number in range(FAQS)])
    first, second = (learn_query_map(index, (), seed=3)[0] for _ in range(2))
    assert first is not None
    assert second is not None
    assert np.array_equal(first.query_map.matrix, second.query_map.matrix)


def test_confirmed_questions_are_learned_where_they_are_answered() -> None:
    index = index_of([faq(number, ()) for number in range(2 * FAQS)])
    answered = [f"Question sq{letter}. Answer sq{letter} stands here." for letter in LETTERS]
    unanswered = [f"nothing that is known {number}" for number in range(FEWEST)]
    assert learn_query_map(index, unanswered, seed=0) == (None, None)
    report = learn_query_map(index, [*answered, *unanswered], seed=0)[1]
    assert report
    assert FEWEST <= report.confirmed == report.questions <= len(answered)


@pytest.mark.parametrize(
    ("before", "after", "chance"),
    [
        ("0000", "1111", 1 / 16),  # four better, none worse
        ("1111", "0000", 1.0),
        ("0101", "0101", 1.0),  # nothing changed
        ("0011", "0110", 0.75),  # one better, one worse: (2 + 1) / 4
    ],
)
def test_chance(before: str, after: str, chance: float) -> None:
    flags = [np.array([mark == "1" for mark in text]) for text in (before, after)]
    assert chance_of(*flags) == pytest.approx(chance)

"""Queries matched token by token."""

from pathlib import Path

import numpy as np
import pytest
from tiny_encoder import write_tiny_bert

from retrieval.encoder import TextEncoder, Tokens
from retrieval.interaction import Frame, PassageTokens, TokenIndex

WIDTH = 6
WORDS = {word: number for number, word in enumerate(["netflix", "password", "invoice", "parcel", "the", "?"])}
TEXTS = ["password the", "password invoice the", "parcel the invoice ?", ""]


def tokens(text: str) -> Tokens:
    """A token a word, each along an axis of its own, all with something in common."""
    ids = np.array([WORDS[word] for word in text.split()], np.int64)
    return Tokens(ids, np.eye(WIDTH, dtype=np.float32)[ids] + np.float32(0.3), tuple(text.split()))


@pytest.fixture
def frame() -> Frame:
    return Frame.fit(tokens(" ".join(WORDS)).states)


@pytest.fixture
def index(frame: Frame) -> TokenIndex:
    return TokenIndex.build([PassageTokens.of(tokens(text), frame) for text in TEXTS], frame)


def scores(index: TokenIndex, query: str) -> list[float]:
    return [round(float(score), 2) for score in index.scores(tokens(query), np.arange(len(TEXTS)))]


def test_the_same_words_score_one_in_any_order(index: TokenIndex) -> None:
    assert scores(index, "invoice the password")[1] == pytest.approx(1, abs=0.02)


def test_a_telling_word_that_is_missing_costs_more_than_one_that_is_not(index: TokenIndex) -> None:
    with_name, with_stop_word = scores(index, "netflix password"), scores(index, "the password")
    assert with_name[0] < with_stop_word[0]
    # Passage 2 lacks the password, passage 0 the mark, which tells nothing.
    found = scores(index, "password ?")
    assert found[0] > found[2]


def test_nothing_is_like_a_passage_without_tokens(index: TokenIndex) -> None:
    assert scores(index, "password")[3] == 0
    assert scores(index, "") == [0, 0, 0, 0]


def test_words_that_tell_nothing_weigh_the_same(index: TokenIndex) -> None:
    assert scores(index, "the ?")[2] == pytest.approx(1, abs=0.02)


def test_saved_and_loaded_it_scores_the_same_from_its_file(index: TokenIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "tokens")
    loaded = TokenIndex.load(tmp_path / "tokens")
    assert isinstance(loaded.vectors, np.memmap)
    for query in ("password", "netflix invoice the"):
        assert scores(loaded, query) == scores(index, query)
    assert (loaded.passage(1).vectors == index.passage(1).vectors).all()


def test_parts_that_do_not_belong_together_are_refused(index: TokenIndex, tmp_path: Path) -> None:
    index.save(tmp_path)
    np.save(tmp_path / "ids.npy", index.ids[:-1])
    with pytest.raises(ValueError, match="does not hold"):
        TokenIndex.load(tmp_path)


def test_frames_of_the_same_texts_are_the_same(frame: Frame) -> None:
    assert frame.same(Frame.fit(tokens(" ".join(WORDS)).states))
    assert not frame.same(Frame.fit(tokens("password invoice parcel").states))


def test_an_encoder_gives_vectors_and_tokens_in_one_pass(tmp_path: Path) -> None:
    encoder = TextEncoder.load(write_tiny_bert(tmp_path / "bert"))
    texts = ["Where is my order", "我 要 去 北 京", "order"]
    vectors, read = encoder.read_queries(texts)
    assert np.allclose(vectors, encoder.encode_queries(texts), atol=1e-6)
    assert [each.pieces for each in read] == [tuple(text.lower().split()) for text in texts]
    assert [each.states.shape for each in read] == [(len(text.split()), encoder.dimensions) for text in texts]


def test_tokens_of_a_prefix_are_left_out(tmp_path: Path) -> None:
    folder = write_tiny_bert(tmp_path / "bert")
    (folder / "retrieval.json").write_text('{"query_prefix": "the order : "}')
    encoder = TextEncoder.load(folder)
    assert encoder.read_queries(["my number"])[1][0].pieces == ("my", "number")
    assert encoder.read_passages(["my number"])[1][0].pieces == ("my", "number")

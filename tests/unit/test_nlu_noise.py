import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nlu.data import EntitySpan, Example
from training.nlu_noise import NOISES, with_slips, without_case, without_punctuation

TEXT = "Please send my NEW card to Berlin, not to Paris!"


def example(text: str = TEXT, *words: str) -> Example:
    spans = (EntitySpan(start=text.index(word), end=text.index(word) + len(word), entity="city") for word in words)
    return Example(text=text, intent="send", entities=tuple(spans))


def found(changed: Example) -> list[str]:
    return [changed.text[span.start : span.end] for span in changed.entities]


def test_case_and_punctuation_go_and_entities_stay() -> None:
    assert without_case(example(TEXT, "Berlin")).text == TEXT.lower()
    bare = without_punctuation(example("到《北京》，谢谢。", "北京"))
    assert (bare.text, found(bare)) == ("到北京谢谢", ["北京"])
    assert found(without_punctuation(example(TEXT, "Berlin", "Paris"))) == ["Berlin", "Paris"]
    assert without_punctuation(example("?!")).text == "?!"


def test_small_letters_may_be_longer_than_capitals() -> None:
    assert found(without_case(example("To İzmir now", "now"))) == ["now"]


def test_slips_come_as_often_as_asked_and_only_in_latin_letters() -> None:
    random = np.random.default_rng(0)
    long = example("the quick brown fox jumps over a lazy dog " * 100)
    slipped = with_slips(long, random)
    assert slipped.text != long.text
    same = sum(a == b for a, b in zip(with_slips(long, random, every=1e9).text, long.text, strict=True))
    assert same == len(long.text)
    assert with_slips(example("我要去北京，12 点到"), random, every=1).text == "我要去北京，12 点到"


def test_every_kind_of_slip_happens_and_keys_are_neighbours() -> None:
    random = np.random.default_rng(0)
    seen = {with_slips(example("g h"), random, every=1).text for _ in range(200)}
    assert {"g", "gg h", "g hh"} <= {text.strip() for text in seen} | seen
    swapped = {with_slips(example("gh"), random, every=2).text for _ in range(200)}
    assert "hg" in swapped
    beside = {text[0] for text in seen if len(text) == 3} - {" ", "g"}
    assert beside <= set("tyfhvb")
    assert beside


@given(st.text(max_size=60), st.integers(0, 2**31), st.integers(0, 60), st.integers(0, 60))
def test_annotations_stay_inside_of_any_text(text: str, seed: int, one: int, other: int) -> None:
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    spans = (EntitySpan(start=start, end=end, entity="x"),) if start < end else ()
    for noise in NOISES.values():
        changed = noise(Example(text=text, intent="i", entities=spans), np.random.default_rng(seed))
        assert all(0 <= span.start < span.end <= len(changed.text) for span in changed.entities)
        assert bool(changed.text.strip()) == bool(text.strip()) or changed.text == text

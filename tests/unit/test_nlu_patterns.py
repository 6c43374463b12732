import pytest

from nlu.errors import PatternError
from nlu.patterns import Patterns, boundaries, folded_text

CITIES = {"city": ("Berlin", "New York", "York", "北京", "o'fallon")}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("to berlin.", ["berlin"]),  # case does not count
        ("Berliner", []),  # inside a word
        ("ber lin", []),
        ("from New York", ["New York"]),  # the longest phrase, not York in it
        ("York, new york", ["York", "new york"]),
        ("我要去北京吃饭", ["北京"]),  # no spaces needed around Chinese
        ("飞往Berlin的票", ["Berlin"]),  # Latin beside Chinese
        ("O'Fallon", ["O'Fallon"]),
        ("", []),
    ],
)
def test_lookups(text: str, found: list[str]) -> None:
    assert [text[m.start : m.end] for m in Patterns({}, CITIES).matches(text)] == found


def test_regexes_ignore_case_and_empty_matches() -> None:
    patterns = Patterns({"order": (r"kf-\d+", r"\d*")}, {})
    assert [(m.start, m.end) for m in patterns.matches("KF-12 x")] == [(0, 5), (3, 5)]


def test_equal_matches_of_several_sources_count_once() -> None:
    patterns = Patterns({"zip": (r"\d{5}", r"\b\d{5}\b")}, {"zip": ("12345",)})
    assert len(patterns.matches("at 12345")) == 1


def test_names_are_sorted_features() -> None:
    assert Patterns({"b": ("x",)}, {"a": ("y",), "b": ("z",)}).names == ("a", "b")


def test_a_broken_regex_is_named() -> None:
    with pytest.raises(PatternError, match=r"regex zip: '\(' does not compile"):
        Patterns({"zip": ("(",)}, {})


def test_folding_keeps_places() -> None:
    assert folded_text("İSTANBUL AB") == "İstanbul ab"


def test_boundaries() -> None:
    assert boundaries("ab 京") == [True, False, True, True, True]

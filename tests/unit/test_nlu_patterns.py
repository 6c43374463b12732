import logging
import re
import time

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


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a new york pizza", [("dish", "new york pizza"), ("city", "new york")]),  # the longer one hides nothing
        ("from york street to New York", [("street", "york street"), ("city", "york"), ("city", "New York")]),
        ("北京烤鸭", [("dish", "北京烤鸭"), ("city", "北京")]),
    ],
)
def test_each_lookup_table_is_matched_by_itself(text: str, found: list[tuple[str, str]]) -> None:
    patterns = Patterns({}, CITIES | {"dish": ("new york pizza", "北京烤鸭"), "street": ("York Street",)})
    assert [(m.name, text[m.start : m.end]) for m in patterns.matches(text)] == found


def test_a_regex_without_an_end_is_left_out_and_named_once(caplog: pytest.LogCaptureFixture) -> None:
    patterns = Patterns({"words": ("(a|aa)+$", "b"), "order": (r"kf-\d+",)}, {"letter": ("b",)})
    text = "a" * 80 + " kf-12 b"
    began = time.process_time()
    with caplog.at_level(logging.WARNING):
        found = [[(m.name, text[m.start : m.end]) for m in patterns.matches(text)] for _ in range(2)]
    assert found == [[("words", "b"), ("order", "kf-12"), ("letter", "b")]] * 2
    assert time.process_time() - began < 5
    (said,) = caplog.messages
    assert "the regex words takes more than" in said
    assert "aaa" not in said
    assert patterns.matches("aaa")[0].name == "words"  # short enough to be answered


@pytest.mark.parametrize(
    "source",
    [
        r"\b[a-z]{2}-?\d+\b",
        r"[\w.+-]+@[\w-]+\.[\w.-]+",
        r"(?<!\d)\d{5}(?!\d)",
        r"[一-龥]{2,3}",
        r"\d*",
        r"(?-i:KF)",
        r"^(\w+-\d+) (?:is|kf)",
        r"(?P<n>\d)(?P=n)",
        r"\s.{,3}$",
        r"(a|b)?c|[^\W\d]+?\d",
        r"straße",
        r"(?m)\w+\.com$",
    ],
)
def test_regexes_match_what_pythons_own_module_matches(source: str) -> None:
    text = "KF-12 kf12345 was 我要去北京 ２０２６ anna@example.com\nSTRASSE straße ab 11 c [a] é\u3000x."
    expected = [m.span() for m in re.finditer(source, text, re.IGNORECASE) if m.group()]
    assert [(m.start, m.end) for m in Patterns({"one": (source,)}, {}).matches(text)] == expected
    assert expected


def test_regexes_ignore_case_and_empty_matches() -> None:
    patterns = Patterns({"order": (r"kf-\d+", r"\d*")}, {})
    assert [(m.start, m.end) for m in patterns.matches("KF-12 x")] == [(0, 5), (3, 5)]


def test_equal_matches_of_several_sources_count_once() -> None:
    patterns = Patterns({"zip": (r"\d{5}", r"\b\d{5}\b")}, {"zip": ("12345",)})
    assert len(patterns.matches("at 12345")) == 1


def test_names_are_sorted_features() -> None:
    assert Patterns({"b": ("x",)}, {"a": ("y",), "b": ("z",)}).names == ("a", "b")


@pytest.mark.parametrize("source", ["(", "a{0s<", "(" * 3000 + ")" * 3000])
def test_a_broken_regex_is_named(source: str) -> None:
    with pytest.raises(PatternError, match=f"regex zip: {re.escape(repr(source))} does not compile"):
        Patterns({"zip": (source,)}, {})


def test_folding_keeps_places() -> None:
    assert folded_text("İSTANBUL AB") == "İstanbul ab"


def test_boundaries() -> None:
    assert boundaries("ab 京") == [True, False, True, True, True]

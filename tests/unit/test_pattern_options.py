"""Rasa's options of the regex extractor, as they come out where patterns are matched."""

import pytest

from bot.dialogue.pattern_options import with_extractor_options
from bot.dialogue.project import Component, Config, NluData
from nlu.patterns import Patterns

DATA = NluData(
    regexes={"order": (r"kf-\d+",), "zip": (r"(?i)z\d+",), "city": ("Bonn",)},
    lookups={"city": ("Berlin", "Berlin Mitte", "北京", "C++")},
)


def found(text: str, **options: object) -> list[tuple[str, str]]:
    pipeline = (Component(name="DIETClassifier"), Component(name="RegexEntityExtractor", options=options))
    data = with_extractor_options(DATA, Config(pipeline=pipeline))
    matches = Patterns(data.regexes, data.lookups).matches(text)
    return sorted((match.name, text[match.start : match.end]) for match in matches)


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        ({}, "KF-12 in berlin mitte", [("city", "berlin mitte"), ("order", "KF-12")]),
        ({"case_sensitive": False}, "KF-12 in berlin", [("city", "berlin"), ("order", "KF-12")]),
        # letters as they are written, but for a regex with flags of its own
        ({"case_sensitive": True}, "KF-12 berlin bonn Z5", [("zip", "Z5")]),
        (
            {"case_sensitive": True},
            "kf-12 Bonn Berlin Mitte",
            [("city", "Berlin Mitte"), ("city", "Bonn"), ("order", "kf-12")],
        ),
        # boundaries hold, except beside characters that need no spaces
        (
            {"case_sensitive": True},
            "Berliner 我在北京Berlin吃 C++",
            [("city", "Berlin"), ("city", "C++"), ("city", "北京")],
        ),
        ({"use_word_boundaries": False}, "ostBERLINer", [("city", "BERLIN")]),
        ({"use_word_boundaries": False, "case_sensitive": True}, "ostBERLINer, xBerlinx", [("city", "Berlin")]),
        # patterns that do not extract are still features, under a name that no entity has
        ({"use_lookup_tables": False}, "Berlin Bonn", [("city", "Bonn"), ("city (feature)", "Berlin")]),
        ({"use_regexes": False}, "Berlin Bonn", [("city", "Berlin"), ("city (feature)", "Bonn")]),
        # what is no option of this kind is not believed
        ({"case_sensitive": "yes"}, "BERLIN", [("city", "BERLIN")]),
    ],
)
def test_options(options: dict[str, object], text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text, **options) == expected


def test_without_the_extractor_nothing_changes() -> None:
    assert with_extractor_options(DATA, Config()) == DATA

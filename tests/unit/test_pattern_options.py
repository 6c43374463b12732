"""What a pipeline does with patterns and synonyms, as it comes out where patterns are matched."""

import pytest

from bot.dialogue.load import load_project
from bot.dialogue.pattern_options import as_piped, unused
from bot.dialogue.project import Component, Config, NluData, SourceFile
from nlu.patterns import Patterns

DATA = NluData(
    regexes={"order": (r"kf-\d+",), "zip": (r"(?i)z\d+",), "city": ("Bonn",)},
    lookups={"city": ("Berlin", "Berlin Mitte", "北京", "C++")},
    synonyms={"mitte": "Berlin Mitte"},
)


def found(text: str, **options: object) -> list[tuple[str, str]]:
    pipeline = (Component(name="DIETClassifier"), Component(name="RegexEntityExtractor", options=options))
    data = as_piped(DATA, Config(pipeline=pipeline))
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


def test_without_a_pipeline_patterns_extract_and_synonyms_are_replaced() -> None:
    assert as_piped(DATA, Config()) == DATA


@pytest.mark.parametrize(
    ("names", "extracting", "synonyms"),
    [
        # the usual pipeline of Rasa: patterns are features, and no value is replaced
        (("RegexFeaturizer", "DIETClassifier"), False, False),
        (("DIETClassifier", "EntitySynonymMapper"), False, True),
        (("DIETClassifier", "RegexEntityExtractor"), True, False),
        (("RegexEntityExtractor", "EntitySynonymMapper"), True, True),
    ],
)
def test_a_pipeline_does_what_its_components_do(names: tuple[str, ...], extracting: bool, synonyms: bool) -> None:
    data = as_piped(DATA, Config(pipeline=tuple(Component(name=name) for name in names)))
    assert bool(data.synonyms) is synonyms
    matched = {match.name for match in Patterns(data.regexes, data.lookups).matches("KF-12 in Berlin, Bonn")}
    assert matched == ({"order", "city"} if extracting else {"order (feature)", "city (feature)"})


@pytest.mark.parametrize(
    ("pipeline", "notices"),
    [
        ("[]", []),
        ("[{name: DIETClassifier}]", ["RegexEntityExtractor", "EntitySynonymMapper"]),
        # a regex featurizer says that patterns are to be features and no more
        ("[{name: RegexFeaturizer}, {name: DIETClassifier}]", ["EntitySynonymMapper"]),
        ("[{name: RegexEntityExtractor}, {name: EntitySynonymMapper}]", []),
    ],
)
def test_what_has_no_effect_without_a_component_is_noticed(pipeline: str, notices: list[str]) -> None:
    nlu = "- intent: a\n  examples: |\n    - [NYC](city:New York)\n    - x\n- regex: city\n  examples: |\n    - Bonn\n"
    files = {"config.yml": f"language: en\npipeline: {pipeline}\n", "domain.yml": "intents: [a]\nentities: [city]\n"}
    sources = [SourceFile(path=path, text=text) for path, text in {**files, "data/nlu.yml": f"nlu:\n{nlu}"}.items()]
    found = load_project(sources, env={}).notices
    assert all(notice.startswith("config.yml:2: ") for notice in found)
    assert [name for notice in found for name in notices if f'add "- name: {name}"' in notice] == notices
    assert len(found) == len(notices)


def test_a_value_as_it_is_written_is_no_synonym_to_miss() -> None:
    assert not list(
        unused(NluData(synonyms={"berlin": "Berlin"}), Config(pipeline=(Component(name="DIETClassifier"),)))
    )


def test_of_two_extractors_the_first_counts() -> None:
    pipeline = tuple(
        Component(name="RegexEntityExtractor", options={"use_lookup_tables": used}) for used in (False, True)
    )
    assert set(as_piped(DATA, Config(pipeline=pipeline)).lookups) == {"city (feature)"}

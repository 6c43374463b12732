"""Annotated examples: Rasa's forms, exact offsets, and the way back."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dialogue.annotation import AnnotationError, format_example, parse_annotated
from bot.dialogue.nlu_file import read_nlu
from bot.dialogue.project import EntityAnnotation, NluExample, SourceFile
from bot.dialogue.reading import Reading
from bot.dialogue.yaml_tree import read_yaml


def nlu(text):
    root, faults = read_yaml(SourceFile(path="data/nlu.yml", text=text), {})
    assert not faults
    reading = Reading()
    return read_nlu([root.value["nlu"]], reading), reading


def spans(source):
    text, annotations = parse_annotated(source)
    return text, [(text[span.start : span.end], span.entity, span.value, span.role, span.group) for span in annotations]


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("hello [Berlin](city)", "hello Berlin", [("Berlin", "city", None, None, None)]),
        ("[NYC](city:New York)!", "NYC!", [("NYC", "city", "New York", None, None)]),
        (
            'from [SFO]{"entity":"city","role":"departure","group":"1","value":"San Francisco"} now',
            "from SFO now",
            [("SFO", "city", "San Francisco", "departure", "1")],
        ),
        (
            '[Alice Smith][{"entity":"first"}, {"entity":"last","value":"Smith"}]',
            "Alice Smith",
            [("Alice Smith", "first", None, None, None), ("Alice Smith", "last", "Smith", None, None)],
        ),
        (
            "我要去[北京](city)和[上海](city)",
            "我要去北京和上海",
            [("北京", "city", None, None, None), ("上海", "city", None, None, None)],
        ),
        ("😀👩‍👩‍👧 [🍕](food) 好", "😀👩‍👩‍👧 🍕 好", [("🍕", "food", None, None, None)]),
        ('[x]{"entity":"e","value":"x"}', "x", [("x", "e", None, None, None)]),  # a value that says nothing new
        ('[x]{"entity":"e","value":"a}b"}', "x", [("x", "e", "a}b", None, None)]),  # a brace in JSON text
        ('[x]{"entity":"n","value":5}', "x", [("x", "n", "5", None, None)]),
        ("a [b] c", "a [b] c", []),  # brackets alone are text
        ("[b](", "[b](", []),
        ("see [1][2]", "see [1][2]", []),
        ("[](x)", "[](x)", []),
        ("[a [b](c)", "[a b", [("b", "c", None, None, None)]),  # the inner bracket counts
        # one inside another, both around the same words, and several deep
        (
            "at [[New York](city) hotel](place) or [here](place)",
            "at New York hotel or here",
            [
                ("New York hotel", "place", None, None, None),
                ("New York", "city", None, None, None),
                ("here", "place", None, None, None),
            ],
        ),
        (
            "住[[北京](city)]{'entity':'home'}".replace("'", '"'),
            "住北京",
            [("北京", "home", None, None, None), ("北京", "city", None, None, None)],
        ),
        (
            "[a [b [c](z)](y) d [e](x)](w)",
            "a b c d e",
            [
                ("a b c d e", "w", None, None, None),
                ("b c", "y", None, None, None),
                ("c", "z", None, None, None),
                ("e", "x", None, None, None),
            ],
        ),
        (r"\[b](c)", "[b](c)", []),  # escaped
        (r"[a\]b](c)", "a]b", [("a]b", "c", None, None, None)]),
        (r"[C:\\](drive)", "C:\\", [("C:\\", "drive", None, None, None)]),
        (r"\\[b](c)", "\\b", [("b", "c", None, None, None)]),
        (r"a\b c\\d", r"a\b c\\d", []),  # other backslashes are text
    ],
)
def test_forms_of_annotation(source, text, found):
    assert spans(source) == (text, found)


@pytest.mark.parametrize(
    "source", ["[x]{entity: city}", '[x]{"role":"a"}', '[x]{"entity":"a","rolle":"b"}', "[x][{]", '[x]{"entity":["a"]}']
)
def test_broken_annotations_are_refused(source):
    with pytest.raises(AnnotationError):
        parse_annotated(source)


TEXT = st.text(alphabet=st.sampled_from("ab 你好😀[](){}\\\"':,é-"), max_size=12)
NAME = st.text(alphabet=st.sampled_from("ab_:)你 "), min_size=1, max_size=4)


@st.composite
def examples(draw):
    text, entities = "", []
    for _ in range(draw(st.integers(0, 3))):
        text += draw(TEXT)
        span = draw(TEXT.filter(bool))
        for _ in range(draw(st.integers(1, 2))):
            value = draw(st.none() | TEXT.filter(bool))
            entities.append(
                EntityAnnotation(
                    start=len(text),
                    end=len(text) + len(span),
                    entity=draw(NAME),
                    value=None if value == span else value,
                    role=draw(st.none() | NAME),
                    group=draw(st.none() | NAME),
                )
            )
        text += span
    return NluExample(text=text + draw(TEXT), intent="i", entities=tuple(entities))


@settings(max_examples=400, deadline=None)
@given(examples())
def test_what_is_written_is_read_back(example):
    assert parse_annotated(format_example(example)) == (example.text, example.entities)


def test_writing_keeps_to_the_plain_form_where_it_can():
    text, entities = parse_annotated("fly to [NYC](city) [a]")
    assert format_example(NluExample(text=text, intent="i", entities=entities)) == "fly to [NYC](city) [a]"
    assert format_example(NluExample(text="[a](b)", intent="i")) == r"\[a\](b)"


NLU = r"""
nlu:
- intent: travel
  metadata: {source: web}
  examples: |
    - to [NYC]{"entity": "city", "value": "New York"}

    no dash here
    -
    - 去[北京](city)
- intent: faq/hours
  examples:
  - text: |
      - when are you open
    metadata: {sentiment: 1.0}
  - text: opening hours?
- synonym: New York
  examples: |
    - big apple
- regex: zip
  examples: |
    - \b\d{5}\b
- lookup: country
  examples: |
    - Chile
    - 中国
- lookup: country
  examples: |
    - Peru
"""


def test_nlu_data_as_a_whole():
    data, reading = nlu(NLU)
    assert not reading.faults
    assert [(example.text, example.intent, example.line, example.metadata) for example in data.examples] == [
        ("to NYC", "travel", 6, {"intent": {"source": "web"}}),
        ("去北京", "travel", 10, {"intent": {"source": "web"}}),
        ("when are you open", "faq/hours", 14, {"example": {"sentiment": 1.0}}),
        ("opening hours?", "faq/hours", 16, None),
    ]
    assert data.examples[1].entities == (EntityAnnotation(start=1, end=3, entity="city"),)
    assert data.synonyms == {"nyc": "New York", "big apple": "New York", "new york": "New York", "北京": "北京"}
    assert data.regexes == {"zip": (r"\b\d{5}\b",)}
    assert data.lookups == {"country": ("Chile", "中国", "Peru")}
    assert [notice.split(": ")[0] for notice in reading.notices] == ["data/nlu.yml:8", "data/nlu.yml:9"]


@pytest.mark.parametrize(
    ("item", "line", "part"),
    [
        ("- intent: a\n  exmaples: |\n    - x", 3, '"exmaples"'),
        ("- examples: |\n    - x", 2, "none of intent"),
        ("- intent: a\n  synonym: b\n  examples: |\n    - x", 2, "intent and synonym"),
        ("- intent: a", 2, "no examples"),
        ("- intent: a/b/c\n  examples: |\n    - x", 2, "more than one"),
        ("- intent: 5\n  examples: |\n    - x", 2, "must be text, not a number"),
        ("- intent: a\n  examples:\n  - x", 4, "without a key"),
        ("- intent: a\n  examples:\n  - metadata: 1", 4, "without text"),
        ("- intent: a\n  examples: |\n    - x\n    - [y]{bad}", 5, "cannot be read"),
        ("- regex: a\n  examples: |\n    - x\n    - (", 5, "does not compile"),
        ("- lookup: a\n  examples:\n  - x", 3, "must be a text block"),
        ("- just text", 2, "must have keys"),
    ],
)
def test_faults_of_nlu_data(item, line, part):
    _, reading = nlu(f"nlu:\n{item}\n")
    assert [fault.line for fault in reading.faults] == [line]
    assert part in reading.faults[0].what


def test_a_synonym_with_two_values_is_noticed():
    _, reading = nlu("nlu:\n- synonym: A\n  examples: |\n    - x\n- synonym: B\n  examples: |\n    - X\n")
    assert [notice.split(": ")[0] for notice in reading.notices] == ["data/nlu.yml:7"]


@pytest.mark.parametrize(
    ("synonyms", "found"),
    [
        # what a synonym stands for is one of itself in any case
        ("- synonym: New York\n  examples: |\n    - NYC\n", {"nyc": "New York", "new york": "New York"}),
        # unless something else was said of it
        (
            "- synonym: Big City\n  examples: |\n    - new york\n- synonym: New York\n  examples: |\n    - NYC\n",
            {"nyc": "New York", "new york": "Big City", "big city": "Big City"},
        ),
        ("- intent: a\n  examples: |\n    - to [帝都](city:北京)\n", {"帝都": "北京", "北京": "北京"}),
        # as is an annotated text without another value, written as it is written first
        ("- intent: a\n  examples: |\n    - to [Berlin](city)\n    - [BERLIN](city)\n", {"berlin": "Berlin"}),
        # unless a later one says what it stands for
        (
            "- intent: a\n  examples: |\n    - [berlin](city)\n    - [berlin](city:Berlin)\n    - [BER](city:Berlin)\n",
            {"berlin": "Berlin", "ber": "Berlin"},
        ),
    ],
)
def test_synonyms(synonyms, found):
    data, reading = nlu(f"nlu:\n{synonyms}")
    assert data.synonyms == found
    assert not reading.notices


def test_an_annotation_wins_over_a_synonym_whatever_comes_first():
    annotated = "- intent: a\n  examples: |\n    - [NYC](city:Newark)\n"
    named = "- synonym: New York\n  examples: |\n    - NYC\n"
    for items, line in ((annotated + named, 4), (named + annotated, 7)):
        data, reading = nlu(f"nlu:\n{items}")
        assert data.synonyms["nyc"] == "Newark"
        assert [notice.split(": ")[0] for notice in reading.notices] == [f"data/nlu.yml:{line}"]


def test_five_thousand_examples_in_list_form_load_in_time():
    items = "".join(
        f"  - text: |\n      - example {n} of [x](e) words\n    metadata: {{n: {n}}}\n" for n in range(5000)
    )
    start = time.perf_counter()
    data, _ = nlu(f"nlu:\n- intent: a\n  examples:\n{items}")
    assert len(data.examples) == 5000
    assert time.perf_counter() - start < 20  # 2 s alone; the machine may be busy

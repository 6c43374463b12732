"""Bad and odd input to understanding: each kind has a defined outcome, named by file and line where it is data."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_encoder import write_tiny_bert

from bot.dialogue.load import load_nlu, load_project
from bot.dialogue.nlu_checks import READ_CHARS, data_notices, held_out_notices, text_notices
from bot.dialogue.project import NluData, SourceFile
from bot.folder import read_sources
from nlu.data import EntitySpan, Example
from nlu.model import NluModel
from nlu.tokens import TEXT_LIMIT
from training.evaluate_nlu import evaluate
from training.nlu import NluReport, train_nlu
from training.nlu_data import examples_from
from training.nlu_fit import NluSettings

pytestmark = pytest.mark.usefixtures("one_thread")

DOMAIN = """intents: [greet, fly]
entities: [city, place, day]
responses:
  utter_greet: [{text: hello}]
"""
GREET = "- intent: greet\n  examples: |\n    - hello\n    - hi\n"
RULES = "rules:\n- rule: greet\n  steps: [{intent: greet}, {action: utter_greet}]\n"


def project_notices(nlu: str, **more: str) -> list[str]:
    texts = {
        "config.yml": "",
        "domain.yml": DOMAIN,
        "data/rules.yml": RULES,
        "data/nlu.yml": f"nlu:\n{GREET}{nlu}",
        **more,
    }
    project = load_project([SourceFile(path=path, text=text) for path, text in texts.items()], env={})
    return [notice for notice in project.notices if '"fly" has no examples' not in notice]


def nlu_data(items: str, path: str = "train.yml") -> NluData:
    return load_nlu([SourceFile(path=path, text=f"nlu:\n{items}")], env={})


@pytest.mark.parametrize(
    ("nlu", "expected"),
    [
        # an intent with one example
        (
            "- intent: fly\n  examples: |\n    - take me away\n",
            'data/nlu.yml:8: the intent "fly" has one example; write at least five, in the words that customers use',
        ),
        # an annotation inside another
        (
            "- intent: fly\n  examples: |\n    - to [[New York](city) hotel](place)\n    - away\n",
            'data/nlu.yml:8: "New York" (city) lies inside "New York hotel" (place): only the longer one is learned',
        ),
        (
            "- intent: fly\n  examples: |\n    - away\n    - 去[[北京](city)饭店](place)\n",
            'data/nlu.yml:9: "北京" (city) lies inside "北京饭店" (place): only the longer one is learned',
        ),
        # an example that is cut
        (
            f"- intent: fly\n  examples: |\n    - away\n    - {'to berlin ' * 1000}\n",
            "data/nlu.yml:9: an example of 9,999 characters; only the first 2,000 are read",
        ),
        # nothing that a word is made of: marks, in either language, and what is not seen
        (
            "- intent: fly\n  examples: |\n    - away\n    - ？！...\n",
            'data/nlu.yml:9: "？！..." has no word, so it teaches nothing: such a message is never understood',
        ),
        (
            "- intent: fly\n  examples: |\n    - away\n    - \u200d\ufe0f\n",
            'data/nlu.yml:9: "\\u200d\ufe0f" has no word, so it teaches nothing: such a message is never understood',
        ),
        # an annotation that ends, or begins, inside a word
        (
            "- intent: fly\n  examples: |\n    - away\n    - to [new](city)york\n",
            'data/nlu.yml:9: "new" (city) cuts a word, and what is learned finds whole words; annotate all of it',
        ),
        (
            "- intent: fly\n  examples: |\n    - away\n    - on 4[th](day)\n",
            'data/nlu.yml:9: "th" (day) cuts a word, and what is learned finds whole words; annotate all of it',
        ),
        # a line that is no example
        (
            "- intent: fly\n  examples: |\n    - away\n    - now\n    😀\n",
            'data/nlu.yml:10: skipped, because it does not start with "-": 😀',
        ),
    ],
)
def test_odd_examples_are_named(nlu: str, expected: str) -> None:
    assert project_notices(nlu) == [expected]


@pytest.mark.parametrize(
    ("labels", "remark"),
    [
        (["city", ("city", "role", "to")], "annotated as city more than once: only the first is learned"),
        (["city", "place", "city"], "annotated as city more than once: only the first is learned"),
        (["city", ("place", "group", "1")], "city and place: of roles and groups, those of the first are learned"),
        (
            [("city", "role", "from"), ("place", "role", "to")],
            "city and place: of roles and groups, those of the first are learned",
        ),
    ],
)
def test_what_entities_on_one_span_lose(labels: list[str | tuple[str, str, str]], remark: str) -> None:
    entities = [
        {"entity": label} if isinstance(label, str) else {"entity": label[0], label[1]: label[2]} for label in labels
    ]
    data = nlu_data(f"- intent: fly\n  examples: |\n    - away\n    - to [Rome]{json.dumps(entities)}\n")
    assert list(data_notices(data)) == [f'train.yml:5: "Rome" is {remark}']


@pytest.mark.parametrize(
    "example",
    [
        # several entities on one span: none has a role or group, only the first, or all the same
        '[Rome][{"entity": "city"}, {"entity": "place"}]',
        '[Rome][{"entity": "city", "role": "to"}, {"entity": "place"}]',
        '[Rome][{"entity": "city", "role": "to"}, {"entity": "place", "role": "to"}]',
        # entities at the edge of words, and anywhere where words have no spaces between them
        "[Rome](city)'s, (Rome-[Oslo](city))",
        "我要去[北京](city)饭店",
        "去[Rome](city)吧",
        # emoji, symbols, and several languages are words
        "👋",
        "👩‍👩‍👧‍👦 €",
        "book 一张 flight to 北京",
    ],
)
def test_examples_without_a_remark(example: str) -> None:
    entity = '- intent: fly\n  examples: |\n    - [Rome](city)\n    - [Oslo]{"entity": "city", "role": "to"}\n'
    domain = DOMAIN.replace("[city, place, day]", "[{city: {roles: [to]}}, {place: {roles: [to]}}, day]")
    assert project_notices(f"{entity}    - {example}\n", **{"domain.yml": domain}) == []


def test_an_entity_that_only_a_test_story_has() -> None:
    story = "stories:\n- story: s\n  steps:\n  - user: |\n      fly on [monday](day)\n    intent: fly\n"
    fly = "- intent: fly\n  examples: |\n    - to [rome](city)\n    - to [oslo](city)\n"
    (notice,) = project_notices(fly, **{"tests/test_fly.yml": story})
    assert notice.startswith('tests/test_fly.yml:4: the entity "day" is only tested, so it is never found; annotate it')
    lookup = "- lookup: day\n  examples: |\n    - monday\n"
    assert project_notices(fly + lookup, **{"tests/test_fly.yml": story}) == []
    # a pattern whose name is no entity of the domain only helps to recognise others
    unnamed = {"domain.yml": DOMAIN.replace(", day", ""), "tests/test_fly.yml": story}
    assert any('"day" is only tested' in notice for notice in project_notices(fly + lookup, **unnamed))
    duckling = {"config.yml": "pipeline: [{name: DucklingEntityExtractor}]", "tests/test_fly.yml": story}
    assert project_notices(fly, **duckling) == []


def test_what_only_held_out_data_has() -> None:
    learned = nlu_data("- intent: fly\n  examples: |\n    - to [rome](city)\n")
    outside = "- intent: out_of_scope\n  examples: |\n    - y\n"
    days = "- intent: fly\n  examples: |\n    - on [monday](day)\n    - on [sunday](day)\n"
    held_out = nlu_data(f"{days}- intent: new\n  examples: |\n    - x\n{outside}", "test.yml")
    day, new = held_out_notices(learned, held_out, entities=["city"])
    assert day.startswith('test.yml:4: the entity "day" is only tested')
    assert new == 'test.yml:8: the intent "new" is only tested: no example trains it'
    assert list(held_out_notices(learned, learned, entities=[])) == []


def test_a_pattern_teaches_only_what_it_extracts() -> None:
    learned = nlu_data("- regex: day\n  examples: |\n    - monday|sunday\n")
    held_out = nlu_data("- intent: out_of_scope\n  examples: |\n    - on [monday](day)\n", "test.yml")
    assert list(held_out_notices(learned, held_out, entities=["day"])) == []
    (day,) = held_out_notices(learned, held_out, entities=["city"])
    assert day.startswith('test.yml:4: the entity "day" is only tested')


def test_texts_that_are_judged_or_lie_outside_are_named_like_examples() -> None:
    long = "to berlin " * 1000
    texts = nlu_data(
        f"- intent: out_of_scope\n  examples: |\n    - {long}\n    - ...\n    - [new](city)york\n", "dev.yml"
    )
    expected = [
        "dev.yml:4: an example of 9,999 characters; only the first 2,000 are read",
        'dev.yml:5: "..." has no word, so it teaches nothing: such a message is never understood',
        'dev.yml:6: "new" (city) cuts a word, and what is learned finds whole words; annotate all of it',
    ]
    assert list(text_notices(texts)) == expected
    learned = nlu_data("- intent: fly\n  examples: |\n    - to [rome](city)\n")
    assert list(held_out_notices(learned, texts, entities=[])) == expected


def test_the_limit_is_that_of_the_model() -> None:
    assert READ_CHARS == TEXT_LIMIT
    assert list(data_notices(NluData())) == []


def test_files_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    files = {
        "config.yml": "language: zh\n",
        "domain.yml": DOMAIN,
        "data/nlu.yml": f"nlu:\n{GREET}",
        "data/rules.yml": RULES,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text.replace("\n", "\r\n"), "utf-8-sig", newline="")
    project = load_project(read_sources(tmp_path), env={})
    assert project.config.language == "zh"
    assert [example.text for example in project.nlu.examples] == ["hello", "hi"]


# the model


TOWNS = ("berlin", "paris", "new york", "北京")
SETTINGS = NluSettings(
    epochs=30,
    learning_rate=3e-3,
    head_learning_rate=2e-2,
    dropout=0.0,
    frozen_layers=0,
    general_outside=False,
    threshold=0.3,
)


def fly(start: str, town: str, entity: str = "city") -> Example:
    span = EntitySpan(start=len(start), end=len(start) + len(town), entity=entity)
    return Example(text=start + town, intent="fly", entities=(span,))


EXAMPLES = (
    *(fly(start, town) for start in ("i want to fly to ", "book a flight to ", "我要去") for town in TOWNS),
    *(
        Example(text=text, intent="greet")
        for text in ("hello", "hi", "hello hi", "hi hello", "hello you", "👋", "👋 hi")
    ),
    Example(text="where is my order number", intent="order"),  # the only one
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_bert(tmp_path_factory.mktemp("base") / "tiny"))


@pytest.fixture(scope="module")
def learned(base: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[NluModel, NluReport]:
    out = tmp_path_factory.mktemp("model") / "nlu"
    report = train_nlu(EXAMPLES, out=out, base=base, settings=SETTINGS, device="cpu")
    return NluModel.load(out), report


@pytest.fixture(scope="module")
def model(learned: tuple[NluModel, NluReport]) -> NluModel:
    return learned[0]


def test_an_intent_with_one_example_is_learned_and_remarked(learned: tuple[NluModel, NluReport]) -> None:
    model, report = learned
    (parse,) = model.parse_batch(["where is my order number"])
    assert parse.intent.name == "order"
    assert any("order" in remark for remark in report.remarks)


def test_an_entity_only_in_the_test_is_missed_not_refused(model: NluModel) -> None:
    known = [example for example in EXAMPLES if evaluate(model, [example])["entity_f1"] == 1.0]
    assert known
    span = replace(known[0].entities[0], entity="airport")
    figures = evaluate(model, [known[0], replace(known[0], entities=(span,))])
    assert figures["entity_f1"] == 0.5  # one found of two, and one found that is none


def test_entities_with_one_example_are_learned_whatever_is_held_out(base: str, tmp_path: Path) -> None:
    """Some are held out of the trial, which then knows neither their kind nor their role."""
    singular = [
        replace(example, entities=tuple(replace(s, entity=f"city{at}", role=f"role{at}") for s in example.entities))
        for at, example in enumerate(EXAMPLES * 3)
    ]
    report = train_nlu(singular, out=tmp_path / "nlu", base=base, settings=replace(SETTINGS, threshold=None, epochs=2))
    assert "entity_f1" in report.held_out
    assert set(NluModel.load(tmp_path / "nlu").manifest.kinds) == {
        span.entity for example in singular for span in example.entities
    }


def test_a_message_of_ten_thousand_characters_is_its_beginning(model: NluModel) -> None:
    long = ("book a flight to paris . " * 500)[:10_000]
    began = time.perf_counter()
    (parse,) = model.parse_batch([long])
    assert time.perf_counter() - began < 5  # some 20 ms alone; the machine may be busy
    (cut,) = model.parse_batch([long[:TEXT_LIMIT]])
    assert parse == replace(cut, text=long)
    assert parse.intent.name == "fly"
    assert parse.entities
    assert all(entity.value == long[entity.start : entity.end] for entity in parse.entities)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("👋", "greet"),  # an emoji of the examples is a word
        ("🦜🦜", "nlu_fallback"),  # another is none
        ("👩‍👩‍👧‍👦", "nlu_fallback"),  # joined ones
        ("\ufe0f\u200d", "nlu_fallback"),  # what joins them, alone
        (" \t\n", "nlu_fallback"),
        ("\x00\u202e", "nlu_fallback"),
    ],
)
def test_only_emoji(model: NluModel, text: str, intent: str) -> None:
    (parse,) = model.parse_batch([text])
    assert (parse.text, parse.intent.name, parse.entities) == (text, intent, ())


@pytest.mark.parametrize(
    ("text", "value", "start"),
    [
        ("book a flight to 北京", "北京", 17),
        ("我要去berlin", "berlin", 3),
        ("👋 我要去北京", "北京", 5),
    ],
)
def test_mixed_languages_have_exact_spans(model: NluModel, text: str, value: str, start: int) -> None:
    (parse,) = model.parse_batch([text])
    assert parse.intent.name == "fly"
    assert [(entity.value, entity.start, text[entity.start : entity.end]) for entity in parse.entities] == [
        (value, start, value)
    ]


def test_the_longer_of_overlapping_annotations_is_learned(base: str, tmp_path: Path) -> None:
    items = "".join(
        f"    - {start} [[{town}](city) book](place)\n"
        for start in ("i want to fly to", "book a flight to", "where is")
        for town in TOWNS
    )
    examples = examples_from(nlu_data(f"- intent: fly\n  examples: |\n{items}"))
    assert {len(example.entities) for example in examples} == {2}
    greetings = [example for example in EXAMPLES if example.intent == "greet"]
    train_nlu([*examples, *greetings], out=tmp_path / "nlu", base=base, settings=SETTINGS, device="cpu")
    (parse,) = NluModel.load(tmp_path / "nlu").parse_batch(["i want to fly to paris book"])
    assert [(entity.entity, entity.value) for entity in parse.entities] == [("place", "paris book")]

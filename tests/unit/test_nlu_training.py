from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_encoder import write_tiny_bert

from nlu.data import EntitySpan, Example
from nlu.encoder import read_base
from nlu.errors import NluDataError, NluFolderError
from nlu.model import NluModel
from nlu.tokens import TextEncoder
from training.evaluate_nlu import evaluate
from training.nlu import train_nlu
from training.nlu_fit import NluSettings
from training.nlu_outside import NONSENSE, general_outside
from training.nlu_vectors import Base, FrozenVectors
from training.offtopic import ENGLISH

pytestmark = pytest.mark.usefixtures("one_thread")

TOWNS = ["berlin", "paris", "new york", "北京"]


def fly(town: str, start: str = "i want to fly to ", role: str = "to") -> Example:
    span = EntitySpan(start=len(start), end=len(start) + len(town), entity="city", role=role)
    return Example(text=start + town, intent="fly", entities=(span,))


EXAMPLES = [
    *(fly(town) for town in TOWNS),
    *(fly(town, "book a flight from ", "from") for town in TOWNS),
    *(fly(town, "我要去") for town in TOWNS),
    *(Example(text=text, intent="greet") for text in ["hello", "hi", "hello hi", "hi hello", "hello you"]),
    *(Example(text=text, intent="faq/order") for text in ["where is my order ?", "my order number", "order ?"]),
    *(Example(text=text, intent="faq/weather") for text in ["what is the weather ?", "weather ?", "the weather"]),
]
SETTINGS = NluSettings(
    epochs=30,
    learning_rate=3e-3,
    head_learning_rate=2e-2,
    dropout=0.0,
    frozen_layers=0,
    general_outside=False,
    slips=0.0,
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_bert(tmp_path_factory.mktemp("base") / "tiny"))


@pytest.fixture(scope="module")
def folder(base: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("model") / "nlu"
    train_nlu(
        EXAMPLES,
        out=out,
        base=base,
        settings=replace(SETTINGS, threshold=0.3),
        regexes={"order_number": ["kf-\\d+"], "unused": ["\\d+"]},
        lookups={"city": ["paris", "berlin"]},
        synonyms={"New York": "NYC"},
        entities=["order_number"],
        device="cpu",
    )
    return out


@pytest.fixture(scope="module")
def model(folder: Path) -> NluModel:
    return NluModel.load(folder)


def entities(model: NluModel, text: str) -> list[tuple[str, str, str | None]]:
    return [(e.entity, text[e.start : e.end], e.role) for e in model.parse_batch([text])[0].entities]


def test_intents_are_learned(model: NluModel) -> None:
    measures = evaluate(model, EXAMPLES)
    assert measures["intent_accuracy"] == 1.0
    assert measures["entity_f1"] == 1.0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("book a flight from berlin", [("city", "berlin", "from")]),
        ("i want to fly to Paris", [("city", "Paris", "to")]),
        ("我要去北京", [("city", "北京", "to")]),
        ("hello", []),
        ("where is KF-123 ?", [("order_number", "KF-123", None)]),  # a regex alone; "unused" names no entity
    ],
)
def test_spans_roles_and_patterns(model: NluModel, text: str, found: list[tuple[str, str, str | None]]) -> None:
    assert entities(model, text) == found


def test_synonyms_replace_the_value_of_what_was_found(model: NluModel) -> None:
    (entity,) = model.parse_batch(["i want to fly to new york"])[0].entities
    assert (entity.value, entity.processors) == ("NYC", ("EntitySynonymMapper",))


def test_retrieval_intents_are_one_intent_with_a_key(model: NluModel) -> None:
    parse = model.parse_batch(["weather ?"])[0]
    assert (parse.intent.name, parse.response_key) == ("faq", "weather")
    assert model.intents == ("faq", "fly", "greet")
    assert sum(score.confidence for score in parse.ranking) == pytest.approx(1)


def test_batches_keep_order_and_agree_with_single_messages(model: NluModel) -> None:
    texts = [example.text for example in EXAMPLES] * 8  # more than fit through the network at once
    together = model.parse_batch(texts)
    assert [parse.text for parse in together] == texts
    for text, parse in zip(texts[:24], together, strict=False):
        alone = model.parse_batch([text])[0]
        assert alone.intent.name == parse.intent.name
        assert alone.intent.confidence == pytest.approx(parse.intent.confidence, abs=0.05)  # 8-bit activations


@pytest.mark.parametrize("text", ["", "  ", "😀", "\u200b"])
def test_a_text_without_words_is_a_fallback_with_the_ranking_behind(model: NluModel, text: str) -> None:
    parse = model.parse_batch([text])[0]
    assert parse.intent.name == "nlu_fallback"
    assert parse.intent.confidence == model.threshold
    assert {score.name for score in parse.ranking[1:]} == {"faq", "fly", "greet"}


def test_a_very_long_text_is_parsed(model: NluModel) -> None:
    text = "hello " * 2000 + "kf-1"
    parse = model.parse_batch([text])[0]
    assert parse.text == text
    assert parse.entities == ()  # beyond what is read


def test_nothing_to_parse(model: NluModel) -> None:
    assert model.parse_batch([]) == []


def test_the_same_folder_gives_the_same_parse(folder: Path, model: NluModel) -> None:
    texts = [example.text for example in EXAMPLES]
    assert NluModel.load(folder).parse_batch(texts) == model.parse_batch(texts)


def test_no_pickle_and_a_torn_folder(folder: Path, base: str, tmp_path: Path) -> None:
    assert {file.name for file in folder.iterdir()} == {
        "nlu.json",
        "model.safetensors",
        "neighbours.safetensors",
        "tokenizer.json",
    }
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-9])
    with pytest.raises(NluFolderError, match=r"nlu\.json"):
        NluModel.load(tmp_path)
    (tmp_path / "nlu.json").write_bytes((folder / "nlu.json").read_bytes())
    with pytest.raises(NluFolderError, match=r"model\.safetensors"):
        NluModel.load(tmp_path)
    (tmp_path / "nlu.json").write_text('{"format": 0}')
    with pytest.raises(NluFolderError, match="another version"):
        NluModel.load(tmp_path)


def train(examples: Sequence[Example], out: Path, base: str, **more: object) -> NluModel:
    train_nlu(examples, out=out, base=base, device="cpu", settings=SETTINGS, **more)  # type: ignore[arg-type]
    return NluModel.load(out)


def test_outside_texts_are_rejected_and_claimed_ones_are_not(base: str, tmp_path: Path) -> None:
    outside = ["what is the number", "the number 1", "is 1 the number", "number 3", "2 3 number", "what number"]
    model = train(EXAMPLES, tmp_path, base, outside=[*outside, "Hello", ""])
    assert [parse.intent.name for parse in model.parse_batch(outside)] == ["nlu_fallback"] * len(outside)
    assert model.parse_batch(["hello"])[0].intent.name == "greet"


def test_the_same_seed_gives_the_same_model(base: str, tmp_path: Path) -> None:
    first, second = (train(EXAMPLES, tmp_path / str(i), base, seed=3) for i in range(2))
    assert first.parse_batch(["fly to paris"]) == second.parse_batch(["fly to paris"])


def test_one_intent_and_one_example(base: str, tmp_path: Path) -> None:
    model = train([Example(text="hello", intent="greet")], tmp_path, base)
    assert model.parse_batch(["hello"])[0].intent.name == "greet"


def test_overlapping_annotations_and_one_beyond_the_text(base: str, tmp_path: Path) -> None:
    spans = (
        EntitySpan(start=0, end=8, entity="place"),
        EntitySpan(start=4, end=8, entity="part"),
        EntitySpan(start=90, end=99, entity="place"),
    )
    model = train([Example(text="new york", intent="say", entities=spans)], tmp_path, base)
    assert entities(model, "new york") == [("place", "new york", None)]


def test_no_examples(base: str, tmp_path: Path) -> None:
    with pytest.raises(NluDataError, match="no training examples"):
        train([Example(text=" ", intent="x")], tmp_path, base)


def test_progress_and_report(base: str, tmp_path: Path) -> None:
    seen: list[tuple[float, str]] = []
    report = train_nlu(
        [*EXAMPLES, EXAMPLES[0]],
        out=tmp_path,
        base=base,
        settings=NluSettings(epochs=2),
        progress=lambda share, doing: seen.append((share, doing)),
    )
    shares = [share for share, _ in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert report.examples == len(EXAMPLES)
    assert report.remarks[0].startswith("1 examples were empty or repeated")
    assert "faq/order, faq/weather" in report.remarks[1]


def test_general_texts_are_outside_unless_an_intent_is_near_them(base: str) -> None:
    shape, weights = read_base(Path(base))
    encoder = TextEncoder.load(Path(base) / "tokenizer.json", max_tokens=32)
    vectors = FrozenVectors(Base(shape=shape, weights=weights), torch.device("cpu"), keep_tokens=False)
    joke = Example(text=ENGLISH[1], intent="joke")
    general = general_outside(vectors, encoder, [joke])
    assert ENGLISH[1] not in general
    assert set(general) <= {*ENGLISH, *NONSENSE}  # no Chinese for an assistant that has none


def test_confidence_is_judged_on_dev_messages_where_they_are_given(base: str, tmp_path: Path) -> None:
    dev = [
        *(Example(text=text, intent="greet") for text in ["hello hello", "hi hi"]),
        *(Example(text=text, intent="out_of_scope") for text in ["the number", "what is 3"]),
    ]
    report = train_nlu(EXAMPLES, out=tmp_path, dev=dev, base=base, settings=SETTINGS)
    assert report.foreign_source == "given texts"
    assert report.held_out["in_scope_accuracy"] is not None
    assert report.held_out["out_of_scope_auroc"] == 1.0
    assert not any("calibrated" in remark for remark in report.remarks)


def test_heads_alone_learn_intents_entities_and_roles(base: str, tmp_path: Path) -> None:
    train_nlu(EXAMPLES, out=tmp_path, base=base, settings=NluSettings(heads_only=True, general_outside=False))
    model = NluModel.load(tmp_path)
    parses = model.parse_batch([example.text for example in EXAMPLES])
    best = [next(score.name for score in parse.ranking if score.name != "nlu_fallback") for parse in parses]
    assert sum(a == b.intent.partition("/")[0] for a, b in zip(best, EXAMPLES, strict=True)) >= len(EXAMPLES) - 2
    assert entities(model, "i want to fly to berlin") == [("city", "berlin", "to")]
    assert entities(model, "book a flight from paris") == [("city", "paris", "from")]


@pytest.mark.parametrize("heads_only", [False, True])
def test_groups_are_learned_beside_roles(base: str, tmp_path: Path, heads_only: bool) -> None:
    """Both are the first entity's where two stand on one span, and each entity has only those it was seen with."""

    def trip(way: str, group: str) -> Example:
        starts = [len(f"{way} "), len(f"{way} paris, ")]
        spans = (
            EntitySpan(start=starts[0], end=starts[0] + 5, entity="city", role=way, group=group),
            EntitySpan(start=starts[0], end=starts[0] + 5, entity="stop"),
            EntitySpan(start=starts[1], end=starts[1] + 6, entity="city", role="to", group="3"),
        )
        return Example(text=f"{way} paris, berlin", intent="fly", entities=spans)

    examples = [*(trip(way, group) for way, group in (("from", "1"), ("to", "2"))), *EXAMPLES[-11:]]
    train_nlu(examples, out=tmp_path, base=base, settings=replace(SETTINGS, heads_only=heads_only, threshold=0.0))
    (parse,) = NluModel.load(tmp_path).parse_batch(["from paris, berlin"])
    assert [(e.entity, e.value, e.role, e.group) for e in parse.entities] == [
        ("city", "paris", "from", "1"),
        ("stop", "paris", None, None),
        ("city", "berlin", "to", "3"),
    ]


def test_heads_alone_leave_the_encoder_as_it_is(base: str, tmp_path: Path) -> None:
    train_nlu(EXAMPLES, out=tmp_path, base=base, settings=NluSettings(heads_only=True, general_outside=False))
    learned = load_file(tmp_path / "model.safetensors")
    _, before = read_base(Path(base))
    for name, tensor in before.items():
        assert torch.equal(learned[f"encoder.{name}"], tensor.half())


def test_the_setting_decides_whether_typing_errors_are_learned(base: str, tmp_path: Path) -> None:
    weights = []
    for share in (0.0, 0.9):
        settings = replace(SETTINGS, slips=share, epochs=1, threshold=0.0)
        train_nlu(EXAMPLES, out=tmp_path, base=base, settings=settings)
        weights.append(load_file(tmp_path / "model.safetensors")["intent.weight"])
    assert not torch.equal(*weights)

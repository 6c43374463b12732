"""Why a message was understood as it was: words, nearest examples, verdict."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_encoder import write_tiny_bert

from bot.cli import main
from bot.commands.explain import lines, painted
from bot.dialogue.project import Config
from bot.models import ReleaseModels
from bot.parses import dialogue_parse, explanation_json
from bot.paths import AssistantPaths
from bot.release import ReleaseDraft, promote
from bot.system_entities import system_entities
from nlu.data import EntitySpan, Example
from nlu.errors import NluFolderError
from nlu.explain import MOST_WORDS, Explainer, Explanation, Word, words
from nlu.model import NluModel
from nlu.neighbours import FILE, Neighbours, word_pairs
from nlu.system_entities import SystemEntityFinder
from training.nlu import train_nlu
from training.nlu_fit import NluSettings

pytestmark = pytest.mark.usefixtures("one_thread")

EXAMPLES = [
    *(
        Example(
            text=f"{start}{town}",
            intent="fly",
            entities=(EntitySpan(start=len(start), end=len(start) + len(town), entity="city"),),
        )
        for start in ("i want to fly to ", "book a flight to ", "我要去")
        for town in ("berlin", "paris", "new york", "北京")
    ),
    *(Example(text=text, intent="greet") for text in ["hello", "hi", "hello hi", "hi hello", "hello you"]),
    *(Example(text=text, intent="order") for text in ["where is my order", "my order number", "order", "the order"]),
]
OUTSIDE = ["what is the weather", "weather", "the weather in my book", "what weather is it", "the book", "what is it"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("model") / "nlu"
    base = write_tiny_bert(tmp_path_factory.mktemp("base") / "tiny")
    settings = NluSettings(
        epochs=30,
        learning_rate=3e-3,
        head_learning_rate=2e-2,
        dropout=0.0,
        frozen_layers=0,
        general_outside=False,
        threshold=0.5,
    )
    train_nlu(EXAMPLES, out=out, base=str(base), outside=OUTSIDE, settings=settings, device="cpu")
    Neighbours.of(NluModel.load(out), EXAMPLES).save(out)
    return out


@pytest.fixture(scope="module")
def model(folder: Path) -> NluModel:
    return NluModel.load(folder)


def shown(found: Explanation, *, coloured: bool = False) -> str:
    return "\n".join(lines(found, dialogue_parse(found.parse).entities, coloured=coloured))


@pytest.fixture
def explainer(model: NluModel, folder: Path) -> Explainer:
    return Explainer(model, folder)


def test_the_words_that_carry_an_intent_weigh_most(explainer: Explainer) -> None:
    found = explainer.explain("where is my order")
    assert found.best.name == "order"
    assert [word.text for word in found.words] == ["where", "is", "my", "order"]
    heaviest = sorted(found.words, key=lambda word: -word.weight)[:2]
    assert {word.text for word in heaviest} == {"my", "order"}  # "where" and "is" are asked outside, too


def test_a_weight_is_what_the_odds_lose_without_the_word(explainer: Explainer, model: NluModel) -> None:
    text = "hello my order"
    found = explainer.explain(text)
    place = model.intents.index(found.best.name)
    whole, without = (float(reading.chances[place]) for reading in model.read_batch([text, "hello my"]))
    lost = (whole / (1 - whole)) / (without / (1 - without))
    # 8-bit layers round a little differently in another batch
    assert np.exp(found.words[-1].weight) == pytest.approx(lost, rel=0.2)


def test_words_for_and_against_are_told_apart(explainer: Explainer) -> None:
    found = explainer.explain("hello where is my order")
    weights = {word.text: word.weight for word in found.words}
    assert found.best.name == "order"
    assert weights["hello"] < 0 < weights["order"]


@pytest.mark.parametrize(
    ("text", "verdict", "answer"),
    [
        ("hello", "accepted", "greet"),
        ("what is the weather", "outside", "nlu_fallback"),
        ("☂☂☂", "unknown", "nlu_fallback"),
        ("", "unknown", "nlu_fallback"),
    ],
)
def test_verdicts(explainer: Explainer, text: str, verdict: str, answer: str) -> None:
    found = explainer.explain(text)
    assert (found.verdict, found.parse.intent.name) == (verdict, answer)
    assert bool(found.words) == bool(found.neighbours) == (verdict != "unknown")
    assert ("nlu_fallback" in shown(found, coloured=True)) == (verdict != "accepted")


def test_what_is_below_the_threshold_says_so(model: NluModel, folder: Path) -> None:
    strict = NluModel.load(folder)
    strict.threshold = 1.0
    found = Explainer(strict, folder).explain("my order")
    assert (found.verdict, found.parse.intent.name, found.best.name) == ("unsure", "nlu_fallback", "order")
    assert "below the threshold 1.00" in shown(found)


def test_the_verdict_is_always_that_of_the_parse(explainer: Explainer, model: NluModel) -> None:
    texts = [*(example.text for example in EXAMPLES), *OUTSIDE, "hello order", "my book to paris", "北京", "京"]
    for text in texts:
        found = explainer.explain(text)
        assert (found.verdict == "accepted") == (found.parse.intent.name == found.best.name)
        ranked = [score for score in found.parse.ranking if score.name != "nlu_fallback"]
        assert found.best == ranked[0]
        assert found.runner_up == ranked[1]


def test_nearest_examples(explainer: Explainer, folder: Path) -> None:
    found = explainer.explain("book a flight to paris")
    assert len(found.neighbours) == 3
    assert (found.neighbours[0].text, found.neighbours[0].intent) == ("book a flight to paris", "fly")
    assert found.neighbours[0].cosine == pytest.approx(1.0, abs=0.02)
    cosines = [near.cosine for near in found.neighbours]
    assert cosines == sorted(cosines, reverse=True)
    assert {near.intent for near in found.neighbours} == {"fly"}
    assert (folder / FILE).stat().st_size < 10_000


def test_neighbours_hold_each_example_once(model: NluModel) -> None:
    twice = Neighbours.of(model, [EXAMPLES[0], EXAMPLES[0], replace(EXAMPLES[0], intent="greet")])
    (reading,) = model.read_batch([EXAMPLES[0].text])
    assert [near.intent for near in twice.nearest(reading.vector, 9)] == ["fly", "greet"]
    assert Neighbours.of(model, []).nearest(reading.vector) == ()


@pytest.mark.parametrize("content", [None, b"", b"no tensors"])
def test_a_torn_file_of_examples_is_named(model: NluModel, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(NluFolderError, match=r"neighbours.safetensors.*train the assistant again"):
        Explainer(model, tmp_path).explain("hello")


@pytest.mark.parametrize(
    ("text", "tokens", "found"),
    [
        # pieces of a word, and what touches it, are one word
        ("KF-12 unknown", [(0, 1), (1, 2), (2, 3), (3, 5), (6, 8), (8, 13)], ["KF-12", "unknown"]),
        ("don't go", [(0, 3), (3, 4), (4, 5), (6, 8)], ["don't", "go"]),
        # Chinese keeps its tokens, single characters or words (but 退款 is a pair here)
        ("我要去退款", [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)], ["我", "要", "去", "退款"]),
        ("我要去北京", [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)], ["我", "要", "去", "北", "京"]),
        ("我要去北京", [(0, 2), (2, 3), (3, 5)], ["我要", "去", "北京"]),
        ("飞往Berlin的票", [(0, 2), (2, 5), (5, 8), (8, 9), (9, 10)], ["飞往", "Berlin", "的", "票"]),
        ("go😀😀", [(0, 2), (2, 3), (3, 4)], ["go", "😀", "😀"]),
        # two tokens of one character, as byte-level encoders make them of an emoji
        ("a 😀", [(0, 1), (2, 3), (2, 3)], ["a", "😀"]),
        ("", [], []),
    ],
)
def test_words(text: str, tokens: list[tuple[int, int]], found: list[str]) -> None:
    assert [text[start:end] for start, end in words(text, tokens, {"退款"})] == found


def test_chinese_is_weighed_by_the_words_of_the_examples(explainer: Explainer) -> None:
    found = explainer.explain("我要去北京")
    assert found.best.name == "fly"
    # 我要去 always stands together in the examples; 去北 does so only once
    assert [word.text for word in found.words] == ["我要去", "北京"]
    assert [(word.start, word.end) for word in found.words] == [(0, 3), (3, 5)]


@pytest.mark.parametrize(
    ("texts", "pairs"),
    [
        (["我要退款", "退款多久", "怎么退款"], {"退款"}),
        (["退款"], set()),  # once may be chance
        (["好的", "是的", "我的", "的确", "我的"], {"我的"}),  # 的 stands anywhere
        (["😀😀", "😀😀", "。。", "。。", "ab ab"], set()),  # no letters, or letters with spaces between words
    ],
)
def test_word_pairs(texts: list[str], pairs: set[str]) -> None:
    assert word_pairs(texts) == pairs


def test_no_word_grows_without_end() -> None:
    text = "哈" * 10
    spans = [(at, at + 1) for at in range(10)]
    assert [end - start for start, end in words(text, spans, {"哈哈"})] == [4, 4, 2]


def test_a_long_message_is_weighed_in_few_pieces(explainer: Explainer) -> None:
    found = explainer.explain("my order " * 5000)
    assert 1 < len(found.words) <= MOST_WORDS
    assert "".join(word.text for word in found.words).startswith("my order")


def test_a_word_weighs_the_same_whatever_was_not_read(explainer: Explainer) -> None:
    """Without a word of the beginning nothing of the rest moves up to where it would be read."""
    found = explainer.explain("where is my order " * 100 + "hello " * 1000)
    read = found.words[-1].end
    assert read < 100 * len("where is my order ")
    alone = explainer.explain(found.parse.text[:read])
    assert found.words == alone.words


def test_threads_may_explain_at_once(explainer: Explainer) -> None:
    texts = ["hello", "where is my order", "我要去北京", "book a flight to new york"] * 4
    alone = [explanation_json(explainer.explain(text)) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = [explanation_json(found) for found in pool.map(explainer.explain, texts)]
    assert together == alone


def test_lines_for_a_person(explainer: Explainer) -> None:
    plain = shown(explainer.explain("book a flight to paris"))
    assert "\033" not in plain
    for part in ("is the answer", "runner-up", "no intent", "temperature", 'city "paris": JointTagger', "nearest"):
        assert part in plain


def word(start: int, end: int, weight: float, text: str) -> Word:
    return Word(text=text[start:end], start=start, end=end, weight=weight)


@pytest.mark.parametrize(
    ("text", "weights", "shown"),
    [
        # green for, red against, the stronger the brighter; what weighs little stays plain
        (
            "my order now",
            [(0, 2, 0.1), (3, 8, 4.0), (9, 12, -2.0)],
            "my \033[48;5;40;97morder\033[0m \033[48;5;124;97mnow\033[0m",
        ),
        ("退款吧", [(0, 2, 1.0), (2, 3, 0.0)], "\033[48;5;40;97m退款\033[0m吧"),
        ("a b", [(0, 1, 0.0), (2, 3, 0.0)], "a b"),
        ("a b …", [], "a b …"),
    ],
)
def test_colours(text: str, weights: list[tuple[int, int, float]], shown: str) -> None:
    assert painted(text, tuple(word(*weight, text) for weight in weights)) == shown


def test_json_holds_every_field(explainer: Explainer) -> None:
    found = explanation_json(explainer.explain("hello"))
    own = {name for name in Explanation.__dataclass_fields__ if name != "parse"}
    assert set(found) == own | {"reason"}


SYSTEM = "kefu: {system_entities: [number]}\n"


async def test_explaining_gives_the_parse_system_entities_included(model: NluModel, explainer: Explainer) -> None:
    finder = SystemEntityFinder()
    with ThreadPoolExecutor(1) as executor:
        system = system_entities(Config(kefu={"system_entities": ["number"]}), {}, finder, executor)
        for asked, names in ((None, ["city"]), (system, ["number", "city"])):
            models = ReleaseModels("r", model, explainer, None, None, reading=executor, writing=executor, system=asked)
            parse, _ = await models.explain("5 flights to paris")
            assert [entity.entity for entity in parse.entities] == names
            assert parse == await models.parse("5 flights to paris")
        finder.close()


@pytest.mark.parametrize(("config", "names"), [("language: en\n", ["city"]), (SYSTEM, ["number", "city"])])
def test_the_command_finds_system_entities_where_the_assistant_asks_for_them(
    config: str, names: list[str], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = ReleaseDraft(AssistantPaths(tmp_path).models)
    shutil.copytree(folder, draft.add("nlu", "n"))
    draft.add("project", "p").mkdir()
    files = {"config.yml": config, "domain.yml": "intents: [fly, greet, order]\nentities: [city]\n"}
    (draft.folder / "project" / "project.json").write_text(json.dumps(files), "utf-8")
    promote(AssistantPaths(tmp_path).models, draft.finish({}).id)
    assert main(["explain", "5 flights to paris", str(tmp_path), "--json"]) == 0
    explained = json.loads(capsys.readouterr().out)
    assert [entity["entity"] for entity in explained["entities"]] == names
    assert explained["explanation"]["verdict"] == "accepted"
    assert main(["explain", "5 flights to paris", str(tmp_path)]) == 0
    assert ('number "5" = 5: DucklingEntityExtractor 1.00' in capsys.readouterr().out) is ("number" in names)

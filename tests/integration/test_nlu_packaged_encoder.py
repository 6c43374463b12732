"""The packaged encoder, trained on an assistant of sixty messages in two languages."""

from pathlib import Path

import pytest

from nlu.data import EntitySpan, Example, Parse
from nlu.model import NluModel
from training.evaluate_nlu import evaluate
from training.nlu import NluReport, train_nlu

pytestmark = pytest.mark.usefixtures("one_thread")

GREET = ["hello", "hi there", "good morning", "hey", "good evening", "你好", "早上好", "您好", "嗨", "晚上好"]
GOODBYE = [
    "bye",
    "goodbye",
    "see you later",
    "talk to you tomorrow",
    "bye bye",
    "再见",
    "拜拜",
    "明天见",
    "回头见",
    "下次再聊",
]
REFUND = [
    "I want my money back",
    "please refund my purchase",
    "how do I get a refund",
    "can you give me my money back",
    "I would like a refund",
    "我要退款",
    "请给我退款",
    "怎么申请退款",
    "可以退钱吗",
    "我想退款",
]
PERSON = [
    "I want to talk to a person",
    "connect me to a human",
    "let me speak with an agent",
    "is there a real person",
    "give me a human please",
    "转人工",
    "我要人工客服",
    "请转人工服务",
    "找真人客服",
    "人工客服在吗",
]
CITIES = ["Berlin", "Paris", "San Francisco", "Rome", "Madrid", "北京", "上海", "广州", "深圳", "成都"]
ENGLISH = ["ship it to {} please", "do you deliver to {}", "send my parcel to {}"]
CHINESE = ["可以送到{}吗", "请寄到{}", "你们送{}吗"]
OUTSIDE = [
    "what is the capital of Peru",
    "how tall is Mount Everest",
    "who won the football game",
    "tell me about black holes",
    "what is seven times eight",
    "play some music",
    "turn on the lights",
    "will it rain today",
    "who wrote Hamlet",
    "how do I cook rice",
    "set an alarm for six",
    "今天天气怎么样",
    "珠穆朗玛峰有多高",
    "放一首歌",
    "怎么做红烧肉",
]


def delivery(template: str, city: str) -> Example:
    start = template.index("{}")
    span = EntitySpan(start=start, end=start + len(city), entity="city")
    return Example(text=template.format(city), intent="delivery", entities=(span,))


def examples() -> list[Example]:
    plain = {"greet": GREET, "goodbye": GOODBYE, "refund": REFUND, "human": PERSON}
    deliveries = [
        delivery(template, city)
        for i, city in enumerate(CITIES)
        for template in (CHINESE if city > "z" else ENGLISH)[i % 3 :][:2]
    ]
    return [Example(text=text, intent=intent) for intent, texts in plain.items() for text in texts] + deliveries


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model") / "nlu"


@pytest.fixture(scope="module")
def report(folder: Path) -> NluReport:
    return train_nlu(examples(), out=folder, outside=OUTSIDE, regexes={"order": [r"\bKF-\d{4}\b"]}, entities=["order"])


@pytest.fixture(scope="module")
def model(folder: Path, report: NluReport) -> NluModel:
    assert report.examples >= 55
    return NluModel.load(folder)


def parse(model: NluModel, text: str) -> Parse:
    return model.parse_batch([text])[0]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("hello there", "greet"),
        ("ok, goodbye then", "goodbye"),
        ("give my money back now", "refund"),
        ("could I speak to a human agent", "human"),
        ("do you ship to Vienna?", "delivery"),
        ("我想要退款", "refund"),
        ("帮我转人工客服", "human"),
        ("你好呀", "greet"),
    ],
)
def test_unseen_messages_find_their_intent(model: NluModel, text: str, intent: str) -> None:
    assert parse(model, text).intent.name == intent


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("do you deliver to San Francisco?", ["San Francisco"]),
        ("please send my parcel to Madrid", ["Madrid"]),
        ("请寄到上海", ["上海"]),
        ("可以送到广州吗", ["广州"]),
        ("where is KF-1234", ["KF-1234"]),
        ("good morning", []),
    ],
)
def test_spans_are_exact(model: NluModel, text: str, spans: list[str]) -> None:
    entities = parse(model, text).entities
    assert [entity.value for entity in entities] == spans
    assert [text[entity.start : entity.end] for entity in entities] == spans
    assert all(0 < entity.confidence <= 1 for entity in entities)


@pytest.mark.parametrize(
    "text", ["how high is the Eiffel tower", "who wrote War and Peace", "qwertz uiop asdf", "🦄🦄🦄", ""]
)
def test_what_belongs_to_no_intent_is_rejected(model: NluModel, text: str) -> None:
    answer = parse(model, text)
    assert answer.intent.name == "nlu_fallback"
    assert answer.ranking[0] == answer.intent


def test_the_folder_gives_the_same_model_again(folder: Path, model: NluModel) -> None:
    texts = [example.text for example in examples()]
    assert NluModel.load(folder).parse_batch(texts) == model.parse_batch(texts)


def test_measures(model: NluModel, report: NluReport) -> None:
    measures = evaluate(model, [*examples(), *(Example(text=text, intent="out_of_scope") for text in OUTSIDE)])
    assert measures["intent_accuracy"] is not None
    assert measures["intent_accuracy"] >= 0.98
    assert measures["accuracy"] is not None
    assert measures["accuracy"] >= 0.95
    assert measures["entity_f1"] is not None
    assert measures["entity_f1"] >= 0.98
    assert report.foreign_source == "outside texts"
    assert report.held_out["intent_accuracy"] is not None

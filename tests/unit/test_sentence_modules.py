"""Folders that sentence-transformers saved: our vectors against those of the library itself."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling
from tiny_encoder import WIDTH, write_tiny_bert
from torch import nn

from retrieval.encoder import PooledBert, TextEncoder
from retrieval.errors import BaseModelError
from retrieval.sentence_modules import LibraryModel
from training.base_state import base_state

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore::FutureWarning")]

TEXTS = [
    "i want to fly from berlin",
    "where is my order number 3?",
    "hello",
    "good bye, see you!",
    "book the flight to new york",
    "what is the weather",
    "我要去北京",
    "my order is 1 2 3",
    "hi - unknowns",
    "a flight from paris to berlin, a flight from new york to paris, and what is the weather where you fly to? hello!",
]

Made = Callable[..., Path]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Writes a folder with the library: a tiny BERT and the modules behind it."""

    def make(*others: nn.Module, prompts: dict[str, str] | None = None) -> Path:
        torch.manual_seed(5)
        body = Transformer(str(write_tiny_bert(tmp_path / "bert")), max_seq_length=24)
        SentenceTransformer(modules=[body, *others], prompts=prompts, device="cpu").save(str(tmp_path / "saved"))
        return tmp_path / "saved"

    return make


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """The least cosine of the vectors of a text."""
    cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    return float(cosines.min())


def agrees(folder: Path, runs: type[nn.Module], passage: str = "document") -> TextEncoder:
    """Whether queries and passages are encoded as the library encodes them; returns our encoder.

    ``passage`` is the name of the prompt of passages.
    """
    library, ours = SentenceTransformer(str(folder), device="cpu"), TextEncoder.load(folder)
    assert type(ours.model) is runs
    assert likeness(ours.encode_queries(TEXTS), library.encode_query(TEXTS)) > 0.999
    assert likeness(ours.encode_passages(TEXTS), library.encode(TEXTS, prompt_name=passage)) > 0.999
    return ours


@pytest.mark.parametrize(
    ("others", "runs"),
    [
        ([Pooling(WIDTH, "mean")], PooledBert),
        ([Pooling(WIDTH, "cls")], PooledBert),
        ([Pooling(WIDTH, "cls"), Normalize()], PooledBert),
        ([Pooling(WIDTH, "max")], LibraryModel),
        ([Pooling(WIDTH, "lasttoken")], LibraryModel),
        ([Pooling(WIDTH, "weightedmean"), Normalize()], LibraryModel),
        ([Pooling(WIDTH, ("cls", "mean"))], LibraryModel),  # one behind the other
        ([Pooling(WIDTH, "mean"), Dense(WIDTH, 8), Normalize()], LibraryModel),
        ([Pooling(WIDTH, "cls"), Dense(WIDTH, 24, activation_function=nn.Identity())], LibraryModel),
        ([Pooling(WIDTH, "mean"), LayerNorm(WIDTH)], LibraryModel),
    ],
    ids=lambda value: (
        "-".join(type(module).__name__ for module in value) if isinstance(value, list) else value.__name__
    ),
)
def test_vectors_are_those_of_the_library(others: list[nn.Module], runs: type[nn.Module], made: Made) -> None:
    ours = agrees(made(*others), runs)
    vectors, tokens = ours.read_queries(TEXTS)
    assert vectors.shape == (len(TEXTS), ours.dimensions)
    assert "".join(tokens[0].pieces) == "iwanttoflyfromberlin"
    assert tokens[0].states.shape == (6, WIDTH)


@pytest.mark.parametrize("others", [[], [Dense(WIDTH, 8)]], ids=["plain", "library"])
@pytest.mark.parametrize(
    "prompts",
    [
        {"query": "where is ", "document": "my order "},
        {"query": "what ", "passage": "the weather "},
        None,
    ],
)
def test_prompts_are_those_of_the_library(others: list[nn.Module], prompts: dict[str, str] | None, made: Made) -> None:
    folder = made(Pooling(WIDTH, "mean"), *others, prompts=prompts)
    passage = "passage" if "passage" in (prompts or {}) else "document"
    ours = agrees(folder, LibraryModel if others else PooledBert, passage)
    same = np.allclose(ours.encode_queries(TEXTS), ours.encode_passages(TEXTS), atol=1e-3)
    assert same == (prompts is None)


@pytest.mark.parametrize("pooling", ["cls_token", "mean_tokens", "max_tokens"])
def test_a_folder_of_an_older_version(pooling: str, made: Made) -> None:
    folder = made(Pooling(WIDTH, "mean"))
    names = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")
    modes = {f"pooling_mode_{name}": name == pooling for name in names}
    (folder / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": WIDTH, **modes}))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 12, "do_lower_case": true}')
    agrees(folder, LibraryModel if pooling == "max_tokens" else PooledBert)


def test_a_transformer_in_a_folder_of_its_own(made: Made) -> None:
    folder = made(Pooling(WIDTH, "cls"))
    below = folder / "0_Transformer"
    below.mkdir()
    for file in list(folder.iterdir()):
        if file.is_file() and file.name not in ("modules.json", "config_sentence_transformers.json", "README.md"):
            file.rename(below / file.name)
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (folder / "modules.json").write_text(json.dumps(modules))
    library = SentenceTransformer(str(folder), device="cpu")
    ours = TextEncoder.load(below)  # what `nlu.base` finds: the folder with config.json
    assert likeness(ours.encode_queries(TEXTS), library.encode_query(TEXTS)) > 0.999


LAYERS = {"vocab_size": 47, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 64}


@pytest.mark.parametrize(
    ("kind", "sizes", "pooling"),
    [
        ("distilbert", {"dim": WIDTH, "hidden_dim": 32, "n_heads": 4, "n_layers": 2}, "mean"),
        ("mpnet", {"hidden_size": WIDTH, "intermediate_size": 32}, "mean"),
        (
            "qwen3",
            {"hidden_size": WIDTH, "intermediate_size": 32, "num_key_value_heads": 2, "head_dim": 4},
            "lasttoken",
        ),
    ],
)
def test_another_architecture(kind: str, sizes: dict[str, int], pooling: str, made: Made) -> None:
    from transformers import AutoConfig, AutoModel

    folder = made(Pooling(WIDTH, pooling), prompts={"query": "where is ", "document": ""})
    for file in ("config.json", "model.safetensors"):
        (folder / file).unlink()
    torch.manual_seed(3)
    AutoModel.from_config(AutoConfig.for_model(kind, **LAYERS, **sizes)).save_pretrained(folder)
    agrees(folder, LibraryModel)


def test_every_weight_counts(made: Made, tmp_path: Path) -> None:
    folder = made(Pooling(WIDTH, "mean"), Dense(WIDTH, 8))
    weights = folder / "2_Dense/model.safetensors"

    def state() -> tuple[str, str | None]:
        return TextEncoder.load(folder).fingerprint, base_state(str(folder), Path, tmp_path)

    before = state()
    os.utime(weights)
    assert state() == before
    content = bytearray(weights.read_bytes())
    content[-4:] = bytes(reversed(content[-4:]))
    weights.write_bytes(content)
    now = state()
    assert now[0] != before[0]
    assert now[1] != before[1]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "2_Dense/model.safetensors").rename(folder / "2_Dense/pytorch_model.bin"), "pickled"),
        (lambda folder: (folder / "2_Dense/config.json").unlink(), "cannot run"),
        (lambda folder: (folder / "modules.json").write_text("{"), "modules.json"),
        (lambda folder: (folder / "modules.json").write_text("[1]"), "modules.json"),
        (lambda folder: (folder / "modules.json").write_text('[{"idx": 0}]'), "modules.json"),
    ],
)
def test_what_cannot_be_used_is_said(spoil: Callable[[Path], object], says: str, made: Made) -> None:
    folder = made(Pooling(WIDTH, "mean"), Dense(WIDTH, 8))
    spoil(folder)
    with pytest.raises(BaseModelError, match=says):
        TextEncoder.load(folder)


def test_a_pooling_without_the_prompt_is_refused(made: Made) -> None:
    folder = made(Pooling(WIDTH, "mean", include_prompt=False))
    with pytest.raises(BaseModelError, match="include_prompt"):
        TextEncoder.load(folder)

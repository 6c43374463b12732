from pathlib import Path

import pytest
import torch
from tiny_encoder import write_tiny_bert
from tokenizers import Tokenizer
from transformers import BertModel

from nlu.encoder import Encoder, mean_vectors, read_base
from nlu.errors import BaseUnsupported
from nlu.int8 import supported, with_int8_layers
from nlu.tokens import TextEncoder, pack
from training.nlu_vocabulary import grown_tokenizer

TEXTS = ["i want to fly", "hello", "where is my order number 1 2 3 ?", ""]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_bert(tmp_path / "tiny")


def load(folder: Path) -> Encoder:
    shape, weights = read_base(folder)
    encoder = Encoder(shape, dropout=0.0)
    encoder.load_state_dict(weights)
    return encoder.eval()


@torch.inference_mode()
def test_packed_vectors_are_those_of_transformers_one_by_one(folder: Path) -> None:
    theirs = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
    batch = TextEncoder.load(folder / "tokenizer.json", max_tokens=32).encode(TEXTS)
    packed = pack(batch)
    means = mean_vectors(load(folder)(packed), packed)
    for tokens, mean in zip(batch, means, strict=True):
        expected = theirs(input_ids=torch.tensor([tokens.ids])).last_hidden_state[0].mean(0)
        torch.testing.assert_close(mean, expected, atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_a_single_text_needs_no_mask_and_gives_the_same(folder: Path) -> None:
    encoder, texts = load(folder), TextEncoder.load(folder / "tokenizer.json", max_tokens=32)
    together, alone = pack(texts.encode(TEXTS)), pack(texts.encode(TEXTS[2:3]))
    torch.testing.assert_close(
        mean_vectors(encoder(together), together)[2:3], mean_vectors(encoder(alone), alone), atol=1e-5, rtol=1e-4
    )


@pytest.mark.skipif(not supported(), reason="no 8-bit kernels on this machine")
@torch.inference_mode()
def test_eight_bits_stay_close(folder: Path) -> None:
    packed = pack(TextEncoder.load(folder / "tokenizer.json", max_tokens=32).encode(TEXTS))
    exact = load(folder)(packed)
    rounded = with_int8_layers(load(folder))(packed)
    assert torch.nn.functional.cosine_similarity(exact, rounded, dim=-1).min() > 0.99


def test_another_architecture_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BaseUnsupported, match="'t5'"):
        read_base(write_tiny_bert(tmp_path / "t5", model_type="t5"))


def test_offsets_are_characters_also_in_chinese(folder: Path) -> None:
    texts = TextEncoder.load(folder / "tokenizer.json", max_tokens=32)
    (tokens,) = texts.encode(["我要去  北京 unknown"])
    assert tokens.spans[1:-1] == ((0, 1), (1, 2), (2, 3), (5, 6), (6, 7), (8, 10), (10, 15))
    assert tokens.glued[1:-1] == (False, False, False, False, False, False, True)


@pytest.mark.parametrize("text", ["", "   ", "😀😀", "\x00"])
def test_texts_without_a_known_word(folder: Path, text: str) -> None:
    assert not TextEncoder.load(folder / "tokenizer.json", max_tokens=32).encode([text])[0].known


def test_long_texts_are_cut(folder: Path) -> None:
    (tokens,) = TextEncoder.load(folder / "tokenizer.json", max_tokens=32).encode(["hello " * 2000])
    assert len(tokens.ids) == 32


def test_unknown_characters_get_rows(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    grown, rows = grown_tokenizer(tokenizer, ["1 退货 👍👍", "我"])
    assert rows == 4  # 退, 货, and 👍 as a word and inside one
    assert grown.get_vocab_size() == tokenizer.get_vocab_size() + rows
    assert "[UNK]" not in grown.encode("退货👍👍").tokens


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("are you open?", "are you open"),
        ("open ?!", "open"),
        ("开门吗？", "开门吗"),
        ("open? yes", "open? yes"),
        ("?!", "?!"),
    ],
)
def test_marks_at_the_end_say_nothing(folder: Path, text: str, same_as: str) -> None:
    encoder = TextEncoder.load(folder / "tokenizer.json", max_tokens=32)
    marked, plain = encoder.encode([text, same_as])
    assert marked == plain

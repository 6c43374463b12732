from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_encoder import write_tiny_bert
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertModel

from nlu.encoder import Encoder, mean_vectors, read_base, sums_by_text
from nlu.errors import BaseUnsupported
from nlu.int8 import Int8Linear, supported, with_int8_layers
from nlu.model import like_lengths
from nlu.tokens import TextEncoder, Tokens, pack
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


def test_attention_gives_the_same_while_learning_and_while_serving(folder: Path) -> None:
    encoder = load(folder)
    packed = pack(TextEncoder.load(folder / "tokenizer.json", max_tokens=32).encode(TEXTS))
    learning = encoder(packed)
    with torch.inference_mode():
        torch.testing.assert_close(encoder(packed), learning.detach(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ([], []),
        ([5, 40, 6], [[0, 2, 1]]),  # few tokens: one group, alike or not
        ([20] * 5 + [60], [[0, 1, 2, 3, 4], [5]]),  # enough tokens without the long one
        ([20] * 5 + [30], [[0, 1, 2, 3, 4, 5]]),  # half longer is still alike
        ([300, 300], [[0], [1]]),  # more than 512 together
        ([900, 3], [[1], [0]]),  # one alone may have more
    ],
)
def test_texts_of_like_lengths_go_together(sizes: list[int], groups: list[list[int]]) -> None:
    batch = [Tokens(ids=(1,) * size, spans=((0, 0),) * size, glued=(False,) * size, known=True) for size in sizes]
    assert like_lengths(batch) == groups


@pytest.mark.skipif(not supported(), reason="no 8-bit kernels on this machine")
@torch.inference_mode()
def test_eight_bits_stay_close(folder: Path) -> None:
    packed = pack(TextEncoder.load(folder / "tokenizer.json", max_tokens=32).encode(TEXTS))
    exact = load(folder)(packed)
    rounded = with_int8_layers(load(folder))(packed)
    assert torch.nn.functional.cosine_similarity(exact, rounded, dim=-1).min() > 0.99


@pytest.mark.skipif(not supported(), reason="no 8-bit kernels on this machine")
@torch.inference_mode()
def test_a_token_is_rounded_the_same_in_any_company() -> None:
    torch.manual_seed(0)
    layer = Int8Linear(torch.nn.Linear(64, 8))
    rows = torch.cat([torch.rand(3, 64), torch.randn(5, 64)])  # the first are of one sign, alone they span half
    torch.testing.assert_close(layer(rows)[:3], layer(rows[:3]), atol=1e-6, rtol=1e-6)


def test_another_architecture_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BaseUnsupported, match="'t5'"):
        read_base(write_tiny_bert(tmp_path / "t5", model_type="t5"))


def test_a_folder_without_weights_is_refused_by_name(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BaseUnsupported, match=r"tiny: holds no \*\.safetensors"):
        read_base(folder)


@pytest.mark.parametrize("missing", ["embeddings.word_embeddings.weight", "encoder.layer.1.output.dense.bias"])
def test_weights_of_another_layout_are_refused_by_name(folder: Path, missing: str) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({f"bert.{name}": tensor for name, tensor in weights.items()}, folder / "model.safetensors")
    assert read_base(folder)[0].layers == 2
    save_file({name: tensor for name, tensor in weights.items() if name != missing}, folder / "model.safetensors")
    with pytest.raises(BaseUnsupported, match=f"tiny: has no '{missing}'"):
        read_base(folder)


def test_a_config_without_a_size_is_refused_by_name(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bert", "num_hidden_layers": 2}')
    with pytest.raises(BaseUnsupported, match="tiny: has no 'hidden_size'"):
        read_base(folder)


def test_half_a_character_is_read_as_a_sign_without_meaning(folder: Path) -> None:
    """A terminal gives one for a byte that is no UTF-8, and JSON may hold one."""
    texts = TextEncoder.load(folder / "tokenizer.json", max_tokens=32)
    torn, plain = texts.encode(["fly \udcff to \ud800berlin\udfff", "fly \ufffd to \ufffdberlin\ufffd"])
    assert torn == plain
    assert [span for span in torn.spans if span[1] > span[0]] == [(0, 3), (6, 8), (10, 16)]
    assert torn.known
    assert not texts.encode(["\udcff"])[0].known


def test_offsets_are_characters_also_in_chinese(folder: Path) -> None:
    texts = TextEncoder.load(folder / "tokenizer.json", max_tokens=32)
    (tokens,) = texts.encode(["我要去  北京 unknown"])
    assert tokens.spans[1:-1] == ((0, 1), (1, 2), (2, 3), (5, 6), (6, 7), (8, 10), (10, 15))
    assert tokens.glued[1:-1] == (False, False, False, False, False, False, True)


def unigram() -> Tokenizer:
    """A SentencePiece tokenizer as XLM-RoBERTa has it, with pieces of several characters."""
    pieces = [
        "<unk>",
        "▁",
        "▁un",
        "know",
        "able",
        "▁to",
        "上海市",
        "在上海",
        "都市",
        "KF",
        "-",
        "1234",
        "上",
        "海",
        "市",
        "在",
        "成",
        "都",
    ]
    made = Tokenizer(models.Unigram([(piece, -float(len(pieces) - at)) for at, piece in enumerate(pieces)], unk_id=0))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    return made


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("在上海市", ["在", "上", "海", "市"]),
        ("KF-1234在成都市", ["KF", "-", "1234", "在", "成", "都", "市"]),
        ("to unknowable", ["to", "un", "+know", "+able"]),
        ("在unknowable", ["在", "un", "+know", "+able"]),
        ("to  在 上海", ["to", "在", "上", "海"]),
    ],
)
def test_pieces_continue_words_but_never_cover_two_chinese_characters(text: str, parts: list[str]) -> None:
    """+ marks a token that is glued to the one before it."""
    (tokens,) = TextEncoder(unigram(), max_tokens=32).encode([text])
    found = [
        ("+" if glued else "") + text[slice(*span)] for span, glued in zip(tokens.spans, tokens.glued, strict=True)
    ]
    assert [part for part in found if part] == parts


def test_a_text_is_spelled_after_it_was_read_as_the_base_reads_it() -> None:
    tokenizer = unigram()
    (tokens,) = TextEncoder(tokenizer, max_tokens=32).encode(["在上海市"])
    as_ever = tuple(tokenizer.encode("在上海市").ids)
    assert tokens.ids[: tokens.size] == as_ever
    assert tokens.ids[tokens.size :] == tuple(tokenizer.token_to_id(piece) for piece in ("▁", "在", "上", "海", "市"))
    (plain,) = TextEncoder(tokenizer, max_tokens=32, spells=False).encode(["在上海市"])
    assert (plain.ids, plain.spelled) == (as_ever, 0)
    (english,) = TextEncoder(tokenizer, max_tokens=32).encode(["to unknowable"])
    assert english.spelled == 0


def test_a_long_spelling_is_cut_too() -> None:
    (tokens,) = TextEncoder(unigram(), max_tokens=8).encode(["在上海市" * 9])
    assert (tokens.size, tokens.spelled) == (8, 8)


@torch.inference_mode()
def test_a_second_reading_changes_nothing_of_the_first(folder: Path) -> None:
    encoder = load(folder)
    texts = [
        Tokens(ids=(2, 9, 8, 3), spans=((0, 0),) * 4, glued=(False,) * 4, known=True),
        Tokens(ids=(2, 7, 3), spans=((0, 0),) * 3, glued=(False,) * 3, known=True),
    ]
    spelled = Tokens(ids=(2, 7, 3, 2, 11, 12, 13, 3), spans=((0, 0),) * 8, glued=(False,) * 8, known=True, spelled=5)
    alone = pack([Tokens(ids=spelled.ids[3:], spans=((0, 0),) * 5, glued=(False,) * 5, known=True)])
    for batch, multiple in (([texts[0], spelled, texts[0]], 1), ([spelled], 1), ([texts[0], spelled, texts[0]], 32)):
        packed, plain = (
            pack(batch, multiple=multiple),
            pack([texts[0] if one is texts[0] else texts[1] for one in batch]),
        )
        rows = encoder(packed)
        expected = mean_vectors(encoder(plain), plain)
        torch.testing.assert_close(mean_vectors(rows, packed), expected, atol=1e-5, rtol=1e-4)
        at = 7 if len(batch) > 1 else 3
        torch.testing.assert_close(rows[at : at + 5], encoder(alone), atol=1e-5, rtol=1e-4)
        ones = torch.ones(len(packed.ids), 1)
        assert sums_by_text(ones, packed)[:, 0].tolist() == [len(one.ids) for one in batch]


@pytest.mark.parametrize("text", ["", "   ", "😀😀", "\x00", "?", "? !"])
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

"""Fused search, saved and loaded, with an encoder that counts letters."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from retrieval import index_kinds
from retrieval.encoder import Progress, Tokens, Vectors
from retrieval.errors import IndexFileError, KnowledgeEmpty
from retrieval.index import KnowledgeIndex, build_index
from retrieval.passages import Passage
from retrieval.words import words


class LetterEncoder:
    """Vectors of letter pairs: alike texts are near each other. Counts what it was asked to embed."""

    dimensions = 64

    def __init__(self, fingerprint: str = "letters") -> None:
        self.fingerprint = fingerprint
        self.embedded = 0

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        vectors = np.full((len(texts), self.dimensions), 1e-3, np.float32)
        for row, text in enumerate(texts):
            for left, right in pairwise(text):
                vectors[row, (ord(left) * 31 + ord(right)) % self.dimensions] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        self.embedded += len(texts)
        return self.encode_queries(texts)

    def read_queries(self, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        return self.encode_queries(texts), [self._tokens(text) for text in texts]

    def read_passages(self, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        return self.encode_passages(texts), [self._tokens(text) for text in texts]

    def _tokens(self, text: str) -> Tokens:
        pieces = words(text)
        ids = np.array([sum(map(ord, piece)) for piece in pieces], np.int64)
        return Tokens(ids, self.encode_queries([f" {piece} " for piece in pieces]), tuple(pieces))


def passage(title: str, text: str, language: str = "en", **more: str) -> Passage:
    return Passage(id=title, document=f"{title}.md", title=title, text=text, language=language, metadata=more)


UNRELATED = ["what a nice weather today", "sing me a song", "今天天气很好"]
PASSAGES = [
    passage("Returns", "Send the parcel back within thirty days. Print the label first.", audience="shoppers"),
    passage("Shipping", "Parcels travel for three days. Express takes one.", audience="shoppers"),
    passage("Invoices", "Download invoice PDF files from the billing page.", audience="companies"),
    passage("退款", "退款会在五个工作日内退回原支付账户。", language="zh"),
    passage("发票", "可以在账单页面下载电子发票。", language="zh"),
]


def build(
    passages: list[Passage] = PASSAGES, previous: Path | None = None
) -> tuple[KnowledgeIndex, LetterEncoder, int]:
    encoder = LetterEncoder()
    index, counts = build_index(passages, encoder, previous=previous, gpu=False, unrelated=UNRELATED)
    return index, encoder, counts.reused


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("download an invoice", "Invoices"),
        ("how many days does express travel", "Shipping"),
        ("多久能收到退款", "退款"),
        ("下载电子发票", "发票"),
    ],
)
def test_finds(query: str, title: str) -> None:
    hits = build()[0].search(query, 3)
    assert hits[0].passage.title == title
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].lexical > 0


def test_words_decide_where_meaning_does_not() -> None:
    twins = [passage(f"Page {number}", "The same words about parcels.") for number in range(4)]
    twins.append(passage("Page 9", "The same words about parcels. Error E4711."))
    index = build(twins)[0]
    assert index.search("e4711", 1)[0].passage.title == "Page 9"


def test_one_query_and_a_batch_agree() -> None:
    index = build()[0]
    queries = ["refund", "invoice", "发票"]
    singly = [[hit.passage.id for hit in index.search(query, 5)] for query in queries]
    assert [[hit.passage.id for hit in hits] for hits in index.search_batch(queries, 5)] == singly


def test_filters() -> None:
    index = build()[0]
    assert {hit.passage.language for hit in index.search("invoice 发票", 5, {"language": "zh"})} == {"zh"}
    assert [h.passage.title for h in index.search("parcel", 5, {"audience": "companies"})] == ["Invoices"]
    assert index.search("parcel", 5, {"audience": "nobody"}) == []


def test_nothing_to_index() -> None:
    with pytest.raises(KnowledgeEmpty):
        build([])


def test_saved_index_answers_the_same(tmp_path: Path) -> None:
    index, encoder, _ = build()
    index.save(tmp_path / "index")
    loaded = KnowledgeIndex.load(tmp_path / "index", encoder, gpu=False)
    assert loaded.passages == index.passages
    assert loaded.search("parcel label", 5) == index.search("parcel label", 5)


def test_many_passages_are_searched_through_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = [f"{first}{last}" for first in "bdfgklmnprst" for last in ("anu", "eri", "isto", "ulmo", "ovek", "ynda")]
    many = [
        passage(f"The {name} machine", f"Clean the {name} with a {other}.") for name in named for other in named[:5]
    ]
    exact = build(many)[0]
    monkeypatch.setattr(index_kinds, "EXACT_UP_TO", 50)
    lists, encoder, _ = build(many)
    assert not any(index.exact for index in lists.dense.values())
    lists.save(tmp_path / "index")
    loaded = KnowledgeIndex.load(tmp_path / "index", encoder, gpu=False)
    for query in ("how do I clean the gisto machine", "the sulmo with a beri"):
        best = [[hit.passage.id for hit in index.search(query, 3)] for index in (exact, lists, loaded)]
        assert best[0] == best[1] == best[2]
    assert {kind: index.recall for kind, index in loaded.dense.items()} == {
        kind: index.recall for kind, index in lists.dense.items()
    }
    again, encoder, reused = build(many, tmp_path / "index")
    assert (encoder.embedded, reused > 0) == (0, True)
    scores = [[hit.score for hit in index.search("sulmo", 5)] for index in (again, lists)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)  # vectors were rounded to half precision


def test_a_filter_may_leave_what_no_searched_list_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_kinds, "EXACT_UP_TO", 50)
    monkeypatch.setattr(index_kinds, "_SCANNED", 0)
    near = [passage(f"ab {number}", f"ababab ab{number % 7}ba", audience="shoppers") for number in range(200)]
    far = [passage(f"xy {number}", f"xyxyxy xy{number % 7}yx", audience="companies") for number in range(200)]
    index = build([*near, *far])[0]
    for dense in index.dense.values():
        dense._index.nprobe = 1
    assert index.search("abab", 5, {"audience": "companies"}) == []
    assert index.search("abab", 5, {"audience": "shoppers"})


def test_only_what_changed_is_embedded_again(tmp_path: Path) -> None:
    build()[0].save(tmp_path / "index")
    changed = [*PASSAGES[:4], passage("Gift cards", "A card never expires.")]
    index, encoder, reused = build(changed, tmp_path / "index")
    assert encoder.embedded == 3  # the new passage's whole, heading and sentence
    assert reused > 0
    assert {hit.passage.title for hit in index.search("发票", 9)} == {item.title for item in changed}
    fresh = build(changed)[0]
    assert [hit.score for hit in index.search("card", 5)] == [hit.score for hit in fresh.search("card", 5)]


def test_other_unrelated_texts_bring_tokens_onto_other_axes(tmp_path: Path) -> None:
    build()[0].save(tmp_path / "index")
    encoder = LetterEncoder()
    build_index(PASSAGES, encoder, previous=tmp_path / "index", gpu=False, unrelated=["quite another text"])
    assert encoder.embedded == len(PASSAGES)  # each is read again as a whole, its other views are kept


def test_without_tokens_the_whole_stands_in_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.index.LARGEST", len(PASSAGES) - 1)
    index, encoder, _ = build()
    index.save(tmp_path / "index")
    assert not (tmp_path / "index" / "tokens").exists()
    hits = KnowledgeIndex.load(tmp_path / "index", encoder, gpu=False).search("download an invoice", 3)
    assert hits[0].passage.title == "Invoices"
    assert [hit.late for hit in hits] == [hit.dense for hit in hits]


def test_unrelated_texts_score_zero_in_their_own_language() -> None:
    unrelated = [f"{text} {number}" for text in UNRELATED for number in range(9)]
    index, _ = build_index(PASSAGES, LetterEncoder(), gpu=False, unrelated=unrelated)
    for language in ("en", "zh"):
        own = [text for text in unrelated if (text[0] > "z") == (language == "zh")]
        hits = [hit for text in own for hit in index.search(text, 9) if hit.passage.language == language]
        assert hits
        assert not any(hit.foreign for hit in hits)
        assert np.mean([hit.dense for hit in hits]) == pytest.approx(0, abs=0.02)
        assert np.mean([hit.late for hit in hits]) == pytest.approx(0, abs=0.02)
    assert {hit.foreign for hit in index.search("invoice", 9) if hit.passage.language == "zh"} == {True}


def test_previous_index_of_another_encoder_or_torn_is_passed_over(tmp_path: Path) -> None:
    build()[0].save(tmp_path / "index")
    index, counts = build_index(PASSAGES, LetterEncoder("other"), previous=tmp_path / "index", gpu=False)
    assert counts.reused == 0
    (tmp_path / "index" / "whole.faiss").write_bytes(b"torn")
    assert build(PASSAGES, tmp_path / "index")[2] == 0
    assert index.search("invoice", 1)


def _truncate(folder: Path) -> None:
    file = folder / "sentence.faiss"
    file.write_bytes(file.read_bytes()[:-4])


def _cut_tokens(folder: Path) -> None:
    file = folder / "tokens" / "vectors.npy"
    file.write_bytes(file.read_bytes()[:-1])


def _flip(folder: Path) -> None:
    file = folder / "passages.json"
    file.write_text(file.read_text("utf-8").replace("Returns", "Retunrs"), "utf-8")


def _add(folder: Path) -> None:
    (folder / "evil.pkl").write_bytes(b"x")


def _remove(folder: Path) -> None:
    (folder / "lexical" / "vocab.index.json").unlink()


def _no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _other_format(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": "other-9"}), "utf-8")


@pytest.mark.parametrize("damage", [_truncate, _cut_tokens, _flip, _add, _remove, _no_manifest, _other_format])
def test_damaged_index_is_refused(tmp_path: Path, damage: object) -> None:
    index, encoder, _ = build()
    index.save(tmp_path / "index")
    assert callable(damage)
    damage(tmp_path / "index")
    with pytest.raises(IndexFileError):
        KnowledgeIndex.load(tmp_path / "index", encoder, gpu=False)


def test_index_of_another_encoder_is_refused(tmp_path: Path) -> None:
    build()[0].save(tmp_path / "index")
    with pytest.raises(IndexFileError, match="another encoder"):
        KnowledgeIndex.load(tmp_path / "index", LetterEncoder("other"), gpu=False)


def test_words_of_both_languages() -> None:
    assert words("How do I return my Parcels?") == ["return", "parcel"]
    assert words("我的包裹在哪里？订单A12") == ["包裹", "订单", "a12", "a", "12"]
    assert words("the of 的 了") == []


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("7天无理由退货", ["7", *words("天无理由退货")]),  # Chinese after a digit is cut into words all the same
        ("APP怎么下载", ["app", "下载"]),
        ("用iPhone15支付", ["iphone15", "iphone", "15", "支付"]),
        ("O'Sullivan's parcel", ["osullivan", "parcel"]),
        ("what’s new", ["new"]),  # without its ending it is a stop word
        ("доставка в Москву", ["доставка", "в", "москву"]),
    ],
)
def test_where_a_word_ends(text: str, counted: list[str]) -> None:
    assert words(text) == counted

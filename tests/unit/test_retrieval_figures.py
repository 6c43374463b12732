"""Labelled queries into figures."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from retrieval.index import Hit
from retrieval.knowledge import Knowledge, SearchOutcome
from retrieval.passages import Passage
from training.evaluate_retrieval import QueriesFault, as_table, evaluate


def passage(document: str, heading: str = "") -> Passage:
    also_in = ("copy.md",) if heading == "Copied" else ()
    return Passage(
        id=document, document=document, title="T", text="x", language="en", raw_heading=heading, also_in=also_in
    )


class Scripted(Knowledge):
    """Answers each query with the hits and the probability that a test wrote down."""

    def __init__(self, outcomes: Mapping[str, tuple[float, Sequence[Passage]]]) -> None:
        self.outcomes = outcomes

    def search_batch(
        self, queries: Sequence[str], k: int = 5, filters: Mapping[str, str] | None = None
    ) -> list[SearchOutcome]:
        found = [self.outcomes[query] for query in queries]
        return [
            SearchOutcome(
                hits=tuple(Hit(passage=item, score=0, dense=0, lexical=0) for item in passages[:k]),
                probability=probability, answer_at=0.6, draft_at=0.4,
            )
            for probability, passages in found
        ]  # fmt: skip


def score(tmp_path: Path, rows: Sequence[tuple[str, list[str], float, Sequence[Passage]]]) -> dict[str, object]:
    file = tmp_path / "queries.jsonl"
    lines = [json.dumps({"query": text, "relevant": relevant, "kind": text[0]}) for text, relevant, _, _ in rows]
    file.write_text("\n".join(lines), "utf-8")
    return evaluate(Scripted({text: (probability, found) for text, _, probability, found in rows}), file)


A, B, C = passage("a.md"), passage("b.md"), passage("c.md")


def test_documents_count_once(tmp_path: Path) -> None:
    figures = score(
        tmp_path,
        [
            ("first", ["a.md"], 0.9, [A, B]),
            ("second document, third passage", ["b.md"], 0.5, [A, A, B]),
            ("missing", ["z.md"], 0.3, [A, B, C]),
            ("no answer, rightly declined", [], 0.2, [A]),
            ("no answer, answered", [], 0.8, [A]),
        ],
    )
    assert figures["recall@1"] == pytest.approx(1 / 3, abs=1e-3)
    assert figures["recall@5"] == pytest.approx(2 / 3, abs=1e-3)
    assert figures["mrr@10"] == pytest.approx(0.5, abs=1e-3)
    assert figures["declined_answerable"] == pytest.approx(1 / 3, abs=1e-3)
    assert figures["answered_unanswerable"] == 0.5
    assert figures["auroc"] == pytest.approx(4 / 6, abs=1e-3)
    assert set(figures["kinds"]) == {"f", "s", "m", "n"}  # type: ignore[call-overload]  # a table
    assert "recall@1" in as_table(figures)


@pytest.mark.parametrize(
    "label",
    ["d.md#`Set` up", "d.md#Set up", "d.md-`Set` up", "d.md"],  # as written, as shown, passage id, document
)
def test_labels(tmp_path: Path, label: str) -> None:
    item = Passage(
        id="d.md-`Set` up",
        document="d.md",
        title="T",
        text="x",
        language="en",
        headings=("Set up",),
        raw_heading="`Set` up",
    )
    assert score(tmp_path, [("q", [label], 0.5, [item])])["recall@1"] == 1.0


def test_sections_of_one_document_are_told_apart(tmp_path: Path) -> None:
    other, right = passage("d.md", "Other"), passage("d.md", "Right")
    assert score(tmp_path, [("q", ["d.md#Right"], 0.5, [other, right])])["recall@1"] == 0.0


def test_merged_duplicates_count_for_every_place(tmp_path: Path) -> None:
    assert score(tmp_path, [("q", ["copy.md"], 0.5, [passage("d.md", "Copied")])])["recall@1"] == 1.0


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", ":1:"),
        ('{"query": "a"}', ":1:"),
        ('{"query": "a", "relevant": []}\nnonsense', ":2:"),
        ('{"query": 1, "relevant": []}', ":1:"),
    ],
)
def test_bad_queries_file(tmp_path: Path, text: str, where: str) -> None:
    file = tmp_path / "queries.jsonl"
    file.write_text(text, "utf-8")
    with pytest.raises(QueriesFault, match=where):
        evaluate(Scripted({}), file)

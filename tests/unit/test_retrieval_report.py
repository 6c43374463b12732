"""What the report on search counts, and that the page shows it and runs nothing that it was given."""

from collections.abc import Sequence

import pytest

from retrieval.index import Hit
from retrieval.knowledge import SearchOutcome
from retrieval.passages import Passage
from training.evaluate_retrieval import JudgedQuery, LabelledQuery
from training.retrieval_page import render
from training.retrieval_report import Bar, Fate, RetrievalReport, retrieval_report

EVIL = "<img src=x onerror=alert(1)>"


def passage(document: str, heading: str = "") -> Passage:
    return Passage(
        id=document + heading,
        document=document,
        title="T",
        text=f"{EVIL}\n退款 " * 40,
        language="zh",
        raw_heading=heading,
    )


A, B, C = passage("a.md"), passage("b.md", "Two"), passage("c.md")


def row(relevant: Sequence[str], rank: int, probability: float, *found: Passage, kind: str = "") -> JudgedQuery:
    hits = tuple(Hit(passage=item, score=0, dense=0, lexical=0) for item in found)
    outcome = SearchOutcome(hits=hits, probability=probability, answer_at=0.6, draft_at=0.4)
    query = LabelledQuery(text=f"{rank} {EVIL}", relevant=frozenset(relevant), kind=kind)
    return JudgedQuery(query=query, outcome=outcome, rank=rank)


JUDGED = [
    row(["a.md"], 1, 0.97, A, B, kind="keyword"),
    row(["a.md"], 2, 1.0, B, A, kind="keyword"),  # answered with the wrong page
    row(["b.md#Two", "c.md"], 0, 0.5, A),  # drafted, nothing right among what was found
    row(["lost.md"], 0, 0.0),  # nothing found at all, and the label is of no page
    row([], 0, 0.6, C),  # unanswerable, and answered: at the threshold is answered
    row([], 0, 0.1, A),
]


@pytest.fixture
def report() -> RetrievalReport:
    return retrieval_report(JUDGED, [A, B, C, passage("b.md", "Three")], title=EVIL, facts={"queries": "6"})


def test_what_becomes_of_queries(report: RetrievalReport) -> None:
    assert report.fates == (
        Fate(name="answered", right=1, wrong=1, none=1),
        Fate(name="drafted", right=0, wrong=1, none=0),
        Fate(name="declined", right=0, wrong=1, none=1),
    )
    assert report.figures["answered_unanswerable"] == 0.5
    assert report.kinds["keyword"]["recall@1"] == 0.5


def test_the_histogram_holds_every_query_once(report: RetrievalReport) -> None:
    assert report.bars[0] == Bar(low=0.0, high=0.05, wrong=1)
    assert report.bars[-1] == Bar(low=0.95, high=1.0, right=1, wrong=1)  # a probability of 1 lies in the last
    assert sum(bar.right + bar.wrong + bar.none for bar in report.bars) == len(JUDGED)


def test_failures_are_the_surest_first(report: RetrievalReport) -> None:
    assert [(failure.first, failure.rank) for failure in report.failures] == [("b.md", 2), ("a.md#", 0), ("", 0)]
    assert report.failures[1].wanted == ("b.md#Two", "c.md")
    assert len(report.failures[0].snippet) == 221
    assert [(failure.first, failure.probability) for failure in report.answered] == [("c.md", 0.6)]


def test_coverage(report: RetrievalReport) -> None:
    pages = {
        page.document: (page.passages, page.wanted, page.first, page.five, page.intruding) for page in report.pages
    }
    assert pages == {"a.md": (1, 2, 1, 2, 1), "b.md": (2, 1, 0, 0, 1), "c.md": (1, 1, 0, 0, 0)}
    assert report.unknown == ("lost.md",)
    assert report.unasked == 0


def test_the_page_shows_texts_and_runs_none(report: RetrievalReport) -> None:
    page = render(report)
    assert EVIL not in page
    assert page.count("2 &lt;img src=x onerror=alert(1)&gt;") == 1  # the query
    assert "default-src 'none'" in page
    assert "http" not in page.partition("<body>")[2].replace("http-equiv", "")
    assert "lost.md" in page


def test_a_page_without_faults_says_so() -> None:
    page = render(retrieval_report([JUDGED[0], JUDGED[5]], [A, B], title="T", facts={}))
    assert "Every answerable query found a right page first." in page
    assert "All of them were declined." in page
    assert "Labels that name nothing" not in page


def test_queries_without_labels_of_one_kind() -> None:
    """A file may hold answerable queries only, or unanswerable ones only."""
    assert "Unanswerable, and not declined" not in render(retrieval_report(JUDGED[:2], [A, B], title="T", facts={}))
    assert "right page first" in render(retrieval_report(JUDGED[4:], [A, C], title="T", facts={}))

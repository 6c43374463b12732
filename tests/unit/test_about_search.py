"""What ``kefu train`` and ``kefu knowledge`` say about how the knowledge is searched."""

from pathlib import Path

import pytest

from bot.commands.learn import about_search
from bot.release import Release

EXACT = {"vectors": 1240, "exact": True, "recall": 1.0}
LISTS = {"vectors": 5000000, "exact": False, "recall": 0.9871}
LEARNED = {"kept": True, "questions": 308, "confirmed": 12, "before": 0.6916, "after": 0.7597}
ALL_FOUND = {"vectors": 250000, "exact": False, "recall": 1.0}
AT = {"answer_at": 0.45, "draft_at": 0.25}
LIMITS = (
    "Knowledge answers from probability 0.45 on, quotes from 0.35, drafts or asks back from 0.25, and declines below\n"
)


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (
            {"knowledge": {**AT, "indexes": {"whole": EXACT, "sentence": LISTS, "heading": ALL_FOUND}}},
            "Search: whole 1,240 vectors, exact; sentence 5,000,000 vectors in lists, 98.7% of the ten nearest found; "
            "heading 250,000 vectors in lists, 100.0% of the ten nearest found",
        ),
        (
            {"knowledge": {**AT, "indexes": {"whole": EXACT}, "query_map": LEARNED}},
            "Search: whole 1,240 vectors, exact\n"
            "Customers' words: 308 questions, 12 of them confirmed; the right passage is first for 69.2%, and 76.0% "
            "after learning from others: taken",
        ),
        (
            {"knowledge": {**AT, "indexes": {"whole": EXACT}, "query_map": {**LEARNED, "kept": False, "after": 0.7}}},
            "Search: whole 1,240 vectors, exact\n"
            "Customers' words: 308 questions, 12 of them confirmed; the right passage is first for 69.2%, and 70.0% "
            "after learning from others: left out, as that is no more than chance",
        ),
        (
            {"knowledge": {**AT, "indexes": {"whole": EXACT}, "query_map": None}},
            "Search: whole 1,240 vectors, exact",
        ),
        ({"knowledge": {"passages": 3}}, ""),  # a release from before this was kept
        ({"knowledge": None}, ""),  # no knowledge
        ({}, ""),
    ],
)
def test_each_kind_is_named(metrics, said: str) -> None:
    release = Release(id="r", folder=Path("r"), created="", fingerprints={}, metrics=metrics)
    assert about_search(release) == (said and LIMITS + said)

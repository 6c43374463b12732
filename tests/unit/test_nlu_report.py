"""The report on understanding: its numbers by hand, and the page as HTML. How it looks, a browser test sees."""

import re
from dataclasses import replace

import numpy as np
import pytest

from nlu.data import IntentScore
from training.evaluate_nlu import Judged, quality
from training.nlu_page import render
from training.nlu_report import NluPage, confidence_bars, confused_pairs, entity_rows, intent_rows, nlu_page
from training.nlu_suspects import Doubts, Labelled, Suspect, doubts, folds_of, mislabelled


def row(gold: str, best: str, confidence: float, text: str = "", **spans: frozenset[tuple[int, int, str]]) -> Judged:
    ranking = (IntentScore(name=best, confidence=confidence),)
    none: frozenset[tuple[int, int, str]] = frozenset()
    return Judged(text=text, gold=gold, ranking=ranking, answered=best, **({"annotated": none, "found": none} | spans))


ROWS = [
    row("fly", "fly", 0.97),
    row("fly", "fly", 1.0),
    row("fly", "bye", 0.4, "unsure"),
    row("fly", "bye", 0.9, "sure"),
    row("bye", "bye", 0.62),
    row("bye", "greet", 0.3),
    row("out_of_scope", "fly", 0.2),
]


def test_intents_are_ordered_by_what_needs_a_look() -> None:
    table = {entry.intent: entry for entry in intent_rows([r for r in ROWS if not r.outside])}
    assert list(table) == ["greet", "bye", "fly"]
    assert (table["fly"].support, table["fly"].precision, table["fly"].recall) == (4, 1.0, 0.5)
    assert (table["fly"].mistake, table["fly"].mistakes) == ("bye", 2)
    assert (table["bye"].precision, table["bye"].f1) == (1 / 3, pytest.approx(2 / 5))
    assert (table["greet"].support, table["greet"].recall) == (0, None)  # never meant, once answered


def test_pairs_show_the_surest_text_first() -> None:
    first, second = confused_pairs([r for r in ROWS if not r.outside])
    assert (first.gold, first.best, first.count, first.support) == ("fly", "bye", 2, 4)
    assert first.texts == ("sure", "unsure")
    assert (second.gold, second.best) == ("bye", "greet")


def test_bars_count_every_message_once() -> None:
    bars = confidence_bars(ROWS)
    assert sum(bar.right + bar.wrong + bar.outside for bar in bars) == len(ROWS)
    assert (bars[19].right, bars[19].sure) == (2, pytest.approx(0.985))  # a confidence of 1 is in the last one
    assert (bars[18].wrong, bars[18].accuracy) == (1, 0.0)
    assert (bars[4].outside, bars[4].accuracy) == (1, None)


def test_an_entity_with_another_end_is_missed_and_wrong() -> None:
    city, day = (0, 6, "city"), (7, 9, "day")
    rows = [
        row("fly", "fly", 1.0, annotated=frozenset({city, day}), found=frozenset({city})),
        row("fly", "fly", 1.0, annotated=frozenset({city}), found=frozenset({(0, 5, "city")})),
    ]
    table = {entry.entity: entry for entry in entity_rows(rows)}
    assert (table["city"].support, table["city"].found, table["city"].f1) == (2, 2, 0.5)
    assert (table["day"].precision, table["day"].recall) == (None, 0.0)


def test_confident_learning_doubts_what_is_sure_elsewhere() -> None:
    chances = np.array(
        [
            [0.9, 0.1],  # as its intent is
            [0.6, 0.4],
            [0.1, 0.9],  # labelled 0, and as sure of 1 as the examples of 1 are
            [0.45, 0.55],  # labelled 0 and rather 1, but less so than the examples of 1 on the whole
            [0.2, 0.8],
            [0.3, 0.7],
            [np.nan, np.nan],  # not judged
        ]
    )
    assert mislabelled(chances, np.array([0, 0, 0, 0, 1, 1, 0])) == [2]


def test_a_planted_mislabel_is_found_and_names_what_it_is_like() -> None:
    random = np.random.default_rng(1)
    centres = np.eye(8, dtype=np.float32)[:3]
    examples, vectors = [], []
    for place, intent in enumerate(("fly", "bye", "greet")):
        for number in range(12):
            examples.append(Labelled(text=f"{intent} {number}", intent=intent))
            vectors.append(centres[place] + random.normal(0, 0.1, 8).astype(np.float32))
    examples[0] = Labelled(text="fly 0", intent="greet", place="nlu.yml:3")
    rows = np.stack(vectors)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = doubts(examples, rows)
    (suspect,) = found.suspects
    assert (suspect.example.place, suspect.other) == ("nlu.yml:3", "fly")
    assert suspect.alike.startswith("fly ")
    assert found.overlaps == ()  # one example pulls no intents together


def test_folds_are_even_and_leave_an_only_example_out() -> None:
    parts = folds_of([*["a"] * 10, *["b"] * 5, "c"], 5, seed=0)
    assert sorted(parts[:10]) == sorted([*range(5), *range(5)])
    assert sorted(parts[10:15]) == [0, 1, 2, 3, 4]
    assert parts[15] == -1
    # many intents of two examples fill all folds, not the first two
    few = folds_of([label for label in range(50) for _ in range(2)], 5, seed=0)
    assert np.bincount(few).tolist() == [20] * 5


def page(rows: list[Judged], **more: object) -> NluPage:
    figures = {**quality(rows), "threshold": 0.4, "train_s": 130.0}
    given = {"title": "Understanding of <b>旅行</b>", "facts": {"encoder": "x"}, "figures": figures}
    return nlu_page(rows, **({**given, "doubts": Doubts(suspects=(), overlaps=(), judge="nobody")} | more))  # type: ignore[arg-type]


def test_page_escapes_data_and_loads_nothing() -> None:
    evil = '<script>alert(1)</script> 我要去“北京” & "x"'
    suspect = Suspect(
        example=Labelled(text=evil, intent="fly", place="data/nlu.yml:3"),
        other="bye",
        chance=0.1,
        other_chance=0.9,
        alike=evil,
    )
    html = render(
        page([*ROWS, row("fly", "bye", 0.9, evil)], doubts=Doubts(suspects=(suspect,), overlaps=(), judge="x"))
    )
    assert html.count("<script>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt; 我要去“北京” &amp; &#34;x&#34;" in html
    assert "Understanding of &lt;b&gt;旅行&lt;/b&gt;" in html
    assert "data/nlu.yml:3" in html
    assert not re.search(r"https?://|src=|@import|url\(", html)
    assert "default-src 'none'" in html
    assert "2.2 min" in html


@pytest.mark.parametrize("rows", [[], [row("fly", "fly", 1.0)], [row("out_of_scope", "fly", 0.2)]])
def test_page_of_next_to_nothing(rows: list[Judged]) -> None:
    html = render(page(rows))
    assert "No intent was taken for another" in html
    assert "No example looks mislabelled" in html


def test_page_tells_of_response_keys_where_there_are_any() -> None:
    keyed = [replace(judged, key_right=right) for judged, right in zip(ROWS, (True, True, False, None), strict=False)]
    assert "66.7 %</b><span>response keys right" in render(page(keyed))
    assert "response keys right" not in render(page(ROWS))


def test_json_holds_every_table() -> None:
    figures = page(ROWS).to_json()
    assert figures["intent_accuracy"] == pytest.approx(3 / 6)
    assert figures["intents"]["fly"]["mistake"] == "bye"
    assert figures["confused"][0]["texts"] == ("sure", "unsure")

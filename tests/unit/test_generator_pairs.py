"""What the generator learns from: every answer is carried by a passage that is shown, or the pair declines."""

from pathlib import Path

import pytest

from retrieval.ingest import read_folder
from retrieval.passages import Passage, sentences, split_documents
from retrieval.support import check
from training.generator_pairs import DISTRACTORS, Pair, make_pairs

ENGLISH = "question,answer\n" + "".join(
    f"Where is shelf {n}?,Shelf {n} is in hall {n % 4 + 2}. It is open.\n" for n in range(10, 40)
)
CHINESE = "question,answer\n" + "".join(f"{n}号货架在哪里？,{n}号货架在{n % 4 + 2}号大厅。\n" for n in range(10, 40))
PAGE = "# Care\n\nWipe up water within ten minutes. Put hot pans on a wooden trivet.\n"


def passages(folder: Path, **files: str) -> tuple[Passage, ...]:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, "utf-8")
    return split_documents(read_folder(folder).documents)


def carried(pair: Pair) -> bool:
    return all(check(sentence, pair.passages).supported for sentence in sentences(pair.answer))


@pytest.mark.parametrize(("table", "decline"), [(ENGLISH, "The text does not say."), (CHINESE, "文中没有说明。")])
def test_pairs_are_carried_or_decline_in_their_language(tmp_path: Path, table: str, decline: str) -> None:
    train, held_out = make_pairs(passages(tmp_path, faq_csv=table), seed=1)
    assert len(train) > 20
    for pair in (*train, *held_out):
        assert pair.declined == (pair.answer == decline)
        assert pair.declined or carried(pair)
        assert 1 <= len(pair.passages) <= DISTRACTORS + 1
        if pair.declined:
            assert all(pair.question.split("？")[0] != title.split("？")[0] for _, title, _ in pair.passages)
    assert 0.1 < sum(pair.declined for pair in train) / len(train) < 0.45


def test_what_is_held_out_is_asked_with_and_without_its_passage(tmp_path: Path) -> None:
    train, held_out = make_pairs(passages(tmp_path, faq_csv=ENGLISH, care_md=PAGE), seed=2)
    assert {pair.question for pair in train}.isdisjoint(pair.question for pair in held_out)
    assert sum(pair.declined for pair in held_out) * 2 == len(held_out)


def test_some_pairs_stand_behind_another_conversation(tmp_path: Path) -> None:
    train, _ = make_pairs(passages(tmp_path, faq_csv=ENGLISH), seed=3)
    talked = [pair for pair in train if pair.earlier]
    assert 0 < len(talked) < len(train)
    for pair in talked:
        (by_customer, asked), (by_bot, _) = pair.earlier
        assert by_customer
        assert not by_bot
        assert asked != pair.question


def test_confirmed_answers_are_learned_as_far_as_a_passage_carries_them(tmp_path: Path) -> None:
    confirmed = [
        ("my tabletop is wet, what now", "This may help:\n\nWipe up water within ten minutes."),
        ("is it free", "Everything is free."),
    ]
    train, held_out = make_pairs(passages(tmp_path, faq_csv=ENGLISH, care_md=PAGE), seed=4, confirmed=confirmed)
    pairs = [*train, *held_out]
    found = [pair for pair in pairs if pair.question == confirmed[0][0]]
    assert found
    assert {pair.answer for pair in found if not pair.declined} <= {"Wipe up water within ten minutes."}
    assert all(pair.question != "is it free" for pair in pairs)


def test_pairs_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    found = passages(tmp_path, faq_csv=ENGLISH)
    assert make_pairs(found, seed=5) == make_pairs(found, seed=5) != make_pairs(found, seed=6)


@pytest.mark.parametrize("seed", range(8))
def test_one_passage_alone_teaches_nothing_to_decline(tmp_path: Path, seed: int) -> None:
    train, held_out = make_pairs(passages(tmp_path, faq_csv="question,answer\nWhen?,We open at nine.\n"), seed=seed)
    assert {pair.answer for pair in train} <= {"We open at nine."}
    assert held_out == []

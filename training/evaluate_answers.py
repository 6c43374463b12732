"""Sent answers, judged: what carries each sentence, what nothing carries, and how near the right answer they are. Pure.

Knows questions and answers, not how they were made: the commands ask a bot and hand over what it sent.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retrieval.passages import sentences
from retrieval.support import SAYS_NOTHING, check
from training.evaluate_retrieval import QueriesFault
from training.second_look import foreign
from training.token_overlap import best_f1

Kind = Literal["ready", "draft", "quotation", "ask", "own", "decline"]
KINDS: tuple[Kind, ...] = ("ready", "draft", "quotation", "ask", "own", "decline")

Figures = dict[str, float | int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, its right answers where they are known, and what should be found.

    ``relevant`` as in ``training.evaluate_retrieval``; None: nothing is said of it. ``given``: answer from this text.
    """

    text: str
    golds: tuple[str, ...] = ()
    relevant: frozenset[str] | None = None
    given: str | None = None
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a bot sent. ``passages`` (id, title, text) are those it stands on, ``documents`` theirs.

    ``kind``: a ready answer, a draft, a quotation, a question back, the assistant's own words (a rule or story), or
    none. ``opening`` is what stands before a quotation and is no part of it; ``drafted`` are the sentences of a draft,
    one by one; ``plain`` is what the plainest method answers from a given passage, to compare with.
    """

    kind: Kind
    text: str
    opening: str = ""
    drafted: tuple[str, ...] = ()
    passages: tuple[tuple[str, str, str], ...] = ()
    documents: tuple[str, ...] = ()
    probability: float | None = None
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    plain: str = ""

    @property
    def is_told(self) -> bool:
        """Whether pages answered, well or badly."""
        return self.kind in ("ready", "draft", "quotation")

    @property
    def body(self) -> str:
        """What was said about the question."""
        return self.text.removeprefix(self.opening).strip() if self.is_told else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A sent sentence. ``objections``: why the support check would not let it pass; ``foreign``: the second look's."""

    text: str
    carriers: tuple[str, ...] = ()
    objections: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A question with what was sent, and what is to be said of it. ``f1`` None: no right answer is known."""

    question: Question
    answer: Answer
    statements: tuple[Statement, ...]
    f1: float | None
    right_source: bool | None

    @property
    def is_unsupported(self) -> bool:
        """Whether either look objects to a sentence."""
        return any(statement.objections or statement.foreign for statement in self.statements)

    def to_json(self) -> dict[str, Any]:
        """For programs; what is not known is left out."""
        row: dict[str, Any] = {
            "question": self.question.text,
            "kind": self.answer.kind,
            "text": self.answer.text,
            "documents": list(self.answer.documents),
            "probability": self.answer.probability,
            "reasons": list(self.answer.reasons),
            "seconds": round(self.answer.seconds, 3),
            "sentences": [
                {
                    "text": statement.text,
                    "passages": list(statement.carriers),
                    "objections": list(statement.objections),
                    "foreign": list(statement.foreign),
                }
                for statement in self.statements
            ],
        }
        known = {"token_f1": self.f1, "right_source": self.right_source}
        return row | {name: value for name, value in known.items() if value is not None}


def judge(question: Question, answer: Answer) -> Judged:
    """Hold every sentence of an answer against the passages it stands on. Own words stand on none: not judged."""
    return Judged(
        question=question,
        answer=answer,
        statements=tuple(_statement(text, answer) for text in answer.drafted or sentences(answer.body))
        if answer.is_told
        else (),
        f1=round(best_f1(answer.body, question.golds), 4) if question.golds else None,
        right_source=bool(question.relevant & set(answer.documents)) if question.relevant and answer.is_told else None,
    )


def _statement(text: str, answer: Answer) -> Statement:
    wanted = " ".join(text.split())
    quoting = tuple(number for number, _, passage in answer.passages if wanted in " ".join(passage.split()))
    if quoting and answer.kind != "draft":  # a page may ask or speak of itself; a draft may not
        return Statement(text=text, carriers=quoting)
    support = check(text, answer.passages)
    return Statement(
        text=text,
        carriers=support.passage_ids,
        objections=() if support.supported or support.reasons == (SAYS_NOTHING,) else support.reasons,
        foreign=foreign(text, [part for _, title, body in answer.passages for part in (title, body)]),
    )


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Counts and shares over all questions, and each kind's counts under ``kinds``.

    ``unsupported`` counts sentences of drafts, quotations and ready answers that the support check objects to;
    ``foreign`` those in which the second look finds a number, link, name or denial that the passages lack.
    """
    statements = [statement for row in judged for statement in row.statements]
    answerable = [row for row in judged if row.question.relevant != frozenset()]
    unanswerable = [row for row in judged if row.question.relevant == frozenset()]
    f1 = [row.f1 for row in judged if row.f1 is not None]
    sources = [row.right_source for row in judged if row.right_source is not None]
    drafted = [row.answer.seconds for row in judged if row.answer.kind == "draft"]
    found: dict[str, Any] = {
        "questions": len(judged),
        "sentences": len(statements),
        "unsupported": sum(bool(statement.objections) for statement in statements),
        "foreign": sum(bool(statement.foreign) for statement in statements),
        "answered": _share(row.answer.is_told for row in answerable),
        "answered_unanswerable": _share(row.answer.is_told for row in unanswerable),
        "right_source": _share(sources),
        "token_f1": _mean(f1),
        "token_f1_answered": _mean([row.f1 for row in judged if row.f1 is not None and row.answer.body]),
        "token_f1_plain": _mean([best_f1(row.answer.plain, row.question.golds) for row in judged if row.answer.plain]),
        "draft_s": _mean(drafted),
    }
    return {
        **{name: value for name, value in found.items() if value is not None},
        "kinds": {kind: sum(row.answer.kind == kind for row in judged) for kind in KINDS},
    }


def _share(rows: Iterator[bool] | Sequence[bool]) -> float | None:
    return _mean([float(row) for row in rows])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 4) if known else None


def read_questions(file: Path) -> list[Question]:
    """JSON lines with ``query``, and where known ``relevant`` and ``answers``. Raises ``QueriesFault``."""
    questions = [
        _question(file, number, line) for number, line in enumerate(_read(file).splitlines(), 1) if line.strip()
    ]
    if not questions:
        raise QueriesFault(f"{file}:1: no queries; write one JSON object a line")
    return questions


def _question(file: Path, number: int, line: str) -> Question:
    try:
        value = json.loads(line)
        text, relevant, golds = value["query"], value.get("relevant"), value.get("answers", [])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise QueriesFault(f"{file}:{number}: not a query ({error}); write an object with query") from error
    if not isinstance(text, str) or not isinstance(golds, list) or not isinstance(relevant, list | None):
        raise QueriesFault(f"{file}:{number}: query must be a text, relevant and answers lists")
    labels = None if relevant is None else frozenset(str(label).split("#")[0] for label in relevant)
    return Question(text=text, golds=tuple(map(str, golds)), relevant=labels)


def read_squad(file: Path) -> list[Question]:
    """The questions of a SQuAD file (JSON, or that in gzip), each with its passage. Raises ``QueriesFault``."""
    try:
        data = json.loads(_read(file))["data"]
        questions = [
            Question(
                text=qa["question"],
                golds=tuple(answer["text"] for answer in qa["answers"]),
                given=paragraph["context"],
                title=str(article.get("title", "")),
            )
            for article in data
            for paragraph in article["paragraphs"]
            for qa in paragraph["qas"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise QueriesFault(
            f"{file}:1: not in SQuAD's form ({error}); name a file with data, paragraphs and qas"
        ) from error
    if not questions:
        raise QueriesFault(f"{file}:1: no questions")
    return questions


def _read(file: Path) -> str:
    try:
        data = file.read_bytes()
        return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise QueriesFault(f"{file}:0: cannot be read ({error}); name a UTF-8 file") from error


def every(questions: Sequence[Question], limit: int | None) -> list[Question]:
    """At most ``limit`` questions, evenly over the file."""
    if limit is None or limit >= len(questions):
        return list(questions)
    return [questions[at * len(questions) // limit] for at in range(limit)]

"""What a generator is asked: passages, the conversation before, the question. Knows no model and no answer.

Everything in it is data: what a text asks the model to do may change what it writes, never what is given out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from retrieval.passages import sentences

Passages = Sequence[tuple[str, str, str]]
"""Id, title and text of each passage, best first."""

Earlier = Sequence[tuple[bool, str]]
"""What was said before the question, oldest first: whether the customer said it, and the text."""

MAX_EARLIER = 4
EARLIER_CHARS = 200
EARLIER_SHARE = 0.25
"""How much of the room for passages the conversation may take."""
QUESTION_CHARS = 600
QUESTION_SHARE = 0.5
"""How much a question may have, beside the passages and measured by their room: a longer one is cut at its end."""

_CHINESE = re.compile(r"[\u3400-\u9fff]")


class Counter(Protocol):
    """What fitting texts needs of a generator."""

    def count(self, text: str) -> int:
        """How many tokens a text has."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What the model is told in the language of the question. ``decline``: what it is taught to write."""

    instruction: str
    decline: str
    earlier: str
    customer: str
    bot: str
    question: str


ENGLISH = Wording(
    instruction="Answer the question in one or two sentences, with words from the text.",
    decline="The text does not say.",
    earlier="Said before:",
    customer="Customer: ",
    bot="You: ",
    question="Question: ",
)
CHINESE = Wording(
    instruction="用文中的原话，以一两句话回答问题。",
    decline="文中没有说明。",
    earlier="此前的对话：",
    customer="顾客：",
    bot="你：",
    question="问题：",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The two texts that a model is given."""

    system: str
    user: str


def wording_of(question: str) -> Wording:
    """The words for a question: Chinese ones if there is a Chinese character in it."""
    return CHINESE if _CHINESE.search(question) else ENGLISH


def task_of(
    question: str, passages: Passages, writer: Counter, limit: int, *, tone: str = "", earlier: Earlier = ()
) -> tuple[Task, list[tuple[str, str, str]]]:
    """What the model is asked, and the passages that it is shown: the texts first, the question after them.

    Passages and conversation have ``limit`` tokens together.
    """
    question = _cut(question, writer, int(QUESTION_SHARE * limit))
    words = wording_of(question)
    said = _said(earlier, words, writer, int(EARLIER_SHARE * limit))
    used = fitting(passages, limit - writer.count(said), writer)
    texts = [text if text.startswith(title) else f"{title}\n{text}" for _, title, text in used]
    user = "\n\n".join([*texts, *([said] if said else []), words.question + question])
    return Task(system=" ".join(filter(None, [words.instruction, tone])), user=user), used


def _cut(question: str, writer: Counter, limit: int) -> str:
    question = question[:QUESTION_CHARS]
    while writer.count(question) > limit:
        question = question[: len(question) * 3 // 4]
    return question


def _said(earlier: Earlier, words: Wording, writer: Counter, limit: int) -> str:
    """The last messages before the question, as many as fit."""
    lines: list[str] = []
    for by_customer, text in reversed(earlier[-MAX_EARLIER:]):
        line = (words.customer if by_customer else words.bot) + " ".join(text.split())[:EARLIER_CHARS]
        limit -= writer.count(line)
        if limit < 0:
            break
        lines.insert(0, line)
    return "\n".join([words.earlier, *lines]) if lines else ""


def fitting(passages: Passages, limit: int, writer: Counter) -> list[tuple[str, str, str]]:
    """The first passages that fit into ``limit`` tokens together; the last is cut at the end of a sentence.

    Texts stay as they are written: a list without its line breaks would lose what leads into it.
    """
    used: list[tuple[str, str, str]] = []
    for number, title, text in passages:
        limit -= writer.count(f"{title}\n")
        end = 0
        for sentence in sentences(text):
            limit -= writer.count(sentence)
            if limit < 0:
                break
            end = text.index(sentence, end) + len(sentence)
        if end:
            used.append((number, title, text[:end]))
        if limit <= 0:
            break
    return used

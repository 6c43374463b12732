"""What an assistant can learn from its conversations: labelled messages out of transcripts and a CSV.

Nothing is learned from a message alone, only from what somebody confirmed: a label in the CSV, a "did you mean" that
the customer answered with yes, a thumb on an answer. Repetitions count once, and each conversation gives only a few.
"""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bot.delivery.transcript import TurnTranscript
from bot.dialogue.domain import Domain
from bot.dialogue.errors import Fault, ProjectFaults
from bot.dialogue.parse import FALLBACK_INTENT, OUT_OF_SCOPE_INTENT

PER_CONVERSATION = 5
MAX_CHARS = 300
ASKED_BACK = "action_default_ask_affirmation"
KNOWLEDGE_ROUTES = ("knowledge", "generator")

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LONG_NUMBER = re.compile(r"\+?\d(?:[ -]?\d){8,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A message and the intent that it should have; ``source`` says who said so."""

    text: str
    intent: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """``questions``: asked of the knowledge and answered well, ``answers``: with what was answered. ``disliked``: with
    the answer, for a person.
    """

    corrections: tuple[Correction, ...] = ()
    questions: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    disliked: tuple[tuple[str, str], ...] = ()


def read_labels(path: Path, domain: Domain) -> tuple[Correction, ...]:
    """A CSV with the columns ``text`` and ``intent``. Raises ProjectFaults naming every line that cannot be used."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or ()
            rows = [(reader.line_num, row) for row in reader]  # the line that a row ends in: a text may have several
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise ProjectFaults(
            [Fault(path=str(path), line=1, what=f"cannot be read ({exc})", remedy="give a CSV in UTF-8")]
        ) from exc
    if missing := [name for name in ("text", "intent") if name not in columns]:
        what, remedy = f"no column {' and '.join(missing)}", "name the columns text and intent in the first line"
        raise ProjectFaults([Fault(path=str(path), line=1, what=what, remedy=remedy)])
    faults, corrections = [], []
    for line, row in rows:
        text, intent = (row.get("text") or "").strip(), (row.get("intent") or "").strip()
        if not text or not intent:
            faults.append(
                Fault(
                    path=str(path),
                    line=line,
                    what="text or intent is empty",
                    remedy="fill both columns, text and intent",
                )
            )
        elif intent.split("/")[0] not in domain.intents:
            faults.append(
                Fault(
                    path=str(path),
                    line=line,
                    what=f"the domain has no intent {intent!r}",
                    remedy="add it to domain.yml or correct it",
                )
            )
        else:
            corrections.append(Correction(text=text, intent=intent, source="label"))
    if faults or not rows:
        empty = Fault(
            path=str(path), line=1, what="no rows", remedy="give the columns text and intent with at least one row"
        )
        raise ProjectFaults(faults or [empty])
    return tuple(corrections)


def read_confirmed(path: Path) -> list[str]:
    """Questions that the knowledge answered well, one a line; none where there is no such file."""
    lines = path.read_text("utf-8-sig").splitlines() if path.is_file() else []
    return [line for line in lines if line.strip()]


def lessons(turns: Iterable[TurnTranscript], domain: Domain) -> Lessons:
    """What customers confirmed, conversation by conversation."""
    corrections: list[Correction] = []
    answers: list[tuple[str, str]] = []
    disliked: list[tuple[str, str]] = []
    for conversation in _by_conversation(turns):
        corrections += _confirmed(conversation, domain)[:PER_CONVERSATION]
        rated = [(turn, rating) for turn in conversation for rating in turn.ratings.values()]
        liked = [turn for turn, rating in rated if rating == "up" and _by_knowledge(turn)]
        answers += [(redacted(turn.text), _answer(turn)) for turn in liked[:PER_CONVERSATION]]
        disliked += [(redacted(turn.text), _answer(turn)) for turn, rating in rated if rating == "down"]
    return Lessons(
        corrections=merged(corrections),
        questions=tuple(dict(answers)),
        answers=tuple((question, text) for question, text in dict(answers).items() if text),
        disliked=tuple(dict.fromkeys(disliked)),
    )


def merged(corrections: Sequence[Correction]) -> tuple[Correction, ...]:
    """One correction a message: labels win over confirmations, then the majority; a tie teaches nothing."""
    votes: Mapping[str, Counter[str]] = defaultdict(Counter)
    for correction in corrections:
        votes[correction.text][correction.intent] += 1000 if correction.source == "label" else 1
    kept = {text: counted.most_common(2) for text, counted in votes.items()}
    winners = {text: top[0][0] for text, top in kept.items() if len(top) == 1 or top[0][1] > top[1][1]}
    first = {correction.text: correction for correction in reversed(corrections)}
    return tuple(Correction(text=text, intent=intent, source=first[text].source) for text, intent in winners.items())


def redacted(text: str) -> str:
    """Without e-mail addresses and long numbers, in which people give themselves away."""
    return _LONG_NUMBER.sub("0000000000", _EMAIL.sub("name@example.com", text)).strip()


def _by_conversation(turns: Iterable[TurnTranscript]) -> Iterable[list[TurnTranscript]]:
    conversations: dict[str, list[TurnTranscript]] = defaultdict(list)
    for turn in turns:
        if turn.kind == "message" and turn.dead is None and len(turn.text) <= MAX_CHARS:
            conversations[turn.conversation_id].append(turn)
    return conversations.values()


def _confirmed(conversation: Sequence[TurnTranscript], domain: Domain) -> list[Correction]:
    """Messages that the bot asked back about, with the intent on the button that was pressed."""
    found = []
    for asked, answer in pairwise(conversation):
        if not any(action.get("name") == ASKED_BACK for action in asked.record.actions):
            continue
        intent = answer.text.removeprefix("/").split("{")[0].split("@")[0]
        wanted = intent in domain.intents and intent not in (OUT_OF_SCOPE_INTENT, FALLBACK_INTENT)
        if answer.text.startswith("/") and wanted and not asked.text.startswith("/"):
            found.append(Correction(text=redacted(asked.text), intent=intent, source="did you mean"))
    return found


def _by_knowledge(turn: TurnTranscript) -> bool:
    return turn.record.route in KNOWLEDGE_ROUTES


def _answer(turn: TurnTranscript) -> str:
    return next((reply.text for reply in turn.replies if reply.text), "")

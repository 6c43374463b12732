"""What customers asked and the knowledge had nothing for, out of transcripts: which pages are missing.

Nothing is kept for it: the list is as old as the transcripts are, and what is erased there is gone from it.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.delivery.transcript import TurnTranscript
from bot.dialogue.parse import FALLBACK_INTENT, OUT_OF_SCOPE_INTENT
from bot.ports import TurnRecord
from retrieval.words import words

ALIKE = 0.5
"""The share of words (characters in Chinese), over all that either has, from which two questions are told as one."""
WORDINGS = 5
LONGEST = 200

_FOUND = ("knowledge", "generator", "ask")
_NOTHING = ("offer", "fallback")
_MASKS = (
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "<email>"),
    (re.compile(r"(?:https?://|www\.)\S+"), "<link>"),
    (re.compile(r"\+?\d(?:[ ./-]?\d){4,}"), "<number>"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A question in its most frequent wording; ``last``: when it came, in seconds since the epoch.

    ``nearest`` and ``document``: title and path of the passage that came nearest, by the last search; None where there
    was none. ``wordings``: other ways in which it was asked.
    """

    question: str
    count: int
    conversations: int
    last: float
    nearest: str | None = None
    document: str | None = None
    wordings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Group:
    telling: frozenset[str]
    texts: Counter[str] = field(default_factory=Counter)
    turns: list[TurnTranscript] = field(default_factory=list)


def unanswered(turns: Iterable[TurnTranscript]) -> list[Unanswered]:
    """Questions that found nothing, the most frequent first. E-mail and web addresses and long numbers are masked."""
    asked: dict[frozenset[str], _Group] = {}
    for turn in turns:
        if turn.kind == "message" and found_nothing(turn.record):
            text = masked(turn.record.searched or turn.text)
            if telling := _telling(text):
                group = asked.setdefault(telling, _Group(telling=telling))
                group.texts[text] += 1
                group.turns.append(turn)
    groups: list[_Group] = []
    for group in sorted(asked.values(), key=lambda group: -len(group.turns)):
        like = max(groups, key=lambda other: _likeness(group, other), default=None)
        if like is None or _likeness(group, like) < ALIKE:
            groups.append(group)
        else:
            like.texts += group.texts
            like.turns += group.turns
    return sorted(map(_told, groups), key=lambda question: (-question.count, -question.last))


def found_nothing(record: TurnRecord) -> bool:
    """Whether knowledge was searched, gave no answer, and no rule had a better one."""
    lost = record.route in _NOTHING or record.intent in (None, FALLBACK_INTENT, OUT_OF_SCOPE_INTENT)
    return record.probability is not None and record.route not in _FOUND and lost


def masked(text: str) -> str:
    """One line of at most ``LONGEST`` characters without addresses and long numbers."""
    line = " ".join(unicodedata.normalize("NFKC", text).split())
    for pattern, mask in _MASKS:
        line = pattern.sub(mask, line)
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def _telling(text: str) -> frozenset[str]:
    """The stems of a text; of Chinese words their characters, since short texts are not cut alike."""
    return frozenset(part for word in words(text) for part in ((word,) if word.isascii() else word))


def _likeness(one: _Group, other: _Group) -> float:
    return len(one.telling & other.telling) / len(one.telling | other.telling)


def _told(group: _Group) -> Unanswered:
    last = max(group.turns, key=lambda turn: turn.at)
    nearest = last.record.hits[0] if last.record.hits else {}
    (question, _), *others = group.texts.most_common(WORDINGS + 1)
    return Unanswered(
        question=question,
        count=len(group.turns),
        conversations=len({turn.conversation_id for turn in group.turns}),
        last=last.at,
        nearest=_text(nearest.get("title")),
        document=_text(nearest.get("document")),
        wordings=tuple(text for text, _ in others),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

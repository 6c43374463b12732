"""What a message leaves out: "and for Canada?" is searched together with what was said before it.

Whether a message leans on what was before is decided by rules on words, so that an operator can be told why. One that
does is searched twice, alone and with its context in front; the scores of both decide which passage is meant.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from retrieval.index import Hit
from retrieval.knowledge import Knowledge, SearchOutcome
from retrieval.words import words

SHORT_WORDS = 1
"""A question with no more telling words than this may say too little by itself."""
REFERRING_WORDS = 6
"""One with more telling words says enough, whatever its "it" is."""
ALONE_WEIGHT = 0.5
"""What a passage's score for the message alone weighs beside that for message and context: "Canada" over "Germany"."""
DEPTH = 40
CONTEXT_CHARS = 400

_OPENING = re.compile(
    r"(?:(?:ok|okay|yes|no|well|thanks|thank you)[,.! ]+)*"
    r"(?:and|or|but|also|then|so|what about|how about|what if|same|in that case)\b"
)
_REFERENCE = re.compile(
    r"\b(?:it|its|that|this|they|them|their|those|these|there|ones?|either|neither|both|he|she|him|same|else)\b"
)
_CHINESE_OPENING = re.compile(
    r"(?:好的?|嗯|哦|谢谢)?[，, ]*(?:那|还有|另外|如果|要是|假如|万一|然后|同样|换成|但是?|可是|或者)"
)
_CHINESE_ENDING = re.compile(r"(?:呢|的话)[？?！!。. ]*$")
_CHINESE_REFERENCE = re.compile(
    "它|这个|那个|这些|那些|这种|那种|其中|他们|她们|前者|后者|上面|刚才|这样|那样|这里|那里|这边|那边|这儿|那儿"
)
_COURTESY_WORDS = (
    "thanks|thank you|many|very much|so much|a lot|for your help|thx|ty|cheers|much appreciated"
    "|hi|hello|hey|good (?:morning|afternoon|evening|night)|bye|goodbye|see you|later|have a nice day|you too|and"
    "|ok|okay|k|yes|yep|yeah|yup|no|nope|sure|fine|great|good|nice|perfect|cool|awesome|excellent|super|wonderful"
    "|alright|all right|right|well|oh|ah|got it|i see|understood|exactly|never mind|no problem|you're welcome"
    "|that's (?:all|it|great|good|fine|right)|that (?:helps|works|is all)"
)
_CHINESE_COURTESY = (
    "非常感谢|十分感谢|感谢|多谢|谢谢|谢|辛苦|麻烦|你们|您们|你|您|早上好|上午好|中午好|下午好|晚上好|早安|晚安|早|你好|您好|再见|拜拜|不客气"
    "|太好|很好|真好|好|嗯|哦|噢|行|可以|是|对|没错|不用|不是|不|没有|没事|没问题|知道|明白|懂|了解|收到|棒|赞"
    "|[的了啦啊呀哈吧嘞滴]"
)
_COURTESY = re.compile(rf"\b(?:{_COURTESY_WORDS})\b|{_CHINESE_COURTESY}")
"""Thanks, greetings and agreement: they say nothing of what was asked before, whose answer nobody wants twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A message to search for. ``before``: what was said before it, "" for nothing; ``filters``: see the index."""

    text: str
    before: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An outcome, the text that it was searched with, and why that is not the message as it is ("" where it is)."""

    outcome: SearchOutcome
    searched: str
    why: str = ""


def leans(text: str) -> str | None:
    """Why a message may need what was said before it; None where it stands by itself."""
    lowered = text.strip().lower().replace("’", "'")
    asks = lowered.endswith(("?", "？"))
    if not any(map(str.isalnum, lowered if asks else _COURTESY.sub("", lowered))):
        return None
    if match := _OPENING.match(lowered) or _CHINESE_OPENING.match(lowered):
        return f'it opens with "{match.group().strip()}"'
    if match := _CHINESE_ENDING.search(lowered):
        return f'it ends with "{match.group()}"'
    telling = len(set(words(text)))
    if telling <= REFERRING_WORDS and (match := _REFERENCE.search(lowered) or _CHINESE_REFERENCE.search(lowered)):
        return f'"{match.group()}" refers to something'
    return "it is short" if telling <= SHORT_WORDS else None


def search_all(knowledge: Knowledge, asked: Sequence[Asked], k: int) -> list[Answered]:
    """The best ``k`` passages for each message, in as few passes of the encoder as there are different filters."""
    leaning = [bool(one.before.strip() and leans(one.text)) for one in asked]
    wholes = [replace(one, text=_whole(one)) for one, leans_on in zip(asked, leaning, strict=True) if leans_on]
    found = _search(knowledge, [*asked, *wholes], DEPTH if wholes else k)
    contexts = iter(zip(wholes, found[len(asked) :], strict=True))
    answers: list[Answered] = []
    for one, alone, leans_on in zip(asked, found, leaning, strict=False):
        spelled = knowledge.spelled(one.text)
        why = "" if spelled == one.text else "with its spelling mended"
        answer = Answered(outcome=knowledge.outcome(one.text, alone.hits, k), searched=spelled, why=why)
        if leans_on:
            whole, together = next(contexts)
            both = knowledge.outcome(whole.text, fused(together.hits, alone.hits), k)
            if both.probability > alone.probability and _means_something(one.text, alone):
                why = ", ".join(filter(None, [f"with what was said before: {leans(one.text)}", why]))
                answer = Answered(outcome=both, searched=knowledge.spelled(whole.text), why=why)
        answers.append(answer)
    return answers


def _search(knowledge: Knowledge, asked: Sequence[Asked], k: int) -> list[SearchOutcome]:
    """The outcome for each text, those with the same filters together."""
    groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for row, one in enumerate(asked):
        groups.setdefault(tuple(sorted(one.filters.items())), []).append(row)
    found: dict[int, SearchOutcome] = {}
    for filters, rows in groups.items():
        texts = [asked[row].text for row in rows]
        found |= zip(rows, knowledge.search_batch(texts, k, dict(filters) or None), strict=True)
    return [found[row] for row in range(len(asked))]


def _whole(asked: Asked) -> str:
    return f"{asked.before.strip()[-CONTEXT_CHARS:]} {asked.text.strip()}"


def _means_something(text: str, alone: SearchOutcome) -> bool:
    """Whether the knowledge knows anything of what the message itself says: else its context would be answered."""
    return alone.probability >= alone.draft_at or len(set(words(text))) <= SHORT_WORDS


def fused(whole: Sequence[Hit], alone: Sequence[Hit]) -> list[Hit]:
    """The hits of message and context, ordered by both scores; a passage that one search has not counts as its last."""
    if not alone:
        return list(whole)
    scores = {hit.passage.id: hit.score for hit in alone}
    least = alone[-1].score
    return sorted(whole, key=lambda hit: -(hit.score + ALONE_WEIGHT * scores.get(hit.passage.id, least)))

"""Whether passages carry a sentence, and if not, why. Deterministic and explained; knows no models.

One statement of a passage (a sentence or what stands between semicolons, with its title) must carry the whole sentence:
every content word, every number with what it counts and what it belongs to, every name and link, the same negation and
no condition left out. This refuses some fair paraphrase, so that nothing invented is sent.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from retrieval.orders import order_in
from retrieval.passages import sentences
from retrieval.statements import Token, clauses, is_item, led_sentences, tokens
from retrieval.vocabulary import EXCEPTED, MEASURES, SHARES, SOFT

BORROWED_SHARE = 0.34
"""How much of a sentence's content may come from the title and the statement before, where "it" refers to it."""

ORDER_SHARE = 0.5
"""How much of a sentence's content must stand in the same order as in the statement."""

_OWN_VOICE = re.compile(
    r"\b(?:I|I'm|I'll|I've|I'd|my|myself)\b|\bas an? (?:AI|assistant|language model)\b"
    r"|我(?!们)|本人|作为(?:一个|一名)?(?:AI|人工智能|助手|语言模型)"
)
_META = re.compile(
    r"\b(?:the|this|these|provided|given|above)\s+(?:\w+\s+)?"
    r"(?:passages?|texts?|contexts?|excerpts?|documents?|questions?)\b"
    r"|\baccording to the\b.{0,20}\b(?:passage|text|information)\b"
    r"|\b(?:is|are|does|do) not (?:mention|provide|specif|state|say)"
    r"|\b(?:ignore|disregard)\b.{0,30}\binstructions?\b|system prompt"
    r"|文章|文本|上文|上述(?:内容|文本)|段落|原文|文中|提示词|系统提示"
    r"|(?:没有|并未|未)(?:提及|提到|说明|给出|提供)(?:相关|任何)?(?:信息|内容)?",
    re.IGNORECASE,
)
_BY_PRONOUN = re.compile(
    r"\b(?:is|are|was|were|be) (?:you|me|us|them|him|her|it|they|we)[.!]?$|是(?:[你您我他她它]们?|大家)[。！]?$",
    re.IGNORECASE,
)
"""A statement made of words that need not stand in a passage: "the person who uses it is you"."""

SAYS_NOTHING = "says nothing that a passage could carry"
"""The reason where a sentence is no more than "Yes.", "Sure, please do", the number of an item or a heading."""

_BARE = re.compile(r"\W*\d{1,2}[.)、]\W*|\s*#.*")

_INVISIBLE = re.compile(r"[\ufe00-\ufe0e\U000e0100-\U000e01ef\u034f\u115f\u1160\u3164\uffa0]")
"""Characters that show nothing and are no format characters by Unicode's categories. U+FE0F makes emoji of signs."""

_RANGE = re.compile(r"\s*(?:to|and|or|up to|[-–—~～至到和或])?\s*", re.IGNORECASE)
"""What may stand between two ends of a range, or two parts of a telephone number."""

_PEOPLE = {
    "we": re.compile(r"\b(?:we|us)\b|我们(?!的)|本店|本公司|我司", re.IGNORECASE),
    "you": re.compile(r"\byou\b|[你您]们?(?![的们])", re.IGNORECASE),
}
"""Who gives and who gets: words that are left out where only content counts. Whose something is tells less."""

_NAMING = ("word", "code")
_SEMICOLON = re.compile(r"[;；]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """The verdict on a sentence, the passages that carry it, and what speaks against it."""

    supported: bool
    passage_ids: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statement:
    """What one sentence of a passage says. ``title`` and ``before`` are what its pronouns may stand for.

    ``asked``: the title is a question, which the statement answers.
    """

    line: tuple[Token, ...]
    text: str
    title: "_Context"
    before: "_Context"
    asked: bool


@dataclass(frozen=True, slots=True)
class _Context:
    """Words beside a statement."""

    text: str

    def holds(self, token: Token) -> bool:
        if _is_chinese(token.shown) and token.shown in self.text:
            return True
        return any(other.value == token.value and other.kind == token.kind for other in tokens(self.text))


def check(sentence: str, passages: Sequence[tuple[str, str, str]]) -> Support:
    """Hold a sentence against passages (id, title, text). ``reasons`` are those of the nearest statement.

    A passage that gives orders to the model carries nothing.
    """
    if reason := _no_statement(sentence):
        return Support(supported=False, reasons=(reason,))
    passages = [passage for passage in passages if not order_in(f"{passage[1]}\n{passage[2]}")]
    lines = [(part, line) for part in _SEMICOLON.split(sentence) if _content(line := tokens(part))]
    if not lines or _BARE.fullmatch(sentence):
        return Support(supported=False, reasons=(SAYS_NOTHING,))
    verdicts = {number: _verdict(sentence, lines, title, text) for number, title, text in passages}
    if carriers := tuple(number for number, reasons in verdicts.items() if not reasons):
        return Support(supported=True, passage_ids=carriers)
    fewest = min(verdicts, key=lambda number: len(verdicts[number]), default=None)
    return Support(supported=False, reasons=("there are no passages",) if fewest is None else verdicts[fewest])


def _verdict(sentence: str, lines: Sequence[tuple[str, tuple[Token, ...]]], title: str, text: str) -> tuple[str, ...]:
    """Why a passage does not carry the parts of a sentence; empty if it does."""
    if _is_quoted(sentence, text):
        return ()
    statements = list(_statements(title, text))
    reasons: list[str] = []
    for part, line in lines:
        objections = [[*_objections(line, statement), *_people(part, statement.text)] for statement in statements]
        nearest = min(objections, key=len) if objections else ["the passage is empty"]
        reasons += nearest
    return tuple(reasons)


def _no_statement(sentence: str) -> str:
    if any(unicodedata.category(character) in ("Cf", "Cc") for character in sentence.strip()) or (
        _INVISIBLE.search(sentence)
    ):
        return "holds invisible characters"
    if sentence.rstrip().endswith(("?", "？")):
        return "asks instead of answering"
    if found := _OWN_VOICE.search(sentence):
        return f"speaks in its own voice: {found.group()!r}"
    if found := _BY_PRONOUN.search(sentence):
        return f"names somebody by a pronoun alone: {found.group()!r}"
    if found := _META.search(sentence):
        return f"speaks about its sources: {found.group()!r}"
    return ""


def _is_quoted(sentence: str, text: str) -> bool:
    wanted = " ".join(sentence.split())
    return any(" ".join(other.split()) == wanted for other in sentences(text)) and not is_item(sentence)


def _statements(title: str, text: str) -> Iterator[_Statement]:
    asked = title.rstrip().endswith(("?", "？"))
    before = ""
    for sentence in led_sentences(text):
        for part in _SEMICOLON.split(sentence):
            yield _Statement(line=tokens(part), text=part, title=_Context(title), before=_Context(before), asked=asked)
            before = part


def _content(line: Sequence[Token]) -> list[Token]:
    return [token for token in line if token.kind not in ("comma", "negation", "condition") and token.value not in SOFT]


def _objections(line: Sequence[Token], statement: _Statement) -> Iterator[str]:
    """Why a statement does not carry a sentence; nothing if it does. Cheap and telling reasons first."""
    content = _content(line)
    borrowed: list[Token] = []
    near = 0
    for token in content:
        if token.kind == "number":
            if not any(_same_number(token, other) for other in statement.line):
                yield f"the number {token.shown} does not stand there"
        elif not _holds(statement, token):
            from_title = token.kind in _NAMING and statement.title.holds(token)
            if not from_title and not (token.kind in _NAMING and statement.before.holds(token)):
                yield f"{token.shown!r} does not stand there"
            borrowed.append(token)
            near += not (from_title and statement.asked)
    if near > BORROWED_SHARE * len(content) or len(borrowed) == len(content):
        yield f"{borrowed[0].shown!r} stands only near it"
    yield from _order(line, statement, {token.value for token in borrowed})
    yield from _modifier(line, statement)
    yield from _numbers(line, statement.line)
    yield from _ranges(line, statement)
    yield from _polarity(line, statement, borrowed=bool(borrowed))
    yield from _conditions(line, statement.line)


def _holds(statement: _Statement, token: Token) -> bool:
    """Whether a statement has a word; Chinese may be cut into words differently on the two sides."""
    if _is_chinese(token.shown) and token.kind == "word" and token.shown in statement.text:
        return True
    return any(other.value == token.value and other.kind == token.kind for other in statement.line)


def _order(line: Sequence[Token], statement: _Statement, borrowed: set[str]) -> Iterator[str]:
    """The sentence's words in another order, or a word in the place of another."""
    ours = [token.value for token in _content(line)]
    theirs = [token.value for token in _content(statement.line)]
    steps = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    kept = sum(end - start for tag, start, end, _, _ in steps if tag == "equal")
    if kept < ORDER_SHARE * len(ours) - len(borrowed):
        yield "says it in another order"
    for tag, start, end, their_start, _ in steps:
        swapped = borrowed & set(ours[start:end])
        if tag == "replace" and swapped:
            yield f"{min(swapped)!r} stands in the place of {theirs[their_start]!r}"
    for at, token in enumerate(ours):
        if token in ("before", "after") and token in theirs and at + 1 < len(ours):
            place = theirs.index(token)
            if ours[at + 1] not in theirs[place + 1 : place + 4]:
                yield f"another thing comes {token}"


def _modifier(line: Sequence[Token], statement: _Statement) -> Iterator[str]:
    """A word left out before the subject: "sale items" are not all items."""
    first = next((token for token in line if token.kind == "word" and token.value not in SOFT), None)
    places = [at for at, token in enumerate(statement.line) if first is not None and token.value == first.value]
    if first is None or not places or statement.title.holds(first):
        return
    values = {token.value for token in line}
    for at in places:
        word = statement.line[at - 1] if at else None
        if word is None or word.kind not in ("word", "code") or not statement.line[at].follows(word):
            return
        if word.value in values or word.value in SOFT:
            return
    yield f"leaves out {statement.line[places[0] - 1].shown!r}"


def _numbers(line: Sequence[Token], statement: Sequence[Token]) -> Iterator[str]:
    """A number must belong to the same words: to some between it and the number before, to none of a later clause."""
    segments = list(_segments(statement))
    before: Token | None = None
    for number, words_before, _ in _segments(line):
        matches = [at for at, (other, _, _) in enumerate(segments) if _same_number(number, other)]
        if matches and words_before:
            fits = any(
                (words_before & segments[at][1] or not segments[at][1]) and not words_before & segments[at][2]
                for at in matches
            )
        elif matches and before is not None:
            fits = any(at > 0 and _same_number(before, segments[at - 1][0]) for at in matches)
        else:
            fits = True
        if not fits:
            yield f"the number {number.shown} belongs to something else"
        before = number


def _ranges(line: Sequence[Token], statement: _Statement) -> Iterator[str]:
    """One end of a range without the other, or half of a telephone number: "2 to 3 weeks" is not 2 weeks."""
    text = unicodedata.normalize("NFKC", statement.text)
    for first, second in pairwise(statement.line):
        if first.kind == second.kind == "number" and _RANGE.fullmatch(
            text[first.place + len(first.shown) : second.place]
        ):
            said = [any(_same_number(ours, end) for ours in line if ours.kind == "number") for end in (first, second)]
            if said[0] != said[1]:
                yield f"leaves out {(first if said[1] else second).shown} of {first.shown} and {second.shown}"


def _people(ours: str, theirs: str) -> Iterator[str]:
    """The company in the customer's place, or the other way round: "we pay you" is not "you pay us"."""
    said, told = ([who for _, who in sorted(_places(text))] for text in (ours, theirs))
    for who in said:
        if told and who not in told:
            yield f"speaks of {who!r}, where the passage speaks of {told[0]!r}"
    if len(said) == len(told) == len(_PEOPLE) and said != told:
        yield f"puts {said[0]!r} in the place of {told[0]!r}"


def _places(text: str) -> Iterator[tuple[int, str]]:
    return ((found.start(), who) for who, names in _PEOPLE.items() if (found := names.search(text)))


def _segments(line: Sequence[Token]) -> Iterator[tuple[Token, frozenset[str], frozenset[str]]]:
    """Each number, the content words since the one before, and the words that stand in later clauses only."""
    near: set[str] = set()
    for at, token in enumerate(line):
        if token.kind == "number":
            comma = next((place for place in range(at, len(line)) if line[place].kind == "comma"), len(line))
            far = {other.value for other in line[comma:]} - {other.value for other in line[:comma]}
            yield token, frozenset(near), frozenset(far)
            near = set()
        elif token.kind in (*_NAMING, "free") and token.value not in SOFT:
            near.add(token.value)


def _polarity(line: Sequence[Token], statement: _Statement, *, borrowed: bool) -> Iterator[str]:
    theirs = clauses(statement.line)
    if theirs and theirs[0] and all(token.kind == "negation" for token in theirs[0]) and len(theirs) > 1:
        if borrowed:  # "No, ..." denies what the question asked
            yield "the answer there is no"
        theirs = theirs[1:]
    for clause in clauses(line):
        values = {token.value for token in _content(clause)}
        if not values or not theirs:
            continue
        overlap = [len(values & {token.value for token in other}) for other in theirs]
        matching = [other for other, count in zip(theirs, overlap, strict=True) if count == max(overlap)]
        if not any(_negated(clause) == _negated(other) for other in matching):
            yield "one denies what the other says"
        elif not _negated(clause) and (denied := _only_denied(values, theirs)):
            yield f"{denied!r} is denied there"


def _only_denied(values: set[str], theirs: Sequence[Sequence[Token]]) -> str:
    """A word that stands in clauses with a negation only, while others have none; empty if there is none."""
    affirmed = {token.value for clause in theirs if not _negated(clause) for token in clause}
    denied = {token.value for clause in theirs if _negated(clause) for token in _content(clause)}
    return min(values & denied - affirmed, default="") if affirmed else ""


def _negated(line: Sequence[Token]) -> bool:
    return any(token.kind == "negation" for token in line)


def _conditions(line: Sequence[Token], statement: Sequence[Token]) -> Iterator[str]:
    """A condition that one of both leaves out."""
    ours, theirs = _condition_values(line), _condition_values(statement)
    for value in ours - theirs:
        yield f"{value!r} limits only the sentence"
    values = _values(line)
    parts = clauses(statement)
    for clause in parts:
        said = [token for token in clause if token.value in SHARES and (token.kind, token.value) not in values]
        if said and values & _values(clause):
            yield f"leaves out {said[0].shown!r}"
    for place, clause in enumerate(parts):
        before = parts[place - 1] if place else []
        following = parts[place + 1] if place + 1 < len(parts) else before
        for limit, rest in _limited(clause, before, following):
            asked = _values(limit)
            kept = bool(asked & values) if asked else limit[0].value in ours
            if _values(rest) & values - asked and not kept:
                yield f"leaves out a condition: {' '.join(token.shown for token in limit)}"


def _limited(
    clause: Sequence[Token], before: Sequence[Token], following: Sequence[Token]
) -> Iterator[tuple[Sequence[Token], Sequence[Token]]]:
    """The conditions of a clause, each with what it limits: the rest of it, or another clause where it is all of it.

    What is excepted ("unless", 除外) limits what comes before; else it is the next clause, or the last one before.
    """
    starts = [at for at in range(len(clause)) if _limits(clause, at)]
    for at, end in zip(starts, [*starts[1:], len(clause)][: len(starts)], strict=True):
        if clause[at].value in MEASURES:
            near = next(
                place for place in (at + 1, at - 1, at - 2) if 0 <= place < len(clause) and _counts(clause[place])
            )
            yield [clause[at], clause[near]], [*clause[: min(at, near)], *clause[max(at, near) + 1 :]]
        elif clause[at].shown == EXCEPTED:
            yield clause, before
        else:
            beside = before or following if clause[at].value == "unless" else following
            yield clause[at:end], clause[:at] or beside


def _condition_values(line: Sequence[Token]) -> set[str]:
    return {token.value for at, token in enumerate(line) if _limits(line, at)}


def _limits(line: Sequence[Token], at: int) -> bool:
    token = line[at]
    if token.kind != "condition":
        return False
    near = (*line[max(0, at - 2) : at], *line[at + 1 : at + 2])
    return token.value not in MEASURES or any(_counts(other) for other in near)


def _counts(token: Token) -> bool:
    return token.kind == "number"


def _values(line: Sequence[Token]) -> set[tuple[str, str]]:
    return {(token.kind, token.value) for token in _content(line)}


def _same_number(ours: Token, theirs: Token) -> bool:
    return theirs.kind == "number" and theirs.value == ours.value and (not ours.unit or theirs.unit == ours.unit)


def _is_chinese(text: str) -> bool:
    return bool(text) and "\u3400" <= text[0] <= "\u9fff"

"""Text into tokens that can be held against each other: words, numbers with what they count, links, names. Pure.

Words are stemmed and folded with their near-synonyms; numbers are values whatever their spelling ("two", "2", "二").
English and Chinese. Knows nothing of what supports what.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

from retrieval.passages import sentences
from retrieval.vocabulary import (
    CHINESE_DIGITS,
    CHINESE_FREE,
    CHINESE_NUMBER,
    CONDITIONS,
    CONTRASTS,
    COUNTED,
    CURRENCIES,
    DAY_HALVES,
    DENYING,
    FREE,
    LIMITS,
    NEGATIONS,
    NOT_DENIED,
    NUMBER_WORDS,
    PHRASES,
    SCALES,
    SOFT,
    SYNONYMS,
    UNITS,
    WORKING,
)
from retrieval.words import STOP_WORDS, chinese_words, is_chinese_word, words

Kind = Literal["word", "number", "link", "code", "comma", "negation", "condition", "free"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of text. ``value`` is what is compared, ``shown`` what was written, ``place`` where it begins.

    A negation is "not", or "deny" beside the word that denies. ``unit`` says what a number counts, where that is told:
    a currency, per cent, a time, a half of the day, a measure.
    """

    kind: Kind
    value: str
    shown: str
    place: int
    unit: str = ""

    def follows(self, other: "Token") -> bool:
        """Whether nothing but a space stands between the other and this one."""
        return 0 <= self.place - other.place - len(other.shown) <= 1


_NUMBER = r"\d+(?:[.,:]\d+)*"
_ADDRESS = r"[^\s<>()\[\]\"'“”（）。，、；：]"
_TOKEN = re.compile(
    rf"(?P<link>https?://{_ADDRESS}+|www\.{_ADDRESS}+"
    r"|(?<![a-z0-9_.+-])[a-z0-9_.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+"
    rf"|(?<![a-z0-9_.-])(?:[a-z0-9-]+\.)+[a-z]{{2,}}(?![a-z0-9_]|\.[a-z0-9])(?:/{_ADDRESS}*)?)"
    r"|(?P<half>(?<=\d)\s?[ap]\.?m\b\.?)"
    r"|(?P<number>(?:\bminus\s|(?<![^\s(:：\u3400-\u9fff])[-−](?=\d))?[£$€¥￥]?"
    rf"\s?{_NUMBER}(?:\s?[%％]|(?:st|nd|rd|th)(?![a-z]))?(?![a-z]*\d))"
    r"|(?P<code>(?=[a-z]*\d)[a-z0-9]+)"
    r"|(?P<comma>[,;，；、:：])"
    r"|(?P<latin>[a-z\u00c0-\u024f]+(?:'[a-z]+)*)"
    r"|(?P<chinese>[\u3400-\u9fff\uf900-\ufaff]+)"
    r"|(?P<letters>[^\W\d_]+)",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\s*(?:[-*•·]|\d{1,2}[.)、])\s*\S")
_WRAP = re.compile(r"(?<=[a-z,])\n(?=[a-z])")
"""A line that goes on in the next one, as in text that was wrapped."""

_DENIALS = "不没无未勿非"
_COUNTS_TIME = re.compile(r"\s(?:working |business )?(?:second|minute|hour|day|week|month|year)\b", re.IGNORECASE)
"""After "one" that is a number, where it is mostly a pronoun."""
_DENIES = re.compile(r"\s(?:excludes|prohibits|forbids|refuses|rejects|declines)\b", re.IGNORECASE)
"""After an "and" that parts what is denied from what is not."""
_BELOW_ZERO = re.compile(r"minus|[-−]", re.IGNORECASE)


@functools.lru_cache(maxsize=2048)  # each sentence of a draft is held against the same passages
def tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a sentence, in order, function words left out."""
    text = plain(text)
    return _with_units(list(_tokens(text)))


def plain(text: str) -> str:
    """A text as its tokens' places count it."""
    return unicodedata.normalize("NFKC", text).replace("’", "'")


def is_item(text: str) -> bool:
    """Whether a text begins with an item of a list."""
    return _ITEM.match(text) is not None


def led_sentences(text: str) -> Iterator[str]:
    """The sentences of a text; an item of a list with what leads into it, which may deny it ("We do not accept:")."""
    lead = ""
    for line in _WRAP.sub(" ", text).split("\n"):
        if line.rstrip().endswith((":", "：")):
            lead = line.strip().rstrip(":：")
        elif line.strip() and not is_item(line):
            lead = ""
        yield from (f"{lead} {part}" if lead and is_item(line) else part for part in sentences(line))


def clauses(line: Sequence[Token]) -> list[list[Token]]:
    """A line cut at its commas and at words like "but"."""
    parts: list[list[Token]] = [[]]
    for token in line:
        if token.kind == "comma":
            parts.append([])
        else:
            parts[-1].append(token)
    whole: list[list[Token]] = []
    for part in filter(None, parts):
        if whole and all(token.kind == "negation" for token in part):
            whole[-1] += part  # "Pets allowed: no"
        else:
            whole.append(part)
    return whole


def content(line: Sequence[Token]) -> list[Token]:
    """What a line says something with: its words, numbers and links."""
    return [token for token in line if token.kind not in ("comma", "negation", "condition") and token.value not in SOFT]


def telling(line: Sequence[Token]) -> frozenset[str]:
    """The words of a line that tell something, numbers and links left out."""
    return frozenset(
        token.value for token in line if token.kind in ("word", "code", "free") and token.value not in SOFT
    )


def _tokens(text: str) -> Iterator[Token]:
    """The tokens of a text, phrases first: they are cut out, so that their words are not read again."""
    phrases: list[Token] = []
    for phrase, value in PHRASES:
        for match in phrase.finditer(text):
            if value:
                kind: Kind = "negation" if value in ("not", "deny") else "condition"
                phrases.append(Token(kind=kind, value=value, shown=match.group(), place=match.start()))
            text = f"{text[: match.start()]}{' ' * len(match.group())}{text[match.end() :]}"
    yield from sorted([*phrases, *_single(text)], key=lambda token: token.place)


def _single(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        shown, place = match.group(), match.start()
        match match.lastgroup:
            case "link":
                shown = shown.rstrip(".,;:!?/")
                value = re.sub(r"^(?:https?://)?(?:www\.)?", "", shown.lower())
                yield Token(kind="link", value=value, shown=shown, place=place)
            case "half":
                value = re.sub(r"[\s.]", "", shown.lower())
                yield Token(kind="word", value=value, shown=shown, place=place)
            case "number":
                yield from _numbers(shown, place)
            case "comma":
                yield Token(kind="comma", value=",", shown=shown, place=place)
            case "chinese":
                yield from _chinese(shown, place, counted=text[:place].rstrip()[-1:].isdigit())
            case "latin" if shown.lower() == "and" and _DENIES.match(text, match.end()):
                yield Token(kind="comma", value=",", shown=shown, place=place)
            case "latin" if shown.lower() == "one" and _COUNTS_TIME.match(text, match.end()):
                yield Token(kind="number", value="1", shown=shown, place=place)
            case "latin":
                yield from _latin(shown, place)
            case _:
                yield Token(kind="code", value=shown.lower(), shown=shown, place=place)


def _numbers(shown: str, place: int) -> Iterator[Token]:
    place, shown = place + len(shown) - len(shown.lstrip()), shown.strip()
    sign = _BELOW_ZERO.match(shown)
    unit = "%" if shown[-1] == "%" else CURRENCIES.get(shown[sign.end() if sign else 0 :].lstrip()[0], "")
    digits = re.sub(r"[^\d.:,]", "", shown)
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits):
        digits = digits.replace(",", "")
    for part in digits.split(",") if ":" not in digits else [digits]:
        whole = re.fullmatch(r"\d+(?:\.\d+)?", part)
        value = f"{float(part):.15g}" if whole and not re.match(r"0\d", part) else part
        yield Token(kind="number", value=f"-{value}" if sign else value, shown=shown, place=place, unit=unit)


def _latin(shown: str, place: int) -> Iterator[Token]:
    lower = shown.lower()
    if lower in DENYING:
        yield Token(kind="negation", value="deny", shown=shown, place=place)
    if lower in CONTRASTS:
        yield Token(kind="comma", value=",", shown=shown, place=place)
    elif lower in NEGATIONS or lower.endswith("n't"):
        yield Token(kind="negation", value="not", shown=shown, place=place)
    elif lower in CONDITIONS:
        yield Token(kind="condition", value=CONDITIONS[lower], shown=shown, place=place)
    elif lower in FREE:
        yield Token(kind="free", value="free", shown=shown, place=place)
    elif lower in NUMBER_WORDS:
        yield Token(kind="number", value=NUMBER_WORDS[lower], shown=shown, place=place)
    elif lower in LIMITS:
        yield Token(kind="word", value=lower, shown=shown, place=place)
    elif lower not in STOP_WORDS:
        value = next(iter(words(lower)), lower)
        yield Token(kind="word", value=SYNONYMS.get(value, value), shown=shown, place=place)


def _chinese(run: str, place: int, *, counted: bool) -> Iterator[Token]:
    """``counted``: a number stands before the run, which may begin with what that counts."""
    while run:
        if counted and (unit := COUNTED.match(run)):
            yield Token(kind="word", value=unit.group(), shown=unit.group(), place=place)
            run, place = run[unit.end() :], place + unit.end()
        number = CHINESE_NUMBER.search(run)
        for word in _cut(run[: number.start()] if number else run):
            yield from _chinese_word(word, place)
            place += len(word)
        if number is None:
            return
        shown = number.group()
        yield Token(kind="number", value=str(_chinese_value(shown)), shown=shown, place=place)
        run, place, counted = run[number.end() :], place + len(shown), True


def _cut(run: str) -> Iterator[str]:
    """Words; a negated word ("不支持") in its two parts, and a guessed one ("费不含") in its three."""
    for word in chinese_words(run):
        inner = next((at for at, character in enumerate(word) if at and character in _DENIALS), 0)
        if inner and not is_chinese_word(word):
            yield from filter(None, (word[:inner], word[inner], word[inner + 1 :]))
            continue
        if len(word) > 1 and word[0] in _DENIALS and not {word, word[:2]} & (NEGATIONS | NOT_DENIED):
            yield from (word[0], word[1:])
        else:
            yield word


def _chinese_word(word: str, place: int) -> Iterator[Token]:
    if word in DENYING:
        yield Token(kind="negation", value="deny", shown=word, place=place)
    if word in CONTRASTS:
        yield Token(kind="comma", value=",", shown=word, place=place)
    elif word in NEGATIONS:
        yield Token(kind="negation", value="not", shown=word, place=place)
    elif word in CONDITIONS:
        yield Token(kind="condition", value=CONDITIONS[word], shown=word, place=place)
    elif word in CHINESE_FREE:
        yield Token(kind="free", value="free", shown=word, place=place)
    elif word not in STOP_WORDS or word in LIMITS:
        yield Token(kind="word", value=SYNONYMS.get(word, word), shown=word, place=place)


def _chinese_value(run: str) -> int:
    """ "二十五" into 25, "二零二五" into 2025."""
    if not any(character in SCALES for character in run):
        return int("".join(str(CHINESE_DIGITS[character]) for character in run))
    total, digit = 0, 0
    for character in run:
        if character in CHINESE_DIGITS:
            digit = CHINESE_DIGITS[character]
        else:
            scale = SCALES[character]
            total = (total + digit) * scale if scale == 10_000 else total + (digit or 1) * scale
            digit = 0
    return total + digit


def _with_units(line: list[Token]) -> tuple[Token, ...]:
    """Numbers take the unit that follows them, over "to" and a further number: the 2 of "2 to 4 days" counts days.

    The half of the day stands after an English hour and before a Chinese one.
    """
    spent: set[int] = set()
    for at in range(len(line) - 1, -1, -1):
        if line[at].kind != "number" or line[at].unit:
            continue
        if at and line[at - 1].shown == "零下" and line[at].follows(line[at - 1]):
            line[at] = replace(line[at], value=f"-{line[at].value}")
            spent.add(at - 1)
        if at and line[at - 1].shown in DAY_HALVES and line[at].follows(line[at - 1]):
            line[at] = replace(line[at], unit=DAY_HALVES[line[at - 1].shown])
            spent.add(at - 1)
            continue
        if at + 1 < len(line) and line[at + 1].kind == "number":
            unit = line[at + 1].unit
            line[at] = replace(line[at], unit="" if unit in (*CURRENCIES.values(), "am", "pm") else unit)
            continue
        words_ahead = list(takewhile(lambda ahead: line[ahead].kind == "word", range(at + 1, min(at + 3, len(line)))))
        ahead = next((ahead for ahead in words_ahead if line[ahead].value in UNITS), None)
        if ahead is not None:
            unit = UNITS[line[ahead].value]
            working = [place for place in words_ahead if place < ahead and line[place].value in WORKING]
            line[at] = replace(line[at], unit=f"working {unit}" if working else unit)
            spent.update((*working, ahead))
    return tuple(token for at, token in enumerate(line) if at not in spent)

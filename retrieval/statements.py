"""Text into tokens that can be held against each other: words, numbers with what they count, links, names. Pure.

Words are stemmed and folded with their near-synonyms; numbers are values whatever their spelling ("two", "2", "二").
English and Chinese. Knows nothing of what supports what.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from retrieval.passages import sentences
from retrieval.vocabulary import (
    CHINESE_DIGITS,
    CHINESE_FREE,
    CONDITIONS,
    CONTRASTS,
    CURRENCIES,
    FREE,
    LIMITS,
    NEGATIONS,
    NUMBER_WORDS,
    SCALES,
    SYNONYMS,
    UNITS,
)
from retrieval.words import STOP_WORDS, chinese_words, words

Kind = Literal["word", "number", "link", "code", "comma", "negation", "condition", "free"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of text. ``value`` is what is compared, ``shown`` what was written, ``place`` where it begins.

    ``unit`` says what a number counts, where that is told: a currency, per cent, a time, a measure.
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
    rf"(?P<link>https?://{_ADDRESS}+|www\.{_ADDRESS}+|[a-z0-9_.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+"
    rf"|(?<![a-z0-9_.])(?:[a-z0-9-]+\.)+[a-z]{{2,}}(?![a-z0-9_]|\.[a-z0-9])(?:/{_ADDRESS}*)?)"
    rf"|(?P<number>[£$€¥￥]?\s?{_NUMBER}(?:\s?[%％]|(?:st|nd|rd|th)(?![a-z]))?(?![a-z]*\d))"
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

_DENIALS = "不没无未勿"
_CHINESE_NUMBER = re.compile("[零〇一二两三四五六七八九十百千万]+")


@functools.lru_cache(maxsize=2048)  # each sentence of a draft is held against the same passages
def tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a sentence, in order, function words left out."""
    text = unicodedata.normalize("NFKC", text).replace("’", "'")
    return _with_units(list(_tokens(text)))


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
    return [part for part in parts if part]


def _tokens(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        shown, place = match.group(), match.start()
        match match.lastgroup:
            case "link":
                shown = shown.rstrip(".,;:!?/")
                value = re.sub(r"^(?:https?://)?(?:www\.)?", "", shown.lower())
                yield Token(kind="link", value=value, shown=shown, place=place)
            case "number":
                yield from _numbers(shown, place)
            case "comma":
                yield Token(kind="comma", value=",", shown=shown, place=place)
            case "chinese":
                yield from _chinese(shown, place)
            case "latin":
                yield from _latin(shown, place)
            case _:
                yield Token(kind="code", value=shown.lower(), shown=shown, place=place)


def _numbers(shown: str, place: int) -> Iterator[Token]:
    place, shown = place + len(shown) - len(shown.lstrip()), shown.strip()
    unit = "%" if shown[-1] == "%" else CURRENCIES.get(shown[0], "")
    digits = re.sub(r"[^\d.:,]", "", shown)
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits):
        digits = digits.replace(",", "")
    for part in digits.split(",") if ":" not in digits else [digits]:
        plain = re.fullmatch(r"\d+(?:\.\d+)?", part)
        value = f"{float(part):.15g}" if plain and not re.match(r"0\d", part) else part
        yield Token(kind="number", value=value, shown=shown, place=place, unit=unit)


def _latin(shown: str, place: int) -> Iterator[Token]:
    lower = shown.lower()
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


def _chinese(run: str, place: int) -> Iterator[Token]:
    for word in _cut(run):
        yield from _chinese_word(word, place)
        place += len(word)


def _cut(run: str) -> Iterator[str]:
    """Words; a negated word ("不支持") in its two parts."""
    for word in chinese_words(run):
        if len(word) > 1 and word not in NEGATIONS and word[0] in _DENIALS:
            yield from (word[0], word[1:])
        else:
            yield word


def _chinese_word(word: str, place: int) -> Iterator[Token]:
    number = _CHINESE_NUMBER.match(word)
    value = _chinese_value(number.group()) if number else None
    if word in CONTRASTS:
        yield Token(kind="comma", value=",", shown=word, place=place)
    elif word in NEGATIONS:
        yield Token(kind="negation", value="not", shown=word, place=place)
    elif word in CONDITIONS:
        yield Token(kind="condition", value=CONDITIONS[word], shown=word, place=place)
    elif word in CHINESE_FREE:
        yield Token(kind="free", value="free", shown=word, place=place)
    elif number and value is not None:
        unit = UNITS.get(word[number.end() :], "")
        yield Token(kind="number", value=str(value), shown=word, place=place, unit=unit)
    elif word not in STOP_WORDS or word in LIMITS:
        yield Token(kind="word", value=SYNONYMS.get(word, word), shown=word, place=place)


def _chinese_value(run: str) -> int | None:
    """ "二十五" into 25; None for a lone "一", which is mostly an article, and for the ten thousands in words."""
    if run in ("一", "万", "千", "百", "十"):
        return 10 if run == "十" else None
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
    """Numbers take the unit that follows them, over "to" and a further number: the 2 of "2 to 4 days" counts days."""
    spent: set[int] = set()
    for at in range(len(line) - 1, -1, -1):
        if line[at].kind != "number" or line[at].unit:
            continue
        if at + 1 < len(line) and line[at + 1].kind == "number":
            unit = line[at + 1].unit
            line[at] = replace(line[at], unit="" if unit in CURRENCIES.values() else unit)
            continue
        for ahead in range(at + 1, min(at + 3, len(line))):
            if line[ahead].kind == "word" and line[ahead].value in UNITS:
                line[at] = replace(line[at], unit=UNITS[line[ahead].value])
                spent.add(ahead)
            if line[ahead].kind != "word" or line[at].unit:
                break
    return tuple(token for at, token in enumerate(line) if at not in spent)

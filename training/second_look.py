"""What a sent sentence names that none of its passages name: numbers, links, names, denials. Pure.

A second look at answers that the support check let through, made in another way on purpose: it knows no tokens, stems
or clauses of ``retrieval.statements``, only characters, so that a fault there does not hide itself.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"'“”，。、；]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_CAPITAL = re.compile(r"(?<![\w.])[A-Z][\w’'-]*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;\n•\-*\"“(]\s*|\d\s+)$")
_QUOTED = re.compile(r"[《「『“\"]([^》」』”\"]{2,40})[》」』”\"]")
_DENIAL = re.compile(r"\b(?:not|never|no|cannot|nobody|none|without)\b|n[’']t\b|不|没|无法|未|禁止", re.IGNORECASE)
_WORD = re.compile(r"[a-z]{3,}|[\u3400-\u9fff]", re.IGNORECASE)
_NUMBER_WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_CHINESE_DIGITS = dict(zip("一二两三四五六七八九十", (1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10), strict=True))

SAME_SHARE = 0.6
"""A line of a passage that has this share of a sentence's words says the same, or its opposite."""


def foreign(sentence: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Each thing that a sentence says and none of the passages (titles included) says, in words."""
    sentence = unicodedata.normalize("NFKC", sentence)
    source = unicodedata.normalize("NFKC", "\n".join(texts))
    return tuple(dict.fromkeys(_foreign(sentence, source)))


def _foreign(sentence: str, source: str) -> Iterator[str]:
    lower = source.casefold()
    for link in _LINK.findall(sentence):
        address = link.rstrip(".,;:!?/")
        if address.casefold() not in lower:
            yield f"link {address}"
    known = {_plain(number) for number in _NUMBER.findall(source)} | _spelled(lower)
    for number in _NUMBER.findall(_LINK.sub(" ", sentence)):
        if _plain(number) not in known:
            yield f"number {number}"
    for match in _CAPITAL.finditer(sentence):
        name = match.group().removesuffix("'s").removesuffix("’s")
        if name != "I" and not _SENTENCE_START.search(sentence[: match.start()]) and name.casefold() not in lower:
            yield f"name {name}"
    for quoted in _QUOTED.findall(sentence):
        if quoted.casefold() not in lower:
            yield f"quotation {quoted}"
    if (near := _nearest(sentence, source)) and bool(_DENIAL.search(sentence)) != bool(_DENIAL.search(near)):
        yield f"one denies: {near}"


def _nearest(sentence: str, source: str) -> str | None:
    """The line or sentence with most of a sentence's words; None where every one lacks too many of them."""
    wanted = {word.casefold() for word in _WORD.findall(sentence)}
    lines = [line for line in re.split(r"\n|(?<=[.!?])\s+|(?<=[。！？；])", source) if line.strip()]
    shares = [len(wanted & {word.casefold() for word in _WORD.findall(line)}) / max(1, len(wanted)) for line in lines]
    best = max(shares, default=0.0)
    same = [line for line, share in zip(lines, shares, strict=True) if share == best]
    agreeing = (line for line in same if bool(_DENIAL.search(line)) == bool(_DENIAL.search(sentence)))
    return next(agreeing, same[0]) if best >= SAME_SHARE else None


def _plain(number: str) -> str:
    whole = number.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number) else number
    return whole.rstrip("0").rstrip(".") if re.fullmatch(r"\d+\.\d+", whole) else whole


def _spelled(lower: str) -> set[str]:
    words = {str(value) for word, value in _NUMBER_WORDS.items() if re.search(rf"\b{word}\b", lower)}
    return words | {str(value) for digit, value in _CHINESE_DIGITS.items() if digit in lower}

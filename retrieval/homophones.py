"""Chinese words written by others of the same sound (短新 for 短信), as keyboards that are typed by sound offer them.

Where a text falls apart into single characters that say little together, and a word of the knowledge sounds the same
and is written the same but for one character, that word was meant. Tones are not compared: they are not typed.
"""

import functools
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, groupby, product
from operator import ne

from retrieval.words import HAN, STOP_WORDS, chinese_words, chinese_words_within, is_chinese_word

LENGTHS = (4, 3, 2)
READINGS = 2
"""Of a character, the commonest: 行 is xing and hang, and nearly never heng."""

_RUN = re.compile(f"[{HAN}]+")
_SAYING_NOTHING = STOP_WORDS | frozenset("零一二三四五六七八九十百千万亿两几半多")
_MARKS = re.compile(r"[\u0300-\u036f]")


class Homophones:
    """Mends the characters of questions to one knowledge. ``own`` is what ``counted_chinese_words`` found there."""

    def __init__(self, own: Mapping[str, int]) -> None:
        self._own = frozenset(piece for piece in own if len(piece) in LENGTHS and _RUN.fullmatch(piece))
        words = [piece for piece in self._own if own[piece] and piece not in STOP_WORDS]
        self._by_sound: dict[str, list[str]] = {}
        for word in sorted(words, key=lambda word: (-own[word], word)):  # that of most passages first
            for sound in _sounds(word):
                self._by_sound.setdefault(sound, []).append(word)

    def __call__(self, text: str) -> str:
        """The text with such words in their places; mostly the text itself."""
        return _RUN.sub(lambda match: "".join(map(self._mended, _parts(match.group()))), text) if self._own else text

    def _mended(self, part: tuple[str, bool]) -> str:
        """Loose characters with the first and longest word that they sound like; a word as it is."""
        text, loose = part
        if not loose:
            return text
        at, pieces = 0, list[str]()
        while at < len(text):
            meant = next(filter(None, (self._meant(text[at : at + length]) for length in LENGTHS)), text[at])
            pieces.append(meant)
            at += len(meant)
        return "".join(pieces)

    def _meant(self, piece: str) -> str | None:
        if len(piece) < min(LENGTHS) or piece in self._own or is_chinese_word(piece):
            return None
        found = chain.from_iterable(self._by_sound.get(sound, ()) for sound in _sounds(piece))
        return next((word for word in found if sum(map(ne, word, piece)) == 1), None)


def counted_chinese_words(texts: Iterable[str]) -> dict[str, int]:
    """In how many of the texts each Chinese word of several characters stands.

    With 0 also what stands there without being a word of the dictionary, as names do: it is written as it should be.
    """
    counts, pieces = Counter[str](), set[str]()
    for text in texts:
        runs = _RUN.findall(text)
        counts.update({word for run in runs for word in chinese_words_within(run) if len(word) > 1})
        loose = (part for run in runs for part, is_loose in _parts(run) if is_loose)
        pieces.update(part[at : at + size] for part in loose for size in LENGTHS for at in range(len(part) - size + 1))
    return dict.fromkeys(pieces, 0) | dict(counts)


def _parts(run: str) -> Iterator[tuple[str, bool]]:
    """A run of characters as words and, marked, as loose characters between them that say little together."""
    words = groupby(chinese_words(run, guess=False), lambda word: len(word) == 1 and word not in _SAYING_NOTHING)
    for is_loose, several in words:
        yield "".join(several), is_loose


def _sounds(word: str) -> list[str]:
    """How a word may be read, without tones; none if a character is not known."""
    return [" ".join(readings) for readings in product(*map(_readings, word))]


def _readings(character: str) -> tuple[str, ...]:
    listed = _dictionary().get(ord(character), "")
    plain = (_MARKS.sub("", unicodedata.normalize("NFD", each)) for each in listed.split(",") if each)
    return tuple(dict.fromkeys(plain))[:READINGS]


@functools.cache
def _dictionary() -> Mapping[int, str]:
    # Its phrases take 40 MB, and single characters are all that is asked for.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    from pypinyin.constants import PINYIN_DICT  # noqa: PLC0415 - English assistants never need it

    return PINYIN_DICT

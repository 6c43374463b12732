"""Chinese words written by others of the same sound (短新 for 短信), as keyboards that are typed by sound offer them.

Where a text falls apart into single characters that say little together, and a word of the knowledge sounds the same,
that word was meant. Tones are not compared: they are not typed.
"""

import functools
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, product

from retrieval.words import HAN, STOP_WORDS, chinese_words, chinese_words_within, is_chinese_word

LENGTHS = (4, 3, 2)
READINGS = 2
"""Of a character, the commonest: 行 is xing and hang, and nearly never heng."""

_RUN = re.compile(f"[{HAN}]+")
_NUMERALS = frozenset("零一二三四五六七八九十百千万亿两几半")
_MARKS = re.compile(r"[\u0300-\u036f]")


class Homophones:
    """Mends the characters of questions to one knowledge. ``own``: in how many passages each of its words stands."""

    def __init__(self, own: Mapping[str, int]) -> None:
        words = [word for word in own if len(word) in LENGTHS and _RUN.fullmatch(word) and word not in STOP_WORDS]
        self._own = frozenset(words)
        self._by_sound: dict[str, str] = {}
        for word in sorted(words, key=lambda word: (own[word], word)):  # of several the one of most passages stays
            self._by_sound |= dict.fromkeys(_sounds(word), word)

    def __call__(self, text: str) -> str:
        """The text with such words in their places; mostly the text itself."""
        return _RUN.sub(lambda match: "".join(self._pieces(match.group())), text) if self._own else text

    def _pieces(self, run: str) -> Iterator[str]:
        loose = ""
        for word in [*chinese_words(run, guess=False), ""]:
            if len(word) == 1 and word not in STOP_WORDS and word not in _NUMERALS:
                loose += word
                continue
            yield self._mended(loose)
            loose = ""
            yield word

    def _mended(self, loose: str) -> str:
        """Single characters that stand together, with the first and longest word that they sound like."""
        at, pieces = 0, list[str]()
        while at < len(loose):
            meant = next(filter(None, (self._meant(loose[at : at + length]) for length in LENGTHS)), loose[at])
            pieces.append(meant)
            at += len(meant)
        return "".join(pieces)

    def _meant(self, piece: str) -> str | None:
        if len(piece) < min(LENGTHS) or piece in self._own or is_chinese_word(piece):
            return None
        found = (self._by_sound.get(sound) for sound in _sounds(piece))
        return next((word for word in found if word and len(word) == len(piece)), None)


def counted_chinese_words(texts: Iterable[str]) -> dict[str, int]:
    """In how many of the texts each Chinese word of several characters stands."""
    runs = (_RUN.findall(text) for text in texts)
    words = ({word for run in found for word in chinese_words_within(run) if len(word) > 1} for found in runs)
    return dict(Counter(chain.from_iterable(words)))


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

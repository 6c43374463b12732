"""Slips of the keyboard in a question, mended by the words of the knowledge and the commonest of the language.

A word that anybody knows is left alone: the pages, or the encoder's vocabulary, whole, as a form of a word, or as two
words written together. So is one that nothing is near enough to. Nearness is the optimal string alignment distance
[Damerau 1964; Boytsov 2011]: letters left out, added, mistaken or exchanged. Scripts without spaces are not looked at.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import Stemmer
from rapidfuzz import process
from rapidfuzz.distance import OSA
from tokenizers import Tokenizer

COMMON = 5_000
"""How many of the vocabulary's commonest words a slip may have stood for, beside those of the pages."""
ONE_LANGUAGE = 60_000
"""A larger vocabulary is of many languages, in which any slip is a word somewhere: there the pages have to have it."""
LONGEST = 30
MOST_MENDED = 50
"""Unknown words of one text that are looked at: more of them are no sentence."""
ONE_SLIP, TWO_SLIPS = 5, 7
"""Letters of a word in which any one slip is mended, and in which two are, where the pages have the word."""

_LETTERS = "a-zß-öø-ɏͰ-ӿ\u1e00-\u1fff"
_JOINED = rf"{_LETTERS}0-9_@/#=&%+\\\-"  # parts of addresses, names of files and codes are no words
_WORD = re.compile(rf"(?<![{_JOINED}.:])[{_LETTERS}]+(?:['’][{_LETTERS}]+)*(?![{_JOINED}]|[.:][^\s.])", re.IGNORECASE)
_STEMMER: Any = Stemmer.Stemmer("english")
_WRITTEN_TOGETHER = (
    "arent cant couldnt didnt doesnt dont hadnt hasnt havent im isnt ive shouldnt thats theyre wasnt werent whats wont"
    " wouldnt youre"
)
_CONTRACTED = frozenset(_WRITTEN_TOGETHER.split())


def counted_words(texts: Iterable[str]) -> dict[str, int]:
    """In how many of the texts each word stands, in lower case."""
    return dict(Counter(chain.from_iterable({_plain(word) for word in _WORD.findall(text)} for text in texts)))


class Vocabulary:
    """The whole words that a tokenizer has, pieces of words left out."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._start = next((mark for mark in ("▁", "Ġ") if tokenizer.token_to_id(f"{mark}the") is not None), "")

    def __contains__(self, word: str) -> bool:
        forms = (word, word.capitalize(), word.upper())  # a vocabulary with capitals has names and German nouns so
        return any(self._tokenizer.token_to_id(self._start + form) is not None for form in forms)

    def common(self, most: int) -> list[str]:
        """The first English words of the vocabulary, commonest first; none if it is of many languages."""
        if self._tokenizer.get_vocab_size() > ONE_LANGUAGE:
            return []
        tokens = (self._tokenizer.id_to_token(number) or "" for number in range(self._tokenizer.get_vocab_size()))
        words = (token.removeprefix(self._start) for token in tokens if token.startswith(self._start))
        return list(islice((word for word in words if len(word) > 1 and _is_plain(word)), most))


class Speller:
    """Mends the spelling of questions to one knowledge. ``own``: in how many passages each of its words stands."""

    def __init__(self, own: Mapping[str, int], vocabulary: Vocabulary) -> None:
        self._own, self._vocabulary = own, vocabulary
        self._stems = frozenset(_STEMMER.stemWords(list(own)))
        latin = [word for word in own if word.isascii()]
        spoken = 2 * sum(word in vocabulary for word in latin) >= len(latin)
        common = vocabulary.common(COMMON) if spoken else []  # not for French pages the English ones
        self._ranks = {word: rank for rank, word in enumerate(common)}
        self._by_letter: dict[str, list[str]] = {}
        for word in sorted({*own, *common}):
            if 2 < len(word) <= LONGEST:
                self._by_letter.setdefault(word[0], []).append(word)

    def __call__(self, text: str) -> str:
        """The text with its slips mended; mostly the text itself."""
        unknown = [match for match in _WORD.finditer(text) if self._is_odd(match.group())]
        pieces, end = [], 0
        for match in unknown[:MOST_MENDED]:
            word, before = match.group(), text[: match.start()].rstrip()
            named = word[0].isupper() and bool(before) and before[-1] not in ".!?。！？"
            pieces += [text[end : match.start()], self._mended(_plain(word), named=named) or word]
            end = match.end()
        return "".join([*pieces, text[end:]])

    def _is_odd(self, word: str) -> bool:
        """Whether nobody knows a word; abbreviations in capitals and contractions are known."""
        plain = _plain(word)
        if not 2 < len(plain) <= LONGEST or "'" in plain or plain in _CONTRACTED or (word.isupper() and len(word) > 1):
            return False
        stem = _STEMMER.stemWord(plain)
        forms = (plain, stem, f"{stem}e", f"{stem[:-1]}y")
        halves = ((plain[:at], plain[at:]) for at in range(3, len(plain) - 2))
        return not (
            stem in self._stems
            or any(map(self._knows, forms))
            or any(self._knows(left) and self._knows(right) for left, right in halves)
        )

    def _knows(self, word: str) -> bool:
        return word in self._own or word in self._vocabulary

    def _mended(self, word: str, *, named: bool) -> str | None:
        near = [each for each in self._near(word) if self._may_be(word, *each, named=named)]
        return min(near, key=lambda each: self._cost(*each))[1] if near else None

    def _near(self, word: str) -> Iterator[tuple[int, str]]:
        """Words within two slips that begin with the same letter, or with the first two exchanged."""
        for letter in dict.fromkeys(word[:2]):
            words = self._by_letter.get(letter, ())
            found: Any = process.extract_iter(word, words, scorer=OSA.distance, score_cutoff=2)
            yield from (
                (slips, candidate)
                for candidate, slips, _ in found
                if letter == word[0] or (candidate[1] == word[0] and _same_letters(word, candidate))
            )

    def _may_be(self, word: str, slips: int, candidate: str, *, named: bool) -> bool:
        """Whether a slip is likelier than a word that we do not know, as names are.

        Letters exchanged make no word. One that is left out is believed in a word of some length, in a short one only
        where the pages have the word. More is, where pages and vocabulary have it and it is not ``named``, with a
        capital in a sentence: Velura may be another lamp than the Velora of the pages.
        """
        if slips == 1 and _same_letters(word, candidate):
            return True
        own = candidate in self._own
        if slips == 1 and len(candidate) > len(word):
            return len(word) >= ONE_SLIP or (own and len(word) == ONE_SLIP - 1)
        least = ONE_SLIP if slips == 1 else TWO_SLIPS
        return own and not named and len(word) >= least and candidate in self._vocabulary

    def _cost(self, slips: int, candidate: str) -> tuple[int, int, int, str]:
        """Less is likelier: few slips, a word of many passages, a common one."""
        return slips, -self._own.get(candidate, 0), self._ranks.get(candidate, COMMON), candidate


def _plain(word: str) -> str:
    return word.lower().replace("’", "'")


def _is_plain(word: str) -> bool:
    return word.isascii() and word.isalpha() and word.islower()


def _same_letters(word: str, other: str) -> bool:
    return sorted(word) == sorted(other)

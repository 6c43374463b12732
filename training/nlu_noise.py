"""What careless typing does to a message: slips of the finger, no capitals, no punctuation. Annotations move along.

Training shows some examples this way (see ``nlu_fit``); benchmarks measure with it.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from nlu.data import Example

TYPED_CHARACTERS = 20
"""A slip happens once in so many characters."""

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def with_slips(example: Example, random: np.random.Generator, *, every: float = TYPED_CHARACTERS) -> Example:
    """The example with one slip in ``every`` characters on average: a key beside, one left out, doubled or swapped.

    Only Latin letters slip; other scripts are not typed letter by letter.
    """
    text = example.text
    pieces = list(text)
    for place in np.flatnonzero(random.random(len(text)) < 1 / every).tolist():
        letter = pieces[place]
        if letter.lower() not in _BESIDE:
            continue
        match random.integers(4):
            case 0:
                pieces[place] = _like(letter, str(random.choice(_BESIDE[letter.lower()])))
            case 1:
                pieces[place] = ""
            case 2:
                pieces[place] = letter * 2
            case _:
                following = text[place + 1 : place + 2]
                if following.lower() in _BESIDE and pieces[place + 1] == following:
                    pieces[place], pieces[place + 1] = following + letter, ""
    return _rewritten(example, pieces) if "".join(pieces).strip() else example


def without_case(example: Example) -> Example:
    """The example in small letters."""
    return _rewritten(example, [character.lower() for character in example.text])


def without_punctuation(example: Example) -> Example:
    """The example with punctuation left out, unless it has nothing else."""
    pieces = ["" if unicodedata.category(character)[0] == "P" else character for character in example.text]
    return _rewritten(example, pieces) if "".join(pieces).strip() else example


def _rewritten(example: Example, pieces: Sequence[str]) -> Example:
    """The example with each character replaced by a piece. An entity that vanished is dropped."""
    ends = np.cumsum([0, *map(len, pieces)]).tolist()
    moved = (replace(span, start=ends[span.start], end=ends[span.end]) for span in example.entities)
    return replace(example, text="".join(pieces), entities=tuple(span for span in moved if span.end > span.start))


def _like(letter: str, other: str) -> str:
    return other.upper() if letter.isupper() else other


def _neighbours() -> Mapping[str, Sequence[str]]:
    """For each letter those whose keys touch it on a QWERTY keyboard, whose rows are each set in by half a key."""
    places = {letter: (row, column + row / 2) for row, keys in enumerate(_ROWS) for column, letter in enumerate(keys)}
    return {
        letter: [
            other
            for other, (row, column) in places.items()
            if other != letter and abs(row - at_row) <= 1 and abs(column - at_column) <= 1
        ]
        for letter, (at_row, at_column) in places.items()
    }


_BESIDE = _neighbours()

NOISES: Mapping[str, Callable[[Example, np.random.Generator], Example]] = {
    "slips": with_slips,
    "no_case": lambda example, _random: without_case(example),
    "no_punctuation": lambda example, _random: without_punctuation(example),
}
"""What benchmarks try, by name."""

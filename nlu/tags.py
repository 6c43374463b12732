"""Entities as tags on tokens (B-city, I-city, O) and back. Knows neither the network nor the text's patterns.

Two entities on the very same span share a tag: ``B-first|last``.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nlu.data import EntitySpan
from nlu.tokens import Tokens

OUTSIDE = "O"
JOINT = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedSpan:
    """Tokens ``first`` to ``last`` (inclusive) carry the entities ``types`` with this mean probability."""

    first: int
    last: int
    types: tuple[str, ...]
    confidence: float


class TagSet:
    """The tags of a model: ``O``, then B and I of each kind. Kinds are entity names, or several joined by ``|``.

    Only a kind in ``touching`` can follow itself without a token between; of others that would be one entity.
    """

    def __init__(self, kinds: Sequence[str], *, touching: Collection[str]) -> None:
        self.kinds = tuple(kinds)
        self.names = (OUTSIDE, *(f"{mark}-{kind}" for kind in kinds for mark in "BI"))
        self._lone: list[int] = []
        count = len(self.names)
        self._free = np.zeros((count, count), dtype=np.float64)
        self._glued = np.full((count, count), -math.inf)
        self._glued[0, 0] = 0.0
        for place, kind in enumerate(self.kinds):
            begin, inside = 1 + 2 * place, 2 + 2 * place
            if kind not in touching:
                self._free[[begin, inside], begin] = -math.inf
                self._lone.append(place)
            self._free[:, inside] = -math.inf
            self._free[[begin, inside], inside] = 0.0
            self._glued[[begin, inside], inside] = 0.0

    def label(self, tokens: Tokens, entities: Sequence[EntitySpan]) -> tuple[list[int], list[int]]:
        """For each token its tag and the index of its entity (-1 for none).

        Of entities that overlap without being equal, the longer one is learned; kinds that the model does not have
        are passed over, as messages that are held out may hold one.
        """
        tags, owners = [0] * len(tokens.ids), [-1] * len(tokens.ids)
        for indices in _joined(entities):
            first = entities[indices[0]]
            named = joint_kind([entities[index].entity for index in indices])
            if named not in self.kinds:
                continue
            kind = self.kinds.index(named)
            covered = [
                place
                for place, (start, end) in enumerate(tokens.spans)
                if end > start and start < first.end and end > first.start
            ]
            if any(tags[place] for place in covered):
                continue
            for place in covered:
                tags[place] = 1 + 2 * kind + (place != covered[0])
                owners[place] = indices[0]
        return tags, owners

    def decode(self, probabilities: NDArray[np.float64], tokens: Tokens) -> list[TaggedSpan]:
        """The spans of the most probable legal tag sequence. ``probabilities``: (tokens, tags)."""
        text = [place for place, (start, end) in enumerate(tokens.spans) if end > start]
        if not text or len(self.names) == 1:
            return []
        rows = probabilities[text]
        glued = [tokens.glued[place] and place - 1 in text[max(0, at - 1) : at] for at, place in enumerate(text)]
        path = rows.argmax(axis=1)
        if path.any() or any(glued):
            path = self._best_path(rows, glued) if path.any() else path
        return self._spans(path.tolist(), rows, text)

    def _best_path(self, rows: NDArray[np.float64], glued: Sequence[bool]) -> NDArray[np.intp]:
        """Viterbi over the legal transitions. Where a kind cannot touch itself, its B after itself counts as I."""
        rows = rows.copy()
        for kind in self._lone:
            rows[:, 2 + 2 * kind] += rows[:, 1 + 2 * kind]
        scores = np.log(np.maximum(rows, 1e-12))
        best = scores[0].copy()
        best[2::2] = -math.inf
        back = np.zeros(rows.shape, dtype=np.intp)
        for place in range(1, len(rows)):
            options = best[:, None] + (self._glued if glued[place] else self._free)
            back[place] = options.argmax(axis=0)
            best = options.max(axis=0) + scores[place]
        path = np.zeros(len(rows), dtype=np.intp)
        path[-1] = best.argmax()
        for place in range(len(rows) - 1, 0, -1):
            path[place - 1] = back[place, path[place]]
        return path

    def _spans(self, path: Sequence[int], rows: NDArray[np.float64], text: Sequence[int]) -> list[TaggedSpan]:
        spans, at = [], 0
        while at < len(path):
            end = at + 1
            if path[at]:
                while end < len(path) and path[end] == path[at] + 1 and path[at] % 2:
                    end += 1
                kind = self.kinds[(path[at] - 1) // 2]
                mass = [rows[place, path[at]] + rows[place, path[at] + 1] for place in range(at, end)]
                spans.append(
                    TaggedSpan(
                        first=text[at],
                        last=text[end - 1],
                        types=tuple(kind.split(JOINT)),
                        confidence=float(np.mean(mass)),
                    )
                )
            at = end
        return spans


def joint_kind(names: Sequence[str]) -> str:
    """The kind of one or several entities on the same span."""
    return JOINT.join(sorted(set(names)))


def kinds_of(annotated: Sequence[Sequence[EntitySpan]]) -> tuple[str, ...]:
    """Every kind that occurs in the entities of some texts, in order."""
    return tuple(
        sorted(
            {
                joint_kind([entities[index].entity for index in indices])
                for entities in annotated
                for indices in _joined(entities)
            }
        )
    )


def touching_kinds(tagset: TagSet, tagged: Iterable[Sequence[int]]) -> tuple[str, ...]:
    """The kinds that stand next to themselves in some rows of tags."""
    pairs = {pair for tags in tagged for pair in pairwise(tags)}
    return tuple(
        kind
        for place, kind in enumerate(tagset.kinds)
        if {(1 + 2 * place, 1 + 2 * place), (2 + 2 * place, 1 + 2 * place)} & pairs
    )


def _joined(entities: Sequence[EntitySpan]) -> list[list[int]]:
    """Indices of the entities grouped by equal span, the longest spans first."""
    groups: dict[tuple[int, int], list[int]] = {}
    for index, entity in enumerate(entities):
        groups.setdefault((entity.start, entity.end), []).append(index)
    return [groups[span] for span in sorted(groups, key=lambda span: (span[0] - span[1], span[0]))]

"""NLU training data as numbers: which labels there are, and each text as tokens with their targets.

Knows no optimiser and no file.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from nlu.data import EntitySpan, Example, PatternSources
from nlu.model import pattern_features
from nlu.network import HeadShape
from nlu.patterns import Match, Patterns
from nlu.tags import TagSet, kinds_of, touching_kinds
from nlu.tokens import Packed, TextEncoder, Tokens, pack

IGNORED = -100
"""Target of a token or text that teaches a head nothing."""

_MULTIPLE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A text ready for training. ``label``: its class; tags, roles, groups: a target per token."""

    tokens: Tokens
    matches: tuple[Match, ...]
    label: int
    tags: tuple[int, ...]
    roles: tuple[int, ...]
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Items packed together. Targets: labels (b,); tags, roles, groups (n,)."""

    packed: Packed
    features: torch.Tensor | None
    labels: torch.Tensor
    tags: torch.Tensor
    roles: torch.Tensor
    groups: torch.Tensor


class Task:
    """The labels of a training set, and texts turned into items.

    ``classes`` are full labels, and last None (the reject class) if there are texts known to be outside.
    """

    def __init__(
        self, examples: Sequence[Example], *, rejects: bool, sources: PatternSources, encoder: TextEncoder
    ) -> None:
        annotated = [example.entities for example in examples]
        labels = sorted({example.intent for example in examples})
        self.classes: tuple[str | None, ...] = (*labels, None) if rejects else tuple(labels)
        self.tagset = TagSet(kinds_of(annotated), touching=())
        self.roles = _names(span.role for spans in annotated for span in spans)
        self.groups = _names(span.group for spans in annotated for span in spans)
        self.entity_roles = _by_entity(annotated, "role")
        self.entity_groups = _by_entity(annotated, "group")
        self.sources = sources
        self.patterns = Patterns(sources.regexes, sources.lookups)
        self.encoder = encoder
        self.touching = touching_kinds(
            self.tagset, (self.tagset.label(encoder.encode([e.text])[0], e.entities)[0] for e in examples if e.entities)
        )
        named = [example.text[span.start : span.end] for example in examples for span in example.entities]
        self._named = frozenset(id_ for tokens in encoder.encode(named) for id_ in tokens.ids)

    @property
    def shape(self) -> HeadShape:
        """The sizes of the heads."""
        return HeadShape(
            classes=len(self.classes),
            tags=len(self.tagset.names),
            roles=len(self.roles),
            groups=len(self.groups),
            patterns=len(self.patterns.names),
        )

    def items(self, examples: Sequence[Example]) -> list[Item]:
        """Annotated examples as items; an intent outside of ``classes`` is left unlabelled."""
        places = {label: place for place, label in enumerate(self.classes)}
        batch = self.encoder.encode([example.text for example in examples])
        return [
            self._item(example, tokens, places.get(example.intent, IGNORED))
            for example, tokens in zip(examples, batch, strict=True)
        ]

    def outside(self, texts: Sequence[str]) -> list[Item]:
        """Texts of the reject class. Their plain words teach the tagger that they are no entities."""
        place = self.classes.index(None)
        return [
            Item(
                tokens=tokens,
                matches=self.patterns.matches(text),
                label=place,
                tags=tuple(0 if self._is_plain(text, tokens, at) else IGNORED for at in range(len(tokens.ids))),
                roles=(IGNORED,) * len(tokens.ids),
                groups=(IGNORED,) * len(tokens.ids),
            )
            for text, tokens in zip(texts, self.encoder.encode(texts), strict=True)
        ]

    def _is_plain(self, text: str, tokens: Tokens, at: int) -> bool:
        """Whether a token of an unannotated text is surely no entity: no name, no number, in no annotated entity."""
        start, end = tokens.spans[at]
        written = text[start:end]
        caseless = written.lower() == written.upper() and written.isalpha()
        return (caseless or written.islower()) and tokens.ids[at] not in self._named

    def batch(self, items: Sequence[Item]) -> Batch:
        """Pack items, filled up so that few different sizes occur (kernels are built per size)."""
        batch = [item.tokens for item in items]
        packed = pack(batch, multiple=_MULTIPLE)
        features = pattern_features(batch, [item.matches for item in items], self.patterns.names)
        filler = len(packed.ids) - sum(len(tokens.ids) for tokens in batch)
        return Batch(
            packed=packed,
            features=functional.pad(features, (0, 0, 0, filler)) if features is not None else None,
            labels=torch.tensor([item.label for item in items]),
            tags=_flat([item.tags for item in items], filler),
            roles=_flat([item.roles for item in items], filler),
            groups=_flat([item.groups for item in items], filler),
        )

    def _item(self, example: Example, tokens: Tokens, label: int) -> Item:
        tags, owners = self.tagset.label(tokens, example.entities)
        special = [start == end for start, end in tokens.spans]
        roles, groups = [IGNORED] * len(tags), [IGNORED] * len(tags)
        for place, owner in enumerate(owners):
            if owner >= 0:
                roles[place] = _place(self.roles, example.entities[owner].role)
                groups[place] = _place(self.groups, example.entities[owner].group)
        return Item(
            tokens=tokens,
            matches=self.patterns.matches(example.text),
            label=label,
            tags=tuple(IGNORED if skip else tag for tag, skip in zip(tags, special, strict=True)),
            roles=tuple(roles),
            groups=tuple(groups),
        )


def pattern_confidence(
    patterns: Patterns, examples: Sequence[Example], extracting: Collection[str]
) -> Mapping[str, float]:
    """For each pattern that extracts: the share of its matches in the examples that are annotated (add-one rule)."""
    right = dict.fromkeys((name for name in patterns.names if name in extracting), 1)
    total = dict.fromkeys(right, 1)
    for example in examples:
        annotated = {(span.entity, span.start, span.end) for span in example.entities}
        for match in patterns.matches(example.text):
            if match.name in total:
                total[match.name] += 1
                right[match.name] += (match.name, match.start, match.end) in annotated
    return {name: right[name] / total[name] for name in total}


def _place(names: Sequence[str | None], name: str | None) -> int:
    """Where a name stands; one that the model does not have teaches nothing."""
    return names.index(name) if name in names else IGNORED


def _names(values: Iterable[str | None]) -> tuple[str | None, ...]:
    return (None, *sorted({value for value in values if value is not None}))


def _by_entity(annotated: Sequence[Sequence[EntitySpan]], part: str) -> Mapping[str, tuple[str | None, ...]]:
    seen: dict[str, dict[str | None, None]] = {}
    for spans in annotated:
        for span in spans:
            seen.setdefault(span.entity, {})[getattr(span, part)] = None
    return {entity: tuple(values) for entity, values in sorted(seen.items())}


def _flat(rows: Sequence[Sequence[int]], filler: int) -> torch.Tensor:
    return torch.tensor([*(value for row in rows for value in row), *[IGNORED] * filler])

"""A trained model that parses messages: text in, intent and entities out. Needs torch and tokenizers only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from nlu import int8
from nlu.data import FALLBACK_INTENT, RANKING_LENGTH, Entity, IntentScore, Parse
from nlu.folder import TOKENIZER, Manifest, read_manifest, read_network
from nlu.network import Network, Scores
from nlu.overlap import resolved
from nlu.patterns import Match, Patterns
from nlu.tags import TaggedSpan, TagSet
from nlu.tokens import TEXT_LIMIT, Packed, TextEncoder, Tokens, pack

TAGGER, PATTERN, SYNONYM = "JointTagger", "RegexEntityExtractor", "EntitySynonymMapper"

_TOKENS_AT_ONCE = 512
"""Attention over packed texts grows with the square of their tokens; more than this is split."""

_TOKENS_AT_LEAST, _LIKE = 96, 1.5
"""A group of so many tokens costs little more for each than a larger one, so it takes no text that is longer than its
shortest by this factor: attention lays them out in a table as wide as the longest, and would compute filler."""

Verdict: TypeAlias = Literal["accepted", "outside", "unsure", "unknown"]
"""Whether the best intent is the answer, else why not: the reject class wins, below the threshold, no known word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the network makes of a text before anything is decided.

    vector: (width,), the mean of the token vectors; chances: (intents,), calibrated; ``outside``: that of the reject
    class, None where the model has none; spans: characters of the tokens that were read, without special ones; nothing
    behind the character ``end`` was read.
    """

    vector: NDArray[np.float32]
    chances: NDArray[np.float64]
    outside: float | None
    known: bool
    spans: tuple[tuple[int, int], ...]
    end: int


class NluModel:
    """One immutable model; any number of threads may use it at once."""

    def __init__(self, manifest: Manifest, network: Network, encoder: TextEncoder, device: torch.device) -> None:
        self.manifest = manifest
        self.threshold = manifest.threshold
        self._network = network
        self._encoder = encoder
        self._device = device
        self._tags = TagSet(manifest.kinds, touching=manifest.touching)
        self._patterns = Patterns(manifest.patterns.regexes, manifest.patterns.lookups)
        self._inside = tuple(label is not None for label in manifest.classes)
        self._reject = manifest.classes.index(None) if None in manifest.classes else None
        self._intents = tuple(dict.fromkeys(intent_of(label) for label in manifest.classes if label is not None))
        self._sums = class_sums(manifest.classes, self._intents)

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> "NluModel":
        """Read a folder that training wrote. On a CPU the layers run in 8 bits. Raises NluFolderError."""
        manifest = read_manifest(folder)
        network = read_network(folder, manifest)
        if device == "cpu" and int8.supported():
            int8.with_int8_layers(network.encoder.layers)
        encoder = TextEncoder.load(folder / TOKENIZER, max_tokens=manifest.max_tokens, spells=bool(manifest.kinds))
        return cls(manifest, network.to(device), encoder, torch.device(device))

    @property
    def intents(self) -> tuple[str, ...]:
        """The intents that the model can answer, without response keys."""
        return self._intents

    def parse_batch(self, texts: Sequence[str]) -> list[Parse]:
        """Parse messages, in order. Of each the first 2,000 characters count, and of these ``max_tokens`` tokens.

        A text without any known word (empty, spaces, unknown emoji) is a fallback with no entity but patterns'.
        """
        batch = self._encoder.encode(texts)
        parses: list[Parse | None] = [None] * len(texts)
        for group in like_lengths(batch):
            for index, parse in zip(group, self._parse_group([(texts[i], batch[i]) for i in group]), strict=True):
                parses[index] = parse
        return [parse for parse in parses if parse is not None]

    def read_batch(self, texts: Sequence[str]) -> list[Reading]:
        """Read messages without deciding anything, in order."""
        batch = self._encoder.encode(texts)
        readings: dict[int, Reading] = {}
        for group in like_lengths(batch):
            members = [batch[index] for index in group]
            matches = [self._patterns.matches(texts[index][:TEXT_LIMIT]) for index in group]
            scores = self._scores(pack(members), pattern_features(members, matches, self._patterns.names))
            vectors: NDArray[np.float32] = scores.pooled.float().cpu().numpy()
            classes = self._chances(scores)
            for row, index in enumerate(group):
                readings[index] = Reading(
                    vector=vectors[row],
                    chances=self._sums @ classes[row],
                    outside=float(classes[row, self._reject]) if self._reject is not None else None,
                    known=batch[index].known,
                    spans=tuple((start, end) for start, end in batch[index].spans if end > start),
                    end=max((end for _, end in batch[index].spans), default=0),
                )
        return [readings[index] for index in range(len(texts))]

    def verdict(self, best: float, outside: float | None, *, known: bool) -> Verdict:
        """Whether an intent of probability ``best`` answers a text."""
        if not known:
            return "unknown"
        if outside is not None and outside > best:
            return "outside"
        return "unsure" if best < self.threshold else "accepted"

    def _chances(self, scores: Scores) -> NDArray[np.float64]:
        return self.manifest.confidence.of(scores.classes.double().cpu().numpy(), self._inside)

    def _parse_group(self, group: Sequence[tuple[str, Tokens]]) -> list[Parse]:
        matches = [self._patterns.matches(text[:TEXT_LIMIT]) for text, _ in group]
        packed = pack([tokens for _, tokens in group])
        features = pattern_features([tokens for _, tokens in group], matches, self._patterns.names)
        scores = self._scores(packed, features)
        classes = self._chances(scores)
        tags, roles, groups = (probabilities(part) for part in (scores.tags, scores.roles, scores.groups))
        parses, at = [], 0
        for row, ((text, tokens), found) in enumerate(zip(group, matches, strict=True)):
            part = slice(at, at := at + len(tokens.ids))
            entities = self._tagged(text, tokens, tags[part], roles[part], groups[part])
            entities += self._matched(text, found)
            parses.append(self._decided(text, classes[row], tokens.known, self._with_synonyms(resolved(entities))))
        return parses

    @torch.inference_mode()
    def _scores(self, packed: Packed, features: torch.Tensor | None) -> Scores:
        return self._network(packed.to(self._device), features.to(self._device) if features is not None else None)  # type: ignore[no-any-return]  # nn.Module is called through an untyped __call__

    def _decided(self, text: str, classes: NDArray[np.float64], known: bool, entities: tuple[Entity, ...]) -> Parse:
        """Rank the intents and put the fallback first where none is sure enough."""
        sums = self._sums @ classes
        order = np.argsort(-sums, kind="stable")[:RANKING_LENGTH]
        ranking = [IntentScore(name=self._intents[i], confidence=float(sums[i])) for i in order]
        outside = float(classes[self._reject]) if self._reject is not None else None
        if self.verdict(ranking[0].confidence, outside, known=known) != "accepted":
            fallback = IntentScore(name=FALLBACK_INTENT, confidence=self.threshold)
            ranking = [fallback, *ranking[: RANKING_LENGTH - 1]]
        return Parse(
            text=text,
            intent=ranking[0],
            ranking=tuple(ranking),
            entities=entities,
            response_key=self._response_key(ranking[0].name, classes),
        )

    def _response_key(self, intent: str, classes: NDArray[np.float64]) -> str | None:
        keys = [
            (classes[place], label.partition("/")[2])
            for place, label in enumerate(self.manifest.classes)
            if label is not None and label.startswith(intent + "/")
        ]
        return max(keys)[1] if keys else None

    def _tagged(
        self,
        text: str,
        tokens: Tokens,
        tags: NDArray[np.float64],
        roles: NDArray[np.float64],
        groups: NDArray[np.float64],
    ) -> list[Entity]:
        found = []
        for span in self._tags.decode(tags, tokens):
            start, end = tokens.spans[span.first][0], tokens.spans[span.last][1]
            for name in span.types:
                role = _best(roles, span, self.manifest.roles, self.manifest.entity_roles.get(name, ()))
                group = _best(groups, span, self.manifest.groups, self.manifest.entity_groups.get(name, ()))
                found.append(
                    Entity(
                        entity=name,
                        value=text[start:end],
                        start=start,
                        end=end,
                        confidence=span.confidence,
                        extractor=TAGGER,
                        role=role,
                        group=group,
                    )
                )
        return found

    def _matched(self, text: str, matches: Sequence[Match]) -> list[Entity]:
        confidence = self.manifest.pattern_confidence
        return [
            Entity(
                entity=match.name,
                value=text[match.start : match.end],
                start=match.start,
                end=match.end,
                confidence=confidence[match.name],
                extractor=PATTERN,
            )
            for match in matches
            if match.name in confidence
        ]

    def _with_synonyms(self, entities: Sequence[Entity]) -> tuple[Entity, ...]:
        synonyms = self.manifest.patterns.synonyms
        return tuple(
            replace(entity, value=synonyms[entity.value.lower()], processors=(*entity.processors, SYNONYM))
            if entity.value.lower() in synonyms
            else entity
            for entity in entities
        )


def intent_of(label: str) -> str:
    """The intent of a full label: ``faq`` of ``faq/ask_hours``."""
    return label.partition("/")[0]


def probabilities(logits: torch.Tensor) -> NDArray[np.float64]:
    """Softmax over the last dimension."""
    result: NDArray[np.float64] = torch.softmax(logits.double(), dim=-1).cpu().numpy()
    return result


def pattern_features(
    batch: Sequence[Tokens], matches: Sequence[Sequence[Match]], names: Sequence[str]
) -> torch.Tensor | None:
    """(n, patterns): 1 where a token lies in a match of a pattern. None where there are no patterns."""
    if not names:
        return None
    places = {name: place for place, name in enumerate(names)}
    features = torch.zeros(sum(len(tokens.ids) for tokens in batch), len(names))
    row = 0
    for tokens, found in zip(batch, matches, strict=True):
        for start, end in tokens.spans:
            for match in found:
                if start < match.end and end > match.start:
                    features[row, places[match.name]] = 1.0
            row += 1
    return features


def class_sums(classes: Sequence[str | None], intents: Sequence[str]) -> NDArray[np.float64]:
    """(intents, classes): 1 where a class belongs to an intent."""
    return np.array(
        [[float(label is not None and intent_of(label) == intent) for label in classes] for intent in intents]
    )


def like_lengths(batch: Sequence[Tokens]) -> list[list[int]]:
    """Indices of texts that go through the network together, shortest first: like lengths, at most 512 tokens."""
    groups: list[list[int]] = []
    shortest = held = 0
    for index in sorted(range(len(batch)), key=lambda index: len(batch[index].ids)):
        size = len(batch[index].ids)
        unlike = held >= _TOKENS_AT_LEAST and size > _LIKE * shortest
        if not groups or unlike or held + size > _TOKENS_AT_ONCE:
            groups.append([])
            shortest, held = size, 0
        groups[-1].append(index)
        held += size
    return groups


def _best(
    rows: NDArray[np.float64], span: TaggedSpan, names: Sequence[str | None], allowed: Sequence[str | None]
) -> str | None:
    """The most probable of the roles (or groups) that this entity was seen with."""
    mean = rows[span.first : span.last + 1].mean(axis=0)
    options = [(mean[place], place) for place, name in enumerate(names) if name in allowed]
    return names[max(options)[1]] if options else None

"""Passages searched by meaning and by words, the scores fused. Saved as FAISS, ``.npy`` and JSON, hashes checked.

Candidates come from every view of the passages and from BM25; each candidate is then scored exactly by all of them:
``sum of weight x likeness + LEXICAL_WEIGHT x saturated BM25``, and the best of those by their tokens too, which adds
``LATE_WEIGHT x late interaction``. Likenesses are 0 for unrelated texts and 1 for the same text, whatever the encoder,
and whatever the language of the query: an encoder finds any two texts of one language more alike than of two.
"""

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property, partial, reduce
from pathlib import Path

import numpy as np

from retrieval.dense import DenseIndex, measure_background
from retrieval.documents import guess_language
from retrieval.encoder import Encoder, Progress, Vectors
from retrieval.errors import IndexFileError, KnowledgeEmpty
from retrieval.index_kinds import Rows, gpu_available
from retrieval.interaction import LARGEST, Frame, PassageTokens, TokenIndex
from retrieval.lexical import LexicalIndex
from retrieval.passages import Passage, filterable
from retrieval.sealed import checked_json, read_arrays, seal, verify, write_arrays, write_json
from retrieval.views import VIEW_KINDS, ViewKind, lexical_text, views
from retrieval.words import words
from retrieval.zeros import Asked, Zero, above, measure_zeros, read_unrelated, same_language, spread

FORMAT = "kefu-index-4"
WEIGHTS: Mapping[ViewKind, float] = {"whole": 0.4, "sentence": 0.4, "heading": 0.2}
LEXICAL_WEIGHT = 0.35
LATE_WEIGHT = 0.4
CANDIDATES = 48
"""How many vectors of each view, and passages by words, are looked at before exact scoring."""

LATE_CANDIDATES = 32
"""How many passages, the best by all else, are compared token by token."""

READ_AT_ONCE = 128
"""How many passages are read with their tokens before those are made small."""

_BACKGROUND_VECTORS = 4096
_TOKENS = "tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage for a query. ``score`` orders the hits; ``dense`` and ``late`` (token by token; 0 where it was not
    looked at) are 0 for unrelated texts and 1 for equal ones, ``lexical`` in [0, 1). ``foreign``: only one of passage
    and query is in Chinese."""

    passage: Passage
    score: float
    dense: float
    lexical: float
    late: float = 0.0
    foreign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCounts:
    """What building cost: passages, vectors, and how many of those were taken over from the previous index."""

    passages: int
    vectors: int
    reused: int


@dataclass(frozen=True, slots=True)
class _Views:
    """All texts of one kind: their vectors, hashes, and where each passage's begin."""

    vectors: Vectors
    hashes: Rows
    starts: Rows


class KnowledgeIndex:
    """An index with the encoder that made it. A search changes nothing in it."""

    def __init__(
        self,
        passages: Sequence[Passage],
        dense: Mapping[ViewKind, DenseIndex],
        lexical: LexicalIndex,
        encoder: Encoder,
        hashes: Mapping[ViewKind, Rows],
        *,
        tokens: TokenIndex | None,
        zeros: Mapping[str, Zero],
    ) -> None:
        self.passages, self.dense, self.lexical, self.encoder = tuple(passages), dense, lexical, encoder
        self._hashes, self._tokens, self._zeros = hashes, tokens, zeros

    def search(self, query: str, k: int, filters: Mapping[str, str] | None = None) -> list[Hit]:
        """The best ``k`` passages; ``filters`` as in ``search_batch``."""
        return self.search_batch([query], k, filters)[0]

    def search_batch(self, queries: Sequence[str], k: int, filters: Mapping[str, str] | None = None) -> list[list[Hit]]:
        """The best ``k`` passages of each query.

        ``filters`` names fields (``language``, ``document``) or metadata that a passage must have.
        """
        allowed = self._allowed(filters) if filters else None
        if not queries or (allowed is not None and not len(allowed)):
            return [[] for _ in queries]
        vectors, tokens = self.encoder.read_queries(queries)
        near = [index.nearest(vectors, CANDIDATES, allowed) for index in self.dense.values()]
        hits: list[list[Hit]] = []
        for number, query in enumerate(queries):
            candidates = set[int]().union(*(found[number] for found in near))
            lexical = self.lexical.scores(words(query))
            rows = self._candidates(candidates, lexical, allowed)
            asked = Asked(guess_language(query), vectors[number], tokens[number])
            hits.append(self._rank(rows, asked, lexical[rows])[:k])
        return hits

    def _candidates(self, near: set[int], lexical: Vectors, allowed: Rows | None) -> Rows:
        pool = np.flatnonzero(lexical) if allowed is None else allowed[lexical[allowed] > 0]
        best = pool[np.argsort(-lexical[pool], kind="stable")[:CANDIDATES]]
        return np.array(sorted(near.union(map(int, best))), np.int64)

    def _rank(self, rows: Rows, asked: Asked, lexical: Vectors) -> list[Hit]:
        if not len(rows):  # what a filter leaves may lie in none of the lists that were searched
            return []
        zero = self._zeros.get(asked.language, Zero())
        dense = above(_dense_scores(self.dense, asked, rows), zero.dense)
        scores = dense + LEXICAL_WEIGHT * lexical
        late = np.zeros_like(scores)
        best = np.argsort(-scores, kind="stable")[:LATE_CANDIDATES]
        late[best] = above(_late_scores(self._tokens, self.dense, asked, rows[best]), zero.late)
        scores += LATE_WEIGHT * late
        return [
            Hit(
                passage=self.passages[rows[at]],
                score=float(scores[at]),
                dense=float(dense[at]),
                lexical=float(lexical[at]),
                late=float(late[at]),
                foreign=not same_language(asked.language, self.passages[rows[at]]),
            )
            for at in np.argsort(-scores, kind="stable")
        ]

    def _allowed(self, filters: Mapping[str, str]) -> Rows:
        having = [self._rows_having.get(field, np.empty(0, np.int64)) for field in filters.items()]
        return reduce(np.intersect1d, having)

    @cached_property
    def _rows_having(self) -> Mapping[tuple[str, str], Rows]:
        found: dict[tuple[str, str], list[int]] = {}
        for row, passage in enumerate(self.passages):
            for field in filterable(passage).items():
                found.setdefault(field, []).append(row)
        return {field: np.array(rows, np.int64) for field, rows in found.items()}

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made; its manifest last, so that a torn write is seen when loading."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "passages.json", [_passage_json(passage) for passage in self.passages])
        arrays: dict[str, Rows] = {}
        for kind, index in self.dense.items():
            index.save(folder / f"{kind}.faiss")
            arrays |= {f"{kind}.starts": index.starts, f"{kind}.hashes": self._hashes[kind]}
        write_arrays(folder / "rows.safetensors", arrays)
        self.lexical.save(folder / "lexical")
        background = {kind: index.background for kind, index in self.dense.items()}
        if self._tokens is not None:
            self._tokens.save(folder / _TOKENS)
        recall = {kind: index.recall for kind, index in self.dense.items()}
        zeros = {language: asdict(zero) for language, zero in self._zeros.items()}
        about = {"encoder": self.encoder.fingerprint, "background": background, "recall": recall, "zeros": zeros}
        seal(folder, FORMAT, about)

    @classmethod
    def load(cls, folder: Path, encoder: Encoder, *, gpu: bool | None = None) -> "KnowledgeIndex":
        """Read an index, hashes first. Raises ``IndexFileError`` for a torn, changed or foreign one."""
        about = verify(folder, FORMAT)
        if about.get("encoder") != encoder.fingerprint:
            raise IndexFileError(f"{folder}: made with another encoder; train again")
        on_gpu = gpu_available() if gpu is None else gpu
        try:
            passages = [_passage(value) for value in checked_json(folder / "passages.json", list)]
            arrays = read_arrays(folder / "rows.safetensors")
            dense = {
                kind: DenseIndex.load(
                    folder / f"{kind}.faiss",
                    arrays[f"{kind}.starts"],
                    float(about["background"][kind]),
                    float(about["recall"][kind]),
                    gpu=on_gpu,
                )
                for kind in VIEW_KINDS
            }
            lexical = LexicalIndex.load(folder / "lexical")
            tokens = TokenIndex.load(folder / _TOKENS) if (folder / _TOKENS).is_dir() else None
            zeros = {language: Zero(**zero) for language, zero in about["zeros"].items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IndexFileError(f"{folder}: not an index of this program ({error})") from error
        starts = [index.starts for index in dense.values()] + ([tokens.starts] if tokens else [])
        if any(len(begin) != len(passages) + 1 for begin in starts) or lexical.rows != len(passages):
            raise IndexFileError(f"{folder}: its parts do not belong together")
        hashes = {kind: arrays[f"{kind}.hashes"] for kind in VIEW_KINDS}
        return cls(passages, dense, lexical, encoder, hashes, tokens=tokens, zeros=zeros)

    def known_vectors(self) -> dict[int, Vectors]:
        """Every vector by the hash of its text, for an incremental build; copies, since FAISS owns the memory."""
        known: dict[int, Vectors] = {}
        for kind, hashes in self._hashes.items():
            vectors = self.dense[kind].vectors[np.arange(len(hashes))]
            known |= zip(map(int, hashes), vectors, strict=True)
        return known

    def known_tokens(self, frame: Frame) -> dict[int, PassageTokens]:
        """The tokens of every passage by the hash of its whole text; none if they were brought onto other axes."""
        if self._tokens is None or not self._tokens.frame.same(frame):
            return {}
        return {int(key): self._tokens.passage(row) for row, key in enumerate(self._hashes["whole"])}


def build_index(
    passages: Sequence[Passage],
    encoder: Encoder,
    *,
    previous: Path | None = None,
    progress: Progress | None = None,
    gpu: bool | None = None,
    unrelated: Sequence[str] = (),
) -> tuple[KnowledgeIndex, BuildCounts]:
    """Embed and index passages. Vectors of unchanged texts are taken from ``previous`` where the encoder is the same.

    ``unrelated``: what people say that has nothing to do with any help page; it sets the zero of the scores and the
    axes of the tokens. Without it headings are held against passages of other documents, which lie nearer.

    Raises ``KnowledgeEmpty``. A previous index that cannot be used is passed over: everything is embedded again.
    """
    if not passages:
        raise KnowledgeEmpty("no passage to index: add Markdown pages or FAQ files to the knowledge folder")
    texts = {kind: [views(passage, kind) for passage in passages] for kind in VIEW_KINDS}
    hashed = {_text_hash(text): text for kind in VIEW_KINDS for several in texts[kind] for text in several}
    asked = read_unrelated(unrelated, texts["heading"], encoder)
    frame = Frame.fit(np.concatenate([each.tokens.states for each in asked]))
    known = _known(previous, encoder, frame)
    wholes = [_text_hash(text) for (text,) in texts["whole"]]
    fresh = known.learn(hashed, wholes if len(passages) <= LARGEST else (), encoder, progress)
    gathered = {kind: _gather(texts[kind], known.vectors) for kind in VIEW_KINDS}
    on_gpu = gpu_available() if gpu is None else gpu
    backgrounds = _backgrounds(asked, gathered)
    dense = {
        kind: DenseIndex.build(part.vectors, part.starts, backgrounds[kind], gpu=on_gpu)
        for kind, part in gathered.items()
    }
    lexical = LexicalIndex.build([words(lexical_text(passage)) for passage in passages])
    hashes = {kind: part.hashes for kind, part in gathered.items()}
    tokens = TokenIndex.build([known.tokens[key] for key in wholes], frame) if len(passages) <= LARGEST else None
    zeros = measure_zeros(passages, asked, partial(_dense_scores, dense), partial(_late_scores, tokens, dense))
    counts = BuildCounts(passages=len(passages), vectors=len(hashed), reused=len(hashed) - fresh)
    return KnowledgeIndex(passages, dense, lexical, encoder, hashes, tokens=tokens, zeros=zeros), counts


@dataclass(frozen=True, slots=True)
class _Known:
    """Vectors of texts and tokens of whole passages, by the hash of the text."""

    frame: Frame
    vectors: dict[int, Vectors]
    tokens: dict[int, PassageTokens]

    def learn(
        self, hashed: Mapping[int, str], wholes: Sequence[int], encoder: Encoder, progress: Progress | None
    ) -> int:
        """Embed what is missing; ``wholes`` are those whose tokens are wanted too. Returns how many were missing."""
        read = [key for key in dict.fromkeys(wholes) if not (key in self.vectors and key in self.tokens)]
        reading = set(read)
        read.sort(key=lambda key: len(hashed[key]))
        rest = [key for key in hashed if not (key in self.vectors or key in reading)]
        tell = progress or (lambda done, of: None)
        for start in range(0, len(read), READ_AT_ONCE):
            part = read[start : start + READ_AT_ONCE]
            vectors, tokens = encoder.read_passages([hashed[key] for key in part])
            self.vectors.update(zip(part, vectors, strict=True))
            self.tokens.update(
                (key, PassageTokens.of(each, self.frame)) for key, each in zip(part, tokens, strict=True)
            )
            tell(start + len(part), len(read) + len(rest))
        texts = [hashed[key] for key in rest]
        fresh = encoder.encode_passages(texts, lambda done, of: tell(len(read) + done, len(read) + of))
        self.vectors.update(zip(rest, fresh, strict=True))
        return len(read) + len(rest)


def _known(previous: Path | None, encoder: Encoder, frame: Frame) -> _Known:
    if previous is not None and previous.is_dir():
        with contextlib.suppress(IndexFileError):
            index = KnowledgeIndex.load(previous, encoder, gpu=False)
            return _Known(frame, index.known_vectors(), index.known_tokens(frame))
    return _Known(frame, {}, {})


def _gather(texts: Sequence[Sequence[str]], known: Mapping[int, Vectors]) -> _Views:
    hashes = np.array([_text_hash(text) for several in texts for text in several], np.int64)
    starts = np.concatenate([[0], np.cumsum([len(several) for several in texts])]).astype(np.int64)
    vectors = np.stack([known[int(key)] for key in hashes]).astype(np.float32)
    return _Views(vectors, hashes, starts)


def _backgrounds(asked: Sequence[Asked], gathered: Mapping[ViewKind, _Views]) -> dict[ViewKind, float]:
    """How alike unrelated texts are to the vectors of each kind, evenly sampled."""
    queries, owners = np.stack([each.vector for each in asked]), np.array([each.owner for each in asked])
    backgrounds: dict[ViewKind, float] = {}
    for kind, part in gathered.items():
        of_vectors = np.repeat(np.arange(len(part.starts) - 1), np.diff(part.starts))
        sample = spread(range(len(of_vectors)), _BACKGROUND_VECTORS)
        backgrounds[kind] = measure_background(queries, part.vectors[sample], of_vectors[sample], owners)
    return backgrounds


def _dense_scores(dense: Mapping[ViewKind, DenseIndex], asked: Asked, rows: Rows) -> Vectors:
    """How like a query some passages are, over all kinds of views."""
    total: Vectors = np.stack([WEIGHTS[kind] * index.scores(asked.vector, rows) for kind, index in dense.items()]).sum(
        0
    )
    return total


def _late_scores(tokens: TokenIndex | None, dense: Mapping[ViewKind, DenseIndex], asked: Asked, rows: Rows) -> Vectors:
    """Late interaction; where tokens are not kept, the likeness of the whole stands in for it."""
    return _dense_scores(dense, asked, rows) if tokens is None else tokens.scores(asked.tokens, rows)


def _text_hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)


def _passage_json(passage: Passage) -> dict[str, object]:
    return {field.name: getattr(passage, field.name) for field in fields(Passage)}


def _passage(value: Mapping[str, object]) -> Passage:
    plain = {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
    return Passage(**plain)  # type: ignore[arg-type]  # the hash says that this program wrote it

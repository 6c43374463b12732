"""Passages searched by meaning and by words, the scores fused. Saved as FAISS, ``.npy`` and JSON, hashes checked.

Candidates come from every view of the passages and from BM25; each candidate is then scored exactly by all of them:
``sum of weight x likeness + LEXICAL_WEIGHT x saturated BM25``, where the likeness of a kind of view is 0 for unrelated
texts and 1 for the same text, whatever the encoder.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from retrieval.dense import DenseIndex, measure_background
from retrieval.encoder import Encoder, Progress, Vectors
from retrieval.errors import IndexFileError, KnowledgeEmpty
from retrieval.index_kinds import Rows, gpu_available
from retrieval.lexical import LexicalIndex
from retrieval.passages import Passage
from retrieval.sealed import checked_json, read_arrays, seal, verify, write_arrays, write_json
from retrieval.views import VIEW_KINDS, ViewKind, lexical_text, views
from retrieval.words import words

FORMAT = "kefu-index-2"
WEIGHTS: Mapping[ViewKind, float] = {"whole": 0.4, "sentence": 0.4, "heading": 0.2}
LEXICAL_WEIGHT = 0.45
CANDIDATES = 48
"""How many vectors of each view, and passages by words, are looked at before exact scoring."""

_BACKGROUND_QUERIES, _BACKGROUND_VECTORS = 64, 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage for a query. ``score`` orders the hits; ``dense`` is 0 for unrelated texts and 1
    for equal ones, ``lexical`` in [0, 1)."""

    passage: Passage
    score: float
    dense: float
    lexical: float


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
    """An immutable index with the encoder that made it."""

    def __init__(
        self,
        passages: Sequence[Passage],
        dense: Mapping[ViewKind, DenseIndex],
        lexical: LexicalIndex,
        encoder: Encoder,
        hashes: Mapping[ViewKind, Rows],
    ) -> None:
        self.passages, self.dense, self.lexical, self.encoder = tuple(passages), dense, lexical, encoder
        self._hashes = hashes

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
        vectors = self.encoder.encode_queries(queries)
        near = [index.nearest(vectors, CANDIDATES, allowed) for index in self.dense.values()]
        hits: list[list[Hit]] = []
        for number, query in enumerate(queries):
            candidates = set[int]().union(*(found[number] for found in near))
            hits.append(self._rank(query, vectors[number], candidates, k, allowed))
        return hits

    def _rank(self, query: str, vector: Vectors, near: set[int], k: int, allowed: Rows | None) -> list[Hit]:
        lexical = self.lexical.scores(words(query))
        pool = np.arange(len(self.passages)) if allowed is None else allowed
        best = pool[np.argsort(-lexical[pool], kind="stable")[:CANDIDATES]]
        rows = np.array(sorted(near | {int(row) for row in best if lexical[row] > 0}), np.int64)
        parts = [WEIGHTS[kind] * index.scores(vector, rows) for kind, index in self.dense.items()]
        dense: Vectors = np.stack(parts).sum(0)
        scores = dense + LEXICAL_WEIGHT * lexical[rows]
        return [
            Hit(
                passage=self.passages[rows[at]],
                score=float(scores[at]),
                dense=float(dense[at]),
                lexical=float(lexical[rows[at]]),
            )
            for at in np.argsort(-scores, kind="stable")[:k]
        ]

    def _allowed(self, filters: Mapping[str, str]) -> Rows:
        kept = [row for row, passage in enumerate(self.passages) if _matches(passage, filters)]
        return np.array(kept, np.int64)

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
        recall = {kind: index.recall for kind, index in self.dense.items()}
        seal(folder, FORMAT, {"encoder": self.encoder.fingerprint, "background": background, "recall": recall})

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
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IndexFileError(f"{folder}: not an index of this program ({error})") from error
        if any(len(index.starts) != len(passages) + 1 for index in dense.values()) or lexical.rows != len(passages):
            raise IndexFileError(f"{folder}: its parts do not belong together")
        return cls(passages, dense, lexical, encoder, {kind: arrays[f"{kind}.hashes"] for kind in VIEW_KINDS})

    def known_vectors(self) -> dict[int, Vectors]:
        """Every vector by the hash of its text, for an incremental build; copies, since FAISS owns the memory."""
        known: dict[int, Vectors] = {}
        for kind, hashes in self._hashes.items():
            vectors = self.dense[kind].vectors[np.arange(len(hashes))]
            known |= zip(map(int, hashes), vectors, strict=True)
        return known


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

    ``unrelated``: what people say that has nothing to do with any help page; it sets the zero of the scores. Without it
    headings are held against passages of other documents, which lie nearer.

    Raises ``KnowledgeEmpty``. A previous index that cannot be used is passed over: everything is embedded again.
    """
    if not passages:
        raise KnowledgeEmpty("no passage to index: add Markdown pages or FAQ files to the knowledge folder")
    known = _previous_vectors(previous, encoder)
    texts = {kind: [views(passage, kind) for passage in passages] for kind in VIEW_KINDS}
    hashed = {_text_hash(text): text for kind in VIEW_KINDS for several in texts[kind] for text in several}
    missing = [key for key in hashed if key not in known]
    fresh = encoder.encode_passages([hashed[key] for key in missing], progress)
    known.update(zip(missing, fresh, strict=True))
    gathered = {kind: _gather(texts[kind], known) for kind in VIEW_KINDS}
    on_gpu = gpu_available() if gpu is None else gpu
    backgrounds = _backgrounds(unrelated, texts["heading"], gathered, encoder)
    dense = {
        kind: DenseIndex.build(part.vectors, part.starts, backgrounds[kind], gpu=on_gpu)
        for kind, part in gathered.items()
    }
    lexical = LexicalIndex.build([words(lexical_text(passage)) for passage in passages])
    hashes = {kind: part.hashes for kind, part in gathered.items()}
    counts = BuildCounts(passages=len(passages), vectors=len(hashed), reused=len(hashed) - len(missing))
    return KnowledgeIndex(passages, dense, lexical, encoder, hashes), counts


def _previous_vectors(previous: Path | None, encoder: Encoder) -> dict[int, Vectors]:
    if previous is None or not previous.is_dir():
        return {}
    try:
        return KnowledgeIndex.load(previous, encoder, gpu=False).known_vectors()
    except IndexFileError:
        return {}


def _gather(texts: Sequence[Sequence[str]], known: Mapping[int, Vectors]) -> _Views:
    hashes = np.array([_text_hash(text) for several in texts for text in several], np.int64)
    starts = np.concatenate([[0], np.cumsum([len(several) for several in texts])]).astype(np.int64)
    vectors = np.stack([known[int(key)] for key in hashes]).astype(np.float32)
    return _Views(vectors, hashes, starts)


def _backgrounds(
    unrelated: Sequence[str],
    headings: Sequence[Sequence[str]],
    gathered: Mapping[ViewKind, _Views],
    encoder: Encoder,
) -> dict[ViewKind, float]:
    """How alike unrelated texts are to the vectors of each kind, evenly sampled."""
    asked = np.unique(np.linspace(0, len(headings) - 1, _BACKGROUND_QUERIES).astype(np.int64))
    queries = encoder.encode_queries([headings[row][0] for row in asked])
    if unrelated:
        queries, asked = encoder.encode_queries(unrelated), np.full(len(unrelated), -1)
    backgrounds: dict[ViewKind, float] = {}
    for kind, part in gathered.items():
        owners = np.repeat(np.arange(len(part.starts) - 1), np.diff(part.starts))
        sample = np.unique(np.linspace(0, len(owners) - 1, _BACKGROUND_VECTORS).astype(np.int64))
        backgrounds[kind] = measure_background(queries, part.vectors[sample], owners[sample], asked)
    return backgrounds


def _matches(passage: Passage, filters: Mapping[str, str]) -> bool:
    own = {"language": passage.language, "document": passage.document, **passage.metadata}
    return all(own.get(name) == value for name, value in filters.items())


def _text_hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)


def _passage_json(passage: Passage) -> dict[str, object]:
    return {field.name: getattr(passage, field.name) for field in fields(Passage)}


def _passage(value: Mapping[str, object]) -> Passage:
    plain = {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
    return Passage(**plain)  # type: ignore[arg-type]  # the hash says that this program wrote it

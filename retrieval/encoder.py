"""Texts into unit vectors with a sentence encoder. Knows tokens and pooling, not passages or indexes."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from tokenizers.normalizers import Lowercase
from tokenizers.normalizers import Sequence as Normalizers
from torch import Tensor, nn
from torch.nn import functional

from retrieval.bert import Bert
from retrieval.errors import BaseModelError
from retrieval.int8 import supported, with_int8_layers
from retrieval.query_map import QueryMap
from retrieval.sentence_modules import (
    LONGEST,
    MODULES,
    POOLING,
    LibraryModel,
    library_folder,
    needs_library,
    pooling_of,
    read_json,
)

Vectors = NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with how much is done and of how much."""

SETTINGS_FILE = "retrieval.json"
BATCH_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an encoder made of one text: for each token its id, its last state, and what of the text it stands for.

    ``ids`` (n), ``states`` (n, width), ``pieces`` in lower case; the tokens that only an encoder adds are left out.
    """

    ids: NDArray[np.int64]
    states: Vectors
    pieces: tuple[str, ...]


class Encoder(Protocol):
    """What an index needs of an encoder. ``fingerprint`` changes whenever the vectors of passages would."""

    fingerprint: str
    dimensions: int

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dimensions) of what customers ask."""
        ...

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Unit vectors (len(texts), dimensions) of what answers."""
        ...

    def read_queries(self, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        """The vectors of ``encode_queries``, and from the same pass the tokens of each text."""
        ...

    def read_passages(self, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        """The vectors of ``encode_passages``, and from the same pass the tokens of each text."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSettings:
    """How a base wants its texts: prefixes, the states that make the vector, the longest input (tokens)."""

    query_prefix: str = ""
    passage_prefix: str = ""
    pooling: str = "mean"
    max_tokens: int = 256

    @classmethod
    def read(cls, folder: Path) -> "EncoderSettings":
        """From ``retrieval.json`` where there is one, else from sentence-transformers' files, else by its kind."""
        if own := read_json(folder / SETTINGS_FILE):
            return cls(**{name: own[name] for name in cls.__slots__ if name in own})
        pooling = read_json(folder / POOLING / "config.json")
        prompts = read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
        length = read_json(folder / "sentence_bert_config.json").get("max_seq_length")
        if length is None and (folder / MODULES).is_file():  # newer versions of the library write it elsewhere
            length = read_json(folder / "tokenizer_config.json").get("model_max_length")
        e5 = _is_e5(folder)
        return cls(
            query_prefix=_prompt(prompts, ("query",), "query: " if e5 else ""),
            passage_prefix=_prompt(prompts, ("document", "passage", "corpus"), "passage: " if e5 else ""),
            pooling=pooling_of(pooling) or "mean",
            max_tokens=min(int(length or 256), LONGEST),
        )


class PooledBert(nn.Module):
    """A BERT whose vector of a text is the mean of its states, or with ``cls`` the first."""

    def __init__(self, bert: Bert, pooling: str) -> None:
        super().__init__()
        self.bert, self.pooling = bert, pooling
        self.dimensions, self.longest = bert.shape.hidden, bert.shape.positions - bert.shape.offset

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """``ids`` (batch, length) into states (batch, length, width) and vectors (batch, width)."""
        states: Tensor = self.bert(ids, mask)
        if self.pooling == "cls":
            return states, states[:, 0]
        if mask is None:
            return states, states.mean(1)
        weights = mask.unsqueeze(-1).to(states.dtype)
        return states, (states * weights).sum(1) / weights.sum(1)


class TextEncoder:
    """The encoder in a model folder (``config.json``, ``model.safetensors``, ``tokenizer.json``).

    A folder of sentence-transformers that says more in ``modules.json`` than a BERT with a mean is run by that library.

    ``query_map`` turns the vectors of queries, which then have its length. The ``fingerprint`` does not know of it,
    since the vectors of passages stay as they are.
    """

    def __init__(
        self, model: PooledBert | LibraryModel, tokenizer: Tokenizer, settings: EncoderSettings, fingerprint: str
    ) -> None:
        self.model, self.tokenizer, self.settings, self.fingerprint = model, tokenizer, settings, fingerprint
        self.query_map: QueryMap | None = None
        self.dimensions = model.dimensions
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max_length=min(settings.max_tokens, model.longest))

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", *, int8: bool = False) -> "TextEncoder":
        """Read a model folder onto a device. Raises ``BaseModelError``.

        ``int8``: on a CPU that can, run the layers in 8 bits: a query takes a third of the time, and its vector stays
        within 1 % of the full one, so it fits an index of full ones.
        """
        folder = library_folder(folder)
        settings = EncoderSettings.read(folder)
        if needs_library(folder) and not (folder / SETTINGS_FILE).is_file():
            library = LibraryModel.load(folder)
            files = sorted([*folder.glob("*.*"), *folder.glob("[0-9]*_*/*.*")])
            kept = [file for file in files if file.suffix in (".json", ".safetensors", ".txt")]
            settings = replace(settings, max_tokens=library.longest)
            return cls(library.to(device), library.tokenizer, settings, _fingerprint(kept, settings))
        bert = Bert.load(folder).to(device)
        if int8 and device == "cpu" and supported():
            with_int8_layers(bert.layers)
        kept = [folder / name for name in ("config.json", "tokenizer.json", "model.safetensors")]
        return cls(PooledBert(bert, settings.pooling), _tokenizer(folder), settings, _fingerprint(kept, settings))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dimensions)."""
        return self._mapped(self._encode(self.settings.query_prefix, texts, None))

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Unit vectors (len(texts), dimensions)."""
        return self._encode(self.settings.passage_prefix, texts, progress)

    def read_queries(self, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        """Unit vectors (len(texts), dimensions), and the tokens of each text."""
        vectors, tokens = self._read(self.settings.query_prefix, texts)
        return self._mapped(vectors), tokens

    def read_passages(self, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        """Unit vectors (len(texts), dimensions), and the tokens of each text."""
        return self._read(self.settings.passage_prefix, texts)

    def _mapped(self, vectors: Vectors) -> Vectors:
        return vectors if self.query_map is None else self.query_map.turned(vectors)

    def batch(self, encodings: Sequence[Encoding]) -> tuple[Tensor, Tensor | None]:
        """Token ids padded to the longest, and the mask; None where nothing is padded."""
        longest = max(len(encoding.ids) for encoding in encodings)
        ids = torch.zeros(len(encodings), longest, dtype=torch.long)
        mask = torch.zeros(len(encodings), longest, dtype=torch.bool)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = torch.tensor(encoding.ids)
            mask[row, : len(encoding.ids)] = True
        device = next(self.model.parameters()).device
        return ids.to(device), None if bool(mask.all()) else mask.to(device)

    def _encode(self, prefix: str, texts: Sequence[str], progress: Progress | None) -> Vectors:
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        done = 0
        for rows, _, _, pooled in self._passes(prefix, texts):
            vectors[rows] = pooled.float().cpu().numpy()
            done += len(rows)
            if progress:
                progress(done, len(texts))
        return vectors

    def _read(self, prefix: str, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        tokens: dict[int, Tokens] = {}
        for rows, encodings, states, pooled in self._passes(prefix, texts):
            vectors[rows] = pooled.float().cpu().numpy()
            of_texts = zip(rows, encodings, states.float().cpu().numpy(), strict=True)
            tokens |= {row: _tokens(encoding, own, prefix, texts[row]) for row, encoding, own in of_texts}
        return vectors, [tokens[row] for row in range(len(texts))]

    @torch.inference_mode()
    def _passes(self, prefix: str, texts: Sequence[str]) -> Iterator[tuple[list[int], list[Encoding], Tensor, Tensor]]:
        """In batches: rows of ``texts``, their encodings, states (batch, length, width) and unit vectors."""
        encodings = self.tokenizer.encode_batch([prefix + text for text in texts])
        for rows in _length_batches([len(encoding.ids) for encoding in encodings]):
            chosen = [encodings[row] for row in rows]
            ids, mask = self.batch(chosen)
            states, vectors = self.model(ids, mask)
            yield rows, chosen, states, functional.normalize(vectors, dim=-1)


def _tokens(encoding: Encoding, states: Vectors, prefix: str, text: str) -> Tokens:
    """The tokens of a text, without the prefix's and the encoder's own."""
    skip = len(prefix)
    spans = encoding.offsets
    own = [at for at, special in enumerate(encoding.special_tokens_mask) if not special and spans[at][1] > skip]
    pieces = tuple(text[max(0, spans[at][0] - skip) : spans[at][1] - skip].strip().lower() for at in own)
    return Tokens(np.array(encoding.ids, np.int64)[own], states[own], pieces)


def _length_batches(lengths: Sequence[int]) -> list[list[int]]:
    """Rows in batches of like length, so that little is padded; at most ``BATCH_TOKENS`` tokens a batch."""
    batches: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if batches and lengths[batches[-1][0]] * (len(batches[-1]) + 1) <= BATCH_TOKENS:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


def _prompt(prompts: Mapping[str, str | None], names: Sequence[str], default: str) -> str:
    """The first prompt that says something; where all are empty, as the library writes them, there is to be none."""
    stated = [prompts[name] or "" for name in names if name in prompts]
    return next(filter(None, stated), "") if stated else default


def _tokenizer(folder: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises bare Exception
        raise BaseModelError(f"{folder}: tokenizer.json cannot be read ({error})") from error
    if read_json(folder / "sentence_bert_config.json").get("do_lower_case"):
        tokenizer.normalizer = Normalizers([Lowercase(), *([tokenizer.normalizer] if tokenizer.normalizer else [])])
    return tokenizer


def _is_e5(folder: Path) -> bool:
    """E5 checkpoints state no prefixes; told by name, or by a BERT body on XLM-R's vocabulary."""
    config = read_json(folder / "config.json")
    name = f"{config.get('_name_or_path', '')} {folder.name}".lower()
    return "e5" in name or (config.get("model_type") == "bert" and config.get("vocab_size") == 250037)


def _fingerprint(files: Sequence[Path], settings: EncoderSettings) -> str:
    digest = hashlib.sha256(repr(settings).encode())
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]

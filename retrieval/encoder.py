"""Texts into unit vectors with a sentence encoder. Knows tokens and pooling, not passages or indexes."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from torch import Tensor
from torch.nn import functional

from retrieval.bert import Bert
from retrieval.errors import BaseModelError
from retrieval.int8 import supported, with_int8_layers
from retrieval.query_map import QueryMap

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
        if own := _json(folder / SETTINGS_FILE):
            return cls(**{name: own[name] for name in cls.__slots__ if name in own})
        pooling = _json(folder / "1_Pooling" / "config.json")
        prompts = _json(folder / "config_sentence_transformers.json").get("prompts") or {}
        length = _json(folder / "sentence_bert_config.json").get("max_seq_length") or 256
        e5 = _is_e5(folder)
        return cls(
            query_prefix=prompts.get("query", "query: " if e5 else ""),
            passage_prefix=prompts.get("passage", prompts.get("document", "passage: " if e5 else "")),
            pooling="cls" if pooling.get("pooling_mode_cls_token") else "mean",
            max_tokens=min(int(length), 512),
        )


class TextEncoder:
    """The encoder in a model folder (``config.json``, ``model.safetensors``, ``tokenizer.json``).

    ``query_map`` turns the vectors of queries, which then have its length. The ``fingerprint`` does not know of it,
    since the vectors of passages stay as they are.
    """

    def __init__(self, model: Bert, tokenizer: Tokenizer, settings: EncoderSettings, fingerprint: str) -> None:
        self.model, self.tokenizer, self.settings, self.fingerprint = model, tokenizer, settings, fingerprint
        self.query_map: QueryMap | None = None
        self.dimensions = model.shape.hidden
        self.tokenizer.no_padding()
        longest = min(settings.max_tokens, model.shape.positions - model.shape.offset)
        self.tokenizer.enable_truncation(max_length=longest)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", *, int8: bool = False) -> "TextEncoder":
        """Read a model folder onto a device. Raises ``BaseModelError``.

        ``int8``: on a CPU that can, run the layers in 8 bits: a query takes a third of the time, and its vector stays
        within 1 % of the full one, so it fits an index of full ones.
        """
        try:
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises bare Exception
            raise BaseModelError(f"{folder}: tokenizer.json cannot be read ({error})") from error
        model = Bert.load(folder).to(device)
        if int8 and device == "cpu" and supported():
            with_int8_layers(model.layers)
        settings = EncoderSettings.read(folder)
        return cls(model, tokenizer, settings, _fingerprint(folder, settings))

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

    def _pooled(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """States (batch, length, width) into unit vectors (batch, width)."""
        if self.settings.pooling == "cls":
            vectors = states[:, 0]
        elif mask is None:
            vectors = states.mean(1)
        else:
            weights = mask.unsqueeze(-1).to(states.dtype)
            vectors = (states * weights).sum(1) / weights.sum(1)
        return functional.normalize(vectors, dim=-1)

    def batch(self, encodings: Sequence[Encoding]) -> tuple[Tensor, Tensor | None]:
        """Token ids padded to the longest, and the mask; None where nothing is padded."""
        longest = max(len(encoding.ids) for encoding in encodings)
        ids = torch.zeros(len(encodings), longest, dtype=torch.long)
        mask = torch.zeros(len(encodings), longest, dtype=torch.bool)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = torch.tensor(encoding.ids)
            mask[row, : len(encoding.ids)] = True
        device = self.model.kind.device
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
            states = self.model(ids, mask)
            yield rows, chosen, states, self._pooled(states, mask)


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


def _json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BaseModelError(f"{file}: not valid JSON ({error})") from error
    return value if isinstance(value, dict) else {}


def _is_e5(folder: Path) -> bool:
    """E5 checkpoints state no prefixes; told by name, or by a BERT body on XLM-R's vocabulary."""
    config = _json(folder / "config.json")
    name = f"{config.get('_name_or_path', '')} {folder.name}".lower()
    return "e5" in name or (config.get("model_type") == "bert" and config.get("vocab_size") == 250037)


def _fingerprint(folder: Path, settings: EncoderSettings) -> str:
    digest = hashlib.sha256(repr(settings).encode())
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]

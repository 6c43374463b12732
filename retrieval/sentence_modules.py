"""Sentence encoders as the library sentence-transformers runs them, for folders that need more than ``retrieval.bert``.

A folder of that library says in ``modules.json`` what follows the transformer. A BERT whose vector is the mean of the
states, or the first, is run by ``retrieval.bert``, which starts without the library. All else goes through it: other
architectures (MPNet, ModernBERT, Qwen3 and so on), other poolings, dense layers. Code in a folder is never run.
"""

import json
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from retrieval.bert import BertShape
from retrieval.errors import BaseModelError

MODULES = "modules.json"

POOLING = "1_Pooling"

LONGEST = 512
"""Tokens that are read of a text at most: passages are shorter."""

_LEGACY_POOLINGS = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"}
"""The old names of the two that are run here."""


def library_folder(folder: Path) -> Path:
    """The folder with ``modules.json`` that weights in ``folder`` belong to; ``folder`` itself where there is none.

    Old versions of the library put the transformer below, in ``0_Transformer``.
    """
    try:
        above = [module["path"] for module in _modules(folder.parent)]
    except BaseModelError:  # another program's file
        return folder
    return folder.parent if folder.name in above and not (folder / MODULES).is_file() else folder


def needs_library(folder: Path) -> bool:
    """Whether only the library gives the vectors that the folder's ``modules.json`` describes."""
    modules = _modules(folder)
    if not modules:
        return False
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        return True
    if [module["path"] for module in modules[:2]] != ["", POOLING]:
        return True
    try:
        BertShape.read(folder)
    except BaseModelError:
        return True
    pooling = read_json(folder / POOLING / "config.json")
    return pooling_of(pooling) is None or not pooling.get("include_prompt", True)


def pooling_of(config: Mapping[str, Any]) -> str | None:
    """``mean`` or ``cls``, as a pooling's ``config.json`` says; None for any other."""
    modes = config.get("pooling_mode")
    if modes is None:  # as before version 5.4 of the library; with none of them, its default
        named = [name for name, chosen in config.items() if name.startswith("pooling_mode_") and chosen]
        modes = [_LEGACY_POOLINGS.get(name) for name in named] or "mean"
    if isinstance(modes, list):
        modes = modes[0] if len(modes) == 1 else None
    return modes if modes in ("mean", "cls") else None


class LibraryModel(nn.Module):
    """Token ids in, states and vectors out, by the modules of a ``SentenceTransformer``."""

    def __init__(self, transformer: nn.Module, others: nn.ModuleList, tokenizer: Tokenizer, longest: int) -> None:
        super().__init__()
        self.transformer, self.others = transformer, others
        self.tokenizer, self.longest = tokenizer, longest
        with torch.inference_mode():
            _, vectors = self(torch.tensor([[0, 0]]))
        self.dimensions = vectors.shape[-1]

    @classmethod
    def load(cls, folder: Path) -> "LibraryModel":
        """Read a folder of the library from disk. Raises ``BaseModelError``."""
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds to import, for few folders
        from sentence_transformers.base.modules import Router, Transformer  # noqa: PLC0415
        from transformers.utils import logging  # noqa: PLC0415

        for pickled in folder.rglob("pytorch_model*.bin"):
            if not any(pickled.parent.glob("*.safetensors")):
                raise BaseModelError(f"{pickled}: pickled weights are not read; save them as model.safetensors")
        logging.disable_progress_bar()
        logging.set_verbosity_error()
        try:
            first, *others = (
                SentenceTransformer(
                    str(folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
                )
                .float()
                .eval()
            )
            longest = min(first.max_seq_length or LONGEST, LONGEST)
            model = cls(first, nn.ModuleList(others), first.tokenizer.backend_tokenizer, longest)
        except Exception as error:  # the library and those below it raise any
            raise BaseModelError(
                f"{folder}: sentence-transformers cannot run it ({error}); use another base"
            ) from error
        if not isinstance(first, Transformer) or any(isinstance(module, Router) for module in others):
            raise BaseModelError(f"{folder / MODULES}: not one Transformer for all texts at first; use another base")
        if any(getattr(module, "include_prompt", True) is False for module in others):
            raise BaseModelError(
                f"{folder}: its vectors leave out the prompt (include_prompt), ours cannot; use another base"
            )
        return model

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """``ids`` (batch, length) into states (batch, length, width) and vectors (batch, dimensions)."""
        attention = torch.ones_like(ids) if mask is None else mask.long()
        features = self.transformer({"input_ids": ids, "attention_mask": attention})
        states: Tensor = features["token_embeddings"]
        for module in self.others:
            features = module(features)
        vectors: Tensor = features["sentence_embedding"]
        return states, vectors


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object; empty where the file is missing or holds another value. Raises ``BaseModelError``."""
    value = _read(file)
    return value if isinstance(value, dict) else {}


def _modules(folder: Path) -> list[dict[str, Any]]:
    modules = _read(folder / MODULES) or []
    try:
        return sorted(
            ({name: module[name] for name in ("idx", "type", "path")} for module in modules), key=itemgetter("idx")
        )
    except (TypeError, KeyError) as error:
        raise BaseModelError(f"{folder / MODULES}: no list of modules ({error}); save the model again") from error


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise BaseModelError(f"{file}: not valid JSON ({error})") from error

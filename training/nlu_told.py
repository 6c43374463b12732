"""What a trained understanding is told and did not learn: the assistant's own threshold, and its synonyms."""

import json
from collections.abc import Mapping
from pathlib import Path

from bot.release import write_json
from nlu.folder import MANIFEST


def tell(folder: Path, *, threshold: float | None, synonyms: Mapping[str, str]) -> float:
    """Write both into the model in ``folder``, and return the threshold that counts; None: the one found in training.

    The manifest is replaced, not changed: an earlier release may share the file.
    """
    path = folder / MANIFEST
    manifest = json.loads(path.read_text("utf-8"))
    found: float = manifest["facts"]["threshold"]
    told = {"threshold": found if threshold is None else threshold, "synonyms": dict(synonyms)}
    if {"threshold": manifest["threshold"], "synonyms": manifest["patterns"]["synonyms"]} != told:
        manifest["threshold"], manifest["patterns"]["synonyms"] = told["threshold"], told["synonyms"]
        write_json(path, manifest)
    return float(manifest["threshold"])

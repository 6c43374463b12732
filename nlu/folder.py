"""A trained model on disk: ``nlu.json``, ``model.safetensors``, ``tokenizer.json``. No pickle.

``nlu.json`` is written last, so a folder without it is torn.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from nlu.blank import Blank
from nlu.confidence import Confidence
from nlu.data import PatternSources
from nlu.encoder import EncoderShape
from nlu.errors import NluFolderError
from nlu.network import HeadShape, Network

FORMAT = 3
MANIFEST, WEIGHTS, TOKENIZER = "nlu.json", "model.safetensors", "tokenizer.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All that a model is besides its weights.

    ``classes`` are full labels in logit order; None is the reject class. ``roles`` and ``groups`` start with None.
    ``pattern_confidence`` names the patterns that extract entities, with the share of their matches that were right
    in the training data. ``facts``: base and measures, for people, and the ``threshold`` that training found.
    """

    encoder: EncoderShape
    heads: HeadShape
    classes: tuple[str | None, ...]
    kinds: tuple[str, ...]
    touching: tuple[str, ...]
    roles: tuple[str | None, ...]
    groups: tuple[str | None, ...]
    confidence: Confidence
    threshold: float
    max_tokens: int
    patterns: PatternSources = field(default_factory=PatternSources)
    pattern_confidence: Mapping[str, float] = field(default_factory=dict)
    entity_roles: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    entity_groups: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def write_model(folder: Path, manifest: Manifest, network: Network, tokenizer_json: str) -> None:
    """Write a model. Weights go to disk in 16 bits; norms and scales of any size fit."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    weights = {name: tensor.detach().half().contiguous().cpu() for name, tensor in network.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    (folder / TOKENIZER).write_text(tokenizer_json, encoding="utf-8")
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """What ``nlu.json`` says. Raises NluFolderError."""
    try:
        raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if raw.pop("format") != FORMAT:
            raise _unusable(folder, "was written by another version")
        return _manifest(raw)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise _unusable(folder, f"holds no readable {MANIFEST} ({exc})") from exc


def read_network(folder: Path, manifest: Manifest) -> Network:
    """The network with its weights in float32, the word vectors in 16 bits. Raises NluFolderError."""
    with Blank():
        network = Network(manifest.encoder, manifest.heads, dropout=0.0)
    try:
        weights = load_file(folder / WEIGHTS)
        weights = {
            name: tensor if name == "encoder.words.weight" else tensor.float() for name, tensor in weights.items()
        }
        network.load_state_dict(weights, assign=True)
    except (OSError, RuntimeError, SafetensorError) as exc:
        raise _unusable(folder, f"holds no fitting {WEIGHTS} ({exc})") from exc
    return network.eval().requires_grad_(False)


def _unusable(folder: Path, why: str) -> NluFolderError:
    return NluFolderError(f"{folder} {why}", remedy="train the assistant again")


def _manifest(raw: dict[str, Any]) -> Manifest:
    patterns = raw["patterns"]
    return Manifest(
        **{
            **raw,
            **{name: tuple(raw[name]) for name in ("classes", "kinds", "touching", "roles", "groups")},
            **{name: _tuples(raw[name]) for name in ("entity_roles", "entity_groups")},
            "confidence": Confidence(**raw["confidence"]),
            "encoder": EncoderShape(**raw["encoder"]),
            "heads": HeadShape(**raw["heads"]),
            "patterns": PatternSources(
                regexes=_tuples(patterns["regexes"]),
                lookups=_tuples(patterns["lookups"]),
                synonyms=patterns["synonyms"],
            ),
        }
    )


def _tuples(lists: Mapping[str, Sequence[Any]]) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(values) for name, values in lists.items()}

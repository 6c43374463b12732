"""An assistant, or its examples, in the body of one request. Raises Faulty for what cannot be used, with its lines."""

import os
from collections.abc import Mapping, Sequence

from bot.dialogue.domain_file import KEYS as DOMAIN_KEYS
from bot.dialogue.errors import Fault, ProjectFaults
from bot.dialogue.load import load_nlu
from bot.dialogue.parse import Json
from bot.dialogue.project import NluExample, SourceFile
from bot.dialogue.story_writing import yaml_text
from bot.dialogue.yaml_tree import Node, read_yaml
from bot.errors import Faulty

DATA_KEYS = ("nlu", "stories", "rules")


def split(text: str) -> dict[str, str]:
    """The files that the keys of one body belong to. What another file holds is left blank, so that lines stay right.

    Raises Faulty.
    """
    root, faults = read_yaml(SourceFile(path="body", text=text), os.environ)
    if faults:
        raise faulty(faults)
    if root is None or not isinstance(root.value, Mapping):
        raise Faulty("the body must hold the keys of an assistant's files")
    keys = root.value
    starts = {key: node.line for key, node in keys.items()}
    parts = _blanked(text, starts) if len(set(starts.values())) == len(starts) else _dumped(keys)
    return {"config.yml": "recipe: default.v1\n"} | {name: part for name, part in parts.items() if part.strip()}


def _file_of(key: str) -> str:
    if key in DATA_KEYS:
        return "data/data.yml"
    return "domain.yml" if key in DOMAIN_KEYS and key != "config" else "config.yml"


def _blanked(text: str, starts: Mapping[str, int]) -> dict[str, str]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    parts = {name: [""] * len(lines) for name in ("config.yml", "domain.yml", "data/data.yml")}
    ordered = sorted(starts.items(), key=lambda item: item[1])
    ends = [line for _, line in ordered[1:]] + [len(lines) + 1]
    for (key, start), end in zip(ordered, ends, strict=True):
        parts[_file_of(key)][start - 1 : end - 1] = lines[start - 1 : end - 1]
    return {name: "\n".join(part) for name, part in parts.items()}


def _dumped(keys: Mapping[str, Node]) -> dict[str, str]:
    """The same for a body without lines of its own, as JSON has."""
    parts: dict[str, dict[str, Json]] = {}
    for key, node in keys.items():
        parts.setdefault(_file_of(key), {})[key] = node.json()
    return {name: yaml_text(part) for name, part in parts.items()}


def faulty(faults: Sequence[Fault]) -> Faulty:
    """The faults of files as one error."""
    in_domain = any(fault.path.startswith("domain") for fault in faults)
    return Faulty("\n".join(map(str, faults)), in_domain=in_domain)


def with_domain(text: str) -> dict[str, str]:
    """The same as ``split`` for a body that may hold no more than examples: what they name is the domain."""
    files = split(text)
    if "domain.yml" not in files:
        examples = examples_of(text)
        intents = dict.fromkeys(example.intent.partition("/")[0] for example in examples)
        entities = dict.fromkeys(entity.entity for example in examples for entity in example.entities)
        files["domain.yml"] = yaml_text({"intents": list(intents), "entities": list(entities)})
    return files


def examples_of(text: str) -> Sequence[NluExample]:
    """The NLU examples of a body. Raises Faulty."""
    try:
        return load_nlu([SourceFile(path="body", text=text)], env=os.environ).examples
    except ProjectFaults as exc:
        raise faulty(exc.faults) from None

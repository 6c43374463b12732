"""A folder of Rasa 1 or 2 brought to the 3.1 format: texts in, texts out, with notes of every change.

YAML keeps its comments and order; Markdown and JSON become YAML beside where they stood. What fills in for old policies
are rules in a file of their own. Nothing of the source is changed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml.comments import CommentedMap

from bot.dialogue.domain_file import KEYS as DOMAIN_KEYS
from bot.dialogue.project import SourceFile
from bot.dialogue.story_writing import scalar
from training.convert_actions import FormClass, form_classes
from training.convert_config import convert_config
from training.convert_domain import Filler, convert_domain, entities_of, fillers_of
from training.convert_json import json_nlu_yaml
from training.convert_markdown import kind_of, nlu_yaml, responses_yaml, stories_yaml
from training.convert_notes import VERSION_LINE, Note, Notes, Rule, dump, load, with_version
from training.convert_stories import convert_stories

RULES_FILE = "data/converted_rules.yml"
SETTINGS = ("endpoints.yml", "endpoints.yaml", "credentials.yml", "credentials.yaml")
CONFIGS = ("config.yml", "config.yaml")
DATA_FOLDERS = ("data", "domain", "tests", "test", "e2e")
"""Folders whose Markdown, JSON and YAML is training data; beside them, only files of the folder itself."""
NO_DATA = re.compile(r"(readme|changelog|license|contributing|package|tsconfig)\b.*", re.IGNORECASE)
_TOLD_DOMAIN = frozenset((*DOMAIN_KEYS, "templates")) - {"version", "config"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """The files of the new folder that were read as text, by path, and the notes by path and line of the source."""

    files: Mapping[str, str]
    notes: tuple[Note, ...]


def convert(files: Sequence[SourceFile]) -> Conversion:
    """Bring an assistant's texts (YAML, Markdown, JSON, Python and lookup files) to the 3.1 format."""
    return _Converter({file.path: file.text for file in files}).run()


class _Converter:
    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = sources
        self.notes = {path: Notes(path) for path in sources}
        self.out: dict[str, str] = {}
        self.rules: list[Rule] = []

    def run(self) -> Conversion:
        forms = [
            form
            for path, text in self.sources.items()
            if path.endswith(".py")
            for form in form_classes(text, self.notes[path])
        ]
        roots = {path: root for path in self.sources if (root := self._yaml(path)) is not None}
        domains = [root for path, root in roots.items() if _is_domain(path, root)]
        entities = {name: options for root in domains for name, options in entities_of(root).items()}
        fillers = [filler for root in domains for filler in fillers_of(root)]
        fillers += [filler for form in forms for filler in form.fillers()]
        for path in self.sources:
            if path in CONFIGS and path in roots:
                has_rules = bool(fillers) or any("forms" in root or "rules" in root for root in roots.values())
                self.rules += convert_config(roots[path], self.notes[path], needs_rules=has_rules)
                self.out[path] = dump(roots[path], self.sources[path])
            elif path in roots:
                self.out[path] = self._data(path, roots[path], entities, fillers, forms)
            else:
                self._other(path)
        if self.rules:
            self.out[RULES_FILE] = _rules_text(self.rules)
        notes = [note for notes in self.notes.values() for note in notes.all]
        return Conversion(files=self.out, notes=tuple(sorted(notes, key=lambda note: (note.path, note.line))))

    def _yaml(self, path: str) -> CommentedMap | None:
        """A YAML file of the assistant's that may have to change."""
        if not path.endswith((".yml", ".yaml")) or path in SETTINGS or not _may_be_data(path):
            return None
        return load(self.sources[path], self.notes[path])

    def _data(
        self,
        path: str,
        root: CommentedMap,
        entities: Mapping[str, Any],
        fillers: Sequence[Filler],
        forms: Sequence[FormClass],
    ) -> str:
        notes = self.notes[path]
        is_domain = _is_domain(path, root)
        if not is_domain and not {"nlu", "stories", "rules"} & root.keys():
            return self.sources[path]
        if is_domain:
            slots = {form.form: form.slots for form in forms}
            self.rules += convert_domain(root, entities, fillers, slots, notes)
        convert_stories(root, notes)
        changed = dump(root, self.sources[path]) if notes.all else self.sources[path]
        return with_version(changed, notes)

    def _other(self, path: str) -> None:
        """Markdown and JSON that hold training data; anything else is copied."""
        text, notes = self.sources[path], self.notes[path]
        kind = kind_of(text) if path.endswith(".md") and _may_be_data(path) else None
        match kind:
            case "nlu":
                self._move(path, nlu_yaml(text, notes, partial(self._lookup, path)), notes)
            case "stories":
                self._move(path, stories_yaml(text, notes), notes)
            case "responses":
                self._move(path, responses_yaml(text, notes), notes)
            case _:
                is_json = path.endswith(".json") and _may_be_data(path)
                made = json_nlu_yaml(text, notes, partial(self._lookup, path)) if is_json else None
                if made is None:
                    self.out[path] = text
                else:
                    self._move(path, made, notes)

    def _lookup(self, path: str, named: str) -> str | None:
        """A file of lookup phrases, named from the folder or from the file that names it."""
        beside = (PurePosixPath(path).parent / named).as_posix()
        return next((self.sources[each] for each in (named, beside) if each in self.sources), None)

    def _move(self, path: str, text: str, notes: Notes) -> None:
        """Write what was Markdown or JSON as YAML, where Kefu looks for it."""
        place = PurePosixPath(path).with_suffix(".yml")
        is_test = "\n    intent: " in text and "  - user: " in text
        if is_test:
            name = place.name if place.name.startswith("test_") else f"test_{place.name}"
            place = PurePosixPath("tests") / name
        elif _top(path) != "data":
            place = PurePosixPath("data") / place.name
        name, number = place.as_posix(), 1
        while name in self.out or name in self.sources:
            number += 1
            name = place.with_stem(f"{place.stem}_{number}").as_posix()
        self.out[name] = text
        notes.changed(1, f"written as YAML into {name}")


def _top(path: str) -> str:
    return path.split("/", 1)[0] if "/" in path else ""


def _may_be_data(path: str) -> bool:
    return _top(path) in DATA_FOLDERS or ("/" not in path and not NO_DATA.fullmatch(path))


def _is_domain(path: str, root: CommentedMap) -> bool:
    """Responses alone do not make a domain: they may stand beside NLU data."""
    return path not in CONFIGS and bool(_TOLD_DOMAIN & root.keys())


def _rules_text(rules: Sequence[Rule]) -> str:
    out = [VERSION_LINE, "rules:\n"]
    for rule in {rule.name: rule for rule in rules}.values():
        out.append(f"# in the place of {rule.why}\n- rule: {scalar(rule.name)}\n  steps:\n")
        out += (f"  - {key}: {scalar(value)}\n" for step in rule.steps for key, value in step.items())
    return "".join(out)

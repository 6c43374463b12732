"""What the conversion of an assistant has to say, and how it reads and writes YAML without losing comments."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.representer import RoundTripRepresenter

from bot.dialogue.domain_file import LATEST_VERSION

VERSION_LINE = f'version: "{LATEST_VERSION}"\n'
_VERSION = re.compile(r"^version[ \t]*:.*$", re.MULTILINE)
_INDENTED = re.compile(r"^\w+:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*[ ]+- ", re.MULTILINE)
"""A list whose items stand to the right of its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing that was changed; ``by_hand``: that was not, or not surely well, so that a person must look at it."""

    path: str
    line: int
    text: str
    by_hand: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(slots=True)
class Notes:
    """Collects notes about one file of the source."""

    path: str
    all: list[Note] = field(default_factory=list)

    def changed(self, line: int, text: str) -> None:
        """Note what was changed."""
        self.all.append(Note(path=self.path, line=line, text=text))

    def look(self, line: int, text: str) -> None:
        """Note what a person must look at."""
        self.all.append(Note(path=self.path, line=line, text=text, by_hand=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that takes the place of something older, and why."""

    name: str
    steps: Sequence[dict[str, Any]]
    why: str


def load(text: str, notes: Notes) -> CommentedMap | None:
    """A YAML file with its comments, to be changed and written again; None for one that holds no keys."""
    try:
        root = _yaml().load(text)
    except (YAMLError, ValueError) as exc:
        mark = getattr(exc, "problem_mark", None)
        notes.look(mark.line + 1 if mark else 1, "not valid YAML, so it was copied as it is")
        return None
    return root if isinstance(root, CommentedMap) else None


def dump(root: Any, like: str) -> str:
    """The YAML text of what ``load`` gave: comments and order kept, lists indented as in the text ``like``."""
    yaml, out = _yaml(), StringIO()
    if _INDENTED.search(like):
        yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(root, out)
    return out.getvalue()


def with_version(text: str, notes: Notes) -> str:
    """The text of a file with the latest version of the format, all other lines as they are."""
    found = _VERSION.search(text)
    if found is None:
        return VERSION_LINE + text
    if found[0] + "\n" != VERSION_LINE:
        notes.changed(text.count("\n", 0, found.start()) + 1, f"the version is {LATEST_VERSION}")
    return _VERSION.sub(VERSION_LINE.rstrip("\n"), text, count=1)


def line_of(node: Any, key: Any = None) -> int:
    """The line of a key, or of a list's item by its index, or of the node itself; 1 where it was not in the file."""
    places = getattr(node, "lc", None)
    if places is None:
        return 1
    try:
        found = places.data[key][0] if key is not None else places.line
    except (KeyError, TypeError, IndexError):
        found = places.line
    return int(found or 0) + 1


def current_name(action: str) -> str:
    """The name of an action in 3.1: retrieval actions began with ``respond_`` once, and loops were forms."""
    if action == "action_deactivate_form":
        return "action_deactivate_loop"
    return f"utter_{action.removeprefix('respond_')}" if action.startswith("respond_") else action


class _Representer(RoundTripRepresenter):
    """Writes ``null`` where there is none: an empty value looks like an oversight."""

    def represent_null(self, data: None) -> Any:
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


_Representer.add_representer(type(None), _Representer.represent_null)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml

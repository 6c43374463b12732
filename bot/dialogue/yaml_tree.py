"""YAML 1.2 text to a tree of nodes that know their file and line.

Only the composer of ruamel.yaml runs, never a constructor, so a file can neither build objects nor raise anything
but faults. Knows nothing about what an assistant's files mean.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from bot.dialogue.errors import Fault
from bot.dialogue.parse import Json
from bot.dialogue.project import SourceFile

MAX_DEPTH = 60
MAX_NODES = 1_000_000
"""Aliases can make a small file unfold without end; a real assistant has some ten thousand nodes."""

_TAG = "tag:yaml.org,2002:"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ESCAPED_CHARACTER = re.compile(r"(?<!\\)(?:\\u[0-9a-fA-F]{4})+")

Scalar: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value with its place: ``line`` is that of its key, if it has one, ``text_line`` that where its text begins."""

    path: str
    line: int
    value: "Scalar | tuple[Node, ...] | Mapping[str, Node]"
    text_line: int

    def json(self) -> Json:
        """Give the value without its places."""
        match self.value:
            case Mapping():
                return {key: node.json() for key, node in self.value.items()}
            case tuple():
                return [node.json() for node in self.value]
            case scalar:
                return scalar


def read_yaml(file: SourceFile, env: Mapping[str, str]) -> tuple[Node | None, tuple[Fault, ...]]:
    """Read one document, expand ``${NAME}`` from ``env``; the node is None where the file is no YAML at all.

    An empty file is an empty mapping. Never raises for what the text holds.
    """
    text = file.text.removeprefix("\ufeff")
    try:
        root = _compose(text)
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError) as error:
        return None, (_syntax_fault(file.path, text, error),)
    if root is None:
        return Node(path=file.path, line=1, value={}, text_line=1), ()
    builder = _Builder(file.path, env, is_ascii=text.isascii())
    node = builder.build(root, 1)
    return node, tuple(builder.faults)


def _compose(text: str) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = MAX_DEPTH
    yaml.composer.warn_double_anchors = False
    return yaml.compose(text)


def _syntax_fault(path: str, text: str, error: Exception) -> Fault:
    match error:
        case MarkedYAMLError(problem_mark=mark) if mark is not None:
            line = mark.line + 1
            what = error.problem or error.context or "it cannot be parsed"
        case ReaderError(character=character, position=position):
            line = text.count("\n", 0, position) + 1
            code = character if isinstance(character, int) else ord(str(character)[0])
            what = f"the character U+{code:04X} is not allowed"
        case _:
            line, what = 1, "it cannot be parsed"
    remedy = "check indentation, quotes and brackets from here upwards"
    return Fault(path=path, line=line, what=f"not valid YAML: {' '.join(str(what).split())}", remedy=remedy)


class _Builder:
    """Turns composed nodes of one file into ours, keeping every fault."""

    def __init__(self, path: str, env: Mapping[str, str], *, is_ascii: bool) -> None:
        self.path = path
        self.env = env
        self.is_ascii = is_ascii
        self.faults: list[Fault] = []
        self._open: set[int] = set()
        self._built: dict[int, tuple[Node, int]] = {}
        self._nodes = 0
        self._is_full = False

    def build(self, node: Any, line: int) -> Node:
        """Build ``node``, which belongs to a key or item in ``line``; what an alias repeats is counted, not built."""
        if id(node) in self._open:
            return self._refuse(line, "an alias that contains itself", "write the value out")
        known, size = self._built.get(id(node), (None, 1))
        self._nodes += size
        if self._nodes > MAX_NODES:
            if not self._is_full:
                self._is_full = True
                self._fault(line, "aliases that unfold to more than a million values", "write them out")
            return self._node(line, None)
        if known is not None:
            return replace(known, line=line)
        before = self._nodes - 1
        self._open.add(id(node))
        built = self._build_open(node, line)
        self._open.discard(id(node))
        self._built[id(node)] = (built, self._nodes - before)
        return built

    def _build_open(self, node: Any, line: int) -> Node:
        match node:
            case ScalarNode():
                return self._scalar(node, line)
            case SequenceNode():
                return self._node(line, tuple(self.build(item, item.start_mark.line + 1) for item in node.value))
            case MappingNode():
                return self._node(line, self._mapping(node))
            case _:
                return self._refuse(line, "a value of an unknown kind", "write text, a list or keys")

    def _mapping(self, node: Any) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._fault(line, "a key that is not plain text", "write a name before the colon")
            elif str(key_node.tag) == f"{_TAG}merge":
                merged = self._merge(value_node, line) | merged
            elif key_node.value in own:
                first = own[key_node.value].line
                self._fault(
                    line, f'the key "{key_node.value}" appears twice (first in line {first})', "keep one of them"
                )
            else:
                own[key_node.value] = self.build(value_node, line)
        return merged | own

    def _merge(self, node: Any, line: int) -> dict[str, Node]:
        sources = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, Node] = {}
        for source in sources:
            built = self.build(source, line)
            if isinstance(built.value, Mapping):
                merged = dict(built.value) | merged
            else:
                self._fault(line, '"<<" merges something that has no keys', "name an anchor of a mapping")
        return merged

    def _scalar(self, node: Any, line: int) -> Node:
        own_line = node.start_mark.line + 1
        text_line = own_line + 1 if node.style in ("|", ">") else own_line
        text = self._joined(node.value, own_line)
        if self.is_ascii and node.style != '"' and "\\u" in text:
            text = self._joined(_ESCAPED_CHARACTER.sub(_unescape, text), own_line)
        expanded = self._expand(text, text_line if node.style == "|" else own_line)
        if expanded != text:
            return self._node(line, expanded, text_line)
        return self._node(line, self._typed(str(node.tag), text, own_line), text_line)

    def _joined(self, text: str, line: int) -> str:
        """Join surrogate pairs, which double quotes write as two escapes."""
        if not any("\ud800" <= character <= "\udfff" for character in text):
            return text
        try:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            self._fault(line, "half of a surrogate pair", "write the character itself")
            return text.encode("utf-8", "replace").decode()

    def _expand(self, text: str, line: int) -> str:
        if "${" not in text:
            return text
        for match in _VARIABLE.finditer(text):
            if match[1] not in self.env:
                place = line + text.count("\n", 0, match.start())
                self._fault(place, f"the environment variable {match[1]} is not set", f"set {match[1]} before starting")
        return _VARIABLE.sub(lambda match: self.env.get(match[1], match[0]), text)

    def _typed(self, tag: str, text: str, line: int) -> Scalar:
        match tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return _whole_number(text)
            case "float":
                return self._real_number(text, line)
            case "str" | "timestamp" | "value" | "merge":
                return text
            case _:
                self._fault(line, f"the tag {tag} means nothing here", "remove it")
                return text

    def _real_number(self, text: str, line: int) -> Scalar:
        try:
            number = float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:
            return text
        if math.isfinite(number):
            return number
        self._fault(line, f"{text} is no number that can be stored", "write a finite number, or put it in quotes")
        return None

    def _node(self, line: int, value: "Scalar | tuple[Node, ...] | Mapping[str, Node]", text_line: int = 0) -> Node:
        return Node(path=self.path, line=line, value=value, text_line=text_line or line)

    def _refuse(self, line: int, what: str, remedy: str) -> Node:
        self._fault(line, what, remedy)
        return self._node(line, None)

    def _fault(self, line: int, what: str, remedy: str) -> None:
        self.faults.append(Fault(path=self.path, line=line, what=what, remedy=remedy))


def _unescape(match: re.Match[str]) -> str:
    r"""``\uXXXX`` outside quotes: files that older tools wrote in ASCII hold every other character this way."""
    codes = match[0].split("\\u")[1:]
    return "".join(chr(int(code, 16)) for code in codes)


def _whole_number(text: str) -> Scalar:
    digits = text.replace("_", "")
    bare = digits.lstrip("+-").lower()
    base = {"0x": 16, "0o": 8, "0b": 2}.get(bare[:2], 10)
    try:
        return int(digits, base)
    except ValueError:
        return text

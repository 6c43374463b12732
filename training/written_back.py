"""Adding to the files of an assistant: NLU examples into their intents, stories behind the others.

Lines are inserted and none is changed, so comments, order and spacing of the file stay as they are. What cannot be
inserted so (a list in one line, examples in another form) is added as a block of its own.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from bot.dialogue.annotation import format_example
from bot.dialogue.project import NluExample
from bot.dialogue.story_writing import scalar
from training.convert_notes import VERSION_LINE

_EXAMPLE = re.compile(r"(\s*)-\s")


def with_examples(files: Mapping[str, str], examples: Sequence[NluExample], default: str) -> dict[str, str]:
    """The files that change, by path, with each example added to the first block of its intent.

    An intent that no file has begins a block in ``default``, which may be a new file. Examples that are there already
    are left out.
    """
    changed: dict[str, str] = {}
    for intent in dict.fromkeys(example.intent for example in examples):
        lines = [format_example(example) for example in examples if example.intent == intent]
        path = next((path for path, text in files.items() if _blocks(text, intent)), default)
        text = changed.get(path, files.get(path, ""))
        changed[path] = _with_lines(text, intent, list(dict.fromkeys(lines)))
    return {path: text for path, text in changed.items() if text != files.get(path)}


def with_item(text: str, section: str, item: str) -> str:
    """The text of a file with one more item, given as lines that begin with "- ", in the list of a top-level key."""
    found = _section(text, section)
    if found is None:
        return f"{_ended(text) or VERSION_LINE}{section}:\n{item}"
    key, value = found
    lines = text.splitlines(keepends=True)
    if not isinstance(value, SequenceNode) or value.flow_style or not value.value:
        rest = text[value.start_mark.index : value.end_mark.index].strip()
        if rest not in ("", "[]", "null", "~"):
            return f"{_ended(text)}{item}"  # a list in one line: nothing else can follow it in this form
        at = key.start_mark.line
        head = f"{section}:\n" if rest else _ended(lines[at])
        return "".join([*lines[:at], head, item, *lines[at + 1 :]])
    indent = " " * (value.value[0].start_mark.column - 2)
    at = _behind(lines, value.value[-1])
    indented = "".join(indent + line for line in item.splitlines(keepends=True))
    return _ended("".join(lines[:at])) + indented + "".join(lines[at:])


def _with_lines(text: str, intent: str, examples: Sequence[str]) -> str:
    new = [example for example in examples if not re.search(rf"^\s*-\s+{re.escape(example)}\s*$", text, re.MULTILINE)]
    for block in _blocks(text, intent):
        found = _fields(block).get("examples")
        if isinstance(found, ScalarNode) and found.style == "|":
            lines = text.splitlines(keepends=True)
            at = _behind(lines, found)
            match = _EXAMPLE.match(lines[at - 1])
            indent = match[1] if match else " " * (block.start_mark.column + 4)
            return _ended("".join(lines[:at])) + "".join(f"{indent}- {line}\n" for line in new) + "".join(lines[at:])
    if not new:
        return text
    item = f"- intent: {scalar(intent)}\n  examples: |\n" + "".join(f"    - {line}\n" for line in new)
    return with_item(text, "nlu", item)


def _blocks(text: str, intent: str) -> list[MappingNode]:
    """The items of ``nlu`` with examples of an intent."""
    found = _section(text, "nlu")
    items = found[1].value if found is not None and isinstance(found[1], SequenceNode) else []
    return [item for item in items if getattr(_fields(item).get("intent"), "value", None) == intent]


def _fields(node: Any) -> dict[str, Any]:
    return {key.value: value for key, value in node.value} if isinstance(node, MappingNode) else {}


def _section(text: str, name: str) -> tuple[Any, Any] | None:
    """The nodes of a top-level key and of its value; None also for a file that is no YAML just now."""
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except YAMLError:
        return None
    pairs = root.value if isinstance(root, MappingNode) else []
    return next(((key, value) for key, value in pairs if key.value == name), None)


def _behind(lines: Sequence[str], node: Any) -> int:
    """The index of the line behind the last one of a node that says something."""
    at = int(node.end_mark.line) + (1 if node.end_mark.column else 0)
    while at > node.start_mark.line + 1 and (not lines[at - 1].strip() or lines[at - 1].lstrip().startswith("#")):
        at -= 1
    return at


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"

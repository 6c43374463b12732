"""YAML as help sites keep it: front matter above a page, and whole files. YAML 1.2, plain values only."""

from collections.abc import Mapping, Sequence

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from retrieval.documents import FaultyFile


def load_yaml(text: str, *, first_line: int = 1) -> object:
    """The value a YAML text stands for. Raises ``FaultyFile`` with the line, counted from ``first_line``."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        problem = f"not valid YAML ({error.problem or error.context or 'unreadable'})"
        raise FaultyFile(line, problem, "correct the YAML there") from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise FaultyFile(first_line, "not valid YAML", "correct the YAML of this file") from error


def split_front_matter(text: str) -> tuple[Mapping[str, str], Mapping[str, Sequence[str]], str]:
    """The front matter's plain values, those that are lists item by item, and the body."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return {}, {}, text
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    if end is None:
        return {}, {}, text
    value = load_yaml("\n".join(lines[1:end]), first_line=2)
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        raise FaultyFile(2, "front matter that is no mapping", "write it as `name: value` lines")
    return (
        {str(key).lower(): _plain(item) for key, item in value.items()},
        {str(key).lower(): _items(item) for key, item in value.items() if isinstance(item, list)},
        "\n".join(lines[end + 1 :]),
    )


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(_items(value))
    return "" if isinstance(value, Mapping) else str(value)


def _items(value: list[object]) -> list[str]:
    return [_plain(item) for item in value if not isinstance(item, (list, dict))]

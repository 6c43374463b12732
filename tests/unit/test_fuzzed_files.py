"""Broken files never end in a traceback: what is wrong is said with file and line, however odd it is.

Files of real assistants are damaged, as text and as structure, and go the way of ``kefu data validate``. The seeds are
fixed; ``KEFU_FUZZ=5000`` tries as many.
"""

import json
import os
import random
from pathlib import Path

import pytest
from assistant_parts import FOLDERS

from bot.dialogue.components import verdicts
from bot.dialogue.errors import ProjectFaults
from bot.dialogue.policies.ensemble import train
from bot.dialogue.project import SourceFile
from bot.dialogue.stories import dialogues
from bot.dialogue.yaml_tree import read_yaml
from bot.folder import load_folder

STARTERS = Path(__file__).parents[2] / "bot" / "starter"
SOURCES = (*FOLDERS, STARTERS / "small", STARTERS / "shop")
FOLDS = "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcdef", "bcdefg", strict=True)
)
PIECES = (
    *("\x00", "\ufeff", "\t", "- ", "  ", "\n", "\r", "&a ", "*a", "<<: *a", "[", "]", "{", "}", ":", " : ", "#", "'"),
    *(
        '"',
        "|",
        ">\n",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "? ",
        "\u2028",
        "\x85",
        "${UNSET}",
        "${",
        "\\ud800",
        "💥",
        "\u202e",
    ),
    *("!!python/object:os.system ", "!x ", "1" * 400, "a: &a [*a]\n", "x: " + "[" * 80, "x: " + "{a: " * 70, "\x1b"),
    f"\na: &a [x, x]\n{FOLDS}\n",
)
"""What is put into a text somewhere; the last one would unfold to a million values."""

ODD = (
    *(
        None,
        True,
        0,
        -1,
        10**400,
        1e308,
        3.5,
        "",
        "  ",
        "/",
        "a/b/c",
        "[x](y)",
        "[x]{",
        "{a}",
        "${UNSET}",
        "é" * 50,
        "...",
    ),
    *(
        [],
        {},
        [[]],
        [{}],
        [None],
        {"a": {}},
        {"": 1},
        {"or": []},
        {"user": "/x{"},
        {"intent": ["a"]},
        {"action": 3},
        {"text": 1},
    ),
    *(
        {"slot_was_set": [{"a": [1]}]},
        {"checkpoint": "c"},
        {"active_loop": []},
        {"condition": [{"type": "slot"}]},
        "restart",
    ),
)
"""What is put in the place of any value."""


@pytest.mark.parametrize("seed", range(int(os.environ.get("KEFU_FUZZ", "60"))))
def test_damaged_files_give_faults_and_nothing_else(seed, tmp_path):
    chance = random.Random(seed)
    source = chance.choice(SOURCES)
    files = {path.relative_to(source): path.read_text("utf-8") for path in source.rglob("*.yml")}
    damaged = chance.choice(sorted(files))
    for path, text in files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_damage(chance, text) if path == damaged else text.encode())
    try:
        project = load_folder(tmp_path, env={})
        verdicts(project.config)
        train(project)
        dialogues(project.tests, project.domain)
        assert all(notice.isprintable() for notice in project.notices)
    except ProjectFaults as faults:
        for fault in faults.faults:
            assert fault.path
            assert fault.line >= 1
            assert fault.what
            assert fault.remedy
            assert str(fault).encode()
            assert str(fault).isprintable()


def _damage(chance: random.Random, text: str) -> bytes:
    kind = chance.random()
    if kind < 0.5:
        return _restructured(chance, text).encode("utf-8", "surrogatepass")
    if kind < 0.9:
        return _torn(chance, text).encode("utf-8", "surrogatepass")
    data = bytearray(text.encode())
    for _ in range(5):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def _torn(chance: random.Random, text: str) -> str:
    for _ in range(chance.choice((1, 1, 2, 5))):
        at, lines = chance.randrange(len(text) + 1), text.split("\n")
        one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(6):
            case 0 | 1 | 2:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            case 3:
                text = text[:at] + text[at + chance.randrange(1, 30) :]
            case 4:
                lines[one], lines[other] = lines[other], lines[one]
                text = "\n".join(lines)
            case 5:
                lines[one] = " " * chance.randrange(6) + lines[one].lstrip()
                text = "\n".join(lines)
    return text


def _restructured(chance: random.Random, text: str) -> str:
    root, _ = read_yaml(SourceFile(path="x", text=text), {})
    assert root is not None
    value = root.json()
    for _ in range(chance.choice((1, 1, 2, 4))):
        place = chance.choice(list(_places(value)))
        odd = chance.choice(ODD) if chance.random() < 0.8 else _at(value, chance.choice(list(_places(value))))
        value = _with(value, place, odd)
    return json.dumps(value, ensure_ascii=chance.random() < 0.5, indent=1)


def _places(value, place=()):
    yield place
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in entries:
        yield from _places(child, (*place, key))


def _at(value, place):
    for key in place:
        value = value[key]
    return value


def _with(value, place, new):
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = _with(value[place[0]], place[1:], new)
    return copy

"""NLU data, stories and answers in the Markdown of Rasa 1 and 2, written as YAML. Comments become YAML comments.

NLU: ``## intent:greet`` with ``- example`` lines, also ``synonym``, ``regex`` and ``lookup``. Stories: ``## name``,
``* intent{"entity": "value"}``, ``- action``, ``- slot{...}``, ``- form{...}``, ``> checkpoint``. Answers:
``* faq/key`` with ``- text`` lines.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bot.dialogue.story_writing import scalar
from training.convert_notes import VERSION_LINE, Notes, current_name

Kind = Literal["nlu", "stories", "responses"]

_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_SECTION = re.compile(r"##\s*(intent|synonym|regex|lookup)\s*:\s*(.*)")
_HEADING = re.compile(r"##+\s*(.*)")
_ITEM = re.compile(r"[-*+]\s+(.*)")
_ANSWERED = re.compile(r"\*\s*[\w-]+/[\w-]+\s*")
_CALL = re.compile(r"([^{]*?)\s*(\{.*)?", re.DOTALL)
_INTENT = re.compile(r"\*\s*/?(form:\s*)?[\w/+-]+\s*(\{|:|$|OR\s)")
_BOT_WORDS = re.compile(r"-\s*(utter_|action_|respond_|slot\s*\{|form\s*[{:])")
_SPOKEN = re.compile(r"([\w/+-]+)\s*:\s*(.+)")

EVENTS = ("restart", "rewind", "undo", "reset_slots", "pause", "resume", "export")


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    comments: tuple[str, ...]


def kind_of(text: str) -> Kind | None:
    """What a Markdown file is; None for one that is no training data."""
    lines = [line.text.strip() for line in _lines(text)]
    if any(_SECTION.fullmatch(line) for line in lines):
        return "nlu"
    if not any(_HEADING.fullmatch(line) for line in lines):
        return None
    heard = [line for line in lines if line.startswith("*")]
    said = [line for line in lines if line.startswith("-")]
    if heard and all(_ANSWERED.fullmatch(line) for line in heard) and not any(map(_BOT_WORDS.match, said)):
        return "responses"
    is_heard = bool(heard) and all(map(_INTENT.match, heard)) and bool(said)
    return "stories" if is_heard or any(map(_BOT_WORDS.match, said)) else None


def nlu_yaml(text: str, notes: Notes, read: Callable[[str], str | None]) -> str:
    """NLU data as YAML. ``read`` gives the text of a lookup file by its path, None for one that is not there."""
    out = [VERSION_LINE, "nlu:\n"]
    waiting: list[str] = []  # comments inside the examples would be text, so they move above their section
    head, at = "", len(out)
    for line in _lines(text):
        waiting += (f"# {comment}\n" for comment in line.comments)
        words = line.text.strip()
        if section := _SECTION.fullmatch(words):
            head, at = f"- {section[1]}: {scalar(section[2].strip())}\n  examples: |\n", len(out) + len(waiting)
            out += [*waiting, head]
        elif not words or words.startswith("# "):
            continue
        else:
            out[at:at] = waiting
            at += len(waiting)
            out += _examples(words, line.number, notes, read) if head else _left_out(words, line.number, notes)
        waiting = []
    return "".join([*out, *waiting])


def _examples(words: str, line: int, notes: Notes, read: Callable[[str], str | None]) -> Iterator[str]:
    if item := _ITEM.fullmatch(words):
        yield f"    - {item[1]}\n"
    elif (entries := read(words)) is not None:
        yield from (f"    - {entry.strip()}\n" for entry in entries.splitlines() if entry.strip())
        notes.changed(line, f"the lookup file {words} was written into the table")
    else:
        yield from _left_out(words, line, notes)


def _left_out(words: str, line: int, notes: Notes) -> tuple[str, ...]:
    """Nothing to write, but a note."""
    notes.look(line, f"this line cannot be understood and was left out: {words}")
    return ()


def responses_yaml(text: str, notes: Notes) -> str:
    """The answers of retrieval intents as responses."""
    answers: dict[str, list[str]] = {}
    name = ""
    for line in _lines(text):
        words = line.text.strip()
        if words.startswith("*"):
            name = f"utter_{words[1:].strip()}"
        elif (item := _ITEM.fullmatch(words)) and name:
            answers.setdefault(name, []).append(item[1])
        elif words and not words.startswith("#"):
            _left_out(words, line.number, notes)
    out = [VERSION_LINE, "responses:\n"]
    for name, texts in answers.items():
        out += (f"  {name}:\n", *(f"  - text: {json.dumps(text, ensure_ascii=False)}\n" for text in texts))
    return "".join(out)


def stories_yaml(text: str, notes: Notes) -> str:
    """Stories, or test stories where messages are given in words."""
    out = [VERSION_LINE, "stories:\n"]
    has_story = False
    for line in _lines(text):
        words = line.text.strip()
        out += (f"# {comment}\n" for comment in line.comments)
        if heading := _HEADING.fullmatch(words):
            out.append(f"- story: {scalar(heading[1].strip() or f'line {line.number}')}\n  steps:\n")
            has_story = True
        elif not words or words.startswith("# "):
            continue
        elif not has_story:
            _left_out(words, line.number, notes)
        else:
            out += _step(words, line.number, notes)
    return "".join(out)


def _step(words: str, line: int, notes: Notes) -> Iterator[str]:
    mark, rest = words[0], words[1:].strip()
    match mark:
        case "*":
            yield from _heard(rest, line, notes)
        case "-":
            yield from _done(rest, line, notes)
        case ">":
            name, given = _call(rest, line, notes)
            yield f"  - checkpoint: {scalar(name)}\n"
            if given:
                yield "    slot_was_set:\n"
                yield from (f"    - {scalar(slot)}: {scalar(value)}\n" for slot, value in given.items())
        case _:
            yield from _left_out(words, line, notes)


def _heard(rest: str, line: int, notes: Notes) -> Iterator[str]:
    rest = re.sub(r"^form:\s*", "", rest)  # a message that a form took
    if spoken := _SPOKEN.fullmatch(rest):
        yield f"  - user: |\n      {spoken[2]}\n    intent: {spoken[1]}\n"
        return
    options = [option.removeprefix("/") for option in re.split(r"\s+OR\s+", rest)]
    if len(options) > 1:
        yield "  - or:\n"
    for option in options:
        indent = "    " if len(options) > 1 else "  "
        name, given = _call(option, line, notes)
        yield f"{indent}- intent: {scalar(name)}\n"
        if given:
            yield f"{indent}  entities:\n"
            yield from (f"{indent}  - {scalar(entity)}: {scalar(value)}\n" for entity, value in given.items())


def _done(rest: str, line: int, notes: Notes) -> Iterator[str]:
    rest = re.sub(r"^form:\s*", "", rest)
    name, given = _call(rest, line, notes)
    if name == "slot":
        yield "  - slot_was_set:\n"
        yield from (f"    - {scalar(slot)}: {scalar(value)}\n" for slot, value in given.items())
    elif name in ("form", "active_loop"):
        yield f"  - active_loop: {scalar(given.get('name'))}\n"
    elif name in EVENTS or not given:
        yield f"  - action: {scalar(current_name(name))}\n"
    else:
        notes.look(line, f'the event "{name}" is no step of a story and was left out')


def _call(words: str, line: int, notes: Notes) -> tuple[str, Mapping[str, Any]]:
    """``name{"key": "value"}``."""
    match = _CALL.fullmatch(words.strip())
    name, arguments = (match[1].strip(), match[2]) if match else (words, None)
    if not arguments:
        return name, {}
    try:
        given = json.loads(arguments)
    except ValueError:
        notes.look(line, f"this is no JSON and was left out: {arguments}")
        return name, {}
    return name, given if isinstance(given, dict) else {}


def _lines(text: str) -> Iterator[_Line]:
    """The lines without comments; a comment stands at the line that it begins in."""
    comments: dict[int, list[str]] = {}

    def blank(match: re.Match[str]) -> str:
        number = text.count("\n", 0, match.start()) + 1
        comments.setdefault(number, []).extend(part.strip() for part in match[1].splitlines() if part.strip())
        return "\n" * match[0].count("\n")

    bare = _COMMENT.sub(blank, text)
    for number, line in enumerate(bare.splitlines(), start=1):
        yield _Line(number, line, tuple(comments.get(number, ())))

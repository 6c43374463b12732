r"""Annotated example texts: ``fly to [NYC](city)`` to plain text and spans, and back.

Rasa's forms are all read: ``[text](entity)``, ``[text](entity:value)``, ``[text]{"entity": ..., "role": ...,
"group": ..., "value": ...}`` and ``[text][{...}, {...}]`` for several entities on one span. One thing is added, so
that any text can be written: a backslash before a bracket makes it an ordinary one, and ``\\`` before a bracket is
a backslash. Offsets count characters of the plain text. An annotation may stand inside another one:
``[[New York](city) hotel](place)``.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.dialogue.project import EntityAnnotation, NluExample

_SPAN = re.compile(
    r"""(?<!\\)(?P<slashes>\\*)\[
        (?P<text>(?: [^\[\]\\] | \\+(?![\\\[\]]) | (?:\\\\)*\\[\[\]] )* (?:\\\\)*)
        \](?=[({\[])""",
    re.VERBOSE,
)
_SHORT = re.compile(r"\(([^:)]+)(?::([^)]+))?\)")
_SLASHED_BRACKET = re.compile(r"(\\+)([\[\]])")
_BRACKET = re.compile(r"(\\*)([\[\]])")
_FIELDS = ("entity", "role", "group", "value")


class AnnotationError(ValueError):
    """An annotation that cannot be read; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    entity: str
    value: str | None = None
    role: str | None = None
    group: str | None = None


def parse_annotated(source: str) -> tuple[str, tuple[EntityAnnotation, ...]]:
    """Split an annotated text into plain text and annotations, in the order they stand.

    Raises AnnotationError where a bracketed span is followed by braces that are no entity.
    """
    text, annotations, _ = _innermost(source)
    while annotations and "[" in text and not _SLASHED_BRACKET.search(source):
        # Only an annotation that holds one of those just read can be left, since it had brackets inside.
        text, outer, marks = _innermost(text)
        if not outer:
            break
        inner = (_without_marks(annotation, marks) for annotation in annotations)
        annotations = tuple(sorted((*outer, *inner), key=lambda span: (span.start, -span.end)))
    return text, annotations


def _without_marks(annotation: EntityAnnotation, marks: Sequence[tuple[int, int]]) -> EntityAnnotation:
    """The annotation with the offsets that it has once these ranges of the text are gone."""
    gone = sum(end - start for start, end in marks if end <= annotation.start)
    return replace(annotation, start=annotation.start - gone, end=annotation.end - gone)


def _innermost(source: str) -> tuple[str, tuple[EntityAnnotation, ...], list[tuple[int, int]]]:
    """The same, but of annotations that hold others the marks are left in the text.

    The ranges are those of the marks that went, in ``source``; they are right only where nothing is escaped.
    """
    if "[" not in source:
        return _unescape(source), (), []
    plain: list[str] = []
    annotations: list[EntityAnnotation] = []
    marks: list[tuple[int, int]] = []
    length = position = 0
    while (found := _next_span(source, position)) is not None:
        before, span, labels, end = found
        plain += (before, span)
        start = length + len(before)
        length = start + len(span)
        opening = position + len(before)
        marks += ((opening, opening + 1), (opening + 1 + len(span), end))
        annotations += (_annotation(label, span, start) for label in labels)
        position = end
    plain.append(_unescape(source[position:]))
    return "".join(plain), tuple(annotations), marks


def _next_span(source: str, position: int) -> tuple[str, str, tuple[_Label, ...], int] | None:
    """Find the text before the next annotated span, the span, its labels and where it ends in ``source``."""
    search_from = position
    while (match := _SPAN.search(source, search_from)) is not None:
        opening = match.start() + len(match["slashes"])
        search_from = opening + 1
        if len(match["slashes"]) % 2 or not match["text"]:
            continue
        read = _labels(source, match.end())
        if read is not None:
            labels, end = read
            before = _unescape(source[position : match.start()]) + "\\" * (len(match["slashes"]) // 2)
            return before, _unescape_span(match["text"]), labels, end
    return None


def _labels(source: str, at: int) -> tuple[tuple[_Label, ...], int] | None:
    """Read the labels that begin at ``at``: None where it is ordinary text."""
    if source[at] == "(":
        match = _SHORT.match(source, at)
        return None if match is None else ((_Label(entity=match[1], value=match[2]),), match.end())
    if source[at] == "[" and not source[at + 1 :].lstrip().startswith("{"):
        return None
    try:
        value, end = json.JSONDecoder().raw_decode(source, at)
    except (json.JSONDecodeError, RecursionError) as error:
        raise AnnotationError(f"{_excerpt(source, at)} is not valid JSON") from error
    entries = value if isinstance(value, list) else [value]
    return tuple(_label(entry, _excerpt(source, at)) for entry in entries), end


def _excerpt(source: str, at: int) -> str:
    return source[at : at + 40]


def _label(entry: object, excerpt: str) -> _Label:
    if not isinstance(entry, dict):
        raise AnnotationError(f"{excerpt} is not a JSON object")
    unknown = [key for key in entry if key not in _FIELDS]
    if unknown:
        raise AnnotationError(f'{excerpt} has the unknown key "{unknown[0]}"')
    if not entry.get("entity"):
        raise AnnotationError(f'{excerpt} names no "entity"')
    for key, value in entry.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise AnnotationError(f'"{key}" in {excerpt} is not text')
    return _Label(**{key: str(value) for key, value in entry.items()})


def _annotation(label: _Label, span: str, start: int) -> EntityAnnotation:
    return EntityAnnotation(
        start=start,
        end=start + len(span),
        entity=label.entity,
        value=None if label.value == span else label.value,
        role=label.role,
        group=label.group,
    )


def _unescape(text: str) -> str:
    if "\\[" not in text and "\\]" not in text:
        return text
    return _SLASHED_BRACKET.sub(lambda match: "\\" * (len(match[1]) // 2) + match[2], text)


def _unescape_span(text: str) -> str:
    """Undo the escapes of a span, whose own closing bracket counts as the bracket after a last backslash."""
    return _unescape(text + "]")[:-1]


def format_example(example: NluExample) -> str:
    """Write an example with its annotations, so that ``parse_annotated`` gives back the same text and spans.

    Spans must not overlap unless they are equal. A line break in the text is kept as it is: write such an example
    in the list form.
    """
    plain = _render(example, escape=False)
    try:
        same = parse_annotated(plain) == (example.text, _in_order(example))
    except AnnotationError:
        same = False
    return plain if same else _render(example, escape=True)


def _in_order(example: NluExample) -> tuple[EntityAnnotation, ...]:
    return tuple(sorted(example.entities, key=lambda annotation: annotation.start))


def _render(example: NluExample, *, escape: bool) -> str:
    parts: list[str] = []
    position = 0
    annotations = _in_order(example)
    for start, end in dict.fromkeys((annotation.start, annotation.end) for annotation in annotations):
        labels = [annotation for annotation in annotations if (annotation.start, annotation.end) == (start, end)]
        before, span = example.text[position:start], example.text[start:end]
        if escape:
            before, span = _escape(before + "[")[:-2], _escape(span + "]")[:-2]
        parts.append(f"{before}[{span}]{_render_labels(labels)}")
        position = end
    rest = example.text[position:]
    return "".join(parts) + (_escape(rest) if escape else rest)


def _escape(text: str) -> str:
    return _BRACKET.sub(lambda match: match[1] * 2 + "\\" + match[2], text)


def _render_labels(labels: list[EntityAnnotation]) -> str:
    if len(labels) > 1:
        return f"[{', '.join(map(_render_label, labels))}]"
    label = labels[0]
    bare = label.value is None and label.role is None and label.group is None
    return f"({label.entity})" if bare and not re.search(r"[:)]", label.entity) else _render_label(label)


def _render_label(label: EntityAnnotation) -> str:
    values = {key: getattr(label, key) for key in _FIELDS}
    return json.dumps({key: value for key, value in values.items() if value is not None}, ensure_ascii=False)

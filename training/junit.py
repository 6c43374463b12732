"""Test results as JUnit XML, which CI servers show."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from bot.dialogue.stories import Dialogue

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, even escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test. ``failures`` in words; ``output`` is what there is to see besides, for a failed case."""

    name: str
    path: str
    line: int
    failures: tuple[str, ...] = ()
    output: str = ""
    duration_s: float = 0.0

    @classmethod
    def of(cls, dialogue: Dialogue, failures: tuple[str, ...], *, output: str = "", duration_s: float = 0.0) -> "Case":
        """What became of a story."""
        source = dialogue.source
        return cls(
            name=dialogue.name,
            path=source.path,
            line=source.line,
            failures=failures,
            output=output,
            duration_s=duration_s,
        )


def write_junit(cases: Sequence[Case], path: Path, *, suite: str) -> None:
    """Write a ``testsuites`` document with one suite; folders are made where there are none."""
    totals = {
        "name": suite,
        "tests": str(len(cases)),
        "failures": str(sum(bool(case.failures) for case in cases)),
        "errors": "0",
        "time": f"{sum(case.duration_s for case in cases):.3f}",
    }
    root = Element("testsuites", totals)
    node = SubElement(root, "testsuite", {**totals, "skipped": "0"})
    for case in cases:
        _add(case, node)
    indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _add(case: Case, suite: Element) -> None:
    where = {"classname": _clean(case.path), "file": _clean(case.path), "line": str(case.line)}
    node = SubElement(suite, "testcase", {"name": _clean(case.name), **where, "time": f"{case.duration_s:.3f}"})
    if not case.failures:
        return
    failure = SubElement(node, "failure", {"message": _clean(case.failures[0]), "type": "mismatch"})
    failure.text = _clean("\n".join(case.failures))
    if case.output:
        SubElement(node, "system-out").text = _clean(case.output)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)

"""The report on sent answers as one HTML page that needs nothing beside it: ``answers_report.html.j2`` filled in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from training.evaluate_answers import KINDS, Judged
from training.html_page import filled, written

TEMPLATE = "answers_report.html.j2"
FILE = "answers_report.html"

NAMES: Mapping[str, str] = {
    "ready": "ready answer",
    "draft": "draft",
    "quotation": "quotation",
    "ask": "asked back",
    "own": "own words",
    "decline": "declined",
}
TILES = (
    ("unsupported", "unsupported sentences", "sent, though the support check objects", "count"),
    ("foreign", "foreign things", "sentences with a number, link, name or denial that the passages lack", "count"),
    ("answered", "answered", "of the questions that have an answer", "share"),
    ("answered_unanswerable", "answered wrongly", "of the questions that have none", "share"),
    ("right_source", "right source", "of the answers from pages", "share"),
    ("token_f1", "token F1", "against the right answers; nothing said is 0", "share"),
    ("token_f1_plain", "plain token F1", "of the sentence most like the question", "share"),
    ("draft_s", "a draft", "mean seconds, on this machine as it was", "seconds"),
)
"""Figure, its name on the page, what it means, its unit."""


def render(
    judged: Sequence[Judged], figures: Mapping[str, Any], *, title: str, source: str, made: datetime | None = None
) -> str:
    """The page as HTML."""
    worst_first = sorted(judged, key=lambda row: (not row.is_unsupported, KINDS.index(row.answer.kind)))
    return filled(
        TEMPLATE,
        made=made,
        rows=worst_first,
        figures=figures,
        tiles=[
            (name, label, what, _shown(figures[name], unit)) for name, label, what, unit in TILES if name in figures
        ],
        names=NAMES,
        title=title,
        source=source,
    )


def write(judged: Sequence[Judged], figures: Mapping[str, Any], folder: Path, *, title: str, source: str) -> Path:
    """Write the page into a folder, which is made where there is none."""
    return written(render(judged, figures, title=title, source=source), folder / FILE)


def _shown(value: float, unit: str) -> str:
    match unit:
        case "share":
            return f"{100 * value:.1f} %"
        case "seconds":
            return f"{value:.1f} s"
        case _:
            return f"{value:,.0f}"

"""The report on search as one HTML page that needs nothing beside it: ``retrieval_report.html.j2`` filled in."""

from datetime import datetime
from pathlib import Path

from training.html_page import Filters, filled, written
from training.retrieval_report import RetrievalReport

TEMPLATE = "retrieval_report.html.j2"
FILE = "retrieval_report.html"

TILES = (
    ("recall@1", "right page first", "of the answerable queries", "share"),
    ("recall@5", "among the first five", "of the answerable queries", "share"),
    ("mrr@10", "mean reciprocal rank", "of the first relevant page, to the tenth", "number"),
    ("auroc", "AUROC", "answerable told from unanswerable, without threshold", "number"),
    ("answered_unanswerable", "unanswerable answered", "at the shipped threshold", "share"),
    ("declined_answerable", "answerable declined", "at the shipped threshold", "share"),
)
"""Figure, its name on the page, what it means, its unit."""

COLUMNS = ("recall@1", "recall@5", "mrr@10", "auroc", "answered_unanswerable", "declined_answerable")


def render(report: RetrievalReport, *, made: datetime | None = None) -> str:
    """The page as HTML."""
    filters: Filters = {"percent": _percent, "shown": _shown}
    return filled(TEMPLATE, made=made, filters=filters, report=report, tiles=TILES, columns=COLUMNS)


def write(report: RetrievalReport, folder: Path) -> Path:
    """Write the page into a folder, which is made where there is none."""
    return written(render(report), folder / FILE)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _shown(value: float, unit: str) -> str:
    return f"{100 * value:.1f} %" if unit == "share" else f"{value:.3f}"

"""The report on understanding as one HTML page that needs nothing beside it: ``nlu_report.html.j2`` filled in."""

from datetime import datetime
from pathlib import Path

from markupsafe import Markup, escape

from training.html_page import Filters, filled, written
from training.nlu_report import NluPage

TEMPLATE = "nlu_report.html.j2"
FILE = "nlu_report.html"

TILES = (
    ("intent_accuracy", "intents right", "the best intent, whether sure or not", "share"),
    ("intent_macro_f1", "macro F1", "every intent counts alike", "share"),
    ("response_key_accuracy", "response keys right", "of retrieval intents; a rejection is wrong", "share"),
    ("entity_f1", "entities F1", "both ends and the type agree", "share"),
    ("in_scope_accuracy", "answered right", "at the threshold; a rejection is wrong", "share"),
    ("out_of_scope_recall", "out of scope rejected", "messages of no intent, at the threshold", "share"),
    ("out_of_scope_auroc", "out of scope AUROC", "order of confidences, without threshold", "share"),
    ("ece", "calibration error", "how far confidence is from truth; 0 is best", "error"),
    ("train_s", "to train", "seconds", "seconds"),
    ("parse_p50_ms", "a message", "median, milliseconds", "milliseconds"),
    ("messages_per_s", "messages a second", "in batches of 32", "count"),
    ("memory_mb", "memory", "of a process that parses, megabytes", "megabytes"),
)
"""Figure, its name on the page, what it means, its unit."""


def render(page: NluPage, *, made: datetime | None = None) -> str:
    """The page as HTML."""
    filters: Filters = {"percent": _percent, "shown": _shown, "name": _name}
    return filled(TEMPLATE, made=made, filters=filters, page=page, tiles=TILES)


def write(page: NluPage, folder: Path) -> Path:
    """Write the page into a folder, which is made where there is none."""
    return written(render(page), folder / FILE)


def _percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f}"


def _name(name: str) -> Markup:
    """A name that may be broken after its underscores."""
    return Markup(str(escape(name)).replace("_", "_<wbr>"))  # noqa: S704  # escaped one call before


def _shown(value: float, unit: str) -> str:
    """A figure with its unit, as short as it can be read."""
    match unit:
        case "share":
            return f"{100 * value:.1f} %"
        case "error":
            return f"{value:.3f}"
        case "seconds":
            return f"{value:.0f} s" if value < 120 else f"{value / 60:.1f} min"
        case "milliseconds":
            return f"{value:.1f} ms"
        case "megabytes":
            return f"{value:.0f} MB"
        case _:
            return f"{value:,.0f}"

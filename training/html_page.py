"""Reports as HTML pages that need nothing beside them: a template of this folder, filled in."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

Filters = Mapping[str, Callable[..., object]]
"""What a template calls to show a value, by name."""


def filled(
    template: str,
    *,
    made: datetime | None = None,
    filters: Filters | None = None,
    **values: object,
) -> str:
    """The page as HTML. All texts are data of somebody: they are escaped, and the page may load nothing."""
    environment = Environment(
        loader=PackageLoader("training", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= filters or {}
    return environment.get_template(template).render(made=f"{made or datetime.now(UTC):%Y-%m-%d %H:%M} UTC", **values)


def written(html: str, path: Path) -> Path:
    """Write a page; its folder is made where there is none. Returns ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, "utf-8")
    return path

"""The map of stories and rules as one HTML page that needs nothing beside it: ``story_map.html.j2`` filled in."""

import json
from datetime import datetime
from pathlib import Path

from markupsafe import Markup

from training.html_page import filled, written
from training.story_map import StoryMap

TEMPLATE = "story_map.html.j2"


def write(found: StoryMap, title: str, path: Path) -> None:
    """Write the page; its folder is made where there is none."""
    written(render(found, title), path)


def render(found: StoryMap, title: str, *, made: datetime | None = None) -> str:
    """The page as HTML."""
    data = {
        "roots": [root.to_json() for root in found.roots],
        "stories": [
            {"name": story.name, "place": f"{story.path}:{story.line}", "rule": story.kind == "rule"}
            for story in found.stories
        ],
    }
    return filled(
        TEMPLATE,
        made=made,
        title=title,
        rules=sum(story.kind == "rule" for story in found.stories),
        stories=sum(story.kind != "rule" for story in found.stories),
        intents=found.intents,
        data=_in_script(json.dumps(data, ensure_ascii=False)),
    )


def _in_script(text: str) -> Markup:
    """JSON that cannot end the script element that it stands in."""
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))  # noqa: S704

"""What ``config.yml`` says about training the understanding. Its names and ranges are checked when it is read."""

from collections.abc import Mapping
from typing import Any

from bot.dialogue.parse import Json
from training.nlu_fit import NluSettings


def nlu_settings(kefu: Mapping[str, Json]) -> NluSettings:
    """The settings of a checked ``kefu:`` section: those under ``nlu:``, and ``nlu_threshold``.

    What is left out or null is as ``NluSettings`` has it.
    """
    section = kefu.get("nlu")
    given: dict[str, Any] = {**section} if isinstance(section, Mapping) else {}
    given["threshold"] = kefu.get("nlu_threshold")
    return NluSettings(**{name: value for name, value in given.items() if value is not None})

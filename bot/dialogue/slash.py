"""Slash messages: what a button sends instead of words. ``/intent@0.9{"entity": "value"}`` needs no model.

Besides intents there are commands that every assistant understands, whatever its domain lists: ``/action_handoff`` (ask
for a person), ``/action_resume`` (talk to the bot again) and ``/action_knowledge{"passage": "ID"}`` (show this answer).
"""

import json
import math
import re

from bot.dialogue.domain import Domain
from bot.dialogue.parse import Entity, IntentScore, Json, Parse

COMMANDS = ("action_handoff", "action_resume", "action_knowledge")
RESTART = "/restart"
EXTRACTOR = "RegexMessageHandler"

_SLASH = re.compile(r"/(?P<name>[^{@]+)(?P<confidence>@[0-9.]+)?(?P<entities>\{.+\})?", re.DOTALL)


def parse_slash(text: str, domain: Domain) -> Parse | None:
    """Parse a slash message; None for words, and for a slash before what is neither intent nor command.

    Entities that the domain does not know are dropped, as is a JSON part that cannot be read. The confidence
    is 1.0 unless one in [0, 1] is given. ``/faq/ask_hours`` is the retrieval intent ``faq`` with its key.
    """
    match = _SLASH.match(text.strip())
    if match is None:
        return None
    name, _, response_key = match["name"].strip().partition("/")
    if name not in domain.intents and name not in COMMANDS:
        return None
    intent = IntentScore(name=name, confidence=_confidence(match["confidence"]))
    return Parse(
        text=text.strip(),
        intent=intent,
        ranking=(intent,),
        entities=tuple(entity for entity in _entities(match["entities"]) if entity.entity in domain.entities),
        response_key=response_key or None,
    )


def slash_entities(text: str) -> tuple[Entity, ...]:
    """Every entity that a slash message names, known to the domain or not: what a story says was meant."""
    match = _SLASH.match(text.strip())
    return _entities(match["entities"]) if match else ()


def command(parse: Parse) -> str | None:
    """The command that a parsed slash message gives, else None."""
    return parse.intent.name if is_slash(parse) and parse.intent.name in COMMANDS else None


def is_slash(parse: Parse) -> bool:
    """Whether the message named its intent itself, so that no model had a say."""
    return parse.text.startswith("/" + parse.intent.name)


def _confidence(given: str | None) -> float:
    try:
        value = float(given[1:]) if given else 1.0
    except ValueError:
        return 1.0
    return value if math.isfinite(value) and 0.0 <= value <= 1.0 else 1.0


def _entities(given: str | None) -> tuple[Entity, ...]:
    try:
        payload = json.loads(given) if given else {}
        json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()  # what cannot be written again is no value
    except (ValueError, RecursionError):
        return ()
    if not isinstance(payload, dict):
        return ()
    return tuple(
        Entity(entity=name, value=value, extractor=EXTRACTOR)
        for name, values in payload.items()
        for value in _listed(values)
    )


def _listed(values: Json) -> list[Json]:
    return list(values) if isinstance(values, list) else [values]

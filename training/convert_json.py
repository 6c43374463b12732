"""NLU data in the JSON of Rasa 1 (``rasa_nlu_data``), written as YAML."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bot.dialogue.annotation import format_example
from bot.dialogue.project import EntityAnnotation, NluExample
from bot.dialogue.story_writing import scalar
from training.convert_notes import VERSION_LINE, Notes


def json_nlu_yaml(text: str, notes: Notes, read: Callable[[str], str | None]) -> str | None:
    """NLU data as YAML, None for any other JSON. ``read`` gives the text of a lookup file, None if it is not there."""
    try:
        data = json.loads(text)["rasa_nlu_data"]
        sections = [
            *_intents(data.get("common_examples", ())),
            *((f"synonym: {scalar(each['value'])}", each["synonyms"]) for each in data.get("entity_synonyms", ())),
            *((f"regex: {scalar(each['name'])}", [each["pattern"]]) for each in data.get("regex_features", ())),
            *(
                (f"lookup: {scalar(each['name'])}", _phrases(each, notes, read))
                for each in data.get("lookup_tables", ())
            ),
        ]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        if "rasa_nlu_data" in text:
            notes.look(1, "this NLU data cannot be read and was copied as it is")
        return None
    blocks = [f"- {head}\n  examples: |\n" + "".join(f"    - {line}\n" for line in lines) for head, lines in sections]
    return f"{VERSION_LINE}nlu:\n{''.join(blocks)}"


def _intents(examples: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    by_intent: dict[str, list[str]] = {}
    for each in examples:
        text = " ".join(str(each["text"]).split())
        entities = tuple(_annotation(entity, text) for entity in each.get("entities") or () if text == each["text"])
        example = NluExample(text=text, intent=str(each["intent"]), entities=entities)
        by_intent.setdefault(example.intent, []).append(format_example(example))
    return [(f"intent: {scalar(intent)}", lines) for intent, lines in by_intent.items()]


def _annotation(entity: Mapping[str, Any], text: str) -> EntityAnnotation:
    start, end, value = int(entity["start"]), int(entity["end"]), str(entity["value"])
    return EntityAnnotation(
        start=start,
        end=end,
        entity=str(entity["entity"]),
        value=None if value == text[start:end] else value,
        role=entity.get("role"),
        group=entity.get("group"),
    )


def _phrases(table: Mapping[str, Any], notes: Notes, read: Callable[[str], str | None]) -> list[str]:
    elements = table["elements"]
    if isinstance(elements, list):
        return [str(element) for element in elements]
    found = read(str(elements))
    if found is None:
        notes.look(1, f"the lookup file {elements} of {table['name']} is not there")
    return [line.strip() for line in (found or "").splitlines() if line.strip()]

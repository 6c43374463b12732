"""A parse as other services write theirs, for programs that were made for one of them. Pure.

The shapes are those of wit.ai's ``/message``, LUIS's v3.0 ``/predict`` and Dialogflow ES's ``detectIntent``.
"""

from collections.abc import Callable, Mapping
from uuid import NAMESPACE_URL, uuid5

from bot.dialogue.parse import Entity, Json, Parse


def _wit(parse: Parse) -> dict[str, Json]:
    found: dict[str, list[Json]] = {}
    for entity in parse.entities:
        role = entity.role or entity.entity
        found.setdefault(f"{entity.entity}:{role}", []).append(
            {
                "confidence": entity.confidence or 1,
                "name": entity.entity,
                "value": entity.value,
                "body": parse.text[entity.start or 0 : entity.end or 0],
                "start": entity.start,
                "end": entity.end,
                "role": role,
                "entities": [],
            }
        )
    intents: list[Json] = [{"name": parse.intent.name, "confidence": parse.intent.confidence}]
    return {"text": parse.text, "intents": intents, "entities": {**found}}


def _luis(parse: Parse) -> dict[str, Json]:
    entities: dict[str, Json] = {}
    instances: dict[str, Json] = {}
    for entity in parse.entities:
        name = entity.role or entity.entity
        entities[name] = [entity.value]
        instances[name] = [_luis_instance(entity)]
    scores: dict[str, Json] = {each.name: {"score": each.confidence} for each in parse.ranking or (parse.intent,)}
    return {
        "query": parse.text,
        "prediction": {
            "normalizedQuery": parse.text,
            "topIntent": parse.intent.name,
            "intents": scores,
            "entities": {"$instance": instances, **entities},
        },
    }


def _luis_instance(entity: Entity) -> dict[str, Json]:
    has_place = entity.start is not None and entity.end is not None
    return {
        "role": entity.role,
        "type": entity.entity,
        "text": entity.value,
        "startIndex": entity.start,
        "length": (entity.end or 0) - (entity.start or 0) if has_place else None,
        "score": entity.confidence,
        "modelType": entity.extractor,
    }


def _dialogflow(parse: Parse) -> dict[str, Json]:
    values: dict[str, list[Json]] = {}
    for entity in parse.entities:
        values.setdefault(entity.entity, []).append(entity.value)
    return {
        "responseId": str(uuid5(NAMESPACE_URL, parse.text)),
        "queryResult": {
            "queryText": parse.text,
            "action": parse.intent.name,
            "parameters": {**values},
            "fulfillmentText": "",
            "fulfillmentMessages": [],
            "outputContexts": [],
            "intent": {"name": parse.intent.name, "displayName": parse.intent.name},
            "intentDetectionConfidence": parse.intent.confidence,
        },
    }


EMULATIONS: Mapping[str, Callable[[Parse], dict[str, Json]]] = {"WIT": _wit, "LUIS": _luis, "DIALOGFLOW": _dialogflow}
"""By the value of ``emulation_mode``."""

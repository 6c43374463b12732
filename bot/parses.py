"""What the NLU model answers, as the dialogue's own values. The two packages do not know each other."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from bot.dialogue.parse import Entity, IntentScore, Json, Parse
from nlu.data import Parse as NluParse
from nlu.explain import Explanation, reason


def with_system_entities(parse: Parse, found: Sequence[Entity]) -> Parse:
    """The parse with system entities beside its own, all by offset: as in Rasa, neither replaces the other."""
    entities = sorted((*parse.entities, *found), key=lambda entity: (entity.start or 0, entity.end or 0))
    return replace(parse, entities=tuple(entities))


def dialogue_parse(parse: NluParse) -> Parse:
    """The same parse, field by field."""
    return Parse(
        text=parse.text,
        intent=IntentScore(name=parse.intent.name, confidence=parse.intent.confidence),
        ranking=tuple(IntentScore(name=score.name, confidence=score.confidence) for score in parse.ranking),
        entities=tuple(
            Entity(
                entity=entity.entity,
                value=entity.value,
                start=entity.start,
                end=entity.end,
                confidence=entity.confidence,
                role=entity.role,
                group=entity.group,
                extractor=entity.extractor,
                processors=entity.processors,
            )
            for entity in parse.entities
        ),
        response_key=parse.response_key,
    )


def explanation_json(explanation: Explanation) -> Mapping[str, Json]:
    """The reasons beside a parse, as they stand in JSON."""
    return {
        "verdict": explanation.verdict,
        "reason": reason(explanation),
        "best": asdict(explanation.best),
        "runner_up": asdict(explanation.runner_up) if explanation.runner_up else None,
        "outside": explanation.outside,
        "threshold": explanation.threshold,
        "temperature": explanation.temperature,
        "words": [asdict(word) for word in explanation.words],
        "neighbours": [asdict(neighbour) for neighbour in explanation.neighbours],
    }

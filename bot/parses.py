"""What the NLU model answers, as the dialogue's own values. The two packages do not know each other."""

from bot.dialogue.parse import Entity, IntentScore, Parse
from nlu.data import Parse as NluParse


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

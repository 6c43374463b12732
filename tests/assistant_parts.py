"""The small assistants of ``tests/assistants``: one folder per feature, each with test stories of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine_parts import FakeModels

from bot.dialogue.parse import FALLBACK_INTENT, Entity, IntentScore, Parse
from bot.dialogue.project import NluExample, Project

FOLDERS = sorted(path for path in (Path(__file__).parent / "assistants").iterdir() if path.is_dir())


def by_heart(project: Project) -> dict[str, Parse]:
    """What is understood of each example, by its text: exactly what is annotated, synonyms resolved."""
    return {example.text: _parse(example, project.nlu.synonyms) for example in project.nlu.examples}


def not_understood(text: str, project: Project) -> Parse:
    """The parse of words that are no example: the first intent was nearest, and not near enough."""
    nearest = IntentScore(name=next(iter(project.domain.intents)), confidence=0.2)
    fallback = IntentScore(name=FALLBACK_INTENT, confidence=0.3)
    return Parse(text=text, intent=fallback, ranking=(fallback, nearest))


@dataclass
class ModelsByHeart(FakeModels):
    """Models that know the examples of a project and nothing else."""

    project: Project = field(default_factory=Project)

    async def parse(self, text: str, *, at_s: float | None = None) -> Parse:
        return by_heart(self.project).get(text) or not_understood(text, self.project)


def _parse(example: NluExample, synonyms: Mapping[str, str]) -> Parse:
    intent, _, key = example.intent.partition("/")
    score = IntentScore(name=intent, confidence=1.0)
    entities = []
    for span in example.entities:
        said = example.text[span.start : span.end]
        value = synonyms.get(said.lower(), said)
        entities.append(
            Entity(entity=span.entity, value=value, start=span.start, end=span.end, role=span.role, group=span.group)
        )
    return Parse(text=example.text, intent=score, ranking=(score,), entities=tuple(entities), response_key=key or None)

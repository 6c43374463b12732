"""What examples are too few, too long or missing to learn from: remarks with file and line, none of which stops."""

from collections.abc import Collection, Iterator

from bot.dialogue.parse import OUT_OF_SCOPE_INTENT
from bot.dialogue.project import NluData, NluExample, Project, UserStep

READ_CHARS = 2000
"""Characters of a message that are read, in training and after."""

_EXTRACTED = ("DucklingEntityExtractor", "DucklingHTTPExtractor")
"""Components that find entities which nobody annotates."""


def data_notices(data: NluData) -> Iterator[str]:
    """Remarks on training data by itself."""
    by_intent: dict[str, list[NluExample]] = {}
    for example in data.examples:
        by_intent.setdefault(example.intent, []).append(example)
        if len(example.text) > READ_CHARS:
            text = f"an example of {len(example.text):,} characters; only the first {READ_CHARS:,} are read"
            yield f"{example.path}:{example.line}: {text}"
    for intent, (first, *others) in by_intent.items():
        if not others:
            text = f'the intent "{intent}" has one example; write at least five, in the words that customers use'
            yield f"{first.path}:{first.line}: {text}"


def held_out_notices(learned: NluData, held_out: NluData) -> Iterator[str]:
    """Remarks on examples that are to be judged and hold what was never learned, each intent and entity once."""
    seen = {example.intent for example in learned.examples} | {OUT_OF_SCOPE_INTENT}
    taught = set(_taught(learned))
    for example in held_out.examples:
        place = f"{example.path}:{example.line}"
        if example.intent not in seen:
            seen.add(example.intent)
            yield f'{place}: the intent "{example.intent}" is only tested: no example trains it'
        yield from _only_tested(place, [span.entity for span in example.entities], taught)


def story_notices(project: Project) -> Iterator[str]:
    """Remarks on test stories with entities that nothing extracts, each entity once."""
    if any(component.name in _EXTRACTED for component in project.config.pipeline):
        return
    taught = set(_taught(project.nlu))
    for story in project.tests:
        for step in story.steps:
            if isinstance(step, UserStep):
                names = [span.entity for span in step.annotations]
                yield from _only_tested(f"{story.path}:{step.line}", names, taught)


def _taught(data: NluData) -> Collection[str]:
    annotated = {span.entity for example in data.examples for span in example.entities}
    return annotated | data.regexes.keys() | data.lookups.keys()


def _only_tested(place: str, names: list[str], taught: set[str]) -> Iterator[str]:
    for name in names:
        if name not in taught:
            taught.add(name)
            what = f'the entity "{name}" is only tested, so it is never found'
            yield f"{place}: {what}; annotate it in examples, or add a regex or lookup table of its name"

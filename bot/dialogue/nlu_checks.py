"""What examples are too few, too long or missing to learn from: remarks with file and line, none of which stops."""

import unicodedata
from collections.abc import Collection, Iterator

from bot.dialogue.parse import OUT_OF_SCOPE_INTENT
from bot.dialogue.project import EntityAnnotation, NluData, NluExample, Project, UserStep

READ_CHARS = 2000
"""Characters of a message that are read, in training and after."""

_EXTRACTED = ("DucklingEntityExtractor", "DucklingHTTPExtractor")
"""Components that find entities which nobody annotates."""

_NO_WORD = "PZMC"
"""Unicode's categories of what is no word by itself: punctuation, spaces, marks on letters, and what is not seen."""

_UNSPACED_FROM = "\u0e00"
"""From Thai on scripts may write words without spaces between them; before it none does."""


def data_notices(data: NluData) -> Iterator[str]:
    """Remarks on training data by itself."""
    by_intent: dict[str, list[NluExample]] = {}
    for example in data.examples:
        by_intent.setdefault(example.intent, []).append(example)
        yield from (f"{_place(example)}: {remark}" for remark in _unlearned(example))
    yield from text_notices(data)
    for intent, (first, *others) in by_intent.items():
        if not others:
            text = f'the intent "{intent}" has one example; write at least five, in the words that customers use'
            yield f"{_place(first)}: {text}"


def text_notices(data: NluData) -> Iterator[str]:
    """Remarks on what of each text, or of its annotations, nothing can read or find."""
    for example in data.examples:
        yield from (f"{_place(example)}: {remark}" for remark in _unread(example))


def held_out_notices(learned: NluData, held_out: NluData, *, entities: Collection[str]) -> Iterator[str]:
    """Remarks on examples that are to be judged: those on texts, and each intent and entity that was never learned.

    ``entities``: names that a regex or lookup table extracts even if no example annotates them.
    """
    yield from text_notices(held_out)
    seen = {example.intent for example in learned.examples} | {OUT_OF_SCOPE_INTENT}
    taught = _taught(learned, entities)
    for example in held_out.examples:
        place = _place(example)
        if example.intent not in seen:
            seen.add(example.intent)
            yield f'{place}: the intent "{example.intent}" is only tested: no example trains it'
        yield from _only_tested(place, [span.entity for span in example.entities], taught)


def story_notices(project: Project) -> Iterator[str]:
    """Remarks on test stories with entities that nothing extracts, each entity once."""
    if any(component.name in _EXTRACTED for component in project.config.pipeline):
        return
    taught = _taught(project.nlu, project.domain.entities)
    for story in project.tests:
        for step in story.steps:
            if isinstance(step, UserStep):
                names = [span.entity for span in step.annotations]
                yield from _only_tested(f"{story.path}:{step.line}", names, taught)


def _place(example: NluExample) -> str:
    return f"{example.path}:{example.line}"


def _unread(example: NluExample) -> Iterator[str]:
    if len(example.text) > READ_CHARS:
        yield f"an example of {len(example.text):,} characters; only the first {READ_CHARS:,} are read"
    if all(unicodedata.category(character)[0] in _NO_WORD for character in example.text):
        yield f'"{example.text}" has no word, so it teaches nothing: such a message is never understood'
    for span in example.entities:
        if _cuts_word(example.text, span.start) or _cuts_word(example.text, span.end):
            part = example.text[span.start : span.end]
            yield f'"{part}" ({span.entity}) cuts a word, and what is learned finds whole words; annotate all of it'


def _cuts_word(text: str, place: int) -> bool:
    """Whether letters or digits of a script with spaces between its words stand on both sides of a place."""
    sides = text[max(0, place - 1) : place + 1]
    return 0 < place < len(text) and all(side.isalnum() and side < _UNSPACED_FROM for side in sides)


def _unlearned(example: NluExample) -> Iterator[str]:
    """Entities on the very same words share what a word has only one of: each name, a role, a group."""
    kept: dict[tuple[int, int], dict[str, EntityAnnotation]] = {}
    for span in example.entities:
        named = kept.setdefault((span.start, span.end), {})
        part = f'"{example.text[span.start : span.end]}"'
        if span.entity in named:
            yield f"{part} is annotated as {span.entity} more than once: only the first is learned"
        elif named:
            first = next(iter(named.values()))
            if (span.role or first.role, span.group or first.group) != (first.role, first.group):
                yield f"{part} is {first.entity} and {span.entity}: of roles and groups, those of the first are learned"
        named.setdefault(span.entity, span)


def _taught(data: NluData, entities: Collection[str]) -> set[str]:
    """The entities that can be found: annotated ones, and of ``entities`` those with a pattern of their name."""
    annotated = {span.entity for example in data.examples for span in example.entities}
    return annotated | {name for name in (*data.regexes, *data.lookups) if name in entities}


def _only_tested(place: str, names: list[str], taught: set[str]) -> Iterator[str]:
    for name in names:
        if name not in taught:
            taught.add(name)
            what = f'the entity "{name}" is only tested, so it is never found'
            remedy = "annotate it in examples, or name it in the domain and in a regex or lookup table"
            yield f"{place}: {what}; {remedy}, which a pipeline reads by RegexEntityExtractor"

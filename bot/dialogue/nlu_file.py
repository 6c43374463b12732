"""NLU training data: intents with annotated examples, synonyms, regexes and lookup tables.

Reads the ``nlu`` section of any number of files; ``responses`` beside it belong to the domain (``domain_file``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import regex

from bot.dialogue.annotation import AnnotationError, parse_annotated
from bot.dialogue.parse import Json
from bot.dialogue.project import NluData, NluExample
from bot.dialogue.reading import Reading
from bot.dialogue.yaml_tree import Node

KINDS = ("intent", "synonym", "regex", "lookup")
ITEM_KEYS = (*KINDS, "examples", "metadata")
BLANKS = "\n\r "
LIST_REMEDY = 'write "examples: |" and below it one line "- ..." per example'


def read_nlu(sections: Sequence[Node], reading: Reading) -> NluData:
    """Read every ``nlu`` section, in order."""
    return _NluReader(reading).read(sections)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Synonym:
    """A text that stands for a value, and where that is said."""

    item: Node
    line: int
    text: str
    value: str


class _NluReader:
    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.examples: list[NluExample] = []
        self.named: list[_Synonym] = []
        self.annotated: list[_Synonym] = []
        self.regexes: dict[str, list[str]] = {}
        self.lookups: dict[str, list[str]] = {}

    def read(self, sections: Sequence[Node]) -> NluData:
        for section in sections:
            for item in self.reading.items(section, "nlu"):
                self._item(item)
        return NluData(
            examples=tuple(self.examples),
            synonyms=self._synonyms(),
            regexes={name: tuple(patterns) for name, patterns in self.regexes.items()},
            lookups={name: tuple(words) for name, words in self.lookups.items()},
        )

    def _item(self, item: Node) -> None:
        """Read one item; one with a key that is not known is not judged further."""
        fields = self.reading.fields(item, "an item of nlu", ITEM_KEYS)
        if not isinstance(item.value, Mapping) or not set(fields) <= set(ITEM_KEYS):
            return
        kinds = [kind for kind in KINDS if kind in fields]
        if len(kinds) != 1:
            what = f"an item of nlu that is {' and '.join(kinds) or 'none of intent, synonym, regex, lookup'}"
            self.reading.fault(item, what, 'begin it with one of "intent:", "synonym:", "regex:", "lookup:"')
            return
        kind = kinds[0]
        name = self.reading.name(fields[kind], f"the name of the {kind}")
        if not name:
            return
        if kind == "intent":
            self._intent(name, fields[kind], fields.get("examples"), fields.get("metadata"))
        else:
            self._words(kind, name, item, fields.get("examples"))

    def _intent(self, name: str, place: Node, examples: Node | None, metadata: Node | None) -> None:
        if name.count("/") > 1 or name.startswith("/") or name.endswith("/"):
            what = f'the intent "{name}" has more than one "/" or nothing beside it'
            self.reading.fault(place, what, 'write "name" or, for a retrieval intent, "name/key"')
            return
        before = len(self.examples)
        if examples is not None and isinstance(examples.value, tuple):
            self._listed(name, examples, metadata)
        else:
            for line, text in self._lines(name, place, examples):
                self._example(name, place, line, text, _metadata(metadata, None))
        if len(self.examples) == before:
            self.reading.notice(place, f'the intent "{name}" has no examples here')

    def _listed(self, name: str, examples: Node, intent_metadata: Node | None) -> None:
        for item in self.reading.items(examples, "examples"):
            if isinstance(item.value, str):
                self.reading.fault(item, "an example in a list without a key", f'write "- text: ...", or {LIST_REMEDY}')
                continue
            fields = self.reading.fields(item, "an example", ("text", "metadata"))
            text = self.reading.text(fields.get("text"), "the text of an example")
            if text is None:
                if "text" not in fields:
                    self.reading.fault(item, "an example without text", 'write "- text: ..."')
                continue
            metadata = _metadata(intent_metadata, fields.get("metadata"))
            stripped = text.strip(BLANKS).removeprefix("- ").strip(BLANKS)
            self._example(name, item, fields["text"].text_line, stripped, metadata)

    def _example(self, intent: str, item: Node, line: int, source: str, metadata: Json) -> None:
        try:
            text, annotations = parse_annotated(source)
        except AnnotationError as error:
            remedy = 'write [text](entity) or [text]{"entity": "name", "value": "..."}'
            self.reading.fault(item, f"an annotation that cannot be read: {error}", remedy, line)
            return
        example = NluExample(
            text=text, intent=intent, entities=annotations, metadata=metadata, path=item.path, line=line
        )
        self.examples.append(example)
        self._overlaps(item, line, example)
        for annotation in annotations:
            said = text[annotation.start : annotation.end]
            value = said if annotation.value is None else annotation.value
            self.annotated.append(_Synonym(item=item, line=line, text=said, value=value))

    def _overlaps(self, item: Node, line: int, example: NluExample) -> None:
        """Note annotations that stand inside others: a word has one tag, so only the longer one is learned."""
        for outer, inner in combinations(example.entities, 2):
            if inner.start < outer.end and (inner.start, inner.end) != (outer.start, outer.end):
                long, short = (example.text[span.start : span.end] for span in (outer, inner))
                text = (
                    f'"{short}" ({inner.entity}) lies inside "{long}" ({outer.entity}): only the longer one is learned'
                )
                self.reading.notice(item, text, line)

    def _words(self, kind: str, name: str, item: Node, examples: Node | None) -> None:
        if examples is not None and isinstance(examples.value, tuple):
            self.reading.fault(examples, f"the examples of a {kind} must be a text block, not a list", LIST_REMEDY)
            return
        for line, text in self._lines(name, item, examples):
            match kind:
                case "synonym":
                    self.named.append(_Synonym(item=item, line=line, text=text, value=name))
                case "lookup":
                    self.lookups.setdefault(name, []).append(text)
                case _:
                    self._regex(item, line, name, text)

    def _regex(self, item: Node, line: int, name: str, pattern: str) -> None:
        try:
            regex.compile(pattern)
        except (regex.error, ValueError, RecursionError) as error:
            self.reading.fault(item, f'the regex "{name}" does not compile: {error}', "correct the pattern", line)
            return
        self.regexes.setdefault(name, []).append(pattern)

    def _synonyms(self) -> dict[str, str]:
        """What Rasa's EntitySynonymMapper learns: an annotation wins over a named synonym, the later over the earlier.

        A value stands for itself, whatever the case it is found in, as it was written first: "BERLIN" is "Berlin".
        """
        learned: dict[str, str] = {}
        for said in (*self.named, *self.annotated):
            key, known = said.text.lower(), learned.get(said.text.lower())
            if said.text != said.value:
                if known is not None and known != said.value and known.lower() != key:
                    what = f'"{said.text}" was a synonym of "{known}" and is now one of "{said.value}"'
                    self.reading.notice(said.item, what, said.line)
                learned[key] = said.value
            learned.setdefault(said.value.lower(), said.value)
        return learned

    def _lines(self, name: str, item: Node, examples: Node | None) -> Iterator[tuple[int, str]]:
        """Give line number and text of each "- " line of a block."""
        if examples is None or examples.value is None:
            self.reading.fault(item, f'"{name}" has no examples', LIST_REMEDY)
            return
        block = self.reading.text(examples, f'the examples of "{name}"')
        for number, line in enumerate((block or "").split("\n"), start=examples.text_line):
            if not line.startswith("-"):
                if line.strip():
                    self.reading.notice(item, f'skipped, because it does not start with "-": {line.strip()}', number)
                continue
            text = line[1:].strip(BLANKS)
            if text:
                yield number, text
            else:
                self.reading.notice(item, "skipped an empty example", number)


def _metadata(intent: Node | None, example: Node | None) -> Json:
    """Metadata of an example as Rasa keeps it: that of its intent and its own under two keys."""
    parts = {"intent": intent, "example": example}
    return {key: node.json() for key, node in parts.items() if node is not None} or None

"""Documents into passages: what is searched, shown and quoted. Pure: the same documents give the same passages and ids.

A passage follows the document's structure: a section (split between blocks where it is long, with a little overlap) or
one FAQ pair. Titles and headings are fields of their own, so an index may weigh them. Nearly equal passages are merged.
"""

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from urllib.parse import urljoin, urlsplit

from retrieval.documents import Block, Document, FaqEntry, Section
from retrieval.vocabulary import CHINESE_DIGITS, CONDITIONS, LIMITS, NEGATIONS, NUMBER_WORDS, SCALES

PASSAGE_CHARS = 900
OVERLAP_CHARS = 160
CJK_WIDTH = 2.2
"""How many Latin characters a Chinese one counts for: both limits are in Latin characters."""

SAME_SHARE = 0.92
"""Passages that share this much of their word trigrams may be one passage."""

_SKETCH = 8
_CROWD = 32
"""A trigram that so many passages have is a template's, and tells nothing more about which of them are alike."""

_TURNING = NEGATIONS | LIMITS | CONDITIONS.keys() | NUMBER_WORDS.keys() | CHINESE_DIGITS.keys() | SCALES.keys()
"""Words that make another answer of the same text."""

_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"“(\d])|(?<=[。！？；])")
_WORD = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3400-\u9fff\uf900-\ufaff]+|[$£€¥₹₽₩%°]|-(?=\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of a document that can answer by itself.

    ``document`` is its path in the knowledge folder, ``date`` what that says of its last change, as written there;
    ``raw_heading`` the nearest heading as written. ``answer``
    is the ready answer of an FAQ pair (Markdown as written). ``aliases`` are other ways to ask for it: paraphrases of
    the question, and what other pages call this one in their links. ``also_in`` names the documents whose nearly equal
    passages were merged into this one. ``id`` depends on content and place only, so it is the same after a rebuild.
    """

    id: str
    document: str
    title: str
    text: str
    language: str
    headings: tuple[str, ...] = ()
    raw_heading: str = ""
    anchor: str = ""
    url: str | None = None
    date: str | None = None
    question: str | None = None
    answer: str | None = None
    aliases: tuple[str, ...] = ()
    also_in: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


def split_documents(documents: Sequence[Document]) -> tuple[Passage, ...]:
    """Every passage, in document order, near-duplicates merged into the first."""
    names = _link_names(documents)
    passages = (passage for document in documents for passage in _passages(document, names[document.path]))
    return merge_duplicates(passages)


def sentences(text: str) -> list[str]:
    """Sentences of English or Chinese text, each with its end mark; a line break ends one too."""
    parts = (part.strip() for line in text.split("\n") for part in _SENTENCE_END.split(line))
    return [part for part in parts if part]


def merge_duplicates(passages: Iterable[Passage]) -> tuple[Passage, ...]:
    """Keep the first of nearly equal passages; it takes over the names and places of the others.

    Nearly equal: of one language and metadata, and one has all words of the other in their order, with at most a few
    more, none of which is a number, turns the meaning, or names one of the two in a title or heading.
    """
    kept: list[Passage] = []
    texts: list[_Words] = []
    holders: defaultdict[Hashable, list[int]] = defaultdict(list)
    for passage in passages:
        text = _Words.of(passage)
        twin = next((number for number in _near(text, holders) if text.is_nearly(texts[number])), None)
        if twin is not None:
            kept[twin] = _merged(kept[twin], passage)
            continue
        for key in text.keys:
            if len(holders[key]) < _CROWD:
                holders[key].append(len(kept))
        kept.append(passage)
        texts.append(text)
    return tuple(kept)


def _near(text: "_Words", holders: Mapping[Hashable, Sequence[int]]) -> list[int]:
    """The passages whose sketch shares at least half with that of a text, and the one with the very same words."""
    whole, *sketch = text.keys
    shared = Counter(number for key in sketch for number in holders.get(key, ()))
    near = {number for number, many in shared.items() if 2 * many >= len(sketch)}
    return sorted(near.union(holders.get(whole, ())))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What of a passage decides whether another one is nearly equal.

    ``keys``: one for all words in their order, and those of a min-hash sketch (Broder 1997): nearly equal sets of
    trigrams nearly always share most of these.
    """

    words: tuple[str, ...]
    names: frozenset[str]
    trigrams: frozenset[str]
    keys: tuple[Hashable, ...]

    @classmethod
    def of(cls, passage: Passage) -> "_Words":
        words = tuple(_WORD.findall(_folded(f"{passage.question or ''} {passage.text}")))
        names = _WORD.findall(_folded(" ".join((passage.title, *passage.headings))))
        runs = (" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2)))
        trigrams = frozenset(hashlib.blake2b(run.encode(), digest_size=8).hexdigest() for run in runs)
        group = (passage.language, *sorted(passage.metadata.items()))
        keys = (group, words), *((group, trigram) for trigram in sorted(trigrams)[:_SKETCH])
        return cls(words=words, names=frozenset(names), trigrams=trigrams, keys=keys)

    def is_nearly(self, other: "_Words") -> bool:
        """Whether both say the same; they are of one language and metadata, since they share a key."""
        short, long = sorted((self.words, other.words), key=len)
        rest = iter(long)
        if not short or not all(word in rest for word in short):
            return False
        added = Counter(long) - Counter(short)
        if any(word in _TURNING or not word.isalpha() for word in added) or added.keys() & (self.names | other.names):
            return False
        both = self.trigrams & other.trigrams
        return len(both) >= SAME_SHARE * len(self.trigrams | other.trigrams)


def _passages(document: Document, names: tuple[str, ...]) -> Iterator[Passage]:
    written = [section for section in document.sections if section.blocks]
    # Of a page that scripts fill in, links may be all that is written; it is still to be found by its title.
    for section in [section for section in written if not section.navigation] or written:
        for text in _chunks(section.blocks):
            yield _section_passage(document, section, text, names)
    for entry in document.entries:
        yield _faq_passage(document, entry)


def _section_passage(document: Document, section: Section, text: str, names: tuple[str, ...]) -> Passage:
    anchor = f"#{section.anchor}" if section.anchor else ""
    return Passage(
        id=_identity(document.path, *section.headings, text),
        document=document.path,
        title=document.title,
        text=text,
        language=document.language,
        headings=section.headings,
        raw_heading=section.raw_heading,
        anchor=section.anchor,
        url=document.url + anchor if document.url else None,
        date=document.date,
        aliases=names,
        metadata=document.metadata,
    )


def filterable(passage: Passage) -> dict[str, str]:
    """What a passage can be filtered by."""
    return {"language": passage.language, "document": passage.document, **passage.metadata}


def has_all(passage: Passage, filters: Mapping[str, str]) -> bool:
    """Whether the filters leave a passage in."""
    own = filterable(passage)
    return all(own.get(name) == value for name, value in filters.items())


def _faq_passage(document: Document, entry: FaqEntry) -> Passage:
    metadata = {**document.metadata, **({"category": entry.category} if entry.category else {})}
    return Passage(
        id=_identity(document.path, entry.question, entry.answer),
        document=document.path,
        title=entry.question,
        text=entry.answer,
        language=document.language,
        headings=(entry.category,) if entry.category else (),
        raw_heading=entry.question,
        url=entry.url or document.url,
        date=document.date,
        question=entry.question,
        answer=entry.answer,
        aliases=entry.paraphrases,
        metadata=metadata,
    )


def _identity(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def _width(text: str) -> float:
    return len(text) + (CJK_WIDTH - 1) * len(_CJK.findall(text))


def _chunks(blocks: Sequence[Block]) -> Iterator[str]:
    """Blocks packed into texts of at most ``PASSAGE_CHARS``; each text begins with the end of the one before, and none
    ends with what leads into the next."""
    chunk: list[Block] = []
    for block in (piece for whole in blocks for piece in _pieces(whole)):
        if chunk and _width(_joined([*chunk, block])) > PASSAGE_CHARS:
            *before, tail = chunk
            fits = bool(before) and _width(_joined([tail, block])) <= PASSAGE_CHARS
            leads = fits and tail.text.endswith((":", "："))
            yield _joined(before if leads else chunk)
            chunk = [tail] if leads or (fits and _width(tail.text) <= OVERLAP_CHARS) else []
        chunk.append(block)
    if chunk:
        yield _joined(chunk)


def _pieces(block: Block) -> Iterator[Block]:
    """A block, or, where it is longer than a passage, runs of its sentences (of its characters if it has none)."""
    if _width(block.text) <= PASSAGE_CHARS:
        yield block
        return
    run = ""
    for sentence in (part for whole in block.text.split("\n") for part in _bounded(whole)):
        if run and _width(run) + _width(sentence) > PASSAGE_CHARS:
            yield replace(block, text=run.strip())
            run = ""
        run += sentence
    if run.strip():
        yield replace(block, text=run.strip())


def _bounded(line: str) -> Iterator[str]:
    """The sentences of a line as they stand, with the space after each; one too long is cut, at a space if it can."""
    limit = int(PASSAGE_CHARS / CJK_WIDTH)
    ends = [match.end() for match in _SENTENCE_END.finditer(line)]
    start = 0
    for end in (*ends, len(line)):
        while _width(line[start : min(end, start + PASSAGE_CHARS + 1)]) > PASSAGE_CHARS:
            at = line.rfind(" ", start, start + limit) + 1 or start + limit
            yield line[start:at]
            start = at
        yield line[start:end]
        start = end
    yield "\n"


def _joined(blocks: Sequence[Block]) -> str:
    text = blocks[0].text
    for before, block in pairwise(blocks):
        tight = before.kind == block.kind and block.kind in ("item", "row")
        text += ("\n" if tight else "\n\n") + block.text
    return text


def _link_names(documents: Sequence[Document]) -> Mapping[str, tuple[str, ...]]:
    """What the links of other pages call each document, most used first, its own title left out."""
    places = {address: document.path for document in documents for address in _addresses(document)}
    titles = {document.path: _folded(document.title) for document in documents}
    counts: dict[str, dict[str, int]] = {document.path: {} for document in documents}
    for document in documents:
        base = _base(document)
        for link in document.links:
            address = _address(link.target, base)
            path = places.get(address) if address else None
            if path and path != document.path and _folded(link.text) != titles[path]:
                counts[path][link.text] = counts[path].get(link.text, 0) + 1
    return {path: tuple(sorted(names, key=lambda name: -names[name])) for path, names in counts.items()}


def _addresses(document: Document) -> Iterator[tuple[str, str]]:
    yield "", "/" + document.path
    if document.url and (address := _address(document.url)):
        yield address


def _base(document: Document) -> str:
    """What the document's links are relative to: where it was fetched from, else its place in the folder."""
    address = _address(document.url) if document.url else None
    return document.url if document.url and address and address[0] else "/" + document.path


def _address(target: str, base: str = "/") -> tuple[str, str] | None:
    """Host ("" in the folder itself) and path of what a link leads to; None for what is no page of any host."""
    try:
        link, whole = urlsplit(target), urlsplit(urljoin(base, target))
    except ValueError:  # a host in brackets that is no IPv6 address, or one with letters that stand for a mark
        return None
    if whole.scheme not in ("", "http", "https") or not (link.netloc or link.path):
        return None
    return whole.netloc.lower(), whole.path.rstrip("/") or "/"


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def _merged(first: Passage, other: Passage) -> Passage:
    names = [*first.aliases, other.title, *other.aliases]
    places = [*first.also_in, other.document]
    return replace(
        first,
        aliases=tuple(dict.fromkeys(name for name in names if name != first.title)),
        also_in=tuple(dict.fromkeys(place for place in places if place != first.document)),
    )

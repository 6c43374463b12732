"""One HTML page into a document: what its reader sees of its main part, by heading. Runs in ``retrieval.parser_child``.

Scripts, styles, forms, menus, and what is hidden by an attribute or an inline style are left out: words that no reader
sees are no knowledge. What a style sheet hides cannot be known here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from lxml import etree, html

from retrieval.documents import Block, Document, FaultyFile, Link, Section, guess_language, row_text

METADATA = ("product", "locale", "audience", "category")
"""Names of ``<meta>`` elements that become the document's metadata, and so can be filtered by."""

_DATES = ("article:modified_time", "dcterms.modified", "last-modified", "article:published_time", "date")
_DROPPED = "script style noscript template iframe object svg math form button select nav header footer aside dialog"
_MAIN = ("//main", "//*[@role='main']", "//article[not(//article[2])]", "//body")
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6, "summary": 6}
_LISTS = ("ul", "ol")
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "body", "dd", "details", "div", "dl", "dt", "fieldset", "main"}
)
_BLOCKS |= {"figcaption", "figure", "header", "hgroup", "hr", "li", "p", "section"}
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|opacity)\s*:\s*0(?![.\d]*[1-9])")
_SPACE = re.compile(r"\s+")
_DEPTH = 200
"""Elements nested deeper than this are not read: no page needs it, and each level costs the reader stack."""


def parse_web_page(path: str, raw: bytes) -> Document:
    """A page. Raises ``FaultyFile`` where it holds no text."""
    try:
        text: str | bytes = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw  # its <meta charset> says what it is
    try:
        parser = html.HTMLParser(encoding="utf-8") if isinstance(text, str) else html.HTMLParser()
        root = html.document_fromstring(text.encode() if isinstance(text, str) else text, parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise FaultyFile(0, "no HTML that can be read", "open it in a browser and save it again") from error
    metas = _metas(root)
    head_title = _words(" ".join(root.xpath("//head/title//text()")))
    canonical = next((link for link in root.xpath("//link[@rel='canonical']/@href") if link.startswith("http")), None)
    _drop_unseen(root)
    main = next((found[0] for found in map(root.xpath, _MAIN) if found and _words(found[0].text_content())), None)
    if main is None:
        raise FaultyFile(0, "no text", "a page that is filled in by scripts has to be saved as the browser shows it")
    reader = _Reader()
    reader.read(main)
    sections = tuple(section for section in reader.finished() if section.blocks)
    if not sections:
        raise FaultyFile(0, "no text outside of menus", "add some, or remove the file")
    title = reader.title or metas.get("og:title") or head_title or PurePosixPath(path).stem.replace("-", " ")
    words = " ".join(block.text for section in sections for block in section.blocks)
    declared = (root.get("lang") or "").replace("_", "-").split("-")[0].lower()
    return Document(
        path=path,
        title=title,
        language=declared or guess_language(f"{title} {words}"),
        url=canonical,
        date=next((metas[name] for name in _DATES if metas.get(name)), None),
        summary=metas.get("description", ""),
        metadata={name: metas[name] for name in METADATA if metas.get(name)},
        sections=sections,
        links=tuple(reader.links),
    )


def _metas(root: html.HtmlElement) -> dict[str, str]:
    found: dict[str, str] = {}
    for meta in root.xpath("//meta[@content]"):
        name = (meta.get("name") or meta.get("property") or meta.get("http-equiv") or "").lower()
        found.setdefault(name, _words(meta.get("content")))
    return found


def _drop_unseen(root: html.HtmlElement) -> None:
    for comment in root.xpath("//comment() | //processing-instruction()"):
        comment.drop_tree()
    for element in list(root.iter(*_DROPPED.split())):
        inside = element.tag == "header" and any(above.tag in ("main", "article") for above in element.iterancestors())
        if not inside and element.getparent() is not None:
            element.drop_tree()
    for element in root.xpath("//*[@hidden or @aria-hidden='true' or @style]"):
        seen = "hidden" not in element.attrib and element.get("aria-hidden") != "true"
        if seen and not _HIDDEN.search(element.get("style", "").lower()):
            continue
        if element.getparent() is not None:
            element.drop_tree()


def _words(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


@dataclass(slots=True)
class _Reader:
    """Walks the elements once and collects sections."""

    title: str = ""
    links: list[Link] = field(default_factory=list)
    _done: list[Section] = field(default_factory=list)
    _path: list[tuple[int, str]] = field(default_factory=list)
    _raw: str = ""
    _anchor: str = ""
    _blocks: list[Block] = field(default_factory=list)
    _line: str = ""

    def read(self, element: html.HtmlElement, depth: int = 0) -> None:
        """Take over an element's text, block by block. Text beside blocks is a block of its own."""
        self._line += element.text or ""
        for child in element if depth < _DEPTH else ():
            self._child(child, depth)
            self._line += child.tail or ""

    def finished(self) -> list[Section]:
        """Every section, in order."""
        self._close()
        return self._done

    def _child(self, child: html.HtmlElement, depth: int) -> None:
        tag = child.tag
        if tag in _HEADINGS:
            self._heading(child, _HEADINGS[tag])
        elif tag in _LISTS:
            self._add("")
            self._blocks.extend(Block(text=text, kind="item") for text in self._items(child))
        elif tag == "table":
            self._add("")
            self._blocks.extend(self._rows(child, depth))
        elif tag == "pre":
            self._add("")
            self._blocks.append(Block(text=child.text_content().strip("\n"), kind="code"))
        elif tag == "br":
            self._line += " "
        elif tag in _BLOCKS:
            self._add("")
            self.read(child, depth + 1)
            self._add("")
        else:
            if tag == "a":
                self._link(child)
            self.read(child, depth + 1)

    def _add(self, text: str) -> None:
        """Close the running line, then add a block."""
        for words in (_words(self._line), text):
            if words:
                self._blocks.append(Block(text=words))
        self._line = ""

    def _heading(self, element: html.HtmlElement, level: int) -> None:
        text = _words(element.text_content())
        if not text:
            return
        self._close()
        self._raw, self._anchor = text, self._id(element)
        if level == 1 and not self.title:
            self.title, self._path = text, []
            return
        self._path = [*((depth, name) for depth, name in self._path if depth < level), (level, text)]

    def _id(self, element: html.HtmlElement) -> str:
        """The anchor of a heading: its own id, one inside of it, or that of the block that it opens."""
        parent = element.getparent()
        opens = parent is not None and parent[0] is element and parent.tag in ("section", "div", "details")
        inside = element.xpath(".//@id | .//a/@name")
        return str(element.get("id") or (inside[0] if inside else parent.get("id", "") if opens else ""))

    def _close(self) -> None:
        self._add("")
        if self._blocks:
            headings = tuple(name for _, name in self._path)
            blocks = tuple(block for block in self._blocks if block.text)
            self._done.append(Section(headings=headings, raw_heading=self._raw, anchor=self._anchor, blocks=blocks))
        self._blocks = []

    def _items(self, element: html.HtmlElement, indent: str = "") -> Iterator[str]:
        for number, item in enumerate(element.iterchildren("li"), 1):
            mark = f"{number}." if element.tag == "ol" else "-"
            nested = list(item.iterchildren(*_LISTS)) if len(indent) < 3 * _DEPTH else []
            below = [line for part in nested for line in self._items(part, indent + "   ")]
            for part in nested:
                part.drop_tree()
            for link in item.iter("a"):
                self._link(link)
            own = _words(" ".join(item.itertext()))
            yield f"{indent}{mark} " + "\n".join(part for part in (own, *below) if part)

    def _rows(self, table: html.HtmlElement, depth: int) -> Iterator[Block]:
        """Each row as ``head: cell; head: cell``; a table that only lays out a page is read as its blocks."""
        if table.xpath(".//table | .//h1 | .//h2 | .//h3") and depth < _DEPTH:
            self.read(table, depth + 1)
            self._add("")
            return
        for link in table.iter("a"):
            self._link(link)
        head: list[str] = []
        for row in table.iter("tr"):
            cells = [_words(" ".join(cell.itertext())) for cell in row.iterchildren("td", "th")]
            if not head and row.find("th") is not None and row.find("td") is None:
                head = cells
            elif text := row_text(head, cells):
                yield Block(text=text, kind="row")

    def _link(self, element: html.HtmlElement) -> None:
        target, text = element.get("href", ""), _words(element.text_content())
        if target and text and not target.lower().startswith(("javascript:", "data:")):
            self.links.append(Link(target=target, text=text))

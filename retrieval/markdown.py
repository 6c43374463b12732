"""One Markdown page into a document: front matter, sections by heading, readable blocks, links.

What site generators leave in the source (kramdown attributes, Liquid tags, shortcodes, HTML) is taken out; the words
that such a tag encloses stay. Where a tag puts in a list of the page's front matter, the list stands in its place.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from retrieval.documents import Block, Document, Fault, FaultyFile, Link, Section, guess_language, row_text
from retrieval.front_matter import split_front_matter

_KNOWN = {
    "title",
    "permalink",
    "url",
    "date",
    "last_updated",
    "updated",
    "lang",
    "language",
    "summary",
    "description",
}
_FENCE = re.compile(r"^\s*(```|~~~)")
_ATTRIBUTES = re.compile(r"\{:(?!\})[^}\n]*\}")
_LIQUID = re.compile(r"\{%.*?%\}|\{\{[<%]?.*?[>%]?\}\}")
_PUTS_IN = re.compile(r"\{%-?\s*(?:include|render|for)\b.*?%\}|\{\{.*?\}\}")
_OF_PAGE = re.compile(r"\bpage\.(\w+)")
_EXPLICIT_ID = re.compile(r"\s*\{#([^}\s]+)\}\s*$")
_BOLD = re.compile(r"(?<!\*)\*\*(?=\S)([^*\n]+)(?<=\S)\*\*(?!\*)")
_TAG = re.compile(r"<!--.*?-->|<(script|style|template)\b.*?(?:</\1\s*>|\Z)|</?[a-z][^>]*>", re.DOTALL | re.IGNORECASE)
_SPACE = re.compile(r"[ \t\u00a0]+")
_RAW_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
_PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def parse_markdown(path: str, text: str) -> tuple[Document, tuple[Fault, ...]]:
    """A page. Raises ``FaultyFile`` where its front matter is broken or it holds no text."""
    values, lists, body = split_front_matter(text.replace("\r\n", "\n").replace("\r", "\n"))
    cleaned = _without_generator_marks(body, lists)
    root = SyntaxTreeNode(_PARSER.parse(cleaned))
    title = values.get("title") or _first_title(root) or PurePosixPath(path).stem.replace("-", " ")
    sections = tuple(_sections(root, cleaned.split("\n"), title))
    if not any(section.blocks for section in sections):
        raise FaultyFile(1, "no text", "add some, or remove the file")
    words = " ".join(block.text for section in sections for block in section.blocks)
    return Document(
        path=path,
        title=title,
        language=_language(values) or guess_language(f"{title} {words}"),
        url=values.get("permalink") or values.get("url") or None,
        date=values.get("date") or values.get("last_updated") or values.get("updated") or None,
        summary=values.get("summary") or values.get("description") or "",
        metadata={key: value for key, value in values.items() if key not in _KNOWN and value},
        sections=sections,
        links=tuple(_links(root)),
    ), ()


def slug(heading: str) -> str:
    """The anchor that site generators give a heading: lower case, words joined by hyphens, letters of any script."""
    kept = (c for c in unicodedata.normalize("NFC", heading).lower() if c.isalnum() or c in "-_ ")
    return "-".join("".join(kept).split())


def _language(values: Mapping[str, str]) -> str:
    declared = values.get("lang") or values.get("language") or values.get("locale") or ""
    return declared.replace("_", "-").split("-")[0].lower()


def _without_generator_marks(body: str, lists: Mapping[str, Sequence[str]]) -> str:
    """The lines with generator marks blanked out or, for ``lists`` by name, filled in; code fences left alone."""
    lines: list[str] = []
    fence = ""
    for line in body.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark.group(1) == fence):
            fence = "" if fence else mark.group(1)
        if fence or mark:
            lines.append(line)
        else:
            stripped = _LIQUID.sub("", _ATTRIBUTES.sub("", line))
            lines.append(stripped if stripped.strip() or not line.strip() else "")
            lines += _listed(line, lists)
    return "\n".join(lines)


def _listed(line: str, lists: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The lists that the tags of a line put in, as Markdown."""
    for tag in _PUTS_IN.finditer(line):
        for name in _OF_PAGE.findall(tag[0]):
            yield from ("", *(f"- {' '.join(item.split())}" for item in lists.get(name.lower(), ())), "")


def _first_title(root: SyntaxTreeNode) -> str:
    heading = next((node for node in root.children if node.type == "heading" and node.tag == "h1"), None)
    return _inline_text(heading) if heading else ""


def _sections(root: SyntaxTreeNode, lines: list[str], title: str) -> Iterator[Section]:
    """Sections in order. The heading that repeats the title opens no level of its own."""
    path: list[tuple[int, str]] = []
    section, nodes = Section(), list[SyntaxTreeNode]()
    for node in root.children:
        if node.type != "heading":
            nodes.append(node)
            continue
        yield from _closed(section, nodes)
        level, nodes = int(node.tag[1]), []
        text, raw = _inline_text(node), _raw_heading(node, lines)
        explicit = _EXPLICIT_ID.search(text)
        text = _EXPLICIT_ID.sub("", text)
        if level == 1 and _same(text, title):
            path, section = [], Section(raw_heading=raw)
            continue
        path = [*((depth, name) for depth, name in path if depth < level), (level, text)]
        anchor = explicit.group(1) if explicit else slug(text)
        section = Section(headings=tuple(name for _, name in path), raw_heading=raw, anchor=anchor)
    yield from _closed(section, nodes)


def _closed(section: Section, nodes: list[SyntaxTreeNode]) -> Iterator[Section]:
    blocks = tuple(block for node in nodes for block in _blocks(node) if block.text)
    if blocks or section.headings:
        yield replace(section, blocks=blocks, navigation=bool(blocks) and all(map(_only_links, nodes)))


def _same(left: str, right: str) -> bool:
    return " ".join(left.lower().split()) == " ".join(right.lower().split())


def _raw_heading(node: SyntaxTreeNode, lines: list[str]) -> str:
    start = node.map[0] if node.map else 0
    match = _RAW_HEADING.match(lines[start]) if start < len(lines) else None
    return match.group(1) if match else _inline_text(node)


def _blocks(node: SyntaxTreeNode) -> Iterator[Block]:
    match node.type:
        case "bullet_list" | "ordered_list":
            yield from (Block(text=text, kind="item") for text in _items(node))
        case "table":
            yield from (Block(text=text, kind="row") for text in _rows(node))
        case "fence" | "code_block":
            yield Block(text=node.content.rstrip(), kind="code")
        case "html_block":
            yield Block(text=_clean(_TAG.sub(" ", node.content)))
        case "blockquote":
            for child in node.children:
                yield from _blocks(child)
        case "hr":
            return
        case _:
            yield Block(text=_inline_text(node))


def _items(node: SyntaxTreeNode, indent: str = "") -> Iterator[str]:
    start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else 0
    for number, item in enumerate(node.children, start):
        mark = f"{number}." if start or node.type == "ordered_list" else "-"
        parts: list[str] = []
        for child in item.children:
            nested = child.type in ("bullet_list", "ordered_list")
            parts.extend(_items(child, indent + "   ") if nested else (block.text for block in _blocks(child)))
        yield f"{indent}{mark} " + "\n".join(part for part in parts if part)


def _rows(table: SyntaxTreeNode) -> Iterator[str]:
    """Each body row as ``head: cell; head: cell``, so that a row is understood alone."""
    head: list[str] = []
    for part in table.children:
        for row in part.children:
            cells = [_inline_text(cell) for cell in row.children]
            if part.type == "thead":
                head = cells
            else:
                yield row_text(head, cells)


def _inline_text(node: SyntaxTreeNode) -> str:
    inline = [child for child in node.walk() if child.type == "inline"]
    return _clean(" ".join(_tokens_text(child.children) for child in inline))


def _tokens_text(nodes: list[SyntaxTreeNode]) -> str:
    parts: list[str] = []
    for node in nodes:
        match node.type:
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "text":
                # After Chinese punctuation CommonMark sees no end of bold: **警告：**请
                parts.append(_BOLD.sub(r"\1", node.content))
            case "code_inline":
                parts.append(node.content)
            case "image":
                parts.append(node.content)
            case "html_inline":
                parts.append("\n" if node.content.lower().startswith("<br") else "")
            case _:
                parts.append(_tokens_text(node.children))
    return "".join(parts)


def _clean(text: str) -> str:
    lines = (_SPACE.sub(" ", line).strip() for line in html.unescape(text).split("\n"))
    return "\n".join(line for line in lines if line)


def _only_links(node: SyntaxTreeNode) -> bool:
    """Whether a block holds links and nothing else: navigation, not knowledge."""
    if node.type not in ("bullet_list", "ordered_list"):
        return False
    leaves = [child for inline in node.walk() if inline.type == "inline" for child in inline.children]
    return bool(leaves) and all(leaf.type == "link" or not leaf.content.strip() for leaf in leaves)


def _links(root: SyntaxTreeNode) -> Iterator[Link]:
    for node in root.walk():
        if node.type == "link":
            text = _clean(_tokens_text(node.children))
            target = str(node.attrs.get("href", ""))
            if text and target:
                yield Link(target=target, text=text)

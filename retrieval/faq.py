"""FAQ files into documents: CSV with columns found by name, and lists of questions and answers in YAML or JSON."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence

from retrieval.documents import Document, FaqEntry, Fault, FaultyFile, guess_language, named_after
from retrieval.front_matter import load_yaml

_NAMES: Mapping[str, str] = {
    "question": "question questions q title query 问题 问 常见问题 提问 标题 問題",
    "answer": "answer answers a reply response 答案 回答 答 解答 回复 答复",
    "url": "url link source permalink 链接 网址 来源 連結",
    "category": "category topic section 分类 类别 主题 類別",
    "paraphrases": "paraphrases similar variants alternatives examples 相似问题 相似问 相似问法 同义问",
}
COLUMNS: Mapping[str, str] = {name: field for field, names in _NAMES.items() for name in names.split()}
"""What a column or key is called, in English or Chinese, and which field it fills."""

_LIST_SEPARATORS = ("\n", "|", "；")
_CELL_LIMIT = 1_000_000


def parse_faq_csv(path: str, text: str) -> tuple[Document, tuple[Fault, ...]]:
    """A CSV of question and answer columns. Raises ``FaultyFile`` if those columns cannot be found."""
    csv.field_size_limit(_CELL_LIMIT)
    rows = csv.reader(io.StringIO(text, newline=""), _dialect(text))
    try:
        names = faq_columns(next(rows, []))
        if names is None:
            raise FaultyFile(1, "no question and answer columns", "name them `question` and `answer` in the first row")
        records = [(rows.line_num, _record(names, row)) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise FaultyFile(rows.line_num, f"not valid CSV ({error})", "quote the cell correctly") from error
    return _document(path, records)


def parse_faq_yaml(path: str, text: str) -> tuple[Document, tuple[Fault, ...]]:
    """A YAML list of ``{question, answer, questions: [...], url, category}``, or a mapping with it under ``faq``."""
    return _listed_faq(path, load_yaml(text))


def parse_faq_json(path: str, text: str) -> tuple[Document, tuple[Fault, ...]]:
    """The same list in JSON."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise FaultyFile(error.lineno, f"not valid JSON ({error.msg})", "correct the JSON there") from error
    except RecursionError as error:
        raise FaultyFile(1, "JSON that is nested too deeply", "write a list of questions and answers") from error
    return _listed_faq(path, value)


def faq_columns(cells: Sequence[str]) -> list[str] | None:
    """Which field each column of a table fills ("" for none), by its first row; None if it is no FAQ."""
    names = [COLUMNS.get(cell.strip().lower(), "") for cell in cells]
    return names if "question" in names and "answer" in names else None


def faq_entry(names: Sequence[str], cells: Sequence[str]) -> FaqEntry | None:
    """A row's question and answer; None where it lacks one of them."""
    record = _record(names, cells)
    return _entry(record) if record.get("question") and record.get("answer") else None


def _listed_faq(path: str, value: object) -> tuple[Document, tuple[Fault, ...]]:
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("faq", "faqs", "questions", "entries") if key in value), None)
    if not isinstance(value, list):
        raise FaultyFile(1, "no list of questions", "write a list of `- question: ...` and `answer: ...`")
    return _document(path, [(number, _item_record(item)) for number, item in enumerate(value, 1)], unit="entry")


def _dialect(text: str) -> type[csv.Dialect] | str:
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)

    class Sniffed(csv.excel):
        pass

    Sniffed.delimiter = delimiter if delimiter in first else ","
    return Sniffed


def _record(names: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    record: dict[str, str] = {}
    for name, cell in zip(names, row, strict=False):
        if name and cell.strip():
            record[name] = (
                f"{record[name]}\n{cell.strip()}" if name == "paraphrases" and name in record else cell.strip()
            )
    return record


def _item_record(item: object) -> dict[str, str]:
    if not isinstance(item, Mapping):
        return {}
    record: dict[str, str] = {}
    for key, value in item.items():
        name = "paraphrases" if key == "questions" else COLUMNS.get(str(key).strip().lower())
        if isinstance(value, list):
            value = "\n".join(str(part).strip() for part in value if isinstance(part, (str, int, float)))  # noqa: PLW2901
        if name and isinstance(value, (str, int, float)):
            record[name] = str(value).strip()
    asked = _listed(record.get("paraphrases", ""))
    if asked and "question" not in record:
        record["question"], record["paraphrases"] = asked[0], "\n".join(asked[1:])
    return record


def _listed(text: str) -> list[str]:
    separator = next((mark for mark in _LIST_SEPARATORS if mark in text), "\n")
    return [part.strip() for part in text.split(separator) if part.strip()]


def _document(
    path: str, records: Sequence[tuple[int, Mapping[str, str]]], *, unit: str = "line"
) -> tuple[Document, tuple[Fault, ...]]:
    entries: list[FaqEntry] = []
    faults: list[Fault] = []
    for number, record in records:
        if record.get("question") and record.get("answer"):
            entries.append(_entry(record))
            continue
        where = number if unit == "line" else 0
        missing = "a question without an answer" if record.get("question") else "an answer without a question"
        problem = missing if unit == "line" else f"entry {number}: {missing}"
        faults.append(Fault(path=path, line=where, problem=problem, remedy="fill both in"))
    if not entries:
        raise FaultyFile(1, "no question with an answer", "add at least one")
    words = " ".join(_words(entries))
    document = Document(path=path, title=named_after(path), language=guess_language(words), entries=tuple(entries))
    return document, tuple(faults)


def _entry(record: Mapping[str, str]) -> FaqEntry:
    paraphrases = tuple(text for text in _listed(record.get("paraphrases", "")) if text != record["question"])
    return FaqEntry(
        question=record["question"],
        answer=record["answer"],
        paraphrases=paraphrases,
        url=record.get("url"),
        category=record.get("category"),
    )


def _words(entries: Sequence[FaqEntry]) -> Iterator[str]:
    for entry in entries:
        yield entry.question
        yield entry.answer

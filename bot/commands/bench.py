"""``kefu bench``: what training, starting and answering cost on this machine, and how good understanding is."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from bot.commands.options import Subparsers, UsageError, add_command, add_json, print_json


def add(commands: Subparsers) -> None:
    """Add ``bench``."""
    parser = add_command(
        commands,
        "bench",
        bench,
        summary="measure training, start-up, memory and turns on this machine",
        example="kefu bench --seconds 20 --json",
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each load (default: 20)")
    parser.add_argument("--clients", type=int, default=8, help="clients of the throughput load (default: 8)")
    parser.add_argument(
        "--rasa", metavar="URL", help="also load this running Rasa server (moodbot, REST) and print the ratios"
    )
    add_json(parser)
    kinds = parser.add_subparsers(title="what else to measure", metavar="WHAT")
    nlu = add_command(
        kinds,
        "nlu",
        bench_nlu,
        summary="measure understanding on public data sets",
        example="kefu bench nlu --data ../data --sets banking77_10shot --docs benchmarks.md",
    )
    nlu.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder with nlu/ and assistants/")
    nlu.add_argument("--full", action="store_true", help="all sets (hours), not only the quick ones")
    nlu.add_argument("--sets", nargs="+", default=None, metavar="NAME", help="these sets only")
    nlu.add_argument("--seeds", type=int, metavar="N", help="at most so many seeds a set (default: 3, for short ones)")
    nlu.add_argument(
        "--busy", action="store_true", help="other work runs on this machine: time nothing (a later run measures again)"
    )
    nlu.add_argument(
        "--results", type=Path, default=Path(".bench/nlu"), metavar="DIR", help="kept results (default: .bench/nlu)"
    )
    nlu.add_argument("--docs", type=Path, metavar="FILE", help="write all kept results as Markdown")
    add_json(nlu)


def bench(args: argparse.Namespace) -> int:
    """Runs a small assistant in a scratch folder, in a server process of its own."""
    from bot.bench import measure, to_text

    figures = measure(seconds=args.seconds, clients=args.clients, rasa_url=args.rasa)
    if args.json:
        print_json(figures)
    else:
        print(to_text(figures))
    return 0


def bench_nlu(args: argparse.Namespace) -> int:
    """Exit code 1 if a training failed; what is done is kept, and the others run all the same."""
    from training.bench_nlu import kept, run, state
    from training.bench_nlu_page import to_markdown
    from training.bench_nlu_rows import TRAININGS

    known = [training.name for training in TRAININGS]
    unknown = [name for name in args.sets or () if name not in known]
    if unknown:
        raise UsageError(f"there is no set {unknown[0]}; there are {', '.join(known)}")
    names = args.sets or [training.name for training in TRAININGS if training.quick or args.full]
    results = run(
        names,
        data=args.data,
        results=args.results,
        say=lambda line: print(line, file=sys.stderr),
        seeds=args.seeds,
        busy=args.busy,
    )
    if args.docs:
        current = {training.name: state(training, args.data) for training in TRAININGS}
        args.docs.write_text(to_markdown(kept(args.results), current), "utf-8")
        print(f"{args.docs} is written", file=sys.stderr)
    if args.json:
        print_json([asdict(result) for result in results])
    return 1 if any(result.fault for result in results) else 0

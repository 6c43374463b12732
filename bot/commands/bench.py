"""``kefu bench``: what training, starting and answering cost on this machine, and how good understanding is."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from bot.commands.options import Subparsers, UsageError, add_command, add_json, print_json, progress_bar

FEWEST_VECTORS = 20_000
"""Clusters of fewer would hold no ten neighbours."""


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

    generator = add_command(
        kinds,
        "generator",
        bench_generator,
        summary="measure drafts: first token, tokens a second, memory, and how other answers wait for them",
        example="kefu bench generator --json",
    )
    generator.add_argument(
        "--seconds",
        type=float,
        default=30.0,
        help="how long rule answers are timed, alone and beside drafts (default: 30)",
    )
    add_json(generator)

    size = add_command(
        kinds,
        "size",
        bench_size,
        summary="measure a large assistant: 5,000 examples, 276 stories, 53 rules",
        example="kefu bench size --fast",
    )
    size.add_argument("--fast", action="store_true", help="train as kefu train --fast does")
    size.add_argument("--keep", type=Path, metavar="DIR", help="only write the assistant into this folder")
    add_json(size)

    dialogue = add_command(
        kinds,
        "dialogue",
        bench_dialogue,
        summary="measure policies on stories that are held out",
        example="kefu bench dialogue --data ../data --docs benchmarks.md",
    )
    dialogue.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="the folder with assistants/ and transcripts/"
    )
    dialogue.add_argument("--docs", type=Path, metavar="FILE", help="write the figures into this page of Markdown")
    add_json(dialogue)

    knowledge = add_command(
        kinds,
        "knowledge",
        bench_knowledge,
        summary="measure search on public data sets, and among very many vectors",
        example="kefu bench knowledge --data ../data --synthetic 1000000 --docs benchmarks.md",
    )
    knowledge.add_argument("--data", type=Path, metavar="DIR", help="the folder with retrieval/ and knowledge/")
    knowledge.add_argument("--full", action="store_true", help="also what the bot answers: an hour more")
    knowledge.add_argument("--sets", nargs="+", metavar="NAME", help="these sets only")
    knowledge.add_argument(
        "--synthetic",
        type=_vectors,
        nargs="+",
        default=(),
        metavar="N",
        help="also N clustered vectors; alone, only these",
    )
    knowledge.add_argument(
        "--results",
        type=Path,
        default=Path(".bench/knowledge"),
        metavar="DIR",
        help="kept results (default: .bench/knowledge)",
    )
    knowledge.add_argument(
        "--docs", type=Path, metavar="FILE", help="write all kept results into this page of Markdown"
    )
    add_json(knowledge)


def _vectors(text: str) -> int:
    if not text.isdecimal() or int(text) < FEWEST_VECTORS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of vectors: write {FEWEST_VECTORS} or more")
    return int(text)


def bench_generator(args: argparse.Namespace) -> int:
    """Exit code 1 if a bar is missed: first token 1 s, 25 tokens a second, rule answers 20 % slower."""
    from bot.bench_generator import measure, to_text, within_bars

    figures = measure(seconds=args.seconds)
    if args.json:
        print_json(figures)
    else:
        print(to_text(figures))
    return 0 if within_bars(figures) else 1


def bench_size(args: argparse.Namespace) -> int:
    """Exit code 1 if it takes more time or memory than a large assistant may."""
    from training.bench_size import LIMITS, measure, within_limits, write

    if args.keep is not None:
        write(args.keep)
        print(f"The assistant is in {args.keep}", file=sys.stderr)
        return 0
    costs = measure(fast=args.fast, say=lambda line: print(line, file=sys.stderr))
    if args.json:
        print_json([asdict(cost) for cost in costs])
    within = within_limits(costs)
    print(
        f"{'within' if within else 'beyond'} {LIMITS['train_s']:.0f} s and {LIMITS['peak_mb']:.0f} MB", file=sys.stderr
    )
    return 0 if within else 1


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
    from training.bench_page import write_section

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
        write_section(args.docs, "understanding", to_markdown(kept(args.results), current))
        print(f"{args.docs} is written", file=sys.stderr)
    if args.json:
        print_json([asdict(result) for result in results])
    return 1 if any(result.fault for result in results) else 0


def bench_knowledge(args: argparse.Namespace) -> int:
    """Exit code 1 if a set failed; what is done is kept, and the others run all the same."""
    from training.bench_knowledge import chosen, kept_rows, run
    from training.bench_knowledge_page import to_markdown
    from training.bench_knowledge_tasks import TASKS
    from training.bench_page import write_section

    known = [task.name for task in TASKS]
    unknown = [name for name in args.sets or () if name not in known]
    if unknown:
        raise UsageError(f"there is no set {unknown[0]}; there are {', '.join(known)}")
    if args.data is None and (args.sets or not args.synthetic):
        raise UsageError("name the folder of the sets with --data DIR, or a number of vectors with --synthetic N")
    names = args.sets or [task.name for task in TASKS if args.data and (task.quick or args.full)]
    data = args.data or Path()
    results = run(
        chosen(names, args.synthetic), data=data, results=args.results, say=lambda line: print(line, file=sys.stderr)
    )
    rows = kept_rows(args.results, data)
    if args.docs:
        write_section(args.docs, "knowledge", to_markdown(rows))
        print(f"{args.docs} is written", file=sys.stderr)
    if args.json:
        print_json([asdict(result) for result in results])
    elif not args.docs:
        print(to_markdown([row for row in rows if row[1] in results]))
    return 1 if any(result.fault for result in results) else 0


def bench_dialogue(args: argparse.Namespace) -> int:
    """Sets that the data folder lacks are passed over; the starter is always there."""
    from training.bench_dialogue import run
    from training.bench_dialogue_page import to_markdown
    from training.bench_page import write_section

    with progress_bar() as show:
        results = run(args.data, seed=0, progress=show)
    text = to_markdown(results)
    if args.docs:
        write_section(args.docs, "dialogue", text)
        print(f"{args.docs} is written", file=sys.stderr)
    if args.json:
        print_json([result.to_json() for result in results])
    else:
        print(text)
    return 0

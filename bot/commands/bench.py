"""``kefu bench``: what training, starting and answering cost on this machine."""

import argparse

from bot.commands.options import Subparsers, add_command, add_json, print_json


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


def bench(args: argparse.Namespace) -> int:
    """Runs a small assistant in a scratch folder, in a server process of its own."""
    from bot.bench import measure, to_text

    figures = measure(seconds=args.seconds, clients=args.clients, rasa_url=args.rasa)
    if args.json:
        print_json(figures)
    else:
        print(to_text(figures))
    return 0

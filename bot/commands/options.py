"""What several commands have in common: the assistant folder, JSON output, progress on the terminal."""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from tqdm import tqdm

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

LAST_PORT = 65535


class UsageError(Exception):
    """Arguments that make no sense together."""


def add_command(
    commands: Subparsers,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    summary: str,
    example: str,
) -> argparse.ArgumentParser:
    """A command with its help and an example."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_folder(parser: argparse.ArgumentParser) -> None:
    """The assistant folder, always the last and optional argument."""
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the assistant (default: this folder)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``: one JSON value on standard output and nothing else there."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def read_line(prompt: str) -> str | None:
    """A line that is typed, or piped in; None at the end. What is no UTF-8 becomes U+FFFD."""
    if isinstance(sys.stdin, io.TextIOWrapper) and sys.stdin.errors != "replace":  # possible before the first read
        sys.stdin.reconfigure(errors="replace")
    try:
        return input(prompt)
    except EOFError:
        return None


def redis_url(text: str) -> str:
    """An argument that is the address of a store."""
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no store: write redis://HOST:PORT/0, rediss:// or unix://")
    return text


def port(text: str) -> int:
    """An argument that is a port; 0 stands for any that is free."""
    if not text.isdecimal() or int(text) > LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write a number from 0 to {LAST_PORT}")
    return int(text)


def add_redis_url(parser: argparse.ArgumentParser) -> None:
    """Add ``--redis-url`` to a command that reads transcripts."""
    parser.add_argument(
        "--redis-url",
        type=redis_url,
        default=os.environ.get("KEFU_REDIS_URL") or None,
        help="the store with the transcripts, if not the embedded one",
    )


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, indent=1, ensure_ascii=False))


def print_notices(notices: Iterable[object]) -> None:
    """What people should know of their files, a line each, on standard error."""
    for notice in notices:
        print(notice, file=sys.stderr)


def print_figures(figures: Mapping[str, Any], spread: Mapping[str, Any] | None = None) -> None:
    """A line a figure, with the standard deviation where there is one; a mapping is a block of its own."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            print(f"{name}:")
            for row, entry in value.items():
                print(f"  {row:<22} {entry}")
        else:
            deviation = (spread or {}).get(name)
            shown = f"{value:.3f}" if isinstance(value, float) else "-" if value is None else value
            print(f"{name:<24} {shown}" + (f" ± {deviation:.3f}" if deviation is not None else ""))


@contextmanager
def progress_bar() -> Iterator[Callable[[float, str], None]]:
    """``show(fraction, what)`` with the fraction of all work done, in [0, 1].

    On standard error: a bar, or where that is no terminal a line for each kind of work.
    """
    if not sys.stderr.isatty():
        begun: set[str] = set()

        def say(_: float, what: str) -> None:
            if what not in begun:
                begun.add(what)
                print(what, file=sys.stderr, flush=True)

        yield say
        return
    with tqdm(
        total=100, bar_format="{desc:<32} {bar} {percentage:3.0f} % {elapsed}", file=sys.stderr, leave=True
    ) as bar:

        def show(fraction: float, what: str) -> None:
            bar.set_description_str(what[:32], refresh=False)
            bar.n = round(100 * min(max(fraction, bar.n / 100), 1.0))
            bar.refresh()

        yield show

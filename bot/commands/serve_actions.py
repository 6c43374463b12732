"""``kefu run actions``: the custom actions of an assistant, where a server of their own is wanted."""

import argparse
import os
import sys

from bot.commands.options import Subparsers, UsageError, add_command, add_folder, port


def add(commands: Subparsers) -> None:
    """Add ``run actions``."""
    parser = add_command(
        commands,
        "run actions",
        run_actions,
        summary="serve an assistant's custom actions (kefu run does so itself)",
        example="kefu run actions shop --port 5055",
    )
    add_folder(parser)
    parser.add_argument("--actions", default="actions", metavar="MODULE", help="what to import (default: actions)")
    parser.add_argument(
        "-i",
        "--host",
        default=os.environ.get("SANIC_HOST") or "127.0.0.1",
        help="address to listen on (default: $SANIC_HOST, else 127.0.0.1)",
    )
    parser.add_argument("-p", "--port", type=port, default=5055, help="port (default: 5055; 0 takes a free one)")
    parser.add_argument("--cors", nargs="*", default=[], metavar="ORIGIN", help="sites that may call the server")
    parser.add_argument("--auto-reload", action="store_true", help="import a changed module before the next call")
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show debug logs")


def run_actions(args: argparse.Namespace) -> int:
    """Become the server: one process, which signals reach at once. Raises UsageError."""
    from bot.action_process import HOST, environment

    if not args.folder.is_dir():
        raise UsageError(f"{args.folder}: there is no such folder")
    if "/" in args.actions:
        raise UsageError(f"--actions names a module, such as shop.actions, and {args.actions!r} is a path")
    options = ["--actions", args.actions, "--host", args.host, "--port", str(args.port)]
    options += ["--cors", *args.cors]
    options += ["--auto-reload"] * args.auto_reload + ["--debug"] * args.debug
    program = environment(args.folder)
    os.chdir(args.folder)
    os.execve(sys.executable, [sys.executable, "-P", str(HOST), *options], program)  # noqa: S606 - our own program

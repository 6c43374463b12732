"""The ``kefu`` command: finds the command, runs it, and turns what went wrong into a message and an exit code.

Exit codes: 0 done; 1 what was checked did not pass; 2 bad arguments or a faulty assistant folder; 3 something the
command needs is missing or not running; 130 interrupted.
"""

import argparse
import errno
import logging
import os
import sys
from collections.abc import Sequence

from bot.commands import (
    assess,
    bench,
    create,
    data,
    evaluate,
    explain,
    interactive,
    knowledge,
    learn,
    releases,
    serve_actions,
    talk,
    visualize,
)
from bot.commands.options import UsageError
from bot.dialogue.errors import ProjectFaults
from bot.errors import KefuError
from nlu.errors import NluError
from retrieval.errors import RetrievalError

_ADVICE = {
    errno.EADDRINUSE: "another program listens there; name another one with --port, or 0 for any",
    errno.EADDRNOTAVAIL: "this machine has no such address; correct --host",
    errno.ENOSPC: "make room and run the command again; what was there before is unchanged",
    errno.EDQUOT: "make room and run the command again; what was there before is unchanged",
    errno.EFBIG: "raise the limit on file sizes and run the command again; what was there before is unchanged",
    errno.EACCES: "correct its permissions or run as another user",
    errno.EROFS: "name a folder on a disk that can be written",
}


class _Parser(argparse.ArgumentParser):
    """``kefu run actions`` is a command of its own, as in Rasa; a folder of that name is ``./actions``."""

    def parse_known_args(  # type: ignore[override]  # the base class has overloads for other namespaces
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        words = list(sys.argv[1:] if args is None else args)
        first = next((index for index, word in enumerate(words) if not word.startswith("-")), 0)
        if words[first : first + 2] == ["run", "actions"]:
            words[first : first + 2] = ["run actions"]
        return super().parse_known_args(words, namespace)


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; ``args.run(args)`` runs the chosen one."""
    parser = _Parser(prog="kefu", description="A customer-service bot that you host yourself.")
    parser.add_argument("--debug", action="store_true", help="show tracebacks and debug logs")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=argparse.ArgumentParser
    )
    for module in (
        create,
        knowledge,
        learn,
        talk,
        serve_actions,
        interactive,
        explain,
        assess,
        data,
        visualize,
        evaluate,
        releases,
        bench,
    ):
        module.add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    args = build_parser().parse_args(argv)
    # Read when torch is first imported: OpenMP threads that spin while they wait make a busy machine ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if args.debug:  # of our own packages: what libraries have to say at that level helps nobody
        for name in ("bot", "nlu", "retrieval", "training"):
            logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        code: int = args.run(args)
    except ProjectFaults as exc:
        for fault in exc.faults:
            print(fault, file=sys.stderr)
        print(f"kefu: {len(exc.faults)} fault{'s'[: len(exc.faults) != 1]}; nothing was changed", file=sys.stderr)
        return 2
    except UsageError as exc:
        print(f"kefu: {exc}", file=sys.stderr)
        return 2
    except (KefuError, NluError, RetrievalError, OSError) as exc:
        if args.debug:
            raise
        print(f"kefu: {_in_words(exc)}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    return code


def _in_words(exc: Exception) -> str:
    """What happened, where, and what would help."""
    if not isinstance(exc, OSError) or exc.strerror is None:
        return str(exc) or type(exc).__name__
    where = f"{exc.filename}: " if exc.filename else ""
    advice = _ADVICE.get(exc.errno or 0)
    return f"{where}{exc.strerror}" + (f"; {advice}" if advice else "")


if __name__ == "__main__":
    sys.exit(main())

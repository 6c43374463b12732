"""``kefu init``: a new assistant folder."""

import argparse
import shutil
from importlib import resources
from pathlib import Path

from bot.commands.options import Subparsers, UsageError, add_command

NOT_COPIED = shutil.ignore_patterns("__pycache__", ".kefu", "models", "*.db")
"""What trying a starter out where it lies may have left there."""


def add(commands: Subparsers) -> None:
    """Add ``init``."""
    parser = add_command(
        commands,
        "init",
        init,
        summary="write a new assistant",
        example="kefu init shop && cd shop && kefu train",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    parser.add_argument(
        "--knowledge",
        type=Path,
        metavar="PATH",
        help="make an assistant out of this folder of help pages (it is copied)",
    )
    parser.add_argument(
        "--language", choices=("en", "zh"), default="en", help="what it speaks; zh needs --knowledge (default: en)"
    )


def init(args: argparse.Namespace) -> int:
    """Write the starter assistant, or one around a knowledge folder."""
    if args.language == "zh" and args.knowledge is None:
        raise UsageError("the starter shop speaks English; for Chinese add --knowledge with a folder of help pages")
    write_assistant(args.folder, args.knowledge, language=args.language)
    print(f"Wrote an assistant to {args.folder}. Next: kefu train {args.folder} && kefu run {args.folder}")
    return 0


def write_assistant(folder: Path, knowledge: Path | None, *, language: str = "en") -> None:
    """A Chinese one takes rules and stories from the English one and all that has words from its own folder.

    Raises UsageError for a folder that holds something already or for knowledge that is not there.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} holds something already; name a new or empty folder")
    if knowledge is not None and not any(path.is_file() for path in knowledge.rglob("*")):
        raise UsageError(
            f"{knowledge}: no help pages there; name a folder with files that can be read (docs/knowledge.md)"
        )
    templates = ["shop"] if knowledge is None else ["helpcentre", *(["helpcentre_zh"] if language == "zh" else [])]
    for template in templates:
        with resources.as_file(resources.files("bot") / "starter" / template) as source:
            shutil.copytree(source, folder, dirs_exist_ok=True, ignore=NOT_COPIED)
    if knowledge is not None:
        shutil.copytree(knowledge, folder / "knowledge", dirs_exist_ok=True)

"""``kefu knowledge``: what is in the knowledge folder."""

import argparse
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.commands.options import Subparsers, UsageError, add_command, add_folder, add_json, print_json
from bot.paths import AssistantPaths

if TYPE_CHECKING:
    from retrieval.inventory import Inventory


def add(commands: Subparsers) -> None:
    """Add ``knowledge``."""
    parser = add_command(
        commands,
        "knowledge",
        run,
        summary="list documents, passages, ages, and what was skipped and why",
        example="kefu knowledge shop",
    )
    add_folder(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """The folder is read as training reads it; nothing has to be trained."""
    from retrieval.inventory import take_inventory

    folder = AssistantPaths(args.folder).knowledge
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; put help pages there, or name the assistant's folder")
    inventory = take_inventory(folder, datetime.now(UTC).date())
    if args.json:
        print_json({**asdict(inventory), "faults": list(map(str, inventory.faults))})
    else:
        _print(inventory)
    return 0


def _print(inventory: "Inventory") -> None:
    width = max((len(item.path) for item in inventory.items), default=0)
    for item in inventory.items:
        merged = f", {item.merged} merged into others" if item.merged else ""
        source = f"  {item.source}" if item.source else ""
        counted = f"{item.passages:>5} passage{'s'[: item.passages != 1]}{merged}"
        print(f"{item.path:<{width}}  {item.language}  {item.age_days:>5} d  {counted}{source}")
    for fault in inventory.faults:
        print(f"skipped: {fault}", file=sys.stderr)
    for path in inventory.ignored:
        print(f"skipped: {path}: its kind cannot be read", file=sys.stderr)
    passages, skipped = sum(item.passages for item in inventory.items), len(inventory.faults) + len(inventory.ignored)
    print(f"{len(inventory.items)} documents, {passages} passages, {skipped} skipped")

"""``kefu releases``: list, promote, roll back."""

import argparse
from pathlib import Path

from bot import release
from bot.commands.options import Subparsers, add_command, add_folder, add_json, print_json
from bot.paths import AssistantPaths


def add(commands: Subparsers) -> None:
    """Add ``releases`` with its own commands."""
    parser = add_command(
        commands,
        "releases",
        list_all,
        summary="list releases, promote one, roll back",
        example="kefu releases rollback",
    )
    parser.set_defaults(folder=Path(), json=False)
    verbs = parser.add_subparsers(title="what to do", metavar="VERB")
    listing = add_command(
        verbs, "list", list_all, summary="list the releases, newest last", example="kefu releases list --json"
    )
    add_json(listing)
    add_folder(listing)
    promoting = add_command(
        verbs,
        "promote",
        promote,
        summary="make a release the current one",
        example="kefu releases promote 20261121-093000-1f2e3d",
    )
    promoting.add_argument("id", help="the release id")
    add_folder(promoting)
    back = add_command(
        verbs, "rollback", roll_back, summary="go back to the release before", example="kefu releases rollback"
    )
    add_folder(back)


def list_all(args: argparse.Namespace) -> int:
    """One line per release; the current one has a star."""
    models = AssistantPaths(args.folder).models
    found = release.list_releases(models)
    current = release.current_release(models, verify=False).id if found else None
    if args.json:
        print_json(
            [{"id": r.id, "created": r.created, "current": r.id == current, "metrics": r.metrics} for r in found]
        )
        return 0
    for entry in found:
        figures = ", ".join(
            f"{name} {value}" for name, value in entry.metrics.items() if isinstance(value, int | float)
        )
        print(f"{'*' if entry.id == current else ' '} {entry.id}  {figures}")
    return 0


def promote(args: argparse.Namespace) -> int:
    """A running server picks the change up by itself."""
    print(f"current release: {release.promote(AssistantPaths(args.folder).models, args.id).id}")
    return 0


def roll_back(args: argparse.Namespace) -> int:
    """A running server picks the change up by itself."""
    print(f"current release: {release.roll_back(AssistantPaths(args.folder).models).id}")
    return 0

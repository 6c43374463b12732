"""``kefu data``: what is wrong with an assistant's files, and what becomes of its configuration."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict

from bot.commands.options import Subparsers, add_command, add_folder, add_json, print_json
from bot.dialogue.components import Verdict, verdicts
from bot.dialogue.errors import ProjectFaults


def add(commands: Subparsers) -> None:
    """Add ``data`` and its verbs."""
    example = "kefu data validate shop"
    data = add_command(commands, "data", validate, summary="check the assistant's files", example=example)
    verbs = data.add_subparsers(title="what to do", metavar="VERB", required=True)
    checking = add_command(
        verbs, "validate", validate, summary="report every fault with file and line", example=example
    )
    add_folder(checking)
    add_json(checking)


def validate(args: argparse.Namespace) -> int:
    """Faults end with exit code 2 (see ``bot.cli``); notices do not."""
    from bot.dialogue.policies.ensemble import train
    from bot.folder import load_folder

    try:
        project = load_folder(args.folder, env=os.environ)
        train(project)
    except ProjectFaults as exc:
        if not args.json:
            raise
        print_json({"faults": [asdict(fault) for fault in exc.faults], "notices": [], "components": []})
        return 2
    table = verdicts(project.config)
    if args.json:
        print_json({"faults": [], "notices": project.notices, "components": [asdict(verdict) for verdict in table]})
        return 0
    _print_components(table)
    for notice in project.notices:
        print(notice)
    print(
        f"{len(project.nlu.examples)} examples, {len(project.rules)} rules, {len(project.stories)} stories, "
        f"{len(project.tests)} test stories, {len(project.notices)} notices, no fault"
    )
    return 0


def _print_components(table: Sequence[Verdict]) -> None:
    """What Kefu does with each entry of ``config.yml``, in its order."""
    if not table:
        return
    width = max(len(verdict.name) for verdict in table)
    print("what becomes of the components of config.yml:")
    for verdict in table:
        print(f"  {verdict.line:>3}  {verdict.name:<{width}}  {verdict.fate}: {verdict.words}")

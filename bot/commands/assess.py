"""``kefu test`` and ``kefu data validate``: how good an assistant is, and what is wrong with it."""

import argparse
import os
from dataclasses import asdict
from pathlib import Path

from bot.commands.options import Subparsers, add_command, add_folder, add_json, print_json
from bot.dialogue.errors import ProjectFaults
from bot.paths import AssistantPaths


def add(commands: Subparsers) -> None:
    """Add ``test`` and ``data``."""
    testing = add_command(
        commands, "test", test, summary="play the test stories against the current release", example="kefu test shop"
    )
    add_folder(testing)
    testing.add_argument("--out", type=Path, metavar="DIR", help="where reports go (default: DIR/results)")
    add_json(testing)

    example = "kefu data validate shop"
    data = add_command(commands, "data", validate, summary="check the assistant's files", example=example)
    verbs = data.add_subparsers(title="what to do", metavar="VERB", required=True)
    checking = add_command(
        verbs, "validate", validate, summary="report every fault with file and line", example=example
    )
    add_folder(checking)
    add_json(checking)


def test(args: argparse.Namespace) -> int:
    """Exit code 1 if a story fails."""
    from bot.folder import load_folder
    from bot.release import current_release
    from training.assess import story_report

    project = load_folder(args.folder, env=os.environ)
    report = story_report(current_release(AssistantPaths(args.folder).models), project)
    report.write(args.out or args.folder / "results")
    if args.json:
        print_json(report.to_json())
    else:
        print(report.text())
    return 0 if report.passed else 1


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
        print_json({"faults": [asdict(fault) for fault in exc.faults], "notices": []})
        return 2
    if args.json:
        print_json({"faults": [], "notices": project.notices})
    else:
        for notice in project.notices:
            print(notice)
        print(
            f"{len(project.nlu.examples)} examples, {len(project.rules)} rules, {len(project.stories)} stories, "
            f"{len(project.tests)} test stories, {len(project.notices)} notices, no fault"
        )
    return 0

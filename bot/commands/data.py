"""``kefu data``: what is wrong with an assistant's files, and what becomes of its configuration."""

import argparse
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bot.commands.options import Subparsers, UsageError, add_command, add_folder, add_json, print_json
from bot.dialogue.components import Verdict, verdicts
from bot.dialogue.errors import Fault, ProjectFaults

CONVERTED = (".yml", ".yaml", ".md", ".json", ".txt", ".py")
"""Files that a conversion reads; others are copied."""
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".*", "models", "results", "*.db", "venv", "node_modules")


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

    converting = add_command(
        verbs,
        "convert",
        convert,
        summary="bring a folder of Rasa 1 or 2 to the 3.1 format",
        example="kefu data convert old-bot --out new-bot",
    )
    add_folder(converting)
    converting.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    add_json(converting)


def validate(args: argparse.Namespace) -> int:
    """Faults end with exit code 2 (see ``bot.cli``); notices do not."""
    from bot.dialogue.policies.ensemble import train
    from bot.folder import config_of, load_folder

    table = verdicts(config_of(args.folder, env=os.environ))
    if not args.json:
        _print_components(table)
    components = [asdict(verdict) for verdict in table]
    try:
        project = load_folder(args.folder, env=os.environ)
        train(project)
    except ProjectFaults as exc:
        if not args.json:
            raise
        print_json({"faults": [asdict(fault) for fault in exc.faults], "notices": [], "components": components})
        return 2
    if args.json:
        print_json({"faults": [], "notices": project.notices, "components": components})
        return 0
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


def convert(args: argparse.Namespace) -> int:
    """Exit code 1 if the new folder has faults that a person must mend; the source stays as it is."""
    from bot.dialogue.project import SourceFile
    from training.convert import convert as converted

    source, target = args.folder.resolve(), args.out.resolve()
    if not source.is_dir():
        raise UsageError(f"{args.folder}: there is no such folder")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{args.out} holds something already; name a new or empty folder")
    if target.is_relative_to(source):
        raise UsageError(f"{args.out} lies in {args.folder}; name a folder beside it")
    shutil.copytree(source, target, ignore=NOT_COPIED, dirs_exist_ok=True)
    texts = {path: text for path in sorted(target.rglob("*")) if (text := _text(path)) is not None}
    files = [SourceFile(path=path.relative_to(target).as_posix(), text=text) for path, text in texts.items()]
    conversion = converted(files)
    for path in texts:
        path.unlink()
    for name, text in conversion.files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text, "utf-8")
    faults, notices = _checked(target)
    if args.json:
        notes = [asdict(note) for note in conversion.notes]
        print_json({"notes": notes, "faults": [asdict(fault) for fault in faults], "notices": notices})
        return 1 if faults else 0
    for title, by_hand in (("changed", False), ("to be looked at", True)):
        found = [note for note in conversion.notes if note.by_hand is by_hand]
        print(f"{title} (files and lines of {args.folder}):" if found else f"{title}: nothing")
        for note in found:
            print(f"  {note}")
    print(f"faults of {args.out}:" if faults else f"{args.out} has no fault; next: kefu train {args.out}")
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


def _text(path: Path) -> str | None:
    """A file that a conversion may change; None for others and for what is no UTF-8."""
    if path.suffix not in CONVERTED or not path.is_file():
        return None
    try:
        return path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None


def _checked(folder: Path) -> tuple[Sequence[Fault], Sequence[str]]:
    """Faults, and where there are none notices, of a folder."""
    from bot.dialogue.policies.ensemble import train
    from bot.folder import load_folder

    try:
        project = load_folder(folder, env=os.environ)
        train(project)
    except ProjectFaults as exc:
        return exc.faults, ()
    return (), project.notices

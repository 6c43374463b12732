"""``kefu ingest`` and ``kefu knowledge``: documents into the knowledge folder, and what is in it."""

import argparse
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.options import (
    Subparsers,
    UsageError,
    add_command,
    add_folder,
    add_json,
    add_redis_url,
    print_json,
)
from bot.paths import AssistantPaths

if TYPE_CHECKING:
    from retrieval.collect import Collection
    from retrieval.inventory import Inventory


def add(commands: Subparsers) -> None:
    """Add ``knowledge`` and ``ingest``."""
    parser = add_command(
        commands,
        "knowledge",
        show,
        summary="list documents, passages, ages, and what was skipped and why",
        example="kefu knowledge shop",
    )
    add_folder(parser)
    parser.add_argument(
        "--unanswered", action="store_true", help="list what customers asked and no page answers, most frequent first"
    )
    parser.add_argument("--days", type=_count, default=0, help="with --unanswered: of so many days (default: all)")
    parser.add_argument(
        "--remove",
        action="append",
        default=[],
        metavar="DOC",
        help="delete a document, named by its path in knowledge/, and let the bot forget it at once; may be repeated",
    )
    add_redis_url(parser)
    add_json(parser)

    ingest = add_command(
        commands,
        "ingest",
        collect_sources,
        summary="bring files, folders, pages and sites into the knowledge folder",
        example="kefu ingest manuals/ https://www.example.com/help/ --into shop",
    )
    ingest.add_argument(
        "sources",
        nargs="+",
        metavar="PATH|URL",
        help="a file, a folder, a page, a sitemap, or a site (URL ending in /)",
    )
    ingest.add_argument("--into", type=Path, default=Path(), metavar="DIR", help="the assistant (default: this folder)")
    ingest.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="a host of your own that may have a private address and any port; may be repeated",
    )
    ingest.add_argument(
        "--pages", type=_count, default=1000, help="at most so many pages of an address (default: 1000)"
    )
    ingest.add_argument("--depth", type=_count, default=5, help="links of a site are followed so deep (default: 5)")
    add_json(ingest)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return int(text)


def collect_sources(args: argparse.Namespace) -> int:
    """Exit code 1 if something could not be had; the rest was brought in all the same."""
    from retrieval.collect import collect
    from retrieval.site import Limits

    if not args.into.is_dir():
        raise UsageError(f"{args.into}: no such folder; name the assistant's folder with --into DIR")
    collection = collect(
        args.sources,
        AssistantPaths(args.into).knowledge,
        private_hosts=frozenset(args.allow_host),
        limits=Limits(pages=args.pages, depth=args.depth),
    )
    if args.json:
        changes = [asdict(change) for change in collection.changes]
        print_json({"changes": changes, "faults": list(map(str, collection.faults))})
    else:
        _print_changes(collection)
    return 1 if collection.faults else 0


def _print_changes(collection: "Collection") -> None:
    for change in collection.changes:
        if change.what != "unchanged":
            print(f"{change.what:<8} {change.path}  {change.place}")
    for fault in collection.faults:
        print(f"skipped: {fault}", file=sys.stderr)
    counts: Counter[str] = Counter(change.what for change in collection.changes)
    kinds = ("added", "changed", "unchanged", "removed", *(("left out",) if counts["left out"] else ()))
    print(", ".join(f"{counts[kind]} {kind}" for kind in kinds) + f", {len(collection.faults)} skipped")
    if counts.total() > counts["unchanged"] + counts["left out"]:
        print("kefu train makes them answer")


def show(args: argparse.Namespace) -> int:
    """The folder is read as training reads it; nothing has to be trained."""
    if args.unanswered:
        return _show_unanswered(args)
    if args.remove:
        return _remove(args)
    from retrieval.inventory import take_inventory

    folder = AssistantPaths(args.folder).knowledge
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; put help pages there, or name the assistant's folder")
    inventory = take_inventory(folder, datetime.now(UTC).date())
    if args.json:
        print_json({**asdict(inventory), "faults": list(map(str, inventory.faults))})
    else:
        _print(inventory)
        _print_search(AssistantPaths(args.folder).models)
    return 0


def _print_search(models: Path) -> None:
    from bot.commands.learn import about_search
    from bot.errors import ReleaseError
    from bot.release import current_release

    with suppress(ReleaseError):  # nothing has to be trained
        if searched := about_search(current_release(models, verify=False)):
            print(searched)


def _remove(args: argparse.Namespace) -> int:
    """Delete the documents, then make the knowledge anew; a running server swaps to it."""
    from bot.commands.learn import refresh_and_promote
    from bot.release import current_release, releases_lock
    from retrieval.removal import remove_documents

    paths = AssistantPaths(args.folder)
    current_release(paths.models, verify=False)  # without one there is nothing to forget, and nothing is deleted
    with releases_lock(paths.models):  # a training that began before would bring them back
        removed = remove_documents(paths.knowledge, args.remove)
        release = refresh_and_promote(args.folder)
    if args.json:
        print_json({"removed": [asdict(document) for document in removed], "release": release.id})
        return 0
    for document in removed:
        print(f"removed  {document.path}")
        for path in document.also_in:
            print(f"         {path} says nearly the same, and still answers")
    print(f"Release {release.id} answers without {'it' if len(removed) == 1 else 'them'}")
    return 0


def _show_unanswered(args: argparse.Namespace) -> int:
    from bot.commands.transcripts import transcripts_of
    from bot.delivery.settings import DAY_S
    from bot.unanswered import unanswered

    since = time.time() - args.days * DAY_S if args.days else 0.0
    turns = transcripts_of(AssistantPaths(args.folder), args.redis_url)
    questions = unanswered(turn for turn in turns if turn.at >= since)
    if args.json:
        print_json([asdict(question) for question in questions])
        return 0
    for question in questions:
        last = datetime.fromtimestamp(question.last, UTC).date().isoformat()
        nearest = f"{question.nearest} ({question.document})" if question.nearest else "nothing"
        print(f"{question.count:>5}  {last}  {question.question}\n{'':19}nearest: {nearest}")
        for wording in question.wordings:
            print(f"{'':19}also: {wording}")
    print(f"{len(questions)} questions found nothing, asked {sum(question.count for question in questions)} times")
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
        print(f"skipped: {path}: not a page of a kind that is read", file=sys.stderr)
    passages, skipped = sum(item.passages for item in inventory.items), len(inventory.faults) + len(inventory.ignored)
    print(f"{len(inventory.items)} documents, {passages} passages, {skipped} skipped")

"""``kefu train`` and ``kefu retrain``."""

import argparse
import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.commands.options import (
    Subparsers,
    UsageError,
    add_command,
    add_folder,
    add_json,
    add_redis_url,
    print_json,
    print_notices,
    progress_bar,
)
from bot.paths import AssistantPaths

if TYPE_CHECKING:
    from bot.release import Release


def add(commands: Subparsers) -> None:
    """Add ``train`` and ``retrain``."""
    training = add_command(
        commands, "train", train, summary="train a release from the assistant's files", example="kefu train shop"
    )
    add_folder(training)
    _add_generator(training)
    way = training.add_mutually_exclusive_group()
    way.add_argument(
        "--fast", action="store_true", help="learn understanding in seconds, a few points less accurate: for drafts"
    )
    way.add_argument(
        "--knowledge",
        action="store_true",
        help="make only the knowledge anew, in seconds; all else stays as it was trained",
    )
    way.add_argument(
        "--logs", type=Path, metavar="DIR", help="write there how the learning of understanding went, for TensorBoard"
    )
    training.add_argument("--force", action="store_true", help="train every part again, changed or not")
    training.add_argument("--seed", type=int, default=0, help="seed of every random choice (default: 0)")
    add_json(training)

    again = add_command(
        commands,
        "retrain",
        retrain,
        summary="learn from feedback and corrections; publish only what is not worse",
        example="kefu retrain shop --labels corrected.csv",
    )
    add_folder(again)
    again.add_argument("--labels", type=Path, metavar="CSV", help="corrected labels: columns text and intent")
    add_redis_url(again)
    _add_generator(again)
    again.add_argument("--dry-run", action="store_true", help="show what would be learned and stop")
    add_json(again)


def _add_generator(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--generator",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="fine-tune the generator (default: where there is a GPU)",
    )


def train(args: argparse.Namespace) -> int:
    """Train what changed and make the result the current release."""
    if args.knowledge:
        if args.generator is not None:
            raise UsageError("--knowledge leaves the generator as it is; train it without --knowledge")
        from bot.release import releases_lock

        with releases_lock(AssistantPaths(args.folder).models):
            return _finish(args, refresh_and_promote(args.folder, seed=args.seed, force=args.force))
    release = train_and_promote(
        args.folder, seed=args.seed, generator=args.generator, force=args.force, fast=args.fast, logs=args.logs
    )
    return _finish(args, release)


def _finish(args: argparse.Namespace, release: "Release") -> int:
    if args.json:
        print_json({"release": release.id, "metrics": release.metrics})
    else:
        print(f"Trained release {release.id} in {release.metrics['train_s']} s")
        if searched := about_search(release):
            print(searched)
    return 0


def about_search(release: "Release") -> str:
    """How a release searches its knowledge, in a line or two; empty if it has none, or from before this was kept."""
    report: Any = release.metrics.get("knowledge")
    indexes = report.get("indexes") if report else None
    if not indexes:
        return ""
    quote_at = (report["answer_at"] + report["draft_at"]) / 2
    limits = (
        f"Knowledge answers from probability {report['answer_at']:.2f} on, quotes from {quote_at:.2f}, "
        f"drafts or asks back from {report['draft_at']:.2f}, and declines below"
    )
    searched = f"{limits}\nSearch: " + "; ".join(f"{kind} {_searched(index)}" for kind, index in indexes.items())
    learned = report.get("query_map")
    return f"{searched}\n{_learned(learned)}" if learned else searched


def _searched(index: Mapping[str, Any]) -> str:
    found = ", exact" if index["exact"] else f" in lists, {index['recall']:.1%} of the ten nearest found"
    return f"{index['vectors']:,} vectors{found}"


def _learned(learned: Mapping[str, Any]) -> str:
    taken = "taken" if learned["kept"] else "left out, as that is no more than chance"
    return (
        f"Customers' words: {learned['questions']} questions, {learned['confirmed']} of them confirmed; the right "
        f"passage is first for {learned['before']:.1%}, and {learned['after']:.1%} after learning from others: {taken}"
    )


def train_and_promote(
    folder: Path,
    *,
    seed: int = 0,
    generator: bool | None = None,
    force: bool = False,
    fast: bool = False,
    logs: Path | None = None,
) -> "Release":
    """Train an assistant with a progress bar, print what its files should be told, and let the result answer."""
    from bot.folder import load_folder, read_sources
    from bot.release import promote, prune, releases_lock
    from training.nlu_logs import can_log, mirrored
    from training.train import TrainOptions
    from training.train import train as train_release

    if logs and not can_log():
        raise UsageError(
            "--logs needs TensorBoard, which is not installed; run in Kefu's clone: "
            "pip install -c constraints.txt -e '.[logs]'"
        )
    paths = AssistantPaths(folder)
    load_folder(folder, env=os.environ)  # a faulty folder is refused before anything is made in it
    paths.models.mkdir(exist_ok=True)
    with releases_lock(paths.models):
        project = load_folder(folder, env=os.environ)  # what a retraining wrote while this waited is in it
        print_notices(project.notices)
        with mirrored(logs, os.environ), progress_bar() as show:
            release = train_release(
                project,
                read_sources(folder),
                paths=paths,
                options=TrainOptions(seed=seed, generator=generator, force=force, fast=fast, logs=logs),
                progress=show,
            )
        promote(paths.models, release.id)
        prune(paths.models, keep=5)
    reports = release.metrics
    told = [*_about_understanding(reports.get("nlu")), *_about_generator(reports.get("generator"))]
    print_notices([*_about_knowledge(release), *told])
    return release


def refresh_and_promote(folder: Path, *, seed: int = 0, force: bool = False) -> "Release":
    """Make the knowledge of the current release anew, and let the result answer; a running server swaps to it.

    The settings are those of the release. The caller holds the lock. Raises ReleaseError where there is none.
    """
    from bot.release import current_release, promote, prune
    from bot.runtime import project_of
    from training.train import TrainOptions
    from training.train import train as train_release

    paths = AssistantPaths(folder)
    project = project_of(current_release(paths.models))
    with progress_bar() as show:
        options = TrainOptions(seed=seed, force=force, knowledge_only=True)
        release = train_release(project, (), paths=paths, options=options, progress=show)
    promote(paths.models, release.id)
    prune(paths.models, keep=5)
    print_notices(_about_knowledge(release))
    return release


def _about_knowledge(release: "Release") -> list[str]:
    """What the knowledge folder's owner should be told."""
    report = release.metrics.get("knowledge")
    if not isinstance(report, Mapping):
        return ["knowledge/: no pages there that can be read, so only rules and stories answer; add pages or FAQ lists"]
    faults = [f"knowledge/{fault}" for fault in _strings(report.get("faults"))]
    ignored = [
        f"knowledge/{path}: passed over, not a page of a kind that is read" for path in _strings(report.get("ignored"))
    ]
    return [*faults, *ignored]


def _about_understanding(report: object) -> list[str]:
    """What training noticed of the examples, and could not do for want of them."""
    remarks = _strings(report.get("remarks")) if isinstance(report, Mapping) else []
    return [f"Understanding: {remark}" for remark in remarks]


def _about_generator(report: object) -> list[str]:
    """What fine-tuning did to drafts, on held-out questions with and without a passage that answers."""
    if not isinstance(report, Mapping) or not report.get("course"):
        return []
    before, after = report.get("before"), report.get("after")
    lines = [f"Generator: {report.get('pairs')} questions learned"]
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        shares = [
            f"{name} {before[key]} before, {after[key]} after"
            for name, key in (("answered", "answered"), ("token-F1", "token_f1"), ("declined", "declined"))
        ]
        lines[0] += f"; of {after['questions']} held out: {', '.join(shares)}"
    if not report.get("fine_tuned"):
        lines.append("Generator: the untuned model was better and stays")
    return lines


def _strings(value: object) -> list[str]:
    return list(map(str, value)) if isinstance(value, list | tuple) else []


def retrain(args: argparse.Namespace) -> int:
    """Exit code 1 when the gate kept the running release; 0 also when there was nothing to learn."""
    from bot.commands.transcripts import transcripts_of
    from bot.release import releases_lock
    from training.retrain import retrain as learn_again

    alone = nullcontext() if args.dry_run else releases_lock(AssistantPaths(args.folder).models)
    with alone, progress_bar() as show:
        outcome = learn_again(
            args.folder,
            transcripts=transcripts_of(AssistantPaths(args.folder), args.redis_url),
            labels=args.labels,
            dry_run=args.dry_run,
            generator=args.generator,
            progress=show,
        )
    if args.json:
        print_json(outcome.to_json())
    else:
        print(outcome.to_text())
    return 1 if outcome.release is not None and not outcome.published else 0

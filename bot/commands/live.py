"""Playing test stories against a running bot, as ``kefu test --live`` does: its own, or one that is named."""

import argparse
import asyncio
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.options import UsageError, print_json
from bot.commands.stories import chosen_release, with_tests
from bot.paths import AssistantPaths
from bot.secrets_file import TOKEN_VARIABLE

if TYPE_CHECKING:
    from bot.live_test import LiveResult
    from bot.release import Release

LEFT_BEHIND = frozenset({"models", "results", ".kefu", ".git", "credentials.yml", "credentials.yaml"})
"""What the bot of a test does without: other releases, the running bot's store, and channels to real platforms."""


def test_live(args: argparse.Namespace) -> int:
    """Exit code 1 if a story fails."""
    results = asyncio.run(_play(args))
    failed = [result for result in results if result.failures]
    if args.junit:
        _write_junit(results, args.junit)
    if args.json:
        print_json({"passed": len(results) - len(failed), "stories": [_story_json(result) for result in results]})
    else:
        print(f"{len(results) - len(failed)} of {len(results)} test stories passed")
    return 1 if failed else 0


async def _play(args: argparse.Namespace) -> "list[LiveResult]":
    from bot.folder import load_folder
    from bot.live_test import LiveBot, Player
    from bot.runtime import project_of

    def show(result: "LiveResult") -> None:
        if not args.json:
            print(result, flush=True)

    async with AsyncExitStack() as stack:
        if args.url:
            project = with_tests(load_folder(args.folder, env=os.environ), args)
            url, token = args.url, _token(args)
        else:
            release = chosen_release(args)
            project = with_tests(project_of(release), args)
            url, token = await stack.enter_async_context(_own_bot(args.folder.resolve(), release))
        bot = await stack.enter_async_context(LiveBot(url, token))
        return await Player(bot, project).play_all(
            max_stories=args.max_stories, fail_fast=args.fail_on_prediction_errors, on_story=show
        )


@asynccontextmanager
async def _own_bot(folder: Path, release: "Release") -> AsyncIterator[tuple[str, str]]:
    """The assistant on a free port with a store of its own and nothing but the REST channel; gone after the block.

    It runs in a copy of the folder, because actions may write beside themselves.
    """
    from bot.app import ServeSettings, running
    from bot.release import promote

    with tempfile.TemporaryDirectory(prefix="kefu-") as scratch:
        place = Path(scratch) / folder.name
        shutil.copytree(folder, place, ignore=lambda at, names: _left_behind(Path(at), names, folder))
        models = AssistantPaths(place).models
        models.mkdir()
        (models / release.id).symlink_to(release.folder.resolve())
        promote(models, release.id)
        token = secrets.token_urlsafe(24)
        async with running(ServeSettings(folder=place, port=0, auth_token=token)) as serving:
            for warning in serving.warnings:
                print(f"warning: {warning}", file=sys.stderr)
            yield serving.url, token


def _left_behind(at: Path, names: list[str], folder: Path) -> list[str]:
    """What is not copied: of the folder itself what is named above, and Python's environments and caches anywhere."""
    gone = LEFT_BEHIND if at == folder else frozenset()
    return [name for name in names if name in gone or name == "__pycache__" or (at / name / "pyvenv.cfg").is_file()]


def _token(args: argparse.Namespace) -> str:
    """The admin token of a running bot: as given, of the environment, or as the folder's own server keeps it."""
    given: str | None = args.auth_token or os.environ.get(TOKEN_VARIABLE)
    if given:
        return given
    kept = AssistantPaths(args.folder).state / "token"
    if not kept.is_file():
        raise UsageError(f"--url needs the bot's admin token: --auth-token or ${TOKEN_VARIABLE} ({kept} is not there)")
    return kept.read_text("ascii").strip()


def _write_junit(results: "list[LiveResult]", path: Path) -> None:
    from training.junit import Case, write_junit

    cases = [
        Case.of(result.dialogue, result.failures, output=result.transcript, duration_s=result.duration_s)
        for result in results
    ]
    write_junit(cases, path, suite="kefu test --live")


def _story_json(result: "LiveResult") -> dict[str, object]:
    source = result.dialogue.source
    return {
        "story": result.dialogue.name,
        "path": source.path,
        "line": source.line,
        "passed": not result.failures,
        "failures": list(result.failures),
        "talk": [{"who": spoken.who, "text": spoken.text} for spoken in result.talk],
        "duration_s": round(result.duration_s, 3),
    }

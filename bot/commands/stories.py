"""Playing test stories against a release, as ``kefu test`` does, and the reports that it leaves."""

import argparse
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.options import UsageError, print_json
from bot.paths import AssistantPaths

if TYPE_CHECKING:
    from bot.dialogue.parse import Parse
    from bot.dialogue.project import Project
    from bot.release import Release
    from training.story_report import StoryReport


def test_stories(args: argparse.Namespace) -> int:
    """Exit code 1 if a story fails."""
    from bot.runtime import project_of
    from training.assess import policies_of
    from training.story_coverage import story_coverage
    from training.story_files import Wanted, write_results
    from training.story_page import StoryPage, write
    from training.story_tests import run_story_tests

    release = chosen_release(args)
    project = with_tests(project_of(release), args)
    with _parser(release, project) as parse:
        report = run_story_tests(
            project,
            policies_of(release, project),
            parse,
            max_stories=args.max_stories,
            fail_fast=args.fail_on_prediction_errors,
        )
    if not report.results:
        print(
            "no test stories: they stand in files whose names begin with test_ (tests/test_stories.yml)",
            file=sys.stderr,
        )
    coverage = story_coverage(project)
    folder = args.folder.resolve().name
    wanted = Wanted(failed=not args.no_errors, warned=not args.no_warnings, successful=args.successes)
    write_results(report, args.out or args.folder / "results", wanted)
    if args.junit:
        _write_junit(report, args.junit)
    if args.report:
        page = StoryPage(
            title=f"Test stories of {folder}",
            facts={"release": release.id, "stories": str(args.stories or f"{folder}/tests")},
            report=report,
            coverage=coverage,
        )
        print(f"The report is {write(page, args.report)}", file=sys.stderr)
    if args.json:
        print_json({**report.to_json(), "coverage": coverage.to_json()})
    else:
        print(report.text())
        print("What the stories touch:")
        print(textwrap.indent(coverage.text(), "  "))
    return 0 if report.passed else 1


def chosen_release(args: argparse.Namespace) -> "Release":
    """The release that ``--model`` names by its id or its folder, else the promoted one.

    Raises ReleaseError, and ProjectFaults if there is no such assistant.
    """
    from bot.folder import must_exist
    from bot.release import MANIFEST, current_release, open_release

    must_exist(args.folder)
    models = AssistantPaths(args.folder).models
    if args.model is None:
        return current_release(models)
    named = Path(args.model)
    return open_release(named if (named / MANIFEST).is_file() else models / named.name)


def with_tests(project: "Project", args: argparse.Namespace) -> "Project":
    """The project with the test stories that ``--stories`` names, else with those that the folder has now.

    Raises ProjectFaults for what is wrong with them, and UsageError where there are none.
    """
    from bot.dialogue.load import load_tests
    from bot.folder import load_folder, read_file

    if args.stories is None:
        return replace(project, tests=load_folder(args.folder, env=os.environ).tests)
    paths = story_files(args.stories)
    if not paths:
        raise UsageError(f"{args.stories}: there is no file of test stories; their names begin with test_")
    return load_tests([read_file(path) for path in paths], project, env=os.environ)


def story_files(named: Path) -> list[Path]:
    """A file as it is named; of a folder every ``test_*`` YAML file in it and below."""
    from bot.dialogue.load import ENDINGS

    if not named.is_dir():
        return [named]
    return sorted(path for path in named.rglob("test_*") if path.suffix in ENDINGS and path.is_file())


@contextmanager
def _parser(release: "Release", project: "Project") -> "Iterator[Callable[[str], Parse]]":
    """The understanding of a release, system entities included where the project asks for them."""
    from bot.parses import with_system_entities
    from bot.system_entities import found_alone
    from training.assess import parser_of

    parse = parser_of(release)
    with found_alone(project.config, os.environ) as find:
        yield lambda text: with_system_entities(parse(text), find(text))


def _write_junit(report: "StoryReport", path: Path) -> None:
    from training.junit import Case, write_junit

    cases = [Case.of(result.dialogue, result.failures) for result in report.results]
    write_junit(cases, path, suite="kefu test")

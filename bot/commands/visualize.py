"""``kefu visualize``: stories and rules as a graph in one page."""

import argparse
import os
from pathlib import Path

from bot.commands.options import Subparsers, add_command, add_folder


def add(commands: Subparsers) -> None:
    """Add ``visualize``."""
    parser = add_command(
        commands,
        "visualize",
        run,
        summary="draw stories and rules as a graph in a page",
        example="kefu visualize shop --out graph.html",
    )
    add_folder(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page (default: DIR/graph.html)")


def run(args: argparse.Namespace) -> int:
    """The files are drawn as they are; nothing has to be trained."""
    from bot.folder import load_folder
    from training.story_map import story_map
    from training.story_map_page import write

    project = load_folder(args.folder, env=os.environ)
    path = args.out or args.folder / "graph.html"
    write(story_map(project.stories, project.rules), f"Stories of {args.folder.resolve().name}", path)
    print(f"The graph is {path}")
    return 0

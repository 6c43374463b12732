"""``kefu explain``: why a message was understood as it was."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bot.commands.options import Subparsers, add_command, add_folder, add_json, print_json
from bot.paths import AssistantPaths

if TYPE_CHECKING:
    from bot.dialogue.parse import Entity
    from nlu.explain import Explanation, Word

SHOWN_WORDS = 8
_FOR, _AGAINST = (22, 28, 34, 40), (52, 88, 124, 160)
"""Backgrounds of a terminal with 256 colours, from pale to strong: green for the intent, red against it."""


def add(commands: Subparsers) -> None:
    """Add ``explain``."""
    parser = add_command(
        commands,
        "explain",
        run,
        summary="say why a message is understood as it is",
        example='kefu explain "where is my order" shop',
    )
    parser.add_argument("text", help="the customer's message")
    add_folder(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Only the understanding of the current release is loaded; system entities are found where its project asks."""
    from bot.channels.http_api import parse_json_of
    from bot.messages import encodable
    from bot.parses import dialogue_parse, explanation_json, with_system_entities
    from bot.release import current_release
    from bot.runtime import project_of
    from bot.system_entities import found_alone
    from nlu.explain import Explainer
    from nlu.model import NluModel

    release = current_release(AssistantPaths(args.folder).models)
    folder, text = release.folder / "nlu", encodable(args.text)
    with found_alone(project_of(release).config, os.environ) as find:
        explanation = Explainer(NluModel.load(folder), folder).explain(text)
        parse = with_system_entities(dialogue_parse(explanation.parse), find(text))
    if args.json:
        print_json({**parse_json_of(parse), "explanation": explanation_json(explanation)})
    else:
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        print("\n".join(lines(explanation, parse.entities, coloured=coloured)))
    return 0


def lines(explanation: "Explanation", entities: "Sequence[Entity]", *, coloured: bool) -> Iterator[str]:
    """The explanation for a person, line by line; ``entities`` are those of the parse and what was found besides."""
    from nlu.explain import reason

    if coloured:
        yield painted(explanation.parse.text, explanation.words)
    yield f"intent      {reason(explanation)}"
    if explanation.runner_up:
        yield f"runner-up   {explanation.runner_up.name} {explanation.runner_up.confidence:.2f}"
    if explanation.outside is not None:
        yield f"no intent   {explanation.outside:.2f}"
    yield f"temperature {explanation.temperature:.2f} (confidences are calibrated with it)"
    if explanation.words:
        shown = sorted(explanation.words, key=lambda word: -abs(word.weight))[:SHOWN_WORDS]
        yield f"words       {'  '.join(f'{word.weight:+.1f} {word.text}' for word in shown)}"
        yield f"            (+ spoke for {explanation.best.name}, - against it)"
    for number, entity in enumerate(entities):
        labels = "".join(f", {kind} {name}" for kind, name in (("role", entity.role), ("group", entity.group)) if name)
        written = explanation.parse.text[entity.start : entity.end]
        value = f" = {json.dumps(entity.value, ensure_ascii=False)}" if entity.value != written else ""
        title = "entities    " if number == 0 else " " * 12
        yield f'{title}{entity.entity} "{written}"{value}{labels}: {entity.extractor} {entity.confidence:.2f}'
    for number, near in enumerate(explanation.neighbours):
        yield f"{'nearest     ' if number == 0 else ' ' * 12}{near.cosine:.2f} {near.intent}: {near.text}"


def painted(text: str, words: "tuple[Word, ...]") -> str:
    """The message with each word on a background that shows its weight."""
    strongest = max((abs(word.weight) for word in words), default=0.0)
    parts, at = [], 0
    for word in words:
        share = abs(word.weight) / strongest if strongest else 0.0
        shades = _FOR if word.weight > 0 else _AGAINST
        parts.append(text[at : word.start])
        shade = shades[min(int(share * len(shades)), len(shades) - 1)]
        parts.append(f"\033[48;5;{shade};97m{word.text}\033[0m" if share >= 1 / 10 else word.text)
        at = word.end
    return "".join([*parts, text[at:]])

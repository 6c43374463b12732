"""``kefu evaluate answers``: what a bot would send to each question of a file, and whether its pages carry it."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, cast

from bot.commands.options import Subparsers, UsageError, add_command, add_json, print_figures, print_json, progress_bar
from bot.paths import AssistantPaths

if TYPE_CHECKING:
    from bot.dialogue.parse import Parse
    from bot.models import ReleaseModels
    from bot.ports import DraftSentence, Hit, Refused, Said, SearchResult, TurnResult
    from bot.runtime import Loaded
    from training.evaluate_answers import Answer, Question

Show = Callable[[float, str], None]


def add(kinds: Subparsers) -> None:
    """Add ``answers`` below ``evaluate``."""
    parser = add_command(
        kinds,
        "answers",
        evaluate_answers,
        summary="measure what would be sent: answers, their support, what is declined",
        example="kefu evaluate answers --knowledge pages --queries queries.jsonl --report results",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--knowledge", type=Path, metavar="DIR", help="help pages; a bot is made of them for the time")
    source.add_argument("--assistant", type=Path, metavar="DIR", help="an assistant; its current release answers")
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--queries", type=Path, metavar="FILE", help="JSON lines: query, and relevant, answers if known")
    asked.add_argument("--squad", type=Path, metavar="FILE", help="SQuAD JSON (.gz too): the passage is given")
    parser.add_argument("--limit", type=_count, metavar="N", help="ask N questions, evenly over the file")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="of the bot that is made (default: en)")
    parser.add_argument("--encoder", metavar="NAME", help="hub id, path or package:NAME, for the bot that is made")
    parser.add_argument("--generator", metavar="NAME", help="the same, or none: only the pages' own words are sent")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write answers_report.html, to look at")
    add_json(parser)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of questions: write 1 or more")
    return int(text)


def evaluate_answers(args: argparse.Namespace) -> int:
    """Exit code 1 if a sentence was sent that its passages do not carry."""
    from training.answers_page import write
    from training.evaluate_answers import every, figures, judge, read_questions, read_squad

    if args.assistant and (args.encoder or args.generator):
        raise UsageError("--encoder and --generator are for a bot that is made; an assistant has its own")
    if args.queries and not (args.knowledge or args.assistant):
        raise UsageError("--queries needs --knowledge DIR or --assistant DIR: what to answer from")
    questions = every(read_squad(args.squad) if args.squad else read_questions(args.queries), args.limit)
    with tempfile.TemporaryDirectory() as scratch, progress_bar() as show:
        folder = args.assistant or _made(Path(scratch), args, questions, show)
        answers = asyncio.run(_ask_all(folder, questions, show))
    judged = [judge(question, answer) for question, answer in zip(questions, answers, strict=True)]
    found = figures(judged)
    if args.report:
        title = f"Answers to {(args.squad or args.queries).name}"
        page = write(
            judged, found, args.report, title=title, source=str(args.assistant or args.knowledge or args.squad)
        )
        print(f"The report is {page}", file=sys.stderr)
    if args.json:
        print_json({**found, "answers": [row.to_json() for row in judged]})
    else:
        print_figures(found)
        for row in judged:
            for statement in row.statements:
                for objection in (*statement.objections, *statement.foreign):
                    print(f"unsupported: {statement.text!r}: {objection}")
    return 1 if any(row.is_unsupported for row in judged) else 0


def _made(scratch: Path, args: argparse.Namespace, questions: "Sequence[Question]", show: Show) -> Path:
    """A help-centre assistant around the pages (or the given passages), trained as ``kefu train --fast`` does."""
    from bot.commands.create import write_assistant
    from bot.folder import load_folder, read_sources
    from bot.release import promote
    from training.train import TrainOptions, train

    folder, pages = scratch / "assistant", args.knowledge
    if pages is None:
        pages = scratch / "pages"
        pages.mkdir()
        for number, text in enumerate(dict.fromkeys(question.given or "" for question in questions)):
            (pages / f"{number}.txt").write_text(text, "utf-8")
    write_assistant(folder, pages, language=args.language)
    project = load_folder(folder, env=os.environ)
    own = {name: value for name in ("encoder", "generator") if (value := getattr(args, name))}
    project = replace(project, config=replace(project.config, kefu={**project.config.kefu, **own}))
    paths = AssistantPaths(folder)
    release = train(
        project,
        read_sources(folder),
        paths=paths,
        options=TrainOptions(generator=False, fast=True),
        progress=lambda share, what: show(share / 2, what),
    )
    promote(paths.models, release.id)
    return folder


async def _ask_all(folder: Path, questions: "Sequence[Question]", show: Show) -> "list[Answer]":
    """Every question in a conversation of its own, through the engine."""
    from bot.startup import loaded_runtime

    answers = []
    async with AsyncExitStack() as stack:
        loaded = (await loaded_runtime(folder, stack)).current
        for number, question in enumerate(questions):
            show(0.5 + number / len(questions) / 2, f"asking {len(questions)} questions")
            answers.append(await _ask(loaded, question))
    return answers


async def _ask(loaded: "Loaded", question: "Question") -> "Answer":
    from bot.clock import SystemClock
    from bot.dialogue.tracker import Tracker
    from bot.engine import Engine
    from bot.messages import Inbound

    models = _Watched(models=loaded.models, question=question)
    engine = Engine(project=loaded.project, policies=loaded.policies, models=models, actions=None, clock=SystemClock())
    inbound = Inbound(conversation_id="q", channel="cmdline", event_id="1", sender_id="q", text=question.text)
    started = perf_counter()
    result = await engine.handle(inbound, Tracker.start("q", loaded.project.domain))
    seconds = perf_counter() - started
    return replace(_answer(result, models, loaded.project.config.language), seconds=seconds, plain=_plain(models))


def _plain(models: "_Watched") -> str:
    """What the plainest method answers from a given passage: the sentence that is most like the question."""
    given = models.question.given
    if given is None:
        return ""
    statements = models.models.relevance(models.question.text, [("given", "", given)]).statements
    return max(statements, key=lambda one: one.like).text if statements else ""


@dataclass(slots=True, kw_only=True)
class _Watched:
    """The models of a release; what they found is kept. A given passage is found without searching."""

    models: "ReleaseModels"
    question: "Question"
    found: "SearchResult | None" = None
    drafted: list[str] = field(default_factory=list)
    release_id: str = ""
    has_knowledge: bool = True
    has_generator: bool = field(init=False)

    def __post_init__(self) -> None:
        self.has_generator = self.models.has_generator

    async def parse(self, text: str, *, at_s: float | None = None) -> "Parse":
        """As the release does; a question to a given passage has no other meaning."""
        from bot.dialogue.parse import FALLBACK_INTENT, IntentScore, Parse

        if self.question.given is None:
            return await self.models.parse(text, at_s=at_s)
        return Parse(text=text, intent=IntentScore(name=FALLBACK_INTENT, confidence=1.0))

    def filter_names(self) -> frozenset[str]:
        """As the release does."""
        return self.models.filter_names()

    async def search(
        self, query: str, *, k: int = 5, before: str = "", filters: "Mapping[str, str] | None" = None
    ) -> "SearchResult":
        """As the release does; a given passage is as likely as what is drafted from and quoted."""
        from bot.ports import Hit, SearchResult

        if self.question.given is None:
            self.found = await self.models.search(query, k=k, before=before, filters=filters)
        else:
            hit = Hit(
                passage_id="given",
                document="given",
                title=self.question.title,
                text=self.question.given,
                score=1,
                probability=0.5,
            )
            self.found = SearchResult(hits=(hit,), probability=0.5, answer_at=0.6, draft_at=0.4)
        return self.found

    async def generate(
        self,
        question: str,
        hits: "Sequence[Hit]",
        *,
        earlier: "Sequence[Said]" = (),
        refused: "Refused | None" = None,
    ) -> "AsyncIterator[DraftSentence]":
        """As the release does."""
        async for sentence in self.models.generate(question, hits, earlier=earlier, refused=refused):
            self.drafted.append(sentence.text)
            yield sentence

    def passage(self, passage_id: str, filters: "Mapping[str, str] | None" = None) -> "Hit | None":
        """As the release does."""
        return self.models.passage(passage_id, filters)

    async def extract(self, question: str, hit: "Hit") -> str:
        """As the release does."""
        return await self.models.extract(question, hit)


def _answer(result: "TurnResult", models: _Watched, language: str) -> "Answer":
    from bot.actions.texts import phrase
    from bot.dialogue.events import BotUttered
    from bot.dialogue.route import HANDOFF, OFFER
    from training.evaluate_answers import Answer, Kind

    said = [event for event in result.events if isinstance(event, BotUttered) and event.text]
    ways: dict[object, Kind] = {"knowledge": "ready", "generator": "draft", "quotation": "quotation", "ask": "ask"}
    told = next((event for event in said if event.metadata.get("origin") in ways), None)
    hits = {hit.passage_id: hit for hit in models.found.hits} if models.found else {}
    if told is None:
        declined = not said or any(action["name"] in (OFFER, HANDOFF) for action in result.record.actions)
        kind: Kind = "decline" if declined else "own"
        cited: list[Hit] = []
    else:
        kind = ways[told.metadata["origin"]]
        cited = [hits[number] for number in cast("Sequence[str]", told.metadata.get("passages", ()))]
    return Answer(
        kind=kind,
        text=str(told.text) if told else "\n".join(str(event.text) for event in said),
        opening=phrase("may_help", language) if kind == "quotation" else "",
        drafted=tuple(models.drafted) if kind == "draft" else (),
        passages=tuple((hit.passage_id, hit.title, hit.text) for hit in cited),
        documents=tuple(dict.fromkeys(hit.document for hit in cited)),
        probability=result.record.probability,
        reasons=result.record.reasons,
    )

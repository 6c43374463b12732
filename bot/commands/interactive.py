"""``kefu interactive``: talk, see each step before it is done, put it right, and keep the conversation as a story.

One line a prompt, so that it works in any terminal and with piped input. Each prompt is a ``Point``; answering one
leads to the next, and going back takes the last from the stack.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.interactive_words import words
from bot.commands.options import Subparsers, add_command, add_folder, read_line

if TYPE_CHECKING:
    from bot.actions.scene import Scene
    from bot.conversation import Conversation
    from bot.dialogue.events import Event
    from bot.dialogue.parse import Parse
    from bot.dialogue.policies.explain import Explainer
    from bot.dialogue.project import NluExample
    from bot.dialogue.route import Decision
    from bot.dialogue.tracker import Tracker
    from bot.messages import Inbound
    from bot.runtime import Loaded

POLICY = "interactive"
STORIES_FILE = "data/stories.yml"
NLU_FILE = "data/nlu.yml"
TESTS_FILE = "tests/test_stories.yml"
YES = ("y", "yes", "j", "是", "好", "对")


def add(commands: Subparsers) -> None:
    """Add ``interactive``."""
    parser = add_command(
        commands,
        "interactive",
        run,
        summary="correct a conversation step by step and save it as story and examples",
        example="kefu interactive shop",
    )
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """The current release answers; what is saved is learned by the next ``kefu train``."""
    return asyncio.run(_run(args.folder))


async def _run(folder: Path) -> int:
    from bot.conversation import Conversation
    from bot.dialogue.policies.explain import Explainer
    from bot.startup import loaded_runtime

    async with AsyncExitStack() as stack:
        runtime = await loaded_runtime(folder, stack)
        loaded = runtime.current
        explainer = Explainer(project=loaded.project, policies=loaded.policies)
        session = Session(conversation=Conversation(runtime), loaded=loaded, explainer=explainer)
        if not await session.talk():
            print(session.words("kept"))
            return 0
        story = await session.ask("name")
        is_test = bool(story) and (await session.ask("test") or "").lower() in YES
        _save(folder, session, story or "", is_test=is_test)
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A prompt. Without ``inbound`` the customer speaks; with ``parse`` it is to be confirmed, with ``decision`` done.

    ``corrected``: the messages so far whose understanding was put right.
    """

    scene: "Scene | None" = None
    inbound: "Inbound | None" = None
    parse: "Parse | None" = None
    decision: "Decision | None" = None
    is_corrected: bool = False
    corrected: "tuple[NluExample, ...]" = ()


@dataclass(slots=True, kw_only=True)
class Session:
    """A conversation that somebody corrects. ``points``: every prompt that was answered, the present one last."""

    conversation: "Conversation"
    loaded: "Loaded"
    explainer: "Explainer"
    points: list[Point] = field(default_factory=lambda: [Point()])

    @property
    def tracker(self) -> "Tracker":
        """The conversation at the present prompt."""
        scene = self.points[-1].scene
        return self.conversation.so_far if scene is None else scene.tracker

    @property
    def corrected(self) -> "tuple[NluExample, ...]":
        """The messages that were put right, as examples."""
        return self.points[-1].corrected

    def words(self, name: str, *given: str) -> str:
        """A text in the assistant's language."""
        return words(name, self.loaded.project.config.language, *given)

    async def ask(self, name: str) -> str | None:
        """What is answered to a prompt, without blanks around it; None at the end of the input."""
        answer = await asyncio.to_thread(read_line, f"{self.words(name)}: ")
        return None if answer is None else answer.strip()

    async def talk(self) -> bool:
        """Prompt by prompt until the conversation is done; whether it is to be saved."""
        print(self.words("help"))
        while True:
            point = self.points[-1]
            self._show(point)
            answer = await self.ask("action" if point.decision else "parse" if point.parse else "message")
            if answer is None or answer == ":done":
                return len(self.points) > 1
            if answer == ":quit":
                return False
            following = await (self._command if answer.startswith(":") else self._answer)(point, answer)
            if following is not None:
                self.points.append(following)

    def _show(self, point: Point) -> None:
        """What the prompt is about."""
        from bot.commands.trace import opinions, understood

        if point.decision is not None:
            sure = f"{point.decision.policy} {point.decision.confidence:.2f}"
            print(f"{self.words('next')}: {point.decision.action} ({sure})")
            for reason in point.decision.reasons:
                print(f"             {reason}")
            print("\n".join(opinions(self.tracker, self.explainer)))
        elif point.parse is not None:
            print("\n".join(understood(point.parse, self.loaded.models.threshold)))

    async def _command(self, point: Point, answer: str) -> Point | None:
        name, _, rest = answer.partition(" ")
        match name:
            case ":back":
                self._back()
            case ":slot":
                return await self._set_slot(point, rest)
            case ":story":
                print(self.story("...", is_test=False) or self.words("nothing"))
            case ":help":
                print(self.words("help"))
            case _:
                print(self.words("no_command", name))
        return None

    def _back(self) -> None:
        if len(self.points) == 1:
            print(self.words("start"))
        else:
            self.points.pop()

    async def _set_slot(self, point: Point, given: str) -> Point | None:
        """Set a slot by hand. What was about to be done may change with it, and is decided anew."""
        from bot.dialogue.events import SlotSet

        name, equals, text = given.partition("=")
        if not equals or name.strip() not in self.loaded.project.domain.slots:
            print(self.words("no_slot"))
            return None
        try:
            value = json.loads(text)
        except ValueError:
            value = text.strip()
        scene = (point.scene or self._scene("")).after([SlotSet(name=name.strip(), value=value)])
        decision = None if point.decision is None else await self.loaded.engine.course.decide(scene)
        return replace(point, scene=scene, decision=decision)

    async def _answer(self, point: Point, answer: str) -> Point | None:
        """The prompt that follows on an answer; None where the same prompt comes again."""
        if point.decision is not None:
            decision = self._decision(point, answer)
            return None if decision is None else await self._act(point, decision)
        if point.parse is not None and point.inbound is not None:
            if answer:
                return self._correct(point, point.parse, answer)
            return await self._hear(point, point.inbound, point.parse)
        if not answer:
            return None
        inbound = self.conversation.inbound(answer)
        scene = self.loaded.engine.scene(inbound, self.tracker)
        parse = await self.loaded.engine.course.understand(inbound, scene)
        return replace(point, scene=scene, inbound=inbound, parse=parse, is_corrected=False)

    async def _hear(self, point: Point, inbound: "Inbound", parse: "Parse") -> Point:
        """Take the message as it was confirmed, fill slots, and decide what to do."""
        examples = point.corrected
        if point.is_corrected and not inbound.text.startswith("/"):
            examples = (*examples, _example(parse))
        scene = await self.loaded.engine.hear(inbound, parse, point.scene or self._scene(inbound.text))
        self._tell(self.tracker, scene)
        if scene.tracker.paused:
            print(self.words("paused"))
            return Point(scene=scene, corrected=examples)
        return Point(scene=scene, corrected=examples, decision=await self.loaded.engine.course.decide(scene))

    def _correct(self, point: Point, parse: "Parse", answer: str) -> Point | None:
        corrected = self._other_entities(parse, answer) if "[" in answer else self._other_intent(parse, answer)
        return None if corrected is None else replace(point, parse=corrected, is_corrected=True)

    def _other_intent(self, parse: "Parse", answer: str) -> "Parse | None":
        from bot.dialogue.parse import IntentScore
        from bot.dialogue.reading import suggest

        name, _, key = answer.partition("/")
        if name not in self.loaded.project.domain.intents:
            print(self.words("no_intent", name, suggest(name, self.loaded.project.domain.intents)))
            return None
        score = IntentScore(name=name, confidence=1.0)
        others = tuple(each for each in parse.ranking if each.name != name)
        return replace(parse, intent=score, ranking=(score, *others), response_key=key or None)

    def _other_entities(self, parse: "Parse", answer: str) -> "Parse | None":
        from bot.dialogue.annotation import AnnotationError, parse_annotated
        from bot.dialogue.parse import Entity
        from bot.dialogue.reading import suggest

        try:
            text, spans = parse_annotated(answer)
        except AnnotationError as exc:
            print(self.words("bad_annotation", str(exc)))
            return None
        known = self.loaded.project.domain.entities
        for span in spans:
            if span.entity not in known:
                print(self.words("no_entity", span.entity, suggest(span.entity, known)))
                return None
        if text != parse.text:
            print(self.words("other_words", text))
            return None
        entities = tuple(
            Entity(
                entity=span.entity,
                value=text[span.start : span.end] if span.value is None else span.value,
                start=span.start,
                end=span.end,
                role=span.role,
                group=span.group,
            )
            for span in spans
        )
        return replace(parse, entities=entities)

    def _decision(self, point: Point, answer: str) -> "Decision | None":
        """What was shown, or the action that takes its place."""
        from bot.dialogue.reading import suggest
        from bot.dialogue.route import Decision

        domain = self.loaded.project.domain
        if not answer:
            return point.decision
        known = (*domain.action_names, *domain.responses)
        if answer not in known:
            print(self.words("no_action", answer, suggest(answer, known)))
            return None
        return Decision(action=answer, policy=POLICY, confidence=1.0)

    async def _act(self, point: Point, decision: "Decision") -> Point:
        """Do it; a form that was about to run and may not has declined."""
        from bot.course import SESSION_START
        from bot.dialogue.events import ActionExecutionRejected
        from bot.dialogue.situation import LISTEN

        scene = point.scene or self._scene("")
        scene = replace(scene, turn=replace(scene.turn))  # what the turn notes down is undone by going back
        loop = scene.tracker.active_loop
        if loop is not None and point.decision is not None and loop.name == point.decision.action != decision.action:
            scene = scene.after([ActionExecutionRejected(name=loop.name)])
        after = await self.loaded.engine.course.act(decision, scene)
        self._tell(scene.tracker, after)
        if after.tracker.paused or after.tracker.latest_action_name in (LISTEN, SESSION_START):
            return Point(scene=after, corrected=point.corrected)
        return Point(scene=after, corrected=point.corrected, decision=await self.loaded.engine.course.decide(after))

    def _scene(self, text: str) -> "Scene":
        return self.loaded.engine.scene(self.conversation.inbound(text), self.tracker)

    def _tell(self, before: "Tracker", scene: "Scene") -> None:
        """What was said and set, and what failed."""
        from bot.actions.utterance import reply_of
        from bot.commands.talk import print_replies
        from bot.commands.trace import effects
        from bot.dialogue.events import BotUttered

        added = tuple(scene.tracker.events[len(before.events) :])
        print_replies([reply_of(event, "") for event in added if isinstance(event, BotUttered)])
        for line in effects(before, added):
            print(line)
        if scene.turn.actions and "error" in (last := scene.turn.actions[-1]):
            print(self.words("failed", str(last["name"]), str(last.get("detail", last["error"]))))

    def story(self, name: str, *, is_test: bool) -> str:
        """The conversation so far as the item of a story file."""
        from training.told_story import told_story

        events: Sequence[Event] = self.tracker.events
        return told_story(name, events, self.loaded.project.domain, is_test=is_test)


def _example(parse: "Parse") -> "NluExample":
    """A message as it should be understood. What the finder of times and numbers found is no entity to learn."""
    from bot.dialogue.annotation import parse_annotated
    from bot.dialogue.project import NluExample
    from bot.dialogue.story_writing import annotated

    intent = f"{parse.intent.name}/{parse.response_key}" if parse.response_key else parse.intent.name
    text, spans = parse_annotated(annotated(parse.text, [each for each in parse.entities if each.text is None]))
    return NluExample(text=text, intent=intent, entities=spans)


def _save(folder: Path, session: Session, story: str, *, is_test: bool) -> None:
    """Write story and examples into the assistant's files; a file is written whole or not at all."""
    from bot.folder import read_sources
    from training.written_back import with_examples, with_item

    files = {file.path: file.text for file in read_sources(folder)}
    data = {path: text for path, text in files.items() if path.startswith("data/")}
    changed = with_examples(data, session.corrected, NLU_FILE)
    targets = ([(STORIES_FILE, False)] if story else []) + ([(TESTS_FILE, True)] if is_test else [])
    for path, test in targets:
        if item := session.story(story, is_test=test):
            changed[path] = with_item(files.get(path, ""), "stories", item)
    for path, text in changed.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.new")
        draft.write_text(text, "utf-8")
        draft.replace(target)
        print(session.words("saved", path))
    if not changed:
        print(session.words("kept"))

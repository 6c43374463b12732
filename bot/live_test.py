"""Playing test stories against a running bot, over its own HTTP doors: the REST channel and the tracker."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import aiohttp

from bot.dialogue.domain import REQUESTED_SLOT, Form, Slot
from bot.dialogue.errors import BadEvent
from bot.dialogue.event_json import from_json
from bot.dialogue.events import Event
from bot.dialogue.parse import Json
from bot.dialogue.project import Project
from bot.dialogue.stories import Dialogue, dialogues
from bot.dialogue.tracker import Tracker
from bot.errors import LiveTestError
from bot.live_answers import answers, sample_values
from bot.live_check import Difference, Message, SeenTurn, differences
from bot.live_script import ScriptTurn, script

TIMEOUT_S = 120.0
MAX_QUESTIONS = 30
"""How many questions of a form are answered in one turn of a story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One thing that was said. ``who``: ``you``, ``bot``, or ``kefu`` for an answer that the story leaves out."""

    who: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveResult:
    """A story that was played. ``failures`` have file and line; ``talk`` is what was said, with them in place."""

    dialogue: Dialogue
    talk: tuple[Spoken, ...]
    failures: tuple[str, ...]
    duration_s: float

    @property
    def transcript(self) -> str:
        """What was said, a line each."""
        return "\n".join(f"{spoken.who + ':':<6}{spoken.text}" for spoken in self.talk)

    def __str__(self) -> str:
        source = self.dialogue.source
        head = f"{'FAILED' if self.failures else 'passed'}  {self.dialogue.name}  ({source.path}:{source.line})"
        shown = self.transcript.splitlines() if self.failures else []
        return "\n".join([head, *(f"    {line}" for line in shown)])


class LiveBot:
    """A running bot. Use it as a context; every failure to talk to it is a LiveTestError."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "LiveBot":
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def say(self, conversation_id: str, text: str) -> list[Message]:
        """Say something, and hear what the bot answers."""
        body = {"sender": conversation_id, "message": text}
        heard = await self._request("POST", "/webhooks/rest/webhook", body)
        return [{key: value for key, value in message.items() if key != "recipient_id"} for message in heard]

    async def events(self, conversation_id: str) -> list[Event]:
        """Everything that has happened in a conversation."""
        tracker = await self._request("GET", f"/conversations/{conversation_id}/tracker?include_events=ALL", None)
        try:
            return [from_json(event) for event in tracker["events"] or []]
        except (BadEvent, KeyError, TypeError) as exc:
            raise LiveTestError(f"{self._url} gives a tracker that cannot be read: {exc}") from exc

    async def _request(self, method: str, path: str, body: Json) -> Any:
        assert self._session is not None, "use the bot as a context"
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with self._session.request(method, self._url + path, json=body, headers=headers) as response:
                if response.status == 401:
                    raise LiveTestError(f"{self._url} does not take the token; name its admin token with --auth-token")
                if response.status != 200:
                    raise LiveTestError(f"{self._url}{path.partition('?')[0]} answers with status {response.status}")
                return await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            raise LiveTestError(f"{self._url} cannot be talked to: {exc or type(exc).__name__}") from exc


@dataclass(slots=True, kw_only=True)
class _Conversation:
    """A story under way: the tracker as the bot has it, and what was said so far."""

    id: str
    tracker: Tracker
    talk: list[Spoken] = field(default_factory=list)

    def note(self, who: str, text: str) -> None:
        self.talk.append(Spoken(who=who, text=text))


class Player:
    """Plays the stories of a project, one after the other, each as a customer of its own."""

    def __init__(self, bot: LiveBot, project: Project) -> None:
        self._bot = bot
        self._project = project
        self._samples = sample_values(project)
        self._own_words = "nlg" not in project.endpoints

    async def play_all(
        self, *, max_stories: int | None = None, fail_fast: bool = False, on_story: Callable[[LiveResult], None]
    ) -> list[LiveResult]:
        """Play the test stories, or the first ``max_stories``; ``fail_fast`` ends after the first that fails.

        Raises LiveTestError if the bot cannot be talked to at all; one that breaks off later fails the story.
        """
        await self._bot.events(_fresh_id())
        results: list[LiveResult] = []
        for dialogue in dialogues(self._project.tests, self._project.domain)[:max_stories]:
            results.append(await self._play(dialogue))
            on_story(results[-1])
            if fail_fast and results[-1].failures:
                break
        return results

    async def _play(self, dialogue: Dialogue) -> LiveResult:
        started = time.monotonic()
        name = _fresh_id()
        conversation = _Conversation(id=name, tracker=Tracker.start(name, self._project.domain))
        failures: list[str] = []
        for turn in script(dialogue, self._project.tests, self._samples):
            broke_off = False
            try:
                found = await self._take(turn, conversation)
            except LiveTestError as exc:
                broke_off = True
                found = [Difference(line=turn.line, what=f"{exc}; the rest of the story was not played")]
            for difference in found:
                failures.append(f"{dialogue.source.path}:{difference.line}: {difference.what}")
                conversation.note("  !", failures[-1])
            if broke_off:
                break
        return LiveResult(
            dialogue=dialogue,
            talk=tuple(conversation.talk),
            failures=tuple(failures),
            duration_s=time.monotonic() - started,
        )

    async def _take(self, turn: ScriptTurn, conversation: _Conversation) -> list[Difference]:
        """Say what the story says, answer what it leaves out, and compare."""
        before = conversation.tracker
        messages = await self._say(turn.said, conversation)
        unanswered = await self._answer_form(turn, conversation, messages)
        events = conversation.tracker.events[len(before.events) :]
        found = differences(
            turn,
            SeenTurn(before=before, events=events, messages=messages),
            self._project.domain,
            own_words=self._own_words,
        )
        if unanswered is None:
            return found
        what = f"the story leaves out what the customer answers, and no answer could be found for {unanswered}"
        return [Difference(line=turn.line, what=f"{what}; write the message into the story"), *found]

    async def _say(self, text: str, conversation: _Conversation, *, who: str = "you") -> list[Message]:
        conversation.note(who, text)
        messages = await self._bot.say(conversation.id, text)
        for message in messages:
            conversation.note("bot", _shown(message))
        known = len(conversation.tracker.events)
        conversation.tracker = conversation.tracker.apply(*(await self._bot.events(conversation.id))[known:])
        return messages

    async def _answer_form(self, turn: ScriptTurn, conversation: _Conversation, messages: list[Message]) -> str | None:
        """Answer the form that the story completes without a word; adds what is heard to ``messages``.

        Returns the slot that could not be filled, else None.
        """
        wanted = {slot.name: slot.value for slot in turn.slots if not slot.any_value}
        tried: dict[str, int] = {}
        asking = list(messages)
        for _ in range(MAX_QUESTIONS):
            question = _question(conversation.tracker, self._project)
            if question is None or question[0].name != turn.completes:
                return None
            form, slot = question
            options = answers(slot, form, self._project, wanted=wanted.get(slot.name), buttons=_buttons(asking))
            count = tried.get(slot.name, 0)
            if count == len(options):
                return slot.name
            tried[slot.name] = count + 1
            asking = await self._say(options[count], conversation, who="kefu")
            messages += asking
        return str(conversation.tracker.slots.get(REQUESTED_SLOT))


def _fresh_id() -> str:
    return f"kefu-test-{uuid.uuid4().hex}"


def _question(tracker: Tracker, project: Project) -> tuple[Form, Slot] | None:
    """The active form and the slot that it asks for; None where no form waits for an answer."""
    loop, asked = tracker.active_loop, tracker.slots.get(REQUESTED_SLOT)
    if loop is None or loop.name not in project.domain.forms or asked not in project.domain.slots:
        return None
    return project.domain.forms[loop.name], project.domain.slots[str(asked)]


def _buttons(messages: Sequence[Message]) -> list[Mapping[str, Json]]:
    found: list[Mapping[str, Json]] = []
    for message in messages:
        buttons = message.get("buttons")
        found += [button for button in buttons if isinstance(button, Mapping)] if isinstance(buttons, list) else []
    return found


def _shown(message: Message) -> str:
    text = str(message.get("text") or "")
    buttons = "".join(f" [{button.get('title')}]" for button in _buttons([message]))
    others = [f"({key})" for key in message if key not in ("text", "buttons", "sources")]
    return " ".join([text, *others]).strip() + buttons

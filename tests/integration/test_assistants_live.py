"""The small assistants live: what their test stories say happens, with forms and actions that really run.

A test story is replayed without running anything, so it could say what no conversation ever does. Here its messages
are said to the engine, with a real rasa-sdk server where the assistant has actions, and what happens is compared.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from assistant_parts import FOLDERS, ModelsByHeart
from engine_parts import conversation

from bot.action_process import ActionProcess
from bot.actions.server import HttpActionServer
from bot.dialogue.events import ActionExecuted, Event, SlotSet, UserUtteranceReverted, UserUttered
from bot.dialogue.parse import Json
from bot.dialogue.project import Endpoint
from bot.dialogue.situation import LISTEN, action_label
from bot.dialogue.stories import Dialogue, dialogues
from bot.dialogue.tracker import Tracker
from bot.errors import ActionRejected
from bot.folder import load_folder
from training.policy import plan_policies

DECLINED = ActionRejected.code
"""A form may decline a message: then rules and stories say what follows."""


@dataclass
class Turn:
    """What the customer says and what the bot does about it."""

    text: str
    actions: list[str] = field(default_factory=list)


def turns(events: list[Event] | tuple[Event, ...]) -> list[Turn]:
    """The turns of a story; a message that the bot itself says once more (after a rewind) begins none."""
    found: list[Turn] = []
    taken_back = False
    for event in events:
        match event:
            case UserUttered(text=text) if not taken_back:
                found.append(Turn(text or ""))
            case ActionExecuted() if action_label(event) != LISTEN and found:
                found[-1].actions.append(action_label(event).split("/")[0])
        taken_back = isinstance(event, UserUtteranceReverted) or (
            taken_back and isinstance(event, ActionExecuted) and event.name == LISTEN
        )
    return found


def ending(told: Dialogue, tracker: Tracker) -> tuple[str | None, dict[str, Json]]:
    """The active form, and every slot that the story mentions."""
    names = [event.name for event in told.events if isinstance(event, SlotSet)]
    return tracker.active_loop and tracker.active_loop.name, {name: tracker.slots[name] for name in names}


@asynccontextmanager
async def action_server(folder: Path) -> AsyncIterator[HttpActionServer | None]:
    if not (folder / "actions").is_dir():
        yield None
        return
    process = ActionProcess(folder)
    await process.start()
    server = HttpActionServer.of(Endpoint(url=process.url))
    try:
        yield server
    finally:
        await server.close()
        await process.stop()


@pytest.mark.parametrize("source", FOLDERS, ids=lambda folder: folder.name)
async def test_what_a_story_says_is_what_happens(source, tmp_path):
    folder = tmp_path / source.name
    shutil.copytree(source, folder)  # the server keeps its log beside its actions
    project = load_folder(folder, env={})
    policies, *_ = plan_policies(project, seed=0).learn()
    async with action_server(folder) as server:
        for told in dialogues(project.tests, project.domain):
            talk = conversation(project, ModelsByHeart(project=project), actions=server, policies=policies)
            wanted = turns(told.events)
            happened = []
            for turn in wanted:
                result = await talk.send(turn.text)
                heard = next(at for at, event in enumerate(result.events) if isinstance(event, UserUttered))
                happened += [replace(turns(result.events[heard:])[0], text=turn.text)]
                assert {entry.get("error", DECLINED) for entry in result.record.actions} <= {DECLINED}, told.name
            assert happened == wanted, told.name
            gold = Tracker.start("", project.domain, told.events)
            assert ending(told, talk.tracker) == ending(told, gold), told.name

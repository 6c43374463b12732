"""What is made before a release is loaded."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from engine_parts import project
from release_parts import FakeReleaseModels, build_release

from bot import models as models_module
from bot.actions.speaker import DomainSpeaker, NlgServer
from bot.dialogue.project import Endpoint, Project
from bot.errors import ReleaseError
from bot.paths import AssistantPaths
from bot.release import promote
from bot.startup import start_runtime


def assistant(**endpoints: Endpoint) -> Project:
    return replace(project("intents: [greet]\n"), endpoints=endpoints)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AssistantPaths:
    monkeypatch.setattr(models_module, "ReleaseModels", FakeReleaseModels)
    promote(tmp_path / "models", build_release(tmp_path / "models", "hello").id)
    return AssistantPaths(tmp_path)


@pytest.mark.parametrize(
    ("value", "compresses"), [("true", True), ("1", True), ("Yes", True), ("false", False), ("", False), (None, False)]
)
async def test_requests_to_the_action_server_are_compressed_as_in_rasa(paths, monkeypatch, value, compresses):
    monkeypatch.delenv("COMPRESS_ACTION_SERVER_REQUEST", raising=False)
    if value is not None:
        monkeypatch.setenv("COMPRESS_ACTION_SERVER_REQUEST", value)
    async with AsyncExitStack() as stack:
        runtime = await start_runtime(
            paths, assistant(action_endpoint=Endpoint(url="http://127.0.0.1:9/webhook")), stack
        )
        assert runtime.actions._endpoint._compress is compresses


@pytest.mark.parametrize(
    ("endpoints", "speaker"), [({}, DomainSpeaker), ({"nlg": Endpoint(url="http://127.0.0.1:9/nlg")}, NlgServer)]
)
async def test_words_come_from_the_domain_or_the_server_that_is_named(paths, endpoints, speaker):
    async with AsyncExitStack() as stack:
        runtime = await start_runtime(paths, assistant(**endpoints), stack)
        assert isinstance(runtime.speaker, speaker)
        assert runtime.actions is None


async def test_without_a_release_the_actions_are_not_left_running(tmp_path):
    (tmp_path / "actions.py").write_text("")
    async with AsyncExitStack() as stack:
        with pytest.raises(ReleaseError, match="kefu train"):
            await start_runtime(AssistantPaths(tmp_path), assistant(), stack)

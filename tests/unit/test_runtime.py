"""Releases are swapped whole, between turns, and never for one that cannot be used."""

import asyncio
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from engine_parts import FakeClock
from release_parts import FakeReleaseModels, build_release

from bot import models as models_module
from bot import runtime as runtime_module
from bot.actions.speaker import DomainSpeaker
from bot.conversation import Conversation
from bot.errors import NoRelease, ReleaseError
from bot.release import CURRENT, promote, roll_back
from bot.runtime import Runtime
from nlu.errors import NluFolderError


@pytest.fixture(autouse=True)
def fake_models(monkeypatch):
    monkeypatch.setattr(models_module, "ReleaseModels", FakeReleaseModels)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with two releases, the first of them promoted."""
    old, new = build_release(tmp_path, "old"), build_release(tmp_path, "new 新")
    promote(tmp_path, old.id)
    (tmp_path / "new").write_text(new.id)
    return tmp_path


def new_id(models: Path) -> str:
    return (models / "new").read_text()


def make(models: Path, **options) -> Runtime:
    return Runtime(models_folder=models, actions=None, speaker=DomainSpeaker(), clock=FakeClock(), **options)


async def greet(runtime: Runtime) -> str | None:
    return (await Conversation(runtime).say("hi")).replies[0].text


async def becomes(runtime: Runtime, words: str, *, within_s: float) -> float:
    """Seconds until the bot greets so."""
    started = time.monotonic()
    async with asyncio.timeout(within_s):
        while await greet(runtime) != words:
            await asyncio.sleep(0.02)
    return time.monotonic() - started


async def test_the_promoted_release_answers(models):
    runtime = make(models)
    with pytest.raises(NoRelease):
        _ = runtime.current
    release = await runtime.load()
    assert (await greet(runtime), runtime.current.models.release_id) == ("old", release.id)
    runtime.close()


async def test_a_turn_that_runs_ends_with_the_release_it_began_with(models):
    runtime = make(models)
    await runtime.load()
    under_way, go_on = asyncio.Event(), asyncio.Event()
    first = runtime.current
    parse = first.models.parse

    async def slow(text, *, at_s):
        under_way.set()
        await go_on.wait()
        return await parse(text, at_s=at_s)

    first.models.parse = slow
    turn = asyncio.create_task(greet(runtime))
    await under_way.wait()
    await runtime.load(new_id(models))
    assert await greet(runtime) == "new 新"
    go_on.set()
    assert await turn == "old"
    assert runtime.current.engine is not first.engine
    runtime.close()


async def test_many_turns_during_many_swaps_are_each_of_one_release(models):
    runtime = make(models)
    ids = [(await runtime.load()).id, new_id(models)]
    said: list[tuple[str | None, str]] = []
    stop = asyncio.Event()

    async def talk():
        while not stop.is_set():
            result = await Conversation(runtime).say("你好")
            said.append((result.replies[0].text, result.record.release_id))
            await asyncio.sleep(0)

    talking = [asyncio.create_task(talk()) for _ in range(4)]
    for number in range(10):
        await runtime.load(ids[number % 2])
    stop.set()
    await asyncio.gather(*talking)
    assert set(said) == {("old", ids[0]), ("new 新", ids[1])}
    runtime.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "nlu" / "words.json").write_text("{}"),  # not the file that was trained
        lambda folder: (folder / "manifest.json").unlink(),  # torn
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "project" / "project.json").unlink(),
    ],
)
async def test_a_damaged_release_leaves_the_old_one_in_place(models, damage, monkeypatch, caplog):
    monkeypatch.setattr(runtime_module, "WATCH_EVERY_S", 0.02)
    runtime = make(models)
    await runtime.load()
    promote(models, new_id(models))
    damage(models / new_id(models))
    with pytest.raises(ReleaseError):
        await runtime.load(new_id(models))
    following = asyncio.create_task(runtime.follow())
    async with asyncio.timeout(5):
        while "the old one goes on" not in caplog.text:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    assert caplog.text.count("the old one goes on") == 1  # said once, not at every look
    assert await greet(runtime) == "old"
    assert not following.done()
    # Rolling back, and a release that is whole, are noticed still.
    whole = build_release(models, "third")
    promote(models, whole.id)
    await becomes(runtime, "third", within_s=5)
    following.cancel()
    runtime.close()


@pytest.mark.parametrize("error", [NluFolderError("torn", remedy="train again"), OSError("disk")])
async def test_models_that_do_not_load_are_a_release_error(models, monkeypatch, error):
    def fail(release, **_options):
        raise error

    runtime = make(models)
    await runtime.load()
    monkeypatch.setattr(FakeReleaseModels, "load", staticmethod(fail))
    with pytest.raises(ReleaseError, match=new_id(models)):
        await runtime.load(new_id(models))
    assert await greet(runtime) == "old"
    runtime.close()


async def test_a_promotion_and_a_way_back_are_noticed_within_two_seconds(models):
    runtime = make(models)
    await runtime.load()
    following = asyncio.create_task(runtime.follow())
    await asyncio.sleep(0)
    promote(models, new_id(models))
    assert await becomes(runtime, "new 新", within_s=10) < 2
    roll_back(models)
    assert await becomes(runtime, "old", within_s=10) < 2
    following.cancel()
    runtime.close()


async def test_what_is_promoted_before_anybody_follows_is_noticed(models, monkeypatch):
    monkeypatch.setattr(runtime_module, "WATCH_EVERY_S", 0.02)
    runtime = make(models)
    await runtime.load()
    promote(models, new_id(models))
    following = asyncio.create_task(runtime.follow())
    await becomes(runtime, "new 新", within_s=5)
    following.cancel()
    runtime.close()


async def test_a_release_that_answers_already_is_not_loaded_again(models, monkeypatch):
    monkeypatch.setattr(runtime_module, "WATCH_EVERY_S", 0.02)
    runtime = make(models)
    await runtime.load(new_id(models))
    before = runtime.current
    following = asyncio.create_task(runtime.follow())
    promote(models, new_id(models))
    await asyncio.sleep(0.2)
    assert runtime.current is before
    following.cancel()
    runtime.close()


async def test_nothing_trained_is_told(tmp_path):
    with pytest.raises(ReleaseError, match="kefu train"):
        await make(tmp_path).load()
    assert not (tmp_path / CURRENT).exists()


async def test_the_speaker_is_shared_by_releases(models):
    runtime = make(models)
    await runtime.load()
    first = runtime.current.engine.course.means
    await runtime.load(new_id(models))
    assert runtime.current.engine.course.means.speaker is first.speaker
    assert runtime.current.engine.course.means is not first
    runtime.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts niceness by thread")
def test_the_thread_that_drafts_stands_back_and_no_other(tmp_path):
    runtime = make(tmp_path)

    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    own = niceness()
    assert runtime._writing.submit(niceness).result() == min(19, own + runtime_module.NICENESS)
    assert runtime._reading.submit(niceness).result() == own
    assert niceness() == own
    runtime.close()

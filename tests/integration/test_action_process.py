"""The assistant's own action server: a real rasa-sdk in a real child process."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import psutil
import pytest
from engine_parts import project

from bot import action_process
from bot.action_process import ActionProcess
from bot.actions.server import HttpActionServer
from bot.dialogue.project import Endpoint
from bot.dialogue.tracker import Tracker
from bot.errors import ActionUnreachable

ACTIONS = """
from rasa_sdk import Action

class Hello(Action):
    def name(self):
        return "action_hello"

    def run(self, dispatcher, tracker, domain):
        print("said hello")
        dispatcher.utter_message(text="你好 " + tracker.sender_id)
        return []
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An assistant folder with one action, and with a module that has a name of ours."""
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "__init__.py").write_text(ACTIONS, "utf-8")
    (tmp_path / "bot.py").write_text("raise RuntimeError('not this one')\n", "utf-8")
    return tmp_path


async def said(process: ActionProcess) -> object:
    server = HttpActionServer.of(Endpoint(url=process.url))
    try:
        domain = project("actions: [action_hello]\n").domain
        result = await server.run("action_hello", Tracker.start("anna", domain), domain, idempotency_key="k")
    finally:
        await server.close()
    return result.responses[0]["text"]


def family(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def ended(processes: list[psutil.Process]) -> None:
    async with asyncio.timeout(10):
        while not all(map(gone, processes)):
            await asyncio.sleep(0.05)


async def test_it_starts_answers_and_leaves_nothing_behind(folder: Path) -> None:
    process = ActionProcess(folder)
    await process.start()
    assert process.pid is not None
    processes = family(process.pid)
    assert len(processes) == 1
    assert await said(process) == "你好 anna"
    await process.stop()
    assert process.pid is None
    assert all(map(gone, processes))
    assert "said hello" in (folder / ".kefu" / "actions.log").read_text("utf-8")


async def test_only_this_machine_and_no_web_page_may_call_it(folder: Path) -> None:
    process = ActionProcess(folder)
    await process.start()
    try:
        assert process.pid is not None
        addresses = {c.laddr.ip for c in psutil.Process(process.pid).net_connections("inet") if c.status == "LISTEN"}
        assert addresses == {"127.0.0.1"}
        async with aiohttp.ClientSession() as session:
            headers = {"Origin": "https://evil.example"}
            async with session.get(process.url.replace("webhook", "health"), headers=headers) as response:
                assert "Access-Control-Allow-Origin" not in response.headers
    finally:
        await process.stop()


async def test_it_is_started_again_with_growing_pauses(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(action_process, "FIRST_PAUSE_S", 0.2)
    process = ActionProcess(folder)
    await process.start()
    try:
        for _ in range(3):
            pid = process.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(30):
                while process.pid in (None, pid):
                    await asyncio.sleep(0.02)
            async with asyncio.timeout(30):
                while True:
                    try:
                        assert await said(process) == "你好 anna"
                        break
                    except ActionUnreachable:
                        await asyncio.sleep(0.1)
            await asyncio.sleep(0.2)  # the watcher has seen it answer, too
    finally:
        await process.stop()
    pauses = [float(found[1]) for found in re.finditer(r"code -9 and is started again in ([\d.]+) s", caplog.text)]
    assert pauses == [0.2, 0.4, 0.8]


async def test_actions_that_cannot_be_imported_are_told_with_their_last_words(folder: Path) -> None:
    (folder / "actions" / "__init__.py").write_text("import no_such_module\n", "utf-8")
    process = ActionProcess(folder)
    started = time.monotonic()
    with pytest.raises(
        ActionUnreachable, match=r"did not start; see .*actions.log(?s:.)*No module named 'no_such_module'"
    ):
        await process.start()
    assert time.monotonic() - started < action_process.START_TIMEOUT_S / 2
    assert process.pid is None
    await process.stop()


async def test_it_is_started_again_once_broken_actions_are_repaired(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action_process, "FIRST_PAUSE_S", 0.1)
    process = ActionProcess(folder)
    await process.start()
    try:
        (folder / "actions" / "__init__.py").write_text("import no_such_module\n", "utf-8")
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        log = folder / ".kefu" / "actions.log"
        async with asyncio.timeout(30):
            while "no_such_module" not in log.read_text("utf-8"):
                await asyncio.sleep(0.05)
        (folder / "actions" / "__init__.py").write_text(ACTIONS.replace("你好", "又好了"), "utf-8")
        async with asyncio.timeout(60):
            while True:
                try:
                    assert await said(process) == "又好了 anna"
                    break
                except ActionUnreachable:
                    await asyncio.sleep(0.1)
    finally:
        await process.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_it_ends_with_a_parent_that_was_killed(folder: Path) -> None:
    parent_code = f"""
import asyncio, os, signal
from pathlib import Path
from bot.action_process import ActionProcess

async def main():
    process = ActionProcess(Path({str(folder)!r}))
    await process.start()
    print(process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    parent = subprocess.Popen([sys.executable, "-c", parent_code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        processes = family(int(await asyncio.to_thread(parent.stdout.readline)))
    parent.kill()
    parent.wait()
    await ended(processes)

"""The assistant's own action server as a child process: started, watched, started again, ended with us.

Knows the command line of rasa-sdk and nothing of its protocol.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from bot.errors import ActionUnreachable

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
LONGEST_PAUSE_S = 30.0


class ActionProcess:
    """``rasa_sdk`` on the ``actions`` package of a folder, on a loopback port of its own.

    ``url`` is the address to post to. ``start`` waits until it answers; after that a crash is followed by a new
    start, with growing pauses.
    """

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self._folder = folder
        self._port = port or free_port()
        self.url = f"http://127.0.0.1:{self._port}/webhook"
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises ActionUnreachable, with the last lines it printed, if the server does not come up."""
        await self._spawn()
        self._watcher = asyncio.create_task(self._watch(), name="action-server-watch")

    async def stop(self) -> None:
        """End the child, by force if it takes too long."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        await self._end()

    async def _spawn(self) -> None:
        log = self._folder / ".kefu" / "actions.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "rasa_sdk", "--actions", "actions", "--port", str(self._port)),
                cwd=self._folder,
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        if not await self._answers():
            await self._end()
            raise ActionUnreachable(f"the action server of {self._folder} did not start; see {log}:\n{_tail(log)}")

    async def _answers(self) -> bool:
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
        health = self.url.removesuffix("webhook") + "health"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while asyncio.get_running_loop().time() < deadline:
                if self._process is None or self._process.returncode is not None:
                    return False
                try:
                    async with session.get(health) as response:
                        if response.status == 200:
                            return True
                except (aiohttp.ClientError, TimeoutError):
                    await asyncio.sleep(0.1)
        return False

    async def _watch(self) -> None:
        pause_s = 0.5
        while self._process is not None:
            code = await self._process.wait()
            logger.error("the action server ended with code %s; starting it again", code)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            try:
                await self._spawn()
                pause_s = 0.5
            except ActionUnreachable as exc:
                logger.error("%s", exc)

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    def _environment(self) -> Mapping[str, str]:
        # Only loopback: the SDK listens on every interface otherwise.
        return {
            **os.environ,
            "SANIC_HOST": "127.0.0.1",
            "PYTHONPATH": str(self._folder.resolve()),
            "PYTHONUNBUFFERED": "1",
        }


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-lines:])

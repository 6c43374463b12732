"""The assistant's own action server as a child process: started, watched, started again, ended with us.

Knows how the child is started and nothing of rasa-sdk's protocol.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import aiohttp

from bot.child import BoundedLog, ends_with_us
from bot.errors import ActionUnreachable

logger = logging.getLogger(__name__)

HOST = Path(__file__).with_name("action_host.py")
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
TAIL_LINES = 12
_CHUNK_BYTES = 65_536


class ActionProcess:
    """The ``actions`` package of a folder behind rasa-sdk, on a loopback port of its own.

    ``url`` is the address to post to. ``start`` waits until it answers; after that a crash is followed by a new
    start, with pauses that grow until it has been up for a minute. What it prints goes to ``.kefu/actions.log``.
    """

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self._folder = folder
        self._port = port or free_port()
        self.url = f"http://127.0.0.1:{self._port}/webhook"
        self._log = BoundedLog(folder / ".kefu" / "actions.log")
        self._process: asyncio.subprocess.Process | None = None
        self._printing: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id; None while it is down."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

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
        self._log.path.parent.mkdir(exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(HOST), "--port", str(self._port)),
            cwd=self._folder,
            env=environment(self._folder),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # Ctrl-C is for this program, whose last turns still need the server.
            start_new_session=True,
            preexec_fn=ends_with_us(),
        )
        assert self._process.stdout is not None
        self._printing = asyncio.create_task(self._print(self._process.stdout), name="action-server-log")
        if not await self._answers():
            await self._end()
            raise ActionUnreachable(
                f"the action server of {self._folder} did not start; see {self._log.path}:\n"
                + self._log.tail(TAIL_LINES)
            )

    async def _print(self, output: asyncio.StreamReader) -> None:
        while data := await output.read(_CHUNK_BYTES):
            try:
                self._log.write(data)
            except OSError as exc:  # a full disk must not stop the child, which waits until its output is read
                logger.warning("the action server's output is lost: %s", exc)

    async def _answers(self) -> bool:
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
        health = self.url.removesuffix("webhook") + "health"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while asyncio.get_running_loop().time() < deadline and self.pid is not None:
                try:
                    async with session.get(health) as response:
                        if response.status == 200:
                            return True
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(0.05)
        return False

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        pause_s = FIRST_PAUSE_S
        while self._process is not None:
            since = loop.time()
            code = await self._process.wait()
            if loop.time() - since > STEADY_S:
                pause_s = FIRST_PAUSE_S
            logger.error("the action server ended with code %s and is started again in %.1f s", code, pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            try:
                await self._spawn()
            except (ActionUnreachable, OSError) as exc:
                logger.error("%s", exc)

    async def _end(self) -> None:
        """Wait for the child's end and for the last of its words."""
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._printing is not None:
            # What the child started itself may hold its output open for longer.
            await asyncio.wait({self._printing}, timeout=1.0)
            self._printing.cancel()


def environment(folder: Path) -> Mapping[str, str]:
    """What the host program needs to know: modules are looked for in ``folder`` before all others."""
    paths = [str(folder.resolve()), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

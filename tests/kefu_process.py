"""The program as a user has it: the ``kefu`` command in processes of its own, and a running bot to talk to."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

KEFU = (sys.executable, "-m", "bot.cli")
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 40
ENV = {**os.environ, "PYTHONUNBUFFERED": "1", "TQDM_MININTERVAL": "1"}


def kefu(*arguments, timeout_s=600, **options):
    """Run a command to its end."""
    command = [*KEFU, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False, env=ENV, **options)


def trained(folder: Path, *options: str) -> Path:
    """Train the assistant in ``folder``; says what went wrong if it does."""
    done = kefu("train", folder, *options, timeout_s=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def copied(source: Path, target: Path) -> Path:
    """A copy of a trained assistant. Releases are never written to, so their files are hard links."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("models", ".kefu", "*.db", "__pycache__", "results"))
    if (source / "models").is_dir():
        shutil.copytree(source / "models", target / "models", copy_function=_link)
    return target


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


class RunningBot:
    """``kefu run`` in a process of its own; ``url`` is known once it answers."""

    def __init__(self, folder: Path, *arguments: str, port: int = 0, env=None) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self._printed: queue.Queue[str | None] = queue.Queue()
        self._log = (folder / "run.log").open("ab")
        self.process = subprocess.Popen(
            [*KEFU, "run", str(folder), "--port", str(port), *arguments],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**ENV, **(env or {})},
        )
        threading.Thread(target=self._read, daemon=True).start()
        self.url = self._address()

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    @property
    def token(self) -> str:
        return (self.folder / ".kefu" / "token").read_text("ascii").strip()

    def log(self) -> str:
        return (self.folder / "run.log").read_text("utf-8", errors="replace")

    def children(self, name: str) -> list[int]:
        """Process ids of the bot's children whose command line holds ``name``."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    command = (entry / "cmdline").read_bytes().decode(errors="replace")
                except (OSError, IndexError):
                    continue
                if parent == self.process.pid and name in command:
                    found.append(int(entry.name))
        return found

    def request(self, method: str, path: str, body=None, *, raw: bytes | None = None, token=False, timeout_s=90):
        """Status and body (JSON where it is JSON) of one request."""
        data = raw if raw is not None else (None if body is None else json.dumps(body).encode())
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(
            self.url + quote(path.lstrip("/"), safe="/?=&"), data=data, method=method, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as response:
                return response.status, _decoded(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _decoded(error.read())

    def say(self, sender: str, text: str, message_id: str | None = None) -> list[str]:
        """Texts of the answers to one message; the message must be taken."""
        body = {"sender": sender, "message": text} | ({"message_id": message_id} if message_id else {})
        status, answers = self.request("POST", "/webhooks/rest/webhook", body)
        assert status == 200, (status, answers)
        return [answer["text"] for answer in answers if "text" in answer]

    def tracker(self, conversation_id: str) -> dict:
        status, tracker = self.request(
            "GET", f"/conversations/{conversation_id}/tracker?include_events=ALL", token=True
        )
        assert status == 200, tracker
        return tracker

    def kill(self) -> None:
        """End it as the operating system would, at once."""
        self.process.kill()
        self.process.wait()
        self._log.close()

    def stop(self) -> int:
        """End it as an operator would; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        self._log.close()
        return self.process.returncode

    def _read(self) -> None:
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line.rstrip())
                self._printed.put(line)
        self._printed.put(None)

    def _address(self) -> str:
        deadline = time.monotonic() + START_TIMEOUT_S
        while (line := self._printed.get(timeout=max(0.1, deadline - time.monotonic()))) is not None:
            if " answers at " in line:
                return line.rsplit(" ", 1)[1].strip()
        self.process.wait(STOP_TIMEOUT_S)
        self._log.close()
        raise AssertionError(f"the bot did not start:\n{self.log()[-3000:]}")


@contextmanager
def running_bot(folder: Path, *arguments: str, **options) -> Iterator[RunningBot]:
    """A bot that answers within the block, and is stopped by its process id after it."""
    bot = RunningBot(folder, *arguments, **options)
    try:
        yield bot
    finally:
        bot.stop()


def eventually(check: Callable[[], object], *, within_s: float, what: str):
    """The first true value of ``check``."""
    deadline = time.monotonic() + within_s
    while True:
        if value := check():
            return value
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.1)


def _decoded(body: bytes):
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", errors="replace")

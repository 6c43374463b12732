"""``kefu run actions`` as an operator has it: a real process that serves a folder's actions."""

import json
import os
import queue
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from kefu_process import ENV, KEFU, kefu

from bot.cli import build_parser

ACTIONS = """
from rasa_sdk import Action
from shared_words import HELLO

class Hello(Action):
    def name(self):
        return "action_hello"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=HELLO + " " + tracker.sender_id)
        return []
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an action that needs a module from elsewhere, and with a module that has a name of ours."""
    folder = tmp_path / "assistant"
    (folder / "actions").mkdir(parents=True)
    (folder / "actions" / "__init__.py").write_text(ACTIONS, "utf-8")
    (folder / "bot.py").write_text("raise RuntimeError('not this one')\n", "utf-8")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "shared_words.py").write_text("HELLO = '你好'\n", "utf-8")
    return folder


def elsewhere(folder: Path) -> dict[str, str]:
    return {**ENV, "PYTHONPATH": str(folder.parent / "shared")}


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of the server, once it has said so, and its process."""
    command = [*KEFU, "run", "actions", str(folder), "--port", "0", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=elsewhere(folder)
    ) as process:
        printed: queue.Queue[str] = queue.Queue()
        assert process.stdout is not None
        output = process.stdout
        reader = threading.Thread(target=lambda: [printed.put(line) for line in output], daemon=True)
        reader.start()
        try:
            while not (line := printed.get(timeout=60)).startswith("Actions answer at "):
                pass
            yield line.split()[3].removesuffix("/webhook"), process
        finally:
            process.kill()
            reader.join()


def call(url: str) -> str:
    body = {"next_action": "action_hello", "sender_id": "anna", "tracker": {"sender_id": "anna"}, "domain": {}}
    request = urllib.request.Request(f"{url}/webhook", json.dumps(body).encode(), {"Content-Type": "application/json"})
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                text: str = json.loads(response.read())["responses"][0]["text"]
                return text
        except urllib.error.URLError:  # it has the port, and does not yet answer there
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_it_serves_in_one_process_until_a_signal(folder):
    with serving(folder) as (url, process):
        assert call(url) == "你好 anna"
        with urllib.request.urlopen(f"{url}/actions") as response:
            assert json.loads(response.read()) == [{"name": "action_hello"}]
            assert "Access-Control-Allow-Origin" not in response.headers
        assert psutil.Process(process.pid).children() == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_changed_module_is_taken_up_and_sites_may_call(folder):
    with serving(folder, "--auto-reload", "--debug", "--cors", "https://a.example") as (url, _):
        assert call(url) == "你好 anna"
        module = folder / "actions" / "__init__.py"
        module.write_text(ACTIONS.replace("HELLO +", "'Hi' +"), "utf-8")
        os.utime(module, (time.time() + 5, time.time() + 5))
        assert call(url) == "Hi anna"
        request = urllib.request.Request(f"{url}/health", headers={"Origin": "https://a.example"})
        with urllib.request.urlopen(request) as response:
            assert response.headers["Access-Control-Allow-Origin"] == "https://a.example"


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        (None, [], "there is no module 'actions' in {folder}; write actions/__init__.py there, or name"),
        (None, ["--actions", "my.own"], "there is no module 'my.own' in {folder}; write my/own/__init__.py there"),
        (
            "import os\nimport no_such_module\n",
            [],
            "actions/__init__.py:2: ModuleNotFoundError: No module named 'no_su",
        ),
        ("import os\n\ndef f(:\n", [], "actions/__init__.py:3: SyntaxError: invalid syntax"),
        ("VALUE = {}['x']\n", [], "actions/__init__.py:1: KeyError: 'x'; mend it"),
        ("from actions.other import x\n", [], "actions/other.py:1: NameError: name 'y' is not defined; mend it"),
    ],
)
def test_actions_that_cannot_be_imported(folder, source, options, said):
    module = folder / "actions" / "__init__.py"
    if source is None:
        module.unlink()
        module.parent.rmdir()
    else:
        module.write_text(source, "utf-8")
        (folder / "actions" / "other.py").write_text("x = y\n", "utf-8")
    done = kefu("run", "actions", folder, *options)
    assert done.returncode == 1
    assert f"kefu: {said.format(folder=folder)}" in done.stderr.splitlines()[-1]


def test_a_port_that_is_taken(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*KEFU, "run", "actions", str(folder), "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, env=elsewhere(folder), check=False)
    assert done.returncode == 3
    assert f"kefu: cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert "name another address with --host or --port" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["nowhere"], "nowhere: there is no such folder"),
        ([".", "--actions", "a/b"], "--actions names a module, such as shop.actions, and 'a/b' is a path"),
    ],
)
def test_arguments_that_cannot_be_used(tmp_path, options, said):
    done = kefu("run", "actions", *options, cwd=tmp_path)
    assert (done.returncode, done.stderr.strip()) == (2, f"kefu: {said}")


@pytest.mark.parametrize(
    ("words", "command", "folder"),
    [
        (["run", "actions"], "run_actions", "."),
        (["--debug", "run", "actions", "shop"], "run_actions", "shop"),
        (["run", "actions", "actions"], "run_actions", "actions"),
        (["run", "./actions"], "run", "actions"),
        (["run", "shop"], "run", "shop"),
        (["run"], "run", "."),
        (["shell", "actions"], "shell", "actions"),
    ],
)
def test_a_folder_of_that_name_is_told_from_the_command(words, command, folder):
    args = build_parser().parse_args(words)
    assert (args.run.__name__, str(args.folder)) == (command, folder)

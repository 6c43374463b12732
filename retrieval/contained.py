"""Files that are parsed in a process of their own, seen from outside: one child a folder, a new one after a failure.

Knows the child's limits and protocol, no file formats.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from retrieval.documents import Block, Document, FaqEntry, Fault, FaultyFile, Link, Section, visible
from retrieval.parser_child import MEMORY_LIMIT_BYTES, TIME_LIMIT_S

REPLY_LIMIT_BYTES = 64_000_000
_ROOT = Path(__file__).resolve().parents[1]


class ContainedParser:
    """``with ContainedParser() as parser: parser.parse(path, file)``. The child starts with the first file."""

    def __init__(self, *, limit_s: float = TIME_LIMIT_S) -> None:
        self._limit_s = limit_s
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "ContainedParser":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def parse(self, path: str, file: Path) -> tuple[Document, tuple[Fault, ...]]:
        """The document in ``file`` and its partial faults.

        Raises ``FaultyFile``, also where the child was ended by one of its limits.
        """
        request = {"path": path, "file": str(file.resolve()), "limit_s": self._limit_s}
        reply = self._ask((json.dumps(request) + "\n").encode())
        if "document" not in reply:
            self._end()  # whatever the parser was left with is no part of the next file's reading
            raise FaultyFile(0, str(reply["problem"]), str(reply["remedy"]))
        seen = _seen(reply)
        return _document(seen["document"]), tuple(Fault(**fault) for fault in seen["faults"])

    def _ask(self, request: bytes) -> Mapping[str, Any]:
        child = self._running()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(request)
            child.stdin.flush()
        except BrokenPipeError:
            line = b""
        else:
            line = child.stdout.readline(REPLY_LIMIT_BYTES)
        if line.endswith(b"\n"):
            reply: Mapping[str, Any] = json.loads(line)
            return reply
        if line:
            return {"problem": f"more than {REPLY_LIMIT_BYTES} bytes of text", "remedy": "split it into several files"}
        if child.wait() == -signal.SIGALRM:
            problem = f"took longer than {self._limit_s:g} s to read"
        else:
            problem = f"ended its parser, which may use {MEMORY_LIMIT_BYTES // 1_000_000} MB (exit {child.returncode})"
        return {"problem": problem, "remedy": "split it, or save it in a simpler format"}

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "retrieval.parser_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=_ROOT,
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(_ROOT)},  # none of our secrets
            )
        return self._child

    def _end(self) -> None:
        if self._child is not None:
            child, self._child = self._child, None
            child.kill()
            with suppress(BrokenPipeError), child:  # closes its pipes, which may hold a request yet, and waits for it
                pass


def _seen(value: Any) -> Any:
    """The value with every text as a reader sees it."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {key: _seen(part) for key, part in value.items()}
    return [_seen(part) for part in value] if isinstance(value, list) else value


def _document(plain: Mapping[str, Any]) -> Document:
    return Document(
        **{
            **plain,
            "sections": tuple(_section(part) for part in plain["sections"]),
            "entries": tuple(
                FaqEntry(**{**part, "paraphrases": tuple(part["paraphrases"])}) for part in plain["entries"]
            ),
            "links": tuple(Link(**part) for part in plain["links"]),
        }
    )


def _section(plain: Mapping[str, Any]) -> Section:
    blocks = tuple(Block(**part) for part in plain["blocks"])
    return Section(**{**plain, "headings": tuple(plain["headings"]), "blocks": blocks})

"""Text from a model behind an OpenAI-compatible server (vLLM, llama.cpp, Ollama), as it is written.

Blocking, for a thread of its own: one ``POST {url}/chat/completions`` a text, whose answer is a stream of server-sent
events. Redirects, proxies and cookies are not followed, so the key goes to the named address only; it stands in no
message. A text ends by its own end, the limit of tokens or the time; what is no stream of that protocol is an error.
"""

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from retrieval.errors import BaseModelError, GeneratorUnavailable

PATH = "/chat/completions"
TIMEOUT_S = 20.0
CONNECT_TIMEOUT_S = 3.0
MAX_TOKENS = 160
PROMPT_TOKENS = 2000
LINE_BYTES = 1 << 16
ANSWER_BYTES = 1 << 20
REMEDIES: Mapping[int, str] = {
    400: "look at model, max_tokens and options of kefu: generator",
    401: "set KEFU_GENERATOR_KEY to a key that it knows",
    403: "set KEFU_GENERATOR_KEY to a key that may use this model",
    404: "look at url (it often ends in /v1) and model of kefu: generator",
    422: "look at model, max_tokens and options of kefu: generator",
    429: "it has too much to do, or its quota is used up",
}
_THINKING = ("<think>", "</think>")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatServer:
    """One model of one server. ``timeout_s`` is for a whole text; ``options`` are further fields of the request.

    Raises ``BaseModelError`` for a key that no header can carry.
    """

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S
    max_tokens: int = MAX_TOKENS
    options: Mapping[str, object] = field(default_factory=dict)
    prompt_tokens: int = PROMPT_TOKENS

    def __post_init__(self) -> None:
        if self.key is not None and not (self.key.isascii() and self.key.isprintable() and " " not in self.key):
            raise BaseModelError("KEFU_GENERATOR_KEY holds characters that no key has; give it the key alone")

    def count(self, text: str) -> int:
        """About how many tokens a text has, rather more than fewer: the server's tokenizer is not at hand."""
        wide = sum(not character.isascii() for character in text)
        return wide + (len(text) - wide + 2) // 3

    def stream(self, system: str, user: str, *, stop: threading.Event) -> Iterator[str]:
        """The text in pieces; the last is ``""`` if the model came to its end. Raises ``GeneratorUnavailable``."""
        watch = _Watch()
        timer = threading.Timer(self.timeout_s, watch.cut)
        timer.daemon = True
        timer.start()
        try:
            with closing(self._connection()) as connection:
                yield from _without_thinking(self._pieces(connection, watch, system, user, stop))
        except (OSError, HTTPException, GeneratorUnavailable) as error:
            if watch.expired or isinstance(error, TimeoutError):
                raise self._failure(f"no whole answer in {self.timeout_s:g} s") from error
            if isinstance(error, GeneratorUnavailable):
                raise
            raise self._failure(f"cannot be reached ({type(error).__name__})") from error
        finally:
            timer.cancel()

    def _connection(self) -> HTTPConnection:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        limit_s = min(CONNECT_TIMEOUT_S, self.timeout_s)
        if parts.scheme == "https":
            return HTTPSConnection(parts.hostname, parts.port, timeout=limit_s, context=ssl.create_default_context())
        return HTTPConnection(parts.hostname, parts.port, timeout=limit_s)

    def _pieces(
        self, connection: HTTPConnection, watch: "_Watch", system: str, user: str, stop: threading.Event
    ) -> Iterator[str]:
        connection.connect()
        watch.sock = connection.sock
        if watch.expired:  # while there was no socket to shut
            raise TimeoutError
        connection.sock.settimeout(self.timeout_s)
        path = urlsplit(self.url).path.rstrip("/").removesuffix(PATH) + PATH
        connection.request("POST", path, self._body(system, user), self._headers())
        with connection.getresponse() as response:
            if response.status != 200:
                raise self._failure(f"HTTP {response.status}; {REMEDIES.get(response.status, 'look at its log')}")
            if response.headers.get_content_type() != "text/event-stream":
                raise self._failure("answered without streaming; name the url of an OpenAI-compatible server")
            for event in self._events(response):
                text, reason = _read(event)
                if stop.is_set():
                    return
                if text:
                    yield text
                if reason == "stop":
                    break
                if reason is not None:  # the limit of tokens, mostly
                    return
        yield ""

    def _body(self, system: str, user: str) -> bytes:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        asked = {"model": self.model, "messages": messages, "max_tokens": self.max_tokens, "temperature": 0}
        return json.dumps({**asked, **self.options, "stream": True}).encode()

    def _headers(self) -> dict[str, str]:
        key = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return {"Content-Type": "application/json", "Accept": "text/event-stream", "User-Agent": "Kefu", **key}

    def _events(self, response: HTTPResponse) -> Iterator[Mapping[str, Any]]:
        """The JSON of each event up to ``[DONE]``."""
        size_bytes = 0
        while line := response.readline(LINE_BYTES):
            size_bytes += len(line)
            if size_bytes > ANSWER_BYTES or (len(line) >= LINE_BYTES and not line.endswith(b"\n")):
                raise self._failure(f"sent more than {ANSWER_BYTES} bytes, or a line of more than {LINE_BYTES}")
            if not line.startswith(b"data:"):
                continue
            data = line.removeprefix(b"data:").strip()
            if data == b"[DONE]":
                return
            try:
                event = json.loads(data)
            except (ValueError, RecursionError) as error:  # the latter of brackets in brackets
                raise self._failure("sent an event that is no JSON") from error
            if not isinstance(event, dict) or "error" in event:
                raise self._failure("reported an error in the middle of an answer; look at its log")
            yield event
        raise self._failure("broke off in the middle of an answer")

    def _failure(self, what: str) -> GeneratorUnavailable:
        return GeneratorUnavailable(f"{self.url}: {what}")


def _read(event: Mapping[str, Any]) -> tuple[str, str | None]:
    """The text of an event and why the answer ends with it, if it does. Events without a choice say nothing."""
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else {}
    delta = choice.get("delta") if isinstance(choice, dict) else None
    text = delta.get("content") if isinstance(delta, dict) else None
    reason = choice.get("finish_reason") if isinstance(choice, dict) else None
    return text if isinstance(text, str) else "", reason if isinstance(reason, str) else None


def _without_thinking(pieces: Iterator[str]) -> Iterator[str]:
    """Leave out what a model thinks aloud, in marks, before it answers."""
    begin, end = _THINKING
    held: str | None = ""
    for piece in pieces:
        if held is None or not piece:
            yield piece
            continue
        held += piece
        start = held.lstrip()
        if start.startswith(begin):
            if end in start:
                held = None
                yield start.split(end, 1)[1].lstrip()
        elif not begin.startswith(start):
            yield held
            held = None


class _Watch:
    """Ends a connection from beside, whatever its thread waits for. ``expired``: it did, or would have."""

    def __init__(self) -> None:
        self.sock: socket.socket | None = None
        self.expired = False

    def cut(self) -> None:
        """Shut the socket; of one with TLS the one below, since that layer is no matter of two threads."""
        self.expired = True
        if self.sock is not None:
            with suppress(OSError):  # it has ended by itself
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

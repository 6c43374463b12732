"""The child process that finds system entities: Duckling itself, in a process that may be killed.

Duckling's time for a text can grow exponentially with it (three times "monday tuesday at five to six" take seconds),
and native code cannot be stopped from outside. So each request carries ``limit_s``, an alarm is set for it, and the
kernel ends this process where it runs over; whoever asked reads the end of the stream and starts another one.

One JSON object a line. In: ``text``, ``locale`` (``en_US``), ``zone`` (``Asia/Shanghai``), ``at_s`` (seconds since the
epoch), ``dimensions``, ``limit_s``. Out: ``found``, the list that a Duckling server would answer, or ``error``. It ends
with its input. Imports nothing of ours, so that it starts in a third of a second.
"""

import json
import signal
import sys
import zoneinfo
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

WARM_UP = "5"
"""Duckling makes the rules of a language when it first needs them, which no request is charged for."""


def main() -> None:
    """Answer line by line until the input ends."""
    try:
        answer = _duckling()
    except Exception as exc:  # whatever it is, the parent is to hear of it and not wait
        _write({"error": f"{type(exc).__name__}: {exc}"})
        return
    for line in sys.stdin:
        try:
            reply: dict[str, Any] = {"found": answer(json.loads(line))}
        except Exception as exc:  # without its message, which may hold what the customer wrote
            reply = {"error": type(exc).__name__}
        _write(reply)


def _duckling() -> Callable[[Mapping[str, Any]], list[dict[str, Any]]]:
    import duckling  # noqa: PLC0415 - a failure is an answer, see main

    folder = next((path for path in zoneinfo.TZPATH if Path(path, "UTC").exists()), "/usr/share/zoneinfo")
    zones = duckling.load_time_zones(folder)
    warm: set[tuple[str, tuple[str, ...]]] = set()

    def answer(request: Mapping[str, Any]) -> list[dict[str, Any]]:
        language = duckling.default_locale_lang(duckling.parse_lang(request["locale"][:2].upper()))
        moment = duckling.parse_ref_time(zones, request["zone"], int(request["at_s"]))
        context = duckling.Context(moment, duckling.parse_locale(request["locale"], language))
        dimensions = duckling.parse_dimensions(request["dimensions"])
        if (kind := (request["locale"], tuple(request["dimensions"]))) not in warm:
            duckling.parse(WARM_UP, context, dimensions, False)
            warm.add(kind)
        signal.setitimer(signal.ITIMER_REAL, request["limit_s"])
        try:
            found: list[dict[str, Any]] = _decoded(duckling.parse(request["text"], context, dimensions, False))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return found

    return answer


def _decoded(value: Any) -> Any:
    """The value with its texts as they are: the binding reads the bytes of UTF-8 as Latin-1."""
    if isinstance(value, str):
        return value.encode("latin-1", "replace").decode("utf-8", "replace") if not value.isascii() else value
    if isinstance(value, dict):
        return {key: _decoded(part) for key, part in value.items()}
    return [_decoded(part) for part in value] if isinstance(value, list) else value


def _write(reply: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

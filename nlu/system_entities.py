"""System entities: times, numbers, amounts, addresses of a text, in Duckling's shape. Knows no language itself.

Duckling does the reading, the library that Rasa's extractor asks over HTTP (Haskell, BSD; here compiled into a Python
package). It runs in a child process, see ``nlu.system_child``, that is started when the first text comes.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nlu import system_chinese as chinese
from nlu.errors import SystemEntitiesError
from nlu.system_readings import ABOUT, SystemEntity, english_part, has_chinese, one_per_place, pieces, readable

DIMENSIONS = (
    *("amount-of-money", "credit-card-number", "distance", "duration", "email", "number", "ordinal", "phone-number"),
    *("quantity", "temperature", "time", "url", "volume"),
)
TEXT_LENGTH = 2000
"""Characters read of a text; what is longer is no message of a customer."""
PIECE_LIMIT_S = 0.5
TEXT_LIMIT_S = 1.5
_SLOW = frozenset({"time", "duration"})
_LOCALES = {"en": "en_US", "zh": "zh_CN"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a text is read. ``locale`` as in ``de_DE``; None: English and Chinese by their script, also side by side.

    ``timezone`` is an IANA name. ``dimensions`` are of ``DIMENSIONS``.
    """

    dimensions: Sequence[str] = DIMENSIONS
    locale: str | None = None
    timezone: str = "UTC"

    def checked(self) -> "Reading":
        """Itself. Raises SystemEntitiesError for a dimension or a time zone that does not exist."""
        if unknown := [name for name in self.dimensions if name not in DIMENSIONS]:
            raise SystemEntitiesError(
                f"the system entity {unknown[0]!r} does not exist", remedy="choose from " + ", ".join(DIMENSIONS)
            )
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise SystemEntitiesError(
                f"the time zone {self.timezone!r} does not exist", remedy="write a name such as Asia/Shanghai or UTC"
            ) from exc
        return self


def locale_of(language: str) -> str | None:
    """The locale for a language: None where both English and Chinese are read, by script."""
    name = language.replace("-", "_")
    return None if name.split("_")[0] in _LOCALES and "_" not in name else name


@dataclass(slots=True)
class SystemEntityFinder:
    """Finds system entities in its child process; one text at a time, from any thread.

    The child is started by the first text, and again after it had to be killed. After ``close`` nothing is found.
    """

    _child: "subprocess.Popen[str] | None" = None
    _closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, text: str, *, at_s: float, reading: Reading) -> tuple[SystemEntity, ...]:
        """The system entities of the first 2,000 characters, by offset; ``at_s`` is "now", in seconds since the epoch.

        Takes at most ``TEXT_LIMIT_S`` and a start of the child. A piece of text that takes more than half a second
        gives neither times nor durations. Raises SystemEntitiesError where the child cannot run.
        """
        if not reading.dimensions:
            return ()
        text, until = text[:TEXT_LENGTH], monotonic() + TEXT_LIMIT_S
        with self._lock:
            if reading.locale is not None:
                return self._read(text, at_s, reading, until)
            english = replace(reading, locale=_LOCALES["en"])
            if not has_chinese(text):
                return self._read(text, at_s, english, until)
            found = self._read(text, at_s, replace(reading, locale=_LOCALES["zh"]), until)
            if rest := english_part(text):
                found = one_per_place((*found, *self._read(rest, at_s, english, until)))
            return found

    def close(self) -> None:
        """End the child, whatever it does."""
        self._closed = True
        if (child := self._child) is not None:
            child.kill()
        with self._lock:
            self._end()

    def _read(self, text: str, at_s: float, reading: Reading, until: float) -> tuple[SystemEntity, ...]:
        """The system entities of a text in one language."""
        found = one_per_place(self._find(text, at_s, reading, until))
        if _is_chinese(reading):
            return one_per_place(self._chinese(found, text, at_s, reading, until))
        return tuple(self._exact(entity, at_s, reading, until) for entity in found)

    def _exact(self, entity: SystemEntity, at_s: float, reading: Reading, until: float) -> SystemEntity:
        """An amount behind "about", read without it: Duckling makes 10,500 of "about $500 million"."""
        words = ABOUT.match(entity.text) if entity.dimension == "amount-of-money" else None
        if words is None:
            return entity
        rest = entity.text[words.end() :]
        alone = next(self._find(rest, at_s, replace(reading, dimensions=("amount-of-money",)), until), None)
        return replace(entity, value=alone.value) if alone is not None and alone.text == rest else entity

    def _chinese(
        self, found: Sequence[SystemEntity], text: str, at_s: float, reading: Reading, until: float
    ) -> Iterator[SystemEntity]:
        """The entities with what ``nlu.system_chinese`` knows better."""

        def again(words: str, from_s: float) -> SystemEntity | None:
            return next(self._find(words, from_s, replace(reading, dimensions=("time",)), until), None)

        by_kind = {name: [one for one in found if one.dimension == name] for name in reading.dimensions}
        plain = readable(text)
        if "number" in by_kind:
            digits = [one for one in by_kind["number"] if one.text.isascii()]
            by_kind["number"] = [*(_in(text, one) for one in chinese.numbers(plain)), *digits]
        if "amount-of-money" in by_kind:
            by_kind["amount-of-money"] = [_in(text, one) for one in chinese.money(plain)]
        if "time" in by_kind:
            with suppress(ValueError, OverflowError):  # of a year that no calendar has
                by_kind["time"] = chinese.times(by_kind["time"], text, again, at_s)
        if "duration" in by_kind:
            by_kind["duration"] = chinese.durations(by_kind["duration"], by_kind.get("time", ()), text)
        for entities in by_kind.values():
            yield from entities

    def _find(self, text: str, at_s: float, reading: Reading, until: float) -> Iterator[SystemEntity]:
        for offset, piece in pieces(text):
            if piece.isspace():
                continue
            words = readable(piece)
            if _is_chinese(reading):
                words = chinese.plain(words)
            request = {"text": words, "locale": reading.locale, "zone": reading.timezone, "at_s": at_s}
            for dimensions in (list(reading.dimensions), [name for name in reading.dimensions if name not in _SLOW]):
                limit_s = min(PIECE_LIMIT_S, until - monotonic())
                if limit_s <= 0 or not dimensions or self._closed:
                    break
                answer = self._ask({**request, "dimensions": dimensions, "limit_s": limit_s})
                if answer is not None:
                    yield from (_entity(match, piece, offset) for match in answer)
                    break

    def _ask(self, request: dict[str, Any]) -> list[dict[str, Any]] | None:
        """What Duckling found; None if it had to be killed."""
        child = self._started()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(json.dumps(request) + "\n")
            child.stdin.flush()
            line = child.stdout.readline()
        except BrokenPipeError:  # it could not start, and said why
            line = child.stdout.readline()
        if not line:
            self._end()
            return None
        reply = json.loads(line)
        if "found" not in reply:
            self._end()
            raise SystemEntitiesError(
                f"Duckling cannot run here ({reply.get('error')})",
                remedy="name a Duckling server as the url of DucklingEntityExtractor in config.yml",
            )
        found: list[dict[str, Any]] = reply["found"]
        return found

    def _started(self) -> "subprocess.Popen[str]":
        if self._child is None:
            if find_spec("duckling") is None:
                raise SystemEntitiesError(
                    "system entities need the package pyduckling-native-phihos, which is not installed here",
                    remedy="install it (Linux on x86-64, macOS on ARM), or name a Duckling server as the url of "
                    "DucklingEntityExtractor in config.yml",
                )
            self._child = subprocess.Popen(
                [sys.executable, "-m", "nlu.system_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a crash of the library would print the text
                text=True,
                start_new_session=True,  # Ctrl-C is for us, whose last messages still need it
            )
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        child.wait()


def _is_chinese(reading: Reading) -> bool:
    return reading.locale is not None and reading.locale.lower().startswith("zh")


def _in(text: str, entity: SystemEntity) -> SystemEntity:
    """The entity with its characters as they stand in the text."""
    return replace(entity, text=text[entity.start : entity.end])


def _entity(match: dict[str, Any], piece: str, offset: int) -> SystemEntity:
    start, end = match["start"], match["end"]
    return SystemEntity(
        dimension=match["dim"], start=offset + start, end=offset + end, text=piece[start:end], value=match["value"]
    )

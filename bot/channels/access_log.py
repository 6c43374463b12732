"""Logs as JSON lines that cannot hold what people say: an allow-list of fields, classes and places of errors only.

A line of our own loggers is its words; a line of a library is its template with nothing filled in, because only
the library knows what it would fill in. An error is its class and the places it passed, never its own words.
"""

import json
import logging
import sys
import time
import traceback
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from types import TracebackType
from typing import TextIO

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.channels.client import CLIENT, request_id_var
from bot.channels.metrics import Metrics

FIELDS = frozenset(
    {
        "action",
        "bytes",
        "channel",
        "client",
        "code",
        "count",
        "error",
        "event",
        "method",
        "ms",
        "release",
        "request_id",
        "route",
        "seconds",
        "status",
        "update",
        "verdict",
        "worker",
    }
)
OURS = frozenset({"bot", "nlu", "retrieval", "training", "kefu"})
MAX_LENGTH = 500
MAX_FRAMES = 12

log = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """One JSON object per record: ``at``, ``level``, ``logger``, ``says``, allowed fields and the error's place."""

    def format(self, record: logging.LogRecord) -> str:
        """Render a record; never raises on what a record holds."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "says": _says(record),
        }
        if request_id := request_id_var.get():
            line["request_id"] = request_id
        for name in FIELDS & record.__dict__.keys():
            line[name] = _plain(record.__dict__[name])
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _where(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False)


def _says(record: logging.LogRecord) -> str:
    ours = record.name.partition(".")[0] in OURS
    words = record.getMessage() if ours else str(record.msg)
    return _one_line(words)


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | None) else _one_line(str(value))


def _one_line(text: str) -> str:
    first = text.strip().splitlines()[:1]
    return "".join(char for char in "".join(first) if char.isprintable())[:MAX_LENGTH]


def _where(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-MAX_FRAMES:]
    return [f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}" for frame in frames]


def configure_logging(*, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every log of the process through JsonLines; libraries from WARNING on, aiohttp's access log never."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").disabled = True
    for name in OURS:
        logging.getLogger(name).setLevel(level)


def access_log(metrics: Metrics) -> Middleware:
    """Log and count each request: its route's pattern, not its path, since an id in a path tells who spoke."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as exc:
            status = exc.status
            raise
        finally:
            seconds = time.perf_counter() - started
            route = route_pattern(request)
            metrics.request(route=route, method=request.method, status=status, seconds=seconds)
            fields = {"method": request.method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
            log.info("request", extra={**fields, "client": client_network(request.get(CLIENT))})

    return middleware


def route_pattern(request: web.Request) -> str:
    """The pattern that a request matched (``/conversations/{id}/tracker``), or ``unknown``."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def client_network(address: str | None) -> str:
    """The network of a client: enough to see an attack, too little to name a person."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return "unknown"
    prefix = 24 if parsed.version == 4 else 48
    return str(ip_network((parsed, prefix), strict=False))

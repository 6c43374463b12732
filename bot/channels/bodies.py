"""Reads what a request carries: bounded, UTF-8, sane JSON, parameters. Knows no route and no platform.

Every function raises BadRequest with words of its own, never with words of the body.
"""

import json
from collections.abc import Mapping
from typing import NoReturn, cast
from urllib.parse import urlsplit

from aiohttp import web

from bot.dialogue.parse import Json
from bot.errors import BadRequest
from bot.messages import REPLACEMENT, encodable_json

BODY_LIMIT_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_ID_LENGTH = 200
MAX_NUMBER = 10**15


async def read_body(request: web.Request, *, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes:
    """Read the raw body. Raises HTTPRequestEntityTooLarge as soon as it grows over the limit."""
    if (request.content_length or 0) > limit_bytes:
        raise web.HTTPRequestEntityTooLarge(max_size=limit_bytes, actual_size=request.content_length or 0)
    body = bytearray()
    async for chunk in request.content.iter_any():
        body.extend(chunk)
        if len(body) > limit_bytes:
            raise web.HTTPRequestEntityTooLarge(max_size=limit_bytes, actual_size=len(body))
    return bytes(body)


async def read_object(request: web.Request, *, limit_bytes: int = BODY_LIMIT_BYTES) -> Mapping[str, Json]:
    """Read a body that must be a JSON object."""
    return as_object(parse_json(await read_body(request, limit_bytes=limit_bytes)))


def as_object(value: Json) -> Mapping[str, Json]:
    """Narrow a value to a JSON object."""
    if not isinstance(value, Mapping):
        raise BadRequest("the body must be a JSON object")
    return value


def parse_json(raw: bytes) -> Json:
    """Parse JSON as strictly as the standard says: UTF-8, no NaN, at most 32 levels.

    Half of a surrogate pair, which an escape may write, becomes U+FFFD.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadRequest(f"the body is not UTF-8 (byte {exc.start})") from None
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as exc:
        raise BadRequest(f"the body is not JSON (line {exc.lineno}, column {exc.colno})") from None
    except (RecursionError, ValueError):
        raise BadRequest("the body is no JSON that can be read: nested too deeply, or a number too long") from None
    _check_depth(value)
    if "\\u" in text:
        value = encodable_json(value)
    return cast(Json, value)


def _refuse_constant(_: str) -> NoReturn:
    raise BadRequest("the body is not JSON: NaN and Infinity are no numbers of JSON")


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
    if level:
        raise BadRequest(f"the body is nested deeper than {MAX_DEPTH} levels")


def _children(node: object) -> list[object]:
    match node:
        case dict():
            return list(node.values())
        case list():
            return node
        case _:
            return []


def string(body: Mapping[str, Json], name: str, *, default: str | None = None) -> str:
    """Take a field that must be a string; without a default it must also be there."""
    value = body.get(name)
    if value is None:
        value = default
    if not isinstance(value, str):
        raise BadRequest(f"'{name}' must be a string")
    return value


def identifier(value: str, name: str) -> str:
    """Check an id that a client chose: 1 to 200 printable characters, none of them lost on the way."""
    if not 1 <= len(value) <= MAX_ID_LENGTH or not value.isprintable() or REPLACEMENT in value:
        raise BadRequest(f"'{name}' must have 1 to {MAX_ID_LENGTH} printable characters")
    return value


def optional_object(body: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """Take a field that is a JSON object where it is there at all."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadRequest(f"'{name}' must be a JSON object")
    return value


def flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    """Take a parameter of the address that is ``true`` or ``false``, in any case."""
    given = (request.query.get(name) or str(default)).lower()
    if given not in ("true", "false"):
        raise BadRequest(f"'{name}' must be true or false")
    return given == "true"


def number(request: web.Request, name: str, default: int) -> int:
    """Take a parameter of the address that is a whole number, at most ``MAX_NUMBER``."""
    given = request.query.get(name, str(default))
    # What is longer is too large, and no int.
    value = int(given) if given.isdecimal() and len(given) <= len(str(MAX_NUMBER)) else -1
    if not 0 <= value <= MAX_NUMBER:
        raise BadRequest(f"'{name}' must be a whole number, at most {MAX_NUMBER}")
    return value


def web_address(text: str, name: str) -> str:
    """Check an http(s) address with a host."""
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise BadRequest(f"'{name}' must be an http(s) address")
    return text

"""The widget's files over HTTP: an ETag for each, open to every site that wants to embed them.

``widget.js`` is what a site names, so it is cached for minutes only; it loads its modules from a path that holds their
common hash, and those never change.
"""

import hashlib
from functools import cache
from pathlib import Path

from aiohttp import web

_HERE = Path(__file__).parent
_PLACEHOLDER = b"{{version}}"
_TYPES = {".js": "text/javascript", ".css": "text/css"}

_SHORT = "public, max-age=600, stale-while-revalidate=86400"
_FOR_EVER = "public, max-age=31536000, immutable"
_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


@cache
def _modules() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((_HERE / "widget").glob("*.js"))}


@cache
def version() -> str:
    """The hash over all modules of the widget."""
    return _hash(b"".join(name.encode() + b"\n" + body for name, body in _modules().items()))


@cache
def _top_level(name: str) -> bytes:
    return (_HERE / name).read_bytes().replace(_PLACEHOLDER, version().encode())


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


async def script(request: web.Request) -> web.Response:
    """``/widget.js``: the script that a site embeds."""
    return _respond(request, "widget.js", _top_level("widget.js"), _SHORT)


async def module(request: web.Request) -> web.Response:
    """``/widget/{version}/{name}``: a module of the widget; 404 for any other name."""
    name = request.match_info["name"]
    body = _modules().get(name)
    if body is None:
        raise web.HTTPNotFound
    # Right after an upgrade a browser may still hold the old widget.js: it gets today's module, but not to keep.
    return _respond(request, name, body, _FOR_EVER if request.match_info["version"] == version() else "no-cache")


async def page_file(request: web.Request) -> web.Response:
    """``/page.css`` and ``/page.js`` of the demo page."""
    name = request.path.rpartition("/")[2]
    return _respond(request, name, _top_level(name), _SHORT)


def _respond(request: web.Request, name: str, body: bytes, cache_control: str) -> web.Response:
    etag = f'"{_hash(body)}"'
    headers = _HEADERS | {"ETag": etag, "Cache-Control": cache_control}
    known = request.headers.get("If-None-Match", "")
    if etag in (part.strip().removeprefix("W/") for part in known.split(",")):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=_TYPES[Path(name).suffix], charset="utf-8", headers=headers)

"""What every request passes: security headers, the token, rate limits. Knows no route's meaning.

A route is closed unless its list is given as open: something added and forgotten needs the token.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.channels.client import REQUEST_ID
from bot.channels.failures import retry_later
from bot.errors import Unauthorized
from bot.messages import Inbox

MIN_TOKEN_LENGTH = 16

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


async def security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that a handler did not set itself. A signal, so that error responses have them too."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request_id := request.get(REQUEST_ID):
        response.headers.setdefault("X-Request-Id", request_id)
    response.headers["Server"] = "kefu"


def same_secret(given: str, expected: str) -> bool:
    """Compare in a time that tells neither the place of the first difference nor the length."""
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (given, expected)]
    return hmac.compare_digest(*digests)


def token_required(tokens: Sequence[str], *, open_routes: Iterable[web.AbstractRouteDef]) -> Middleware:
    """Close every route but the open ones. Several tokens are for changing one without a gap.

    Raises ValueError for a token that can be guessed: nothing administrative has a default.
    """
    if not tokens or any(len(token) < MIN_TOKEN_LENGTH for token in tokens):
        raise ValueError(f"an admin token must have at least {MIN_TOKEN_LENGTH} characters")
    open_keys = {(route.method, route.path) for route in open_routes if isinstance(route, web.RouteDef)}

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _is_open(request, open_keys):
            check_token(request, tokens)
        return await handler(request)

    return middleware


def _is_open(request: web.Request, open_keys: set[tuple[str, str]]) -> bool:
    match = request.match_info
    if match.http_exception is not None:
        return True  # an unknown address or method: there is nothing to protect, and nothing to find out
    resource = match.route.resource
    path = resource.canonical if resource is not None else ""
    method = "GET" if request.method == "HEAD" else request.method
    return (method, path) in open_keys or ("*", path) in open_keys


def check_token(request: web.Request, tokens: Sequence[str]) -> None:
    """Take ``Authorization: Bearer`` or Rasa's ``?token=``. Raises Unauthorized."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    given = bearer.strip() if scheme.lower() == "bearer" else request.query.get("token", "")
    matches = [same_secret(given, token) for token in tokens]
    if not any(matches):
        raise Unauthorized("this needs the admin token: 'Authorization: Bearer TOKEN' or '?token=TOKEN'")


async def within_limit(inbox: Inbox, bucket: str, key: str) -> web.Response | None:
    """Take one token of a rate limit; the 429 to answer if there is none left."""
    if await inbox.allow(bucket, key):
        return None
    return retry_later(429, "TooManyRequests", "too many requests; try again later")

"""What every request passes: security headers, the token, rate limits. Knows no route's meaning.

A route is closed unless its list is given as open: something added and forgotten needs the token.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.channels.client import REQUEST_ID
from bot.channels.failures import retry_later
from bot.channels.jwt_key import JwtKey
from bot.errors import Unauthorized
from bot.messages import Inbox

MIN_TOKEN_LENGTH = 16

_PATTERN = re.compile(r":[^{}]+}")

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may pass closed routes. Several ``tokens`` are for changing one without a gap; ``jwt`` None takes no JWT.

    Raises ValueError for a token that can be guessed: nothing administrative has a default.
    """

    tokens: Sequence[str] = field(repr=False)
    jwt: JwtKey | None = None

    def __post_init__(self) -> None:
        if not self.tokens or any(len(token) < MIN_TOKEN_LENGTH for token in self.tokens):
            raise ValueError(f"an admin token must have at least {MIN_TOKEN_LENGTH} characters")

    def check(self, request: web.Request, *, is_own: bool) -> None:
        """Take ``Authorization: Bearer`` (the admin token or a JWT) or Rasa's ``?token=``.

        ``is_own``: the route is about one conversation, and a JWT of role ``user`` opens it if its ``username`` is
        that conversation's id. Raises Unauthorized without a proof, HTTPForbidden where the role does not reach.
        """
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        given = bearer.strip() if scheme.lower() == "bearer" else request.query.get("token", "")
        matches = [same_secret(given, token) for token in self.tokens]
        if any(matches):
            return
        claims = self.jwt.claims(given) if self.jwt is not None and scheme.lower() == "bearer" else None
        if claims is None:
            raise Unauthorized("this needs the admin token: 'Authorization: Bearer TOKEN' or '?token=TOKEN'")
        user = claims.get("user")
        role, username = (user.get("role"), user.get("username")) if isinstance(user, Mapping) else (None, None)
        if role != "admin" and not (role == "user" and is_own and username == request.match_info.get("id")):
            raise web.HTTPForbidden


def closed(
    access: Access, *, open_routes: Iterable[web.AbstractRouteDef], own_routes: Iterable[web.AbstractRouteDef] = ()
) -> Middleware:
    """Close every route but the open ones. ``own_routes``: those of one conversation, for whom it belongs to."""
    open_keys, own_keys = _keys(open_routes), _keys(own_routes)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        # An unknown address or method: there is nothing to protect, and nothing to find out.
        if request.match_info.http_exception is None and not _is_among(request, open_keys):
            access.check(request, is_own=_is_among(request, own_keys))
        return await handler(request)

    return middleware


def _keys(routes: Iterable[web.AbstractRouteDef]) -> set[tuple[str, str]]:
    """Methods and addresses; ``{id:.+}`` is ``{id}`` once it is a resource."""
    defined = (route for route in routes if isinstance(route, web.RouteDef))
    return {(route.method, _PATTERN.sub("}", route.path)) for route in defined}


def _is_among(request: web.Request, keys: set[tuple[str, str]]) -> bool:
    resource = request.match_info.route.resource
    path = resource.canonical if resource is not None else ""
    method = "GET" if request.method == "HEAD" else request.method
    return (method, path) in keys or ("*", path) in keys


async def within_limit(inbox: Inbox, bucket: str, key: str) -> web.Response | None:
    """Take one token of a rate limit; the 429 to answer if there is none left."""
    if await inbox.allow(bucket, key):
        return None
    return retry_later(429, "TooManyRequests", "too many requests; try again later")

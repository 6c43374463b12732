"""Who asks: an id for each request, and the client's address as far as it can be believed."""

import re
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from secrets import token_hex

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

REQUEST_ID = web.RequestKey("request_id", str)
CLIENT = web.RequestKey("client", str)

request_id_var: ContextVar[str | None] = ContextVar("request_id", default=None)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Proxies:
    """The reverse proxies whose ``X-Forwarded-For`` and ``X-Request-Id`` are believed; none by default."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks: Sequence[IPv4Network | IPv6Network] = [ip_network(network) for network in networks]

    def trusts(self, address: str | None) -> bool:
        """Whether an address is one of the proxies; a peer on a unix socket (no address) is this machine."""
        if not address:
            return bool(self._networks)
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)

    def client(self, request: web.BaseRequest) -> str:
        """Find the nearest address that no trusted proxy has. Whatever stands left of it, anybody can write."""
        address = request.remote or ""
        hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", []) for hop in line.split(",")]
        while hops and self.trusts(address):
            address = hops.pop()
        return address if _is_address(address) else request.remote or ""


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def identify(proxies: Proxies) -> Middleware:
    """Give each request an id (a trusted proxy's own, else a new one) and its client's address."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("X-Request-Id", "")
        believed = proxies.trusts(request.remote) and _REQUEST_ID.fullmatch(given)
        request[REQUEST_ID] = given if believed else token_hex(8)
        request[CLIENT] = proxies.client(request)
        request_id_var.set(request[REQUEST_ID])
        return await handler(request)

    return middleware

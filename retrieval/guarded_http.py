"""HTTP for fetching documents from addresses that others may have written. Knows no documents.

Only http and https to public addresses on their usual ports. A name is resolved once, and the address that is connected
to is the one that was judged, so a name that changes its mind gains nothing. Redirects are followed by hand, at most
three, within the host, and each is judged again. Nothing of the environment (proxies, netrc) and no cookie is used.
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import aiohttp
from yarl import URL

REDIRECTS = 3
REQUEST_LIMIT_S = 60.0
AGENT = "Kefu"
_PORTS = (80, 443)
_UNICAST = ipaddress.ip_network("2000::/3")
"""All that the public internet has of IPv6: ``is_global`` alone lets in what is deprecated or was never given out."""

_TRANSLATED = tuple(map(ipaddress.ip_network, ("2002::/16", "2001::/32")))
"""Of these a gateway makes any IPv4 address, a private one too."""


class FetchError(Exception):
    """A request that was refused or failed. ``status``: what the server answered, if it did."""

    def __init__(self, problem: str, remedy: str, status: int | None = None) -> None:
        super().__init__(problem)
        self.problem, self.remedy, self.status = problem, remedy, status


class _Refused(OSError):
    """Raised where a socket is made, when its address is not public."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server sent: ``url`` after redirects, headers with names in lower case, the body unpacked.

    ``status`` is 200, or 304 with an empty body.
    """

    url: URL
    status: int
    headers: Mapping[str, str]
    body: bytes


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, for itself and for what it stands for."""
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif ip not in _UNICAST or any(ip in network for network in _TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast


class GuardedHttp:
    """``async with GuardedHttp() as http: await http.get(url, limit_bytes=...)``, one request at a time.

    ``private_hosts`` are the names (or addresses, with or without a port) that may be private and on any port.
    """

    def __init__(self, private_hosts: frozenset[str] = frozenset()) -> None:
        self._private_hosts = frozenset(host.lower() for host in private_hosts)
        self._public: aiohttp.ClientSession | None = None
        self._private: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "GuardedHttp":
        self._public, self._private = _session(_public_socket), _session(None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in (self._public, self._private):
            if session is not None:
                await session.close()

    async def get(self, url: URL, *, limit_bytes: int, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer, its body at most ``limit_bytes`` long when unpacked. Raises ``FetchError``."""
        deadline = time.monotonic() + REQUEST_LIMIT_S
        at = url
        for _ in range(REDIRECTS + 1):
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    answer = await self._once(at, limit_bytes, headers or {})
            except TimeoutError as error:
                raise FetchError(f"no answer in {REQUEST_LIMIT_S:g} s", "try again later") from error
            except aiohttp.ClientError as error:
                raise _told(error) from error
            if isinstance(answer, Answer):
                return answer
            at = at.join(answer)
            if (at.host, at.scheme) not in ((url.host, url.scheme), (url.host, "https")):
                raise FetchError(f"leads to {at.with_query(None)}", "name that address, if you trust it")
        raise FetchError(f"more than {REDIRECTS} redirects", "name the address where they end")

    async def _once(self, url: URL, limit_bytes: int, headers: Mapping[str, str]) -> Answer | URL:
        """One request: its answer, or where that leads."""
        async with self._session_for(url).get(url, allow_redirects=False, headers=headers) as response:
            if response.status in (301, 302, 303, 307, 308) and "location" in response.headers:
                try:
                    return URL(response.headers["location"])
                except ValueError as error:
                    raise FetchError("a redirect to no address", "tell its owner") from error
            if response.status not in (200, 304):
                raise FetchError(f"HTTP {response.status}", "check that address in a browser", response.status)
            body = bytearray()
            async for piece in response.content.iter_chunked(1 << 16):
                body += piece
                if len(body) > limit_bytes:
                    raise FetchError(f"more than {limit_bytes} bytes", "download it and name parts of it")
            lower = {name.lower(): value for name, value in response.headers.items()}
            return Answer(url=url, status=response.status, headers=lower, body=bytes(body))

    def _session_for(self, url: URL) -> aiohttp.ClientSession:
        assert self._public is not None
        assert self._private is not None
        if url.scheme not in ("http", "https") or not url.host:
            raise FetchError(f"an address of the kind {url.scheme!r}", "name one that begins with https://")
        if url.user is not None:
            raise FetchError("an address with a user name", "download it and name the file")
        if {url.host.lower(), f"{url.host.lower()}:{url.port}"} & self._private_hosts:
            return self._private
        if url.port not in _PORTS:
            raise FetchError(f"port {url.port}", f"allow it with --allow-host {url.host}:{url.port}, if you trust it")
        return self._public


def _session(make_socket: Callable[[Any], socket.socket] | None) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=1, socket_factory=make_socket)
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": AGENT}, trust_env=False
    )


def _public_socket(info: tuple[Any, ...]) -> socket.socket:
    """A socket for an address that was found; made only if that is public."""
    family, kind, protocol, _, place = info
    if not is_public(place[0]):
        raise _Refused(f"{place[0]} is not public")
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


def _told(error: aiohttp.ClientError) -> FetchError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _Refused):
            return FetchError(str(cause), "allow a host of your own with --allow-host HOST")
        cause = cause.__cause__ or cause.__context__
    return FetchError(f"no connection ({type(error).__name__})", "check the address and the network")

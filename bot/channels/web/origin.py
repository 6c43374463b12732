"""Which sites may open the socket. A browser always names the page's origin; it is all that stops a foreign page."""

from collections.abc import Collection
from typing import TypeAlias
from urllib.parse import urlsplit

Origin: TypeAlias = tuple[str, str, int]

_DEFAULT_PORTS = {"http": 80, "https": 443}


def parse_origin(text: str) -> Origin | None:
    """Scheme, host and port of ``https://host[:port]``; None for ``null`` and whatever else is no web origin."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    rest = parts.path or parts.query or parts.fragment or parts.username is not None
    if scheme not in _DEFAULT_PORTS or not parts.hostname or rest:
        return None
    return scheme, parts.hostname, port or _DEFAULT_PORTS[scheme]


def origin_allowed(origin: str | None, host: str, allowed: Collection[str]) -> bool:
    """Whether ``origin`` (the header) is the bot's own ``host`` (the header) or one of the ``allowed``.

    The scheme is not compared with the own host: behind a proxy that ends TLS nobody here knows it.
    """
    if "*" in allowed:
        return True
    parsed = parse_origin(origin) if origin else None
    if parsed is None:
        return False
    scheme, name, port = parsed
    own = parse_origin(f"{scheme}://{host}")
    return (own is not None and own[1:] == (name, port)) or parsed in {parse_origin(a) for a in allowed}

"""What an operator may set for the widget, its socket and its page. Knows no aiohttp handler."""

from dataclasses import dataclass, field

from bot.channels.web.origin import parse_origin

MIN_SECRET_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Settings of the web channel. Raises ValueError for a short secret or an origin that is none.

    ``secret`` signs guest tokens (at least 16 bytes; a new one ends every guest's history in the browser).
    ``allowed_origins``: sites that may connect besides the bot's own host, each as ``scheme://host[:port]``; ``*``
    is any. ``image_hosts``: hosts whose images are shown in place, others become links.
    """

    secret: bytes = field(repr=False)
    allowed_origins: tuple[str, ...] = ()
    image_hosts: frozenset[str] = frozenset()
    title: str = "Service desk"
    suggestions: tuple[str, ...] = ()
    greeting: str = ""
    max_text_chars: int = 4000
    first_frame_timeout_s: float = 10.0
    send_timeout_s: float = 30.0
    heartbeat_s: float = 25.0
    retry_after_s: float = 5.0

    def __post_init__(self) -> None:
        if len(self.secret) < MIN_SECRET_BYTES:
            raise ValueError(f"the guest token secret needs at least {MIN_SECRET_BYTES} bytes")
        for origin in self.allowed_origins:
            if origin != "*" and parse_origin(origin) is None:
                raise ValueError(f"{origin!r} is no origin: write https://host or https://host:port, or *")

"""What an operator may set for the widget, its socket and its page. Knows no aiohttp handler."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from bot.channels.web.origin import parse_origin
from bot.dialogue.parse import Json
from bot.errors import CredentialsError

MIN_SECRET_BYTES = 16
KEYS = ("title", "greeting", "suggestions", "origins", "image_hosts")

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


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

    @classmethod
    def read(
        cls, section: Mapping[str, Json], *, secret: bytes, title: str, origins: Sequence[str] = ()
    ) -> "WebSettings":
        """Check the section ``web`` of ``credentials.yml`` (``KEYS``).

        ``title`` is for a section that has none; ``origins`` join those of the section. Raises CredentialsError with
        every fault.
        """
        own = _Section(section)
        named, greeting, suggestions = own.text("title"), own.text("greeting"), own.texts("suggestions")
        allowed, hosts = own.origins("origins"), own.hosts("image_hosts")
        faults = own.faults + [f"--cors: {_no_origin(origin)}" for origin in origins if not _is_origin(origin)]
        if faults:
            raise CredentialsError("\n".join(faults))
        return cls(
            secret=secret,
            allowed_origins=tuple(dict.fromkeys((*allowed, *origins))),
            image_hosts=hosts,
            title=named or title,
            suggestions=suggestions,
            greeting=greeting,
        )

    def __post_init__(self) -> None:
        if len(self.secret) < MIN_SECRET_BYTES:
            raise ValueError(f"the guest token secret needs at least {MIN_SECRET_BYTES} bytes")
        for origin in self.allowed_origins:
            if not _is_origin(origin):
                raise ValueError(_no_origin(origin))


def _is_origin(text: str) -> bool:
    return text == "*" or parse_origin(text) is not None


def _no_origin(text: str) -> str:
    return f"{text!r} is no origin: write https://host or https://host:port, or *"


class _Section:
    """Reads values of the section; what is wrong is kept in ``faults`` and read as nothing."""

    def __init__(self, section: Mapping[str, Json]) -> None:
        self._section = section
        self.faults: list[str] = []
        for key in section.keys() - set(KEYS):
            near = get_close_matches(key, KEYS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(KEYS)}"
            self._fault(f"there is no key '{key}'; {hint}")

    def text(self, name: str) -> str:
        value = self._section.get(name)
        if value is not None and not isinstance(value, str):
            self._fault(f"'{name}' must be a text, in quotes if it looks like something else")
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._section.get(name)
        if value is None:
            return ()
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(map(str, value))
        self._fault(f"'{name}' must be a list of texts, as [a, b]")
        return ()

    def origins(self, name: str) -> tuple[str, ...]:
        origins = self.texts(name)
        for wrong in (origin for origin in origins if not _is_origin(origin)):
            self._fault(f"'{name}': {_no_origin(wrong)}")
        return origins

    def hosts(self, name: str) -> frozenset[str]:
        hosts = tuple(map(str.lower, self.texts(name)))
        for wrong in (host for host in hosts if not _HOST.fullmatch(host)):
            self._fault(f"'{name}': {wrong!r} is no host: write cdn.example.com, without https:// or a port")
        return frozenset(hosts)

    def _fault(self, what: str) -> None:
        self.faults.append(f"credentials.yml: web: {what}")

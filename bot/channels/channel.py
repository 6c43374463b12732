"""What a channel is to the program that runs it. A channel that also is a Sender delivers by calling a platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from aiohttp import web

from bot.messages import Sender

HOMES: Mapping[str, str] = {"telegram:": "telegram", "web-": "web"}
"""How the conversations of a platform begin; nobody may speak as one of them on another channel."""


def home_channel(conversation_id: str) -> str:
    """The channel that a conversation is held on, as far as its name tells; else ``rest``."""
    return next((name for start, name in HOMES.items() if conversation_id.startswith(start)), "rest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The limits of a platform. Lengths are in the platform's own unit (Telegram: UTF-16 units)."""

    max_text: int
    max_caption: int = 0
    max_payload_bytes: int = 0
    max_button_title: int = 0
    idempotent_send: bool = False


class Channel(Protocol):
    """A way in. ``routes`` are open to the world: the channel itself checks who calls."""

    name: str

    def routes(self) -> Sequence[web.RouteDef]:
        """The channel's addresses, under ``/webhooks/<name>/``."""
        ...

    async def start(self) -> None:
        """Open what the channel needs (an HTTP session). Calls nobody."""
        ...

    async def register(self) -> None:
        """Tell the platform where to deliver, if it has to be told. Raises ChannelError."""
        ...

    async def stop(self) -> None:
        """Close what ``start`` opened."""
        ...


@runtime_checkable
class SendingChannel(Channel, Sender, Protocol):
    """A channel that delivers by calling its platform."""


@runtime_checkable
class LiveChannel(Channel, Protocol):
    """A channel with connections that stay open. Register ``hang_up`` on ``app.on_shutdown``."""

    async def hang_up(self, app: web.Application) -> None:
        """End every connection, so that a server that stops is not waited for."""
        ...

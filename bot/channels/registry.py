"""From ``credentials.yml`` to the channels that run. Every fault of the file is told at once."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from bot.channels.bodies import web_address
from bot.channels.callback import CallbackChannel
from bot.channels.channel import Channel, SendingChannel
from bot.channels.metrics import Metrics
from bot.channels.rest import RestChannel
from bot.channels.socketio.channel import SocketIoChannel
from bot.channels.socketio.settings import SocketIoSettings
from bot.channels.telegram import TelegramChannel
from bot.channels.telegram_settings import TelegramSettings
from bot.dialogue.parse import Json
from bot.errors import BadRequest, ChannelError, CredentialsError
from bot.messages import Inbox, Sender

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 60.0

log = logging.getLogger(__name__)

Section = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What channels are built with. ``origins``: sites whose pages may call the bot."""

    inbox: Inbox
    metrics: Metrics
    origins: Sequence[str] = ()


Factory = Callable[[Section, Means], Channel]

RASAS_OWN = frozenset(
    {
        "botframework",
        "facebook",
        "hangouts",
        "mattermost",
        "rocketchat",
        "slack",
        "twilio",
        "twilio_voice",
        "webexteams",
    }
)
PASSED_OVER = frozenset({"rasa", "cmdline"})
"""Sections that a Rasa project may hold and that need nothing here (Rasa X, the shell)."""


def _rest(_: Section, means: Means) -> Channel:
    return RestChannel(means.inbox)


def _callback(section: Section, means: Means) -> Channel:
    url = section.get("url")
    try:
        address = web_address(url if isinstance(url, str) else "", "url")
    except BadRequest as exc:
        raise CredentialsError(f"callback: {exc}: the one that answers are sent to") from None
    return CallbackChannel(means.inbox, means.metrics, url=address)


def _telegram(section: Section, means: Means) -> Channel:
    return TelegramChannel(TelegramSettings.read(section), means.inbox, means.metrics)


def _socketio(section: Section, means: Means) -> Channel:
    settings = SocketIoSettings.read(section)
    return SocketIoChannel(means.inbox, means.metrics, settings, allowed_origins=means.origins)


FACTORIES: Mapping[str, Factory] = {
    "rest": _rest,
    "callback": _callback,
    "telegram": _telegram,
    "socketio": _socketio,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """The configured channels. ``senders``: those that deliver by calling a platform, by name."""

    all: tuple[Channel, ...]
    senders: Mapping[str, Sender]


def configure(
    credentials: Mapping[str, Section],
    *,
    inbox: Inbox,
    metrics: Metrics,
    origins: Sequence[str] = (),
    also_known: Sequence[str] = ("web",),
) -> Channels:
    """Build the channels of ``credentials.yml``; ``rest`` is always there. Raises CredentialsError with every fault.

    ``origins``: sites whose pages may call the bot. ``also_known``: sections that are read elsewhere.
    """
    means = Means(inbox=inbox, metrics=metrics, origins=origins)
    sections = {"rest": {}, **credentials}
    channels, faults = [], []
    for name, section in sections.items():
        if name in PASSED_OVER or (name in also_known and name not in FACTORIES):
            continue
        try:
            channels.append(_factory(name, also_known)(_checked(name, section), means))
        except CredentialsError as exc:
            faults.append(f"credentials.yml: {exc}")
    if faults:
        raise CredentialsError("\n".join(faults))
    return Channels(all=tuple(channels), senders=_senders(channels))


def _senders(channels: Sequence[Channel]) -> Mapping[str, Sender]:
    return {channel.name: channel for channel in channels if isinstance(channel, SendingChannel)}


def _checked(name: str, section: object) -> Section:
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise CredentialsError(f"{name}: must hold keys and values")
    return section


def _factory(name: str, also_known: Sequence[str]) -> Factory:
    if name in FACTORIES:
        return FACTORIES[name]
    known = sorted({*FACTORIES, *also_known})
    here = f"channels here are {', '.join(known)}"
    if name in RASAS_OWN:
        raise CredentialsError(f"{name}: this channel of Rasa's does not run here yet; {here}")
    if "." in name:
        raise CredentialsError(
            f"{name}: a channel class written for Rasa cannot run here; let that code call "
            f"POST /webhooks/rest/webhook, or name a 'callback' url that it answers at; {here}"
        )
    near = get_close_matches(name.lower(), known, n=1)
    hint = f", did you mean '{near[0]}'?" if near else ";"
    raise CredentialsError(f"{name}: no such channel{hint} {here}")


async def register_all(channels: Channels, *, first_retry_s: float = FIRST_RETRY_S) -> None:
    """Register every channel with its platform, again until it is done: a platform that is away stops nothing here.

    Settings that the platform refuses are logged and left.
    """
    await asyncio.gather(*(_register(channel, first_retry_s) for channel in channels.all))


async def _register(channel: Channel, wait_s: float) -> None:
    while True:
        try:
            return await channel.register()
        except CredentialsError as exc:
            log.error("not registered: %s", exc, extra={"channel": channel.name})
            return None
        except ChannelError as exc:
            log.warning("registering is tried again: %s", exc, extra={"channel": channel.name})
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, LAST_RETRY_S)

"""What ``credentials.yml`` says about Telegram, checked. Calls nobody."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.channels.telegram_update import Bot
from bot.dialogue.parse import Json
from bot.errors import CredentialsError

API_URL = "https://api.telegram.org"
PATH = "/webhooks/telegram/webhook"

_TOKEN = re.compile(r"(\d+):[A-Za-z0-9_-]{20,}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramSettings:
    """The section ``telegram`` of ``credentials.yml``, under Rasa's names and some of ours.

    ``verify`` is the bot's username. ``secret_token`` proves that an update comes from Telegram. What stands in
    ``webhook_url`` behind ``/webhooks/telegram/webhook/`` is a second secret that the address itself carries.
    ``start`` is what a customer says by pressing the start button, as ``/greet``.
    """

    access_token: str
    verify: str
    webhook_url: str
    secret_token: str
    start: str = "/start"
    api_url: str = API_URL

    @classmethod
    def read(cls, section: Mapping[str, Json]) -> "TelegramSettings":
        """Check a section. Raises CredentialsError; its words never hold a value."""
        token, verify, url = (_required(section, name) for name in ("access_token", "verify", "webhook_url"))
        if not _TOKEN.fullmatch(token):
            raise CredentialsError("telegram: 'access_token' must be the token that BotFather gave, as 123456:ABC...")
        if urlsplit(url).scheme not in ("https", "http") or PATH not in urlsplit(url).path:
            raise CredentialsError(f"telegram: 'webhook_url' must be a public address that ends in {PATH}")
        secret = section.get("secret_token") or derived_secret(token)
        if not isinstance(secret, str) or not _SECRET.fullmatch(secret):
            raise CredentialsError("telegram: 'secret_token' must have 1 to 256 of A-Z a-z 0-9 _ -")
        return cls(
            access_token=token,
            verify=verify.lstrip("@"),
            webhook_url=url,
            secret_token=secret,
            start=str(section.get("start") or "/start"),
            api_url=str(section.get("api_url") or API_URL).rstrip("/"),
        )

    @property
    def bot(self) -> Bot:
        """Who the bot is."""
        return Bot(id=int(self.access_token.partition(":")[0]), username=self.verify, start=self.start)

    @property
    def path_secret(self) -> str:
        """The unguessable part of the address, empty if it has none."""
        return urlsplit(self.webhook_url).path.partition(PATH)[2].strip("/")


def _required(section: Mapping[str, Json], name: str) -> str:
    value = section.get(name)
    if not isinstance(value, str) or not value:
        raise CredentialsError(f"telegram: '{name}' is missing; 'access_token', 'verify' and 'webhook_url' are needed")
    return value


def derived_secret(access_token: str) -> str:
    """A secret that needs no setting: nobody without the token can compute it, and the token stays hidden."""
    return hmac.digest(access_token.encode(), b"kefu telegram webhook", "sha256").hex()

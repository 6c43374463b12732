"""A Telegram bot on the real mailbox and outbox: updates come several times, the platform pushes back."""

import asyncio
from dataclasses import dataclass, field

import pytest
from aiohttp.test_utils import TestClient, TestServer
from channel_fakes import FakePlatform, application
from delivery_parts import CountingEngine, delivery, until

from bot.channels.metrics import Metrics
from bot.channels.telegram import PROOF_HEADER, TelegramChannel
from bot.channels.telegram_settings import TelegramSettings
from bot.delivery.embedded import EmbeddedStore
from bot.delivery.settings import DeliverySettings, RateLimit
from bot.delivery.store import Store

SECTION = {
    "access_token": "123456:AAbbCCddEEffGGhhIIjjKKll",
    "verify": "ShopBot",
    "webhook_url": "https://shop.example/webhooks/telegram/webhook",
    "secret_token": "proof",
}
SETTINGS = DeliverySettings(limits={"message": RateLimit(per_s=1000, burst=1000)})


@dataclass
class LateInbox:
    """Stands for the hub until there is one: a channel is both before it (way in) and behind it (way out)."""

    hub: object = field(default=None)

    def __getattr__(self, name):
        return getattr(self.hub, name)


@pytest.fixture
async def store(tmp_path):
    embedded = EmbeddedStore(tmp_path)
    store = Store(await embedded.start(), SETTINGS)
    await store.open()
    yield store
    await store.close()
    await embedded.stop()


def update(number, chat):
    ann = {"id": chat, "is_bot": False, "first_name": "Ann"}
    message = {
        "message_id": number,
        "date": 1,
        "chat": {"id": chat, "type": "private"},
        "from": ann,
        "text": str(number),
    }
    return {"update_id": number, "message": message}


async def test_every_update_is_answered_once_and_in_order(store):
    platform, inbox = FakePlatform(), LateInbox()
    wait = (429, {"ok": False, "parameters": {"retry_after": 0}})
    platform.answers.extend([None, wait, None, None, wait, wait, None] * 4)
    async with TestServer(platform.application()) as server:
        api_url = str(server.make_url("")).rstrip("/")
        channel = TelegramChannel(TelegramSettings.read({**SECTION, "api_url": api_url}), inbox, Metrics())
        await channel.start()
        async with delivery(store, CountingEngine(), {"telegram": channel}) as parts:
            inbox.hub = parts.hub
            async with TestClient(TestServer(application(inbox, channels=[channel]))) as client:
                for number in range(1, 11):
                    await asyncio.gather(*(deliver(client, update(number, chat)) for chat in (7, 8) for _ in range(3)))
                await until(lambda: sum(map(len, said(platform).values())) == 20)
        await channel.stop()
    expected = [f"{number}:{number}" for number in range(1, 11)]
    assert said(platform) == {7: expected, 8: expected}


async def deliver(client, body):
    async with client.post("/webhooks/telegram/webhook", json=body, headers={PROOF_HEADER: "proof"}) as response:
        assert response.status == 200


def said(platform):
    """What each chat was shown: the calls that the platform took."""
    shown = {}
    for number, (path, body) in enumerate(platform.calls):
        if path.endswith("/sendMessage") and number not in platform.declined:
            shown.setdefault(body["chat_id"], []).append(body["text"])
    return shown

"""The callback channel: messages in, answers POSTed to a server on loopback."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer
from channel_fakes import FakeInbox, FakePlatform, application

from bot.channels.callback import CallbackChannel
from bot.channels.metrics import Metrics
from bot.errors import StoreUnavailable
from bot.messages import Refused, Reply, RetryLater, Sent, Unknown

WEBHOOK = "/webhooks/callback/webhook"


@pytest.fixture
def inbox():
    return FakeInbox()


@pytest.fixture
def platform():
    return FakePlatform()


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
async def channel(inbox, platform, metrics):
    async with TestServer(platform.application()) as server:
        channel = CallbackChannel(inbox, metrics, url=str(server.make_url("/bot")))
        await channel.start()
        yield channel
        await channel.stop()


@pytest.fixture
async def client(inbox, channel):
    async with TestClient(TestServer(application(inbox, channels=[channel]))) as client:
        yield client


async def test_success_means_queued(client, inbox):
    async with client.post(WEBHOOK, json={"sender": "安娜", "message": "你好"}) as response:
        assert await response.json() == "success"
    assert [(inbound.channel, inbound.text) for inbound in inbox.inbounds] == [("callback", "你好")]


@pytest.mark.parametrize("change", [{"busy": True}, {"error": StoreUnavailable()}])
async def test_what_is_not_queued_is_no_success(client, inbox, change):
    vars(inbox).update(change)
    async with client.post(WEBHOOK, json={"sender": "a", "message": "x"}) as response:
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0


async def test_each_message_is_posted_once_in_order(channel, platform):
    platform.answers.extend([None, (503, {})])
    reply = Reply(id="ann/1/0", text="one\n\ntwo", image="https://e/x.png")
    assert await channel.send("ann", reply) == RetryLater(after_s=5)
    assert await channel.send("ann", reply) == Sent()
    assert [body for _, body in platform.calls] == [
        {"recipient_id": "ann", "text": "one"},
        {"recipient_id": "ann", "text": "two"},
        {"recipient_id": "ann", "text": "two"},
        {"recipient_id": "ann", "image": "https://e/x.png"},
    ]


@pytest.mark.parametrize(
    ("status", "kind"), [(200, Sent), (204, Sent), (302, Refused), (404, Refused), (408, RetryLater), (429, RetryLater)]
)
async def test_what_the_answer_means(channel, platform, status, kind):
    platform.answers.append((status, {}))
    assert isinstance(await channel.send("ann", Reply(id="1", text="x")), kind)


async def test_a_server_that_hangs_up_leaves_it_unknown(channel, platform):
    async def hang_up(request):
        request.transport.abort()
        await asyncio.sleep(0)

    platform.answers.append(hang_up)
    assert isinstance(await channel.send("ann", Reply(id="1", text="x")), Unknown)


async def test_what_became_of_a_reply_is_counted(channel, platform, metrics):
    platform.answers.extend([(400, {}), None])
    for number in (1, 2):
        await channel.send("ann", Reply(id=f"ann/1/{number}", text="hello"))
    counted = metrics.render().decode()
    for result in ("refused", "sent"):
        assert f'kefu_sent_total{{channel="callback",result="{result}"}} 1.0' in counted

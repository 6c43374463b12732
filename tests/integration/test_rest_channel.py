"""The REST channel on a real server."""

import json

import pytest
from aiohttp.test_utils import TestClient, TestServer
from channel_fakes import FakeInbox, application

from bot.channels.rest import RestChannel
from bot.messages import Button, Reply

WEBHOOK = "/webhooks/rest/webhook"


@pytest.fixture
def inbox():
    return FakeInbox()


@pytest.fixture
async def client(inbox):
    async with TestClient(TestServer(application(inbox, channels=[RestChannel(inbox)]))) as client:
        yield client


async def test_a_message_and_its_answers(client, inbox):
    yes = Button(title="是", payload="/affirm")
    inbox.replies = [Reply(id="1", text="您好\n\n退货吗？", buttons=(yes,)), Reply(id="2", custom={"k": 1})]
    async with client.post(WEBHOOK, json={"sender": "安娜", "message": "我要退货"}) as response:
        assert await response.json() == [
            {"recipient_id": "安娜", "text": "您好"},
            {"recipient_id": "安娜", "text": "退货吗？", "buttons": [{"title": "是", "payload": "/affirm"}]},
            {"recipient_id": "安娜", "custom": {"k": 1}},
        ]
    assert [inbound.text for inbound in inbox.inbounds] == ["我要退货"]


async def test_a_stream_has_one_message_per_line(client, inbox):
    inbox.replies = [Reply(id="1", text="one\n\ntwo")]
    async with client.post(f"{WEBHOOK}?stream=true", json={"sender": "a", "message": "hi"}) as response:
        assert response.content_type == "text/event-stream"
        lines = (await response.text()).splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["one", "two"]


async def test_a_repeated_message_id_takes_effect_once(client, inbox):
    for _ in range(3):
        async with client.post(WEBHOOK, json={"sender": "a", "message": "hi", "message_id": "m1"}) as response:
            assert [message["text"] for message in await response.json()] == ["Hello"]
    for _ in range(2):
        await client.post(WEBHOOK, json={"sender": "a", "message": "hi"})
    assert len(inbox.inbounds) == 3


@pytest.mark.parametrize(
    ("data", "status", "says"),
    [
        (b'{"message": "x"', 400, "not JSON"),
        (b'{"message": "\xff\xfe"}', 400, "not UTF-8"),
        (b'{"message": 3}', 400, "'message' must be a string"),
        (b"[1]", 400, "JSON object"),
        (b"", 400, "not JSON"),
        (b'{"message": "' + b"x" * 1_000_000 + b'"}', 413, "too large"),
    ],
)
async def test_bad_bodies(client, inbox, data, status, says):
    async with client.post(WEBHOOK, data=data) as response:
        body = await response.json()
        assert (response.status, body["status"]) == (status, "failure")
        assert says in body["message"]
    assert not inbox.inbounds


async def test_a_body_of_unknown_length_is_cut_off(client, inbox):
    async def chunks():
        for _ in range(100):
            yield b"x" * 10_000

    async with client.post(WEBHOOK, data=chunks()) as response:
        assert response.status == 413
    assert not inbox.inbounds


async def test_health(client):
    async with client.get("/webhooks/rest/") as response:
        assert await response.json() == {"status": "ok"}

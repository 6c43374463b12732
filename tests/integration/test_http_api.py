"""Rasa's HTTP API and the agents' routes on a real server."""

import pytest
from aiohttp.test_utils import TestClient, TestServer
from channel_fakes import TOKEN, FakeDesk, FakeInbox, application

from bot.channels.metrics import Metrics
from bot.channels.registry import configure
from bot.errors import LogTrimmed, ModelsBusy, ReleaseError, StoreUnavailable
from bot.messages import LogFrame, Reply


@pytest.fixture
def inbox():
    return FakeInbox()


@pytest.fixture
def desk():
    return FakeDesk()


@pytest.fixture
async def client(inbox, desk):
    channels = configure({}, inbox=inbox, metrics=Metrics()).all
    server = TestServer(application(inbox, desk, channels))
    async with TestClient(server, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


async def call(client, method, path, body=None, status=200):
    async with client.request(method, path, json=body) as response:
        assert response.status == status, await response.text()
        return await response.json()


async def test_version_and_status(client):
    assert set(await call(client, "GET", "/version")) == {"version", "minimum_compatible_version"}
    status = await call(client, "GET", "/status")
    assert (status["model_id"], status["model_file"], status["num_active_training_jobs"]) == ("r1", "models/r1", 0)


async def test_parse(client):
    parse = await call(client, "POST", "/model/parse", {"text": "上海"})
    assert parse["intent"] == {"name": "greet", "confidence": 0.9}
    assert parse["intent_ranking"] == [{"name": "greet", "confidence": 0.9}]
    assert parse["entities"] == [{"entity": "city", "value": "上海", "start": 0, "end": 2}]
    await call(client, "POST", "/model/parse", {"text": 3}, status=400)


async def test_explain(client, desk):
    parse = await call(client, "POST", "/model/parse", {"text": "上海"})
    explained = await call(client, "POST", "/model/explain", {"text": "上海"})
    assert explained == {**parse, "explanation": {"verdict": "accepted"}}
    assert (await call(client, "POST", "/model/explain", {"text": "/greet"}))["explanation"] is None
    await call(client, "POST", "/model/explain", {"text": 3}, status=400)
    for error, status, reason in (
        (ModelsBusy("4 messages wait"), 503, "ModelsBusy"),
        (ReleaseError("no examples"), 409, "LoadingError"),
    ):
        desk.error = error
        assert (await call(client, "POST", "/model/explain", {"text": "hi"}, status))["reason"] == reason


async def test_tracker(client):
    tracker = await call(client, "GET", "/conversations/a%2Fb%20c/tracker?include_events=ALL&until=5.5")
    assert tracker == {"sender_id": "a/b c", "events": "ALL", "until": 5.5}
    assert (await call(client, "GET", "/conversations/a/tracker"))["events"] == "AFTER_RESTART"
    for query in ("include_events=SOME", "until=yesterday"):
        await call(client, "GET", f"/conversations/a/tracker?{query}", status=400)


async def test_an_agent_answers_once_and_the_bot_resumes(client, inbox):
    words = {"text": "您好，我是小王", "agent": "wang", "message_id": "m1"}
    assert (await call(client, "POST", "/conversations/telegram:7/agent", words, 202))["status"] == "queued"
    assert (await call(client, "POST", "/conversations/telegram:7/agent", words, 202))["status"] == "dup"
    await call(client, "POST", "/conversations/telegram:7/resume", status=202)
    said, resumed = inbox.inbounds
    assert (said.kind, said.text, said.sender_id, said.conversation_id) == (
        "agent",
        words["text"],
        "wang",
        "telegram:7",
    )
    assert (resumed.kind, resumed.conversation_id) == ("resume", "telegram:7")
    await call(client, "POST", "/conversations/a/agent", {"text": "  "}, 400)


async def test_who_changed_a_conversation_is_recorded_but_not_what_was_said(client, desk):
    words = {"text": "your secret", "agent": "wang", "message_id": "m1"}
    await call(client, "POST", "/conversations/李雷/agent", words, 202)
    await call(client, "POST", "/conversations/a/agent", {"text": " "}, 400)  # nothing was done
    await call(client, "POST", "/conversations/李雷/resume", {"agent": "wang"}, 202)
    await call(client, "POST", "/conversations/b/resume", status=202)
    await call(client, "POST", "/conversations/b/tracker/events", {"event": "restart"})
    await call(client, "POST", "/conversations/b/trigger_intent", {"name": "greet", "entities": {"x": "secret"}})
    assert desk.recorded == [
        ("wang", "conversation.agent", "李雷", {"message_id": "m1"}),
        ("wang", "conversation.resume", "李雷", None),
        ("api", "conversation.resume", "b", None),
        ("api", "conversation.events", "b", None),
        ("api", "conversation.trigger_intent", "b", {"intent": "greet"}),
    ]


async def test_what_cannot_be_recorded_is_not_done(client, desk, inbox):
    desk.error = StoreUnavailable("the audit log cannot be written")
    for path, body in (("agent", {"text": "x"}), ("resume", None), ("tracker/events", {"event": "restart"})):
        await call(client, "POST", f"/conversations/a/{path}", body, 503)
    assert inbox.inbounds == []


async def test_an_agent_is_told_when_nothing_was_taken(client, inbox):
    inbox.busy = True
    assert (await call(client, "POST", "/conversations/a/agent", {"text": "x"}, 503))["reason"] == "StoreBusy"


async def test_events_are_appended(client, inbox):
    for body in ({"event": "restart"}, [{"event": "slot", "name": "a", "value": 1}]):
        await call(client, "POST", "/conversations/a/tracker/events", body)
    assert [inbound.metadata["events"] for inbound in inbox.inbounds] == [
        [{"event": "restart"}],
        [{"event": "slot", "name": "a", "value": 1}],
    ]
    for body in ([], {"name": "a"}, "restart", [3]):
        await call(client, "POST", "/conversations/a/tracker/events", body, 400)


async def test_an_intent_is_triggered(client, inbox):
    result = await call(client, "POST", "/conversations/a/trigger_intent", {"name": "greet", "entities": {"x": 1}})
    assert result["messages"] == [{"recipient_id": "a", "text": "Hello"}]
    assert result["tracker"]["sender_id"] == "a"
    assert inbox.inbounds[0].metadata == {"name": "greet", "entities": {"x": 1}}
    await call(client, "POST", "/conversations/a/trigger_intent", {"name": "unknown"}, 404)


@pytest.mark.parametrize(
    ("conversation", "query", "channel"),
    [
        ("ann", "", "rest"),
        ("telegram:7", "", "telegram"),
        ("web-0123", "?output_channel=latest", "web"),
        ("ann", "?output_channel=callback", "callback"),
    ],
)
async def test_an_intent_is_triggered_where_the_customer_is(client, inbox, conversation, query, channel):
    await call(client, "POST", f"/conversations/{conversation}/trigger_intent{query}", {"name": "greet"})
    assert inbox.inbounds[0].channel == channel


async def test_the_log(client, inbox):
    reply = Reply(id="a/1/0", text="Hello", author="agent")
    inbox.frames = [
        LogFrame(seq=1, type="user", id="u1", at=1.0, text="hi"),
        LogFrame(seq=2, type="agent", id="a/1/0", at=2.0, reply=reply),
    ]
    assert await call(client, "GET", "/conversations/a/log?after=1") == [
        {"seq": 2, "type": "agent", "id": "a/1/0", "at": 2.0, "messages": [{"text": "Hello"}], "author": "agent"}
    ]
    await call(client, "GET", "/conversations/a/log?after=x", status=400)


async def test_a_log_that_no_longer_reaches_back(client, inbox, monkeypatch):
    async def trimmed(conversation_id, seq):
        raise LogTrimmed(oldest=7)

    monkeypatch.setattr(inbox, "log_after", trimmed)
    assert (await call(client, "GET", "/conversations/a/log", status=410))["reason"] == "LogTrimmed"


async def test_handoffs_and_domain(client):
    assert await call(client, "GET", "/handoffs") == [{"conversation_id": "ann", "channel": "rest", "since": 5.0}]
    assert await call(client, "GET", "/domain") == {"intents": ["greet"]}


async def test_another_release(client):
    assert (await call(client, "PUT", "/model", {"release": "r2"}))["model_id"] == "r2"
    assert (await call(client, "PUT", "/model", {"model_file": "r3"}))["model_id"] == "r3"
    assert (await call(client, "PUT", "/model", {"release": "torn"}, 409))["reason"] == "LoadingError"
    await call(client, "PUT", "/model", {}, 400)
    assert (await call(client, "GET", "/status"))["model_id"] == "r3"


async def test_metrics(client):
    await call(client, "GET", "/status")
    async with client.get("/metrics") as response:
        text = await response.text()
    assert 'kefu_http_requests_total{method="GET",route="/status",status="200"} 1.0' in text
    assert "kefu_store_up 1.0" in text

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
        return await response.json() if response.status != 204 else None


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


async def test_events_are_replaced(client, inbox):
    for body in ([{"event": "restart"}], []):
        await call(client, "PUT", "/conversations/a/tracker/events", body)
    assert [inbound.metadata for inbound in inbox.inbounds] == [
        {"events": [{"event": "restart"}], "replace": True},
        {"events": [], "replace": True},
    ]
    await call(client, "PUT", "/conversations/a/tracker/events", [{"name": "a"}], 400)


async def test_events_have_an_effect_if_that_is_asked_for(client, inbox):
    at = "/conversations/a/tracker/events?execute_side_effects="
    for wanted in ("true", "false"):
        await call(client, "POST", at + wanted, {"event": "bot", "text": "Psst"})
    assert [inbound.metadata["execute_side_effects"] for inbound in inbox.inbounds] == [True, False]


async def test_a_repeated_idempotency_key_takes_effect_once(client, inbox):
    for _ in range(2):
        headers = {"Idempotency-Key": "k1"}
        async with client.post("/conversations/a/tracker/events", json={"event": "restart"}, headers=headers) as again:
            assert again.status == 200
    assert len(inbox.inbounds) == 1


async def test_a_story_of_a_conversation(client):
    for query, told in (("", "a/b False None"), ("?all_sessions=true&until=5", "a/b True 5.0")):
        async with client.get(f"/conversations/a/b/story{query}") as response:
            assert (await response.text(), response.content_type) == (told, "text/plain")
    assert (await call(client, "GET", "/conversations/nobody/story", status=404))["reason"] == "NotFound"


async def test_what_comes_next(client):
    foretold = await call(client, "POST", "/conversations/a/predict?include_events=none")
    assert [score["action"] for score in foretold["scores"]] == ["utter_b", "action_listen", "utter_a"]
    assert (foretold["policy"], foretold["confidence"], foretold["tracker"]["events"]) == ("RulePolicy", 0.9, "NONE")
    await call(client, "POST", "/conversations/nobody/predict", status=404)
    after = await call(client, "POST", "/model/predict", [{"event": "restart"}])
    assert [score["action"] for score in after["scores"]] == ["action_listen", "utter_b", "utter_a"]
    await call(client, "POST", "/model/predict", [{"name": "a"}], 400)


async def test_an_action_is_executed(client, inbox):
    body = {"name": "utter_greet", "policy": "by hand", "confidence": 0.5, "more": 1}
    answer = await call(client, "POST", "/conversations/a/execute", body)
    assert (answer["messages"][0]["text"], answer["tracker"]["sender_id"]) == ("Hello", "a")
    (inbound,) = inbox.inbounds
    assert (inbound.kind, inbound.metadata) == ("action", {key: body[key] for key in ("name", "policy", "confidence")})
    for conversation, name, status in (("a", "utter_x", 404), ("nobody", "utter_greet", 404), ("a", None, 400)):
        await call(client, "POST", f"/conversations/{conversation}/execute", {"name": name}, status)


async def test_a_message_is_noted(client, inbox):
    parsed = {"intent": {"name": "greet", "confidence": 1.0}}
    await call(client, "POST", "/conversations/a/messages", {"text": "hi", "sender": "user", "parse_data": parsed})
    await call(client, "POST", "/conversations/a/messages", {"text": "hi", "sender": "user"})
    assert [(i.kind, i.text, i.metadata) for i in inbox.inbounds] == [
        ("log", "hi", {"parse_data": parsed}),
        ("log", "hi", {}),
    ]
    for body in ({"text": "hi", "sender": "bot"}, {"text": "hi"}, {"sender": "user"}):
        await call(client, "POST", "/conversations/a/messages", body, 400)


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


@pytest.mark.parametrize("query", ["include_events=SOME", "until=yesterday"])
@pytest.mark.parametrize(
    ("method", "route", "body"),
    [
        ("POST", "tracker/events", {"event": "pause"}),
        ("PUT", "tracker/events", {"event": "pause"}),
        ("POST", "execute", {"name": "utter_greet"}),
        ("POST", "trigger_intent", {"name": "greet"}),
        ("POST", "messages", {"text": "hi", "sender": "user"}),
    ],
)
async def test_what_is_refused_has_no_effect(client, inbox, desk, query, method, route, body):
    refused = await call(client, method, f"/conversations/a/{route}?{query}", body, 400)
    assert query.partition("=")[0] in refused["message"]
    assert (inbox.inbounds, desk.recorded) == ([], [])


async def test_the_log(client, inbox):
    reply = Reply(id="a/1/0", text="Hello", author="agent")
    inbox.frames = [
        LogFrame(seq=1, type="user", id="u1", at=1.0, text="hi"),
        LogFrame(seq=2, type="agent", id="a/1/0", at=2.0, reply=reply),
    ]
    assert await call(client, "GET", "/conversations/a/log?after=1") == [
        {"seq": 2, "type": "agent", "id": "a/1/0", "at": 2.0, "messages": [{"text": "Hello"}], "author": "agent"}
    ]
    for after in ("x", "-1", "9" * 20, "9" * 5000):
        await call(client, "GET", f"/conversations/a/log?after={after}", status=400)


async def test_a_log_that_no_longer_reaches_back(client, inbox, monkeypatch):
    async def trimmed(conversation_id, seq):
        raise LogTrimmed(oldest=7)

    monkeypatch.setattr(inbox, "log_after", trimmed)
    assert (await call(client, "GET", "/conversations/a/log", status=410))["reason"] == "LogTrimmed"


async def test_handoffs_and_domain(client):
    assert await call(client, "GET", "/handoffs") == [{"conversation_id": "ann", "channel": "rest", "since": 5.0}]
    assert await call(client, "GET", "/domain") == {"intents": ["greet"]}


async def test_questions_that_found_nothing(client):
    for query, count in (("", 30), ("?days=7", 7)):
        told = [{"question": "do you ship to the moon", "count": count}]
        assert await call(client, "GET", f"/knowledge/unanswered{query}") == told
    assert (await call(client, "GET", "/knowledge/unanswered?days=x", status=400))["reason"] == "BadRequest"


async def test_another_release(client):
    for body, running in (
        ({"release": "r2"}, "r2"),
        ({"model_file": "r3"}, "r3"),
        ({"model_file": "models/r4.tar.gz"}, "r4"),  # the name that training gave out
    ):
        assert await call(client, "PUT", "/model", body, 204) is None
        assert (await call(client, "GET", "/status"))["model_id"] == running
    assert (await call(client, "PUT", "/model", {"release": "torn"}, 409))["reason"] == "LoadingError"
    for body in ({}, {"model_server": {"url": "https://models.example"}}, {"model_file": "a", "remote_storage": "aws"}):
        assert (await call(client, "PUT", "/model", body, 400))["reason"] == "BadRequest"


async def test_without_a_release(client):
    await call(client, "DELETE", "/model", status=204)
    assert (await call(client, "GET", "/status", status=409))["reason"] == "Conflict"
    await call(client, "PUT", "/model", {"release": "r2"}, 204)
    assert (await call(client, "GET", "/status"))["model_id"] == "r2"


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        (None, 200, "application/json"),
        ("*/*", 200, "application/json"),
        ("application/json", 200, "application/json"),
        ("application/x-yaml", 200, "application/x-yaml"),
        ("application/yml", 200, "application/x-yaml"),
        ("text/yaml; q=0.9, application/json", 200, "application/x-yaml"),
        ("image/png", 406, "application/json"),
    ],
)
async def test_the_domain_in_the_form_that_is_asked_for(client, accept, status, kind):
    headers = {"Accept": accept} if accept else {}
    async with client.get("/domain", headers=headers) as response:
        assert (response.status, response.content_type) == (status, kind)
        assert "greet" in (await response.text()) or status == 406


async def test_parses_as_other_services_write_them(client):
    shapes = {}
    for mode in ("wit", "LUIS", "DIALOGFLOW"):
        shapes[mode] = await call(client, "POST", f"/model/parse?emulation_mode={mode}", {"text": ["上海"]})
    assert shapes["wit"]["intents"] == [{"name": "greet", "confidence": 0.9}]
    assert shapes["wit"]["entities"]["city:city"][0]["body"] == "上海"
    prediction = shapes["LUIS"]["prediction"]
    assert (prediction["topIntent"], prediction["intents"]) == ("greet", {"greet": {"score": 0.9}})
    assert (prediction["entities"]["city"], prediction["entities"]["$instance"]["city"][0]["length"]) == (["上海"], 2)
    result = shapes["DIALOGFLOW"]["queryResult"]
    assert (result["action"], result["parameters"], result["queryText"]) == ("greet", {"city": ["上海"]}, "上海")
    await call(client, "POST", "/model/parse?emulation_mode=ALEXA", {"text": "hi"}, 400)


async def test_metrics(client):
    await call(client, "GET", "/status")
    async with client.get("/metrics") as response:
        text = await response.text()
    assert 'kefu_http_requests_total{method="GET",route="/status",status="200"} 1.0' in text
    assert "kefu_store_up 1.0" in text

"""What every request passes, on a real server: who may call what, headers, limits, errors, logs."""

import io
import json
import logging

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from channel_fakes import TOKEN, FakeDesk, FakeInbox, FakeWorkshop, application

from bot.channels.access_log import OURS, configure_logging
from bot.channels.desk import Health
from bot.channels.jwt_key import JwtKey
from bot.channels.metrics import Metrics
from bot.channels.registry import configure
from bot.errors import ModelsBusy, StoreBusy, StoreUnavailable

CREDENTIALS = {
    "callback": {"url": "http://127.0.0.1:9/"},
    "socketio": {},
    "telegram": {
        "access_token": "123456:AAbbCCddEEffGGhhIIjjKKll",
        "verify": "ShopBot",
        "webhook_url": "https://shop.example/webhooks/telegram/webhook",
    },
}

# Every route there is, with what a caller without a token gets. A new route fails the test until it stands here.
MATRIX = {
    ("GET", "/version"): 200,
    ("GET", "/health"): 200,
    ("GET", "/ready"): 200,
    ("GET", "/webhooks/rest/"): 200,
    ("POST", "/webhooks/rest/webhook"): 200,
    ("GET", "/webhooks/callback/"): 200,
    ("POST", "/webhooks/callback/webhook"): 200,
    ("GET", "/webhooks/socketio/"): 200,
    ("GET", "/socket.io/"): 400,  # no Engine.IO
    ("POST", "/socket.io/"): 400,
    ("GET", "/webhooks/telegram/"): 200,
    ("POST", "/webhooks/telegram/webhook"): 401,
    ("POST", "/webhooks/telegram/webhook/{secret}"): 401,
    ("GET", "/status"): 401,
    ("GET", "/metrics"): 401,
    ("GET", "/domain"): 401,
    ("POST", "/model/parse"): 401,
    ("POST", "/model/explain"): 401,
    ("POST", "/model/predict"): 401,
    ("POST", "/model/train"): 401,
    ("POST", "/model/test/stories"): 401,
    ("POST", "/model/test/intents"): 401,
    ("PUT", "/model"): 401,
    ("DELETE", "/model"): 401,
    ("GET", "/handoffs"): 401,
    ("GET", "/knowledge/unanswered"): 401,
    ("GET", "/conversations/{id}/tracker"): 401,
    ("GET", "/conversations/{id}/log"): 401,
    ("POST", "/conversations/{id}/tracker/events"): 401,
    ("PUT", "/conversations/{id}/tracker/events"): 401,
    ("GET", "/conversations/{id}/story"): 401,
    ("POST", "/conversations/{id}/execute"): 401,
    ("POST", "/conversations/{id}/predict"): 401,
    ("POST", "/conversations/{id}/messages"): 401,
    ("POST", "/conversations/{id}/trigger_intent"): 401,
    ("POST", "/conversations/{id}/agent"): 401,
    ("POST", "/conversations/{id}/resume"): 401,
}
CLOSED = [route for route, status in MATRIX.items() if status == 401 and "telegram" not in route[1]]
OWN = {route for route in CLOSED if "{id}" in route[1]} - {
    ("GET", "/conversations/{id}/log"),
    ("POST", "/conversations/{id}/agent"),
    ("POST", "/conversations/{id}/resume"),
}
"""What the one whom a conversation belongs to may do with it."""

JWT = JwtKey.read("a secret of the tests, long enough for SHA-512, which wants 64 bytes"[:64], "HS256", name="test")
BODY = {"text": "hi", "name": "greet", "sender": "user", "release": "r2", "event": "restart"}


async def explode(request):
    raise RuntimeError((await request.read()).decode())


@pytest.fixture
def inbox():
    return FakeInbox()


@pytest.fixture
def desk():
    return FakeDesk()


@pytest.fixture
def workshop(tmp_path):
    return FakeWorkshop(folder=tmp_path)


@pytest.fixture
async def client(inbox, desk, workshop):
    channels = configure(CREDENTIALS, inbox=inbox, metrics=Metrics()).all
    extra = [web.post("/explode", explode)]
    app = application(inbox, desk, channels, extra_routes=extra, jwt=JWT, workshop=workshop, cors_origins=["https://a"])
    async with TestClient(TestServer(app)) as client:
        yield client


def address(path):
    return path.replace("{id}", "ann").replace("{secret}", "x")


def test_the_matrix_lists_every_route(client):
    routes = {(route.method, route.resource.canonical) for route in client.server.app.router.routes()}
    assert {route for route in routes if route[0] != "HEAD"} - {("POST", "/explode")} == set(MATRIX)


@pytest.mark.parametrize("route", MATRIX)
async def test_without_a_token(client, route):
    async with client.request(route[0], address(route[1]), json={"sender": "a", "message": "hi"}) as response:
        assert response.status == MATRIX[route]


@pytest.mark.parametrize("route", CLOSED)
@pytest.mark.parametrize("headers", [{"Authorization": "Bearer wrong-token-0123456789"}, {"Authorization": TOKEN}])
async def test_with_a_wrong_token(client, route, headers):
    async with client.request(route[0], address(route[1]), headers=headers) as response:
        body = await response.json()
        assert (response.status, body["reason"], body["code"]) == (401, "NotAuthenticated", 401)
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert TOKEN not in json.dumps(body)


@pytest.mark.parametrize("route", CLOSED)
async def test_with_the_token(client, route):
    await called(client, route, allowed=True, query=f"?token={TOKEN}")


async def called(client, route, *, allowed, query="", **headers):
    body = BODY | {"name": "utter_greet"} if route[1].endswith("execute") else BODY
    async with client.request(route[0], f"{address(route[1])}{query}", json=body, headers=headers) as response:
        if allowed:
            assert response.status in (200, 202, 204), await response.text()
        else:
            assert (response.status, (await response.json())["reason"]) == (403, "NotAuthorized")


def bearer(**user):
    return {"Authorization": f"Bearer {jwt.encode({'user': user}, JWT.key, 'HS256')}"}


@pytest.mark.parametrize("route", CLOSED)
async def test_with_a_jwt(client, route):
    await called(client, route, allowed=True, **bearer(username="kim", role="admin"))
    await called(client, route, allowed=route in OWN, **bearer(username="ann", role="user"))
    for user in ({"username": "bob", "role": "user"}, {"role": "user"}, {"username": "ann"}, {"role": "root"}):
        await called(client, route, allowed=False, **bearer(**user))


async def test_a_jwt_opens_the_conversation_of_its_user_alone(client):
    """Ids with slashes included: the address is taken apart once."""
    for conversation, status in (("a/b", 200), ("a%2Fb", 200), ("a", 403), ("a/b/tracker", 403), ("b", 403)):
        headers = bearer(username="a/b", role="user")
        async with client.get(f"/conversations/{conversation}/tracker", headers=headers) as response:
            assert response.status == status, conversation


@pytest.mark.parametrize(
    "token",
    [
        jwt.encode({"user": {"role": "admin"}}, "another" + JWT.key, "HS256"),
        jwt.encode({"user": {"role": "admin"}}, JWT.key * 2, "HS512"),
        jwt.encode({"user": {"role": "admin"}}, JWT.key, "HS384"),  # right key, another method
        jwt.encode({"user": {"role": "admin"}}, None, "none"),
        jwt.encode({"user": {"role": "admin"}, "exp": 1}, JWT.key, "HS256"),
        jwt.encode({"user": {"role": "admin"}, "nbf": 9999999999}, JWT.key, "HS256"),
        jwt.encode({"user": {"role": "admin"}}, JWT.key, "HS256")[:-1],
        "a.b.c",
        "ä.ö.ü",
        "",
    ],
)
async def test_a_jwt_that_proves_nothing(client, token):
    async with client.get("/status", headers={"Authorization": f"Bearer {token}"}) as response:
        assert (response.status, (await response.json())["reason"]) == (401, "NotAuthenticated")
    async with client.get("/status", params={"token": token}) as response:
        assert response.status == 401


async def test_a_route_that_is_added_and_forgotten_is_closed(client):
    async with client.post("/explode", data="x") as response:
        assert response.status == 401


SNAPSHOT = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Server": "kefu",
}


@pytest.mark.parametrize("path", ["/version", "/status", "/nothing", f"/metrics?token={TOKEN}"])
async def test_headers_of_every_answer(client, path):
    async with client.get(path) as response:
        assert {name: response.headers.get(name) for name in SNAPSHOT} == SNAPSHOT
        assert len(response.headers["X-Request-Id"]) == 16


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/nothing", 404, "NotFound"),
        ("DELETE", "/version", 405, "MethodNotAllowed"),
        ("GET", "/webhooks/rest/webhook", 405, "MethodNotAllowed"),
        ("POST", "/webhooks/slack/webhook", 404, "NotFound"),
    ],
)
async def test_errors_have_rasas_shape(client, method, path, status, reason):
    async with client.request(method, path) as response:
        body = await response.json()
        assert (response.status, body["code"], body["reason"], body["status"]) == (status, status, reason, "failure")
        assert set(body) == {"version", "status", "message", "reason", "details", "help", "code"}


async def test_an_error_of_ours_tells_nothing(client):
    async with client.post(f"/explode?token={TOKEN}", data="canary") as response:
        text = await response.text()
        assert response.status == 500
        assert "canary" not in text
        assert "Traceback" not in text


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (StoreUnavailable("canary"), 503, "StoreUnavailable"),
        (StoreBusy("canary"), 503, "StoreBusy"),
        (ModelsBusy("canary"), 503, "ModelsBusy"),
        (TimeoutError("canary"), 504, "Timeout"),
    ],
)
async def test_what_may_be_tried_again_says_when(client, inbox, error, status, reason):
    inbox.error = error
    async with client.post("/webhooks/rest/webhook", json={"message": "hi"}) as response:
        assert (response.status, (await response.json())["reason"]) == (status, reason)
        assert int(response.headers["Retry-After"]) > 0
        assert "canary" not in await response.text()


@pytest.mark.parametrize("channel", ["rest", "callback"])
async def test_rate_limits(client, inbox, channel):
    inbox.empty = {"rest"}
    async with client.post(f"/webhooks/{channel}/webhook", json={"sender": "ann", "message": "hi"}) as response:
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 0
    assert inbox.asked == [("rest", "127.0.0.1")]
    assert not inbox.inbounds


async def test_a_foreign_page_is_not_told_and_a_listed_one_is(client):
    for origin, allowed in (("https://a", "https://a"), ("https://b", None), ("null", None)):
        headers = {"Origin": origin}
        async with client.post("/webhooks/rest/webhook", json={"message": "hi"}, headers=headers) as response:
            assert response.headers.get("Access-Control-Allow-Origin") == allowed
        preflight = {**headers, "Access-Control-Request-Method": "POST"}
        async with client.options("/webhooks/rest/webhook", headers=preflight) as response:
            assert response.headers.get("Access-Control-Allow-Origin") == allowed
        async with client.get(f"/domain?token={TOKEN}", headers=headers) as response:
            assert "Access-Control-Allow-Origin" not in response.headers
        async with client.options("/model", headers=preflight) as response:
            assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("health", "path", "status"),
    [
        (Health(ready=True, store_up=True, store=""), "/ready", 200),
        (Health(ready=False, store_up=True, store=""), "/ready", 503),
        (Health(ready=True, store_up=False, store=""), "/ready", 503),
        (Health(ready=True, store_up=True, store="", draining=True), "/ready", 503),
        (Health(ready=False, store_up=False, store=""), "/health", 200),  # alive all the same
    ],
)
async def test_probes(client, desk, health, path, status):
    desk.state = health
    async with client.get(path) as response:
        assert response.status == status


@pytest.fixture
def log_lines():
    """Everything logged at DEBUG, through the program's own set-up."""
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, (*OURS, "aiohttp.access"))]
    before = [(logger, logger.level, logger.disabled) for logger in loggers]
    handlers, stream = root.handlers[:], io.StringIO()
    configure_logging(level="DEBUG", stream=stream)
    root.setLevel(logging.DEBUG)
    yield stream.getvalue
    root.handlers[:] = handlers
    for logger, level, disabled in before:
        logger.setLevel(level)
        logger.disabled = disabled


async def test_no_log_line_holds_what_was_said(client, inbox, log_lines):
    said = {"sender": "canary-ann", "message": "canary 我的密码", "metadata": {"k": "canary"}}
    for path in ("/webhooks/rest/webhook", "/webhooks/callback/webhook", f"/explode?token={TOKEN}"):
        for body in (said, "canary"):
            await (await client.post(path, json=body, headers={"X-Request-Id": "canary"})).read()
    for path in ("/canary", "/conversations/canary/tracker?token=canary", f"/model/parse?token={TOKEN}"):
        await (await client.post(path, json={"text": "canary"})).read()
    inbox.error = StoreUnavailable("canary")
    await (await client.post("/webhooks/rest/webhook", json={"message": "canary"})).read()
    requests = [line for line in map(json.loads, log_lines().splitlines()) if line["says"] == "request"]
    assert len(requests) == 10
    assert {line["route"] for line in requests} >= {"/webhooks/rest/webhook", "/explode", "unknown"}
    assert "RuntimeError" in log_lines()
    for secret in ("canary", "密码", TOKEN, "127.0.0.1"):
        assert secret not in log_lines()

"""The engine with a real rasa-sdk action server, and with servers that answer as none should."""

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from engine_parts import Conversation, FakeModels, conversation, project

from bot.actions import http
from bot.actions.http import Breaker, JsonEndpoint, trust
from bot.actions.server import HttpActionServer
from bot.actions.speaker import NlgServer
from bot.dialogue.events import BotUttered
from bot.dialogue.parse import Json
from bot.dialogue.project import Endpoint
from bot.dialogue.tracker import Tracker
from bot.errors import (
    ActionDomainMissing,
    ActionFailed,
    ActionGarbled,
    ActionRejected,
    ActionTimeout,
    ActionUnknown,
    ActionUnreachable,
)

ACTIONS = Path(__file__).parent / "action_server"
BOOKING = """
intents: [book, inform, echo, pause, reject, crash, sleep, missing, affirm]
entities: [seats, city]
slots:
  seats: {type: any, influence_conversation: false, mappings: [{type: from_entity, entity: seats}]}
  city: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: city}]}
  phone: {type: text, influence_conversation: false, mappings: [{type: custom}]}
forms:
  booking_form: {required_slots: [seats, city]}
actions:
- validate_booking_form
- action_validate_slot_mappings
- action_echo
- action_pause
- action_reject
- action_crash
- action_sleep
- action_missing
responses:
  utter_ask_seats: [{text: "How many?"}]
  utter_ask_city: [{text: "Where?"}]
  utter_ask_phone: [{text: "Your number?"}]
  utter_bad_seats: [{text: "{given} is not a number from 1 to 8."}]
  utter_booked: [{text: "{seats} seats in {city}, {phone}."}]
  utter_default: [{text: "What?"}]
  utter_action_failed: [{text: "Broken."}]
"""
RULES = """
rules:
- {rule: begin, steps: [{intent: book}, {action: booking_form}, {active_loop: booking_form}]}
- rule: end
  condition: [{active_loop: booking_form}]
  steps:
  - action: booking_form
  - active_loop: null
  - slot_was_set: [{requested_slot: null}]
  - action: utter_booked
- {rule: echo, steps: [{intent: echo}, {action: action_echo}]}
- {rule: pause, steps: [{intent: pause}, {action: action_pause}]}
- {rule: reject, steps: [{intent: reject}, {action: action_reject}]}
- {rule: crash, steps: [{intent: crash}, {action: action_crash}]}
- {rule: sleep, steps: [{intent: sleep}, {action: action_sleep}]}
- {rule: missing, steps: [{intent: missing}, {action: action_missing}]}
"""
FAILED = ["Broken."]


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with rasa_sdk() as port:
        yield f"http://127.0.0.1:{port}/webhook"


@contextmanager
def rasa_sdk(*options: str, trusting: ssl.SSLContext | None = None) -> Iterator[int]:
    """The SDK's own server on a port of its own."""
    port = free_port()
    command = [sys.executable, "-m", "rasa_sdk", "--actions", "booking_actions", "--port", str(port), *options]
    environment = {**os.environ, "SANIC_HOST": "127.0.0.1", "PYTHONPATH": str(ACTIONS)}
    with subprocess.Popen(
        command, cwd=ACTIONS, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_until_healthy(f"{'https' if trusting else 'http'}://127.0.0.1:{port}/health", process, trusting)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], trusting: ssl.SSLContext | None) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2, context=trusting):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the action server did not start (exit code {process.poll()})")


@asynccontextmanager
async def talk(
    url: str, *, domain: str = BOOKING, customer: str = "anna", trusting: ssl.SSLContext | None = None, **options: Json
) -> AsyncIterator[Conversation]:
    server = HttpActionServer.of(Endpoint(url=url, options=options), trust=trusting)
    try:
        yield conversation(project(domain, RULES), FakeModels(), actions=server, customer=customer)
    finally:
        await server.close()


FORM_SCRIPTS = {
    "a wrong number, then a right one": [
        ("/book", ["How many?"]),
        ('/inform{"seats": "99"}', ["99 is not a number from 1 to 8.", "How many?"]),
        ('/inform{"seats": "4"}', ["Where?"]),
        ('/inform{"city": "rome"}', ["4 seats in Rome, None."]),
    ],
    "what is known beforehand is validated at the beginning": [
        ('/book{"seats": "99", "city": "bonn"}', ["99 is not a number from 1 to 8.", "How many?"]),
        ('/inform{"seats": "2"}', ["2 seats in Bonn, None."]),
    ],
    "a slot that the validator adds, and fills itself": [
        ('/book{"seats": "7", "city": "上海"}', ["Your number?"]),
        ("+49 30 123", ["7 seats in 上海, +49 30 123."]),
    ],
    "an invalid slot outside of the form's own validation": [
        ('/book{"seats": "2", "city": "Atlantis"}', ["Where?"]),
        ('/inform{"city": "Paris"}', ["2 seats in Paris, None."]),
    ],
    "a message that gives no slot is rejected, and the form stays": [
        ("/book", ["How many?"]),
        ("blah", ["What?"]),
        ('/inform{"seats": "1", "city": "Rome"}', ["1 seats in Rome, None."]),
    ],
}


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("script", FORM_SCRIPTS.values(), ids=FORM_SCRIPTS)
async def test_form_with_validation(server_url, script, compress):
    async with talk(server_url, compress=compress) as anna:
        for said, replies in script:
            assert await anna.says(said) == replies, said


async def test_what_an_action_sees_and_says(server_url):
    async with talk(server_url) as anna:
        result = await anna.send('/echo{"city": "köln"}')
    first, second, third = result.replies
    assert first.text == 'anna/1/action_echo/0 9 /echo{"city": "köln"}'
    assert [(button.title, button.payload) for button in second.buttons] == [("Yes", "/affirm")]
    assert (third.custom, third.image, third.attachment) == ({"kind": "card"}, "https://x.example/a.png", None)
    assert anna.tracker.slots["city"] == "Köln"


@pytest.mark.parametrize(
    ("said", "replies", "error"),
    [
        ("/reject", ["What?"], "action_rejected"),
        ("/missing", FAILED, "action_unknown"),
        ("/crash", FAILED, "action_failed"),
        ("/sleep", FAILED, "action_timeout"),
    ],
)
async def test_each_failure_has_its_outcome(server_url, said, replies, error):
    async with talk(server_url, timeout=2) as anna:
        result = await anna.send(said)
        assert [reply.text for reply in result.replies] == replies
        assert [action["error"] for action in result.record.actions if "error" in action] == [error]
        assert await anna.says("/book") == ["How many?"]  # and the conversation goes on


async def test_an_action_pauses_the_bot(server_url):
    async with talk(server_url) as anna:
        assert (await anna.send("/pause")).status == "handoff"
        assert await anna.says("/book") == []


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        (b"null", 400, {"error": "Invalid body request"}),  # ActionFailed: no action that rejects says so
        (b"{}", 200, None),  # ActionGarbled
        (
            b'{"next_action": "action_echo"}',
            500,
            {"error": "'tracker'", "request_body": {"next_action": "action_echo"}},
        ),
    ],
)
async def test_what_the_sdk_says_to_a_bad_request(server_url, body, status, answer):
    endpoint = JsonEndpoint(Endpoint(url=server_url))
    got = await endpoint.post(body)
    await endpoint.close()
    assert (got.status, got.body, got.is_json) == (status, answer, True)


async def test_a_server_that_lacks_the_domain_is_sent_it(server_url):
    """With Rasa's ``enable_selective_domain`` the SDK answers 449 until it has the domain of this digest."""
    domain = BOOKING.replace("[book, ", "[new, book, ")
    async with talk(server_url, domain=domain, enable_selective_domain=True) as anna:
        for _ in range(2):
            assert (await anna.send("/echo")).replies[0].text.split()[1] == "10", "intents that the action saw"
        for said, replies in FORM_SCRIPTS["a slot that the validator adds, and fills itself"]:
            assert await anna.says(said) == replies


async def test_a_customer_of_any_name_has_a_key_that_a_header_can_hold(server_url):
    async with talk(server_url, customer="李\r\nX: y\ud800") as anna:
        key = (await anna.send("/echo")).replies[0].text.split()[0]
    assert key == "%E6%9D%8E%0D%0AX:%20y%3F/1/action_echo/0"


async def test_server_down(monkeypatch):
    monkeypatch.setattr(http, "RETRY_PAUSES_S", (0.01, 0.02))
    async with talk(f"http://127.0.0.1:{free_port()}/webhook") as anna:
        result = await anna.send("/echo")
        assert [reply.text for reply in result.replies] == FAILED
        assert "action_unreachable" in [action.get("error") for action in result.record.actions]


# --- servers that answer as none should ---


@asynccontextmanager
async def serving(handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/webhook", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
    finally:
        await runner.cleanup()


def responding(status: int, body: str):
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    return handle


async def call(endpoint: JsonEndpoint):
    assistant = project(BOOKING, RULES)
    server = HttpActionServer(endpoint)
    try:
        tracker = Tracker.start("anna", assistant.domain)
        return await server.run("action_x", tracker, assistant.domain, idempotency_key="anna/1/0")
    finally:
        await server.close()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, '{"error": "no", "action_name": "action_x"}', ActionRejected),
        (400, '{"error": "Invalid body request"}', ActionFailed),  # a bad request is no rejection
        (404, '{"error": "no", "action_name": "action_x"}', ActionUnknown),
        (404, "<h1>Not Found</h1>", ActionUnknown),
        (449, '{"error": "domain", "action_name": "action_x"}', ActionDomainMissing),
        (500, "oops", ActionFailed),
        (503, "", ActionFailed),
        (200, "<html>", ActionGarbled),
        (200, "", ActionGarbled),
        (200, "null", ActionGarbled),
        (200, "[]", ActionGarbled),
        (200, "[" * 60_000, ActionGarbled),
        (200, '{"events": {}}', ActionGarbled),
        (200, '{"events": [1]}', ActionGarbled),
        (200, '{"events": [{"event": "levitate"}]}', ActionGarbled),
        (200, '{"events": [{"event": "slot"}]}', ActionGarbled),
        (200, '{"responses": "hello"}', ActionGarbled),
        (200, '{"responses": ["hello"]}', ActionGarbled),
    ],
)
async def test_odd_answers(status, body, error):
    async with serving(responding(status, body)) as url:
        with pytest.raises(error):
            await call(JsonEndpoint(Endpoint(url=url)))


@pytest.mark.parametrize("body", ["{}", '{"events": null, "responses": null}'])
async def test_an_empty_answer_is_a_result(body):
    async with serving(responding(200, body)) as url:
        assert (await call(JsonEndpoint(Endpoint(url=url)))).events == ()


async def test_half_an_emoji_in_an_answer_is_replaced():
    slot = {"event": "slot", "name": "city", "value": "Bonn \ud83d"}
    body = json.dumps({"events": [slot], "responses": [{"text": "ok \ud83d"}]})
    async with serving(responding(200, body)) as url, talk(url) as anna:
        said = {reply.text for reply in (await anna.send("/echo")).replies}
    assert (said, anna.tracker.slots["city"]) == ({"ok \ufffd"}, "Bonn \ufffd")


async def test_what_is_sent():
    seen: list[tuple[dict, bytes, dict]] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append((dict(request.headers), await request.read(), dict(request.query)))
        return web.json_response({}, status=449 if len(seen) == 1 else 200)

    async with serving(handle) as url:
        endpoint = Endpoint(
            url=url, headers={"X-Shop": "kefu"}, basic_auth=("me", "secret"), token="t0ken", params={"a": "b"}
        )
        await call(JsonEndpoint(endpoint))
    headers, raw, query = seen[1]  # the first was answered with 449, and sent again
    body = json.loads(raw)
    assert (headers["Idempotency-Key"], headers["X-Shop"]) == ("anna/1/0", "kefu")
    assert headers["Authorization"].startswith("Basic ")
    assert query == {"a": "b", "token": "t0ken"}
    assert body["domain"]["forms"] == {"booking_form": {"required_slots": ["seats", "city"]}}
    assert len(body["domain_digest"]) == 64
    assert (body["next_action"], body["sender_id"], body["version"]) == ("action_x", "anna", "3.6.21")
    assert body["tracker"]["latest_message"]["metadata"]["idempotency_key"] == "anna/1/0"


DOMAIN_ASKED = """
actions: [action_x, {action_y: {send_domain: true}}, {validate_z: {send_domain: false}}, validate_form]
intents: [greet]
"""


@pytest.mark.parametrize(
    ("action", "knows", "sent"),
    [
        ("action_y", False, [True]),
        ("validate_form", False, [True]),
        ("action_x", True, [False]),
        ("action_x", False, [False, True]),  # 449, then once more with the domain
        ("validate_z", False, [False, True]),
    ],
)
async def test_the_domain_goes_only_where_it_is_wanted(action, knows, sent):
    seen: list[tuple[dict, str]] = []

    async def handle(request: web.Request) -> web.Response:
        body = await request.json()
        seen.append((body, request.headers["Idempotency-Key"]))
        return web.json_response({}, status=200 if knows or "domain" in body else 449)

    domain = project(DOMAIN_ASKED).domain
    async with serving(handle) as url:
        server = HttpActionServer.of(Endpoint(url=url, options={"enable_selective_domain": True}))
        await server.run(action, Tracker.start("anna", domain), domain, idempotency_key="k")
        await server.close()
    assert ["domain" in body for body, _ in seen] == sent
    assert len({body["domain_digest"] for body, _ in seen}) == 1
    assert {key for _, key in seen} == {"k"}


async def test_an_answer_of_an_older_sdk():
    """``template`` for ``response``, ``form`` for ``active_loop``, and only the keys that say something."""
    words = {"template": "utter_bad_seats", "given": "x", "extra": "", "buttons": [{"title": "1", "payload": "/a"}]}
    events = [{"event": "form", "name": None, "timestamp": None}, {"event": "slot", "name": "city", "value": "Bonn"}]

    async def handle(request: web.Request) -> web.Response:
        asked = (await request.json())["next_action"] == "action_echo"
        return web.json_response({"events": events, "responses": [words, {"template": "utter_gone"}]} if asked else {})

    async with serving(handle) as url, talk(url) as anna:
        result = await anna.send("/echo")
    [reply] = result.replies
    assert (reply.text, [button.payload for button in reply.buttons]) == ("x is not a number from 1 to 8.", ["/a"])
    [said] = [event for event in result.events if isinstance(event, BotUttered)]
    assert said.metadata == {"utter_action": "utter_bad_seats", "given": "x"}
    assert anna.tracker.slots["city"] == "Bonn"
    assert [action["name"] for action in result.record.actions if action.get("error")] == ["utter_gone"]


@pytest.mark.parametrize(("compress", "encoding"), [(True, "deflate"), (False, None)])
async def test_bodies_are_deflated_on_request(compress, encoding):
    seen = []

    async def handle(request: web.Request) -> web.Response:
        seen.append((request.headers.get("Content-Encoding"), (await request.json())["next_action"]))
        return web.json_response({})

    async with serving(handle) as url:
        await call(JsonEndpoint(Endpoint(url=url), compress=compress))
    assert seen == [(encoding, "action_x")]


async def test_calls_are_bounded_and_a_slow_server_is_left_alone():
    running = peak = 0

    async def handle(request: web.Request) -> web.Response:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        try:
            await asyncio.sleep(0.05)
        finally:
            running -= 1
        return web.json_response({})

    async with serving(handle) as url:
        endpoint = JsonEndpoint(Endpoint(url=url), concurrency=2)
        await asyncio.gather(*(endpoint.post(b"{}") for _ in range(8)))
        await endpoint.close()
        assert peak == 2
        impatient = JsonEndpoint(Endpoint(url=url), timeout_s=0.01, breaker=Breaker(limit=2, rest_s=60))
        for error in (ActionTimeout, ActionTimeout, ActionUnreachable):
            with pytest.raises(error):
                await impatient.post(b"{}")
        await impatient.close()


# --- what is tried again ---


async def test_a_server_that_starts_again_meanwhile_is_asked_again(monkeypatch):
    monkeypatch.setattr(http, "RETRY_PAUSES_S", (0.1, 0.2, 0.4))
    port, keys = free_port(), []

    async def handle(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        return web.json_response({})

    async def start_late() -> None:
        await asyncio.sleep(0.2)
        await web.TCPSite(runner, "127.0.0.1", port).start()

    app = web.Application()
    app.router.add_post("/webhook", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        url = f"http://127.0.0.1:{port}/webhook"
        result, _ = await asyncio.gather(call(JsonEndpoint(Endpoint(url=url))), start_late())
    finally:
        await runner.cleanup()
    assert result.events == ()
    assert keys == ["anna/1/0"]


@asynccontextmanager
async def closing_after(answers: int) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that answers so often on a connection, then reads one more request and closes without a word."""
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = len(connections)
        connections.append(0)
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            connections[own] += 1
            if connections[own] > answers:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", connections
    finally:
        server.close()


async def test_a_kept_connection_that_is_closed_costs_no_call():
    async with closing_after(1) as (url, connections):
        endpoint = JsonEndpoint(Endpoint(url=url))
        for _ in range(2):
            assert (await endpoint.post(b"{}")).body == {}
        await endpoint.close()
    assert connections == [2, 1]


async def test_a_request_that_arrived_and_was_dropped_is_not_sent_again():
    async with closing_after(0) as (url, connections):
        endpoint = JsonEndpoint(Endpoint(url=url))
        with pytest.raises(ActionUnreachable):
            await endpoint.post(b"{}")
        await endpoint.close()
    assert connections == [1]


# --- TLS ---


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate for this machine that is its own authority, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("tls")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*made, "-keyout", "key.pem", "-out", "ca.pem"], cwd=folder, check=True, capture_output=True)
    return folder / "ca.pem", folder / "key.pem"


async def test_a_server_with_tls_is_believed_by_its_cafile_alone(certificate):
    cafile, key = certificate
    options = {"cafile": "ca.pem"}
    trusting = trust(Endpoint(url="https://x", options=options), cafile.parent)
    with rasa_sdk("--ssl-certificate", str(cafile), "--ssl-keyfile", str(key), trusting=trusting) as port:
        url = f"https://127.0.0.1:{port}/webhook"
        async with talk(url, trusting=trusting) as anna:
            assert len((await anna.send("/echo")).replies) == 3
        async with talk(url) as bob:
            result = await bob.send("/echo")
    assert [reply.text for reply in result.replies] == FAILED
    [entry] = [action for action in result.record.actions if action["name"] == "action_echo"]
    assert (entry["error"], entry["detail"].rpartition(": ")[2]) == (
        "action_unreachable",
        "ClientConnectorCertificateError",
    )


def test_a_cafile_that_cannot_be_used_is_named(certificate, tmp_path):
    (tmp_path / "words.pem").write_text("no certificate", "utf-8")
    for name in ("missing.pem", "words.pem"):
        with pytest.raises(
            ActionUnreachable, match=rf"endpoints.yml: the cafile .*{name} of https://x: .*; name a file"
        ):
            trust(Endpoint(url="https://x", options={"cafile": name}), tmp_path)


async def test_an_answer_without_end_is_cut_off():
    async with serving(responding(200, "x" * (5 * 1024 * 1024))) as url:
        with pytest.raises(ActionGarbled):
            await call(JsonEndpoint(Endpoint(url=url)))


# --- an NLG server ---


async def test_an_nlg_server_words_the_responses():
    asked: list[dict] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response(
            {"text": f"NLG: {asked[-1]['response']}", "buttons": [{"title": "A", "payload": "/a"}]}
        )

    async with serving(handle) as url:
        speaker = NlgServer(JsonEndpoint(Endpoint(url=url)))
        anna = conversation(project(BOOKING, RULES), FakeModels(), speaker=speaker)
        result = await anna.send("blah")
        await speaker.close()
    assert [(reply.text, reply.buttons[0].payload) for reply in result.replies] == [("NLG: utter_default", "/a")]
    assert asked[0].keys() == {"response", "id", "arguments", "tracker", "channel"}
    assert asked[0]["channel"] == {"name": "rest"}


async def test_where_the_nlg_server_fails_the_domain_speaks():
    async with serving(responding(500, "oops")) as url:
        speaker = NlgServer(JsonEndpoint(Endpoint(url=url)))
        anna = conversation(project(BOOKING, RULES), FakeModels(), speaker=speaker)
        result = await anna.send("blah")
        await speaker.close()
    assert [reply.text for reply in result.replies] == ["What?"]
    errors = [(action["name"], action["error"]) for action in result.record.actions if "error" in action]
    assert ("utter_default", "action_failed") in errors

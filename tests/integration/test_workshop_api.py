"""Training and testing over HTTP: parameters, answers, callbacks, faults. The work itself is done elsewhere."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from channel_fakes import TOKEN, FakeInbox, FakeWorkshop, application

from bot.errors import Faulty, ReleaseError, WorkshopBusy, WorkshopError


@pytest.fixture
def workshop(tmp_path):
    return FakeWorkshop(folder=tmp_path)


@pytest.fixture
async def client(workshop):
    server = TestServer(application(FakeInbox(), workshop=workshop))
    async with TestClient(server, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


@pytest.fixture
async def listener():
    """Somebody who waits for callbacks: a queue of headers and bodies, and its address."""
    heard = asyncio.Queue()

    async def take(request):
        heard.put_nowait((dict(request.headers), await request.read()))
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/done", take)])
    async with TestServer(app) as server:
        yield heard, str(server.make_url("/done"))


async def test_a_release_is_the_answer(client, workshop):
    async with client.post("/model/train", data="nlu: []") as response:
        assert (response.status, response.headers["filename"]) == (200, "r9.tar.gz")
        assert await response.read() == b"release" * 1000
    query = "?save_to_default_model_directory=false&force_training=true&num_threads=2&augmentation=20"
    async with client.post(f"/model/train{query}", data="nlu: []") as response:
        assert response.status == 200
    assert [options for _, options in workshop.asked] == [
        {"keep": True, "force": False, "threads": 1},
        {"keep": False, "force": True, "threads": 2},
    ]


async def test_what_cannot_be_asked_for(client, workshop):
    for path, body in (
        ("/model/train", b""),
        ("/model/train", b"\xff"),
        ("/model/train?num_threads=many", b"nlu: []"),
        ("/model/train?force_training=perhaps", b"nlu: []"),
        ("/model/train?callback_url=ftp://x", b"nlu: []"),
        ("/model/train?callback_url=http://", b"nlu: []"),
        ("/model/train?callback_url=http://%5B", b"nlu: []"),
        ("/model/train?callback_url=http://x:99999", b"nlu: []"),
        (f"/model/train?num_threads={'9' * 5000}", b"nlu: []"),
        ("/model/test/stories", b" "),
        ("/model/test/intents?cross_validation_folds=1", b"nlu: []"),
    ):
        async with client.post(path, data=body) as response:
            assert (response.status, (await response.json())["reason"]) == (400, "BadRequest"), path
    assert workshop.asked == []


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (Faulty("data/data.yml:3: no intent"), 400, "BadRequest"),
        (Faulty("domain.yml:3: no slot", in_domain=True), 400, "InvalidDomainError"),
        (WorkshopError("out of memory", reason="TrainingError"), 500, "TrainingError"),
        (WorkshopBusy("another"), 503, "WorkshopBusy"),
        (ReleaseError("torn"), 409, "LoadingError"),
    ],
)
async def test_what_goes_wrong_is_told(client, workshop, listener, error, status, reason):
    workshop.error = error
    async with client.post("/model/train", data="nlu: []") as response:
        body = await response.json()
        assert (response.status, body["reason"], body["code"]) == (status, reason, status)
    heard, url = listener
    async with client.post("/model/train", params={"callback_url": url}, data="nlu: []") as response:
        assert response.status == 204
    _, told = await asyncio.wait_for(heard.get(), 5)
    assert f'"reason": "{reason}"'.encode() in told


async def test_a_callback_gets_the_answer(client, listener):
    heard, url = listener
    async with client.post("/model/train", params={"callback_url": url}, data="nlu: []") as response:
        assert (response.status, await response.read()) == (204, b"")
    headers, body = await asyncio.wait_for(heard.get(), 5)
    assert (headers["filename"], headers["Content-Type"], body) == ("r9.tar.gz", "application/gzip", b"release" * 1000)
    async with client.post("/model/test/intents", params={"callback_url": url}, data="nlu: []") as response:
        assert response.status == 204
    headers, body = await asyncio.wait_for(heard.get(), 5)
    assert (headers["Content-Type"].split(";")[0], body) == (
        "application/json",
        b'{"text": "nlu: []", "release": null}',
    )


async def test_a_callback_that_nobody_takes_is_logged(client, workshop, caplog):
    async with client.post("/model/train?callback_url=http://127.0.0.1:9/", data="nlu: []") as response:
        assert response.status == 204
    async with asyncio.timeout(5):
        while "did not take the result" not in caplog.text:
            await asyncio.sleep(0.01)


async def test_tests(client):
    for path, answer in (
        ("/model/test/stories", {"text": "a: 1", "is_end_to_end_evaluation": False}),
        ("/model/test/stories?e2e=true", {"text": "a: 1", "is_end_to_end_evaluation": True}),
        ("/model/test/stories?e2e", {"text": "a: 1", "is_end_to_end_evaluation": False}),
        ("/model/test/intents", {"text": "a: 1", "release": None}),
        ("/model/test/intents?model=r2", {"text": "a: 1", "release": "r2"}),
        ("/model/test/intents?cross_validation_folds=3", {"text": "a: 1", "folds": 3}),
    ):
        async with client.post(path, data="a: 1") as response:
            assert await response.json() == answer

"""A Duckling server asked over HTTP: as Rasa asks it, and with every way in which it can fail."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.system_entities import DucklingServer, Settings

AT_S = 1_795_003_200.4
TOMORROW = {
    "body": "tomorrow",
    "start": 8,
    "end": 16,
    "dim": "time",
    "latent": False,
    "value": {"value": "2026-11-19T00:00:00.000+08:00", "grain": "day", "type": "value"},
}
TWO = {"body": "two", "start": 4, "end": 7, "dim": "number", "latent": False, "value": {"value": 2, "type": "value"}}


@asynccontextmanager
async def server(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    """An address where ``POST /parse`` is answered so."""
    app = web.Application()
    app.router.add_post("/parse", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_the_server_is_asked_as_rasa_asks_it():
    forms = []

    async def answer(request: web.Request) -> web.Response:
        assert request.content_type == "application/x-www-form-urlencoded"
        forms.append(dict(await request.post()))
        return web.Response(text=json.dumps([TOMORROW, TWO]), content_type="text/plain")

    async with server(answer) as url:
        settings = Settings(url=url, dimensions=("time",), locale="en_GB", timezone="Asia/Shanghai")
        (entity,) = await DucklingServer(settings).find("for two tomorrow 明天", at_s=AT_S)
        everything = await DucklingServer(Settings(url=f"{url}/"), language="de").find("for two tomorrow", at_s=AT_S)
    assert forms == [
        {
            "text": "for two tomorrow 明天",
            "locale": "en_GB",
            "tz": "Asia/Shanghai",
            "dims": '["time"]',
            "reftime": "1795003200000",
        },
        {"text": "for two tomorrow", "locale": "de", "reftime": "1795003200000"},
    ]
    # dimensions that were not asked for are left out, whatever the server answers
    assert (entity.entity, entity.value, entity.text) == ("time", "2026-11-19T00:00:00.000+08:00", "tomorrow")
    assert entity.additional_info == TOMORROW["value"]
    assert [one.entity for one in everything] == ["number", "time"]


async def _error(_request: web.Request) -> web.Response:
    return web.Response(status=500, text="boom")


async def _no_json(_request: web.Request) -> web.Response:
    return web.Response(text="<html>")


async def _no_matches(_request: web.Request) -> web.Response:
    return web.json_response([{"body": "two"}])


async def _number(_request: web.Request) -> web.Response:
    return web.json_response(5)


async def _nothing(_request: web.Request) -> web.Response:
    return web.json_response([])


async def _late(_request: web.Request) -> web.Response:
    await asyncio.sleep(1)
    return web.json_response([])


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (_error, "answered with status 500"),
        (_no_json, "gave no list of entities"),
        (_no_matches, "gave no list of entities"),
        (_number, "gave no list of entities"),
        (_late, "gave no answer in 0.2 s"),
    ],
)
async def test_what_goes_wrong_is_logged_and_the_turn_goes_on(answer, says, caplog):
    async with server(answer) as url:
        assert await DucklingServer(Settings(url=url, timeout_s=0.2)).find("secret tomorrow", at_s=AT_S) == ()
    assert says in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "no address"])
async def test_a_server_that_is_not_there_is_logged(url, caplog):
    assert await DucklingServer(Settings(url=url)).find("tomorrow", at_s=AT_S) == ()
    assert "cannot be reached" in caplog.text


async def test_of_failures_in_a_row_only_the_first_is_a_warning(caplog):
    answers = [_error, _no_json, _number, _nothing, _error, _error]

    async def next_answer(request: web.Request) -> web.Response:
        return await answers.pop(0)(request)

    async with server(next_answer) as url:
        duckling = DucklingServer(Settings(url=url))
        for _ in range(len(answers)):
            await duckling.find("two", at_s=AT_S)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert ["answered with status 500" in warning for warning in warnings] == [True, True]

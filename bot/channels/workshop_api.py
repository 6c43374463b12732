"""Rasa's HTTP API for training and testing. All of it closed; what takes minutes may answer to a ``callback_url``."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import aiohttp
from aiohttp import web

from bot.channels.bodies import flag, number, read_body, web_address
from bot.channels.failures import failure_of
from bot.channels.workshop import Workshop
from bot.errors import BadRequest

DATA_LIMIT_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
CALLBACK_TIMEOUT = aiohttp.ClientTimeout(total=600, sock_connect=10)

log = logging.getLogger(__name__)


class WorkshopApi:
    """Handlers under ``/model``. ``stop`` ends the jobs that would have answered to a callback."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._jobs: set[asyncio.Task[None]] = set()

    def closed_routes(self) -> Sequence[web.RouteDef]:
        """What needs the token."""
        return [
            web.post("/model/train", self.train),
            web.post("/model/test/stories", self.test_stories),
            web.post("/model/test/intents", self.test_intents),
        ]

    async def stop(self, _: web.Application) -> None:
        """End every job."""
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    async def train(self, request: web.Request) -> web.StreamResponse:
        """Train on a body that is a whole assistant in YAML; the answer is the release as an archive.

        ``?save_to_default_model_directory`` (true) keeps it as well, ``?force_training`` (false) uses nothing of the
        release before, ``?num_threads`` (1); ``?augmentation`` has no effect.
        """
        text, threads = await _text(request), number(request, "num_threads", 1)
        number(request, "augmentation", 50)
        trained = self._workshop.train(
            text,
            keep=flag(request, "save_to_default_model_directory", default=True),
            force=flag(request, "force_training"),
            threads=threads,
        )
        if url := _callback(request):

            async def send() -> None:
                async with trained as archive:
                    await _deliver(url, _chunks(archive), content_type="application/gzip", filename=archive.name)

            return self._later(url, send)
        async with trained as archive:
            response = web.StreamResponse(
                headers={
                    "Content-Type": "application/gzip",
                    "Content-Disposition": f'attachment; filename="{archive.name}"',
                    "filename": archive.name,
                }
            )
            await response.prepare(request)
            async for chunk in _chunks(archive):
                await response.write(chunk)
            await response.write_eof()
            return response

    async def test_stories(self, request: web.Request) -> web.Response:
        """Play a body of test stories in YAML against the release that answers; ``?e2e``."""
        text = await _text(request)
        return web.json_response(await self._workshop.test_stories(text, e2e=flag(request, "e2e")))

    async def test_intents(self, request: web.Request) -> web.Response:
        """Judge NLU examples in YAML by a release (``?model=``), or by ``?cross_validation_folds=``."""
        text, model = await _text(request), request.query.get("model")
        folds = number(request, "cross_validation_folds", 0)
        if "cross_validation_folds" in request.query and folds < 2:
            raise BadRequest("'cross_validation_folds' must be 2 or more")

        async def judged() -> web.Response:
            if folds:
                return web.json_response(await self._workshop.cross_validate(text, folds=folds))
            return web.json_response(await self._workshop.test_intents(text, release=model))

        if url := _callback(request):

            async def send() -> None:
                response = await judged()
                await _deliver(url, response.body, content_type="application/json")

            return self._later(url, send)
        return await judged()

    def _later(self, url: str, send: Callable[[], Awaitable[None]]) -> web.Response:
        """Answer 204 now; what comes of it, or why nothing does, goes to ``url``."""

        async def work() -> None:
            try:
                try:
                    await send()
                except (aiohttp.ClientError, TimeoutError):
                    raise
                except Exception as exc:  # the channel loop: whatever goes wrong, the caller is told
                    await _deliver(url, failure_of(exc).body, content_type="application/json")
            except (aiohttp.ClientError, TimeoutError) as exc:
                log.error("a callback_url did not take the result: %s", type(exc).__name__)

        job = asyncio.create_task(work(), name="workshop-callback")
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return web.Response(status=204)


async def _deliver(url: str, data: object, *, content_type: str, filename: str | None = None) -> None:
    headers = {"Content-Type": content_type, **({"filename": filename} if filename else {})}
    async with (
        aiohttp.ClientSession(timeout=CALLBACK_TIMEOUT) as session,
        session.post(url, data=data, headers=headers, allow_redirects=False, raise_for_status=True),
    ):
        pass


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    """A file in pieces. It is open only while a piece is read: whoever stops in between leaves nothing behind."""
    offset = 0
    while chunk := await asyncio.to_thread(_piece, path, offset):
        yield chunk
        offset += len(chunk)


def _piece(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(CHUNK_BYTES)


async def _text(request: web.Request) -> str:
    raw = await read_body(request, limit_bytes=DATA_LIMIT_BYTES)
    if not raw.strip():
        raise BadRequest("the body is empty; it must be YAML as it stands in the files of an assistant")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadRequest(f"the body is not UTF-8 (byte {exc.start})") from None


def _callback(request: web.Request) -> str | None:
    url = request.query.get("callback_url")
    return web_address(url, "callback_url") if url else None

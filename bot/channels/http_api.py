"""Rasa's HTTP API about the bot as a whole: version, status, health, metrics, parsing, the domain, the release.

Open and closed routes are told apart here, where the routes are written: see ``security.closed``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from aiohttp import web

from bot.channels.bodies import identifier, read_object, string
from bot.channels.desk import Desk
from bot.channels.emulation import EMULATIONS
from bot.channels.failures import VERSION, retry_later
from bot.channels.metrics import Metrics
from bot.channels.workshop import Workshop
from bot.dialogue.event_json import parse_to_json
from bot.dialogue.parse import Json, Parse
from bot.errors import BadRequest

MINIMUM_COMPATIBLE_VERSION = "0.1.0"
YAML = "application/x-yaml"
ARCHIVE = ".tar.gz"
"""How the name of a release ends that ``POST /model/train`` gave out."""


class HttpApi:
    """The API's handlers. Open: version, health, ready. Closed: everything else."""

    def __init__(self, desk: Desk, metrics: Metrics, workshop: Workshop) -> None:
        self._desk = desk
        self._workshop = workshop
        self._metrics = metrics

    def open_routes(self) -> Sequence[web.RouteDef]:
        """What probes ask, without a token and without telling anything about conversations."""
        return [
            web.get("/version", self.version),
            web.get("/health", self.health),
            web.get("/ready", self.ready),
        ]

    def closed_routes(self) -> Sequence[web.RouteDef]:
        """What needs the token."""
        return [
            web.get("/status", self.status),
            web.get("/metrics", self.metrics),
            web.get("/domain", self.domain),
            web.post("/model/parse", self.parse),
            web.post("/model/explain", self.explain),
            web.put("/model", self.swap),
            web.delete("/model", self.unload),
        ]

    async def version(self, _: web.Request) -> web.Response:
        """Name the program's version."""
        return web.json_response({"version": VERSION, "minimum_compatible_version": MINIMUM_COMPATIBLE_VERSION})

    async def health(self, _: web.Request) -> web.Response:
        """Say that the process lives; the store's state stands beside it, and does not make it unhealthy."""
        health = await self._desk.health()
        self._metrics.store(up=health.store_up)
        return web.json_response({"status": "ok", "store": "up" if health.store_up else "down"})

    async def ready(self, _: web.Request) -> web.Response:
        """Say whether to send traffic here: 503 while starting, draining or without a store."""
        health = await self._desk.health()
        self._metrics.store(up=health.store_up)
        if health.draining:
            return retry_later(503, "Draining", "this server is stopping")
        if not health.store_up:
            return retry_later(503, "StoreUnavailable", "the store cannot be reached")
        if not health.ready:
            return retry_later(503, "Starting", "this server is starting, or has no release to answer with")
        return web.json_response({"status": "ready"})

    async def status(self, _: web.Request) -> web.Response:
        """Name the release that answers, under Rasa's names and ours."""
        release, health = self._desk.release(), await self._desk.health()
        return web.json_response(
            {
                "model_file": release.path,
                "model_id": release.id,
                "num_active_training_jobs": self._workshop.active_trainings,
                "release": dict(release.details),
                "store": health.store,
            }
        )

    async def metrics(self, _: web.Request) -> web.Response:
        """Everything that Prometheus reads."""
        self._metrics.store(up=(await self._desk.health()).store_up)
        return web.Response(body=self._metrics.render(), headers={"Content-Type": self._metrics.content_type})

    async def domain(self, request: web.Request) -> web.Response:
        """The domain as JSON, or as YAML where ``Accept`` names it first; 406 for anything else."""
        wanted = request.headers.get("Accept", "*/*")
        for kind in (part.partition(";")[0].strip().lower() for part in wanted.split(",")):
            if kind.endswith("json") or kind in ("*/*", "application/*"):
                return web.json_response(self._desk.domain())
            if kind.endswith(("yaml", "yml")):
                return web.Response(text=self._desk.domain_yaml(), content_type=YAML, charset="utf-8")
        raise web.HTTPNotAcceptable

    async def parse(self, request: web.Request) -> web.Response:
        """``{text}`` to intent and entities, said to nobody; ``?emulation_mode=WIT|LUIS|DIALOGFLOW`` shapes it so."""
        mode = request.query.get("emulation_mode", "").upper()
        if mode and mode not in EMULATIONS:
            raise BadRequest(f"'emulation_mode' must be one of {', '.join(EMULATIONS)}")
        parse = await self._desk.parse(_text(await read_object(request)))
        return web.json_response(EMULATIONS[mode](parse) if mode else parse_json_of(parse))

    async def explain(self, request: web.Request) -> web.Response:
        """``{text}`` as ``parse`` has it, with ``explanation``: the words, examples and figures behind it."""
        parse, explanation = await self._desk.explain(_text(await read_object(request)))
        return web.json_response({**parse_json_of(parse), "explanation": explanation})

    async def swap(self, request: web.Request) -> web.Response:
        """``{release}`` (or Rasa's ``{model_file}``) answers from now on; 409 leaves the old one in place."""
        body = await read_object(request)
        for elsewhere in ("model_server", "remote_storage"):
            if body.get(elsewhere):
                raise BadRequest(
                    f"'{elsewhere}': releases are not fetched from elsewhere; "
                    "put the folder under models/ and name it as 'model_file'"
                )
        name = string(body, "release", default=string(body, "model_file", default=""))
        release = await self._desk.swap(identifier(PurePosixPath(name).name.removesuffix(ARCHIVE), "model_file"))
        self._metrics.release(release.id)
        return web.Response(status=204)

    async def unload(self, _: web.Request) -> web.Response:
        """No release answers until the next ``PUT``; messages wait."""
        await self._desk.unload()
        return web.Response(status=204)


def _text(body: Mapping[str, Json]) -> str:
    """The text of a body; of a list of them the first, as programs made for wit.ai may send."""
    text = body.get("text")
    return string({"text": text[0]} if isinstance(text, list) and text else body, "text")


def parse_json_of(parse: Parse) -> Mapping[str, Json]:
    """A parse as Rasa's JSON."""
    written = parse_to_json(replace(parse, ranking=parse.ranking or (parse.intent,)))
    return {name: value for name, value in written.items() if name != "metadata"}

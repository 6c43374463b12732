"""Rasa's HTTP API about the bot as a whole: version, status, health, metrics, parsing, the domain, the release.

``OPEN`` and ``closed`` are told apart here, where the routes are written: see ``security.token_required``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from aiohttp import web

from bot.channels.bodies import identifier, read_object, string
from bot.channels.desk import Desk
from bot.channels.failures import VERSION, retry_later
from bot.channels.metrics import Metrics
from bot.dialogue.parse import Entity, Json, Parse

MINIMUM_COMPATIBLE_VERSION = "0.1.0"


class HttpApi:
    """The API's handlers. Open: version, health, ready. Closed: everything else."""

    def __init__(self, desk: Desk, metrics: Metrics) -> None:
        self._desk = desk
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
            return retry_later(503, "Starting", "this server is starting")
        return web.json_response({"status": "ready"})

    async def status(self, _: web.Request) -> web.Response:
        """Name the release that answers, under Rasa's names and ours."""
        release, health = self._desk.release(), await self._desk.health()
        return web.json_response(
            {
                "model_file": release.path,
                "model_id": release.id,
                "num_active_training_jobs": 0,
                "release": dict(release.details),
                "store": health.store,
            }
        )

    async def metrics(self, _: web.Request) -> web.Response:
        """Everything that Prometheus reads."""
        self._metrics.store(up=(await self._desk.health()).store_up)
        return web.Response(body=self._metrics.render(), headers={"Content-Type": self._metrics.content_type})

    async def domain(self, _: web.Request) -> web.Response:
        """The domain as JSON."""
        return web.json_response(self._desk.domain())

    async def parse(self, request: web.Request) -> web.Response:
        """``{text}`` to intent and entities, said to nobody."""
        text = string(await read_object(request), "text")
        return web.json_response(parse_json_of(await self._desk.parse(text)))

    async def explain(self, request: web.Request) -> web.Response:
        """``{text}`` as ``parse`` has it, with ``explanation``: the words, examples and figures behind it."""
        parse, explanation = await self._desk.explain(string(await read_object(request), "text"))
        return web.json_response({**parse_json_of(parse), "explanation": explanation})

    async def swap(self, request: web.Request) -> web.Response:
        """``{release}`` (or Rasa's ``{model_file}``) answers from now on; 409 leaves the old one in place."""
        body = await read_object(request)
        name = string(body, "release", default=string(body, "model_file", default=""))
        release = await self._desk.swap(identifier(name, "release"))
        self._metrics.release(release.id)
        return web.json_response({"model_id": release.id, "model_file": release.path})


def parse_json_of(parse: Parse) -> Mapping[str, Json]:
    """A parse as Rasa's JSON."""
    ranking = parse.ranking or (parse.intent,)
    return {
        "text": parse.text,
        "intent": asdict(parse.intent),
        "entities": [_entity(entity) for entity in parse.entities],
        "intent_ranking": [asdict(score) for score in ranking],
        "response_selector": {"response_key": parse.response_key} if parse.response_key else {},
    }


def _entity(entity: Entity) -> Mapping[str, Json]:
    return {
        name: value for name, value in asdict(entity).items() if value is not None and (name != "processors" or value)
    }

"""The running bot: puts every part together, starts them in order, and stops them so that nothing is lost.

With ``cli`` the only module that names concrete classes.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from bot.channels.agents_api import AgentsApi
from bot.channels.application import web_application
from bot.channels.channel import LiveChannel
from bot.channels.conversations_api import ConversationsApi
from bot.channels.http_api import HttpApi
from bot.channels.jwt_key import JwtKey
from bot.channels.metrics import Metrics
from bot.channels.registry import Channels, configure, register_all
from bot.channels.security import Access
from bot.channels.web.routes import routes as web_routes
from bot.channels.web.settings import WebSettings
from bot.channels.web.socket import OpenSockets
from bot.channels.workshop_api import WorkshopApi
from bot.clock import SystemClock
from bot.delivery.alarms import AlarmClock
from bot.delivery.audit import AuditLog
from bot.delivery.embedded import EmbeddedStore
from bot.delivery.hub import Hub
from bot.delivery.outbox import Outbox
from bot.delivery.settings import DeliverySettings, RateLimit
from bot.delivery.store import Store
from bot.delivery.worker import Worker
from bot.desk import RunningDesk
from bot.dialogue.project import Project
from bot.folder import load_folder
from bot.measured import MeasuredEngine, observe
from bot.paths import AssistantPaths
from bot.secrets_file import admin_token, derived
from bot.startup import start_runtime
from bot.workshop import ChildWorkshop

log = logging.getLogger(__name__)

First = TypeVar("First")
Second = TypeVar("Second")

ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared with, never bound by default

LIMITS = {
    "connect": RateLimit(per_s=1, burst=30),
    "message": RateLimit(per_s=2, burst=20),
    "rest": RateLimit(per_s=1000, burst=2000),  # a program at one address speaks for all of its customers
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """How to serve an assistant. ``redis_url`` None: the embedded store under ``.kefu``."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = 5005
    redis_url: str | None = None
    auth_token: str | None = None
    jwt: JwtKey | None = None
    origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    delivery: DeliverySettings = field(default_factory=lambda: DeliverySettings(limits=LIMITS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A server that answers. ``new_token``: the admin token, if it was made just now."""

    url: str
    release_id: str
    new_token: str | None
    warnings: tuple[str, ...]


async def serve(settings: ServeSettings, announce: Callable[[Serving], None]) -> None:
    """Serve until SIGTERM or SIGINT, then finish the turns that run and leave."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    async with running(settings) as serving:
        announce(serving)
        await stopping.wait()


@asynccontextmanager
async def running(settings: ServeSettings) -> AsyncIterator[Serving]:
    """A server that answers within the block.

    Raises ProjectFaults, and the errors under KefuError for what is wrong or missing: settings of a channel, a
    release, a store, an action server.
    """
    paths = AssistantPaths(settings.folder)
    project = load_folder(settings.folder, env=os.environ)
    given = {**os.environ, "KEFU_TOKEN": settings.auth_token} if settings.auth_token else os.environ
    token, is_new = admin_token(paths.state, given)
    widget = _widget(settings, project, token)
    async with AsyncExitStack() as stack:
        store, runtime = await _both(_store(settings, paths, stack), start_runtime(paths, project, stack))
        hub, metrics, clock = Hub(store), Metrics(), SystemClock()
        warnings = await store.open()
        await hub.start()
        stack.push_async_callback(hub.stop)
        desk = RunningDesk(runtime=runtime, store=store, audit=AuditLog(paths.audit, clock=clock))
        channels = configure(project.credentials, inbox=hub, metrics=metrics, origins=widget.allowed_origins)
        await _start_channels(channels, stack)
        worker = Worker(
            store,
            hub,
            lambda: MeasuredEngine(runtime.current.engine, metrics),
            clock=clock,
            senders=channels.senders,
            ready=runtime.ready,
            foreground=runtime.foreground,
        )
        outbox = Outbox(store, channels.senders, clock=clock)
        exclusive = settings.redis_url is None
        await worker.start(exclusive=exclusive)
        stack.push_async_callback(worker.stop)
        await outbox.start(exclusive=exclusive)
        stack.push_async_callback(outbox.stop)
        alarms = AlarmClock(store, hub_id=hub.id, clock=clock)
        await alarms.start()
        stack.push_async_callback(alarms.stop)
        await _keep(runtime.follow(), "follow-release", stack)
        doors = _Doors(
            settings=settings,
            widget=widget,
            token=token,
            desk=desk,
            workshop=ChildWorkshop(paths, runtime),
            hub=hub,
            channels=channels,
            metrics=metrics,
        )
        url = await _listen(doors.application(), settings, stack)
        desk.started = True
        await _keep(observe(store, lambda: runtime.release_id or "", metrics), "observe", stack)
        stack.callback(setattr, desk, "draining", True)
        await _keep(register_all(channels), "register-channels", stack)
        yield Serving(
            url=url,
            release_id=runtime.current.release.id,
            new_token=token if is_new else None,
            warnings=tuple(warnings),
        )


def _widget(settings: ServeSettings, project: Project, token: str) -> WebSettings:
    return WebSettings.read(
        project.credentials.get("web") or {},
        secret=derived(token, "guest"),
        title=project.config.assistant_id or "Service desk",
        origins=settings.origins,
    )


async def _both(first: Coroutine[None, None, First], second: Coroutine[None, None, Second]) -> tuple[First, Second]:
    """Do both at once. The first error ends the other, too, and is raised as it is."""
    tasks = asyncio.create_task(first), asyncio.create_task(second)
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _store(settings: ServeSettings, paths: AssistantPaths, stack: AsyncExitStack) -> Store:
    url = settings.redis_url
    if url is None:
        embedded = EmbeddedStore(paths.state / "store")
        url = await embedded.start()
        stack.push_async_callback(embedded.stop)
    store = Store(url, settings.delivery)
    stack.push_async_callback(store.close)
    return store


async def _start_channels(channels: Channels, stack: AsyncExitStack) -> None:
    for channel in channels.all:
        await channel.start()
        stack.push_async_callback(channel.stop)


async def _keep(work: Coroutine[None, None, None], name: str, stack: AsyncExitStack) -> None:
    """Run ``work`` beside everything else, at the latest until the server stops."""
    task = asyncio.create_task(work, name=name)

    async def end() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doors:
    """Everything that answers over HTTP."""

    settings: ServeSettings
    widget: WebSettings
    token: str
    desk: RunningDesk
    workshop: ChildWorkshop
    hub: Hub
    channels: Channels
    metrics: Metrics

    def application(self) -> web.Application:
        """Put every route behind its guards."""
        api, workshop = HttpApi(self.desk, self.metrics, self.workshop), WorkshopApi(self.workshop)
        conversations, agents = ConversationsApi(self.desk, self.hub), AgentsApi(self.desk, self.hub)
        closed = (each.closed_routes() for each in (api, workshop, conversations, agents))
        sockets = OpenSockets(self.metrics.websockets)
        application = web_application(
            open_routes=[
                *api.open_routes(),
                *web_routes(self.hub, self.widget, sockets),
                *(route for channel in self.channels.all for route in channel.routes()),
            ],
            own_routes=conversations.own_routes(),
            closed_routes=list(chain.from_iterable(closed)),
            access=Access(tokens=[self.token], jwt=self.settings.jwt),
            metrics=self.metrics,
            trusted_proxies=self.settings.trusted_proxies,
            cors_origins=self.widget.allowed_origins,
        )
        application.on_shutdown.extend((sockets.close, workshop.stop))
        application.on_shutdown.extend(each.hang_up for each in self.channels.all if isinstance(each, LiveChannel))
        return application


async def _listen(application: web.Application, settings: ServeSettings, stack: AsyncExitStack) -> str:
    runner = web.AppRunner(
        application, access_log=None, handle_signals=False, shutdown_timeout=settings.delivery.drain_s
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, settings.host, settings.port)
    await site.start()
    port = runner.addresses[0][1]
    shown = "127.0.0.1" if settings.host in ANY_ADDRESS else settings.host
    return f"http://{shown}:{port}/"

"""Where the web channel answers: the page, its files, the widget and the socket."""

from aiohttp import web

from bot.channels.web import assets
from bot.channels.web.page import Page
from bot.channels.web.settings import WebSettings
from bot.channels.web.socket import OpenSockets, SocketEndpoint
from bot.messages import Inbox


def routes(inbox: Inbox, settings: WebSettings, open_sockets: OpenSockets | None = None) -> list[web.RouteDef]:
    """The routes to add to an application. Pass ``open_sockets`` to be able to close them on shutdown."""
    endpoint = SocketEndpoint(inbox, settings, open_sockets or OpenSockets())
    return [
        web.get("/", Page(settings).handle),
        web.get("/page.css", assets.page_file),
        web.get("/page.js", assets.page_file),
        web.get("/widget.js", assets.script),
        web.get("/widget/{version}/{name}", assets.module),
        web.get("/ws", endpoint.handle),
    ]

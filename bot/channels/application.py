"""The web application around all routes: what every request passes, in order."""

from collections.abc import Sequence

from aiohttp import web

from bot.channels.access_log import access_log
from bot.channels.bodies import BODY_LIMIT_BYTES
from bot.channels.client import Proxies, identify
from bot.channels.cors import cors
from bot.channels.failures import errors_as_json
from bot.channels.metrics import Metrics
from bot.channels.security import Access, closed, security_headers


def web_application(
    *,
    open_routes: Sequence[web.RouteDef],
    closed_routes: Sequence[web.RouteDef],
    own_routes: Sequence[web.RouteDef] = (),
    access: Access,
    metrics: Metrics,
    trusted_proxies: Sequence[str] = (),
    cors_origins: Sequence[str] = (),
    body_limit_bytes: int = BODY_LIMIT_BYTES,
) -> web.Application:
    """Put routes behind their guards. ``open_routes`` check their callers themselves; all else needs ``access``.

    ``own_routes`` are those of one conversation, which a JWT may open to the one whom it belongs to.

    Run it with ``AppRunner(app, access_log=None)``: the log here holds no query strings and no ids.
    """
    application = web.Application(
        client_max_size=body_limit_bytes,
        middlewares=[
            identify(Proxies(trusted_proxies)),
            access_log(metrics),
            errors_as_json,
            cors(cors_origins, open_routes=open_routes),
            closed(access, open_routes=open_routes, own_routes=own_routes),
        ],
    )
    application.on_response_prepare.append(security_headers)
    application.add_routes([*open_routes, *own_routes, *closed_routes])
    return application

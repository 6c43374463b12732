"""Which pages of other origins may call the open routes. None unless listed; closed routes never."""

from collections.abc import Collection, Sequence

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware


def cors(origins: Collection[str], *, open_routes: Sequence[web.RouteDef]) -> Middleware:
    """Answer preflights and mark responses for listed origins (``*`` lists all). Cookies are never allowed."""
    open_paths = {route.path for route in open_routes}

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or not ("*" in origins or origin in origins):
            return await handler(request)
        resource = request.match_info.route.resource
        if _is_preflight(request):
            return _preflight(origin) if _known(request, open_paths) else await handler(request)
        response = await handler(request)
        if resource is not None and resource.canonical in open_paths and not response.prepared:
            response.headers.update(_headers(origin))
        return response

    return middleware


def _is_preflight(request: web.Request) -> bool:
    return request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers


def _known(request: web.Request, open_paths: set[str]) -> bool:
    """Find the address among the open ones; its route does not take OPTIONS itself, so the path decides."""
    return request.path in open_paths


def _headers(origin: str) -> dict[str, str]:
    return {
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: origin,
        hdrs.VARY: hdrs.ORIGIN,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }


def _preflight(origin: str) -> web.Response:
    allowed: dict[str, str] = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST",
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Content-Type",
        hdrs.ACCESS_CONTROL_MAX_AGE: "600",
    }
    return web.Response(status=204, headers={**_headers(origin), **allowed})

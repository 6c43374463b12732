"""Errors as JSON in Rasa's shape, one row of the table per class. Nothing here quotes a message or a traceback."""

import logging
from collections.abc import Mapping
from importlib.metadata import version

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.dialogue.parse import Json
from bot.errors import (
    BadRequest,
    Faulty,
    KefuError,
    LogTrimmed,
    ModelsBusy,
    NoRelease,
    ReleaseError,
    StoreBusy,
    StoreUnavailable,
    Unauthorized,
    WorkshopBusy,
    WorkshopError,
)

VERSION = version("kefu")
RETRY_AFTER_S = 5

log = logging.getLogger(__name__)

_STATUS: tuple[tuple[type[KefuError], int, str], ...] = (
    (BadRequest, 400, "BadRequest"),
    (Faulty, 400, "BadRequest"),
    (Unauthorized, 401, "NotAuthenticated"),
    (NoRelease, 409, "Conflict"),
    (ReleaseError, 409, "LoadingError"),
    (LogTrimmed, 410, "LogTrimmed"),
    (ModelsBusy, 503, "ModelsBusy"),
    (WorkshopBusy, 503, "WorkshopBusy"),
    (StoreBusy, 503, "StoreBusy"),
    (StoreUnavailable, 503, "StoreUnavailable"),
)

_SAYS: Mapping[int, tuple[str, str]] = {
    403: ("NotAuthorized", "this is not allowed"),
    404: ("NotFound", "there is nothing at this address"),
    405: ("MethodNotAllowed", "this address does not take this method"),
    406: ("NotAcceptable", "this cannot be given in the form that 'Accept' asks for"),
    413: ("BodyTooLarge", "the body is too large"),
    415: ("UnsupportedMediaType", "this content type is not understood"),
    429: ("TooManyRequests", "too many requests; try again later"),
}


def failure(
    status: int,
    reason: str,
    message: str,
    *,
    details: Mapping[str, Json] | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Build the response that Rasa's clients expect of an error."""
    body = {
        "version": VERSION,
        "status": "failure",
        "message": message,
        "reason": reason,
        "details": dict(details or {}),
        "help": None,
        "code": status,
    }
    return web.json_response(body, status=status, headers=headers)


def retry_later(status: int, reason: str, message: str, *, after_s: int = RETRY_AFTER_S) -> web.Response:
    """Build a failure that asks to come back."""
    return failure(status, reason, message, headers={"Retry-After": str(after_s)})


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a response. The only place below a channel that catches everything."""
    try:
        return await handler(request)
    except Exception as exc:  # the channel loop: no caller ever gets a traceback
        if isinstance(exc, web.HTTPException) and exc.status < 400:
            raise
        return failure_of(exc)


def failure_of(exc: Exception) -> web.Response:
    """Build the response that an exception is worth."""
    match exc:
        case web.HTTPException():
            return _of_http(exc)
        case KefuError():
            return _of_kefu(exc)
        case TimeoutError():
            return retry_later(504, "Timeout", "the answer was not ready in time; ask again with the same message id")
    return _unexpected(exc)


def _of_http(exc: web.HTTPException) -> web.Response:
    reason, message = _SAYS.get(exc.status, (exc.reason.replace(" ", ""), exc.reason.lower()))
    kept = {name: exc.headers[name] for name in ("Allow", "Retry-After") if name in exc.headers}
    return failure(exc.status, reason, message, headers=kept)


def _of_kefu(exc: KefuError) -> web.Response:
    status, reason = next((row[1:] for row in _STATUS if isinstance(exc, row[0])), (500, "UnexpectedError"))
    match status:
        case 500 if isinstance(exc, WorkshopError):
            return failure(500, exc.reason, str(exc), details={"code": exc.code})
        case 500:
            return _unexpected(exc)
        case 503:
            return retry_later(503, reason, _overload(exc))
        case 400 if isinstance(exc, Faulty) and exc.in_domain:
            return failure(400, "InvalidDomainError", str(exc), details={"code": exc.code})
        case _:
            headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
            return failure(status, reason, str(exc), details={"code": exc.code}, headers=headers)


def _unexpected(exc: Exception) -> web.Response:
    """Log the exception's class and place: its own words may quote a message."""
    log.error("request failed", extra={"error": type(exc).__name__}, exc_info=exc)
    return failure(500, "UnexpectedError", "something went wrong here; the log tells more under the request's id")


def _overload(exc: KefuError) -> str:
    if isinstance(exc, StoreUnavailable):
        return "the store cannot be reached; nothing was taken, try again later"
    if isinstance(exc, WorkshopBusy):
        return "a training or a test runs already; try again when it is over"
    return "too many messages are waiting; try again later"

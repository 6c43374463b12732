"""The client of a rasa-sdk action server: one action, one POST, a defined outcome for each way it can end."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from bot.actions.http import DEFAULT_CONCURRENCY, DEFAULT_TIMEOUT_S, Answer, JsonEndpoint
from bot.dialogue.domain import Domain
from bot.dialogue.errors import BadEvent
from bot.dialogue.event_json import from_json
from bot.dialogue.parse import Json
from bot.dialogue.project import Endpoint
from bot.dialogue.tracker import Tracker
from bot.errors import (
    ActionDomainMissing,
    ActionError,
    ActionFailed,
    ActionGarbled,
    ActionRejected,
    ActionUnknown,
)
from bot.ports import ActionResult

PROTOCOL_VERSION = "3.6.21"
"""The version that rasa-sdk compares with its own: the last open-source Rasa that speaks this protocol."""

DOMAIN_MISSING = 449


class HttpActionServer:
    """Custom actions over HTTP (``ports.ActionServer``). ``close`` it when nobody calls it any more; releases share it.

    The domain goes with every request. A crash re-runs a turn, so the same ``idempotency_key`` may come
    twice: it is the header ``Idempotency-Key`` and, where action code can see it,
    ``tracker.latest_message["metadata"]["idempotency_key"]``.
    """

    def __init__(self, endpoint: JsonEndpoint) -> None:
        self._endpoint = endpoint
        self._domain: Domain | None = None
        self._domain_part = b""

    @classmethod
    def of(cls, endpoint: Endpoint, *, compress: bool = False) -> "HttpActionServer":
        """A client for ``action_endpoint``.

        Options: ``timeout`` (seconds, 10), ``concurrency`` (calls at a time, 32), ``compress`` (deflate).
        """
        options = endpoint.options
        return cls(
            JsonEndpoint(
                endpoint,
                timeout_s=_number(options.get("timeout"), DEFAULT_TIMEOUT_S),
                concurrency=int(_number(options.get("concurrency"), DEFAULT_CONCURRENCY)),
                compress=compress or options.get("compress") is True,
            )
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def run(self, name: str, tracker: Tracker, domain: Domain, *, idempotency_key: str) -> ActionResult:
        """Run one action.

        Raises ActionRejected (400), ActionUnknown (404), ActionDomainMissing (449), ActionFailed (every
        other status), ActionGarbled (no result), ActionTimeout, ActionUnreachable.
        """
        body = self._body(name, tracker, domain, idempotency_key)
        headers = {"Idempotency-Key": idempotency_key}
        answer = await self._endpoint.post(body, headers=headers)
        if answer.status == DOMAIN_MISSING:  # the domain was in the request, but its digest may have been new
            answer = await self._endpoint.post(body, headers=headers)
        if answer.status != 200:
            raise _failure(name, answer)
        return _result(name, answer)

    def _body(self, name: str, tracker: Tracker, domain: Domain, idempotency_key: str) -> bytes:
        state = tracker.current_state(events="all")
        call = {
            "next_action": name,
            "sender_id": tracker.conversation_id,
            "tracker": {**state, "latest_message": _with_key(state["latest_message"], idempotency_key)},
            "version": PROTOCOL_VERSION,
        }
        return _encode(call)[:-1] + b"," + self._encoded(domain) + b"}"

    def _encoded(self, domain: Domain) -> bytes:
        """``domain`` and ``domain_digest`` as JSON members; a domain is encoded once, not once a call."""
        if self._domain is not domain:
            encoded = _encode(domain.source)
            digest = hashlib.sha256(encoded).hexdigest().encode()
            self._domain, self._domain_part = (
                domain,
                b'"domain":' + encoded + b',"domain_digest":"' + digest + b'"',
            )
        return self._domain_part


def _encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()


def _plain(value: object) -> object:
    """Frozen JSON (mapping proxies, tuples' kin) as what ``json`` can write."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def _with_key(message: Json, idempotency_key: str) -> Json:
    if not isinstance(message, Mapping):
        return message
    metadata = message.get("metadata")
    given = metadata if isinstance(metadata, Mapping) else {}
    return {**message, "metadata": {**given, "idempotency_key": idempotency_key}}


def _number(value: Json, default: float) -> float:
    return float(value) if isinstance(value, int | float | str) else default


def _failure(name: str, answer: Answer) -> ActionError:
    said = answer.body.get("error") if isinstance(answer.body, Mapping) else None
    detail = f"{name}: status {answer.status}" + (f", {said}" if said else "")
    match answer.status:
        case 400 if isinstance(answer.body, Mapping) and "action_name" in answer.body:
            return ActionRejected(detail)
        case 404:
            return ActionUnknown(detail)
        case status if status == DOMAIN_MISSING:
            return ActionDomainMissing(detail)
    return ActionFailed(detail)


def _result(name: str, answer: Answer) -> ActionResult:
    """An answer of status 200. Raises ActionGarbled for one that is no result."""
    if not answer.is_json or not isinstance(answer.body, Mapping):
        raise ActionGarbled(f"{name}: the answer is no JSON object")
    events, responses = _objects(name, answer.body, "events"), _objects(name, answer.body, "responses")
    try:
        return ActionResult(events=tuple(map(from_json, events)), responses=responses)
    except BadEvent as exc:
        raise ActionGarbled(f"{name}: {exc}") from exc


def _objects(name: str, body: Mapping[str, Json], key: str) -> tuple[Mapping[str, Json], ...]:
    values = body.get(key)
    if values is None:
        return ()
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ActionGarbled(f"{name}: {key} is no list")
    found = [value for value in values if isinstance(value, Mapping)]
    if len(found) < len(values):
        raise ActionGarbled(f"{name}: {key} holds what is no object")
    return tuple(found)

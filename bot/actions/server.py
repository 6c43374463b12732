"""The client of a rasa-sdk action server: one action, one POST, a defined outcome for each way it can end."""

import hashlib
import json
import ssl
from collections.abc import Mapping, Sequence

from bot.actions.http import DEFAULT_CONCURRENCY, Answer, JsonEndpoint
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
ACTION_TIMEOUT_S = 60.0
"""Actions ask other systems and language models, and whoever waits for the answer over REST does so for as long."""


class HttpActionServer:
    """Custom actions over HTTP (``ports.ActionServer``). ``close`` it when nobody calls it any more; releases share it.

    The domain goes with every request; if ``selective``, only with those of actions that are marked so, and to a server
    that does not know its digest. A crash re-runs a turn, so the same ``idempotency_key`` may come twice: it is the
    header ``Idempotency-Key`` and, where action code can see it,
    ``tracker.latest_message["metadata"]["idempotency_key"]``.
    """

    def __init__(self, endpoint: JsonEndpoint, *, selective: bool = False) -> None:
        self._endpoint = endpoint
        self._selective = selective
        self._domain: Domain | None = None
        self._domain_json = b""
        self._digest = b""

    @classmethod
    def of(
        cls, endpoint: Endpoint, *, compress: bool = False, trust: ssl.SSLContext | None = None
    ) -> "HttpActionServer":
        """A client for ``action_endpoint``.

        Options: ``timeout`` (seconds, 60), ``concurrency`` (calls at a time, 32), ``compress`` (deflate),
        ``enable_selective_domain``.
        """
        options = endpoint.options
        return cls(
            JsonEndpoint(
                endpoint,
                timeout_s=_number(options.get("timeout"), ACTION_TIMEOUT_S),
                concurrency=int(_number(options.get("concurrency"), DEFAULT_CONCURRENCY)),
                compress=compress or options.get("compress") is True,
                trust=trust,
            ),
            selective=options.get("enable_selective_domain") is True,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def run(self, name: str, tracker: Tracker, domain: Domain, *, idempotency_key: str) -> ActionResult:
        """Run one action.

        Raises ActionRejected (400), ActionUnknown (404), ActionDomainMissing (449), ActionFailed (every
        other status), ActionGarbled (no result), ActionTimeout, ActionUnreachable.
        """
        call, headers = _call(name, tracker, idempotency_key), {"Idempotency-Key": idempotency_key}
        whole = not self._selective or name in domain.actions_with_domain
        answer = await self._endpoint.post(call[:-1] + self._rest(domain, whole=whole), headers=headers)
        if answer.status == DOMAIN_MISSING:
            answer = await self._endpoint.post(call[:-1] + self._rest(domain, whole=True), headers=headers)
        if answer.status != 200:
            raise _failure(name, answer)
        return _result(name, answer)

    def _rest(self, domain: Domain, *, whole: bool) -> bytes:
        """The end of a request: the domain, if ``whole``, and its digest. It is encoded once, not once a call."""
        if self._domain is not domain:
            self._domain, self._domain_json = domain, _encode(domain.source)
            self._digest = hashlib.sha256(self._domain_json).hexdigest().encode()
        given = b',"domain":' + self._domain_json if whole else b""
        return given + b',"domain_digest":"' + self._digest + b'"}'


def _call(name: str, tracker: Tracker, idempotency_key: str) -> bytes:
    """A request without the domain."""
    state = tracker.current_state(events="all")
    return _encode(
        {
            "next_action": name,
            "sender_id": tracker.conversation_id,
            "tracker": {**state, "latest_message": _with_key(state["latest_message"], idempotency_key)},
            "version": PROTOCOL_VERSION,
        }
    )


def _encode(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return text.encode(errors="replace")  # half a surrogate pair is nothing that UTF-8 can carry


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

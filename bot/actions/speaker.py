"""Words for responses: the domain's own, or those of an NLG server that ``endpoints.yml`` names."""

import json
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Protocol

from bot.actions.http import JsonEndpoint
from bot.dialogue.parse import Json
from bot.dialogue.responses import Rendered, fitting, respond
from bot.dialogue.tracker import Tracker
from bot.errors import ActionFailed, ActionGarbled

logger = logging.getLogger(__name__)

_SAID = tuple(part.name for part in fields(Rendered) if part.name != "notes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A response wanted: for this conversation, on this channel. ``arguments`` override slots."""

    name: str
    tracker: Tracker
    channel: str
    rng: random.Random
    arguments: Mapping[str, Json]


class Speaker(Protocol):
    """Finds the words of a response."""

    async def compose(self, request: Request) -> Mapping[str, Json] | None:
        """A message (``text``, ``buttons``, ...), or None if no variation of the response fits.

        Raises ActionError where a server should have answered.
        """
        ...


class DomainSpeaker:
    """The responses of the domain."""

    async def compose(self, request: Request) -> Mapping[str, Json] | None:
        """Choose a variation for the channel and fill in slots and arguments."""
        rendered = respond(
            request.tracker.domain,
            request.name,
            slots=request.tracker.slots,
            channel=request.channel,
            rng=request.rng,
            arguments=request.arguments,
        )
        if rendered is None:
            return None
        if rendered.notes:
            logger.debug("response %s: %s", request.name, "; ".join(rendered.notes))
        return {name: value for name in _SAID if (value := getattr(rendered, name))}


class NlgServer:
    """An NLG server: it is asked for every response, with the tracker and the arguments."""

    def __init__(self, endpoint: JsonEndpoint) -> None:
        self._endpoint = endpoint

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def compose(self, request: Request) -> Mapping[str, Json] | None:
        """Ask the server; an empty answer means that it has nothing to say.

        Raises ActionFailed, ActionGarbled, ActionTimeout, ActionUnreachable.
        """
        answer = await self._endpoint.post(json.dumps(_request_json(request), ensure_ascii=False).encode())
        if answer.status != 200:
            raise ActionFailed(f"{request.name}: the NLG server answers with status {answer.status}")
        if not answer.is_json or not isinstance(answer.body, Mapping | None):
            raise ActionGarbled(f"{request.name}: the NLG server's answer is no JSON object")
        return answer.body or None


def _request_json(request: Request) -> dict[str, Json]:
    tracker = request.tracker
    variations = tracker.domain.responses.get(request.name, ())
    fit = fitting(variations, slots=tracker.slots, channel=request.channel)
    return {
        "response": request.name,
        "id": fit[0].id if fit else None,
        "arguments": dict(request.arguments),
        "tracker": tracker.current_state(events="all"),
        "channel": {"name": request.channel},
    }

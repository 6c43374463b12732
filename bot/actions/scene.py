"""What an action gets to work with: the conversation, the means of the release, and the turn it belongs to."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.actions.speaker import DomainSpeaker, Request, Speaker
from bot.actions.turn import Turn
from bot.actions.utterance import utterance
from bot.dialogue.domain import Domain
from bot.dialogue.events import Event
from bot.dialogue.parse import Json
from bot.dialogue.tracker import Tracker
from bot.errors import ActionError, ActionUnreachable
from bot.ports import ActionServer, Models


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What all turns of a release share. ``server`` None: the assistant names no action server.

    ``filters``: what searches are narrowed by, as ``kefu: filters:`` has it.
    """

    domain: Domain
    language: str
    models: Models
    speaker: Speaker
    server: ActionServer | None = None
    filters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """An action's view: pure values and what it may call."""

    means: Means
    turn: Turn
    tracker: Tracker

    def at(self, tracker: Tracker) -> "Scene":
        """The same scene in another state of the conversation."""
        return replace(self, tracker=tracker)

    def after(self, events: Sequence[Event]) -> "Scene":
        """The same scene once these events have happened."""
        return self.at(self.tracker.apply(*events))

    async def say(self, response: str, arguments: Mapping[str, Json] | None = None) -> list[Event]:
        """Utter a response; nothing if the assistant has none of that name."""
        message = await self.compose(response, arguments or {})
        return [] if message is None else [utterance({**message, "utter_action": response})]

    async def compose(self, response: str, arguments: Mapping[str, Json]) -> Mapping[str, Json] | None:
        """The message of a response, not yet uttered.

        Where an NLG server fails, the domain's own words are taken. Raises ActionError if it has none.
        """
        turn, domain = self.turn, self.means.domain
        request = Request(name=response, tracker=self.tracker, channel=turn.channel, rng=turn.rng, arguments=arguments)
        try:
            return await self.means.speaker.compose(request)
        except ActionError as exc:
            if response not in domain.responses:
                raise
            turn.note_failure(response, exc.code, str(exc))
            return await DomainSpeaker().compose(request)

    async def call(self, name: str) -> list[Event]:
        """Run a custom action: its messages, then its events. Raises ActionError."""
        if self.means.server is None:
            raise ActionUnreachable(f"{name}: endpoints.yml names no action_endpoint")
        result = await self.means.server.run(
            name, self.tracker, self.means.domain, idempotency_key=self.turn.next_key(name)
        )
        said = [await self._word(response) for response in result.responses]
        return [*(event for event in said if event is not None), *result.events]

    async def _word(self, response: Mapping[str, Json]) -> Event | None:
        """A message of an action server; a named response is worded with the other keys as arguments."""
        given = {key: value for key, value in response.items() if key not in ("response", "template")}
        own = {key: value for key, value in given.items() if value}
        name = response.get("response") or response.get("template")
        if not isinstance(name, str):
            return utterance(own)
        message = await self.compose(name, given)
        if message is None:
            self.turn.note_failure(name, "no_response", "an action asked for it, and no variation of it fits")
            return None
        buttons = [*_list(message.get("buttons")), *_list(own.get("buttons"))]
        return utterance({**message, **own, "buttons": buttons, "utter_action": name})


Perform = Callable[[Scene, str], Awaitable[list[Event]]]
"""Runs an action by name, as a loop does with the actions that it is made of."""


def _list(value: Json) -> list[Json]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []

"""What a network has learned from the stories: the next action where no rule and no memorised story knows one.

``LearnedPolicy`` runs in the place of TEDPolicy. It guesses, so it keeps silent rather than guess badly: below its bar,
for a message that nothing was learned of, and where it would say nothing at all or the same thing twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.dialogue.domain import Domain
from bot.dialogue.parse import Json
from bot.dialogue.policies.options import Options
from bot.dialogue.policies.prediction import Vote
from bot.dialogue.situation import LISTEN
from bot.dialogue.states import State, state_of
from bot.dialogue.tracker import Tracker

if TYPE_CHECKING:
    from bot.dialogue.policies.network import Network  # needs numpy, which a start must not wait for

NAME = "TEDPolicy"
DEFAULT_LEARNED_AT = 0.6
DEFAULT_HISTORY = 8
MOST_HISTORY = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedOptions:
    """What ``config.yml`` may say of TEDPolicy; the names are Rasa's. ``max_history``: how many states count."""

    max_history: int = DEFAULT_HISTORY
    priority: int = 1

    @classmethod
    def read(cls, options: Options) -> "LearnedOptions":
        """From the component's entry; what is wrong is left in ``options.faults``."""
        return cls(max_history=history(options), priority=options.count("priority", 1) or 0)


def history(options: Options) -> int:
    """The ``max_history`` of a policy with a network, which cannot look back without end."""
    return min(options.count("max_history", None) or DEFAULT_HISTORY, MOST_HISTORY)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedPolicy:
    """``learned_at``: the bar, the least confidence in [0, 1] to say anything with."""

    network: "Network"
    priority: int = 1
    learned_at: float = DEFAULT_LEARNED_AT

    def vote(self, tracker: Tracker, domain: Domain) -> Vote:
        """The likeliest action with its probability, or silence."""
        silence = Vote(policy=NAME, priority=self.priority)
        states = recent_states(tracker, domain, at_most=self.network.window)
        if not states or not self.network.knows(states[-1]) or _is_hidden(tracker):
            return silence
        chances = self.network.action_chances(states)
        action = max(chances, key=chances.__getitem__)
        if chances[action] < self.learned_at or action in _done_since_heard(tracker):
            return silence
        return Vote(policy=NAME, priority=self.priority, action=action, confidence=chances[action], chances=chances)

    def to_json(self) -> dict[str, Json]:
        """All but the network, as JSON."""
        return {"priority": self.priority, "learned_at": self.learned_at}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], network: "Network") -> "LearnedPolicy":
        """Read what ``to_json`` wrote."""
        return cls(network=network, **obj)


def recent_states(tracker: Tracker, domain: Domain, *, at_most: int) -> Sequence[State]:
    """The newest states, oldest first, as stories see them: without the turns of rules of no story."""
    newest_first = [situation for situation, _ in zip(tracker.shown(), range(at_most), strict=False)]
    return [state_of(situation, domain) for situation in reversed(newest_first)]


def _is_hidden(tracker: Tracker) -> bool:
    """Whether this turn is one that stories do not see; what they would see is the turn before it."""
    newest = next(iter(tracker.shown()))
    return newest.latest_action_name != tracker.latest_action_name


def _done_since_heard(tracker: Tracker) -> set[str | None]:
    """The actions of this turn; before the first of them, listening: a message is not passed over in silence."""
    done: set[str | None] = set()
    for situation in tracker.moments():
        if situation.latest_action_name in (LISTEN, None):
            break
        done.add(situation.latest_action_name)
    return done or {LISTEN}

"""Messages that no story leads one to expect: ``action_unlikely_intent``, for rules and stories that handle it.

The network says how probable each intent was before the message came. One that is less probable than ever in the
stories is unlikely here: the customer changed the subject, or was misunderstood.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.dialogue.domain import Domain
from bot.dialogue.parse import Json
from bot.dialogue.policies.learned import DEFAULT_HISTORY, history, recent_states
from bot.dialogue.policies.options import Options
from bot.dialogue.policies.prediction import Vote
from bot.dialogue.situation import LISTEN
from bot.dialogue.tracker import Tracker

if TYPE_CHECKING:
    from bot.dialogue.policies.network import Network

NAME = "UnexpecTEDIntentPolicy"
UNLIKELY = "action_unlikely_intent"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlikelyOptions:
    """What ``config.yml`` may say of the policy; the names are Rasa's.

    ``tolerance``: the share of an intent's places in the stories that may count as unlikely. Those of
    ``ignore_intents_list`` never do.
    """

    max_history: int = DEFAULT_HISTORY
    priority: int = 2
    tolerance: float = 0.0
    ignore_intents_list: tuple[str, ...] = ()

    @classmethod
    def read(cls, options: Options) -> "UnlikelyOptions":
        """From the component's entry; what is wrong is left in ``options.faults``."""
        return cls(
            max_history=history(options),
            priority=options.count("priority", 2) or 0,
            tolerance=options.share("tolerance", 0.0),
            ignore_intents_list=options.names("ignore_intents_list"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlikelyIntent:
    """``thresholds``: the least probability of each intent that is still to be expected; others are not judged."""

    network: "Network"
    priority: int = 2
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def vote(self, tracker: Tracker, domain: Domain) -> Vote:
        """``action_unlikely_intent`` with confidence 1, or silence; rules and stories are as sure, and come first."""
        silence = Vote(policy=NAME, priority=self.priority)
        message = tracker.latest_message
        if message is None or tracker.latest_action_name != LISTEN:
            return silence
        before = recent_states(tracker, domain, at_most=self.network.window + 1)[:-1]
        intent = message.parse.intent.name
        threshold = self.thresholds.get(intent)
        if threshold is None or not before or self.network.intent_chances(before)[intent] >= threshold:
            return silence
        return Vote(policy=NAME, priority=self.priority, action=UNLIKELY, confidence=1.0)

    def to_json(self) -> dict[str, Json]:
        """All but the network, as JSON."""
        return {"priority": self.priority, "thresholds": dict(self.thresholds)}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], network: "Network") -> "UnlikelyIntent":
        """Read what ``to_json`` wrote."""
        return cls(network=network, **obj)

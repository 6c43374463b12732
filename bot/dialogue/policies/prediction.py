"""What a policy says, and what all of them together predict."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.dialogue.events import Event
from bot.dialogue.situation import LISTEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One policy's say. Silence is a vote for listening with confidence 0.

    ``is_no_user``: independent of what the user said; beats every other kind. ``is_e2e``: decided by the
    text of the message, beats what is decided by its intent. ``events`` are to be applied whichever vote
    wins. ``chances``: of a policy that weighs actions against each other, the probability of each.
    """

    policy: str
    priority: int
    action: str = LISTEN
    confidence: float = 0.0
    events: tuple[Event, ...] = ()
    is_no_user: bool = False
    is_e2e: bool = False
    hide_rule_turn: bool = False
    is_fallback: bool = False
    chances: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The next action, by name (or by text, if it is one of the domain's end-to-end actions).

    Apply ``events`` before running it, with a timestamp; they have none. ``is_fallback``: no policy knew,
    and the action is the configured core fallback. ``chances``: as the policy that decided has them.
    """

    action: str
    confidence: float
    policy: str
    events: tuple[Event, ...] = ()
    is_no_user: bool = False
    is_e2e: bool = False
    hide_rule_turn: bool = False
    is_fallback: bool = False
    chances: Mapping[str, float] = field(default_factory=dict)

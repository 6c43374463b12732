"""What an operator may set about delivery, with the limits that keep every queue bounded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DAY_S = 86_400

APOLOGY = "Sorry, your last message could not be handled. Please try again.\n\n抱歉，刚才的消息处理失败，请再试一次。"

Durability = Literal["standard", "strict"]
"""``standard``: fsync every second, so that at most one second is lost when the machine itself dies (a killed process
loses nothing). ``strict``: fsync before every answer, milliseconds slower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A token bucket: ``per_s`` tokens a second on average, ``burst`` at once."""

    per_s: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRate:
    """How fast a platform may be called; None for no limit."""

    channel: RateLimit | None = None
    recipient: RateLimit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long things are kept, in seconds since they were last written, and how many of them."""

    seen_s: int = 8 * DAY_S
    conversation_s: int = 30 * DAY_S
    log_s: int = 7 * DAY_S
    log_frames: int = 500
    transcript_s: int = 90 * DAY_S
    transcript_turns: int = 100_000
    dead_letters: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """Everything about delivery that is no address.

    ``lease_s``: a worker that is silent for so long loses its conversations to the others. ``max_deliveries``: tries
    before a message becomes a dead letter. ``replicas``: how many replicas must have an event before it is
    acknowledged. ``unknown_send``: what to do with a reply of which nobody knows whether it arrived: send it again (it
    may arrive twice) or drop it. ``ready_limit`` bounds the conversations that wait, over all partitions.
    """

    partitions: int = 16
    prefix: str = "kefu"
    lease_s: float = 30.0
    concurrency: int = 32
    max_deliveries: int = 5
    mailbox_limit: int = 50
    ready_limit: int = 10_000
    drain_s: float = 25.0
    limits: Mapping[str, RateLimit] = field(default_factory=dict)
    send_rates: Mapping[str, SendRate] = field(default_factory=dict)
    unknown_send: Literal["retry", "drop"] = "retry"
    replicas: int = 0
    retention: Retention = field(default_factory=Retention)
    apology: str = (
        "Sorry, something went wrong with your last message. Please try again. 抱歉，刚才的消息处理失败，请再试一次。"
    )

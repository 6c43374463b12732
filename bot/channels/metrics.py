"""What operators watch, for Prometheus. Other rooms get this object; none of them imports the client library."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

_TURN_BUCKETS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_FAST_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})


class Metrics:
    """Counters of one running server, in a registry of their own. Every label has few values, none of a user's."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self._turns = Counter("kefu_turns", "Turns by the route that answered", ["route"], registry=registry)
        self._turn_s = Histogram(
            "kefu_turn_seconds", "Time of a turn", ["route"], buckets=_TURN_BUCKETS_S, registry=registry
        )
        self._parse_s = Histogram(
            "kefu_parse_seconds", "Time to understand a message", buckets=_FAST_BUCKETS_S, registry=registry
        )
        self._requests = Counter(
            "kefu_http_requests", "HTTP requests", ["route", "method", "status"], registry=registry
        )
        self._request_s = Histogram(
            "kefu_http_request_seconds", "Time of a request", ["route"], buckets=_TURN_BUCKETS_S, registry=registry
        )
        self._store_up = Gauge("kefu_store_up", "1 while the store answers", registry=registry)
        self._mailbox_lag = Gauge(
            "kefu_mailbox_lag_seconds", "How long the oldest conversation waits for its turn to end", registry=registry
        )
        self._mailbox = Gauge("kefu_conversations_ready", "Conversations whose turn is not over", registry=registry)
        self._outbox = Gauge("kefu_outbox_waiting", "Conversations with replies that are not sent", registry=registry)
        self._dead = Gauge("kefu_dead_letters", "Messages and replies given up on", registry=registry)
        self._reminders = Gauge("kefu_reminders_waiting", "Reminders that are not due yet", registry=registry)
        self._sockets = Gauge("kefu_websocket_connections", "Open WebSockets", registry=registry)
        self._sent = Counter("kefu_sent", "Replies sent to platforms", ["channel", "result"], registry=registry)
        self._events = Counter(
            "kefu_channel_events", "What platforms delivered", ["channel", "kind", "outcome"], registry=registry
        )
        self._release = Info("kefu_release", "The release that answers", registry=registry)

    def turn(self, *, route: str, seconds: float) -> None:
        """Count a finished turn."""
        self._turns.labels(route).inc()
        self._turn_s.labels(route).observe(seconds)

    def parse(self, *, seconds: float) -> None:
        """Count a parsed message."""
        self._parse_s.observe(seconds)

    def request(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count an HTTP request by the pattern of its route."""
        self._requests.labels(route, method if method in _METHODS else "other", str(status)).inc()
        self._request_s.labels(route).observe(seconds)

    def store(self, *, up: bool) -> None:
        """Say whether the store answers."""
        self._store_up.set(up)

    def mailbox(self, *, ready: int, lag_s: float) -> None:
        """Say how many conversations wait for their turn to end, and for how long the oldest has."""
        self._mailbox.set(ready)
        self._mailbox_lag.set(lag_s)

    def outbox(self, *, waiting: int, dead: int) -> None:
        """Say in how many conversations replies wait to be sent, and how many messages were given up."""
        self._outbox.set(waiting)
        self._dead.set(dead)

    def reminders(self, waiting: int) -> None:
        """Say how many reminders are to come."""
        self._reminders.set(waiting)

    def websockets(self, change: int) -> None:
        """Count a WebSocket that opened (1) or closed (-1)."""
        self._sockets.inc(change)

    def sent(self, *, channel: str, result: str) -> None:
        """Count a reply handed to a platform, by the name of its SendResult."""
        self._sent.labels(channel, result.lower()).inc()

    def event(self, *, channel: str, kind: str, outcome: str) -> None:
        """Count what a platform delivered and what became of it (``queued``, ``dup``, ``busy``, ``ignored``)."""
        self._events.labels(channel, kind, outcome).inc()

    def release(self, release_id: str) -> None:
        """Name the release that answers."""
        self._release.info({"id": release_id})

    def render(self) -> bytes:
        """Write everything in Prometheus' text format."""
        return generate_latest(self._registry)

"""What Prometheus reads."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.channels.metrics import Metrics


def samples(metrics):
    families = text_string_to_metric_families(metrics.render().decode())
    return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


@pytest.mark.parametrize(
    ("record", "sample", "value"),
    [
        (lambda m: m.turn(route="rule", seconds=0.01), ("kefu_turns_total", "rule"), 1),
        (lambda m: m.turn(route="rule", seconds=0.03), ("kefu_turn_seconds_sum", "rule"), 0.03),
        (lambda m: m.parse(seconds=0.004), ("kefu_parse_seconds_count",), 1),
        (lambda m: m.store(up=False), ("kefu_store_up",), 0),
        (lambda m: m.mailbox(ready=3, lag_s=1.5), ("kefu_mailbox_lag_seconds",), 1.5),
        (lambda m: m.outbox(waiting=4, dead=1), ("kefu_outbox_waiting",), 4),
        (lambda m: m.outbox(waiting=4, dead=1), ("kefu_dead_letters",), 1),
        (lambda m: m.websockets(1), ("kefu_websocket_connections",), 1),
        (lambda m: m.sent(channel="telegram", result="RetryLater"), ("kefu_sent_total", "retrylater", "telegram"), 1),
        (lambda m: m.release("r7"), ("kefu_release_info", "r7"), 1),
        (
            lambda m: m.request(route="unknown", method="CANARY", status=404, seconds=0.1),
            ("kefu_http_requests_total", "404", "other", "unknown"),
            1,
        ),
    ],
)
def test_what_is_recorded_is_shown(record, sample, value):
    metrics = Metrics()
    record(metrics)
    assert samples(metrics)[sample] == value


def test_two_servers_in_one_process_count_apart():
    first, second = Metrics(), Metrics()
    first.parse(seconds=1)
    assert samples(second)[("kefu_parse_seconds_count",)] == 0

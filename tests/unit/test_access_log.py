"""Log lines: JSON, allowed fields only, nothing that people say."""

import io
import json
import logging

import pytest

from bot.channels.access_log import MAX_LENGTH, JsonLines, client_network


@pytest.fixture
def logged():
    """Log with a logger of a name; give back the line as an object."""

    def log(name, msg, *args, exc_info=None, **extra):
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(JsonLines())
        logger = logging.Logger(name)
        logger.addHandler(handler)
        logger.warning(msg, *args, exc_info=exc_info, extra=extra)
        assert stream.getvalue().count("\n") == 1
        return json.loads(stream.getvalue())

    return log


def test_allowed_fields_are_written_and_others_are_not(logged):
    line = logged("bot.engine", "turn", ms=3.5, route="rule", text="canary", sender="canary")
    assert (line["says"], line["ms"], line["route"], line["level"]) == ("turn", 3.5, "rule", "warning")
    assert "canary" not in json.dumps(line)


def test_an_error_is_its_class_and_its_places(logged):
    try:
        raise ValueError("canary")
    except ValueError as exc:
        line = logged("bot.engine", "turn failed", exc_info=exc)
    assert line["error"] == "ValueError"
    assert "test_access_log.py" in line["where"][-1]
    assert "canary" not in json.dumps(line)


def test_libraries_fill_nothing_in(logged):
    assert logged("aiohttp.server", "bad request %r", "canary")["says"] == "bad request %r"
    assert logged("asyncio", "Task exception was never retrieved\nfuture: ValueError('canary')")["says"] == (
        "Task exception was never retrieved"
    )


@pytest.mark.parametrize("text", ["a\r\nforged: line", "a\u2028forged", "a\x1b[31m", "x" * 10_000])
def test_a_line_stays_a_line(logged, text):
    says = logged("bot.cli", "%s", text)["says"]
    assert says.isprintable()
    assert len(says) <= MAX_LENGTH
    assert "forged" not in says


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"), (None, "unknown"), ("x", "unknown")],
)
def test_a_client_is_its_network(address, network):
    assert client_network(address) == network

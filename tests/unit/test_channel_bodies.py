"""Request bodies: what is read, and what is refused with which words."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.bodies import MAX_DEPTH, identifier, parse_json, string
from bot.errors import BadRequest


def test_json_in_any_language_is_read():
    assert parse_json('{"text": "退货 👍"}'.encode()) == {"text": "退货 👍"}


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "not JSON"),  # nothing at all
        (b"{", "not JSON"),  # torn
        (b'{"a": "\xff"}', "not UTF-8"),  # a byte that UTF-8 has not
        (b'{"a": NaN}', "NaN"),  # Python reads it, JSON has it not
        (b"[" * 40 + b"]" * 40, "deeper"),  # deeper than anything of ours
        (b"[" * 60_000, "nested too deeply"),  # deep enough to end the parser
        (b"[" + b"1" * 5000 + b"]", "number too long"),  # Python refuses to read such a number
    ],
)
def test_bad_bodies_are_refused_with_words(raw, says):
    with pytest.raises(BadRequest, match=says):
        parse_json(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": "\\ud83d"}', {"a": "\ufffd"}),  # an emoji that a client cut in two
        (b'{"a": ["x\\udc4d y", {"b": "\\ud800\\ud800"}]}', {"a": ["x\ufffd y", {"b": "\ufffd\ufffd"}]}),
        (b'{"\\udfff": 1}', {"\ufffd": 1}),  # in a key
        (b'{"a": "\\ud83d\\udc4d \\u0000"}', {"a": "👍 \x00"}),  # a whole pair; a zero byte is a character
    ],
)
def test_half_a_surrogate_pair_is_replaced(raw, value):
    assert parse_json(raw) == value


def test_the_allowed_depth_is_read():
    deep: object = "x"
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    assert parse_json(json.dumps(deep).encode()) == deep


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_nothing_but_bad_request_is_raised(raw):
    with contextlib.suppress(BadRequest):
        parse_json(raw)


@pytest.mark.parametrize("value", ["", "x" * 201, "a\nb", "a\x00", "a\u202eb", "a\ufffd", "\ud800"])
def test_bad_ids_are_refused(value):
    with pytest.raises(BadRequest, match="'sender'"):
        identifier(value, "sender")


@pytest.mark.parametrize("body", [{"text": 1}, {"text": None}, {}, {"text": ["a"]}])
def test_a_field_must_be_a_string(body):
    with pytest.raises(BadRequest, match="'text' must be a string"):
        string(body, "text")


def test_errors_never_quote_the_body():
    for raw in (b'{"canary7": ', b'{"a": "canary7", NaN}', b'["canary7", NaN]'):
        with pytest.raises(BadRequest) as caught:
            parse_json(raw)
        assert "canary7" not in str(caught.value)

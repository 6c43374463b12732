"""Bodies of the REST and callback channels as inbound messages."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.rest import read_message
from bot.errors import BadRequest


def read(body, **options):
    return read_message(json.dumps(body).encode(), channel="rest", fresh_id="fresh", received_at=5.0, **options)


def test_sender_message_and_metadata():
    inbound = read({"sender": "安娜", "message": "我的订单", "metadata": {"page": "/cart"}, "input_channel": "x"})
    assert (inbound.conversation_id, inbound.sender_id, inbound.text) == ("安娜", "安娜", "我的订单")
    assert (inbound.channel, inbound.event_id, inbound.metadata) == ("rest", "fresh", {"page": "/cart"})
    assert inbound.received_at == 5.0


def test_half_an_emoji_is_replaced_in_what_is_said_and_refused_in_an_id():
    inbound = read({"message": "ok \ud83d", "metadata": {"page": "\udc4d"}})
    assert (inbound.text, inbound.metadata) == ("ok \ufffd", {"page": "\ufffd"})
    with pytest.raises(BadRequest, match="'sender'"):  # two customers must not become one
        read({"message": "ok", "sender": "ann\ud83d"})


def test_a_missing_sender_is_default():
    assert read({"message": "hi"}).conversation_id == "default"


@pytest.mark.parametrize("body", [{"message_id": "m1"}, {"metadata": {"message_id": "m1"}}])
def test_a_message_id_is_the_event_id(body):
    assert read({"message": "hi", **body}).event_id == "m1"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "JSON object"),
        ({"sender": "a"}, "'message'"),
        ({"message": None}, "'message'"),
        ({"message": 3}, "'message'"),
        ({"message": "x", "sender": 3}, "'sender'"),
        ({"message": "x", "sender": ""}, "'sender'"),
        ({"message": "x", "sender": "a\nb"}, "'sender'"),
        ({"message": "x", "sender": "telegram:77"}, "another channel"),  # somebody else's conversation
        ({"message": "x", "sender": "web-0123"}, "another channel"),
        ({"message": "x", "metadata": []}, "'metadata'"),
        ({"message": "x", "message_id": 7}, "'message_id'"),
    ],
)
def test_bad_bodies(body, says):
    with pytest.raises(BadRequest, match=says):
        read(body)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda x: st.lists(x, max_size=3))


@given(st.dictionaries(st.sampled_from(["sender", "message", "metadata", "message_id", "x"]), JSON))
def test_any_object_is_read_or_refused(body):
    try:
        inbound = read(body)
    except BadRequest:
        return
    assert isinstance(inbound.text, str)

"""Telegram updates: what they mean, checked against python-telegram-bot's own reading of the same JSON."""

import contextlib
import json

import pytest
import telegram
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram_update import Address, Bot, Ignored, Said, parse_update
from bot.errors import BadRequest

BOT = Bot(id=42, username="ShopBot")
ANN = {"id": 7, "is_bot": False, "first_name": "Ann", "username": "ann", "language_code": "zh-hans"}
PRIVATE = {"id": 7, "type": "private", "first_name": "Ann"}
GROUP = {"id": -100, "type": "supergroup", "title": "Help"}
OURS = {"id": 42, "is_bot": True, "first_name": "Shop", "username": "ShopBot"}


def message(chat=PRIVATE, **fields):
    return {"message_id": 5, "date": 1_700_000_000, "chat": chat, "from": ANN, **fields}


def parse(update_id=9, **update):
    body = {"update_id": update_id, **update}
    assert telegram.Update.de_json(body, None).update_id == update_id  # a shape that Telegram has
    return parse_update(json.dumps(body).encode(), bot=BOT, received_at=1.0)


def test_a_message():
    said = parse(message=message(text="我的订单在哪里？👀"))
    assert isinstance(said, Said)
    inbound = said.inbound
    assert (inbound.conversation_id, inbound.sender_id, inbound.channel) == ("telegram:7", "7", "telegram")
    assert (inbound.event_id, inbound.text, inbound.received_at) == ("9", "我的订单在哪里？👀", 1.0)
    assert inbound.metadata["language"] == "zh-hans"
    assert inbound.metadata["message_id"] == 5


def test_half_an_emoji_is_replaced():
    said = parse(message=message(text="ok \ud83d"))
    assert said.inbound.text == "ok \ufffd"


def test_an_edited_message_is_a_new_one():
    said = parse(edited_message=message(text="order 12", edit_date=1_700_000_001))
    assert (said.kind, said.inbound.text, said.inbound.metadata["edited"]) == ("edited", "order 12", True)


def test_a_pressed_button_says_its_payload_and_shows_its_title():
    keyboard = {"inline_keyboard": [[{"text": "退货", "callback_data": "/return"}]]}
    pressed = message(text="Choose", reply_markup=keyboard, **{"from": OURS})
    query = {"id": "55", "from": ANN, "chat_instance": "1", "data": "/return", "message": pressed}
    said = parse(callback_query=query)
    assert (said.inbound.text, said.inbound.display, said.callback_id) == ("/return", "退货", "55")
    assert said.inbound.conversation_id == "telegram:7"


def test_a_button_of_a_message_too_old_to_be_shown():
    old = {"message_id": 5, "date": 0, "chat": PRIVATE}
    said = parse(callback_query={"id": "55", "from": ANN, "chat_instance": "1", "data": "/x", "message": old})
    assert (said.inbound.text, said.inbound.display) == ("/x", None)


def test_a_location_is_json_as_in_rasa():
    said = parse(message=message(location={"longitude": 13.4, "latitude": 52.5}))
    assert json.loads(said.inbound.text) == {"lng": 13.4, "lat": 52.5}


PHOTO = [{"file_id": name, "file_unique_id": name, "width": 1, "height": 1} for name in ("small", "large")]
VOICE = {"file_id": "v", "file_unique_id": "v", "duration": 2}


@pytest.mark.parametrize(
    ("fields", "text", "attachment"),
    [
        ({"photo": PHOTO}, "[photo]", {"type": "photo", "file_id": "large"}),
        ({"photo": PHOTO, "caption": "broken"}, "broken", {"type": "photo", "file_id": "large"}),
        ({"voice": VOICE}, "[voice]", {"type": "voice", "file_id": "v"}),
        ({"contact": {"phone_number": "1", "first_name": "A"}}, "[contact]", {"type": "contact", "file_id": None}),
    ],
)
def test_what_is_not_text_is_said_all_the_same(fields, text, attachment):
    inbound = parse(message=message(**fields)).inbound
    assert inbound.text == text
    assert inbound.metadata["attachments"] == [attachment]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello all", None),  # talk among people
        ("@shopbot where is my order", "where is my order"),  # the name, in any case
        ("where, @ShopBot, is it", "where,  is it"),
        ("mail me at ann@shopbots.example", None),  # a name that only begins like ours
        ("/help", "/help"),  # a command to every bot
        ("/help@ShopBot", "/help"),
        ("/help@OtherBot", None),
    ],
)
def test_in_a_group_only_what_is_meant_for_the_bot(text, expected):
    said = parse(message=message(chat=GROUP, text=text))
    assert (said.inbound.text if isinstance(said, Said) else None) == expected


def test_an_answer_to_the_bot_in_a_group_is_meant_for_it():
    said = parse(message=message(chat=GROUP, text="12345", reply_to_message=message(text="Number?", **{"from": OURS})))
    assert said.inbound.text == "12345"


def test_members_of_a_group_have_conversations_of_their_own():
    topic = {"message_thread_id": 3, "is_topic_message": True}
    inbound = parse(message=message(chat=GROUP, text="/help", **topic)).inbound
    assert inbound.conversation_id == "telegram:-100.t3.u7"
    assert inbound.sender_id == "-100.t3"


def test_a_deep_link_keeps_its_code():
    inbound = parse(message=message(text="/start order_12")).inbound
    assert (inbound.text, inbound.metadata["start_parameter"]) == ("/start", "order_12")


def test_the_start_button_says_what_the_assistant_wants():
    raw = json.dumps({"update_id": 1, "message": message(text="/start")}).encode()
    inbound = parse_update(raw, bot=Bot(id=42, username="b", start="/greet"), received_at=0.0).inbound
    assert (inbound.text, inbound.display) == ("/greet", "/start")
    assert parse(message=message(text="/started")).inbound.display is None


@pytest.mark.parametrize(
    ("update", "kind"),
    [
        ({"message": message(new_chat_members=[ANN])}, "service"),
        ({"message": message(text="I am a bot", **{"from": OURS})}, "bot"),
        ({"channel_post": message(text="news")}, "channel_post"),
        ({"inline_query": {"id": "1", "from": ANN, "query": "q", "offset": ""}}, "inline_query"),
        ({}, "unreadable"),
    ],
)
def test_what_no_answer_follows_from_is_named(update, kind):
    assert parse(**update) == Ignored(kind=kind)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"update_id": "1"}', b'{"update_id": true}', b"\xff"])
def test_what_telegram_never_sends_is_refused(raw):
    with pytest.raises(BadRequest):
        parse_update(raw, bot=BOT, received_at=0.0)


@pytest.mark.parametrize("text", ["7", "-100", "-100.t3"])
def test_an_address_reads_back(text):
    assert str(Address.parse(text)) == text
    assert Address.parse(f"telegram:{text}.u9") == Address.parse(text)


@pytest.mark.parametrize("text", ["", "x", "7;8", "rest:7", "7.u", "7\n"])
def test_no_address(text):
    with pytest.raises(ValueError, match="address"):
        Address.parse(text)


KEYS = ["message", "edited_message", "callback_query", "id", "from", "chat", "text", "data", "type", "photo",
        "location", "longitude", "latitude", "reply_markup", "inline_keyboard", "is_bot", "message_thread_id",
        "is_topic_message", "caption", "reply_to_message", "username", "file_id"]  # fmt: skip


def objects(values):
    return st.dictionaries(st.sampled_from(KEYS), values, max_size=6)


LEAVES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=10)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | objects(inner), max_leaves=12)


@given(objects(VALUES))
def test_any_shape_is_said_or_ignored(update):
    result = parse_update(json.dumps({"update_id": 1, **update}).encode(), bot=BOT, received_at=0.0)
    assert isinstance(result, Said | Ignored)


@given(st.sampled_from(["message", "callback_query"]), objects(VALUES), objects(VALUES))
def test_any_broken_message_is_said_or_ignored(name, fields, inner):
    base = {**message(text="hi"), "id": "1", "data": "/x", "message": {**message(), **inner}, **fields}
    result = parse_update(json.dumps({"update_id": 1, name: base}).encode(), bot=BOT, received_at=0.0)
    assert isinstance(result, Said | Ignored)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(raw):
    with contextlib.suppress(BadRequest):
        parse_update(raw, bot=BOT, received_at=0.0)

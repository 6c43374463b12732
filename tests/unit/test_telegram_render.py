"""Replies as calls of the Bot API, and what its answers mean."""

import json

import pytest
import telegram
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.outbound import Answered
from bot.channels.telegram import outcome, second_try
from bot.channels.telegram_render import Call, keyboard, render, stored_payload
from bot.channels.telegram_settings import TelegramSettings, derived_secret
from bot.channels.telegram_update import Address
from bot.errors import CredentialsError
from bot.messages import Button, Refused, Reply, RetryLater, Sent, Source, Unknown

CHAT = Address(chat=7)
PREVIEW = {"is_disabled": True}


def text_call(text, **extra):
    return {"text": text, "parse_mode": "HTML", "link_preview_options": PREVIEW, **extra, "chat_id": 7}


def inline(*rows):
    return {"inline_keyboard": [[{"text": title, "callback_data": data} for title, data in row] for row in rows]}


GOLDEN = [
    ({"text": "**Hi** 你好"}, [("sendMessage", text_call("<b>Hi</b> 你好"))]),
    # short buttons share a row, wide ones count double
    (
        {"text": "Ok?", "buttons": (Button(title="Yes", payload="/y"), Button(title="No", payload="/n"))},
        [("sendMessage", text_call("Ok?", reply_markup=inline([("Yes", "/y"), ("No", "/n")])))],
    ),
    (
        {"text": "好？", "quick_replies": tuple(Button(title="查询我的订单", payload=f"/{n}") for n in (1, 2, 3))},
        [
            (
                "sendMessage",
                text_call(
                    "好？",
                    reply_markup=inline([("查询我的订单", "/1"), ("查询我的订单", "/2")], [("查询我的订单", "/3")]),
                ),
            )
        ],
    ),
    # buttons without words
    (
        {"buttons": (Button(title="Yes", payload="/y"),)},
        [("sendMessage", text_call("👇", reply_markup=inline([("Yes", "/y")])))],
    ),
    # sources, with and without an address
    (
        {
            "text": "A",
            "sources": (Source(title="R & D", document="r", url="https://e/r"), Source(title="B", document="b")),
        },
        [("sendMessage", text_call('A\n\n<a href="https://e/r">📄 R &amp; D</a>\n📄 B'))],
    ),
    # pictures and files
    (
        {"text": "A", "image": "https://e/x.png", "attachment": "https://e/x.pdf"},
        [
            ("sendMessage", text_call("A")),
            ("sendPhoto", {"photo": "https://e/x.png", "chat_id": 7}),
            ("sendDocument", {"document": "https://e/x.pdf", "chat_id": 7}),
        ],
    ),
    (
        {"attachment": {"type": "image", "payload": {"src": "https://e/x.png"}}},
        [("sendPhoto", {"photo": "https://e/x.png", "chat_id": 7})],
    ),
    # cards
    (
        {
            "elements": (
                {
                    "title": "T",
                    "subtitle": "<S>",
                    "image_url": "https://e/t.png",
                    "buttons": [{"title": "B", "payload": "/b"}],
                },
            )
        },
        [
            (
                "sendPhoto",
                {
                    "photo": "https://e/t.png",
                    "caption": "<b>T</b>\n&lt;S&gt;",
                    "parse_mode": "HTML",
                    "reply_markup": inline([("B", "/b")]),
                    "chat_id": 7,
                },
            )
        ],
    ),
    # Rasa's custom payloads; the chat is always our own
    (
        {"custom": {"latitude": 1, "longitude": 2, "chat_id": 999}},
        [("sendLocation", {"latitude": 1, "longitude": 2, "chat_id": 7})],
    ),
    # for another platform
    ({"custom": {"blocks": []}}, []),
    ({}, []),
]


@pytest.mark.parametrize(("fields", "expected"), GOLDEN)
def test_golden(fields, expected):
    calls = render(CHAT, Reply(id="telegram:7/1/0", **fields))
    assert [(call.method, dict(call.payload)) for call in calls] == expected


def test_a_topic_is_answered_in_the_topic():
    (call,) = render(Address(chat=-100, topic=3), Reply(id="a/1/0", text="x"))
    assert (call.payload["chat_id"], call.payload["message_thread_id"]) == (-100, 3)


def test_a_long_text_is_cut_and_keeps_its_buttons_at_the_end():
    text = "\n\n".join(f"**{n}** " + "这是一个很长的段落。" * 40 for n in range(30))
    calls = render(CHAT, Reply(id="a/1/0", text=text, buttons=(Button(title="B", payload="/b"),)))
    assert len(calls) == 3
    assert ["reply_markup" in call.payload for call in calls] == [False] * (len(calls) - 1) + [True]
    limit = telegram.constants.MessageLimit.MAX_TEXT_LENGTH
    assert all(len(call.plain.encode("utf-16-le")) // 2 <= limit for call in calls)


def test_a_keyboard_is_one_that_python_telegram_bot_reads():
    markup = keyboard("a/1/0", [Button(title=f"按钮 {n}", payload="/p" * n) for n in range(1, 60)])
    read = telegram.InlineKeyboardMarkup.de_json(markup, None)
    data = [button.callback_data for row in read.inline_keyboard for button in row]
    low, high = (getattr(telegram.InlineKeyboardButton, f"{name}_CALLBACK_DATA") for name in ("MIN", "MAX"))
    assert all(low <= len(item.encode()) <= high for item in data)
    assert len(data) == 59


LONG = '/inform{"product": "一个非常长的产品名称，超过六十四个字节的限制"}'


@given(st.lists(st.text(min_size=1, max_size=70), min_size=1, max_size=8))
def test_every_payload_comes_back_whole(payloads):
    buttons = tuple(Button(title="t", payload=payload) for payload in payloads)
    card = {"title": "c", "buttons": [{"title": "t", "payload": payload} for payload in payloads]}
    reply = Reply(id="telegram:7/1/0", text="x", buttons=buttons, elements=(card,))
    sent = [
        button["callback_data"]
        for call in render(CHAT, reply)
        for row in call.payload["reply_markup"]["inline_keyboard"]
        for button in row
    ]
    other = Reply(id="telegram:7/0/0", buttons=(Button(title="o", payload="other"),))
    assert [stored_payload(data, [other, reply]) for data in sent] == payloads * 2


def test_a_long_payload_is_lost_with_its_reply_only():
    (call,) = render(CHAT, Reply(id="a/1/0", buttons=(Button(title="t", payload=LONG),)))
    data = call.payload["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    assert len(data.encode()) <= 64
    assert stored_payload(data, []) is None


def answered(status, retry_after_s=None, **body):
    return Answered(status=status, body=body, retry_after_s=retry_after_s)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (answered(200, ok=True, result={"message_id": 12}), Sent(id="12")),
        (answered(200, ok=True, result=True), Sent()),
        (answered(429, ok=False, parameters={"retry_after": 17}), RetryLater(after_s=17)),
        (answered(429, retry_after_s=3.0), RetryLater(after_s=3)),  # a proxy in between
        (answered(429), RetryLater(after_s=5)),
        (answered(500, ok=False), RetryLater(after_s=5)),
        (answered(502), RetryLater(after_s=5)),
        (answered(401, ok=False), RetryLater(after_s=60)),  # a wrong token can be mended
        (answered(404, ok=False), RetryLater(after_s=60)),
        (answered(403, ok=False, description="Forbidden: bot was blocked by the user"), Refused(reason="blocked")),
        (answered(400, ok=False, description="Bad Request: chat not found"), Refused(reason="chat not found")),
        (answered(400, ok=False, description="Bad Request: canary"), Refused(reason="refused with 400")),
        (answered(200), Unknown(reason="an answer that is not Telegram's (200)")),
        (answered(302), Unknown(reason="an answer that is not Telegram's (302)")),
    ],
)
def test_what_an_answer_means(answer, result):
    assert outcome(answer) == result


def test_the_second_try():
    call = Call(method="sendMessage", payload={"text": "<b>x", "parse_mode": "HTML", "chat_id": 7}, plain="x")
    tags = answered(400, ok=False, description="Bad Request: can't parse entities: byte 3")
    assert second_try(call, tags) == {"text": "x", "chat_id": 7}
    moved = answered(400, ok=False, parameters={"migrate_to_chat_id": -1007})
    assert second_try(call, moved) == {**call.payload, "chat_id": -1007}
    assert second_try(call, answered(400, ok=False, description="chat not found")) is None
    assert second_try(call, answered(200, ok=True)) is None


TOKEN = "123456:AAbbCCddEEffGGhhIIjjKKll"
SECTION = {"access_token": TOKEN, "verify": "@ShopBot", "webhook_url": "https://e/x/webhooks/telegram/webhook/s3"}


def test_settings():
    settings = TelegramSettings.read(SECTION)
    assert (settings.bot.id, settings.bot.username, settings.path_secret) == (123456, "ShopBot", "s3")
    assert settings.secret_token == derived_secret(TOKEN)
    assert TOKEN not in settings.secret_token
    assert derived_secret(TOKEN) != derived_secret(TOKEN + "x")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"access_token": None}, "'access_token' is missing"),
        ({"verify": ""}, "'verify' is missing"),
        ({"webhook_url": 3}, "'webhook_url' is missing"),
        ({"access_token": "canary"}, "BotFather"),
        ({"webhook_url": "https://canary.example/hook"}, "must be a public address"),
        ({"secret_token": "canary with spaces"}, "'secret_token' must"),
        ({"secret_token": 12}, "'secret_token' must"),
    ],
)
def test_bad_settings_are_named_and_not_quoted(change, says):
    with pytest.raises(CredentialsError, match=says) as caught:
        TelegramSettings.read({**SECTION, **change})
    assert "canary" not in str(caught.value)
    assert json.dumps(TOKEN) not in str(caught.value)

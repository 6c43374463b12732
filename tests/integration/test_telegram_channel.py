"""Telegram both ways: updates into the webhook, replies to a platform's server on loopback."""

import asyncio
import socket

import pytest
import telegram
from aiohttp import ClientTimeout, web
from aiohttp.test_utils import TestClient, TestServer
from channel_fakes import FakeInbox, FakePlatform, application

from bot.channels.metrics import Metrics
from bot.channels.registry import Channels, register_all
from bot.channels.telegram import PROOF_HEADER, TelegramChannel
from bot.channels.telegram_settings import TelegramSettings, derived_secret
from bot.errors import ChannelError, CredentialsError, LogTrimmed, StoreUnavailable
from bot.messages import Button, LogFrame, Refused, Reply, RetryLater, Sent, Source, Unknown

ACCESS_TOKEN = "123456:AAbbCCddEEffGGhhIIjjKKll"
WEBHOOK = "/webhooks/telegram/webhook"
ANN = {"id": 7, "is_bot": False, "first_name": "Ann"}
CHAT = {"id": 7, "type": "private", "first_name": "Ann"}
LONG = '/inform{"product": "一个非常长的产品名称，超过六十四个字节的限制"}'
REPLY = Reply(id="telegram:7/1/0", text="好的", buttons=(Button(title="选它", payload=LONG),))


@pytest.fixture
def inbox():
    return FakeInbox()


@pytest.fixture
def platform():
    return FakePlatform()


@pytest.fixture
async def api_url(platform):
    async with TestServer(platform.application()) as server:
        yield str(server.make_url("")).rstrip("/")


def settings(api_url, **change):
    section = {"access_token": ACCESS_TOKEN, "verify": "ShopBot", "webhook_url": f"https://shop.example{WEBHOOK}"}
    return TelegramSettings.read({**section, "api_url": api_url, **change})


@pytest.fixture
async def channel(inbox, api_url):
    channel = TelegramChannel(settings(api_url), inbox, Metrics(), timeout=ClientTimeout(total=1))
    await channel.start()
    yield channel
    await channel.stop()


@pytest.fixture
async def client(inbox, channel):
    async with TestClient(TestServer(application(inbox, channels=[channel]))) as client:
        client.session.headers[PROOF_HEADER] = derived_secret(ACCESS_TOKEN)
        yield client


def update(number=1, text="我的订单呢？"):
    return {
        "update_id": number,
        "message": {"message_id": 5, "date": 1, "chat": CHAT, "from": ANN, "text": text},
    }


def press(data, title):
    keyboard = {"inline_keyboard": [[{"text": title, "callback_data": data}]]}
    shown = {"message_id": 5, "date": 1, "chat": CHAT, "text": "x", "reply_markup": keyboard}
    query = {"id": "55", "from": ANN, "chat_instance": "1", "data": data, "message": shown}
    return {"update_id": 2, "callback_query": query}


# --- in


async def test_an_update_is_acknowledged_after_it_is_queued(client, inbox):
    async with client.post(WEBHOOK, json=update()) as response:
        assert (response.status, await response.read()) == (200, b"")
    (inbound,) = inbox.inbounds
    assert (inbound.conversation_id, inbound.text, inbound.event_id) == ("telegram:7", "我的订单呢？", "1")


@pytest.mark.parametrize("proof", [None, "", "wrong", ACCESS_TOKEN])
async def test_without_the_secret_nothing_is_taken(client, inbox, proof):
    headers = {} if proof is None else {PROOF_HEADER: proof}
    del client.session.headers[PROOF_HEADER]
    async with client.post(WEBHOOK, json=update(), headers=headers) as response:
        assert response.status == 401
    assert not inbox.inbounds


async def test_a_secret_in_the_address(inbox, api_url):
    url = f"https://shop.example/proxy{WEBHOOK}/s3cret"
    channel = TelegramChannel(settings(api_url, webhook_url=url, secret_token="proof"), inbox, Metrics())
    async with TestClient(TestServer(application(inbox, channels=[channel]))) as client:
        for path, status in ((WEBHOOK, 401), (f"{WEBHOOK}/other", 401), (f"{WEBHOOK}/s3cret", 200)):
            async with client.post(path, json=update(), headers={PROOF_HEADER: "proof"}) as response:
                assert response.status == status
    assert len(inbox.inbounds) == 1


async def test_duplicates_take_effect_once_and_are_all_acknowledged(client, inbox):
    async def deliver():
        async with client.post(WEBHOOK, json=update()) as response:
            return response.status

    assert set(await asyncio.gather(*(deliver() for _ in range(20)))) == {200}
    assert len(inbox.inbounds) == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"busy": True}, 503),
        ({"error": StoreUnavailable("down")}, 503),
        ({"empty": {"message"}}, 429),
    ],
)
async def test_what_is_not_queued_is_not_acknowledged(client, inbox, change, status):
    for name, value in change.items():
        setattr(inbox, name, value)
    async with client.post(WEBHOOK, json=update()) as response:
        assert response.status == status
        assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"update_id": 3}', b'{"update_id": 3, "poll": {}}', b"\xff"])
async def test_what_cannot_be_read_does_not_hold_back_the_chat(client, inbox, body):
    async with client.post(WEBHOOK, data=body) as response:
        assert response.status == 200
    assert not inbox.inbounds


async def test_the_longest_message_with_an_answered_one_is_taken(client, inbox):
    body = update(text="😀" * 2048)
    body["message"]["reply_to_message"] = update(text="😀" * 2048)["message"]
    async with client.post(WEBHOOK, json=body) as response:
        assert response.status == 200
    assert len(inbox.inbounds) == 1


async def test_a_pressed_button_stops_spinning(client, inbox):
    async with client.post(WEBHOOK, json=press("/return", "退货")) as response:
        assert await response.json() == {"method": "answerCallbackQuery", "callback_query_id": "55"}
    assert (inbox.inbounds[0].text, inbox.inbounds[0].display) == ("/return", "退货")


@pytest.mark.parametrize(("kept", "text"), [(True, LONG), (False, "选它")])
async def test_a_long_payload_comes_back_from_the_log(client, channel, inbox, platform, kept, text):
    await channel.send("7", REPLY)
    ((data,),) = platform.calls[0][1]["reply_markup"]["inline_keyboard"]
    inbox.frames = [LogFrame(seq=1, type="bot", id=REPLY.id, at=1.0, reply=REPLY)] if kept else []
    async with client.post(WEBHOOK, json=press(data["callback_data"], "选它")) as response:
        assert response.status == 200
    assert inbox.inbounds[0].text == text


async def test_a_long_payload_is_found_in_a_log_that_was_cut(client, channel, inbox, platform, monkeypatch):
    async def log_after(conversation_id, seq):
        if seq + 1 < 41:
            raise LogTrimmed(oldest=41)
        kept = LogFrame(seq=41, type="bot", id=REPLY.id, at=1.0, reply=REPLY)
        return [kept] if kept.seq > seq else []

    monkeypatch.setattr(inbox, "log_after", log_after)
    await channel.send("7", REPLY)
    ((data,),) = platform.calls[0][1]["reply_markup"]["inline_keyboard"]
    await client.post(WEBHOOK, json=press(data["callback_data"], "选它"))
    assert inbox.inbounds[0].text == LONG


# --- out


async def test_a_reply_is_sent_as_telegram_wants_it(channel, platform):
    reply = Reply(
        id="telegram:7/1/0",
        text="**您好** <b>",
        buttons=(Button(title="退货", payload="/return"),),
        sources=(Source(title="退货政策", document="r.md", url="https://e/r"),),
    )
    assert await channel.send("7", reply) == Sent(id="1")
    ((path, payload),) = platform.calls
    assert path == f"bot{ACCESS_TOKEN}/sendMessage"
    assert payload["text"] == '<b>您好</b> &lt;b&gt;\n\n<a href="https://e/r">📄 退货政策</a>'
    assert (payload["chat_id"], payload["parse_mode"]) == (7, telegram.constants.ParseMode.HTML)
    markup = telegram.InlineKeyboardMarkup.de_json(payload["reply_markup"], None)
    assert [[(button.text, button.callback_data) for button in row] for row in markup.inline_keyboard] == [
        [("退货", "/return")]
    ]


async def test_typing(channel, platform):
    platform.answers.append((429, {"ok": False}))  # not reported
    await channel.typing("telegram:7")
    typing = {"chat_id": 7, "action": telegram.constants.ChatAction.TYPING}
    assert platform.calls == [(f"bot{ACCESS_TOKEN}/sendChatAction", typing)]


async def test_a_wait_is_obeyed_and_nothing_is_said_twice(channel, platform):
    reply = Reply(id="telegram:7/1/0", text="one", image="https://e/x.png", attachment="https://e/x.pdf")
    platform.answers.extend([None, (429, {"ok": False, "parameters": {"retry_after": 17}})])
    assert await channel.send("7", reply) == RetryLater(after_s=17)
    assert await channel.send("7", reply) == Sent(id="4")
    methods = [path.rpartition("/")[2] for path, _ in platform.calls]
    assert methods == ["sendMessage", "sendPhoto", "sendPhoto", "sendDocument"]
    await channel.send("7", reply)  # a new reply would start at its beginning
    assert len(platform.calls) == 7


async def test_a_refusal_ends_it(channel, platform):
    platform.answers.append((403, {"ok": False, "description": "Forbidden: bot was blocked by the user"}))
    assert await channel.send("7", Reply(id="1", text="x", image="y")) == Refused(reason="blocked")
    assert len(platform.calls) == 1


async def test_tags_that_telegram_does_not_read_are_left_out(channel, platform):
    platform.answers.append((400, {"ok": False, "description": "Bad Request: can't parse entities: at 3"}))
    assert await channel.send("7", Reply(id="1", text="**x** & y")) == Sent(id="2")
    assert platform.calls[1][1]["text"] == "x & y"
    assert "parse_mode" not in platform.calls[1][1]


async def test_a_group_that_got_a_new_number(channel, platform):
    platform.answers.append((400, {"ok": False, "parameters": {"migrate_to_chat_id": -1007}}))
    assert await channel.send("-7", Reply(id="1", text="x")) == Sent(id="2")
    assert platform.calls[1][1]["chat_id"] == -1007


async def test_silence_after_the_words_were_said_is_unknown(channel, platform):
    async def hang(request):
        await asyncio.sleep(5)

    async def hang_up(request):
        request.transport.abort()
        return web.Response()

    for answer in (hang, hang_up):
        platform.answers.append(answer)
        assert isinstance(await channel.send("7", Reply(id="1", text="x")), Unknown)
    assert len(platform.calls) == 2


async def test_nobody_at_the_address_means_that_nothing_was_said(inbox):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        channel = TelegramChannel(settings(f"http://127.0.0.1:{unused.getsockname()[1]}"), inbox, Metrics())
        await channel.start()
        try:
            assert isinstance(await channel.send("7", Reply(id="1", text="x")), RetryLater)
            with pytest.raises(ChannelError, match="getMe got no answer") as caught:
                await channel.register()
        finally:
            await channel.stop()
    assert ACCESS_TOKEN not in str(caught.value)


async def test_an_address_of_another_channel_is_refused(channel, platform):
    assert await channel.send("ann", Reply(id="1", text="x")) == Refused(reason="not a Telegram address")
    await channel.typing("ann")
    assert not platform.calls


# --- setting up


async def test_register(channel, platform):
    await channel.register()
    (_, (path, webhook)) = platform.calls
    assert path.endswith("/setWebhook")
    assert webhook == {
        "url": f"https://shop.example{WEBHOOK}",
        "secret_token": derived_secret(ACCESS_TOKEN),
        "allowed_updates": ["message", "edited_message", "callback_query"],
    }


async def test_register_with_another_bots_token(inbox, api_url):
    channel = TelegramChannel(settings(api_url, verify="OtherBot"), inbox, Metrics())
    await channel.start()
    try:
        with pytest.raises(CredentialsError, match="'verify'"):
            await channel.register()
    finally:
        await channel.stop()


async def test_register_refused(channel, platform):
    platform.answers.append((400, {"ok": False, "description": "Bad Request: bad webhook"}))
    with pytest.raises(ChannelError, match="getMe was answered with 400"):
        await channel.register()


async def test_a_platform_that_is_away_is_asked_again(channel, platform):
    platform.answers.extend([(502, {}), None, (429, {"ok": False})])
    await register_all(Channels(all=(channel,), senders={}), first_retry_s=0.001)
    assert [path.rpartition("/")[2] for path, _ in platform.calls] == [
        *("getMe", "getMe", "setWebhook", "getMe", "setWebhook")
    ]


async def test_a_token_that_the_platform_does_not_know_is_not_tried_again(channel, platform, caplog):
    platform.answers.append((401, {"ok": False}))
    await register_all(Channels(all=(channel,), senders={}))
    assert len(platform.calls) == 1
    assert "'access_token'" in caplog.text
    assert ACCESS_TOKEN not in caplog.text

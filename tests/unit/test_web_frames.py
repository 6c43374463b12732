"""The widget's frames: what is understood, what is refused, and what a reply looks like on the wire."""

import asyncio
import json

import pytest

from bot.channels.web.frames import Hello, Ping, Rate, Say, decode, encode, log_json, parse_frame
from bot.channels.web.outgoing import Outgoing, SlowReader
from bot.errors import BadRequest
from bot.messages import Button, LogFrame, Reply, Source

ID = "0b2c7c1e-1111-4222-8333-444455556666"


def parse(raw):
    return parse_frame(decode(raw if isinstance(raw, str) else json.dumps(raw)), max_text_chars=100)


@pytest.mark.parametrize(
    ("raw", "frame"),
    [
        ({"type": "hello"}, Hello()),
        ({"type": "hello", "conversation": None, "token": None, "last": 0, "lang": "zh-CN"}, Hello(lang="zh-CN")),
        ({"type": "hello", "last": 7, "lang": "<b>"}, Hello(last=7)),
        ({"type": "message", "id": ID, "text": " 你好 "}, Say(id=ID, text="你好")),
        ({"type": "message", "id": ID, "text": "ok \ud83d"}, Say(id=ID, text="ok \ufffd")),  # half an emoji
        (
            {"type": "message", "id": ID, "text": "Yes", "payload": '/affirm{"a":"b"}'},
            Say(id=ID, text="Yes", payload='/affirm{"a":"b"}'),
        ),
        ({"type": "feedback", "id": ID, "message": "c/1/0", "value": "up"}, Rate(id=ID, reply_id="c/1/0", value="up")),
        ({"type": "ping"}, Ping()),
    ],
)
def test_understands(raw, frame):
    assert parse(raw) == frame


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "hello",
        "[]",
        "[" * 60_000,  # deeper than a parser can go
        '{"type":"hello","last":' + "9" * 5000 + "}",
        {"type": "hello", "last": -1},
        {"type": "hello", "last": True},
        {"type": "hello", "last": 1.5},
        {"type": "hello", "conversation": 7},
        {"type": "hello", "token": "x" * 200},
        {"type": "message", "id": ID, "text": ""},
        {"type": "message", "id": ID, "text": "  \n"},
        {"type": "message", "id": ID, "text": "x" * 101},
        {"type": "message", "id": ID, "text": ["x"]},
        {"type": "message", "id": "short", "text": "x"},
        {"type": "message", "id": "x" * 65, "text": "x"},
        {"type": "message", "id": "has:colons:in", "text": "x"},
        {"type": "message", "text": "x"},
        {"type": "feedback", "id": ID, "message": "c/1/0", "value": "sideways"},
        {"type": "feedback", "id": ID, "value": "up"},
        {"type": "admin"},
        {"type": ["hello"]},
        {},
    ],
)
def test_refuses(raw):
    with pytest.raises(BadRequest):
        parse(raw)


def test_a_reply_on_the_wire():
    reply = Reply(
        id="c/1/0",
        text="**Yes**",
        buttons=(Button(title="<b>", payload="/x"),),
        image="https://img.example/a.png",
        sources=(Source(title="Returns", document="r.md", url="javascript:alert(1)"),),
        elements=({"title": "Tea", "image_url": "data:x", "buttons": [{"title": "Buy", "payload": "/buy"}, "junk"]},),
        rateable=True,
    )
    frame = LogFrame(seq=3, type="bot", id="c/1/0", at=5.0, reply=reply)
    assert log_json(frame, image_hosts={"img.example"}) == {
        "type": "bot",
        "seq": 3,
        "id": "c/1/0",
        "at": 5.0,
        "rateable": True,
        "html": "<p><strong>Yes</strong></p>",
        "buttons": [{"title": "<b>", "payload": "/x"}],
        "image": {"url": "https://img.example/a.png", "inline": True},
        "cards": [{"title": "Tea", "subtitle": "", "image": None, "buttons": [{"title": "Buy", "payload": "/buy"}]}],
        "sources": [{"title": "Returns", "url": None}],
    }


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ("https://evil.example/a.png", {"url": "https://evil.example/a.png", "inline": False}),
        ("javascript:alert(1)", None),
        ("data:image/svg+xml,x", None),
        ("/a.png", None),
        ("https://[", None),
    ],
)
def test_only_images_of_known_hosts_are_shown_in_place(image, shown):
    frame = LogFrame(seq=1, type="bot", id="r", at=0.0, reply=Reply(id="r", image=image))
    assert log_json(frame, image_hosts={"img.example"}).get("image") == shown


@pytest.mark.parametrize(
    ("attachment", "shown"),
    [
        ("https://shop.example/a.pdf", "https://shop.example/a.pdf"),
        ({"type": "file", "payload": {"src": "https://shop.example/a.pdf"}}, "https://shop.example/a.pdf"),
        ({"url": "https://shop.example/a.pdf"}, "https://shop.example/a.pdf"),
        ({"payload": {"payload": {}}}, None),
        ("javascript:alert(1)", None),
        (["x"], None),
    ],
)
def test_an_attachment_is_a_link_or_nothing(attachment, shown):
    frame = LogFrame(seq=1, type="bot", id="r", at=0.0, reply=Reply(id="r", attachment=attachment))
    assert log_json(frame, image_hosts=()).get("attachment") == shown


def test_encoded_frames_keep_chinese_readable():
    assert encode({"text": "你好"}) == '{"text":"你好"}'


async def test_live_frames_beyond_the_bound_are_refused():
    outgoing = Outgoing(max_frames=2, max_bytes=10)
    await outgoing.offer("a" * 50)  # alone, even a large frame passes
    with pytest.raises(SlowReader):
        await outgoing.offer("b")
    assert await outgoing.take() == "a" * 50
    await outgoing.offer("é" * 5)  # ten bytes
    with pytest.raises(SlowReader):
        await outgoing.offer("b")


async def test_frames_of_the_past_wait_for_room():
    outgoing = Outgoing(max_frames=1)
    await outgoing.offer("1")
    with pytest.raises(SlowReader):
        await outgoing.put("2", timeout_s=0.01)
    waiting = asyncio.create_task(outgoing.put("2", timeout_s=5))
    await asyncio.sleep(0)
    assert [await outgoing.take(), await outgoing.take()] == ["1", "2"]
    await waiting

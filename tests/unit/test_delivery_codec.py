import json

import pytest

from bot.delivery.codec import (
    EventKey,
    Notice,
    done_to_json,
    dump,
    dump_event,
    dump_frame,
    dump_inbound,
    dump_live,
    load_events,
    load_frame,
    load_inbound,
    load_notice,
    record_from_json,
    record_to_json,
    reply_from_json,
    reply_to_json,
)
from bot.delivery.transcript import TurnTranscript, dump_transcript, load_transcript
from bot.dialogue.events import SlotSet, UserUttered
from bot.dialogue.parse import Entity, IntentScore, Parse
from bot.messages import Button, Inbound, LiveFrame, LogFrame, Reply, Source
from bot.ports import TurnRecord

PLAIN = Reply(id="anna/1/0", text="Hello")
RICH = Reply(
    id="李雷/1/1",
    text="**您好**",
    buttons=(Button(title="查订单", payload="/order"),),
    quick_replies=(Button(title="Yes", payload="/affirm"),),
    image="https://example.org/a.png",
    attachment={"type": "file"},
    elements=({"title": "x"},),
    custom={"n": [1, 2.5, None]},
    sources=(Source(title="Returns", document="returns.md"), Source(title="退货", document="r.md", url="https://a.b/")),
    author="agent",
    rateable=True,
)
INBOUND = Inbound(
    conversation_id="客户:{7}",
    channel="web",
    event_id="e\n1",
    sender_id="客户",
    text='说 "hi" \\ ',
    display="按钮",
    kind="intent",
    metadata={"entities": [{"entity": "city", "value": "北京"}]},
    received_at=1.5,
)


@pytest.mark.parametrize("inbound", [INBOUND, Inbound(conversation_id="a", channel="c", event_id="e", sender_id="s")])
def test_inbound_reads_back(inbound: Inbound) -> None:
    assert load_inbound(dump_inbound(inbound)) == inbound


def test_inbound_of_a_newer_version_is_read() -> None:
    assert load_inbound(json.dumps({**json.loads(dump_inbound(INBOUND)), "mood": "good"})) == INBOUND


@pytest.mark.parametrize("reply", [PLAIN, RICH])
def test_reply_reads_back(reply: Reply) -> None:
    assert reply_from_json(json.loads(dump(reply_to_json(reply)))) == reply


@pytest.mark.parametrize(
    "frame",
    [
        LogFrame(seq=3, type="user", id="e1", at=2.0, text="你好"),
        LogFrame(seq=4, type="agent", id="r", at=2.0, reply=RICH, channel="socketio"),
        LogFrame(seq=5, type="status", id="s", at=2.0, text="handoff"),
    ],
)
def test_frame_reads_back_with_the_number_it_is_given(frame: LogFrame) -> None:
    assert load_frame(frame.seq, dump_frame(frame)) == frame
    assert "seq" not in json.loads(dump_frame(frame))


def test_notice_of_a_script_numbers_its_frames() -> None:
    frames = [LogFrame(seq=0, type="bot", id="r", at=1.0, reply=PLAIN), LogFrame(seq=0, type="bot", id="q", at=1.0)]
    texts = ",".join(map(dump_frame, frames))
    notice = load_notice(f'{{"from":"h","seq":7,"frames":[{texts}],"done":{done_to_json(INBOUND)}}}')
    assert [frame.seq for frame in notice.frames] == [7, 8]
    assert notice.done == EventKey("客户:{7}", "web", "e\n1")


def test_hint_reads_back() -> None:
    frame = LiveFrame(type="partial", event_id="e", text="正在写")
    assert load_notice(dump_live("h", frame)) == Notice(hub_id="h", hint=frame)


def test_events_read_back() -> None:
    parse = Parse(
        text="去北京",
        intent=IntentScore(name="go", confidence=0.75),
        ranking=(IntentScore(name="go", confidence=0.75),),
        entities=(Entity(entity="city", value="北京", start=1, end=3, confidence=0.5),),
    )
    events = (
        UserUttered(text="去北京", parse=parse, timestamp=3.0, message_id="1"),
        SlotSet(name="city", value="北京"),
    )
    assert load_events(map(dump_event, events)) == events


def test_record_reads_back() -> None:
    record = TurnRecord(
        route="knowledge", reasons=("好",), hits=({"id": "p"},), confidence=0.5, timings_ms={"parse": 1.0}
    )
    assert record_from_json(json.loads(dump(record_to_json(record)))) == record


def test_transcript_reads_back_with_its_ratings() -> None:
    turn = TurnTranscript(
        conversation_id="李雷",
        channel="web",
        event_id="1",
        kind="message",
        at=4.0,
        text="退货？",
        replies=(PLAIN, RICH),
        record=TurnRecord(route="rule"),
        tries=2,
        ratings={"anna/1/0": "up"},
    )
    assert load_transcript(dump_transcript(turn), {"anna/1/0": "up"}) == turn


def test_lone_surrogates_do_not_break_the_store() -> None:
    # A client may send half of a pair as a JSON escape; UTF-8 cannot carry it.
    assert dump({"text": "a\ud83d b 😀"}).encode().decode() == '{"text":"a\ufffd b 😀"}'

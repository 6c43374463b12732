"""System entities: what Duckling says of a text, its pieces, its second readings, and what may not happen to it."""

import os
import time
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.dialogue.config_file import SYSTEM_ENTITIES
from nlu.errors import SystemEntitiesError
from nlu.system_entities import DIMENSIONS, TEXT_LENGTH, Reading, SystemEntityFinder, locale_of
from nlu.system_readings import PIECE_LENGTH, SystemEntity, english_part, one_per_place, pieces, readable

NOON = datetime.fromisoformat("2026-11-18T12:00:00+08:00").timestamp()
"""A Wednesday."""
SHANGHAI = Reading(timezone="Asia/Shanghai")
SLOW = "monday tuesday at five to six " * 4
"""Duckling needs minutes for it."""


@pytest.fixture(scope="module")
def finder():
    finder = SystemEntityFinder()
    yield finder
    finder.close()


def found(finder: SystemEntityFinder, text: str, *dimensions: str, reading: Reading = SHANGHAI) -> list[tuple]:
    asked = Reading(dimensions=dimensions or DIMENSIONS, locale=reading.locale, timezone=reading.timezone)
    entities = finder.find(text, at_s=NOON, reading=asked)
    assert all(text[entity.start : entity.end] == entity.text for entity in entities)
    return [(entity.dimension, entity.text, entity.value.get("value")) for entity in entities]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see you tomorrow at 5 pm", ("time", "tomorrow at 5 pm", "2026-11-19T17:00:00.000+08:00")),
        ("我想订明天下午三点半的票", ("time", "明天下午三点半", "2026-11-19T15:30:00.000+08:00")),
        ("I need twenty one of them", ("number", "twenty one", 21)),
        ("我要二十一个", ("number", "二十一", 21)),
        ("it was $20.50 with tax", ("amount-of-money", "$20.50", 20.5)),
        ("it is worth about $500 million", ("amount-of-money", "about $500 million", 500_000_000)),
        ("about $500", ("amount-of-money", "about $500", 500)),
        ("一共二百五十元", ("amount-of-money", "二百五十元", 250)),
        ("write to anna@example.com please", ("email", "anna@example.com", "anna@example.com")),
        ("请写到anna@example.com，谢谢", ("email", "anna@example.com", "anna@example.com")),
        ("call +1 650 123 4567", ("phone-number", "+1 650 123 4567", "(+1) 6501234567")),
        ("电话１３８１２３４５６７８", ("phone-number", "１３８１２３４５６７８", "13812345678")),
        ("look at https://example.com/a?b=1", ("url", "https://example.com/a?b=1", "https://example.com/a?b=1")),
        ("请看 https://example.com/a", ("url", "https://example.com/a", "https://example.com/a")),
        ("the third one", ("ordinal", "third", 3)),
        ("第三个", ("ordinal", "第三个", 3)),
        ("it takes 3 days", ("duration", "3 days", 3)),
        ("要三天", ("duration", "三天", 3)),
        # characters outside of the basic plane count as one
        ("😀😀 two weeks 😀", ("duration", "two weeks", 2)),
    ],
)
def test_each_kind_is_found_in_both_languages(finder, text, expected):
    assert found(finder, text, expected[0]) == [expected]


def test_the_answer_has_ducklings_shape(finder):
    (entity,) = finder.find("in 3 hours", at_s=NOON, reading=Reading(dimensions=("time",), timezone="Asia/Shanghai"))
    answer = entity.to_json()
    assert {key: answer[key] for key in ("body", "start", "end", "dim", "latent")} == {
        "body": "in 3 hours",
        "start": 0,
        "end": 10,
        "dim": "time",
        "latent": False,
    }
    value = answer["value"]
    assert (value["type"], value["grain"], value["value"]) == ("value", "minute", "2026-11-18T15:00:00.000+08:00")


def test_an_interval_has_two_ends(finder):
    (entity,) = finder.find("from 9am to 11am tomorrow", at_s=NOON, reading=SHANGHAI)
    assert entity.value["type"] == "interval"
    assert entity.value["from"]["value"] == "2026-11-19T09:00:00.000+08:00"
    assert entity.value["to"]["grain"] == "hour"


def test_the_time_zone_and_the_locale_decide(finder):
    for zone, day in (("Asia/Shanghai", "2026-11-19"), ("Pacific/Honolulu", "2026-11-18")):
        (entity,) = found(finder, "tomorrow", "time", reading=Reading(timezone=zone))
        assert entity[2].startswith(day)
    american, british = (
        found(finder, "on 3/4", "time", reading=Reading(locale=locale, timezone="UTC"))[0][2][:10]
        for locale in ("en_US", "en_GB")
    )
    assert (american, british) == ("2027-03-04", "2027-04-03")


def test_another_language_is_read_by_its_locale(finder):
    reading = Reading(locale=locale_of("de"), timezone="UTC")
    assert found(finder, "morgen um 17 Uhr", "time", reading=reading)[0][2] == "2026-11-19T17:00:00.000+00:00"


def test_a_text_that_takes_too_long_loses_only_its_times(finder):
    began = time.monotonic()
    entities = found(finder, f"{SLOW}, mail anna@example.com", "time", "email")
    assert entities == [("email", "anna@example.com", "anna@example.com")]
    assert time.monotonic() - began < 10
    assert found(finder, "tomorrow", "time")  # a new child answers


def test_a_long_text_is_read_up_to_its_limit(finder):
    text = "x " * (TEXT_LENGTH // 2 - 10) + "anna@example.com " + "y " * 500 + "bert@example.com"
    assert found(finder, text, "email") == [("email", "anna@example.com", "anna@example.com")]


LONG_ENGLISH = (
    "Hello there, the parcel with the blue lamp never came and nobody at your desk could say where it is now, or who"
    " took it away, {pad}so{said} and then call me back"
)
LONG_CHINESE = (
    "你好，我上个星期在你们网店里买的那盏蓝色台灯到现在都还没有送到，打了好多次客服的热线也没有人能说清楚包裹现在到底在哪里，"
    "快递公司那边也一直没有给我任何答复，我已经等得很着急了，因为这盏灯本来是要送给朋友做礼物的，所以麻烦你们尽快帮我查清楚，"
    "真的非常感谢，{pad}{said}送到家里就可以了，到的时候请先给我打一个电话，白天家里一般都有人"
)


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        (
            LONG_ENGLISH,
            " deliver it tomorrow at 12:30",
            [("time", "tomorrow at 12:30", "2026-11-19T12:30:00.000+08:00")],
        ),
        (LONG_ENGLISH, " refund the $1,250.50", [("amount-of-money", "$1,250.50", 1250.5)]),
        (LONG_ENGLISH, " see https://example.com/a?b=1", [("url", *["https://example.com/a?b=1"] * 2)]),
        (LONG_CHINESE, "请在明天下午12:30", [("time", "明天下午12:30", "2026-11-19T12:30:00.000+08:00")]),
        (LONG_CHINESE, "请在明天下午１２：３０", [("time", "明天下午１２：３０", "2026-11-19T12:30:00.000+08:00")]),
        (LONG_CHINESE, "退我1,250.50元", [("amount-of-money", "1,250.50元", 1250.5)]),
        (LONG_CHINESE, "请看 https://example.com/a?b=1 ", [("url", *["https://example.com/a?b=1"] * 2)]),
    ],
)
def test_no_value_of_a_long_message_is_torn(finder, text, said, expected):
    """Wherever the end of the first piece falls on it."""
    places = []
    for pad in range(40):
        long = text.format(pad="x" * pad + " " if pad else "", said=said)
        assert len(long) > PIECE_LENGTH
        places.append(long.index(said) <= PIECE_LENGTH < long.index(said) + len(said))
        entities = found(finder, long, "time", "amount-of-money", "url", "number")
        assert [entity for entity in entities if entity[1] in said] == expected
    assert any(places)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Please deliver it tomorrow at 5 pm, 谢谢",
            [("time", "tomorrow at 5 pm", "2026-11-19T17:00:00.000+08:00")],
        ),
        (
            "iPhone 15 一共5999元，next friday 送货",
            [
                ("number", "15", 15),
                ("amount-of-money", "5999元", 5999),
                ("time", "next friday", "2026-11-27T00:00:00.000+08:00"),
            ],
        ),
        # a number before a Chinese word belongs to it: not "at 5" in the morning, and no third of January
        ("请 meet me at 5 点", [("time", "5 点", "2026-11-18T17:00:00.000+08:00")]),
        ("1-3天 delivery", [("number", "1", 1), ("duration", "3天", 3)]),
        # both languages would find it
        ("write to anna@example.com 谢谢", [("email", "anna@example.com", "anna@example.com")]),
        ("about $500 million 可以吗", [("amount-of-money", "about $500 million", 500_000_000)]),
    ],
)
def test_two_languages_are_read_side_by_side(finder, text, expected):
    assert found(finder, text) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("明天下午三点半送货", None),
        ("我的订单KF-12345在哪", None),  # no word to read
        ("我要2个，5点送", None),
        ("3个 items，ok", "\n\n items\nok"),
        ("送 the 5th，１２：３０", "\n the 5th\n\n\n\n\n\n"),
    ],
)
def test_the_english_part_keeps_its_places(text, part):
    assert english_part(text) == part


def test_what_cannot_be_encoded_is_read_as_a_space(finder):
    assert found(finder, "a\x00b \ud800 5", "number") == [("number", "5", 5)]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=300) | st.text("0123456789 ,.-:/+$€￥%点年月日时分元块第一二三十百千万上下周午", max_size=80)
)
def test_any_text_has_an_answer(finder, text):
    for entity in finder.find(text, at_s=NOON, reading=SHANGHAI):
        assert 0 <= entity.start < entity.end <= len(text)
        assert entity.dimension in DIMENSIONS


def test_closing_ends_the_child_for_good():
    finder = SystemEntityFinder()
    assert found(finder, "5", "number")
    pid = finder._child.pid
    finder.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not found(finder, "5", "number")
    assert finder._child is None


def test_unknown_names_are_refused_with_a_remedy():
    with pytest.raises(SystemEntitiesError, match=r"'tiem' does not exist; choose from amount-of-money"):
        Reading(dimensions=("tiem",)).checked()
    with pytest.raises(SystemEntitiesError, match=r"'Mars/Base' does not exist; write a name such as Asia/Shanghai"):
        Reading(timezone="Mars/Base").checked()
    assert SHANGHAI.checked() == SHANGHAI


def test_the_configuration_knows_the_same_names():
    assert SYSTEM_ENTITIES == DIMENSIONS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("short", [(0, "short")]),
        # after a sentence, else after a part of one, else after a word, else not at all
        ("one two. Three four five", [(0, "one two."), (8, " Three four "), (20, "five")]),
        ("你好，我要两个。谢谢你们的帮助", [(0, "你好，我要两个。"), (8, "谢谢你们的帮助")]),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaa b", [(0, "aaaaaaaaaaaaaaaaaaaaaaaaaaa "), (28, "b")]),
        ("3.5 and 4.5 and 5", [(0, "3.5 and 4.5 "), (12, "and 5")]),
        # not inside of a value, whatever stands behind the place where the piece must end
        ("soon, at 12:30 or so", [(0, "soon,"), (5, " at 12:30 or "), (18, "so")]),
        ("is it 10000,5 or", [(0, "is it "), (6, "10000,5 or")]),
        ("a b http://x.de/?q=1;2 c", [(0, "a b "), (4, "http://x.de/?q=1;2 "), (23, "c")]),
        ("好吗?请你告诉我吧，谢谢你们", [(0, "好吗?"), (3, "请你告诉我吧，谢谢你们")]),
        ("Really?! Well then yes", [(0, "Really?!"), (8, " Well then "), (19, "yes")]),
        ("。" * 15, [(0, "。" * 13), (13, "。。")]),
    ],
)
def test_a_text_is_cut_where_it_hurts_least(text, expected):
    assert list(pieces(text, 13)) == expected
    assert "".join(piece for _, piece in pieces(text, 13)) == text


def test_readable_keeps_every_character_in_its_place():
    assert readable("时间：１２：３０￥５\x00\ud800。") == "时间：12:30¥5  。"


def entity(dimension: str, start: int, end: int, **value) -> SystemEntity:
    return SystemEntity(dimension=dimension, start=start, end=end, text="", value=value)


def test_a_place_has_one_reading_of_a_kind():
    longest, shorter, other = entity("time", 4, 20), entity("time", 0, 6), entity("number", 22, 23)
    part, same = entity("number", 5, 6), entity("duration", 4, 20)
    assert one_per_place([shorter, part, other, longest, same]) == (same, longest, other)
    phone, digits = entity("phone-number", 0, 5), entity("number", 0, 5)
    assert one_per_place([phone, digits]) == (digits, phone)

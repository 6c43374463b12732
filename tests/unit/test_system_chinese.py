"""Chinese numbers, money and times: what is put together around Duckling."""

import time
from datetime import datetime

import pytest

from nlu.system_chinese import durations, money, numbers, plain
from nlu.system_entities import Reading, SystemEntityFinder
from nlu.system_readings import SystemEntity

NOON = datetime.fromisoformat("2026-11-18T12:00:00+08:00").timestamp()
"""A Wednesday."""


@pytest.fixture(scope="module")
def finder():
    finder = SystemEntityFinder()
    yield finder
    finder.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("要二十一个", [("二十一", 21)]),
        ("二点五公斤", [("二点五", 2.5)]),
        ("两千三百五", [("两千三百五", 2350)]),
        ("十万柒仟捌佰伍拾肆", [("十万柒仟捌佰伍拾肆", 107854)]),
        ("１.5万人", [("1.5万", 15000)]),
        ("1,234,567个", [("1,234,567", 1234567)]),
        ("零下负三度", [("零", 0), ("负三", -3)]),
        ("三分之二的人", [("三分之二", 2 / 3)]),
        ("百分之五十", [("五十", 50)]),
        # numerals that are part of a word, of an ordinal, of a day of the week, of a Latin name
        ("一共一起一下一样统一万一", []),
        ("第三个，周一，星期二", []),
        ("陆地上，放肆，在四川", []),
        ("型号A12", []),
        # what is no number in spite of its characters
        ("百", []),
        ("", []),
    ],
)
def test_numbers(text, expected):
    plain_text = text.replace("１", "1")
    found = [(entity.text, entity.value["value"]) for entity in numbers(plain_text)]
    assert found == [(words, pytest.approx(value)) for words, value in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("一共二百五十元", ("二百五十元", 250, "CNY")),
        ("三块五", ("三块五", 3.5, "CNY")),
        ("五十九块九毛九", ("五十九块九毛九", 59.99, "CNY")),
        ("12元3角4分", ("12元3角4分", 12.34, "CNY")),
        ("五毛钱", ("五毛钱", 0.5, "CNY")),
        ("8亿元人民币", ("8亿元人民币", 800_000_000, "CNY")),
        ("人民币  50元", ("人民币  50元", 50, "CNY")),
        ("十美元", ("十美元", 10, "USD")),
        ("1.95港元", ("1.95港元", 1.95, "HKD")),
        ("1万亿日元", ("1万亿日元", 1_000_000_000_000, "JPY")),
        ("¥300", ("¥300", 300, "CNY")),
        ("$ 20", ("$ 20", 20, "$")),
        # counted things, and a building
        ("三块五个人分", ("三块", 3, "CNY")),
        ("五角大楼", None),
        ("没有钱", None),
    ],
)
def test_money(text, expected):
    found = [(entity.text, entity.value["value"], entity.value["unit"]) for entity in money(text)]
    assert found == ([expected] if expected else [])
    assert all(entity.value["values"][0]["unit"] == entity.value["unit"] for entity in money(text))


def found(finder: SystemEntityFinder, text: str, *dimensions: str) -> list[SystemEntity]:
    reading = Reading(dimensions=dimensions, timezone="Asia/Shanghai")
    entities = finder.find(text, at_s=NOON, reading=reading)
    assert all(text[entity.start : entity.end] == entity.text for entity in entities)
    return list(entities)


@pytest.mark.parametrize(
    ("text", "words", "begins", "ends"),
    [
        # the second time is read from the first on
        ("从昨天下午两点到四点见", "从昨天下午两点到四点", "2026-11-17T14:00", "2026-11-17T16:00"),
        ("下周一到周五请假", "下周一到周五", "2026-11-23T00:00", "2026-11-28T00:00"),
        ("2019年6月1日-6月30日", "2019年6月1日-6月30日", "2019-06-01T00:00", "2019-07-01T00:00"),
        ("11月至2月", "11月至2月", "2026-11-01T00:00", "2027-03-01T00:00"),
        # unless it says itself when it is
        ("今天下午两点到明天四点", "今天下午两点到明天四点", "2026-11-18T14:00", "2026-11-19T04:00"),
        ("12月1日和12月3日之间", "12月1日和12月3日之间", "2026-12-01T00:00", "2026-12-04T00:00"),
        ("2027年5月1日之前", "2027年5月1日之前", None, "2027-05-01T00:00"),
        ("2027年5月1日或之前", "2027年5月1日或之前", None, "2027-05-02T00:00"),
        ("2027年5月1日以后", "2027年5月1日以后", "2027-05-01T00:00", None),
    ],
)
def test_ranges_and_bounds(finder, text, words, begins, ends):
    (entity,) = found(finder, text, "time")
    assert (entity.text, entity.value["type"]) == (words, "interval")
    points = [(entity.value.get(end) or {}).get("value") for end in ("from", "to")]
    assert points == [point and f"{point}:00.000+08:00" for point in (begins, ends)]


@pytest.mark.parametrize(
    ("text", "words", "value", "grain"),
    [
        ("他5天前来的", "5天前", "2026-11-13T00:00:00.000+08:00", "day"),
        ("三天后到", "三天后", "2026-11-21T00:00:00.000+08:00", "day"),
        ("10分钟后", "10分钟后", "2026-11-18T12:10:00.000+08:00", "minute"),
        ("三个月后", "三个月后", "2027-02-01T00:00:00.000+08:00", "month"),
        ("凌晨2点半", "凌晨2点半", "2026-11-19T02:30:00.000+08:00", "minute"),
        ("明天上午九点", "明天上午九点", "2026-11-19T09:00:00.000+08:00", "hour"),
        ("明早9点", "明早9点", "2026-11-19T09:00:00.000+08:00", "hour"),
        ("明天9点两个人", "明天9点", "2026-11-19T09:00:00.000+08:00", "hour"),
        ("今早8点", "今早8点", "2026-11-18T08:00:00.000+08:00", "hour"),
        ("昨天凌晨两点", "昨天凌晨两点", "2026-11-17T02:00:00.000+08:00", "hour"),
        ("12月3日凌晨2点半", "12月3日凌晨2点半", "2026-12-03T02:30:00.000+08:00", "minute"),
        ("16时40分50秒", "16时40分50秒", "2026-11-18T16:40:50.000+08:00", "second"),
    ],
)
def test_moments(finder, text, words, value, grain):
    (entity,) = found(finder, text, "time", "duration")
    assert (entity.text, entity.value["value"], entity.value["grain"]) == (words, value, grain)


@pytest.mark.parametrize(
    ("text", "words", "value", "unit", "seconds"),
    [
        ("要三天", "三天", 3, "day", 259_200),
        ("五个星期3小时", "五个星期3小时", 843, "hour", 3_034_800),
        ("两天又一个月", "两天又一个月", 32 / 30, "month", 2_764_800),
        ("一个半小时", "一个半小时", 90, "minute", 5400),
        ("一个钟头", "一个钟头", 1, "hour", 3600),
    ],
)
def test_durations(finder, text, words, value, unit, seconds):
    (entity,) = found(finder, text, "duration", "time")
    assert (entity.text, entity.value["unit"]) == (words, unit)
    assert entity.value["value"] == pytest.approx(value)
    assert entity.value["normalized"] == {"value": seconds, "unit": "second"}


def test_a_month_of_the_year_is_no_duration():
    march = SystemEntity(dimension="duration", start=0, end=2, text="3月", value={})
    assert durations([march], [march], "3月") == []


def test_plain_keeps_every_character_in_its_place():
    text = "凌晨3时到5时，3小时，一个钟头，有时候，上午"
    assert plain(text) == "凌晨3点到5点，3小时，一个小时，有时候，早上"


@pytest.mark.parametrize("text", ["一" * 2000, "1" * 2000, "一点" * 1000, "十百千万亿" * 400, "1,111" * 400])
def test_long_runs_take_no_time(text):
    began = time.process_time()
    assert list(numbers(text)) is not None
    assert list(money(text)) is not None
    assert time.process_time() - began < 2

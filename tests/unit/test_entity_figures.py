"""``kefu evaluate entities``: which answers count as right, and what is told of them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli import main
from nlu.system_readings import SystemEntity
from training.evaluate_entities import Case, SpecsFault, evaluate, read_cases, right

REFERENCE = {"ReferenceDateTime": "2016-11-07T12:00:00"}
"""A Monday."""


def case(kind: str, text: str, *expected: dict) -> Case:
    at = datetime(2016, 11, 7, 12, tzinfo=UTC)
    return Case(kind=kind, language="English", file="", text=text, at=at, expected=expected, theirs=True)


def entity(dimension: str, start: int, end: int, **value) -> SystemEntity:
    return SystemEntity(dimension=dimension, start=start, end=end, text="", value=value)


def result(start: int, end: int, **resolution) -> dict:
    return {"Text": "", "Start": start, "End": end - 1, "TypeName": "", "Resolution": resolution}


def moment(day: str, grain: str) -> dict:
    return {"type": "value", "value": f"{day}.000+00:00", "grain": grain}


def times(**one) -> dict:
    return {"values": [{"timex": "", **one}]}


@pytest.mark.parametrize(
    ("expected", "found", "is_right"),
    [
        # a date is a day; the other of two values will do, another day or grain will not
        (times(type="date", value="2016-11-08"), moment("2016-11-08T00:00:00", "day"), True),
        (times(type="date", value="2016-11-09"), moment("2016-11-08T00:00:00", "day"), False),
        (times(type="date", value="2016-11-08"), moment("2016-11-08T00:00:00", "hour"), False),
        (
            {"values": [{"type": "date", "value": "2015-11-08"}, {"type": "date", "value": "2016-11-08"}]},
            moment("2016-11-08T00:00:00", "day"),
            True,
        ),
        (times(type="datetime", value="2016-11-08 17:00:00"), moment("2016-11-08T17:00:00", "hour"), True),
        # a time of day has no date
        (times(type="time", value="17:00:00"), moment("2016-11-08T17:00:00", "hour"), True),
        (times(type="time", value="05:00:00"), moment("2016-11-08T17:00:00", "hour"), False),
        # a range: a long grain, or an interval up to the end or one grain behind it
        (times(type="daterange", start="2016-11-14", end="2016-11-21"), moment("2016-11-14T00:00:00", "week"), True),
        (times(type="daterange", start="2016-12-01", end="2017-01-01"), moment("2016-12-01T00:00:00", "month"), True),
        (times(type="daterange", start="2016-12-01", end="2017-01-02"), moment("2016-12-01T00:00:00", "month"), False),
        (
            times(type="daterange", start="2016-11-08", end="2016-11-10"),
            {
                "type": "interval",
                "from": moment("2016-11-08T00:00:00", "day"),
                "to": moment("2016-11-11T00:00:00", "day"),
            },
            True,
        ),
        (
            times(type="timerange", start="17:00:00", end="18:00:00"),
            {
                "type": "interval",
                "from": moment("2016-11-08T17:00:00", "hour"),
                "to": moment("2016-11-08T18:00:00", "hour"),
            },
            True,
        ),
        (
            times(type="daterange", start="2016-11-08", Mod="since"),
            {"type": "interval", "from": moment("2016-11-08T00:00:00", "day")},
            True,
        ),
        (
            times(type="daterange", start="2016-11-08", end="2016-11-10"),
            {"type": "interval", "from": moment("2016-11-08T00:00:00", "day")},
            False,
        ),
        (times(type="set", value="not resolved"), moment("2016-11-08T00:00:00", "day"), False),
    ],
)
def test_the_same_time(expected, found, is_right):
    assert right(case("time", "x" * 9, result(0, 9, **expected)), [entity("time", 0, 9, **found)]) is is_right


@pytest.mark.parametrize(
    ("kind", "expected", "found", "is_right"),
    [
        ("number", {"value": "2.33333333333333"}, {"value": 7 / 3}, True),  # to nine digits
        ("number", {"value": "2.33333333333333"}, {"value": 2.3333}, False),
        ("ordinal", {"value": "current+1"}, {"value": 1}, False),
        ("amount-of-money", {"value": "20", "unit": "Dollar"}, {"value": 20, "unit": "$"}, True),
        ("amount-of-money", {"value": "20", "unit": "Euro"}, {"value": 20, "unit": "$"}, False),
        ("amount-of-money", {"value": "20", "unit": "x", "isoCurrency": "CNY"}, {"value": 20, "unit": "CNY"}, True),
        ("temperature", {"value": "90", "unit": "F"}, {"value": 90, "unit": "fahrenheit"}, True),
        ("phone-number", {"value": "1 (877) 609"}, {"value": "(+1) 877609"}, True),
        ("phone-number", {"value": "1877608"}, {"value": "1877609"}, False),
        ("email", {"value": "A@b.com"}, {"value": "a@b.com"}, True),
        ("duration", times(type="duration", value="259200"), {"normalized": {"value": 259200}}, True),
        ("duration", times(type="duration", value="259201"), {"normalized": {"value": 259200}}, False),
    ],
)
def test_the_same_value(kind, expected, found, is_right):
    assert right(case(kind, "x" * 9, result(0, 9, **expected)), [entity(kind, 0, 9, **found)]) is is_right


def test_span_and_count_must_agree():
    two = case("number", "5 and 6", result(0, 1, value="5"), result(6, 7, value="6"))
    five, six = entity("number", 0, 1, value=5), entity("number", 6, 7, value=6)
    assert right(two, [five, six])
    assert not right(two, [five])
    assert not right(two, [five, entity("number", 5, 7, value=6)])
    # a case without offsets names its words
    words = {"Text": "6", "TypeName": "number", "Resolution": {"value": "6"}}
    assert right(case("number", "5 and 6", words), [six])
    assert not right(case("number", "5 and 7", words), [six])
    assert right(case("number", "none"), [])


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    number = {"TypeName": "number", "Text": "5"}
    files = {
        "Number/English/NumberModel.json": [
            {"Input": "I have 5", "Results": [{**number, "Start": 7, "End": 7, "Resolution": {"value": "5"}}]},
            {"Input": "five", "NotSupported": "javascript, python", "Results": []},
        ],
        "DateTime/Chinese/DateTimeModel.json": [
            {
                "Input": "明天见",
                "Context": REFERENCE,
                "NotSupportedByDesign": "java",
                "Results": [{"Text": "明天", "Start": 0, "End": 1, "TypeName": "datetimeV2.date",
                             "Resolution": times(type="date", value="2016-11-08")}],
            },
            {
                "Input": "要三天",
                "Context": REFERENCE,
                "Results": [{"Text": "三天", "Start": 1, "End": 2, "TypeName": "datetimeV2.duration",
                             "Resolution": times(type="duration", value="259200")}],
            },
        ],
        "Number/English/PercentModel.json": [{"Input": "not asked", "Results": []}],
    }  # fmt: skip
    for name, cases in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(cases), "utf-8-sig")
    return tmp_path


def test_the_command_prints_a_row_for_each_kind_and_language(specs, capsys):
    assert main(["evaluate", "entities", str(specs)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [
        ["time", "Chinese", "1", "1", "100.0%", "1", "of", "1", "100.0%"],
        ["duration", "Chinese", "1", "1", "100.0%", "1", "of", "1", "100.0%"],
        ["number", "English", "2", "1", "50.0%", "1", "of", "1", "100.0%"],
    ]
    assert main(["evaluate", "entities", str(specs), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["files"][1] == {
        "file": "Number/English/NumberModel.json",
        "cases": 2,
        "right": 1,
        "share": 0.5,
        "supported_cases": 1,
        "supported_right": 1,
        "supported_share": 1.0,
    }
    (wrong,) = figures["wrong"]
    assert (wrong["text"], wrong["found"][0]["value"]["value"]) == ("five", 5)


@pytest.mark.parametrize("text", ["[{}]", "no json", '{"a": 1}'])
def test_what_are_no_specs_is_said(tmp_path, text):
    with pytest.raises(SpecsFault, match="holds no specs; give the folder"):
        list(read_cases(tmp_path))
    (tmp_path / "Number/English").mkdir(parents=True)
    (tmp_path / "Number/English/NumberModel.json").write_text(text, "utf-8")
    with pytest.raises(SpecsFault, match=r"NumberModel\.json holds no cases"):
        evaluate(tmp_path)

"""System entities against the specs of Microsoft's Recognizers-Text: how many cases are answered rightly.

The specs folder has ``GROUP/LANGUAGE/FILE.json`` (``DateTime/English/DateTimeModel.json``), each a list of cases:
``Input``, ``Context.ReferenceDateTime``, ``Results`` with span, type and resolution, and ``NotSupported`` and
``NotSupportedByDesign``, the platforms on which Microsoft's own libraries fail the case. They state what another
library should answer: Kefu reads with Duckling, which follows conventions of its own.

A case is right where the entities of its kind are exactly those of ``Results``: as many, each on the same characters,
each with the same meaning. The kind alone is asked for, as the specs do. The same meaning is

- number, ordinal, duration (in seconds), temperature, amount of money: the same number; and for the last two the same
  unit, where the case names one that Duckling has;
- phone number: the same digits; e-mail and URL: the same text, apart from case;
- time: one of the values that the case lists (an ambiguous date has two). A date is a value of the grain day, a moment
  one of hours, minutes or seconds, a time of day is compared without its date. A range is an interval, or a value of
  the grain week, month, quarter or year. Its end is the moment that the case names or one grain later, as Duckling's
  ``to`` is exclusive and the specs' ``end`` is of both sorts.

What Duckling's shape cannot carry counts as wrong where it stands in a file of these kinds: recurring times, time
zones, ordinals such as "the next". Files that state a part of the recognizers' own machinery (``*Extractor``,
``*Parser``) and kinds that Kefu does not find (percentages, ages, IP addresses) are not asked.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nlu.errors import NluError
from nlu.system_entities import Reading, SystemEntityFinder
from nlu.system_readings import SystemEntity

FILES = {
    "DateTime/*/DateTimeModel*.json": ("time", "duration"),
    "Number/*/NumberModel.json": ("number",),
    "Number/*/OrdinalModel.json": ("ordinal",),
    "NumberWithUnit/*/CurrencyModel.json": ("amount-of-money",),
    "NumberWithUnit/*/TemperatureModel.json": ("temperature",),
    "Sequence/*/EmailModel.json": ("email",),
    "Sequence/*/PhoneNumberModel.json": ("phone-number",),
    "Sequence/*/URLModel.json": ("url",),
}
LOCALES = {"English": "en_US", "Chinese": "zh_CN"}
PLATFORM = "python"
_NOW = "2016-11-07T00:00:00"
"""For the few cases without a reference."""
_LONG = {"week": 7, "month": 31, "quarter": 92, "year": 366}
_UNITS = {
    "$": ("dollar", "usd", "cad", "aud", "hkd", "sgd", "nzd", "twd"),
    "£": ("pound", "gbp"),
    "EUR": ("euro",),
    "CNY": ("yuan",),
    "JPY": ("yen",),
    "USD": ("united states dollar",),
    "cent": ("cent",),
    "fahrenheit": ("f",),
    "celsius": ("c",),
    "degree": ("degree",),
}


class SpecsFault(NluError):
    """A folder that holds no specs, or a file that is none."""

    code = "entity_specs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A text and what is in it. ``theirs``: Microsoft's own Python library answers it."""

    kind: str
    language: str
    file: str
    text: str
    at: datetime
    expected: Sequence[Mapping[str, Any]]
    theirs: bool


def evaluate(specs: Path, *, shown: Callable[[float, str], None] | None = None) -> dict[str, Any]:
    """Under ``kinds`` a row per kind and language, under ``files`` one per file, under ``wrong`` what is not right.

    A row has ``cases``, ``right`` and ``share``, and with ``supported_`` before them the same for the cases that
    Microsoft's Python library answers. Raises SpecsFault, SystemEntitiesError.
    """
    cases = list(read_cases(specs))
    finder, outcomes, wrong = SystemEntityFinder(), [], []
    try:
        for number, case in enumerate(cases):
            found = _found(finder, case)
            outcomes.append(right(case, found))
            if not outcomes[-1]:
                wrong.append(_told(case, found))
            if shown is not None:
                shown((number + 1) / len(cases), f"{case.language} {case.kind}")
    finally:
        finder.close()
    rated = list(zip(cases, outcomes, strict=True))
    return {
        "kinds": _table(rated, lambda case: {"kind": case.kind, "language": case.language}),
        "files": _table(rated, lambda case: {"file": case.file}),
        "wrong": wrong,
    }


def read_cases(specs: Path) -> Iterator[Case]:
    """Every case of the files that are asked. Raises SpecsFault."""
    found = [(path, kinds) for pattern, kinds in FILES.items() for path in sorted(specs.glob(pattern))]
    if not found:
        raise SpecsFault(
            f"{specs} holds no specs", remedy="give the folder that has DateTime, Number and Sequence in it"
        )
    for path, kinds in found:
        try:
            listed = json.loads(path.read_text("utf-8-sig"))
            cases = [_case(entry, kinds, path) for entry in listed]
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise SpecsFault(f"{path} holds no cases ({exc})", remedy="give the specs as they are published") from exc
        yield from cases


def _case(entry: Mapping[str, Any], kinds: Sequence[str], path: Path) -> Case:
    at = datetime.fromisoformat(entry.get("Context", {}).get("ReferenceDateTime", _NOW)).replace(tzinfo=UTC)
    results = entry["Results"]
    durations = bool(results) and all(_type(result) == "duration" for result in results)
    unsupported = f"{entry.get('NotSupported', '')},{entry.get('NotSupportedByDesign', '')}".lower()
    return Case(
        kind="duration" if durations and "duration" in kinds else kinds[0],
        language=path.parent.name,
        file="/".join(path.parts[-3:]),
        text=entry["Input"],
        at=at,
        expected=results,
        theirs=PLATFORM not in unsupported,
    )


def _type(result: Mapping[str, Any]) -> str:
    return str(result.get("TypeName")).rsplit(".", 1)[-1]


def _found(finder: SystemEntityFinder, case: Case) -> tuple[SystemEntity, ...]:
    dimensions = ("time", "duration") if case.kind in ("time", "duration") else (case.kind,)
    reading = Reading(dimensions=dimensions, locale=LOCALES[case.language], timezone="UTC")
    return finder.find(case.text, at_s=case.at.timestamp(), reading=reading)


def right(case: Case, found: Sequence[SystemEntity]) -> bool:
    """Whether the entities are those of the case; the module says what that means."""
    if len(found) != len(case.expected):
        return False
    after = 0
    for result, entity in zip(sorted(case.expected, key=lambda one: one.get("Start", 0)), found, strict=True):
        start, end = _span(result, case.text, after)
        after = end
        if (entity.start, entity.end) != (start, end) or not _same(result, entity):
            return False
    return True


def _span(result: Mapping[str, Any], text: str, after: int) -> tuple[int, int]:
    """Where a result lies: as it says, else where its text next stands; (-1, -1) if it does not."""
    if "Start" in result:
        start = int(result["Start"])
        return start, int(result["End"]) + 1 if "End" in result else start + len(result["Text"])
    start = text.lower().find(result["Text"].lower(), after)
    return (start, start + len(result["Text"])) if start >= 0 else (-1, -1)


def _same(result: Mapping[str, Any], entity: SystemEntity) -> bool:
    resolution = result.get("Resolution") or {}
    said, value = resolution.get("value"), entity.value.get("value")
    same: bool
    match entity.dimension:
        case "number" | "ordinal":
            same = _equal(said, value)
        case "amount-of-money" | "temperature":
            same = _equal(said, value) and _unit(resolution, str(entity.value.get("unit")))
        case "phone-number":
            same = _digits(str(said)) == _digits(str(value))
        case "duration":
            seconds = entity.value["normalized"]["value"]
            same = any(_type_of(one) == "duration" and _equal(one.get("value"), seconds) for one in _values(resolution))
        case "time":
            same = any(_same_time(one, entity.value) for one in _values(resolution))
        case _:
            same = str(said).lower() == str(value).lower()
    return same


def _values(resolution: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return resolution.get("values") or ()


def _type_of(one: Mapping[str, Any]) -> str:
    return str(one.get("type"))


def _equal(said: object, value: object) -> bool:
    try:
        return abs(float(str(said)) - float(str(value))) <= 1e-9 * max(1.0, abs(float(str(value))))
    except ValueError:
        return False


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _unit(resolution: Mapping[str, Any], unit: str) -> bool:
    names = [str(resolution.get(key) or "").lower() for key in ("isoCurrency", "unit")]
    wanted = _UNITS.get(unit, ())
    return unit.lower() in names or any(word in name.split() or name == word for word in wanted for name in names)


def _same_time(one: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    kind = _type_of(one)
    clock = kind in ("time", "timerange")
    if kind in ("date", "datetime", "time"):
        grain = str(value.get("grain"))
        fits = grain == "day" if kind == "date" else grain in ("hour", "minute", "second")
        return fits and value.get("type") == "value" and _moment(one.get("value"), clock) == _wall(value, clock)
    if kind not in ("daterange", "datetimerange", "timerange"):
        return False
    start, end = _moment(one.get("start"), clock), _moment(one.get("end"), clock)
    if value.get("type") == "interval":
        begins, ends = value.get("from"), value.get("to")
        return _begins(start, begins, clock) and _ends(end, ends, clock)
    began, length = _wall(value, clock), _LONG.get(str(value.get("grain")))
    if start is None or end is None or began != start or length is None:
        return False
    return end == _later(start, str(value["grain"]))


def _begins(moment: datetime | None, point: Mapping[str, Any] | None, clock: bool) -> bool:
    return point is None if moment is None else point is not None and _wall(point, clock) == moment


def _ends(moment: datetime | None, point: Mapping[str, Any] | None, clock: bool) -> bool:
    if moment is None or point is None:
        return moment is None and point is None
    to = _wall(point, clock)
    later = _later(moment, str(point.get("grain")))
    return to in (moment, later.replace(year=1, month=1, day=1) if clock else later)


def _later(moment: datetime, grain: str) -> datetime:
    months = {"month": 1, "quarter": 3, "year": 12}.get(grain)
    if months is None:
        return moment + timedelta(**{f"{grain}s": 1})
    years, month = divmod(moment.month - 1 + months, 12)
    return moment.replace(year=moment.year + years, month=month + 1, day=1)


def _moment(said: object, clock: bool) -> datetime | None:
    """A moment of the specs: ``2016-11-07``, ``2016-11-07 16:12:00`` or ``16:12:00``; None for anything else."""
    try:
        return datetime.fromisoformat(f"0001-01-01 {said}" if clock else str(said))
    except ValueError:
        return None


def _wall(point: Mapping[str, Any], clock: bool) -> datetime | None:
    """The wall-clock time of a value of Duckling, on the first day of all where only the time of day counts."""
    try:
        moment = datetime.fromisoformat(str(point.get("value"))).replace(tzinfo=None)
    except ValueError:
        return None
    return moment.replace(year=1, month=1, day=1) if clock else moment


def _table(
    rated: Sequence[tuple[Case, bool]], key: Callable[[Case], dict[str, str]]
) -> list[dict[str, str | int | float | None]]:
    groups: dict[tuple[str, ...], list[tuple[Case, bool]]] = {}
    for case, ok in rated:
        groups.setdefault(tuple(key(case).values()), []).append((case, ok))
    rows: list[dict[str, str | int | float | None]] = []
    for group in groups.values():
        supported = [ok for case, ok in group if case.theirs]
        rows.append(
            {
                **key(group[0][0]),
                **_counted("", [ok for _, ok in group]),
                **_counted("supported_", supported),
            }
        )
    return rows


def _counted(prefix: str, outcomes: Sequence[bool]) -> dict[str, int | float | None]:
    share = round(sum(outcomes) / len(outcomes), 4) if outcomes else None
    return {f"{prefix}cases": len(outcomes), f"{prefix}right": sum(outcomes), f"{prefix}share": share}


def _told(case: Case, found: Sequence[SystemEntity]) -> dict[str, Any]:
    return {
        "file": case.file,
        "text": case.text,
        "expected": [dict(result) for result in case.expected],
        "found": [entity.to_json() for entity in found],
    }

"""Chinese numbers, money and times where Duckling's own rules end. Pure but for a second question to Duckling.

Duckling knows Chinese dates and clock times well, and little around them: no decimals (二点五), no dollars (美元), no
ranges (周一到周五), no sums (一年零三天). Numerals are read by cn2an; what is missing is put together here, in the same
shape.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from nlu.system_readings import SystemEntity

Again = Callable[[str, float], SystemEntity | None]
"""Reads one time of a text at another "now" (seconds since the epoch)."""

_DIGITS = "零〇一二两兩三四五六七八九壹贰貳叁參肆伍陆陸柒捌玖"
_TENS = "十百千万亿拾佰仟萬億"
_NUMERAL = rf"(?:\d+(?:,\d{{3}})*(?:\.\d+)?[{_TENS}]*|[{_DIGITS}十拾百佰千仟][{_DIGITS}{_TENS}]*(?:点[{_DIGITS}]+)?)"
_NUMBER = re.compile(rf"(?<![\d.,第A-Za-z])[-负]?{_NUMERAL}(?![\d.]*\d)")
_NO_NUMBER = re.compile(
    r"[肆伍陆陸柒捌](?![十百千万拾佰仟萬元圆])|四川"
    r"|一(?=[共下样起定直般些边旦致切向概律会再点贯旁道块同])"
)
"""Numerals that are none: formal ones that are words by themselves (陆地), 四川, 一共."""
_AFTER_WEEK = re.compile(r"(?:周|星期|礼拜|万|统|唯|单|同)$")
_FRACTION = re.compile(rf"(?P<below>{_NUMERAL})分之(?P<above>{_NUMERAL})")

NUMERAL_LENGTH = 40
"""Characters; what is longer is no number that anybody means."""

_CURRENCIES = {
    **dict.fromkeys(("人民币", "人民幣", "RMB"), "CNY"),
    **dict.fromkeys(("美元", "美金", "美圆", "美刀"), "USD"),
    **dict.fromkeys(("港元", "港币", "港幣", "港圆"), "HKD"),
    **dict.fromkeys(("新台币", "台币", "新臺幣", "台幣"), "TWD"),
    **dict.fromkeys(("日元", "日圆", "日币"), "JPY"),
    **dict.fromkeys(("加元", "加币"), "CAD"),
    **dict.fromkeys(("新加坡元", "新币"), "SGD"),
    "欧元": "EUR",
    "英镑": "GBP",
    "韩元": "KRW",
    "澳元": "AUD",
    "瑞士法郎": "CHF",
    "卢布": "RUB",
    "泰铢": "THB",
    "卢比": "INR",
    "越南盾": "VND",
}
_SIGNS = {"¥": "CNY", "￥": "CNY", "$": "$", "€": "EUR", "£": "£"}
_FOREIGN = re.compile(rf"(?P<number>{_NUMERAL})\s*(?P<unit>{'|'.join(sorted(_CURRENCIES, key=len, reverse=True))})")
_SIGNED = re.compile(rf"(?P<unit>[{''.join(_SIGNS)}])\s*(?P<number>{_NUMERAL})")
_DIGIT = rf"[\d{_DIGITS}]"
_YUAN = re.compile(
    rf"(?:人民币\s*)?(?P<number>{_NUMERAL})\s*(?:元|圆|块)"
    rf"(?:(?P<jiao>{_DIGIT})(?:[角毛](?:(?P<fen>{_DIGIT})分?)?|(?![\d{_DIGITS}{_TENS}个点分]))|(?P<cents>{_DIGIT})分)?"
    rf"(?:钱)?(?:人民币)?"
)
_JIAO = re.compile(rf"(?P<number>{_NUMERAL})[角毛]钱")

_SAME_LENGTH = (
    (re.compile(rf"(?<=[\d{_DIGITS}十])[时時](?![间間候])"), "点"),
    (re.compile("钟头"), "小时"),
    # "9点两个" is ten past nine in Cantonese (两个字), and the beginning of 9点两个人 everywhere.
    (re.compile(rf"(?<=点)[{_DIGITS}](?=个(?!字))"), "，"),
    (re.compile("上午|清晨|早晨"), "早上"),
)
_ITS_OWN_DAY = re.compile(r"[今明昨本这现]|后天|前天|[上下](?!午)|年")
"""A second time with such a word means the same wherever it stands."""
_MORNING = re.compile(r"(?P<day>今|明)?(?:天?凌晨|早上?|晨|天?上午|清晨|早晨)的?$")
"""What Duckling leaves out before a clock time: it knows 早上九点, and neither 明早九点 nor 凌晨两点."""
_SECONDS = re.compile(rf"({_NUMERAL})秒")
_BETWEEN = re.compile(r"\s*(?:到|至|-|–|—|~|～)\s*")
_BOTH = re.compile(r"\s*[和与]\s*")
_INSIDE = re.compile(r"(?:之|期)?间")
_APART = re.compile(rf"^(?:{_NUMERAL})\D{{1,3}}?(?:[之以]?[前后])$")
_BEFORE = re.compile(r"(?P<same>或|及)?(?:之前|以前|前)")
_AFTER = re.compile(r"(?:或|及)?(?:之后|以后|后|起|开始)")
_AND = re.compile(r"[又零加]?")
_COUNT = re.compile(rf"({_NUMERAL})个$")
_UNIT_S = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 604_800,
    "month": 2_592_000,
    "year": 31_536_000,
}


def plain(text: str) -> str:
    """The text with words that Duckling does not know replaced by such of the same length that it knows."""
    for words, known in _SAME_LENGTH:
        text = words.sub(known, text)
    return text


def numbers(text: str) -> Iterator[SystemEntity]:
    """Numerals that are numbers: not those of 一共 and 周一. A fraction is one number, 百分之五 a five."""
    fractions = [match for match in _FRACTION.finditer(text) if match["below"] not in ("百", "100")]
    for match in fractions:
        below, above = _value(match["below"]), _value(match["above"])
        if below and above is not None:
            yield _entity("number", match.start(), match.end(), text, {"type": "value", "value": above / below})
    for match in _NUMBER.finditer(text):
        if any(one.start() < match.end() and match.start() < one.end() for one in fractions):
            continue
        if _NO_NUMBER.match(text, match.start()) or _AFTER_WEEK.search(text[: match.start()]):
            continue
        if (value := _value(match[0])) is not None:
            yield _entity("number", match.start(), match.end(), text, {"type": "value", "value": value})


def money(text: str) -> Iterator[SystemEntity]:
    """Amounts with a currency's word or sign; 三块五 is 3.5 yuan."""
    for match in _FOREIGN.finditer(text):
        yield from _amount(match, text, _CURRENCIES[match["unit"]])
    for match in _SIGNED.finditer(text):
        yield from _amount(match, text, _SIGNS[match["unit"]])
    for match in _YUAN.finditer(text):
        fen = _value(match["fen"] or match["cents"]) or 0
        yield from _amount(match, text, "CNY", (_value(match["jiao"]) or 0) / 10 + fen / 100)
    for match in _JIAO.finditer(text):
        yield from _amount(match, text, "CNY", factor=0.1)


def _amount(match: re.Match[str], text: str, unit: str, more: float = 0, factor: float = 1) -> Iterator[SystemEntity]:
    if (value := _value(match["number"])) is not None:
        whole = round(value * factor + more, 6)
        amount = int(whole) if whole == int(whole) else whole
        yield _entity("amount-of-money", *match.span(), text, {"type": "value", "value": amount, "unit": unit})


def _value(numeral: str | None) -> int | float | None:
    """The number that a numeral means; None for one that means none."""
    import cn2an  # noqa: PLC0415 - needed for Chinese texts only

    if not numeral or len(numeral) > NUMERAL_LENGTH:
        return None
    try:
        value = float(cn2an.cn2an(numeral.lstrip("-负").replace(",", ""), "smart"))
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    if numeral[0] in "-负":
        value = -value
    return int(value) if value == int(value) else value


def _entity(dimension: str, start: int, end: int, text: str, value: dict[str, Any]) -> SystemEntity:
    whole = value if value["type"] == "interval" else {**value, "values": [dict(value)]}
    return SystemEntity(dimension=dimension, start=start, end=end, text=text[start:end], value=whole)


def durations(entities: Iterable[SystemEntity], times: Iterable[SystemEntity], text: str) -> list[SystemEntity]:
    """Durations that are no part of a time (3月), those that stand side by side as one: 一年零三天, in days."""
    joined: list[SystemEntity] = []
    within = list(times)
    for one in entities:
        if any(time.start < one.end and one.start < time.end for time in within):
            continue
        entity = _and_a_half(one, text)
        first = joined[-1] if joined else None
        if first is not None and _AND.fullmatch(text[first.end : entity.start]) and first.end <= entity.start:
            seconds = first.value["normalized"]["value"] + entity.value["normalized"]["value"]
            unit = str(entity.value["unit"])
            value = {"type": "value", "value": seconds / _UNIT_S.get(unit, 1), "unit": unit}
            whole = {**value, "normalized": {"value": seconds, "unit": "second"}}
            joined[-1] = replace(first, end=entity.end, text=text[first.start : entity.end], value=whole)
        else:
            joined.append(entity)
    return joined


def _and_a_half(entity: SystemEntity, text: str) -> SystemEntity:
    """一个半小时, of which Duckling sees the half hour."""
    count = _COUNT.search(text[: entity.start]) if entity.text.startswith("半") else None
    if count is None or (number := _value(count[1])) is None:
        return entity
    factor = 2 * number + 1
    value = {"type": "value", "value": entity.value["value"] * factor, "unit": entity.value["unit"]}
    seconds = {"value": entity.value["normalized"]["value"] * factor, "unit": "second"}
    start = count.start()
    return replace(entity, start=start, text=text[start : entity.end], value={**value, "normalized": seconds})


def times(entities: Sequence[SystemEntity], text: str, again: Again, at_s: float) -> list[SystemEntity]:
    """Times with what stands around them: ranges (从A到B), bounds (A之前, A以后), and 五天前 as the day it is."""
    whole: list[SystemEntity] = []
    for one in entities:
        entity = _in_the_morning(_with_seconds(_apart(one), text), whole, text, at_s)
        first = whole[-1] if whole else None
        if first is not None and _is_moment(first) and (end := _range_end(first, entity, text)):
            from_s = datetime.fromisoformat(first.value["value"]).timestamp()
            last = None if _ITS_OWN_DAY.search(entity.text) else again(entity.text, from_s)
            whole[-1] = _range(first, last if last and _is_moment(last) else entity, end, text)
        else:
            whole.append(entity)
    return [_bounded(entity, text) for entity in whole]


def _range_end(first: SystemEntity, entity: SystemEntity, text: str) -> int | None:
    """Where the range of two times ends; None if they are none."""
    between = text[first.end : entity.start]
    if _BETWEEN.fullmatch(between):
        return entity.end
    inside = _INSIDE.match(text, entity.end)
    return inside.end() if inside and _BOTH.fullmatch(between) else None


def _in_the_morning(entity: SystemEntity, before: list[SystemEntity], text: str, at_s: float) -> SystemEntity:
    """A clock time behind 凌晨 or 明早, on its day. An entity that is that word or day is taken off ``before``."""
    word = _MORNING.search(text[: entity.start])
    if word is None or entity.value.get("grain") not in ("hour", "minute", "second"):
        return entity
    clock = datetime.fromisoformat(entity.value["value"])
    now = datetime.fromtimestamp(at_s, clock.tzinfo)
    start, day = word.start(), now + timedelta(days=1 if word["day"] == "明" else 0)
    if before and before[-1].end in (word.start(), word.end()) and (told := _told(before[-1])):
        start, day = min(start, before.pop().start), told
    at = clock.replace(year=day.year, month=day.month, day=day.day, hour=clock.hour % 12)
    if at < now and start == word.start() and word["day"] is None:
        at += timedelta(days=1)
    moment = {"type": "value", "value": at.isoformat(timespec="milliseconds"), "grain": entity.value["grain"]}
    return _entity("time", start, entity.end, text, moment)


def _told(entity: SystemEntity) -> datetime | None:
    """The day that an entity names; None for one that names none."""
    value = entity.value.get("value") or (entity.value.get("from") or {}).get("value")
    return None if value is None else datetime.fromisoformat(value)


def _with_seconds(entity: SystemEntity, text: str) -> SystemEntity:
    seconds = _SECONDS.match(text, entity.end)
    if seconds is None or entity.value.get("grain") != "minute" or not 0 <= (count := _value(seconds[1]) or 0) < 60:
        return entity
    at = datetime.fromisoformat(entity.value["value"]) + timedelta(seconds=count)
    moment = {"type": "value", "value": at.isoformat(timespec="milliseconds"), "grain": "second"}
    return _entity("time", entity.start, seconds.end(), text, moment)


def _is_moment(entity: SystemEntity) -> bool:
    return entity.value.get("type") == "value"


def _apart(entity: SystemEntity) -> SystemEntity:
    """五天前 and 三天后 are moments; Duckling takes them for all the time between then and now."""
    value = entity.value
    began, ended = value.get("from"), value.get("to")
    if value.get("type") != "interval" or not began or not ended or not _APART.match(entity.text):
        return entity
    point = began if entity.text.endswith("前") else {**ended, "value": _later(ended["value"], ended["grain"], -1)}
    moment = {"type": "value", **point}
    return replace(entity, value={**moment, "values": [moment]})


def _range(first: SystemEntity, last: SystemEntity, end: int, text: str) -> SystemEntity:
    """From ``first`` to ``last``: up to a clock time, to the end of a day, month or year."""
    if not _is_moment(last):
        return first
    start = first.start - (text[: first.start].endswith(("从", "自")))
    began, ended = ({key: one.value[key] for key in ("value", "grain")} for one in (first, last))
    if ended["grain"] not in ("hour", "minute", "second"):
        ended["value"] = _later(ended["value"], ended["grain"])
    interval = {"type": "interval", "from": began, "to": ended}
    return _entity("time", start, end, text, {**interval, "values": [interval]})


def _bounded(entity: SystemEntity, text: str) -> SystemEntity:
    """A moment with 之前 or 之后 behind it as an interval that is open at one end."""
    if not _is_moment(entity):
        return entity
    point = {key: entity.value[key] for key in ("value", "grain")}
    if before := _BEFORE.match(text, entity.end):
        if before["same"]:
            point["value"] = _later(point["value"], point["grain"])
        interval, end = {"type": "interval", "to": point}, before.end()
    elif after := _AFTER.match(text, entity.end):
        interval, end = {"type": "interval", "from": point}, after.end()
    else:
        return entity
    return _entity("time", entity.start, end, text, {**interval, "values": [interval]})


def _later(moment: str, grain: str, count: int = 1) -> str:
    """The moment some grains later, as Duckling writes it."""
    at = datetime.fromisoformat(moment)
    months = {"month": 1, "quarter": 3, "year": 12}.get(grain)
    if months is None:
        later = at + timedelta(**{f"{grain}s": count})
    else:
        years, month = divmod(at.month - 1 + months * count, 12)
        later = at.replace(year=at.year + years, month=month + 1, day=1)
    return later.isoformat(timespec="milliseconds")

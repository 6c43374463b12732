"""Words that a support check treats specially: negations, conditions, limits, numbers, units, near-synonyms."""

import re

from retrieval.words import words

_NEGATIONS = """
not no never none nothing neither nor cannot without unable unavailable impossible non
不 没 无 没有 不能 不会 不可 不可以 无法 未 勿 从不 并非 不是 不得 非 否
"""
NEGATIONS = frozenset(_NEGATIONS.split())

_DENYING = """
exclude excludes excluded prohibit prohibits prohibited forbid forbids forbidden ban bans banned refuse refuses refused
reject rejects rejected decline declines declined suspend suspends suspended discontinue discontinues discontinued
stop stops stopped cease ceases ceased instead rarely seldom hardly scarcely barely ineligible
illegal unlawful fail fails failed avoid avoids expired
禁止 谢绝 拒绝 暂停 停止 中止 终止 另计 另付 另收 另算
"""
DENYING = frozenset(_DENYING.split())
"""Words that deny the rest of their clause, and say more than that."""

NOT_DENIED = frozenset({"非常", "未来", "无线"})
"""Begin as if something were denied."""

_CONTRASTS = "but whereas although though however 但 但是 而 然而 却 不过"
CONTRASTS = frozenset(_CONTRASTS.split())
"""What follows may be denied where what comes before is not: they part clauses as commas do."""

_CONDITION_GROUPS = (
    "if when once provided assuming 如果 若 如 当 一旦 假如 倘若 只要",
    "unless except excluding 除非 除 除了 除外",
    "only 只有 仅 只 仅限",
    "some",
    "until till 直到",
    "over above 满 超过 以上 高于",
    "under below 低于 以下 不足",
    "within 之内 以内 内",
    "maximum max 最高",
    "minimum 最低 起",
    "sometimes might possibly probably perhaps occasionally 可能 或许 也许 有时 偶尔",
    "about approximately approx roughly around almost nearly 约 大约 大概 左右 将近",
)
CONDITIONS = {word: group.split()[0] for group in _CONDITION_GROUPS for word in group.split()}
"""What limits the rest of its sentence, into the word that stands for its kind."""

UNTRUE = r"(?:untrue|false|an? (?:\w+ )?(?:myth|misconception|misunderstanding|fallacy|rumou?r|hoax|lie|mistake))\b"
UNTRUE_CHINESE = (
    r"(?:只|都|纯属|属于|属|是)[\u3400-\u9fff]{0,4}?(?:谣言|误区|误解|误传|误会|谎言|假的|错误的)|不是真的|不属实"
)
"""What denies a whole sentence, in it or in the next one."""

PHRASES = tuple(
    (re.compile(phrase, re.IGNORECASE), value)
    for phrase, value in (
        (r"\bnot only\b|不仅仅?|不但|不只是?", ""),
        (r"\bnot (?:all|every|each|always|both)\b|(?:并非|并不是|不是)(?:所有|全部|每)", "some"),
        (r"\b(?:as|so) long as\b|\b(?:provided|on condition) that\b|\bin (?:the )?(?:case|event)\b", "if"),
        (r"\bsubject to\b|如[需有要遇想]", "if"),
        (r"\b(?:apart from|other than|with the exception of)\b", "unless"),
        (r"\b(?:up to|at most|no (?:more|longer|later) than)\b|[最至]多|不超过", "maximum"),
        (r"\b(?:at least|no (?:less|fewer) than)\b|[最至]少|不[低少]于", "minimum"),
        (r"\bfrom(?=\s[£$€¥][\d.,]+(?!\s?(?:to\b|[-–\d])))", "minimum"),
        (r"\b(?:more than|above)(?=\s\W?\d)", "over"),
        (r"\b(?:less|fewer) than(?=\s\W?\d)", "under"),
        (r"(?<!is )(?<!are )(?<!be )(?<!was )(?<!were )(?<!you )\bused to\b", "not"),
        (r"(?<=\w)-free\b|\bfree (?:of|from)\b(?! charge)", "not"),
        (r"(?<=\bfree) of charge\b", ""),
        (r"[✗✘❌☒]", "not"),
        (r"严禁", "deny"),
        (rf"\b(?:is|are|was|were|'s) (?:simply |just |only )?{UNTRUE}(?: that\b)?|\bcontrary to\b", "not"),
        (UNTRUE_CHINESE, "not"),
        (r"(?<=\bis )(?:optional|unnecessary)|(?<=\bare )(?:optional|unnecessary)", "not"),
        (r"请勿|切勿|切莫|不要|不得(?!不)|不准|不许", "not"),
        (r"不必|无需|无须|毋须|不需要?|不用(?!于)", "not"),
        (r"必须|(?<![胡触])须", ""),
    )
)
"""Several words, or a part of one, into the condition that they stand for, a negation ("not", "deny"), or nothing."""

EXCEPTED = "除外"
"""Follows what is excepted, where the other conditions come before it."""

MEASURES = frozenset({"over", "under", "within", "about"})
"""Conditions only beside a number: "over £60" is one, "over the counter" is not."""

HOLDING = frozenset({"only", "some", "maximum", "minimum", "sometimes"})
"""Conditions of all that is said in their clause, whichever part of it is repeated."""

_LIMITS = "all any every always before after during both each per most 都 全部 所有 任何 总是 每 后 前 之后 以后"
LIMITS = frozenset(_LIMITS.split())
"""Function words that change what is promised, and so count as content."""

TIMES = frozenset({"before", "after", "during"})
"""What holds at that time is not said of every time."""

SHARES = frozenset({"each", "every", "per", "most", "每"})
"""What is said of a part is not said of the whole."""

FREE = frozenset({"free", "gratis"})
CHINESE_FREE = frozenset({"免费", "包邮", "免运费", "免"})

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBER_WORDS = (
    {word: str(value) for value, word in enumerate(_SMALL.split()) if word not in ("zero", "one")}
    | {word: str(10 * (value + 2)) for value, word in enumerate(_TENS.split())}
    | {"hundred": "100", "thousand": "1000", "million": "1000000", "dozen": "12", "twice": "2"}
)
""""One" is left out: it is mostly a pronoun, but before what is counted in time."""

CHINESE_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000}

CURRENCIES = {"£": "gbp", "$": "usd", "€": "eur", "¥": "cny", "￥": "cny"}
_UNIT_WORDS = {
    "gbp": "pound pounds 英镑",
    "usd": "dollar dollars 美元",
    "eur": "euro euros 欧元",
    "cny": "yuan rmb 元 块 块钱 人民币",
    "%": "percent per cent",
    "second": "second seconds sec 秒 秒钟",
    "minute": "minute minutes min mins 分钟",
    "hour": "hour hours hr hrs 小时 个小时 钟头",
    "day": "day days 天 日",
    "working day": "工作日 个工作日",
    "week": "week weeks 周 星期 个星期 个周",
    "month": "month months 个月 月",
    "year": "year years yr yrs 年",
    "kg": "kg kilogram kilograms kilo kilos 公斤 千克",
    "g": "gram grams 克",
    "cm": "cm centimetre centimetres centimeter centimeters 厘米",
    "mm": "mm millimetre millimetres 毫米",
    "m": "metre metres meter meters 米",
    "km": "km kilometre kilometres mile 公里",
    "degree": "degree degrees 度 摄氏度",
    "gb": "gb gigabyte gigabytes",
    "mb": "mb megabyte megabytes",
}
DAY_HALVES = {"上午": "am", "早上": "am", "早晨": "am", "凌晨": "am", "下午": "pm", "晚上": "pm", "傍晚": "pm"}
"""Stand before the hour, where "am" and "pm" stand after it."""
_COUNTERS = "次 件 张 份 位 名 人 台 套 双 条 箱 包 袋 瓶 折 倍 个"
_COUNTED_ONCE = "年 天 日 次 周 星期 小时 分钟 个月 个小时 个星期 个工作日"
"""Before these 一 is a number, where it is mostly an article."""


def _stem(word: str) -> str:
    """An English word's stem. A Chinese word is its own, and cutting it would load a dictionary."""
    return next(iter(words(word)), word) if word.isascii() else word


UNITS = {
    form: unit for unit, forms in _UNIT_WORDS.items() for word in forms.split() for form in (word, _stem(word))
} | {word: word for word in ("am", "pm", *_COUNTERS.split())}
_COUNTED = "|".join(sorted((*(unit for unit in UNITS if not unit.isascii()), "点"), key=len, reverse=True))
COUNTED = re.compile(_COUNTED)
"""What a number counts, in Chinese: units of measure and words that count things."""
CHINESE_NUMBER = re.compile(
    "(?!千万|百万|万一)[零〇一二两三四五六七八九十百千万]{2,16}"
    f"|[二两三四五六七八九十](?={_COUNTED})|(?<![第同每统])一(?={_COUNTED_ONCE.replace(' ', '|')})"
)
"""A number in characters: several of them, or one before what it counts."""
WORKING = frozenset({_stem("working"), _stem("business")})
"""Before the days that are counted."""

_ALIKE = """
buy purchase
send ship dispatch
cost price
charge fee
pay paid
begin start
end finish
help assist
allow permit
email mail e-mail
phone telephone
site website
picture photo image
choose select pick
remove delete
fix repair mend
big large
quick fast
reply answer respond
show display
change alter modify
keep retain
usually normally typically
include exclude
customer client
item product article
shop store
contact reach
use utilise utilize
arrive come
password passcode
bill invoice
after 之后 以后 后
before 之前 以前 前
购买 买 选购
费用 收费
价格 价钱
送达 送到 到达
配送 派送
发货 寄出 发出
邮箱 电子邮件 邮件
网站 网页
更改 修改 变更 更换
能够 可以 能 可
联系 联络
删除 移除
维修 修理 修
"""
SYNONYMS = {_stem(word): _stem(line.split()[0]) for line in _ALIKE.splitlines() for word in line.split()}
"""Stem into the stem that stands for its group."""

_SOFT = """
be do have make take give go find see may able possible available provide offer follow mean ensure
please simply easily usually also however therefore additionally such example case way thing following according option
help need want person people customer user
must require required necessary mandatory
您 客户 用户 顾客 提供 进行 通过 可以 能够 使用 方式 方法 以及 或者 即可 请 需要 时间 情况 选择
才能 才可 方可 为 由 位于
"""
SOFT = frozenset(SYNONYMS.get(_stem(word), _stem(word)) for word in _SOFT.split())
"""Words that say next to nothing by themselves, and so need not stand in a passage."""

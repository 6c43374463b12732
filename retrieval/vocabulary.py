"""Words that a support check treats specially: negations, conditions, limits, numbers, units, near-synonyms."""

from retrieval.words import words

_NEGATIONS = """
not no never none nothing neither nor cannot without unable unavailable impossible
不 没 无 没有 不能 不会 不可 不可以 无法 未 勿 从不 并非 不是 不得 禁止
"""
NEGATIONS = frozenset(_NEGATIONS.split())

_CONTRASTS = "but whereas although though however 但 但是 而 然而 却 不过"
CONTRASTS = frozenset(_CONTRASTS.split())
"""What follows may be denied where what comes before is not: they part clauses as commas do."""

_CONDITION_GROUPS = (
    "if when once provided 如果 若 如 当 一旦 假如 倘若",
    "unless except 除非 除 除了 除外",
    "only 只有 仅 只 仅限",
    "until till 直到",
    "over above 满 超过 以上 高于",
    "under below 低于 以下 不足",
    "within 之内 以内 内",
)
CONDITIONS = {word: group.split()[0] for group in _CONDITION_GROUPS for word in group.split()}
"""What limits the rest of its sentence, into the word that stands for its kind."""

EXCEPTED = "除外"
"""Follows what is excepted, where the other conditions come before it."""

MEASURES = frozenset({"over", "under", "within"})
"""Conditions only beside a number: "over £60" is one, "over the counter" is not."""

_LIMITS = "all any every always must before after both each per most 必须 都 全部 所有 任何 总是 每"
LIMITS = frozenset(_LIMITS.split())
"""Function words that change what is promised, and so count as content."""

SHARES = frozenset({"each", "per", "most", "每"})
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
""""One" is left out: it is mostly a pronoun."""

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
    "am": "am",
    "pm": "pm",
}


def _stem(word: str) -> str:
    """An English word's stem. A Chinese word is its own, and cutting it would load a dictionary."""
    return next(iter(words(word)), word) if word.isascii() else word


UNITS = {form: unit for unit, forms in _UNIT_WORDS.items() for word in forms.split() for form in (word, _stem(word))}

_ALIKE = """
buy purchase
send ship dispatch deliver
cost price
charge fee
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
customer client
item product article
shop store
contact reach
use utilise utilize
arrive come
password passcode
bill invoice
购买 买 选购
费用 收费
价格 价钱
送达 送到 到达
寄送 配送 发货 寄出 派送
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
be do have make take give go use find see able possible available provide offer include contain follow mean ensure
please simply easily usually also however therefore additionally such example case way thing following according option
help need want person people customer user
您 客户 用户 顾客 提供 进行 通过 可以 能够 使用 方式 方法 以及 或者 即可 请 需要 时间 情况 选择
"""
SOFT = frozenset(SYNONYMS.get(_stem(word), _stem(word)) for word in _SOFT.split())
"""Words that say next to nothing by themselves, and so need not stand in a passage."""

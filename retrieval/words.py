"""Text into the words that a lexical index counts: stemmed English, Chinese cut into words, numbers and names whole."""

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import Stemmer

HAN = r"\u3400-\u9fff\uf900-\ufaff"
_OTHER = rf"[^\W_{HAN}]+"  # letters and digits of every other script: "7天" is a number and a word
_RUN = re.compile(rf"[{HAN}]+|{_OTHER}(?:'{_OTHER})*")
_CJK = re.compile(f"[{HAN}]")
_PARTS = re.compile(r"[^\W\d_]+|\d+")

_ENGLISH_STOPS = (
    "a about after again all also am an and any are aren't as at be because been before being but by can can't cannot"
    " could did do does doing don't during for from get gets getting got had has have having he hello her here hi him"
    " his how i i'd i'll i'm i've if im in into is isn't it it's its just let like me my no not now of off ok on one"
    " only or our out over please really she should since so some such than thanks that that's the their them then"
    " there these they this those through till to too until up us very want wants was way we were what when where"
    " which while who why will with won't would yes you your"
)
_CHINESE_STOPS = (
    "的 了 吗 呢 吧 啊 呀 是 在 我 我的 你 你的 您 他 她 它 我们 你们 他们 这 那 这个 那个 什么 怎么 怎样 如何 为什么"
    " 哪 哪个 哪里 一个 一下 就 都 也 还 和 与 或 及 把 被 让 给 对 从 到 上 下 里 中 有 没 没有 不 不是 能 可以 会 要"
    " 想 请 请问 个 着 过 很 再 又 而 但 但是 如果 因为 所以 么 啥 咋 谁 几 多少 时 时候 之后 以后 后 前 用 去 来 说 地"
    " 得 于 其 并"
)
STOP_WORDS = frozenset(_ENGLISH_STOPS.split()) | frozenset(_CHINESE_STOPS.split())


def words(text: str) -> list[str]:
    """Every counted word of a text, in order; stop words are left out."""
    return list(_words(unicodedata.normalize("NFKC", text).lower().replace("’", "'")))


def chinese_words(run: str, *, guess: bool = True) -> list[str]:
    """A run of Chinese characters cut into words, none left out; ``guess`` those that the dictionary does not have."""
    return list(_chinese().cut(run, HMM=guess))


def chinese_words_within(run: str) -> list[str]:
    """The words of the dictionary that a run of Chinese characters is cut into, and those inside longer ones."""
    return list(_chinese().cut_for_search(run, HMM=False))


def is_chinese_word(word: str) -> bool:
    """Whether the dictionary has a word; other words are guessed."""
    return bool(_chinese().FREQ.get(word))


def _words(text: str) -> Iterator[str]:
    for match in _RUN.finditer(text):
        run = match.group()
        if _CJK.match(run):
            yield from (word for word in _chinese().cut_for_search(run) if word not in STOP_WORDS)
        elif run not in STOP_WORDS and (word := run.removesuffix("'s")) not in STOP_WORDS:
            yield from _latin(word.replace("'", ""))


def _latin(word: str) -> Iterator[str]:
    yield _stemmer().stemWord(word)
    parts = _PARTS.findall(word)
    if len(parts) > 1:  # "v5" also counts as "5", "usb3" as "usb"
        yield from parts


@functools.cache
def _stemmer() -> Any:
    return Stemmer.Stemmer("english")


@functools.cache
def _chinese() -> Any:
    import jieba  # noqa: PLC0415 - its dictionary takes half a second, and English assistants never need it

    tokenizer = jieba.Tokenizer()
    # Its own loading goes through a marshalled cache in the shared temporary folder, which anybody could replace.
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer

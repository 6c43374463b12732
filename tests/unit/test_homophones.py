"""Chinese words written by others of the same sound are mended by the words of the pages."""

import pytest

from retrieval.homophones import Homophones, counted_chinese_words

PAGES = (
    "如何注册账户？收不到短信验证码怎么办",
    "数据在传输时加密。短信会发到您的手机",
    "去银行办理，或者联系客服；可以发邮件",
    "两者有差异。",
    "油建是我们的客服",  # a name, which sounds as 邮件
)


@pytest.fixture(scope="module")
def mended() -> Homophones:
    return Homophones(counted_chinese_words(PAGES))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("怎么注策", "怎么注册"),
        ("收不到短新", "收不到短信"),
        ("可以加蜜么", "可以加密么"),
        ("这封油件是真的吗", "这封邮件是真的吗"),
        ("验正码多久到", "验证码多久到"),  # a part of it is a word
        ("引航在哪 sms", "引航在哪 sms"),  # a word of its own
        ("去吟行办", "去银行办"),  # of a character with two sounds
        ("注策 email 收不到短新", "注册 email 收不到短信"),
    ],
)
def test_a_word_of_the_pages_was_meant(mended: Homophones, typed: str, meant: str) -> None:
    assert mended(typed) == meant
    assert mended(meant) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "how do i register",
        "有件事想问",  # 有 says nothing by itself, so 有件 is not 邮件
        "能查一小时以前的吗",  # a number: 查一 is not 差异
        "歌仪",  # sounds nearly like 可以, which says nothing
        "油建在吗",  # a name of the pages
        "柱策",  # both characters differ
        "找策",  # no word of the pages sounds so
        "𠀀𠀁",
    ],
)
def test_what_means_itself_stays(mended: Homophones, text: str) -> None:
    assert mended(text) == text


def test_pages_without_chinese_change_nothing() -> None:
    assert Homophones(counted_chinese_words(["How to sign up"]))("怎么注策") == "怎么注策"


def test_words_are_counted_once_a_text() -> None:
    assert counted_chinese_words(["短信，短信", "短信 sms 我", "找策"]) == {"短信": 2, "找策": 0}

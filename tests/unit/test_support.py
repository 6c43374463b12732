"""What the support check lets through, and what it must not, as tables."""

import pytest

from retrieval.support import check

ENGLISH = (
    (
        "care",
        "Care and repair",
        "Vacuum the sofa and the armchair every two weeks with a soft brush. The covers of the sofa can be taken off"
        " and washed at 30 degrees; the cover of the armchair is fixed and must be cleaned with upholstery foam.\n\n"
        "Wipe up water within ten minutes, and put hot pans on a trivet. Let the oil dry for 12 hours before you use"
        " the table again.\n\nThe shade of the floor lamp is cleaned with a dry brush only.\n\n"
        "Our workshop in Leeds repairs furniture that is older than the warranty. An estimate is free; most repairs"
        " cost between £40 and £150 and take three weeks.",
    ),
    (
        "cost",
        "How much does delivery cost?",
        "Standard delivery is £4.90, and free for orders over £60. Furniture that two people carry costs £29.",
    ),
    (
        "time",
        "How long does delivery take?",
        "Small items arrive within 2 to 4 working days, furniture within 2 to 3 weeks.",
    ),
    ("sunday", "Do you deliver on Sundays?", "No, we deliver Monday to Saturday between 8:00 and 18:00."),
    (
        "returns",
        "Returns",
        "You can return any item within 30 days if it is unused. Sale items cannot be returned. Refunds are paid to the"
        " card you used. Write to help@mapleandpine.example or see https://mapleandpine.example/help/returns.",
    ),
    (
        "account",
        "Account",
        "Call 0113 496 0000 before you send a parcel back. A voucher is valid for two years. Students get 10% off.",
    ),
)
CHINESE = (
    ("退", "退货政策", "收到商品后30天内可以免费退货。特价商品不能退货。退款将在5个工作日内退回原付款账户。"),
    ("送", "配送费用是多少？", "订单满99元包邮，不满99元收取运费10元。大件家具由两人配送，运费为两百元。"),
    (
        "联",
        "联系我们",
        "客服热线400-123-4567，服务时间为每天9:00到21:00。如果商品损坏，请在48小时内发送照片到service@shop.example。",
    ),
)

CARRIED = (
    "Standard delivery is £4.90.",
    "Standard delivery costs £4.90.",
    "Delivery is free for orders over £60.",
    "Furniture that two people carry costs £29.",
    "Furniture arrives within 2 to 3 weeks.",
    "Small items arrive within two to four working days.",
    "We deliver Monday to Saturday.",
    "We deliver between 8:00 and 18:00.",
    "You can return any item within 30 days if it is unused.",
    "Sale items cannot be returned.",
    "You can't return sale items.",
    "Refunds are paid to the card you used.",
    "Vacuum the sofa every two weeks with a soft brush.",
    "You should vacuum the sofa and the armchair every 2 weeks.",
    "An estimate is free.",
    "Most repairs cost between £40 and £150.",
    "Most repairs take three weeks.",
    "The covers of the sofa can be washed at 30 degrees.",
    "Write to help@mapleandpine.example.",
    "See https://mapleandpine.example/help/returns.",
    "A voucher is valid for 2 years.",
    "Students get 10 percent off.",
    "Call 0113 496 0000 before you send a parcel back.",
    "The cover of the armchair must be cleaned with upholstery foam.",
    "Let the oil dry for 12 hours before you use the table.",
    "The shade of the floor lamp is cleaned with a dry brush only.",
    "Our workshop in Leeds repairs furniture.",
)
CARRIED_CHINESE = (
    "收到商品后30天内可以免费退货。",
    "特价商品不能退货。",
    "退款将在5个工作日内退回。",
    "订单满99元包邮。",
    "大件家具的运费为200元。",
    "客服热线是400-123-4567。",
    "服务时间为每天9:00到21:00。",
    "如果商品损坏，请在48小时内发送照片。",
    "特价商品无法退货。",
)
REFUSED = (
    "Standard delivery is £60.",
    "Standard delivery is £5.90.",
    "Standard delivery is free.",
    "Standard delivery costs £29.",
    "Delivery is free.",
    "Small items arrive within 2 to 3 weeks.",
    "Furniture arrives within 2 to 4 working days.",
    "We deliver on Sundays.",
    "Yes, we deliver on Sundays.",
    "You can return sale items.",
    "Sale items can be returned.",
    "You can return any item within 30 minutes.",
    "You can return any item within 30 days.",
    "You can return any item within 60 days if it is unused.",
    "The covers of the armchair can be washed at 30 degrees.",
    "The cover of the sofa must be cleaned with upholstery foam.",
    "Vacuum the sofa every two days.",
    "Refunds are paid in cash.",
    "Refunds are paid to the card you used within 5 days.",
    "I have cancelled your order.",
    "As an AI, I cannot help.",
    "The passage does not provide the price.",
    "The text does not say.",
    "See https://evil.example/help/returns.",
    "See https://mapleandpine.example/help/returns/login.",
    "Write to help@evil.example.",
    "Call 0113 496 0001 before you send a parcel back.",
    "Students get 15% off.",
    "Students get £10 off.",
    "Everyone gets 10% off.",
    "A voucher is valid for two weeks.",
    "Our workshop in London repairs furniture.",
    "Amazon repairs furniture.",
    "Most repairs take 150 weeks.",
    "Repairs are always free.",
    "Wipe up water with bleach.",
    "What would you like to know?",
    "1.",
    "(2)",
    "### Delivery",
    "Send a parcel back before you call 0113 496 0000.",
    "Yes.",
    "",
    "Most repairs never cost between £40 and £150.",
    "Repairs cost between £40 and £150.",
    "Repairs take three weeks.",
)
REFUSED_CHINESE = (
    "收到商品后60天内可以免费退货。",
    "特价商品可以退货。",
    "所有订单包邮。",
    "订单包邮。",
    "大件家具的运费为10元。",
    "客服热线是400-123-4568。",
    "我已为您取消订单。",
    "文中没有提到这一点。",
    "请在48天内发送照片。",
    "请访问https://evil.example。",
    "退款将在5分钟内退回。",
    "商品不可以退货。",
)


@pytest.mark.parametrize("sentence", CARRIED)
def test_what_an_english_passage_says_is_carried(sentence: str) -> None:
    support = check(sentence, ENGLISH)
    assert support.supported, support.reasons
    assert support.passage_ids


@pytest.mark.parametrize("sentence", CARRIED_CHINESE)
def test_what_a_chinese_passage_says_is_carried(sentence: str) -> None:
    support = check(sentence, CHINESE)
    assert support.supported, support.reasons


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_no_english_passage_says_is_refused_with_a_reason(sentence: str) -> None:
    support = check(sentence, ENGLISH)
    assert not support.supported
    assert support.reasons
    assert not support.passage_ids


@pytest.mark.parametrize("sentence", REFUSED_CHINESE)
def test_what_no_chinese_passage_says_is_refused_with_a_reason(sentence: str) -> None:
    support = check(sentence, CHINESE)
    assert not support.supported
    assert support.reasons


@pytest.mark.parametrize(
    ("sentence", "carrier"),
    [
        ("Standard delivery is £4.90.", "cost"),
        ("Students get 10% off.", "account"),
        ("You can't return sale items.", "returns"),
    ],
)
def test_the_passage_that_carries_is_named(sentence: str, carrier: str) -> None:
    assert check(sentence, ENGLISH).passage_ids == (carrier,)


def test_words_of_two_passages_make_no_statement() -> None:
    split = (("a", "", "The lamp has a cable of two metres."), ("b", "", "The mirror hangs on a steel hook."))
    assert not check("The lamp hangs on a steel hook.", split).supported
    assert not check("The mirror has a cable of two metres.", split).supported


@pytest.mark.parametrize(
    ("sentence", "page", "supported"),
    [
        ("We may share your information.", "We may use and share your information.", True),
        ("The person who will use and share your information is you.", "We may use and share your information.", False),
        ("The person who uses your information is you.", "If you ask, we may use and share your information.", False),
        ("You may share our information.", "We may share your information.", False),
        ("You refund us within five days.", "We refund you within five days.", False),
        ("You are refunded within five days.", "We refund you within five days.", True),
        ("You can vacuum the sofa.", "Vacuum the sofa.", True),
        ("您将在五天内退款给我们。", "我们将在五天内退款给您。", False),
        ("我们将在五天内退款给您。", "我们将在五天内退款给您，节假日除外。", False),
        ("我们在五天内退款。", "我们将在五天内退款给您。", True),
        ("我们可以修改邮箱。", "您可以修改邮箱。", False),
    ],
)
def test_who_does_it_to_whom_is_part_of_what_is_said(sentence: str, page: str, supported: bool) -> None:
    assert check(sentence, [("a", "Page", page)]).supported is supported


@pytest.mark.parametrize(
    ("sentence", "page", "supported"),
    [
        ("Delivery is free.", "Delivery is free, except to Ireland.", False),
        ("Delivery is free.", "Delivery is free, unless it is furniture.", False),
        ("Delivery is free, except to Ireland.", "Delivery is free, except to Ireland.", True),
        ("You can return it.", "You can return it, if it is unused.", False),
        ("If it is unused, you can return it.", "If it is unused, you can return it, but not exchange it.", True),
        ("我们将在五天内退款。", "我们将在五天内退款，节假日除外。", False),
        ("我们将在五天内退款，节假日除外。", "我们将在五天内退款，节假日除外。", True),
    ],
)
def test_an_exception_that_follows_is_not_left_out(sentence: str, page: str, supported: bool) -> None:
    assert (
        check(sentence.replace(".", " ."), [("a", "Page", page)]).supported is supported
    )  # no word-for-word quotation


def test_an_item_of_a_list_stands_under_what_leads_into_it() -> None:
    page = [("a", "IDs", "We accept:\n\n- Driving licences\n\nWe do not accept:\n\n- Military IDs\n- Library cards")]
    assert check("We accept driving licences.", page).supported
    assert check("We do not accept military IDs.", page).supported
    for sentence in ("We accept military IDs.", "You can use military IDs.", "- Library cards", "Military IDs."):
        assert not check(sentence, page).supported


def test_a_wrapped_line_is_no_statement_of_its_own() -> None:
    wrapped = [
        ("a", "Licence", "As a work of the government, this project is in the\npublic domain within the country.")
    ]
    assert not check("The licence is in the public domain.", wrapped).supported
    assert check("This project is in the public domain.", wrapped).supported


def test_no_passages_carry_nothing() -> None:
    assert not check("Standard delivery is £4.90.", ()).supported

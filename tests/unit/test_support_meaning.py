"""Pages and sentences about them, by what would turn the meaning: what is carried, and what must not be."""

import pytest

from retrieval.prompt import fitting
from retrieval.support import check

PLANS = "Plan: Basic; Price: $10; Storage: 5 GB\nPlan: Pro; Price: $30; Storage: 50 GB"
SWITCH = "You can switch from Basic to Pro for free at any time."
TWO_PARCELS = "Small parcels cost £3, large parcels cost £9."
WARRANTIES = "The sofa has a warranty of 10 years and the lamp has a warranty of 2 years."
COSTS_FOR = "It costs £3 for small parcels and £9 for large parcels."
TAKES_FOR = "Delivery takes 3 days for small parcels and 9 days for furniture."

# page, sentence
REFUSED = (
    # a number and what it belongs to
    (TWO_PARCELS, "Small parcels cost £9."),
    (TWO_PARCELS, "Large parcels cost £3."),
    (TWO_PARCELS.replace(",", " and"), "Small parcels cost £9."),
    (TWO_PARCELS.replace(",", " and"), "Large parcels cost £3."),
    (WARRANTIES, "The lamp has a warranty of 10 years."),
    (WARRANTIES, "The sofa has a warranty of 2 years."),
    (COSTS_FOR, "Small parcels cost £9."),
    (COSTS_FOR, "Large parcels cost £3."),
    (COSTS_FOR, "It costs £3."),
    (TAKES_FOR, "Small parcels take 9 days."),
    (TAKES_FOR, "Delivery takes 9 days for small parcels."),
    (TAKES_FOR, "Furniture takes 3 days."),
    (TAKES_FOR, "Delivery takes 9 days."),
    ("We refund cards within 5 days and bank accounts within 10 days.", "We refund cards within 10 days."),
    ("Refunds take 5 days to cards and 10 days to bank accounts.", "Refunds take 10 days to cards."),
    ("标准配送10元，加急配送20元。", "标准配送20元。"),
    ("标准配送10元，加急配送20元。", "加急配送10元。"),
    ("标准配送需3天和加急配送需1天。", "标准配送需1天。"),
    ("北京次日达，上海三日达。", "北京三日达。"),
    ("We answer emails within one day and letters within two weeks.", "We answer emails within two weeks."),
    ("Standard delivery costs £4.90 in the UK and £9.90 in Ireland.", "Standard delivery costs £9.90 in the UK."),
    # what is said of another thing
    ("北京次日达，上海三日达。", "上海次日达。"),
    ("The sofa is blue and the lamp is red.", "The sofa is red."),
    ("The sofa is blue, the lamp is red.", "The lamp is blue."),
    (
        "The cover of the sofa can be washed, the cover of the armchair is fixed.",
        "The cover of the armchair is washed.",
    ),
    ("Refunds to cards take 5 days; refunds to vouchers take 10 days.", "Refunds take 10 days."),
    ("Delivery to Ireland costs £9.", "Delivery costs £9."),
    ("Returns are free for members; others pay £3.", "Returns are free."),
    ("The first month is free, then you pay.", "It is free."),
    ("第一个月免费，之后收费。", "它是免费的。"),
    # two things around "from ... to" and "than"
    (SWITCH, "You can switch from Pro to Basic for free at any time."),
    (SWITCH, "You can switch to Basic for free at any time."),
    (SWITCH, "You can switch from Pro for free."),
    ("The Basic plan costs less than the Pro plan.", "The Pro plan costs less than the Basic plan."),
    ("The Basic plan costs less than the Pro plan.", "The Pro plan costs less."),
    ("We ship to more than 20 countries.", "We ship to 20 countries."),
    ("可以从基础版升级到专业版。", "可以从专业版升级到基础版。"),
    ("可以从基础版升级到专业版。", "可以升级到基础版。"),
    ("基础版比专业版便宜。", "专业版比基础版便宜。"),
    ("基础版比专业版便宜。", "专业版便宜。"),
    # words that turn the meaning
    ("You can return unused items within 30 days.", "You can return used items within 30 days."),
    ("Our cookies are nut-free.", "Our cookies contain nuts."),
    ("Our cookies are nut-free.", "Our cookies have nuts."),
    ("Our cookies are free of nuts.", "Our cookies have nuts."),
    ("The warranty excludes batteries.", "The warranty includes batteries."),
    ("The warranty excludes batteries.", "The warranty has batteries."),
    ("Orders ship within 24 hours.", "Orders are delivered within 24 hours."),
    ("We dispatch your order on the same day.", "We deliver your order on the same day."),
    ("Smoking in the rooms is prohibited.", "You can smoke in the rooms."),
    ("The discount for students was discontinued.", "Students get a discount."),
    ("Deliveries to Northern Ireland are suspended.", "We deliver to Northern Ireland."),
    ("We stopped shipping to Canada.", "We ship to Canada."),
    ("We rarely ship to Canada.", "We ship to Canada."),
    ("Delivery is charged to non-members.", "Delivery is charged to members."),
    ("订单付款后48小时内发货。", "订单付款后48小时内配送。"),
    ("定制商品谢绝退货。", "定制商品可以退货。"),
    ("偏远地区暂停配送。", "偏远地区可以配送。"),
    ("室内禁止吸烟。", "室内可以吸烟。"),
    ("室内严禁吸烟。", "室内可以吸烟。"),
    ("非会员需支付运费。", "会员需支付运费。"),
    ("运费由非会员支付。", "运费由会员支付。"),
    ("价格包含安装费，运费另计。", "价格包含运费。"),
    ("It is illegal to resell tickets.", "You can resell tickets."),
    ("We failed to deliver.", "We deliver."),
    # conditions
    ("Only members can return sale items.", "You can return sale items."),
    ("Only members can return sale items.", "Members can return sale items."),
    ("Sale items can only be returned by members.", "Sale items can be returned."),
    ("Sale items can only be returned by members.", "You can return sale items."),
    ("You can return any item as long as it is unused.", "You can return any item."),
    ("We pay for the return in case of a defect.", "We pay for the return."),
    ("Delivery is free, except to Ireland.", "Delivery is free to Ireland."),
    ("Delivery is free, excluding Ireland.", "Delivery is free."),
    ("Delivery is free, excluding Ireland.", "Delivery is free to Ireland."),
    ("We used to ship to Canada.", "We ship to Canada."),
    ("An order cannot be cancelled after dispatch.", "An order cannot be cancelled."),
    ("Delivery is free during the sale.", "Delivery is free."),
    ("Not all items can be returned.", "All items cannot be returned."),
    ("Not all items can be returned.", "All items can be returned."),
    ("You can not only return items but also exchange them.", "You cannot return items."),
    ("仅限会员使用优惠券。", "您可以使用优惠券。"),
    ("只有会员可以退换特价商品。", "您可以退换特价商品。"),
    ("只要商品未使用，就可以退货。", "商品可以退货。"),
    ("签收30天后才能申请退款。", "签收30天可以申请退款。"),
    ("并非所有商品都可以退货。", "所有商品都可以退货。"),
    ("Members get free delivery.", "You get free delivery."),
    ("Members get free delivery.", "Delivery is free."),
    ("会员可以免费退货。", "您可以免费退货。"),
    ("All plans except Basic include support.", "Basic includes support."),
    ("生鲜商品除外，其他商品支持退货。", "生鲜商品支持退货。"),
    # what is asked, not said
    ("Is it waterproof? No.", "It is waterproof."),
    ("Q: Do you ship to Canada? A: No.", "You ship to Canada."),
    ("You may get a refund.", "You will get a refund."),
    ("Delivery may take 10 days.", "Delivery takes 10 days."),
    ("Our team answers within 24 hours on weekdays.", "Our team answers within 24 hours."),
    ("You earn 5 points for every £1 that you spend.", "You earn 5 points."),
    ("Items marked final sale are not eligible for return.", "Items are not eligible for return."),
    ("如需发票，请在备注中注明。", "请在备注中注明。"),
    # caps
    ("A refund might take 10 days.", "A refund takes 10 days."),
    ("退款可能需要10天。", "退款需要10天。"),
    ("Save up to 70% on sofas.", "You save 70% on sofas."),
    ("The warranty lasts at least 2 years.", "The warranty lasts 2 years."),
    ("The warranty lasts at least 2 years.", "The warranty lasts at most 2 years."),
    ("Repairs cost from £40.", "Repairs cost £40."),
    ("Refunds take 10 working days.", "Refunds take 10 days."),
    ("Store the vaccine at -18 degrees.", "Store the vaccine at 18 degrees."),
    ("最多可退款500元。", "可退款500元。"),
    ("押金至少100元。", "押金100元。"),
    ("请在零下18度保存。", "请在18度保存。"),
    # halves of the day, and numbers in characters
    ("We open at 9 pm and close at 2 am.", "We open at 9 am."),
    ("Support is open from 9 am to 5 pm.", "Support is open from 9 am to 5 am."),
    ("Support is open from 9 a.m. to 5 p.m.", "Support is open from 9 p.m. to 5 p.m."),
    ("Support is open from 9AM to 5PM.", "Support is open from 9PM to 5PM."),
    ("服务时间为上午9点到下午5点。", "服务时间为下午9点到下午5点。"),
    ("门店晚上9点关门。", "门店上午9点关门。"),
    ("四件包邮。", "四川包邮。"),
    ("可免费试用两天。", "可免费试用两次。"),
    ("请使用二维码支付。", "请使用两张支付。"),
    ("发货需要二十一天。", "发货需要一天。"),
    ("电池保修十一年。", "电池保修一年。"),
    # who pays, and whose it is
    ("Return shipping is paid by the customer.", "Return shipping is paid by us."),
    ("Return shipping is covered by the buyer.", "We cover return shipping."),
    ("Send the parcel to our address.", "Send the parcel to your address."),
    ("Send your parcel to our address.", "Send the parcel to your address."),
    ("退货运费由买家承担。", "退货运费由我们承担。"),
    ("退货运费由顾客承担。", "退货运费由商家承担。"),
    ("请寄到我们的地址。", "请寄到您的地址。"),
    ("该服务由第三方提供，我们不承担责任。", "该服务由我们提供。"),
    ("The service is provided by a partner, we are not liable.", "The service is provided by us."),
    # yes and no
    ("Standard delivery costs £4.90.", "Yes, standard delivery costs £4.90."),
    ("Standard delivery costs £4.90.", "No, standard delivery costs £4.90."),
    ("特价商品不能退货。", "可以，特价商品不能退货。"),
    ("收到商品后30天内可以退货。", "不可以，收到商品后30天内可以退货。"),
    ("Pets allowed: No", "Pets are allowed."),
    ("是否支持退货：否", "支持退货。"),
    # rows of a table
    (PLANS, "The price is $10."),
    (PLANS, "The price is $30."),
    (PLANS, "The storage is 5 GB."),
    (PLANS, "The price of the Pro plan is $10."),
    (PLANS, "The Basic plan has 50 GB of storage."),
    ("Item: Sofa; Returnable: no; Price: £300", "The sofa is returnable."),
    ("Item: Sofa; Returnable: ✗; Price: £300", "The sofa is returnable."),
    ("套餐: 基础版; 价格: 10元\n套餐: 专业版; 价格: 30元", "价格为30元。"),
    ("套餐: 基础版; 价格: 10元\n套餐: 专业版; 价格: 30元", "基础版价格为30元。"),
    # it speaks for itself
    ("How do I cancel? I have cancelled my order.", "I have cancelled your order."),
    ("Standard delivery is £4.90.", "Standard delivery is £4.90 \ud83d."),
    ("Standard delivery is £4.90.", "Standard delivery is £4.90 \ue000."),
)
CARRIED = (
    # the month, the country, and one of several
    ("The pool opens in May and closes in September.", "The pool closes in September."),
    ("Boat trips start in May and cost £12.", "Boat trips cost £12."),
    ("Delivery in the US is free if you spend $50.", "You get free delivery in the US if you spend $50."),
    ("We ship to the UK and Ireland.", "We ship to Ireland."),
    ("We deliver to Germany, Austria and Switzerland.", "We deliver to Austria."),
    ("Parking is free for members and guests.", "Parking is free for guests."),
    ("Refunds to cards and PayPal take 5 days.", "Refunds to PayPal take 5 days."),
    ("Delivery to Norway takes about a week and customs duties may apply.", "Delivery to Norway takes about a week."),
    (TWO_PARCELS, "Small parcels cost £3 ."),  # a space before the point: no word-for-word quotation
    (TWO_PARCELS, "Large parcels cost £9."),
    (WARRANTIES, "The lamp has a warranty of 2 years."),
    (WARRANTIES, "The sofa has a warranty of ten years."),
    (COSTS_FOR, "It costs £9 for large parcels."),
    (TAKES_FOR, "Delivery takes 3 days for small parcels."),
    ("标准配送10元，加急配送20元。", "加急配送20元。"),
    ("北京次日达，上海三日达。", "上海三日达。"),
    ("The sofa is blue and the lamp is red.", "The lamp is red ."),
    ("The sofa is blue and comes with a cover.", "The sofa comes with a cover."),
    ("Delivery to Ireland costs £9.", "Delivery to Ireland is £9."),
    ("All plans except Basic include support.", "All plans, except Basic, include support."),
    (SWITCH, "You can switch from Basic to Pro at any time."),
    ("The Basic plan costs less than the Pro plan.", "The Basic plan is less than the Pro plan."),
    ("可以从基础版升级到专业版。", "您可以从基础版升级到专业版。"),
    ("You can return unused items within 30 days.", "Unused items can be returned within 30 days."),
    ("Our cookies are nut-free.", "The cookies are nut-free."),
    ("Our cookies are free of charge.", "The cookies are free."),
    ("The warranty excludes batteries.", "The warranty does not have batteries."),
    ("Orders ship within 24 hours.", "Orders are dispatched within 24 hours."),
    ("Smoking in the rooms is prohibited.", "You cannot smoke in the rooms."),
    ("定制商品谢绝退货。", "定制商品不可以退货。"),
    ("Only members can return sale items.", "Sale items can be returned only by members."),
    ("You can not only return items but also exchange them.", "You can return items."),
    ("仅限会员使用优惠券。", "优惠券仅限会员使用。"),
    ("Members get free delivery.", "Members have free delivery."),
    ("Save up to 70% on sofas.", "You save up to 70 percent on sofas."),
    ("Refunds take 10 working days.", "A refund takes ten working days."),
    ("Store the vaccine at -18 degrees.", "The vaccine is stored at minus 18 degrees."),
    ("最多可退款500元。", "您最多可以退款500元。"),
    ("We open at 9 pm and close at 2 am.", "We open at 9pm."),
    ("Support is open from 9 a.m. to 5 p.m.", "Support is open from 9 am to 5 pm."),
    ("服务时间为上午9点到下午5点。", "服务时间是上午9点到下午5点。"),
    ("保修期为1年。", "保修期为一年。"),
    ("The warranty lasts 1 year.", "The warranty lasts one year."),
    ("The lamp is new. It is free for members.", "It is free for members ."),
    ("公司在1年内提供保修。", "公司在一年内提供保修。"),
    ("发货需要二十一天。", "发货需要21天。"),
    ("本店四件包邮。", "4件包邮。"),
    ("Return shipping is paid by the customer.", "You pay the return shipping."),
    ("退货运费由买家承担。", "退货运费由您承担。"),
    ("Send your parcel to our address.", "Send the parcel to our address."),
    ("No, we deliver Monday to Saturday by van.", "No, we deliver Monday to Saturday."),
    (PLANS, "The price of the Pro plan is $30."),
    (PLANS, "The Basic plan has 5 GB of storage."),
    ("Item: Sofa; Returnable: no; Price: £300", "The sofa is not returnable."),
    ("Item: Sofa; Returnable: no; Price: £300", "The price of the sofa is £300."),
    ("套餐: 基础版; 价格: 10元\n套餐: 专业版; 价格: 30元", "专业版价格是30元。"),
    ("You may return sale items.", "You can return sale items ."),
    ("Gift cards and sale items can be returned.", "Gift cards can be returned."),
    ("The service is provided by a partner.", "The service is provided by a partner ."),
    # what stands on the page is no word of the model about itself or its sources
    ("Click “Forgot my password” on the login page.", "Click “Forgot my password” on the login page."),
    ("Click “Forgot my password” on the login page.", "You can click “Forgot my password”."),
    ("Upload the required documents in your account.", "Upload the required documents in your account."),
    ("Upload the required documents in your account.", "You can upload the required documents."),
    ("Answer the security questions to log in.", "Answer the security questions to log in."),
    ("请在“我的订单”中申请退款。", "请在“我的订单”中申请退款。"),
    ("请在“我的订单”中申请退款。", "您可以在我的订单中申请退款。"),
    ("未提供发票的订单无法报销。", "未提供发票的订单无法报销。"),
)


@pytest.mark.parametrize(("page", "sentence"), REFUSED)
def test_what_turns_the_meaning_is_refused(page: str, sentence: str) -> None:
    support = check(sentence, [("a", "Page", page)])
    assert not support.supported
    assert support.reasons


@pytest.mark.parametrize(("page", "sentence"), CARRIED)
def test_what_keeps_the_meaning_is_carried(page: str, sentence: str) -> None:
    support = check(sentence, [("a", "Page", page)])
    assert support.supported, support.reasons


@pytest.mark.parametrize(
    ("title", "page", "sentence", "supported"),
    [
        ("Is the lamp dimmable?", "No. Please use a separate switch with the lamp.", "The lamp is dimmable.", False),
        ("Is the lamp dimmable?", "Sadly it is not. The lamp needs 5 W.", "The lamp is dimmable.", False),
        ("Do you ship internationally?", "No. We ship within the UK.", "We ship internationally.", False),
        ("可以退货吗？", "不可以。定制的商品除质量问题外一律如此。", "定制的商品可以退货。", False),
        ("Do you ship at weekends?", "No. We ship within the UK.", "We ship within the UK .", True),
        ("Do you ship within the UK?", "Yes. We ship within the UK.", "Yes, we ship within the UK.", True),
        ("Do you ship within the UK?", "Yes. We ship within the UK.", "No, we ship within the UK.", False),
    ],
)
def test_an_answer_of_one_word_holds_for_what_follows(title: str, page: str, sentence: str, supported: bool) -> None:
    assert check(sentence, [("a", title, page)]).supported is supported


class Words:
    """Counts a token a word."""

    def count(self, text: str) -> int:
        return len(text.split())


@pytest.mark.parametrize("run", ["一" + "万" * 1200, "一二" * 2500, "三个月两天" * 1200])
def test_endless_chinese_numbers_are_read(run: str) -> None:
    assert not check("保修十年。", [("a", "保修", run)]).supported


@pytest.mark.parametrize("sentence", ["You can use military IDs.", "Military IDs", "1. Military IDs"])
def test_what_leads_into_a_numbered_list_stands_before_a_passage_that_was_cut(sentence: str) -> None:
    text = "We do not accept:\n\n1. Military IDs\n2. Library cards\n3. Tickets"
    for used in ([("a", "IDs", text)], fitting([("a", "IDs", text)], 11, Words())):
        assert not check(sentence, used).supported
        assert check("We do not accept military IDs.", used).supported

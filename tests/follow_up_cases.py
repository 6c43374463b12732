"""Conversations in which the last message leans on what was said before, and some in which it does not.

Written by hand before the rules were measured on them; nothing is chosen by what they give.
"""

from typing import NamedTuple


class Case(NamedTuple):
    """``said``: messages in order. ``wanted``: the question of the FAQ entry that answers the last; None: nothing does.

    ``complete``: the last message needs nothing from before.
    """

    said: tuple[str, ...]
    wanted: str | None
    complete: bool = False


ENGLISH_FAQ = {
    "How long does delivery to Germany take?": "Parcels to Germany arrive in three to five working days.",
    "How long does delivery to Canada take?": "Parcels to Canada arrive in seven to ten working days.",
    "How much does shipping to Germany cost?": "Shipping to Germany costs 9 euros.",
    "How much does shipping to Canada cost?": "Shipping to Canada costs 19 euros.",
    "Can I return a laptop?": "Laptops can be returned within 14 days if the seal is unbroken.",
    "Can I return opened headphones?": "Opened headphones cannot be returned, for reasons of hygiene.",
    "How do I cancel an order?": "Open your orders and choose Cancel, as long as it has not left the warehouse.",
    "How do I change the delivery address of an order?": "Write to us with the new address before the parcel is sent.",
    "What does the Basic plan cost?": "The Basic plan is 5 euros a month.",
    "What does the Premium plan cost?": "The Premium plan is 12 euros a month.",
    "How many devices does the Basic plan cover?": "The Basic plan covers one device.",
    "How many devices does the Premium plan cover?": "The Premium plan covers five devices.",
    "How do I cancel the Premium plan?": "Go to Settings, Subscription, and choose End at the next bill.",
    "How do I reset my password on the website?": "Use the link below the sign-in form.",
    "How do I reset my password in the app?": "Open the menu, Account, and tap New password.",
    "Do you accept PayPal?": "Yes, PayPal is accepted in all countries.",
    "Do you accept American Express?": "No, American Express is not accepted.",
    "How long is the warranty on phones?": "Phones have a warranty of two years.",
    "How long is the warranty on batteries?": "Batteries have a warranty of six months.",
    "When is the London shop open?": "The London shop is open from nine to eight.",
    "When is the Leeds shop open?": "The Leeds shop is open from ten to six.",
    "Is there parking at the London shop?": "There is no parking; take the Underground to Bank.",
    "Is there parking at the Leeds shop?": "Yes, there are forty free places behind the shop.",
    "Do you wrap gifts?": "Yes, for 3 euros; choose the ribbon at the checkout.",
}

ENGLISH = (
    Case(("How long does delivery to Germany take?", "and for Canada?"), "How long does delivery to Canada take?"),
    Case(("how much is shipping to germany", "what about canada"), "How much does shipping to Canada cost?"),
    Case(("How much is shipping to Canada?", "And how long does it take?"), "How long does delivery to Canada take?"),
    Case(("Can I return a laptop?", "what about headphones I already opened"), "Can I return opened headphones?"),
    Case(("What does the Basic plan cost?", "And Premium?"), "What does the Premium plan cost?"),
    Case(("What does Premium cost?", "how many devices is that for?"), "How many devices does the Premium plan cover?"),
    Case(("Tell me about the price of Premium", "how do I cancel it"), "How do I cancel the Premium plan?"),
    Case(("how do i reset my password on the website", "and in the app?"), "How do I reset my password in the app?"),
    Case(("Can I pay with PayPal?", "how about American Express"), "Do you accept American Express?"),
    Case(("what's the warranty on phones", "and on batteries?"), "How long is the warranty on batteries?"),
    Case(("When does the London shop open?", "and the one in Leeds?"), "When is the Leeds shop open?"),
    Case(("When is the Leeds shop open?", "can I park there?"), "Is there parking at the Leeds shop?"),
    Case(("when is the london shop open", "is there parking"), "Is there parking at the London shop?"),
    Case(("How many devices on Basic?", "and on Premium?"), "How many devices does the Premium plan cover?"),
    Case(("How many devices on Basic?", "and on Premium?", "how much is it?"), "What does the Premium plan cost?"),
    Case(
        ("How long does delivery to Germany take?", "and to Canada?", "how much does that cost?"),
        "How much does shipping to Canada cost?",
    ),
    # what needs nothing from before
    Case(("How long does delivery to Germany take?", "Do you wrap gifts?"), "Do you wrap gifts?", complete=True),
    Case(("What does Premium cost?", "how do I cancel an order"), "How do I cancel an order?", complete=True),
    Case(("Do you accept PayPal?", "When is the Leeds shop open?"), "When is the Leeds shop open?", complete=True),
    Case(("When is the London shop open?", "american express?"), "Do you accept American Express?", complete=True),
    Case(("Can I return a laptop?", "and do you wrap gifts?"), "Do you wrap gifts?", complete=True),
    # what nothing answers, whatever was said before
    Case(("How long does delivery to Germany take?", "and who won the chess championship?"), None),
    Case(("What does Premium cost?", "what about the weather tomorrow"), None),
    Case(("Do you accept PayPal?", "it was my grandmother's birthday yesterday"), None),
    Case(("When is the London shop open?", "and how tall is the Eiffel tower?"), None),
)

CHINESE_FAQ = {
    "寄到德国要多久？": "寄往德国的包裹三到五个工作日送达。",
    "寄到加拿大要多久？": "寄往加拿大的包裹七到十个工作日送达。",
    "寄到德国的运费是多少？": "寄往德国的运费是9欧元。",
    "寄到加拿大的运费是多少？": "寄往加拿大的运费是19欧元。",
    "笔记本电脑可以退货吗？": "未拆封的笔记本电脑可在14天内退货。",
    "拆封的耳机可以退货吗？": "出于卫生原因，拆封的耳机不能退货。",
    "怎么取消订单？": "打开订单列表，在发货之前点击取消。",
    "怎么修改收货地址？": "请在发货之前把新的地址告诉我们。",
    "基础版多少钱？": "基础版每月5欧元。",
    "高级版多少钱？": "高级版每月12欧元。",
    "基础版支持几台设备？": "基础版支持一台设备。",
    "高级版支持几台设备？": "高级版支持五台设备。",
    "怎么取消高级版？": "在设置里的订阅页面选择到期后停止续费。",
    "网站上怎么重置密码？": "点击登录框下方的链接。",
    "手机应用里怎么重置密码？": "打开菜单里的账户，点击新密码。",
    "可以用支付宝付款吗？": "可以，所有国家都支持支付宝。",
    "可以用微信付款吗？": "暂不支持微信付款。",
    "手机保修多久？": "手机保修两年。",
    "电池保修多久？": "电池保修六个月。",
    "北京店几点开门？": "北京店早上九点到晚上八点营业。",
    "上海店几点开门？": "上海店早上十点到晚上六点营业。",
    "北京店能停车吗？": "北京店没有停车位，请乘地铁前往。",
    "上海店能停车吗？": "可以，上海店后面有四十个免费车位。",
    "提供礼品包装吗？": "提供，收费3欧元，结账时选择丝带即可。",
}

CHINESE = (
    Case(("寄到德国要多久？", "那加拿大呢？"), "寄到加拿大要多久？"),
    Case(("去德国的运费多少", "加拿大呢"), "寄到加拿大的运费是多少？"),
    Case(("寄到加拿大的运费是多少？", "那要多久能到？"), "寄到加拿大要多久？"),
    Case(("笔记本电脑可以退吗", "那拆封的耳机呢"), "拆封的耳机可以退货吗？"),
    Case(("基础版多少钱？", "高级版呢？"), "高级版多少钱？"),
    Case(("高级版多少钱", "它支持几台设备？"), "高级版支持几台设备？"),
    Case(("高级版的价格是多少", "这个怎么取消"), "怎么取消高级版？"),
    Case(("网站上怎么重置密码", "那手机应用里呢"), "手机应用里怎么重置密码？"),
    Case(("能用支付宝付款吗", "微信呢"), "可以用微信付款吗？"),
    Case(("手机保修多久", "电池呢？"), "电池保修多久？"),
    Case(("北京店几点开门", "上海店呢"), "上海店几点开门？"),
    Case(("上海店几点开门？", "那里能停车吗？"), "上海店能停车吗？"),
    Case(("北京店几点开门", "可以停车吗"), "北京店能停车吗？"),
    Case(("基础版支持几台设备", "那高级版呢"), "高级版支持几台设备？"),
    Case(("基础版支持几台设备", "那高级版呢", "多少钱？"), "高级版多少钱？"),
    Case(("寄到德国要多久？", "加拿大呢？", "那运费呢？"), "寄到加拿大的运费是多少？"),
    Case(("寄到德国要多久？", "提供礼品包装吗？"), "提供礼品包装吗？", complete=True),
    Case(("高级版多少钱？", "怎么取消订单"), "怎么取消订单？", complete=True),
    Case(("可以用支付宝付款吗？", "上海店几点开门？"), "上海店几点开门？", complete=True),
    Case(("北京店几点开门？", "怎么修改收货地址"), "怎么修改收货地址？", complete=True),
    Case(("寄到德国要多久？", "那谁赢了国际象棋冠军？"), None),
    Case(("高级版多少钱？", "那明天天气怎么样"), None),
    Case(("可以用支付宝付款吗？", "昨天是我奶奶的生日"), None),
    Case(("北京店几点开门？", "埃菲尔铁塔有多高呢"), None),
)

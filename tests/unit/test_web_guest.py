"""Guest tokens and allowed origins."""

import pytest

from bot.channels.web.guest import admit, sign
from bot.channels.web.origin import origin_allowed
from bot.channels.web.settings import WebSettings
from bot.errors import CredentialsError

SECRET = b"a secret of the test"


def test_a_token_opens_its_conversation():
    first = admit(SECRET, None, None)
    assert not first.known
    again = admit(SECRET, first.conversation_id, first.token)
    assert (again.known, again.conversation_id) == (True, first.conversation_id)


@pytest.mark.parametrize(
    "token",
    [
        sign(SECRET, "web-other"),  # another guest's
        sign(b"yesterday's secret", "web-mine"),  # another server's
        sign(SECRET, "web-mine")[:-1],  # cut
        sign(SECRET, "web-mine").swapcase(),
        "令牌",
        "",
        None,
    ],
)
def test_a_wrong_token_gets_a_new_conversation(token):
    guest = admit(SECRET, "web-mine", token)
    assert not guest.known
    assert guest.conversation_id != "web-mine"


def test_new_conversations_differ():
    assert len({admit(SECRET, None, None).conversation_id for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("origin", "host", "allowed", "verdict"),
    [
        ("http://127.0.0.1:5005", "127.0.0.1:5005", (), True),
        ("https://bot.example", "bot.example", (), True),
        ("https://bot.example", "bot.example:443", (), True),
        ("https://BOT.example", "bot.EXAMPLE", (), True),
        ("https://bot.example:8443", "bot.example", (), False),  # another port is another site
        ("https://shop.example", "bot.example", (), False),
        ("https://shop.example", "bot.example", ("https://shop.example",), True),
        ("http://shop.example", "bot.example", ("https://shop.example",), False),  # not the same scheme
        ("https://shop.example.evil.example", "bot.example", ("https://shop.example",), False),
        ("https://evilshop.example", "bot.example", ("https://shop.example",), False),
        ("https://a.shop.example", "bot.example", ("https://shop.example",), False),
        ("https://shop.example@evil.example", "bot.example", ("https://shop.example",), False),
        ("https://shop.example/x", "bot.example", ("https://shop.example",), False),
        ("null", "bot.example", ("https://shop.example",), False),
        ("", "bot.example", (), False),
        (None, "bot.example", (), False),
        ("https://[", "bot.example", (), False),
        ("https://a:99999", "bot.example", (), False),
        ("file://", "", (), False),
        ("https://any.example", "bot.example", ("*",), True),
    ],
)
def test_origin(origin, host, allowed, verdict):
    assert origin_allowed(origin, host, allowed) is verdict


@pytest.mark.parametrize("wrong", [{"secret": b"short"}, {"allowed_origins": ("shop.example",)}])
def test_settings_refuse(wrong):
    with pytest.raises(ValueError, match=r"secret|origin"):
        WebSettings(**({"secret": SECRET} | wrong))


def test_settings_do_not_show_the_secret():
    assert "secret of" not in repr(WebSettings(secret=SECRET))


def test_settings_of_a_section():
    section = {
        "title": "客服",
        "greeting": "您好",
        "suggestions": ["Where is my order?"],
        "origins": ["https://shop.example", "https://shop.example:8443"],
        "image_hosts": ["CDN.shop.example", "img1"],
    }
    settings = WebSettings.read(section, secret=SECRET, title="else", origins=["https://b.example", "*"])
    assert settings.allowed_origins == ("https://shop.example", "https://shop.example:8443", "https://b.example", "*")
    assert settings.image_hosts == {"cdn.shop.example", "img1"}
    assert (settings.title, settings.greeting, settings.suggestions) == ("客服", "您好", ("Where is my order?",))


def test_a_section_may_be_empty():
    assert WebSettings.read({}, secret=SECRET, title="Desk") == WebSettings(secret=SECRET, title="Desk")


@pytest.mark.parametrize(
    ("section", "origins", "says"),
    [
        ({"title": 5}, (), "web: 'title' must be a text"),
        ({"suggestions": "Where?"}, (), "web: 'suggestions' must be a list of texts"),
        ({"suggestions": ["a", 1]}, (), "web: 'suggestions' must be a list of texts"),
        ({"origins": "https://shop.example"}, (), "web: 'origins' must be a list of texts"),
        ({"origins": ["shop.example"]}, (), "web: 'origins': 'shop.example' is no origin"),
        ({"image_hosts": ["https://cdn.example"]}, (), "web: 'image_hosts': 'https://cdn.example' is no host"),
        ({"image_hosts": {"cdn": 1}}, (), "web: 'image_hosts' must be a list of texts"),
        ({"origin": ["*"]}, (), "web: there is no key 'origin'; did you mean 'origins'?"),
        ({}, ("shop.example",), "--cors: 'shop.example' is no origin"),
    ],
)
def test_a_section_that_cannot_be_used(section, origins, says):
    with pytest.raises(CredentialsError) as caught:
        WebSettings.read(section, secret=SECRET, title="Desk", origins=origins)
    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_every_fault_of_a_section_is_told_at_once():
    with pytest.raises(CredentialsError) as caught:
        WebSettings.read({"title": 1, "origins": ["x"], "colour": "red"}, secret=SECRET, title="Desk", origins=["y"])
    assert len(str(caught.value).splitlines()) == 4

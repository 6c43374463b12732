"""Clients behind proxies, and tokens."""

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.client import Proxies
from bot.channels.security import Access, same_secret
from bot.errors import Unauthorized

TOKENS = ("current-token-123456", "former-token-1234567")
ACCESS = Access(tokens=TOKENS)


def request(path="/", **headers):
    return make_mocked_request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),  # nobody's proxy: what it says is not believed
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "9.9.9.9, 1.2.3.4", "1.2.3.4"),  # the left one is what the client wrote itself
        ("10.0.0.1", "1.2.3.4, 10.0.0.2", "1.2.3.4"),  # two proxies
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),  # a client inside
        ("10.0.0.1", "canary", "10.0.0.1"),  # no address at all
        ("10.0.0.1", None, "10.0.0.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_client_is_the_nearest_address_that_is_no_proxy(peer, forwarded, client):
    headers = {"X_Forwarded_For": forwarded} if forwarded else {}
    proxies = Proxies(["10.0.0.0/8", "::1"])
    assert proxies.client(request(**headers).clone(remote=peer)) == client


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/?token=current-token-123456", {}),
        ("/?token=former-token-1234567", {}),
        ("/", {"Authorization": "Bearer current-token-123456"}),
        ("/", {"Authorization": "bearer  current-token-123456"}),
    ],
)
def test_a_right_token(path, headers):
    ACCESS.check(request(path, **headers), is_own=False)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/?token=", {}),
        ("/?token=current-token-12345", {}),
        ("/?token=CURRENT-TOKEN-123456", {}),
        ("/", {"Authorization": "Basic current-token-123456"}),
        ("/", {"Authorization": "Bearer"}),
        ("/?token=current-token-123456", {"Authorization": "Bearer wrong"}),  # two answers: the header counts
    ],
)
def test_a_wrong_token(path, headers):
    with pytest.raises(Unauthorized):
        ACCESS.check(request(path, **headers), is_own=False)


@pytest.mark.parametrize("tokens", [(), ("",), ("short",), (TOKENS[0], "short")])
def test_a_token_that_can_be_guessed_is_no_token(tokens):
    with pytest.raises(ValueError, match="at least"):
        Access(tokens=tokens)


@given(st.text(), st.text())
def test_secrets_are_the_same_only_if_equal(one, other):
    assert same_secret(one, other) == (one == other)
    assert same_secret(one, one)

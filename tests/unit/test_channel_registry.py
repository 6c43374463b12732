"""From credentials to channels: what runs, and what is said of what does not."""

import pytest

from bot.channels.metrics import Metrics
from bot.channels.registry import configure
from bot.errors import CredentialsError

TELEGRAM = {
    "access_token": "123456:AAbbCCddEEffGGhhIIjjKKll",
    "verify": "ShopBot",
    "webhook_url": "https://shop.example/webhooks/telegram/webhook",
}


def names(credentials):
    channels = configure(credentials, inbox=None, metrics=Metrics())
    return [channel.name for channel in channels.all], sorted(channels.senders)


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        ({}, (["rest"], [])),  # REST is always there
        ({"rest": None}, (["rest"], [])),  # as YAML gives an empty section
        (
            {"rest": {}, "telegram": TELEGRAM, "callback": {"url": "https://e/x"}},
            (["rest", "telegram", "callback"], ["callback", "telegram"]),
        ),
        ({"rasa": {"url": "http://x"}, "cmdline": None, "web": {}}, (["rest"], [])),  # nothing to do here
    ],
)
def test_what_runs(credentials, expected):
    assert names(credentials) == expected


@pytest.mark.parametrize(
    ("credentials", "says"),
    [
        ({"telegramm": {}}, "did you mean 'telegram'.*callback, rest, socketio, telegram, web"),
        ({"zzz": {}}, "zzz: no such channel; channels here are"),
        ({"slack": {"slack_token": "canary"}}, "slack: this channel of Rasa's does not run here yet"),
        ({"addons.my_channel.MyIO": {}}, "written for Rasa cannot run here; let that code call POST"),
        ({"callback": {}}, "callback: 'url' must be"),
        ({"callback": {"url": "http://[canary"}}, "callback: 'url' must be"),
        ({"callback": {"url": "ftp://canary"}}, "callback: 'url' must be"),
        ({"telegram": "canary"}, "telegram: must hold keys and values"),
        ({"telegram": {}}, "telegram: 'access_token' is missing"),
    ],
)
def test_what_does_not_run_is_explained(credentials, says):
    with pytest.raises(CredentialsError, match=says) as caught:
        names(credentials)
    assert "canary" not in str(caught.value)


def test_every_fault_is_told_at_once():
    with pytest.raises(CredentialsError) as caught:
        names({"slack": {}, "callback": {}, "nope": {}})
    assert len(str(caught.value).splitlines()) == 3

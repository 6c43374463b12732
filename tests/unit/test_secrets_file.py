"""The admin token is made once, for its owner alone; secrets for other purposes follow from it."""

import stat

import pytest

from bot.secrets_file import admin_token, derived, given_secret


def test_a_token_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    state = tmp_path / "state"
    token, is_new = admin_token(state, {})
    assert is_new
    assert len(token) >= 32
    assert admin_token(state, {}) == (token, False)
    assert stat.S_IMODE((state / "token").stat().st_mode) == 0o600
    assert admin_token(tmp_path / "other", {})[0] != token


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("from-the-environment", "from-the-environment"),
        ("  padded \n", "padded"),
        ("", None),  # set to nothing is not set
        ("   ", None),
    ],
)
def test_the_environment_comes_first_and_leaves_no_file(tmp_path, given, used):
    token, is_new = admin_token(tmp_path, {"KEFU_TOKEN": given})
    assert is_new == (used is None)
    assert (tmp_path / "token").exists() == (used is None)
    assert used in (None, token)


def test_derived_secrets_differ_by_purpose_and_agree_between_replicas():
    assert derived("token", "guest") == derived("token", "guest")
    assert len({derived("token", "guest"), derived("token", "other"), derived("令牌", "guest")}) == 3
    assert len(derived("t", "guest")) == 32


def test_a_secret_comes_from_a_variable_or_from_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text(" from-file\n")
    assert given_secret("KEY", {}) is None
    assert given_secret("KEY", {"KEY": " given ", "KEY_FILE": str(file)}) == "given"
    assert given_secret("KEY", {"KEY": "", "KEY_FILE": str(file)}) == "from-file"
    file.write_text("\n")
    assert given_secret("KEY", {"KEY_FILE": str(file)}) is None
    with pytest.raises(FileNotFoundError):
        given_secret("KEY", {"KEY_FILE": str(tmp_path / "none")})

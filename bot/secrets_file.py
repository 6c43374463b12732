"""Secrets: the admin token, made once and kept in a file that only its owner can read, and those of others."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

TOKEN_VARIABLE = "KEFU_TOKEN"


def admin_token(state: Path, env: Mapping[str, str]) -> tuple[str, bool]:
    """The token, and whether it was made just now (and should be shown)."""
    if given := env.get(TOKEN_VARIABLE, "").strip():
        return given, False
    path = state / "token"
    if path.is_file():
        return path.read_text("ascii").strip(), False
    state.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(24)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token + "\n")
    return token, True


def given_secret(name: str, env: Mapping[str, str]) -> str | None:
    """A secret out of the variable ``name``, or out of the file that ``NAME_FILE`` names. Raises OSError for that."""
    if value := env.get(name, "").strip():
        return value
    path = env.get(f"{name}_FILE", "").strip()
    return Path(path).read_text("utf-8", errors="replace").strip() or None if path else None


def derived(token: str, purpose: str) -> bytes:
    """A secret of its own for one purpose; replicas with the same token agree on it."""
    return hmac.new(token.encode(), purpose.encode(), hashlib.sha256).digest()

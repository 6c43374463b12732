"""Who may read a conversation: the guest that holds the token signed for it. Nothing is stored for it."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass

_PURPOSE = b"kefu web guest 1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A conversation, the token that opens it, and whether the guest brought both along."""

    conversation_id: str
    token: str
    known: bool


def sign(secret: bytes, conversation_id: str) -> str:
    """The token of a conversation: HMAC-SHA256, base64url without padding."""
    digest = hmac.digest(secret, _PURPOSE + conversation_id.encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def admit(secret: bytes, conversation_id: str | None, token: str | None) -> Guest:
    """The guest's own conversation if the token fits it, else a new one (128 random bits)."""
    if conversation_id and token:
        expected = sign(secret, conversation_id)
        if hmac.compare_digest(expected.encode(), token.encode()):
            return Guest(conversation_id=conversation_id, token=expected, known=True)
    fresh = f"web-{secrets.token_hex(16)}"
    return Guest(conversation_id=fresh, token=sign(secret, fresh), known=False)

"""Checks JSON Web Tokens with one key and one algorithm, which the operator chooses and no token can. Issues none."""

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import jwt
from jwt.algorithms import get_default_algorithms
from jwt.warnings import InsecureKeyLengthWarning

from bot.dialogue.parse import Json
from bot.errors import CredentialsError

DEFAULT_METHOD = "HS256"
METHODS = tuple(sorted(get_default_algorithms().keys() - {"none"}))
MIN_SECRET_BYTES = 32
"""What RFC 7518, section 3.2 asks of a secret of HS256; shorter ones can be guessed from a single token."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtKey:
    """A shared secret (HS256, HS384, HS512) or a public key in PEM (all others) with the method it is for."""

    key: str = field(repr=False)
    method: str = DEFAULT_METHOD

    @classmethod
    def read(cls, key: str, method: str, *, name: str) -> "JwtKey":
        """Check both. Raises CredentialsError, which begins with ``name``, for what cannot check a token."""
        if method not in METHODS:
            raise CredentialsError(f"{name}: {method!r} is no method that can be trusted; use {', '.join(METHODS)}")
        if not key:
            raise CredentialsError(f"{name}: the key is empty")
        try:
            get_default_algorithms()[method].prepare_key(key)
        except (jwt.PyJWTError, ValueError, TypeError):
            wanted = "a secret that is no PEM key" if method.startswith("HS") else "a public key in PEM"
            raise CredentialsError(f"{name}: the key does not fit {method}, which needs {wanted}") from None
        if method.startswith("HS") and len(key.encode()) < MIN_SECRET_BYTES:
            log.warning("%s: the secret has under %d bytes and may be guessed from a token", name, MIN_SECRET_BYTES)
        return cls(key=key, method=method)

    def claims(self, token: str) -> Mapping[str, Json] | None:
        """What a token says; None if it is not signed with this key and method, or not valid now.

        PyJWT compares signatures in constant time; ``exp``, ``nbf`` and ``iat`` are checked where they are there.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InsecureKeyLengthWarning)  # the operator was told once
                claims: Mapping[str, Json] = jwt.decode(token, self.key, algorithms=[self.method])
        except (jwt.PyJWTError, ValueError, TypeError):
            return None
        return claims

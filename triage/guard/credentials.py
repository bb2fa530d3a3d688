"""Passwords and tokens: argon2id for what people type, 256 random bits for what machines carry."""

from __future__ import annotations

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# RFC 9106 second recommended option: 64 MiB, 3 passes, 4 lanes (the library's default).
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))


def hash_password(password: str) -> str:
    """Hash a password with argon2id for the account row."""
    return _HASHER.hash(password)


def verify_password(password_hash: str, password: str) -> bool:
    """Compare a password with its hash.

    An empty hash (no such account, or none set yet) is compared with a hash nobody knows, so that
    the answer takes as long as for a real account, and is False.
    """
    try:
        return _HASHER.verify(password_hash or _NOBODY, password) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


def new_token() -> tuple[str, str]:
    """Make a secret token.

    Returns
    -------
    token, digest : str
        The token is shown or set once; only the digest is kept.
    """
    token = secrets.token_urlsafe(32)
    return token, token_digest(token)


def token_digest(token: str) -> str:
    """SHA-256 (hex) of a token: what the database knows of it."""
    return hashlib.sha256(token.encode()).hexdigest()

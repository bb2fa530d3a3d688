"""Passwords and tokens."""

from __future__ import annotations

import hashlib

from triage.guard.credentials import hash_password, new_token, token_digest, verify_password


def test_password_is_kept_as_salted_argon2id() -> None:
    one, other = hash_password("long enough 1"), hash_password("long enough 1")
    assert one.startswith("$argon2id$") and one != other
    assert verify_password(one, "long enough 1")
    assert not verify_password(one, "long enough 2")


def test_no_password_matches_an_account_without_one() -> None:
    assert not verify_password("", "")
    assert not verify_password("", "anything")


def test_a_damaged_hash_is_no_crash_and_no_entry() -> None:
    assert not verify_password("$argon2id$broken", "x")
    assert not verify_password("plain", "plain")


def test_tokens_are_long_unlike_and_known_by_digest() -> None:
    made = [new_token() for _ in range(100)]
    assert len({token for token, _ in made}) == 100
    for token, digest in made:
        assert len(token) >= 43  # 256 bits in base64
        assert digest == token_digest(token) == hashlib.sha256(token.encode()).hexdigest()

"""Canonical JSON and digests: identity of inputs."""

from __future__ import annotations

from triage.core.work import Cause, Outcome, canonical_json, digest_of


def test_order_of_keys_and_spaces_do_not_change_a_digest() -> None:
    assert canonical_json({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}'
    assert digest_of({"b": 1, "a": 2}) == digest_of({"a": 2, "b": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})


def test_an_outcome_is_ok_only_without_a_cause() -> None:
    assert Outcome(facts={"x": 1}).ok
    assert not Outcome(cause=Cause.TIMEOUT).ok

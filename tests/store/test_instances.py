"""The identity of a set of instances: spelled out once, so that no change of it goes unseen."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import pytest

from triage.store.instances import digest_of_instances


class One(NamedTuple):
    series_uid: str
    sop_uid: str
    digest: str


A, B = One("1.2", "1.2.1", "aa"), One("1.2", "1.2.2", "bb")


def test_what_it_is_made_of() -> None:
    assert (
        digest_of_instances([A, B]) == hashlib.sha256(b"1.2 1.2.1 aa\n1.2 1.2.2 bb\n").hexdigest()
    )
    assert digest_of_instances([]) == hashlib.sha256(b"").hexdigest()


def test_the_order_does_not_matter() -> None:
    assert digest_of_instances([B, A]) == digest_of_instances([A, B])


@pytest.mark.parametrize(
    "other",
    [
        [A],
        [A, B, B._replace(sop_uid="1.2.3")],
        [A, B._replace(digest="cc")],
        [A, B._replace(sop_uid="1.2.3")],
        [A, B._replace(series_uid="1.3")],
        # Two instances that swapped their content are other instances.
        [A._replace(digest="bb"), B._replace(digest="aa")],
    ],
    ids=["fewer", "more", "content", "instance", "series", "swapped"],
)
def test_another_set_is_another_digest(other: list[One]) -> None:
    assert digest_of_instances(other) != digest_of_instances([A, B])

"""The identity of a set of instances.

One definition for the door, which tells it, and for the tools, which check that nothing came since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol


class HasContent(Protocol):
    """An instance with the SHA-256 of its file."""

    @property
    def series_uid(self) -> str:
        """The series it belongs to."""
        ...

    @property
    def sop_uid(self) -> str:
        """Its own UID."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of its file."""
        ...


def digest_of_instances(instances: Iterable[HasContent]) -> str:
    """SHA-256 (hex) over series, UID and content of each instance, whatever order they come in."""
    whole = hashlib.sha256()
    for line in sorted(f"{one.series_uid} {one.sop_uid} {one.digest}\n" for one in instances):
        whole.update(line.encode("ascii"))
    return whole.hexdigest()

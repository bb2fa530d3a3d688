"""The error tree: every error says what helps, and its codes are stable and unique."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from triage import errors
from triage.errors import Remedy, TriageError


def every(kind: type[TriageError]) -> Iterator[type[TriageError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from every(child)


ALL = [k for k in every(TriageError) if k.__module__ == "triage.errors"]


@pytest.mark.parametrize("kind", ALL, ids=lambda k: k.__name__)
def test_each_stands_in_the_drawn_tree(kind: type[TriageError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.remedy in Remedy
    assert 400 <= kind.http_status < 600
    assert kind.dimse_status == 0x0122 or kind.dimse_status >= 0xA700


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in ALL]
    assert len(codes) == len(set(codes))


def test_a_finer_code_can_be_given() -> None:
    assert errors.CannotUnderstand("x", code="no_pixel_spacing").detail_code == "no_pixel_spacing"
    assert errors.CannotUnderstand("x").detail_code == "cannot_understand"

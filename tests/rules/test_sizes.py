"""Sizes: means, ties, contradictions between the measures of one size."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.builders import mm, mm3
from triage.rules.inputs import ComponentSize, Size
from triage.rules.result import Refusal
from triage.rules.sizes import Point, is_zero, larger, measure


def size(**measures: Any) -> Size:
    """A typed size."""
    return Size.model_validate(measures)


MEANS = [
    # long, short, Lung-RADS mean, exact mean, tie
    ("6.0", "6.0", "6.0", "6.00", False),
    ("6.0", "5.9", "6.0", "5.95", True),
    ("5.94", "5.94", "5.9", "5.94", False),
    ("5.95", "5.95", "6.0", "5.95", False),
    ("6.14", "5.85", "6.0", "5.995", False),
    ("15.0", "14.9", "15.0", "14.95", True),
    ("12", "9", "10.5", "10.5", False),
]


@pytest.mark.parametrize(("long", "short", "shown", "exact", "tie"), MEANS)
def test_mean_of_the_axes(long: str, short: str, shown: str, exact: str, tie: bool) -> None:
    measured = measure(size(long=mm(long), short=mm(short)), "size")
    assert (measured.mean_mm, measured.exact_mean_mm) == (Decimal(shown), Decimal(exact))
    assert measured.tie is tie


def test_volume_is_rounded_to_whole_mm3() -> None:
    measured = measure(size(volume=mm3("112.5")), "size")
    assert measured.volume_mm3 == Decimal(113)
    assert measured.exact_volume_mm3 == Decimal("112.5")
    assert measured.points == (Point(Decimal(113), "mm3"),)


REFUSED = [
    ({}, "missing", "f"),
    ({"long": mm(6)}, "missing", "f.short"),
    ({"short": mm(6)}, "missing", "f.long"),
    ({"long": mm(6), "volume": mm3(100)}, "missing", "f.short"),
    ({"long": mm(5), "short": mm(6)}, "short_axis_longer", "f.short"),
    ({"long": mm(8), "short": mm(6), "mean": mm("7.2")}, "mean_contradicts_axes", "f.mean"),
    ({"at_most_3_mm": True, "volume": mm3(9)}, "size_contradicts", "f.at_most_3_mm"),
    ({"at_most_3_mm": False}, "missing", "f"),
]


@pytest.mark.parametrize(("measures", "code", "field"), REFUSED)
def test_sizes_that_contradict_themselves(measures: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Refusal) as caught:
        measure(size(**measures), "f")
    assert (caught.value.reason.code, caught.value.reason.field) == (code, field)


@given(st.decimals("1", "300", places=2), st.decimals("1", "300", places=2))
def test_the_mean_lies_between_the_axes(a: Decimal, b: Decimal) -> None:
    short, long = sorted((a, b))
    measured = measure(size(long=mm(str(long)), short=mm(str(short))), "f")
    assert measured.mean_mm is not None
    assert short - Decimal("0.05") <= measured.mean_mm <= long + Decimal("0.05")


def test_a_part_is_compared_in_every_measure_both_have() -> None:
    whole = measure(size(long=mm(9), short=mm(5)), "f")
    long_part = ComponentSize.model_validate({"long": mm(10), "short": mm(1)})
    assert larger(measure(long_part, "f"), whole)
    volume = ComponentSize.model_validate({"volume": mm3(9000)})
    assert not larger(measure(volume, "f"), whole)


def test_zero_component() -> None:
    assert is_zero(ComponentSize.model_validate({"mean": mm(0)}))
    assert not is_zero(ComponentSize.model_validate({"long": mm(1), "short": mm(0)}))
    assert not is_zero(ComponentSize.model_validate({}))

"""Intervals: a literal table; wider for thick slices and unknown types, nothing beyond it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from triage.core.finding import Measurement, Solidity
from triage.detect.interval import SIZES_MM, SLICES_MM, SPREADS, spread_of, with_intervals

AXIS = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0))
SIZE = Measurement(8.0, 7.0, AXIS, AXIS, volume_mm3=220.0)


def test_the_table_is_whole() -> None:
    assert SPREADS.keys() == {(mm, solid) for mm in SLICES_MM for solid in (True, False)}
    assert all(len(row) == len(SIZES_MM) for row in SPREADS.values())
    assert all(s.length_mm > 0.5 and s.volume_factor > 1.05 for r in SPREADS.values() for s in r)


@pytest.mark.parametrize("solid", [True, False])
@pytest.mark.parametrize("column", range(len(SIZES_MM)))
def test_thick_slices_are_never_surer(column: int, solid: bool) -> None:
    thin, thick = (SPREADS[mm, solid][column] for mm in SLICES_MM)
    assert thick.length_mm >= thin.length_mm and thick.volume_factor >= thin.volume_factor


@pytest.mark.parametrize("slice_mm", [0.6, 1.0, 1.25, 2.0, 2.5, 3.0])
def test_every_size_has_an_interval_around_it(slice_mm: float) -> None:
    found = with_intervals(SIZE, Solidity.SOLID, slice_mm)
    assert found.long_interval_mm is not None and found.volume_interval_mm3 is not None
    assert found.long_interval_mm[0] < 8.0 < found.long_interval_mm[1]
    low, high = found.volume_interval_mm3
    assert low < 220.0 < high and low * high == pytest.approx(220.0**2, rel=0.02)
    assert replace(SIZE, long_interval_mm=found.long_interval_mm,
                   short_interval_mm=found.short_interval_mm,
                   volume_interval_mm3=found.volume_interval_mm3) == found  # fmt: skip


def test_slices_thicker_than_any_measured_say_nothing() -> None:
    assert with_intervals(SIZE, Solidity.SOLID, 5.0) == SIZE


def test_without_a_volume_there_is_no_interval_of_it() -> None:
    found = with_intervals(replace(SIZE, volume_mm3=None), Solidity.SOLID, 1.0)
    assert found.volume_interval_mm3 is None and found.long_interval_mm is not None


def test_a_length_is_never_below_zero() -> None:
    tiny = Measurement(2.0, 2.0, AXIS, AXIS, volume_mm3=4.0)
    found = with_intervals(tiny, None, 2.5)
    assert found.short_interval_mm is not None and found.short_interval_mm[0] >= 0.0


@pytest.mark.parametrize("slice_mm", [1.0, 2.5])
@pytest.mark.parametrize("equivalent_mm", [4.0, 7.0, 12.0, 25.0])
def test_an_unknown_type_gets_the_wider(equivalent_mm: float, slice_mm: float) -> None:
    unknown, *known = (
        spread_of(equivalent_mm, kind, slice_mm)
        for kind in (None, Solidity.SOLID, Solidity.GROUND_GLASS, Solidity.PART_SOLID)
    )
    assert unknown is not None
    for one in known:
        assert one is not None
        assert one.length_mm <= unknown.length_mm and one.volume_factor <= unknown.volume_factor

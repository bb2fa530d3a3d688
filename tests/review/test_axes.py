"""Lengths come from the end points; nonsense is refused by field name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.core.volume import axial_affine
from triage.review.axes import Grid, length_mm, mean_mm, measured, to_tenth

GRID = Grid((40, 64, 64), axial_affine((-64.0, -48.0, -300.0), (2.5, 1.5, 1.5)))
LONG, SHORT = "long_axis_lps_mm", "short_axis_lps_mm"


def cross(
    long_mm: float, short_mm: float, *, turn: float = 0.0, skew: float = 0.0, z: float = -250.0
) -> dict[str, Any]:
    """Two axes through the middle of the ball, in the axial plane, in degrees."""

    def axis(length: float, degrees: float) -> list[list[float]]:
        x, y = (length / 2 * f(math.radians(degrees)) for f in (math.cos, math.sin))
        return [[-16.0 - x, -y, z], [-16.0 + x, y, z]]

    return {LONG: axis(long_mm, turn), SHORT: axis(short_mm, turn + 90.0 + skew)}


@given(st.floats(1.0, 30.0), st.floats(0.2, 1.0), st.floats(0.0, 360.0), st.floats(-4.5, 4.5))
def test_lengths_are_recomputed_whatever_the_direction(
    long_mm: float, ratio: float, turn: float, skew: float
) -> None:
    sent = cross(long_mm, long_mm * ratio, turn=turn, skew=skew)
    values, problems = measured(sent, GRID)
    assert problems == {}
    assert values["long_mm"] == pytest.approx(long_mm, abs=0.051)
    assert values["short_mm"] == pytest.approx(long_mm * ratio, abs=0.051)
    assert values["short_mm"] <= values["long_mm"]


@given(st.floats(2.0, 30.0), st.floats(2.0, 30.0))
def test_axes_sent_the_wrong_way_round_are_swapped(a: float, b: float) -> None:
    values, problems = measured(cross(a, b), GRID)
    assert problems == {}
    assert length_mm(values[LONG]) >= length_mm(values[SHORT])
    assert values["long_mm"] == pytest.approx(max(a, b), abs=0.051)


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        ({LONG: cross(9, 6)[LONG]}, SHORT, "both axes"),
        ({SHORT: cross(9, 6)[SHORT]}, LONG, "both axes"),
        (cross(9, 0.05), SHORT, "between 0.1 and 300"),
        (cross(301, 6), LONG, "between 0.1 and 300"),
        (cross(12, 6, z=-400.0), LONG, "outside the volume"),
        (cross(12, 6, z=-198.0), LONG, "outside the volume"),
        (cross(200, 6), LONG, "outside the volume"),
        (cross(20, 10, skew=8.0), SHORT, "perpendicular"),
        (cross(20, 10, skew=-30.0), SHORT, "perpendicular"),
        ({LONG: cross(12, 6)[LONG], SHORT: cross(12, 6, z=-240.0)[SHORT]}, SHORT, "one image"),
        (
            {LONG: cross(12, 6)[LONG], SHORT: [[10.0, -3.0, -250.0], [10.0, 3.0, -250.0]]},
            SHORT,
            "same nodule",
        ),
        (cross(12.0, 6.0) | {"long_mm": 14.2}, "long_mm", "12.0 mm apart"),
        (cross(12.0, 6.0) | {"short_mm": 5.8}, "short_mm", "6.0 mm apart"),
    ],
)
def test_nonsense_is_refused_by_name(sent: dict[str, Any], field: str, words: str) -> None:
    _, problems = measured(sent, GRID)
    assert field in problems and words in problems[field], problems


def test_a_length_that_agrees_may_be_sent_along() -> None:
    values, problems = measured(cross(12.04, 6.0) | {"long_mm": 12.0}, GRID)
    assert problems == {} and values["long_mm"] == 12.0


def test_axes_may_lie_in_any_plane_of_the_volume() -> None:
    coronal = {
        LONG: [[-16.0, 0.0, -256.0], [-16.0, 0.0, -244.0]],
        SHORT: [[-20.0, 0.0, -250.0], [-12.0, 0.0, -250.0]],
    }
    values, problems = measured(coronal, GRID)
    assert problems == {} and (values["long_mm"], values["short_mm"]) == (12.0, 8.0)


def test_very_short_axes_are_not_refused_for_rounded_ends() -> None:
    # 0.2 mm off at the end of a 2 mm axis is 6 degrees, yet less than a hand can do better.
    sent = {
        LONG: [[-18.0, 0.0, -250.0], [-14.0, 0.0, -250.0]],
        SHORT: [[-16.1, -1.0, -250.0], [-15.9, 1.0, -250.0]],
    }
    assert measured(sent, GRID)[1] == {}


def test_without_a_volume_nothing_can_be_drawn() -> None:
    assert "no volume" in measured(cross(12, 6), None)[1][LONG]


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(5.95, 6.0), (5.94, 5.9), (14.95, 15.0), (2.25, 2.3), (0.05, 0.1), (10.0, 10.0)],
)
def test_tenths_round_half_up_in_decimal(value: float, rounded: float) -> None:
    assert to_tenth(value) == rounded


@pytest.mark.parametrize(
    ("long_mm", "short_mm", "mean"),
    [(14.2, 11.0, 12.6), (6.0, 5.9, 6.0), (8.1, 8.0, 8.1), (None, 5.0, None), (5.0, None, None)],
)
def test_mean_is_half_up_or_not_known(
    long_mm: float | None, short_mm: float | None, mean: float | None
) -> None:
    assert mean_mm(long_mm, short_mm) == mean


def test_grid_agrees_with_the_volume_it_stands_for() -> None:
    from triage.core.volume import Volume

    volume = Volume(np.zeros(GRID.shape_zyx, np.int16), GRID.affine)
    points = [[-16.0, 0.0, -250.0], [-64.0, -48.0, -300.0]]
    assert np.allclose(GRID.to_zyx(points), volume.to_zyx(points))
    assert GRID.slice_of([-16.0, 0.0, -250.0]) == 20
    assert GRID.slice_of([0.0, 0.0, 1000.0]) == 39
    assert GRID.holds([-64.7, -48.7, -301.2]) and not GRID.holds([-64.8, -48.0, -300.0])

"""Strokes: partial volume is volume, joints do not grow, edges of the grid do not matter."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from triage.phantom.grid import Float32, Grid
from triage.phantom.strokes import Strokes, bent, draw

GRID = Grid((40, 60, 60), (1.25, 0.7, 0.7), (-21.0, -21.0, -25.0))
GROUND, VALUE = -900.0, 50.0


def _strokes(*rows: tuple[npt.ArrayLike, npt.ArrayLike, float, float]) -> Strokes:
    start, end, r0, r1 = (np.array(c, float) for c in zip(*rows, strict=True))
    return Strokes(start, end, r0, r1)


def _drawn(strokes: Strokes, value: float = VALUE) -> Float32:
    hu = np.full(GRID.shape_zyx, GROUND, np.float32)
    draw(hu, GRID, strokes, value, GROUND)
    return hu


def _volume_mm3(hu: Float32) -> float:
    share = (hu - GROUND) / (VALUE - GROUND)
    return float(share.sum() * np.prod(GRID.spacing_zyx_mm))


@pytest.mark.parametrize("radius", [0.45, 0.8, 1.5, 3.0])
@pytest.mark.parametrize("way", [(1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.6, 0.5, 0.62)])
def test_a_stroke_fills_its_own_volume(radius: float, way: tuple[float, ...]) -> None:
    along = np.array(way) / np.linalg.norm(way) * 24
    shifts = np.random.default_rng(0).uniform(-0.7, 0.7, (12, 3))  # off the voxel centres
    lines = [(s - along / 2, s + along / 2, radius, radius) for s in shifts]
    filled = np.mean([_volume_mm3(_drawn(_strokes(line))) for line in lines])
    expected = np.pi * radius**2 * 24 + 4 / 3 * np.pi * radius**3
    assert filled == pytest.approx(expected, rel=0.1)


def test_a_taper_lies_between_its_ends() -> None:
    ends = ((-12.0, 0.0, 0.0), (12.0, 0.0, 0.0))
    thick, taper, thin = (
        _volume_mm3(_drawn(_strokes((*ends, a, b)))) for a, b in ((2, 2), (2, 1), (1, 1))
    )
    assert thin < taper < thick


def test_a_joint_is_as_thick_as_one_stroke() -> None:
    whole = _drawn(_strokes(((-10.0, 0, 0), (10.0, 0, 0), 1.5, 1.5)))
    halves = _drawn(
        _strokes(((-10.0, 0, 0), (0.0, 0, 0), 1.5, 1.5), ((0.0, 0, 0), (10.0, 0, 0), 1.5, 1.5))
    )
    assert np.abs(whole - halves).max() < 0.5


def test_brighter_never_darkens_and_darker_never_brightens() -> None:
    hu = np.full(GRID.shape_zyx, 300.0, np.float32)
    line = _strokes(((-10.0, 0, 0), (10.0, 0, 0), 2.0, 2.0))
    draw(hu, GRID, line, VALUE, GROUND)
    assert (hu == 300).all()
    draw(hu, GRID, line, -985.0, 10.0)
    assert hu.min() == pytest.approx(-985)
    assert hu.max() == 300


@pytest.mark.parametrize(
    "ends",
    [
        ((-60.0, 0, 0), (60.0, 0, 0)),  # through
        ((500.0, 0, 0), (510.0, 0, 0)),  # beside
        ((0.0, 0, -26.0), (0.0, 0, -24.0)),  # half out at the first slice
        ((0.0, 0, 0), (0.0, 0, 0)),  # a point
        ((0.0, 0, -90.0), (0.0, 0, -80.0)),  # below
    ],
)
def test_strokes_past_the_grid_are_cut(ends: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    hu = _drawn(_strokes((*ends, 1.5, 1.5)))
    assert np.isfinite(hu).all()
    assert (hu[:, :, :20] != GROUND).any() == (ends[0][0] == -60.0)
    assert (hu != GROUND).any() == (ends[0][0] != 500.0 and ends[0][2] != -90.0)


def test_many_strokes_are_the_brightest_of_each() -> None:
    rng = np.random.default_rng(1)
    start = rng.uniform(-15, 15, (300, 3))
    many = Strokes(
        start,
        start + rng.uniform(-4, 4, start.shape),
        rng.uniform(0.3, 2, 300),
        rng.uniform(0.3, 2, 300),
    )
    one_by_one = np.full(GRID.shape_zyx, GROUND, np.float32)
    for i in range(len(many)):
        draw(one_by_one, GRID, many.chosen(np.array([i])), VALUE, GROUND)
    assert np.abs(_drawn(many) - one_by_one).max() < 1e-2


def test_bent_branches_start_and_end_where_told_and_leave_along_their_heading() -> None:
    start, end = np.zeros((1, 3)), np.array([[20.0, 10.0, 0.0]])
    pieces = bent(start, end, np.array([[1.0, 0.0, 0.0]]), (np.ones(1) * 2, np.ones(1)), 3.0)
    assert len(pieces) > 5
    assert pieces.start[0] == pytest.approx(start[0])
    assert pieces.end[-1] == pytest.approx(end[0])
    assert pieces.end[:-1] == pytest.approx(pieces.start[1:])
    first = pieces.end[0] - pieces.start[0]
    assert first[0] / np.linalg.norm(first) > 0.97
    assert (np.diff(pieces.start_radius) < 0).all()


def test_choosing_joining_and_scaling() -> None:
    a = _strokes(((0, 0, 0), (1, 0, 0), 1, 1), ((0, 0, 0), (2, 0, 0), 3, 2))
    assert len(a.thicker_than(2.0)) == 1
    assert len(Strokes.joined([a, a])) == 4
    assert len(Strokes.joined([])) == 0
    assert a.with_radius(2.0, 0.5).end_radius == pytest.approx([2.5, 4.5])

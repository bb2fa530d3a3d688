"""Shapes: distances are distances, edges share voxels, turns keep lengths."""

from __future__ import annotations

import numpy as np
import pytest

from triage.phantom.grid import Float32, Grid
from triage.phantom.shapes import around, ellipsoid, lay, tube, turned

GRID = Grid((50, 60, 70), (1.0, 0.8, 0.7), (-24.0, -24.0, -25.0))
WHOLE = (slice(None),) * 3


def _radius(center: tuple[float, float, float]) -> Float32:
    z, y, x = GRID.axes_mm()
    away: Float32 = np.sqrt((x - center[0]) ** 2 + (y - center[1]) ** 2 + (z - center[2]) ** 2)
    return away


def test_an_ellipsoid_of_equal_axes_is_a_ball() -> None:
    ball = ellipsoid(GRID, WHOLE, (1, 2, 3), (10, 10, 10), np.eye(3))
    assert np.abs(ball - (_radius((1, 2, 3)) - 10)).max() < 1e-2


@pytest.mark.parametrize(("about", "degrees"), [("x", 30), ("y", -50), ("z", 77)])
def test_a_turned_ellipsoid_keeps_its_volume(about: str, degrees: float) -> None:
    turn = turned(about, degrees)
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-12)
    straight, bent = (
        (ellipsoid(GRID, WHOLE, (0, 0, 0), (14, 9, 6), t) < 0).sum() for t in (np.eye(3), turn)
    )
    assert bent == pytest.approx(straight, rel=0.02)


def test_turns_about_z_move_the_long_axis_in_the_axial_plane() -> None:
    turn = turned("z", 90)
    shape = ellipsoid(GRID, WHOLE, (0, 0, 0), (16, 5, 5), turn) < 0
    z, y, x = (np.ptp(i) for i in np.nonzero(shape))
    assert y * 0.8 > 2.5 * x * 0.7
    assert z < y


def test_a_straight_tube_is_a_capsule() -> None:
    box, distance = tube(GRID, [(-8, 0, 0), (8, 0, 0)], [4, 4], 6)
    z, y, x = GRID.axes_mm(box)
    expected = np.sqrt(np.maximum(np.abs(x) - 8, 0) ** 2 + y**2 + z**2) - 4
    near = expected < 5
    assert np.abs(distance - expected)[near].max() < 1e-3


def test_a_bent_tube_is_the_nearest_of_its_pieces() -> None:
    points, radii = [(-10, -5, 0), (0, 5, 2), (10, -5, 4)], [3, 2, 4]
    box, distance = tube(GRID, points, radii, 5)
    for i in (0, 1):
        piece_box, piece = tube(GRID, points[i : i + 2], radii[i : i + 2], 5)
        apart = [
            slice(p.start - b.start, p.stop - b.start) for p, b in zip(piece_box, box, strict=True)
        ]
        near = piece < 3
        assert (distance[tuple(apart)][near] <= piece[near] + 1e-4).all()


def test_a_flat_tube_is_wider_one_way() -> None:
    up = np.array([[0.0, 0.0, 1.0]])
    _, distance = tube(GRID, [(-8, 0, 0), (8, 0, 0)], [3, 3], 6, (up, 2.0))
    z, y, _ = (np.ptp(i) for i in np.nonzero(distance < 0))
    assert z * 1.0 == pytest.approx(11, abs=1.1)  # from the first voxel centre to the last
    assert y * 0.8 == pytest.approx(5.2, abs=0.9)


def test_a_tube_beside_the_grid_is_empty() -> None:
    box, distance = tube(GRID, [(900, 0, 0), (910, 0, 0)], [3, 3], 2)
    assert distance.size == 0
    lay(np.zeros(GRID.shape_zyx, np.float32), box, distance, 50.0, 0.8)


def test_laying_fills_the_volume_and_shares_the_edge() -> None:
    hu = np.full(GRID.shape_zyx, -100.0, np.float32)
    ball = ellipsoid(GRID, WHOLE, (0.3, -0.2, 0.1), (9, 9, 9), np.eye(3))
    lay(hu, WHOLE, ball, 40.0, 0.8)
    volume_mm3 = ((hu + 100) / 140).sum() * np.prod(GRID.spacing_zyx_mm)
    assert volume_mm3 == pytest.approx(4 / 3 * np.pi * 9**3, rel=0.01)
    assert ((hu > -99) & (hu < 39)).any()
    assert (hu[ball < -1] == 40).all()
    assert (hu[ball > 1] == -100).all()


def test_around_is_a_box_with_a_margin() -> None:
    low, high = around(np.array([[0.0, 1, 2], [-4, 5, 2]]), 3)
    assert low == pytest.approx([-7, -2, -1])
    assert high == pytest.approx([3, 8, 5])

"""Coarse fields: where they lie, and that planes read out of them are what the field says."""

from __future__ import annotations

import numpy as np
import pytest

from triage.phantom.grid import (
    Float32,
    Grid,
    Planes,
    as_distance,
    blend_max,
    blend_min,
    inside,
    sample,
    texture,
)

FINE = Grid((12, 40, 50), (1.25, 0.7, 0.8), (-20.0, -14.0, 3.0))


def _row(*values: float) -> Float32:
    return np.array(values, np.float32)


def test_axes_are_voxel_centres_in_mm() -> None:
    z, y, x = FINE.axes_mm()
    assert (z.shape, y.shape, x.shape) == ((12, 1, 1), (1, 40, 1), (1, 1, 50))
    assert z[0, 0, 0] == 3.0
    assert y[0, -1, 0] == pytest.approx(-14 + 39 * 0.7, abs=1e-5)
    assert x[0, 0, 1] == pytest.approx(-19.2, abs=1e-5)


def test_index_is_the_inverse_of_the_axes() -> None:
    assert FINE.index_zyx((-20.0 + 0.8 * 7, -14 + 0.7 * 5, 3 + 1.25 * 2)) == pytest.approx(
        [2, 5, 7]
    )


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ((-20, -14, 3), (-19.4, -14, 3), (slice(0, 1), slice(0, 1), slice(0, 2))),
        ((-99, -99, -99), (99, 99, 99), (slice(0, 12), slice(0, 40), slice(0, 50))),
        ((200, 200, 200), (300, 300, 300), (slice(12, 12), slice(40, 40), slice(50, 50))),
        ((-90, -90, -90), (-80, -80, -80), (slice(0, 0), slice(0, 0), slice(0, 0))),
    ],
)
def test_box_is_cut_to_the_grid(
    low: tuple[float, ...], high: tuple[float, ...], expected: tuple[slice, ...]
) -> None:
    assert FINE.box(low, high) == expected


def test_coarser_covers_the_fine_grid_and_is_never_finer() -> None:
    coarse = FINE.coarser(2.5)
    assert coarse.spacing_zyx_mm == (2.5, 2.5, 2.5)
    for fine_axis, coarse_axis in zip(FINE.axes_mm(), coarse.axes_mm(), strict=True):
        assert coarse_axis.min() < fine_axis.min() - 2.5
        assert coarse_axis.max() > fine_axis.max() + 2.5
    assert FINE.coarser(0.1, margin=0).spacing_zyx_mm == FINE.spacing_zyx_mm


def test_planes_read_a_smooth_field_exactly() -> None:
    coarse = FINE.coarser(2.5)
    planes = Planes.between(coarse, FINE)
    z, y, x = coarse.axes_mm()
    field = (2 * x - 3 * y + 0.5 * z).astype(np.float32)
    fz, fy, fx = FINE.axes_mm()
    for k in (0, 5, 11):
        expected = 2 * fx[0] - 3 * fy[0] + 0.5 * fz[k, 0, 0]
        assert planes.read(field, k) == pytest.approx(expected, abs=1e-3)


def test_sample_agrees_with_the_field() -> None:
    z, y, x = FINE.axes_mm()
    field = (x + 10 * y + 100 * z).astype(np.float32)
    points = np.array([[-5.3, 2.2, 7.1], [3.0, -4.0, 10.0]])
    expected = points @ [1, 10, 100]
    assert sample(field, FINE, points) == pytest.approx(expected, rel=1e-4)
    assert sample(field, FINE, points[0]).shape == ()


def test_as_distance_of_a_ball() -> None:
    grid = Grid((41, 41, 41), (1.0, 1.0, 1.0), (-20.0, -20.0, -20.0))
    z, y, x = grid.axes_mm()
    distance = as_distance(x * x + y * y + z * z - 12.0**2, grid)
    radius = np.sqrt(x * x + y * y + z * z)
    near = np.abs(radius - 12) < 2
    assert np.abs(distance - (radius - 12))[near].max() < 0.25
    assert distance.min() >= -40


def test_blends_round_edges_and_leave_the_rest() -> None:
    a, b = _row(-5.0, -1.0, 3.0), _row(5.0, -1.0, -9.0)
    assert blend_max(a, b, 4.0) == pytest.approx([5.0, 0.0, 3.0])
    assert blend_min(a, b, 4.0) == pytest.approx([-5.0, -2.0, -9.0])


def test_inside_is_half_on_the_surface() -> None:
    share = inside(_row(-1.0, -0.25, 0.0, 0.25, 1.0), 1.0)
    assert share == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0])


def test_texture_is_standardised_and_correlated() -> None:
    grain = texture(np.random.default_rng(0), Grid((40, 60, 60), (1, 1, 1), (0, 0, 0)), 6.0)
    assert float(grain.std()) == pytest.approx(1, abs=1e-3)
    neighbours = np.corrcoef(grain[:, :, 1:].ravel(), grain[:, :, :-1].ravel())[0, 1]
    far = np.corrcoef(grain[:, :, 20:].ravel(), grain[:, :, :-20].ravel())[0, 1]
    assert neighbours > 0.9
    assert abs(far) < 0.1

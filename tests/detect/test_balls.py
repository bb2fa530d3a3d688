"""Ball-shaped growth against the distance transform of the whole array."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from triage.detect import balls
from triage.detect.balls import BoolArray, Float64Array

# name: shape, spacing mm, radius mm
GRIDS = {
    "3 mm and a radius that ends on a voxel": ((30, 28, 33), (3.0, 3.0, 3.0), 12.0),
    "fine in the plane": ((12, 40, 37), (2.5, 0.7, 0.6), 5.1),
    "wider than the array": ((5, 4, 3), (1.0, 1.0, 1.0), 9.0),
    "one slice": ((1, 20, 20), (3.0, 1.0, 1.0), 2.0),
    "less than a voxel": ((6, 6, 6), (2.0, 2.0, 2.0), 1.0),
}


def spots(shape: tuple[int, ...], share: float, seed: int) -> BoolArray:
    mask: BoolArray = np.random.default_rng(seed).random(shape) < share
    mask[0, 0, 0], mask[-1, -1, -1] = True, False
    return mask


def to_mask(mask: BoolArray, spacing_mm: Float64Array) -> Float64Array:
    away: Float64Array = ndimage.distance_transform_edt(~mask, sampling=spacing_mm)
    return away


@pytest.mark.parametrize("share", [0.001, 0.03, 0.4])
@pytest.mark.parametrize("name", GRIDS)
def test_growth_and_distance_are_those_of_the_distance_transform(name: str, share: float) -> None:
    shape, spacing, radius = GRIDS[name]
    spacing_mm, mask = np.array(spacing), spots(shape, share, 3)
    away = to_mask(mask, spacing_mm)
    assert np.array_equal(balls.dilate(mask, radius, spacing_mm), away <= radius)
    near = balls.distance(mask, spacing_mm, radius)
    assert near.dtype == np.float32
    assert near == pytest.approx(np.minimum(away, radius), abs=1e-5)


@pytest.mark.parametrize("share", [0.001, 0.03, 0.4])
@pytest.mark.parametrize("name", GRIDS)
def test_closing_is_growth_and_shrinking(name: str, share: float) -> None:
    shape, spacing, radius = GRIDS[name]
    spacing_mm, mask = np.array(spacing), spots(shape, share, 4)
    grown = to_mask(mask, spacing_mm) <= radius
    closed = np.ones_like(mask) if grown.all() else to_mask(~grown, spacing_mm) > radius
    assert np.array_equal(balls.close(mask, radius, spacing_mm), closed)
    assert (closed >= mask).all()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_holes_are_those_that_scipy_fills(share: float) -> None:
    mask = spots((14, 15, 16), share, 6)
    assert np.array_equal(balls.fill(mask), ndimage.binary_fill_holes(mask))


def test_a_hole_is_filled_and_a_bay_is_not() -> None:
    mask = np.zeros((7, 7, 7), dtype=bool)
    mask[1:6, 1:6, 1:6] = True
    mask[3, 3, 3] = mask[3, 3, 4:] = False
    assert not balls.fill(mask)[3, 3, 3]
    mask[3, 3, 5] = True
    assert balls.fill(mask)[3, 3, 3]


def test_nothing_grows_from_nothing() -> None:
    nothing, spacing_mm = np.zeros((4, 5, 6), dtype=bool), np.ones(3)
    assert not balls.dilate(nothing, 3.0, spacing_mm).any()
    assert not balls.close(nothing, 3.0, spacing_mm).any()
    assert (balls.distance(nothing, spacing_mm, 3.0) == 3.0).all()


@settings(max_examples=40, deadline=None)
@given(
    spacing=st.tuples(*[st.floats(0.4, 5.0)] * 3),
    radius=st.floats(0.3, 8.0),
    at=st.tuples(st.integers(0, 8), st.integers(0, 9), st.integers(0, 10)),
)
def test_one_voxel_grows_to_a_ball(
    spacing: tuple[float, float, float], radius: float, at: tuple[int, int, int]
) -> None:
    mask, spacing_mm = np.zeros((9, 10, 11), dtype=bool), np.array(spacing)
    mask[at] = True
    z, y, x = (
        (places - place) * mm
        for places, place, mm in zip(np.indices(mask.shape), at, spacing, strict=True)
    )
    away = np.sqrt(z**2 + y**2 + x**2)
    assert np.array_equal(balls.dilate(mask, radius, spacing_mm), away <= radius)

"""Voxels and millimetres: the one conversion, and what a Volume refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.core.volume import Volume, axial_affine

AFFINE = axial_affine((-166.0, -171.7, -340.0), (2.5, 0.703125, 0.703125))
VOLUME = Volume(np.zeros((4, 5, 6), np.int16), AFFINE)


def test_voxel_zero_is_the_origin_and_axes_are_z_y_x() -> None:
    assert VOLUME.to_lps_mm((0, 0, 0)) == pytest.approx([-166.0, -171.7, -340.0])
    assert VOLUME.to_lps_mm((1, 2, 3)) == pytest.approx(
        [-166.0 + 3 * 0.703125, -171.7 + 2 * 0.703125, -337.5]
    )
    assert VOLUME.spacing_zyx_mm == pytest.approx((2.5, 0.703125, 0.703125))


@given(st.lists(st.floats(-500, 500), min_size=3, max_size=3))
def test_there_and_back_is_the_same_point(point: list[float]) -> None:
    assert VOLUME.to_lps_mm(VOLUME.to_zyx(point)) == pytest.approx(point, abs=1e-6)


def test_many_points_at_once() -> None:
    points = np.array([[0, 0, 0], [1, 1, 1]])
    assert VOLUME.to_lps_mm(points).shape == (2, 3)


def test_a_crop_keeps_every_voxel_where_it_was() -> None:
    hu = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    crop = Volume(hu, AFFINE).crop((1, 2, 3), (3, 5, 6))
    assert crop.shape_zyx == (2, 3, 3)
    assert crop.hu[0, 0, 0] == hu[1, 2, 3]
    assert crop.to_lps_mm((0, 0, 0)) == pytest.approx(VOLUME.to_lps_mm((1, 2, 3)))


BAD = [
    (np.zeros((4, 5), np.int16), AFFINE),
    (np.zeros((4, 5, 6), np.float32), AFFINE),
    (np.zeros((4, 5, 6), np.int16), np.eye(3)),
    (np.zeros((4, 5, 6), np.int16), np.full((4, 4), np.nan)),
    (np.zeros((4, 5, 6), np.int16), np.zeros((4, 4))),
]


@pytest.mark.parametrize(("hu", "affine"), BAD)
def test_what_is_no_volume_is_refused(hu: np.ndarray, affine: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"int16|affine"):
        Volume(hu, affine)

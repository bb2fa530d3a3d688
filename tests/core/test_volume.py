"""The one conversion between voxels and patient millimetres."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.core.volume import Float64Array, Volume, axial_affine

SPACING = (2.5, 0.7, 0.6)
ORIGIN = (-180.0, -170.0, -300.0)


@pytest.fixture
def volume() -> Volume:
    hu = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    return Volume(hu, axial_affine(ORIGIN, SPACING))


def test_axes_are_z_y_x_in_the_array_and_x_y_z_in_the_patient(volume: Volume) -> None:
    assert volume.shape_zyx == (4, 5, 6)
    assert volume.spacing_zyx_mm == pytest.approx(SPACING)
    assert volume.to_lps_mm((0, 0, 0)) == pytest.approx(ORIGIN)
    assert volume.to_lps_mm((1, 0, 0)) == pytest.approx((-180.0, -170.0, -297.5))
    assert volume.to_lps_mm((0, 1, 0)) == pytest.approx((-180.0, -169.3, -300.0))
    assert volume.to_lps_mm((0, 0, 1)) == pytest.approx((-179.4, -170.0, -300.0))


coordinate = st.floats(-500, 500, allow_nan=False)


@given(st.tuples(coordinate, coordinate, coordinate), st.floats(-0.5, 0.5))
def test_there_and_back_is_the_same_place(point: tuple[float, float, float], shear: float) -> None:
    affine = axial_affine(ORIGIN, SPACING)
    affine[1, 0] = shear  # a tilted gantry
    volume = Volume(np.zeros((2, 2, 2), np.int16), affine)
    assert volume.to_lps_mm(volume.to_zyx(point)) == pytest.approx(point, abs=1e-6)


def test_many_points_at_once_keep_their_shape(volume: Volume) -> None:
    points = np.zeros((7, 2, 3))
    assert volume.to_lps_mm(points).shape == (7, 2, 3)
    assert volume.to_zyx(points).shape == (7, 2, 3)


def test_a_crop_keeps_every_voxel_where_it_was(volume: Volume) -> None:
    part = volume.crop((1, 2, 3), (4, 5, 6))
    assert part.hu[0, 0, 0] == volume.hu[1, 2, 3]
    assert part.shape_zyx == (3, 3, 3)
    assert part.to_lps_mm((1, 1, 1)) == pytest.approx(volume.to_lps_mm((2, 3, 4)))
    assert np.shares_memory(part.hu, volume.hu)


def singular() -> Float64Array:
    affine = axial_affine(ORIGIN, SPACING)
    affine[:3, 0] = 0
    return affine


GOOD = np.zeros((2, 2, 2), np.int16)
BAD = {
    "float voxels": (GOOD.astype(float), axial_affine(ORIGIN, SPACING), "int16"),
    "one picture": (GOOD[0], axial_affine(ORIGIN, SPACING), "int16"),
    "small affine": (GOOD, np.eye(3), "4 x 4"),
    "nan affine": (GOOD, np.full((4, 4), np.nan), "finite"),
    "no way back": (GOOD, singular(), "invertible"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_volume_is_refused(kind: str) -> None:
    hu, affine, says = BAD[kind]
    with pytest.raises(ValueError, match=says):
        Volume(hu, affine)

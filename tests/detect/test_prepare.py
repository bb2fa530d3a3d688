"""Lung found or refused, cut with exact coordinates, and the facts about its ends."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.chest import LEFT, ORIGIN_LPS_MM, RIGHT, SPACING_ZYX_MM, Ball, Chest
from triage.core.volume import Volume, axial_affine
from triage.detect.lungs import RIM_MM, end_area_mm2
from triage.detect.prepare import normalise, prepare
from triage.errors import GeometryRefused

ROOM_AIR = -1000.0


def lps(zyx_mm: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """A place of the drawn chest (mm from the first voxel) in LPS."""
    z, y, x = zyx_mm
    place: npt.NDArray[np.float64] = np.array(ORIGIN_LPS_MM) + np.array([x, y, z])
    return place


def lung_at(chest: Chest, zyx_mm: tuple[float, float, float]) -> bool:
    """Whether the place lies in lung or rim of the prepared chest."""
    ready = prepare(chest.volume())
    index = tuple(np.rint(ready.to_zyx(lps(zyx_mm))).astype(int))
    return bool(ready.lung[index])


# -- no lung: refused, never "nothing found" -----------------------------------------------------

NO_LUNG = {
    "all air": Chest(balls=(), body_hu=ROOM_AIR),
    "all tissue": Chest(balls=(), room_hu=40.0),
    "outside the scan circle": Chest(balls=(), room_hu=-1024.0, body_hu=-1024.0),
    "a body without lungs": Chest(balls=()),
    "bowel gas": Chest(balls=(Ball((90.0, 120.0, 150.0), (30.0, 30.0, 30.0), -1005.0),)),
    "a pocket too small": Chest(balls=(Ball((90.0, 120.0, 150.0), (15.0, 15.0, 15.0), -850.0),)),
    "a table top beside the body": Chest(
        balls=(Ball((90.0, 238.0, 150.0), (500.0, 6.0, 120.0), -850.0),)
    ),
}


@pytest.mark.parametrize("name", NO_LUNG)
def test_without_lung_the_series_is_refused(name: str) -> None:
    with pytest.raises(GeometryRefused) as refused:
        prepare(NO_LUNG[name].volume())
    assert refused.value.detail_code == "no_lung_found"
    assert "no lung" in refused.value.message


def test_a_single_slice_does_not_pass_for_a_chest() -> None:
    with pytest.raises(GeometryRefused):
        prepare(Chest(cut=slice(20, 21)).volume())


# -- lung found, and what its ends say -----------------------------------------------------------

WINDPIPE = Ball((140.0, 70.0, 150.0), (90.0, 8.0, 8.0), -1000.0)
COLLAPSED = Ball((90.0, 120.0, 85.0), (26.0, 26.0, 22.0), -600.0)

# name: chest, touches first, last, side
ENDS = {
    "both lungs inside": (Chest(), False, False, False),
    "first slices missing": (Chest(cut=slice(20, 72)), True, False, False),
    "last slices missing": (Chest(cut=slice(0, 50)), False, True, False),
    "both ends missing": (Chest(cut=slice(20, 50)), True, True, False),
    "windpipe on the last slice": (Chest(balls=(LEFT, RIGHT, WINDPIPE)), False, False, False),
    "one lung collapsed": (Chest(balls=(COLLAPSED, RIGHT)), False, False, False),
    "outside set to tissue": (Chest(room_hu=40.0), False, False, False),
    "lung wider than the picture": (
        Chest(balls=(LEFT, Ball((90.0, 120.0, 265.0), (70.0, 65.0, 45.0), -850.0)), room_hu=40.0),
        False,
        False,
        True,
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_ends_of_the_lung_are_reported(name: str) -> None:
    chest, first, last, side = ENDS[name]
    report = prepare(chest.volume()).report
    assert report.found
    assert (report.touches_first, report.touches_last, report.touches_side) == (first, last, side)
    assert (report.end_area_mm2[0] >= 100.0, report.end_area_mm2[1] >= 100.0) == (first, last)
    assert report.covered_fraction == (None if first or last or side else 1.0)


def test_volume_of_the_lung_is_that_of_the_drawn_one() -> None:
    report = prepare(Chest().volume()).report
    drawn_ml = 2 * 4 / 3 * np.pi * 70 * 65 * 45 / 1e3
    assert report.volume_ml == pytest.approx(drawn_ml, rel=0.05)


def test_a_lung_open_to_the_room_in_one_slice_is_still_found() -> None:
    volume = Chest().volume()
    volume.hu[30, 75:85, :] = -1000
    ready = prepare(volume)
    assert ready.report.volume_ml == pytest.approx(1716, rel=0.1)


# End slice as 2 mm pixels: value inside a disc of this radius (pixels), area that counts.
END_SLICES = {
    "lung apex": (8, -820, True),
    "small windpipe": (5, -990, False),
    "large empty lung": (20, -960, True),
}


@pytest.mark.parametrize("name", END_SLICES)
def test_the_windpipe_is_told_from_lung(name: str) -> None:
    radius, hu, counts = END_SLICES[name]
    y, x = np.mgrid[-30:31, -30:31]
    disc = y**2 + x**2 <= radius**2
    plane = np.where(disc, hu, 40).astype(np.int16)
    area = end_area_mm2(plane, disc, 4.0)
    assert area == (pytest.approx(disc.sum() * 4.0) if counts else 0.0)


# -- where a finding may lie ---------------------------------------------------------------------

PLEURAL = Ball((90.0, 120.0, 250.0), (12.0, 12.0, 12.0), 40.0)
VESSEL = Ball((90.0, 120.0, 85.0), (60.0, 4.0, 4.0), 60.0)

ON_PLEURA = Chest(balls=(LEFT, RIGHT, PLEURAL))

PLACES = {
    "aerated lung": (Chest(), (90.0, 120.0, 85.0), True),
    "a vessel inside": (Chest(balls=(LEFT, RIGHT, VESSEL)), (90.0, 120.0, 85.0), True),
    "a 24 mm nodule on the pleura": (ON_PLEURA, (90.0, 120.0, 250.0), True),
    "the rim": (Chest(), (90.0, 120.0, 40.0 - RIM_MM + 2.5), True),
    "the chest wall": (Chest(), (90.0, 120.0, 24.0), False),
    "between the lungs": (Chest(), (90.0, 120.0, 150.0), False),
}


@pytest.mark.parametrize("name", PLACES)
def test_where_findings_may_lie(name: str) -> None:
    chest, place, inside = PLACES[name]
    assert lung_at(chest, place) is inside


# -- the grid ------------------------------------------------------------------------------------


def oblique() -> npt.NDArray[np.float64]:
    """An affine whose axes are turned against the patient's."""
    a, b = 0.3, 0.2
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = about_x @ about_z @ axial_affine((0, 0, 0), SPACING_ZYX_MM)[:3, :3]
    affine[:3, 3] = ORIGIN_LPS_MM
    return affine


def linear_chest(affine: npt.NDArray[np.float64]) -> tuple[Volume, npt.NDArray[np.float64]]:
    """A chest whose lungs hold a value that is linear in LPS: every voxel tells where it is."""
    volume = Chest().volume(affine)
    slope = np.array([0.9, -1.1, 0.7])
    index = np.stack(np.meshgrid(*[np.arange(n) for n in volume.shape_zyx], indexing="ij"), -1)
    ramp = -750.0 + (volume.to_lps_mm(index) - affine[:3, 3] - 100.0) @ slope
    hu = np.where(volume.hu < -500, np.rint(ramp), volume.hu).astype(np.int16)
    return Volume(hu, affine), slope


@pytest.mark.parametrize("affine", [axial_affine(ORIGIN_LPS_MM, SPACING_ZYX_MM), oblique()])
def test_a_known_world_point_survives_to_a_hundredth_of_a_millimetre(
    affine: npt.NDArray[np.float64],
) -> None:
    volume, slope = linear_chest(affine)
    ready = prepare(volume)
    center = lps(LEFT.center_mm) if affine[0, 1] == 0 else volume.to_lps_mm((36, 80, 56.7))
    around = (
        np.rint(ready.to_zyx(center)).astype(int)
        + np.mgrid[-12:13, -12:13, -12:13].reshape(3, -1).T
    )
    hu = ready.tensor[0, 0][tuple(around.T)].astype(np.float64) * 1400.0 - 1000.0
    expected = -750.0 + (ready.to_lps_mm(around) - affine[:3, 3] - 100.0) @ slope
    # Mean error along the steepest direction, in mm: rounding of single voxels averages out.
    error_mm = np.abs(np.mean(hu - expected)) / np.linalg.norm(slope)
    assert error_mm < 0.01


def test_mm_and_voxels_of_the_grid_are_inverse() -> None:
    ready = prepare(Chest().volume(oblique()))
    points = np.array([[0.0, 0.0, 0.0], [10.5, 33.25, 71.0]])
    assert np.allclose(ready.to_zyx(ready.to_lps_mm(points)), points, atol=1e-9)
    assert np.allclose(np.linalg.norm(ready.affine[:3, :3], axis=0), 1.0)


@settings(max_examples=8, deadline=None)
@given(dz=st.floats(0.8, 5.0), dxy=st.floats(0.6, 2.0), cut=st.integers(0, 10))
def test_every_side_is_a_multiple_of_eight_and_holds_all_lung(
    dz: float, dxy: float, cut: int
) -> None:
    drawn = Chest(cut=slice(cut, None)).volume()
    volume = Volume(drawn.hu, axial_affine(ORIGIN_LPS_MM, (dz, dxy, dxy)))
    ready = prepare(volume)
    assert ready.tensor.dtype == np.float32
    assert ready.tensor.shape[:2] == (1, 1)
    assert ready.tensor.shape[2:] == ready.lung.shape
    assert not any(n % 8 for n in ready.lung.shape)
    assert 0.0 <= float(ready.tensor.min()) <= float(ready.tensor.max()) <= 1.0
    inside = np.argwhere((volume.hu > -900) & (volume.hu < -800))[::97]
    at = np.rint(ready.to_zyx(volume.to_lps_mm(inside))).astype(int)
    assert (at >= 0).all()
    assert (at < ready.lung.shape).all()
    assert ready.lung[tuple(at.T)].mean() > 0.99


NORMALISED = {-2048: 0.0, -1000: 0.0, -300: 0.5, 400: 1.0, 3000: 1.0}


@pytest.mark.parametrize("hu", NORMALISED)
def test_hounsfield_units_are_mapped_to_zero_and_one(hu: int) -> None:
    assert normalise(np.array([float(hu)]))[0] == pytest.approx(NORMALISED[hu])


def test_preparing_twice_gives_the_same_bytes() -> None:
    first, second = prepare(Chest().volume()), prepare(Chest().volume())
    assert first.tensor.tobytes() == second.tensor.tobytes()
    assert first.lung.tobytes() == second.lung.tobytes()

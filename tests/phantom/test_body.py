"""The body around the lungs, before the scanner: layers in order, bones, organs in the fat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import ndimage

from triage.phantom.bones import RIBS, VERTEBRA_MM, paint_bones
from triage.phantom.build import Build, build
from triage.phantom.grid import Float32, Grid, Planes
from triage.phantom.mediastinum import (
    BLOOD_HU,
    CHAMBERS,
    VESSELS,
    bodies,
    middle_distance,
    paint_mediastinum,
)
from triage.phantom.thorax import Thorax, thorax
from triage.phantom.tissue import AIR_HU, compose, fill_lungs, soft


@dataclass(frozen=True)
class Laid:
    """A body without vessels in its lungs, and the fields it came from."""

    grid: Grid
    body: Build
    chest: Thorax
    hu: Float32

    def along(self, start: tuple[float, float, float], end: tuple[float, float, float]) -> Float32:
        """HU along a line, a sample each 0.5 mm."""
        far = float(np.linalg.norm(np.subtract(end, start)))
        t = np.linspace(0, 1, int(far * 2))[:, None]
        points = np.array(start) * (1 - t) + np.array(end) * t
        index = self.grid.index_zyx(points).T
        line: Float32 = ndimage.map_coordinates(self.hu, index, order=1)
        return line


@pytest.fixture(scope="module")
def laid() -> Laid:
    rng = np.random.default_rng(1)
    grid = Grid((150, 256, 256), (2.0, 1.4, 1.4), (-178.5, -178.5, -180.0))
    coarse = grid.coarser(3.0)
    body = build(rng)
    chest = thorax(coarse, body, middle_distance(coarse, body), rng)
    hu = np.empty(grid.shape_zyx, np.float32)
    planes = Planes.between(coarse, grid)
    compose(hu, grid, planes, chest, soft(body, chest, rng))
    paint_mediastinum(hu, grid, body, 1.4)
    paint_bones(hu, grid, body, rng)
    fill_lungs(hu, grid, planes, chest, base_hu=-890.0, rng=rng)
    return Laid(grid, body, chest, hu)


def test_from_outside_in_air_skin_fat_muscle_lung(laid: Laid) -> None:
    line = laid.along((-178.0, 5.0, -62.0), (-60.0, 5.0, -62.0))
    first = {
        "air": int(np.argmax(line < AIR_HU + 60)),
        "fat": int(np.argmax((line > -130) & (line < -70))),
        "muscle": len(line) - 1 - int(np.argmax(((line > 30) & (line < 80))[::-1])),
        "lung": len(line) - 1 - int(np.argmax((line > -700)[::-1])),
    }
    assert first["air"] < first["fat"] < first["muscle"] <= first["lung"]
    assert line[-1] == pytest.approx(-890, abs=60)


def test_air_is_air_and_no_voxel_is_beyond_bone(laid: Laid) -> None:
    assert laid.hu.min() > -1005
    assert laid.hu.max() < 1500
    assert laid.hu[:, 0].max() < -950


@pytest.mark.parametrize("side", [-1, 1])
def test_ribs_are_many_and_apart(laid: Laid, side: int) -> None:
    """In a coronal cut through the middle each rib is an island of bone in the lateral wall."""
    z, y, _ = (round(float(c)) for c in laid.grid.index_zyx((0, 5.0, 50.0)))
    outer = np.sign(laid.grid.axes_mm()[2][0, 0]) == side
    outer &= np.abs(laid.grid.axes_mm()[2][0, 0]) > 90
    islands, count = ndimage.label(laid.hu[:z, y][:, outer] > 300)
    assert 6 <= count <= 14
    assert np.bincount(islands.ravel())[1:].max() < 90
    assert len(RIBS) == 12


def test_no_bone_in_the_lung(laid: Laid) -> None:
    planes = Planes.between(laid.chest.grid, laid.grid)
    for k in range(0, laid.grid.shape_zyx[0], 10):
        deep = planes.read(laid.chest.lung, k) < -2
        assert (laid.hu[k][deep] < -300).all()


def test_vertebrae_repeat_with_discs_between(laid: Laid) -> None:
    y = float(laid.body.spine(0.0)[1])
    x = float(laid.body.spine(0.0)[0])
    line = laid.along((x, y, -80.0), (x, y, 40.0))
    plates = ndimage.label(line > 230)[1]
    assert plates >= 2 * int(120 / VERTEBRA_MM) - 2
    assert 60 < np.median(line) < 260


def test_the_canal_is_soft(laid: Laid) -> None:
    for z in (-120.0, -60.0, 0.0, 60.0):
        x, y = (float(c) for c in laid.body.spine(z))
        line = laid.along((x, y + 22.5, z - 1), (x, y + 22.5, z + 1))
        assert line.max() < 80


def test_every_organ_lies_where_its_table_says(laid: Laid) -> None:
    seen = {name: distance for name, _, distance in bodies(laid.grid, laid.body, 4.0)}
    assert seen.keys() == {*VESSELS, *CHAMBERS}
    for name, distance in seen.items():
        assert distance.min() < -2, name


def test_the_aorta_comes_down_left_of_the_spine_in_soft_tissue(laid: Laid) -> None:
    for x, y, z, _ in VESSELS["ascending aorta and arch"][7:11]:
        value = laid.along((x - 3, y, z), (x + 3, y, z))
        assert x > float(laid.body.spine(z)[0]) + 10
        assert value.mean() == pytest.approx(BLOOD_HU, abs=12)


def test_the_heart_lies_to_the_left(laid: Laid) -> None:
    cell = laid.grid.axes_mm()[2]
    distance = middle_distance(laid.grid, laid.body)
    k = round(float(laid.grid.index_zyx((0, 0, -80))[0]))
    heart = distance[k] < 0
    assert float(np.broadcast_to(cell[0], heart.shape)[heart].mean()) > 8


def test_fissures_are_thin_and_denser_than_lung(laid: Laid) -> None:
    planes = Planes.between(laid.chest.grid, laid.grid)
    k = round(float(laid.grid.index_zyx((0, 0, -30))[0]))
    lung = planes.read(laid.chest.lung, k) < -6
    oblique = np.abs(planes.read(laid.chest.oblique, k))
    on, off = laid.hu[k][lung & (oblique < 0.6)], laid.hu[k][lung & (oblique > 8)]
    assert on.mean() > off.mean() + 40
    assert on.mean() < -600


def test_liver_under_the_right_dome_and_lung_above_it(laid: Laid) -> None:
    line = laid.along((-66.0, -14.0, -150.0), (-66.0, -14.0, -40.0))
    assert line[:40].mean() == pytest.approx(56, abs=12)
    assert line[-40:].mean() == pytest.approx(-890, abs=70)
    edge = -150 + 0.5 * int(np.argmax(line < -400))
    assert edge == pytest.approx(laid.body.dome_right_mm, abs=12)

"""Lobes and what grows in them: five lobes, filled to the pleura, thickest at the hilum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.spatial import KDTree

from triage.phantom.airways import LUMEN_HU, WALL_HU, Vessels, grow_lungs, paint_vessels
from triage.phantom.build import LUNG_BOTTOM_MM, LUNG_TOP_MM, build
from triage.phantom.grid import Float64, Grid, sample
from triage.phantom.mediastinum import middle_distance
from triage.phantom.thorax import LOBES, Thorax, thorax

HILA_MM = np.array([[-42.0, 5, -25], [45.0, 10, -25]])


@dataclass(frozen=True)
class Inside:
    """A chest's fields and its trees."""

    grid: Grid
    chest: Thorax
    vessels: Vessels

    def points_mm(self, deeper_than_mm: float) -> Float64:
        """Coarse voxels in the lung, at least so deep."""
        z, y, x = np.nonzero(self.chest.lung < -deeper_than_mm)
        grid = self.chest.grid
        zyx = grid.origin_zyx_mm + np.stack([z, y, x], 1) * np.array(grid.spacing_zyx_mm)
        points: Float64 = zyx[:, ::-1]
        return points


@pytest.fixture(scope="module")
def lungs() -> Inside:
    rng = np.random.default_rng(2)
    grid = Grid((80, 128, 128), (3.8, 2.8, 2.8), (-177.8, -177.8, -180.0))
    coarse = grid.coarser(4.0)
    body = build(rng)
    chest = thorax(coarse, body, middle_distance(coarse, body), rng)
    return Inside(grid, chest, grow_lungs(chest, rng, terminal_mm=11.0, step_mm=4.0))


def test_there_are_five_lobes_of_likely_size(lungs: Inside) -> None:
    lobes = lungs.chest.lobe()
    share = {n: (lobes == i).sum() / (lobes >= 0).sum() for i, n in enumerate(LOBES)}
    assert set(np.unique(lobes)) == {-1, 0, 1, 2, 3, 4}
    assert all(0.05 < s < 0.4 for s in share.values()), share
    assert min(share, key=lambda n: share[n]) == "right middle"


def test_lobes_are_in_order(lungs: Inside) -> None:
    z, y, x = lungs.chest.grid.axes_mm()
    lobes = lungs.chest.lobe()
    middle = {
        name: [float(np.broadcast_to(c, lobes.shape)[lobes == i].mean()) for c in (x, y, z)]
        for i, name in enumerate(LOBES)
    }
    assert middle["right upper"][0] < 0 < middle["left upper"][0]  # LPS: the patient's right is -x
    for side in ("right", "left"):
        assert middle[f"{side} upper"][2] > middle[f"{side} lower"][2]
        assert middle[f"{side} lower"][1] > middle[f"{side} upper"][1]  # lower lobes lie behind
    assert middle["right middle"][1] < middle["right lower"][1]
    assert middle["right middle"][2] < middle["right upper"][2]


def test_lungs_keep_off_the_heart_and_within_their_heights(lungs: Inside) -> None:
    points = lungs.points_mm(0.0)
    assert points[:, 2].min() >= LUNG_BOTTOM_MM
    assert points[:, 2].max() <= LUNG_TOP_MM
    heart = np.linalg.norm((points - [20, -35, -75]) / [35, 25, 25], axis=1)
    assert heart.min() > 1


def test_vessels_fill_the_lung_to_the_pleura(lungs: Inside) -> None:
    away, _ = KDTree(lungs.vessels.blood.end).query(lungs.points_mm(3.0))
    assert np.quantile(away, 0.95) < 9
    depth = -sample(lungs.chest.lung, lungs.chest.grid, lungs.vessels.blood.end)
    assert (depth < 8).mean() > 0.1


def test_vessels_stay_in_the_lung_and_its_rim(lungs: Inside) -> None:
    for strokes in (lungs.vessels.blood, lungs.vessels.lumen):
        assert sample(lungs.chest.lung, lungs.chest.grid, strokes.end).max() < 2.5


def test_vessels_are_thickest_near_the_hilum(lungs: Inside) -> None:
    blood = lungs.vessels.blood
    away = np.linalg.norm(blood.end[:, None] - HILA_MM, axis=2).min(1)
    near, far = blood.end_radius[away < 30], blood.end_radius[away > 80]
    assert np.quantile(near, 0.95) > 2 * np.quantile(far, 0.95)
    assert far.max() < near.max() / 2
    assert blood.end_radius.min() < 0.6


def test_airways_have_walls_around_air(lungs: Inside) -> None:
    hu = np.full(lungs.grid.shape_zyx, -880.0, np.float32)
    paint_vessels(hu, lungs.grid, lungs.vessels, -880.0)
    k = round(float(lungs.grid.index_zyx((0, 6, 50))[0]))
    across = hu[k, round(float(lungs.grid.index_zyx((0, 6, 50))[1]))]
    middle = len(across) // 2
    assert across[middle] == pytest.approx(LUMEN_HU, abs=20)
    assert across[middle - 6 : middle + 7].max() > WALL_HU - 600
    assert 3 < len(lungs.vessels.lumen) < len(lungs.vessels.blood)

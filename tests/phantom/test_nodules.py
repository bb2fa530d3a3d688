"""Nodules: truth is what was drawn, apart from each other, in the lung, as dense as they say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.phantom.measures import value_at, voxel_mm3
from triage.core.finding import Solidity
from triage.phantom.chest import PARENCHYMA_HU, PhantomChest, make_chest
from triage.phantom.nodules import LARGEST_MM, SMALLEST_MM


@pytest.fixture(scope="module")
def many() -> PhantomChest:
    """As many nodules as a stranger may ask for."""
    return make_chest(9, nodules=12, slices=96, matrix=192)


@pytest.fixture(scope="module")
def many_bare() -> PhantomChest:
    """The same chest without them."""
    return make_chest(9, nodules=0, slices=96, matrix=192)


def test_all_are_there_in_three_densities_and_three_places(many: PhantomChest) -> None:
    assert len(many.nodules) == 12
    assert {n.solidity for n in many.nodules} == set(Solidity)
    assert {n.place for n in many.nodules} == {"parenchymal", "juxtavascular", "subpleural"}


def test_sizes_hang_together(many: PhantomChest) -> None:
    for nodule in many.nodules:
        assert SMALLEST_MM * 0.85 < nodule.diameter_mm < LARGEST_MM * 1.05
        assert nodule.short_mm <= nodule.long_mm
        assert 0.75 < nodule.long_mm / nodule.diameter_mm < 1.7
        if nodule.solidity is Solidity.PART_SOLID:
            assert nodule.solid_diameter_mm is not None
            assert 0.2 < nodule.solid_diameter_mm / nodule.diameter_mm < 0.75
        else:
            assert nodule.solid_diameter_mm is None


def test_none_touch(many: PhantomChest) -> None:
    for a, b in itertools.combinations(many.nodules, 2):
        apart = np.linalg.norm(np.subtract(a.center_lps_mm, b.center_lps_mm))
        assert apart > (a.long_mm + b.long_mm) / 2


def test_without_nodules_it_is_the_same_chest(many: PhantomChest, many_bare: PhantomChest) -> None:
    changed = np.argwhere(many.volume.hu != many_bare.volume.hu)
    points = many.volume.to_lps_mm(changed)
    away = np.min(
        [
            np.linalg.norm(points - n.center_lps_mm, axis=1) / (n.long_mm / 2 + 6)
            for n in many.nodules
        ],
        axis=0,
    )
    assert len(changed) > 1000
    assert away.max() < 1.6


def test_a_nodule_adds_what_its_volume_says(many: PhantomChest, many_bare: PhantomChest) -> None:
    added = many.volume.hu.astype(float) - many_bare.volume.hu
    grids = np.ogrid[tuple(slice(0, n) for n in many.volume.shape_zyx)]
    solid = [n for n in many.nodules if n.solidity is Solidity.SOLID and n.diameter_mm > 5]
    assert len(solid) >= 3
    for nodule in solid:
        at = many.volume.to_zyx(nodule.center_lps_mm)
        away = sum(
            ((g - c) * s) ** 2
            for g, c, s in zip(grids, at, many.volume.spacing_zyx_mm, strict=True)
        )
        ball = np.asarray(away) < (nodule.long_mm / 2 + 5) ** 2
        volume_mm3 = added[ball].sum() / (40 - PARENCHYMA_HU - 30) * voxel_mm3(many.volume)
        diameter_mm = (6 * volume_mm3 / np.pi) ** (1 / 3)
        assert diameter_mm == pytest.approx(nodule.diameter_mm, rel=0.1)


def test_the_truth_points_at_the_middle_of_what_was_added(
    many: PhantomChest, many_bare: PhantomChest
) -> None:
    added = many.volume.hu.astype(float) - many_bare.volume.hu
    index = np.stack(np.meshgrid(*map(np.arange, added.shape), indexing="ij"), -1)
    points = many.volume.to_lps_mm(index)
    free = [n for n in many.nodules if n.place == "parenchymal"]
    assert len(free) >= 3
    for nodule in free:
        away = np.linalg.norm(points - np.array(nodule.center_lps_mm), axis=-1)
        inside = away < nodule.long_mm / 2 + 4
        weight = np.clip(added[inside], 0, None)
        middle = (points[inside] * weight[:, None]).sum(axis=0) / weight.sum()
        # Half a voxel of this coarse scan, and no more.
        assert np.abs(middle - nodule.center_lps_mm).max() < max(many.volume.spacing_zyx_mm) / 2


EXPECTED_HU = {
    Solidity.SOLID: (-60, 90),
    Solidity.GROUND_GLASS: (-700, -450),
    Solidity.PART_SOLID: (-700, 60),
}


def test_density_is_what_the_truth_says(many: PhantomChest) -> None:
    for nodule in many.nodules:
        if nodule.diameter_mm < 7:
            continue  # partial volume reaches the middle
        low, high = EXPECTED_HU[nodule.solidity]
        assert low < value_at(many.volume, nodule.center_lps_mm, 1.5) < high


def test_part_solid_has_a_core_and_a_halo(many: PhantomChest) -> None:
    part_solid = [n for n in many.nodules if n.solidity is Solidity.PART_SOLID]
    assert part_solid
    for nodule in part_solid:
        z, y, x = (round(c) for c in many.volume.to_zyx(nodule.center_lps_mm))
        r = round(nodule.diameter_mm / 2 / many.volume.spacing_zyx_mm[1])
        near = many.volume.hu[z - 2 : z + 3, y - r : y + r + 1, x - r : x + r + 1]
        assert near.max() > -150
        assert ((near > -700) & (near < -450)).mean() > 0.1


def test_subpleural_ones_touch_the_wall_and_others_do_not(many: PhantomChest) -> None:
    for nodule in many.nodules:
        z, y, x = (round(c) for c in many.volume.to_zyx(nodule.center_lps_mm))
        r = round((nodule.long_mm / 2 + 3) / many.volume.spacing_zyx_mm[1])
        around = many.volume.hu[z, y - r : y + r + 1, x - r : x + r + 1]
        wall = (around[[0, -1]] > -150).mean() + (around[:, [0, -1]] > -150).mean()
        if nodule.place == "subpleural":
            assert wall > 0.1

"""Nodules laid into lung: where they land, what they cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tests.learn.material import cube
from triage.learn import paste


def test_a_donor_knows_its_size_and_centre() -> None:
    donor = paste.make_donor(cube(diameter=12.0), 1.0)
    # Outlines are loose by 1.2 in volume, so the taught diameter is smaller by its cube root.
    assert donor.diameter_mm == pytest.approx(12.0 / 1.2 ** (1 / 3), rel=0.05)
    assert donor.center_zyx == pytest.approx((25, 25, 25), abs=0.1)


@pytest.mark.parametrize("scale", [0.4, 0.7, 1.2])
def test_scaling_scales_size_and_centre(scale: float) -> None:
    whole, scaled = paste.make_donor(cube(), 1.0), paste.make_donor(cube(), scale)
    assert scaled.diameter_mm == pytest.approx(whole.diameter_mm * scale, rel=1e-6)
    assert scaled.values.shape[0] == pytest.approx(51 * scale, abs=1)
    center = ndimage.center_of_mass(scaled.values > 0.5)
    assert scaled.center_zyx == pytest.approx(center, abs=0.5)


def test_donor_sizes_stay_between_the_smallest_and_the_largest() -> None:
    cubes = [cube(diameter=6.0), cube(diameter=30.0)]
    sizes = [d.diameter_mm for d in paste.make_donors(cubes, np.random.default_rng(0))]
    assert len(sizes) == 2 * paste.VERSIONS
    assert min(sizes) >= paste.SMALLEST_MM - 1e-6
    assert max(sizes) <= paste.LARGEST_MM + 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_a_turned_donor_still_has_its_nodule_at_its_centre(seed: int) -> None:
    off_centre = cube(diameter=8.0)
    off_centre.mask[:] = np.roll(off_centre.mask, (6, -4, 3), (0, 1, 2))
    turned = paste.turn(paste.make_donor(off_centre, 1.0), np.random.default_rng(seed))
    assert turned.center_zyx == pytest.approx(ndimage.center_of_mass(turned.alpha), abs=0.05)


CORNERS = [(0, 0, 0), (-5, 3, 12), (12, -9, 15), (-30, 0, 0), (15, 15, 15)]


@pytest.mark.parametrize("start", CORNERS)
def test_pieces_that_stick_out_are_cut_where_they_meet(start: tuple[int, int, int]) -> None:
    patch = np.zeros((16, 16, 16), np.float32)
    piece = np.arange(10**3, dtype=np.float32).reshape(10, 10, 10) + 1
    paste.blend(patch, piece, np.ones_like(piece), start)
    expected = np.zeros_like(patch)
    for at in np.ndindex(10, 10, 10):
        to = tuple(a + s for a, s in zip(at, start, strict=True))
        if all(0 <= t < 16 for t in to):
            expected[to] = piece[at]
    assert np.array_equal(patch, expected)


def test_a_brighter_blend_never_darkens() -> None:
    rng = np.random.default_rng(2)
    patch = rng.random((16, 16, 16), dtype=np.float32)
    before = patch.copy()
    alpha = paste.ball(1.5)
    paste.blend_brighter(patch, np.full(alpha.shape, 0.4, np.float32), alpha, (4, 4, 4))
    assert (patch >= before).all()
    assert (patch > before).any()


def test_share_of_parenchyma_counts_wall_and_outside_as_none() -> None:
    lung = np.full((32, 32, 32), 0.1, np.float32)
    alpha = paste.ball(4.0)
    assert paste.parenchyma_share(lung, alpha, (10, 10, 10)) == 1.0
    lung[:, :, 16:] = 0.74
    half = paste.parenchyma_share(lung, alpha, (10, 10, 10))
    assert 0.4 < half < 0.6
    assert paste.parenchyma_share(lung, alpha, (-6, 10, 0)) < 0.7


def test_a_feather_is_whole_inside_and_thin_at_the_faces() -> None:
    weight = paste.feather((20, 24, 28))
    assert weight.shape == (20, 24, 28)
    assert weight[10, 12, 14] == 1.0
    assert weight[0].max() == pytest.approx(1 / paste.FEATHER_VOXELS)

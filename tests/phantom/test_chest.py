"""A chest: covered, the size of a chest, lung like lung, noise like noise, and the same again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tests.phantom.measures import lung_air, value_at, voxel_mm3
from triage.phantom.chest import PhantomChest, make_chest, sampling

BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"seed": -1}, "no chest"),
    ({"slices": 4}, "no chest"),
    ({"slices": 0}, "no chest"),
    ({"matrix": 32}, "no chest"),
    ({"matrix": 129}, "no chest"),
    ({"nodules": -1}, "no chest"),
    ({"nodules": 400}, "no room for 400 nodules"),
    ({"cut_top_mm": 150.0, "cut_bottom_mm": 120.0}, "leave no chest"),
    ({"cut_top_mm": -5.0}, "negative"),
]


@pytest.mark.parametrize(("change", "message"), BAD_INPUT)
def test_what_makes_no_chest_is_refused(change: dict[str, Any], message: str) -> None:
    wished: dict[str, Any] = {"seed": 1, "nodules": 0, "slices": 12, "matrix": 64, **change}
    with pytest.raises(ValueError, match=message):
        make_chest(**wished)


def test_the_same_seed_makes_the_same_chest_and_another_seed_another() -> None:
    first, again, other = (make_chest(s, 2, 24, matrix=64) for s in (11, 11, 12))
    assert np.array_equal(first.volume.hu, again.volume.hu)
    assert first.nodules == again.nodules
    assert not np.array_equal(first.volume.hu, other.volume.hu)
    assert first.nodules != other.nodules


def test_every_process_makes_the_same_chest() -> None:
    """The seed alone decides: not the order in which this process hashes, nor its threads."""
    code = (
        "import hashlib; from triage.phantom.chest import make_chest; c = make_chest(11, 2, 24, "
        "matrix=64); print(hashlib.sha256(c.volume.hu.tobytes()).hexdigest(), c.nodules)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hashing, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
            timeout=250,
        ).stdout
        for hashing, threads in (("1", "1"), ("2", "2"))
    }
    here = make_chest(11, 2, 24, matrix=64)
    digest = hashlib.sha256(here.volume.hu.tobytes()).hexdigest()
    assert said == {f"{digest} {here.nodules}\n"}


def test_default_sampling_is_what_was_asked_for() -> None:
    wished = make_chest.__defaults__
    assert wished == (4, 240, (1.25, 0.7, 0.7))


def test_few_slices_lie_further_apart_and_cover_the_lung(small: PhantomChest) -> None:
    dz, dy, dx = small.volume.spacing_zyx_mm
    assert dz * (small.volume.shape_zyx[0] - 1) == pytest.approx(298, abs=1)
    assert (dy, dx) == pytest.approx((2.8, 2.8))


def test_many_slices_stay_within_a_chest() -> None:
    dense = make_chest(1, 0, 300, matrix=64)
    assert dense.volume.spacing_zyx_mm[0] * 299 == pytest.approx(330, abs=1)


@pytest.mark.parametrize(
    ("cuts", "bottom_open", "top_open"),
    [
        ({}, False, False),
        ({"cut_top_mm": 50.0}, False, True),
        ({"cut_bottom_mm": 60.0}, True, False),
        ({"cut_top_mm": 40.0, "cut_bottom_mm": 50.0}, True, True),
    ],
)
def test_lung_on_the_outer_slices_only_where_cut(
    cuts: dict[str, Any], bottom_open: bool, top_open: bool
) -> None:
    chest = make_chest(2, 2, 40, matrix=128, **cuts)
    area_mm2 = lung_air(chest.volume).sum((1, 2)) * np.prod(chest.volume.spacing_zyx_mm[1:])
    assert (area_mm2[0] > 2000) == bottom_open
    assert (area_mm2[-1] > 2000) == top_open
    if not bottom_open:
        assert area_mm2[0] == 0
    low, high = chest.volume.to_lps_mm((0, 0, 0))[2], chest.volume.to_lps_mm((39, 0, 0))[2]
    for nodule in chest.nodules:
        assert low < nodule.center_lps_mm[2] - nodule.diameter_mm / 2
        assert nodule.center_lps_mm[2] + nodule.diameter_mm / 2 < high


@pytest.mark.parametrize("seed", [0, 1, 2, 5, 8])
def test_lungs_are_the_size_and_density_of_lungs(seed: int) -> None:
    chest = make_chest(seed, 0, 60, matrix=128)
    lung = lung_air(chest.volume)
    assert 3.0 < lung.sum() * voxel_mm3(chest.volume) / 1e6 < 6.0
    assert -885 < float(chest.volume.hu[lung].mean()) < -815
    right, left = (lung[:, :, half].sum() for half in (slice(0, 64), slice(64, None)))
    assert 0.97 < right / left < 1.4  # the heart lies to the left


def test_the_back_of_the_lung_is_denser(sharp: PhantomChest) -> None:
    lung = lung_air(sharp.volume)
    half = sharp.volume.shape_zyx[1] // 2
    front = sharp.volume.hu[:, :half][lung[:, :half]]
    back = sharp.volume.hu[:, half:][lung[:, half:]]
    assert 10 < np.median(back) - np.median(front) < 60


# Where (x, y, z mm), radius mm, lowest and highest HU.
ANATOMY = [
    ("liver", (-70.0, -10.0, -125.0), 8.0, 40, 70),
    ("heart", (20.0, -35.0, -78.0), 8.0, 25, 65),
    ("descending aorta", (25.0, 39.0, -40.0), 4.0, 25, 60),
    ("trachea", (0.5, 6.0, 50.0), 3.0, -1010, -940),
    ("right main bronchus", (-20.0, 12.5, -11.0), 1.5, -1010, -780),
    ("vertebra", (0.0, 46.0, -2.0), 6.0, 60, 260),
    ("right lung", (-80.0, 10.0, 20.0), 12.0, -900, -750),
    ("left lung", (80.0, 10.0, 20.0), 12.0, -900, -750),
    ("air above", (0.0, -150.0, 0.0), 8.0, -1010, -980),
]


@pytest.mark.parametrize(("organ", "where", "radius", "low", "high"), ANATOMY)
def test_organs_lie_where_they_belong(
    sharp: PhantomChest,
    organ: str,
    where: tuple[float, float, float],
    radius: float,
    low: int,
    high: int,
) -> None:
    assert low < value_at(sharp.volume, where, radius) < high, organ


def test_noise_is_that_of_a_scan_and_correlated(sharp: PhantomChest) -> None:
    z, y, x = (round(c) for c in sharp.volume.to_zyx((-70.0, -10.0, -125.0)))
    liver = sharp.volume.hu[z, y - 14 : y + 14, x - 14 : x + 14].astype(float)
    assert 12 < liver.std() < 25
    flat = liver - liver.mean()
    assert (flat[:, 1:] * flat[:, :-1]).mean() / flat.var() > 0.15


def test_the_circle_is_padded_and_nothing_in_it_reads_as_padding(sharp: PhantomChest) -> None:
    hu = sharp.volume.hu
    n = hu.shape[1]
    y, x = np.ogrid[:n, :n]
    away = np.hypot(y - (n - 1) / 2, x - (n - 1) / 2)
    assert (hu[:, away > n / 2 + 1] == -1024).all()
    assert (hu[:, away < n / 2 - 1] > -1024).all()
    assert hu.max() <= 3071


def test_bone_has_cortex_and_marrow(sharp: PhantomChest) -> None:
    share = (sharp.volume.hu > 350).mean()
    assert 0.002 < share < 0.03
    assert sharp.volume.hu.max() > 600


@pytest.mark.parametrize(
    ("slices", "matrix", "wished", "got"),
    [
        (240, 512, (1.25, 0.7, 0.7), (1.25, 0.7, 0.7)),
        (300, 512, (1.0, 0.7, 0.7), (1.0, 0.7, 0.7)),
        (60, 256, (1.25, 0.7, 0.7), (5.0508, 1.4, 1.4)),
        (330, 512, (2.5, 0.8, 0.8), (1.003, 0.8, 0.8)),
    ],
)
def test_spacing_follows_wish_and_cover(
    slices: int,
    matrix: int,
    wished: tuple[float, float, float],
    got: tuple[float, float, float],
) -> None:
    assert sampling(slices, matrix, wished).spacing_zyx_mm == pytest.approx(got, abs=2e-4)

"""Nodules cut out of cubes: what they hang on, what they cover, how they turn; and their twins."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import ndimage

from tests.learn.insertion.made import LUNG_HU, TISSUE_HU, WALL_Y, ball_cube, lung
from triage.detect.prepare import normalise
from triage.learn.insertion.pieces import (
    LOOSE_OUTLINE,
    Host,
    covered,
    cut_out,
    levels,
    noise_of,
    thick,
    turn,
    twin_of,
)


@pytest.mark.parametrize(
    ("attached", "host"),
    [({}, Host.LUNG), ({"vessel": True}, Host.VESSEL), ({"wall": True}, Host.WALL)],
)
def test_what_it_hangs_on_is_seen(attached: dict[str, bool], host: Host) -> None:
    piece = cut_out(ball_cube(10.0, **attached))
    assert piece.hangs_on is host
    wall = (0.0, 1.0, 0.0) if host is Host.WALL else (0.0, 0.0, 0.0)
    assert piece.wall_zyx == pytest.approx(wall, abs=0.05)


def test_size_centre_and_cover_of_a_ball() -> None:
    piece = cut_out(ball_cube(12.0))
    assert piece.diameter_mm == pytest.approx(12.0 / LOOSE_OUTLINE ** (1 / 3), rel=0.03)
    assert piece.center_zyx == pytest.approx(ndimage.center_of_mass(piece.outline), abs=0.1)
    middle = tuple(round(c) for c in piece.center_zyx)
    assert piece.cover[middle] > 0.9
    # Past the outline and its softening nothing is covered: the host stays as it is.
    away = ndimage.distance_transform_edt(~piece.outline)
    assert piece.cover[away > 3.0].max(initial=0.0) < 0.01


@pytest.mark.parametrize("scale", [0.4, 0.7, 1.2])
def test_another_size_keeps_shape_and_says_its_size(scale: float) -> None:
    whole, scaled = cut_out(ball_cube(14.0)), cut_out(ball_cube(14.0), scale)
    assert scaled.diameter_mm == pytest.approx(whole.diameter_mm * scale, rel=0.03)
    made = scaled.diameter_mm / whole.diameter_mm
    assert scaled.thickness_mm == pytest.approx(whole.thickness_mm * made)
    volume = float(scaled.outline.sum()) / float(whole.outline.sum())
    assert volume == pytest.approx(made**3, rel=0.12)


def test_ground_glass_lets_the_host_through_and_solid_does_not() -> None:
    glass, solid = cut_out(ball_cube(16.0, core_hu=-600)), cut_out(ball_cube(16.0))
    middle = tuple(round(c) for c in glass.center_zyx)
    inside = tuple(slice(m - 2, m + 3) for m in middle)
    expected = (-600 - LUNG_HU) / (-150 - LUNG_HU)
    assert glass.cover[inside].mean() == pytest.approx(expected, abs=0.04)
    assert solid.cover[inside].mean() > 0.9
    # Laid on lung like its own, the glass has its own density again.
    again = normalise(np.array([LUNG_HU], np.float32)) * (1 - glass.cover[inside].mean())
    again += (glass.cover[inside] * glass.tissue[inside]).mean()
    assert float(again[0]) == pytest.approx(
        float(normalise(np.array([-600], np.float32))[0]), abs=0.02
    )


def test_levels_fall_back_where_there_is_no_lung_around() -> None:
    hu = np.full((31, 31, 31), TISSUE_HU, np.float32)
    outline = np.zeros(hu.shape, bool)
    outline[12:19, 12:19, 12:19] = True
    lung_hu, core_hu = levels(hu, outline)
    assert lung_hu == -850.0
    assert core_hu == pytest.approx(TISSUE_HU)


def test_thick_is_wall_and_not_vessel() -> None:
    dense = lung(0.0) > 0.4
    walls = thick(dense)
    assert walls[:, 82:].all()
    assert not walls[:, :76].any()
    assert dense[:, :76].any()
    assert not thick(np.zeros((9, 9, 9), bool)).any()


@pytest.mark.parametrize(
    ("quarter", "flips"), list(itertools.product(range(4), itertools.product([1, -1], repeat=3)))
)
def test_a_turned_piece_has_its_wall_where_it_says(
    quarter: int, flips: tuple[int, int, int]
) -> None:
    cube = ball_cube(10.0, wall=True)
    piece = turn(cut_out(cube), quarter, flips)
    # Turn the whole cube the same way and look again.
    window = tuple(slice(None, None, f) for f in flips)
    hu = np.rot90(cube.hu, quarter, (1, 2))[window]
    dense = np.argwhere(ndimage.binary_erosion(hu > -300, iterations=4)) - 25
    toward = dense.mean(0) / np.linalg.norm(dense.mean(0))
    assert piece.wall_zyx == pytest.approx(tuple(toward), abs=0.1)


def test_a_twin_wears_the_outline_and_holds_healthy_lung() -> None:
    piece = cut_out(ball_cube(12.0))
    window = tuple(slice(10, 10 + n) for n in piece.cover.shape)
    healthy = lung()[window]
    twin = twin_of(piece, healthy, np.zeros(healthy.shape, bool), 0.01)
    assert twin.twin
    assert not piece.twin
    assert np.array_equal(twin.outline, piece.outline)
    # Aerated lung covers next to nothing: laid anywhere, it changes next to nothing.
    assert twin.cover.max() < 0.15
    assert piece.cover.max() > 0.9


def test_a_twin_cut_across_a_vessel_holds_the_vessel_inside_the_outline_only() -> None:
    piece = cut_out(ball_cube(12.0))
    n = piece.cover.shape
    window = (slice(10, 10 + n[0]), slice(40 - n[1] // 2, 40 - n[1] // 2 + n[1]),
              slice(80 - n[2] // 2, 80 - n[2] // 2 + n[2]))  # fmt: skip
    twin = twin_of(piece, lung()[window], np.zeros(n, bool), 0.01)
    assert twin.cover[piece.outline].max() > 0.8
    away = ndimage.distance_transform_edt(~piece.outline)
    assert twin.cover[away > 3.0].max(initial=0.0) < 0.01


def test_a_twin_cut_beside_a_wall_holds_none_of_it() -> None:
    piece = cut_out(ball_cube(12.0, wall=True))
    n = piece.cover.shape
    window = (slice(10, 10 + n[0]), slice(WALL_Y - n[1] + 4, WALL_Y + 4), slice(10, 10 + n[2]))
    healthy = lung()[window]
    wall = np.zeros(n, bool)
    wall[:, -4:] = True
    assert twin_of(piece, healthy, np.zeros(n, bool), 0.01).cover.max() > 0.8
    assert twin_of(piece, healthy, wall, 0.01).cover.max() < 0.2


@pytest.mark.parametrize("noise_hu", [8.0, 20.0, 40.0])
def test_noise_is_read_from_quiet_lung(noise_hu: float) -> None:
    volume = lung(noise_hu)
    told = noise_of(volume, volume < 0.3) * 1400
    assert told == pytest.approx(noise_hu, rel=0.2)
    assert noise_of(volume, np.zeros(volume.shape, bool)) == 0.0


def test_cover_and_tissue_are_finite_for_any_outline() -> None:
    hu = np.full((9, 9, 9), LUNG_HU, np.float32)
    cover, tissue = covered(hu, np.zeros(hu.shape, bool), LUNG_HU, LUNG_HU)
    assert np.isfinite(cover).all()
    assert np.isfinite(tissue).all()
    assert cover.max() == 0.0

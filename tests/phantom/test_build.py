"""Proportions: within what adults are, smooth along the body, different from seed to seed."""

from __future__ import annotations

import numpy as np
import pytest

from triage.phantom.build import LUNG_BOTTOM_MM, LUNG_TOP_MM, Build, build

SEEDS = range(20)
HEIGHTS_MM = np.linspace(-190, 125, 400).astype(np.float32)


@pytest.fixture(scope="module")
def bodies() -> list[Build]:
    return [build(np.random.default_rng(s)) for s in SEEDS]


def test_both_sexes_and_no_two_alike(bodies: list[Build]) -> None:
    assert {b.sex for b in bodies} == {"F", "M"}
    assert len({b.width for b in bodies}) == len(bodies)


def test_the_right_dome_is_the_higher(bodies: list[Build]) -> None:
    assert all(b.dome_right_mm > b.dome_left_mm for b in bodies)


def test_the_cage_lies_within_the_skin(bodies: list[Build]) -> None:
    low = HEIGHTS_MM < 60
    for body in bodies:
        side, width, middle, depth = (c[low] for c in body.cage(HEIGHTS_MM))
        skin_width, skin_depth, back = (c[low] for c in body.skin(HEIGHTS_MM))
        assert (side + width + 8 < skin_width).all()
        assert (middle + depth + 8 < back).all()
        assert (middle - depth - 8 > back - 2 * skin_depth).all()


def test_tables_run_smoothly(bodies: list[Build]) -> None:
    for rows in (bodies[0].cage(HEIGHTS_MM), bodies[0].skin(HEIGHTS_MM)):
        for row in rows:
            assert np.abs(np.diff(row)).max() < 4  # mm a step of 0.8 mm


def test_the_cage_closes_above_the_lungs(bodies: list[Build]) -> None:
    top = np.array([LUNG_TOP_MM], np.float32)
    assert float(bodies[0].cage(top)[1][0]) < 5
    assert min(b.dome_left_mm for b in bodies) - 40 > LUNG_BOTTOM_MM


def test_the_spine_lies_behind_the_middle_and_within_the_back(bodies: list[Build]) -> None:
    for body in bodies:
        x, y = body.spine(HEIGHTS_MM)
        assert np.abs(x).max() <= 3
        assert (y > 30).all()
        assert (y + 51 < body.skin(HEIGHTS_MM)[2] + 2).all()


@pytest.mark.parametrize("right", [True, False])
def test_the_mediastinum_is_narrow_in_front_and_wide_at_the_hilum(right: bool) -> None:
    z, y, reach = build(np.random.default_rng(0)).medial(right)
    assert reach.shape == (len(z), len(y))
    carina = int(np.argmin(np.abs(z + 20)))
    assert reach[carina, 0] < 6
    assert reach[carina, 3] > 25
    assert (reach > 0).all()

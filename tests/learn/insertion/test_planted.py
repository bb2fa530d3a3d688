"""Nodules and twins laid into a host: where, how thick, how noisy, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.learn.insertion.made import SHAPE, VESSEL_YX, WALL_Y, ball_cube, ground
from triage.learn.insertion.ground import STEP, places, survey, wall_direction
from triage.learn.insertion.lay import lay, sharpness, slice_weights
from triage.learn.insertion.pieces import Host, Piece, cut_out, noise_of
from triage.learn.insertion.planted import APART_MM, plant
from triage.learn.scans import Target

ATTACHED: dict[Host, dict[str, bool]] = {
    Host.LUNG: {}, Host.VESSEL: {"vessel": True}, Host.WALL: {"wall": True},
}  # fmt: skip


def piece_on(host: Host, diameter_mm: float = 10.0) -> Piece:
    return cut_out(ball_cube(diameter_mm, **ATTACHED[host]))


def gaps(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the vessel's skin and to the wall, mm."""
    vessel = np.hypot(points[:, 1] - VESSEL_YX[0], points[:, 2] - VESSEL_YX[1]) - 2.0
    return vessel, WALL_Y - points[:, 1].astype(float)


@pytest.mark.parametrize("radius_mm", [3.0, 6.0])
def test_places_are_of_their_kind(radius_mm: float) -> None:
    host = ground()
    vessel, wall = gaps(places(host, radius_mm, Host.LUNG))
    assert len(vessel) > 100
    assert min(vessel.min(), wall.min()) >= radius_mm
    vessel, wall = gaps(places(host, radius_mm, Host.VESSEL))
    assert len(vessel) > 20
    assert vessel.max() <= radius_mm + STEP
    assert wall.min() >= radius_mm
    _, wall = gaps(places(host, radius_mm, Host.WALL))
    assert len(wall) > 100
    assert wall.max() <= radius_mm + STEP
    assert wall.min() > 0


def test_no_place_lies_in_an_airway() -> None:
    host = ground()
    assert len(places(host, 3.0, Host.LUNG))
    hollow = host.volume.copy()
    hollow[hollow < 0.4] = 0.0
    empty = survey(hollow, np.ones(SHAPE, bool), 1.0, 1.0)
    assert not len(places(empty, 3.0, Host.LUNG))


def test_the_wall_is_found_where_it_is() -> None:
    toward = wall_direction(ground(), np.array([48, WALL_Y - 6, 30]))
    assert toward == pytest.approx((0, 1, 0), abs=0.05)


@pytest.mark.parametrize("host", list(Host))
def test_a_planted_nodule_lies_where_it_is_said_and_nothing_else_changes(host: Host) -> None:
    earth = ground()
    planted = plant(earth, [], [piece_on(host)], np.random.default_rng(1), twins=False)
    [planting] = planted.plantings
    assert (planting.hangs_on, planting.twin, planting.target.positive) == (host, False, True)
    z, y, x = (round(c) for c in planting.target.zyx)
    assert planted.volume[z, y, x] > 0.6
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), -1)
    far = np.linalg.norm(grid - np.array(planting.target.zyx), axis=-1) > 12
    assert np.array_equal(planted.volume[far], earth.volume[far])


def test_a_wall_nodule_turns_its_wall_to_the_wall() -> None:
    planted = plant(ground(), [], [piece_on(Host.WALL)] * 4, np.random.default_rng(2), twins=False)
    assert planted.plantings
    for planting in planted.plantings:
        # Between its middle and the wall there is no gap of air.
        z, y, x = (round(c) for c in planting.target.zyx)
        assert planted.volume[z, y:WALL_Y, x].min() > 0.4


@pytest.mark.parametrize("host", list(Host))
def test_every_nodule_has_a_twin_of_its_kind_elsewhere(host: Host) -> None:
    planted = plant(ground(), [], [piece_on(host, 8.0)], np.random.default_rng(3))
    nodule, twin = planted.plantings
    assert (nodule.twin, twin.twin) == (False, True)
    assert (twin.patient, twin.hangs_on) == (nodule.patient, host)
    assert not twin.target.positive
    assert np.linalg.norm(np.subtract(nodule.target.zyx, twin.target.zyx)) >= APART_MM


def test_a_twin_at_a_wall_adds_no_lump_to_it() -> None:
    earth = ground()
    for seed in range(6):
        planted = plant(earth, [], [piece_on(Host.WALL, 10.0)], np.random.default_rng(seed))
        twins = [p for p in planted.plantings if p.twin]
        for twin in twins:
            z, y, x = (round(c) for c in twin.target.zyx)
            near = (slice(z - 4, z + 5), slice(y - 4, WALL_Y - 4), slice(x - 4, x + 5))
            assert planted.volume[near].max() < 0.4


def test_wall_is_known_in_any_box() -> None:
    wall = ground().wall_in((10, WALL_Y - 10, 20), (7, 15, 9))
    assert wall.shape == (7, 15, 9)
    assert not wall[:, :6].any()
    assert wall[:, 11:].all()


def test_what_the_host_holds_is_kept_clear() -> None:
    held = [Target((z, y, 40.0), 8.0, False) for z in (20.0, 48.0, 76.0) for y in (20.0, 50.0)]
    planted = plant(ground(), held, [piece_on(Host.LUNG, 6.0)] * 5, np.random.default_rng(5))
    for planting in planted.plantings:
        for other in held:
            gap = np.linalg.norm(np.subtract(planting.target.zyx, other.zyx))
            assert gap >= APART_MM
    assert len(planted.plantings) + 2 * len(planted.left_out) >= 10 - len(planted.left_out)


def test_a_host_without_a_place_leaves_the_nodule_out_by_name() -> None:
    planted = plant(ground(), [], [piece_on(Host.LUNG, 31.0)] * 9, np.random.default_rng(6))
    assert planted.left_out
    assert set(planted.left_out) == {"P-1"}


def test_the_same_seed_plants_the_same() -> None:
    pieces = [piece_on(h, 8.0) for h in Host]
    one, two = (plant(ground(), [], pieces, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one.volume, two.volume)
    assert one.plantings == two.plantings


def test_a_piece_that_sticks_out_is_refused() -> None:
    earth = ground()
    with pytest.raises(ValueError, match="sticks out"):
        lay(earth.volume, piece_on(Host.LUNG), (-1, 0, 0), earth, np.random.default_rng(0))


@pytest.mark.parametrize(("spacing_mm", "thickness_mm"), [(2.5, 2.5), (1.25, 1.25), (1.0, 2.0)])
def test_slices_are_thick_and_lines_between_them_straight(
    spacing_mm: float, thickness_mm: float
) -> None:
    earth = ground(spacing_mm, thickness_mm)
    seen = slice_weights(16, 56, earth, 0.0)
    middle = seen[12:-12]
    assert middle.sum(1) == pytest.approx(np.ones(len(middle)), abs=0.02)
    step = seen @ (np.arange(40) >= 20).astype(float)
    rise_mm = int(((step > 0.05) & (step < 0.95)).sum())
    assert rise_mm >= thickness_mm - 1
    if spacing_mm == 2.5:
        # Planes 20, 22.5, 25 mm are slices: between them the answer is linear.
        at = seen @ np.sin(np.arange(40) / 3)
        assert at[9 - 6 + 16 - 16 + 1] == pytest.approx(at[9 - 6 + 1], abs=1e-9)
        assert at[21 - 16] == pytest.approx(at[20 - 16] * 0.6 + _slice(at, 22.5) * 0.4, abs=1e-6)


def _slice(at: np.ndarray, mm: float) -> float:
    """The value at a slice between two planes, from the planes after it (they lie on a line)."""
    after, next_ = int(np.ceil(mm)), int(np.ceil(mm)) + 1
    slope = at[next_ - 16] - at[after - 16]
    return float(at[after - 16] - slope * (after - mm))


def test_thin_slices_and_thick_donors_are_left_as_they_are() -> None:
    assert np.array_equal(slice_weights(0, 20, ground(), 1.0), np.eye(20))
    thick = slice_weights(16, 56, ground(2.5, 2.5), 2.5)
    thin = slice_weights(16, 56, ground(2.5, 2.5), 0.0)
    assert (thick > 0).sum() < (thin > 0).sum()


def test_a_window_sees_the_slices_where_the_whole_does() -> None:
    whole = ground(2.5, 2.5)
    part = whole.window((8, 0, 0), 64)
    assert np.allclose(slice_weights(10, 40, part, 0.0), slice_weights(18, 48, whole, 0.0))
    assert np.array_equal(part.volume, whole.volume[8:72, :64, :64])
    assert part.to_wall_mm.shape == (32, 32, 32)


@pytest.mark.parametrize(("own", "host"), [(10.0, 30.0), (45.0, 20.0)])
def test_a_piece_is_made_as_noisy_as_its_host(own: float, host: float) -> None:
    earth = ground(noise_hu=host)
    cube = ball_cube(24.0, noise_hu=own)
    piece = cut_out(cube)
    inside = np.zeros(piece.cover.shape, bool)
    z, y, x = (round(c) for c in piece.center_zyx)
    inside[z - 5 : z + 6, y - 5 : y + 6, x - 5 : x + 6] = True

    def laid(cover: np.ndarray, matter: np.ndarray) -> float:
        """Noise inside, once it lies in lung."""
        return noise_of((0.1 * (1.0 - cover) + matter).astype(np.float32), inside)

    before = laid(piece.cover, piece.cover * piece.tissue)
    after = laid(*sharpness(piece, earth, np.random.default_rng(9)))
    assert abs(after - earth.noise) < 0.5 * abs(before - earth.noise)
    assert (after > before) == (own < host)
